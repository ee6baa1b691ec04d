//! Times as people write them in an address: RFC 3339, or a shorter form of it in UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time; expected one such as 2024-07-19T05:27:00Z, 2024-07-19T05:27Z or 2024-07-19, in UTC")]
pub struct MomentError(String);

/// Reads a moment. A `+` that a form's encoding turned into a space is read as it was meant.
///
/// # Errors
/// If the text is no time.
pub fn parse_moment(text: &str) -> Result<DateTime<Utc>, MomentError> {
    let meant = text.trim().replace(' ', "+");
    if let Ok(time) = DateTime::parse_from_rfc3339(&meant) {
        return Ok(time.to_utc());
    }
    let plain = meant.strip_suffix('Z').unwrap_or(&meant);
    let to_the_minute = NaiveDateTime::parse_from_str(plain, "%Y-%m-%dT%H:%M");
    let to_the_second = || NaiveDateTime::parse_from_str(plain, "%Y-%m-%dT%H:%M:%S");
    let to_the_day = || NaiveDate::parse_from_str(plain, "%Y-%m-%d").map(|day| day.and_time(chrono::NaiveTime::MIN));
    let time = to_the_minute.or_else(|_| to_the_second()).or_else(|_| to_the_day());
    time.map(|time| time.and_utc()).map_err(|_| MomentError(text.chars().take(80).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment_is_the_same() {
        let expected: DateTime<Utc> = "2024-07-19T05:27:00Z".parse().unwrap();
        let forms = [
            "2024-07-19T05:27:00Z",
            "2024-07-19T07:27:00+02:00",
            "2024-07-19T07:27:00 02:00",
            "2024-07-19T05:27Z",
            "2024-07-19T05:27",
            "2024-07-19T05:27:00",
            "2024-07-19T05:27:00.000Z",
        ];
        for form in forms {
            assert_eq!(parse_moment(form).as_ref(), Ok(&expected), "{form}");
        }
        assert_eq!(parse_moment("2024-07-19").unwrap().to_rfc3339(), "2024-07-19T00:00:00+00:00");
    }

    #[test]
    fn what_is_no_time_says_what_was_expected() {
        for text in ["", "yesterday", "05:27", "2024-13-01", "1721366820"] {
            assert!(parse_moment(text).unwrap_err().to_string().contains("2024-07-19T05:27Z"), "{text}");
        }
    }
}
