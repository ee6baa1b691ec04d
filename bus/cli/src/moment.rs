//! Times as people write them: RFC 3339, a date, a time of today (UTC), or so long ago. What is relative is settled with
//! a clock that is given; how precisely a time was stated becomes its fidelity.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use entente_schemas::header::Fidelity;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A date and a time of day.
    At(DateTime<Utc>),
    /// A date alone.
    Day(NaiveDate),
    /// A time of today.
    Today(NaiveTime),
    /// So long before (negative) or after now.
    FromNow(TimeDelta),
}

/// What a time may look like, for messages.
pub const EXPECTED: &str = "a time such as 04:09 (today, UTC), -20m, +2h, now, 2024-07-19 or 2024-07-19T04:09:00Z";

impl Moment {
    /// The time, given what the clock shows.
    pub fn settle(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
            Self::Today(time) => now.date_naive().and_time(time).and_utc(),
            Self::FromNow(distance) => whole_seconds(now.checked_add_signed(distance).unwrap_or(now)),
        }
    }

    /// To which unit the time was stated.
    pub fn fidelity(self) -> Fidelity {
        let seconds = |time: NaiveTime| time.format("%S%.f").to_string() != "00";
        match self {
            Self::Day(_) => Fidelity::Day,
            Self::At(time) if seconds(time.time()) => Fidelity::Second,
            Self::Today(time) if seconds(time) => Fidelity::Second,
            _ => Fidelity::Minute,
        }
    }

    /// Whether it is a time of today that is still to come, which cannot be meant of something that has begun.
    pub fn is_still_to_come(self, now: DateTime<Utc>) -> bool {
        matches!(self, Self::Today(_)) && self.settle(now) > now + TimeDelta::minutes(1)
    }
}

fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        date_and_time(text)
            .map(Self::At)
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self::Day))
            .or_else(|| time_of_day(text).map(Self::Today))
            .or_else(|| from_now(text).map(Self::FromNow))
            .ok_or_else(|| format!("expected {EXPECTED}"))
    }
}

fn date_and_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let naive = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(naive, format).ok()).map(|time| time.and_utc())
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

fn from_now(text: &str) -> Option<TimeDelta> {
    if text == "now" {
        return Some(TimeDelta::zero());
    }
    let seconds = i64::try_from(seconds(text.get(1..)?)?).ok()?;
    let distance = TimeDelta::try_seconds(seconds)?;
    match text.get(..1)? {
        "-" => Some(-distance),
        "+" => Some(distance),
        _ => None,
    }
}

/// Seconds in a length of time such as `90s`, `20m`, `1h30m`, `2d`.
pub fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = tail.get(1..)?;
    }
    (!text.is_empty()).then_some(total)
}

/// A length of time, for flags.
///
/// # Errors
/// If the text is none.
pub fn length(text: &str) -> Result<std::time::Duration, String> {
    let milliseconds = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    milliseconds
        .map(std::time::Duration::from_millis)
        .or_else(|| seconds(text).map(std::time::Duration::from_secs))
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "expected a length of time such as 90s, 20m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2024-07-19T05:30:12.5Z".parse().unwrap()
    }

    fn settled(text: &str) -> (String, Fidelity) {
        let moment: Moment = text.parse().unwrap();
        (moment.settle(now()).to_rfc3339(), moment.fidelity())
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, time, fidelity) in [
            ("2024-07-19T04:09:07Z", "2024-07-19T04:09:07+00:00", Fidelity::Second),
            ("2024-07-19T06:09:00+02:00", "2024-07-19T04:09:00+00:00", Fidelity::Minute),
            ("2024-07-19T04:09Z", "2024-07-19T04:09:00+00:00", Fidelity::Minute),
            ("2024-07-19 04:09", "2024-07-19T04:09:00+00:00", Fidelity::Minute),
            ("2024-07-18", "2024-07-18T00:00:00+00:00", Fidelity::Day),
            ("04:09", "2024-07-19T04:09:00+00:00", Fidelity::Minute),
            ("04:09:01", "2024-07-19T04:09:01+00:00", Fidelity::Second),
            ("-20m", "2024-07-19T05:10:12+00:00", Fidelity::Minute),
            ("+1h30m", "2024-07-19T07:00:12+00:00", Fidelity::Minute),
            ("-2d", "2024-07-17T05:30:12+00:00", Fidelity::Minute),
            ("now", "2024-07-19T05:30:12+00:00", Fidelity::Minute),
        ] {
            assert_eq!(settled(text), (time.to_owned(), fidelity), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_what_was_expected() {
        for text in ["", "-", "noon", "25:00", "20m", "-20x", "-m", "2024-13-01", "-99999999999999999999d", "é"] {
            assert!(text.parse::<Moment>().unwrap_err().contains("expected a time such as"), "{text}");
        }
    }

    #[test]
    fn a_time_of_today_that_is_still_to_come_is_noticed() {
        assert!("23:50".parse::<Moment>().unwrap().is_still_to_come(now()));
        assert!(!"05:30".parse::<Moment>().unwrap().is_still_to_come(now()));
        assert!(!"+1h".parse::<Moment>().unwrap().is_still_to_come(now()));
    }

    #[test]
    fn a_length_of_time_needs_a_unit() {
        assert_eq!(seconds("1h30m"), Some(5_400));
        assert_eq!(length("1s"), Ok(std::time::Duration::from_secs(1)));
        for text in ["", "90", "m", "0s", "1 h", "18446744073709551615d"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
