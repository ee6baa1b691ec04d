//! Times as providers write them, into instants. One that cannot be meant, before 2000 or over ten years ahead, is
//! refused; one without a zone is never guessed at.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use entente_schemas::check::plausible;
use entente_schemas::header::{Fidelity, Times};

/// As a number of seconds it is the year 5138, of milliseconds 1973.
const SECONDS_END: i64 = 100_000_000_000;

/// How far a provider's clock may be ahead of the one that observes it.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// RFC 3339 as it is written by those who do not know it.
const LOOSE: &str = "%Y-%m-%dT%H:%M:%S%.f %#z";

/// Why a provider's time is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Not of the format.
    #[error("`{0}` is no time as this feed writes it")]
    Format(String),
    /// Not a time that can be meant.
    #[error("the time {0} is before 2000 or over ten years ahead")]
    Implausible(String),
}

/// A time that is not taken, with the name of the member that it stood in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("member `{member}`: {error}")]
pub struct MemberError {
    /// The member's name.
    pub member: &'static str,
    /// What is wrong with it.
    pub error: StampError,
}

/// Reads the time of a member.
///
/// # Errors
/// If it is none, or cannot be meant.
pub fn member(name: &'static str, text: &str, observed: DateTime<Utc>) -> Result<DateTime<Utc>, MemberError> {
    instant(text, observed).map_err(|error| MemberError { member: name, error })
}

/// Reads the time of a member that may be absent or empty.
///
/// # Errors
/// If there is a text that is no time, or cannot be meant.
pub fn optional(
    name: &'static str,
    text: Option<&str>,
    observed: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, MemberError> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| member(name, text, observed)).transpose()
}

/// Reads an instant: RFC 3339, as some write it also with a space before its parts, `UTC` or `+0000` for the zone; or the
/// seconds or milliseconds since 1970.
///
/// # Errors
/// If it is none, or cannot be meant.
pub fn instant(text: &str, observed: DateTime<Utc>) -> Result<DateTime<Utc>, StampError> {
    let trimmed = text.trim();
    let zone = trimmed.strip_suffix("UTC").map(|rest| Cow::Owned(format!("{rest}+0000")));
    let loose = zone.unwrap_or(Cow::Borrowed(trimmed)).replacen(' ', "T", 1);
    let time = DateTime::parse_from_rfc3339(trimmed).or_else(|_| DateTime::parse_from_str(&loose, LOOSE));
    let time = time.map(|time| time.with_timezone(&Utc)).ok().or_else(|| since_1970(trimmed));
    meant(time.ok_or_else(|| format_error(text))?, observed)
}

/// Of so many digits that no other unit can be meant.
fn since_1970(text: &str) -> Option<DateTime<Utc>> {
    let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))?;
    (text.len() == 10 || text.len() == 13).then(|| epoch(number)).flatten()
}

/// The time of a number of seconds, or of so many that only milliseconds can be meant.
fn epoch(number: i64) -> Option<DateTime<Utc>> {
    if number < SECONDS_END { DateTime::from_timestamp(number, 0) } else { DateTime::from_timestamp_millis(number) }
}

/// Reads seconds since 1970, or milliseconds.
///
/// # Errors
/// If they are outside the calendar, or cannot be meant.
pub fn since_epoch(number: i64, observed: DateTime<Utc>) -> Result<DateTime<Utc>, StampError> {
    meant(epoch(number).ok_or_else(|| StampError::Implausible(number.to_string()))?, observed)
}

/// Passes a time on if it can be meant.
///
/// # Errors
/// If it is before 2000 or over ten years after `observed`.
pub fn meant(time: DateTime<Utc>, observed: DateTime<Utc>) -> Result<DateTime<Utc>, StampError> {
    if plausible(time, observed) { Ok(time) } else { Err(StampError::Implausible(time.to_rfc3339())) }
}

/// The stamp of a version as far as it tells which of two is newer: one that is over five minutes ahead of `observed` tells
/// nothing, since it would make every version look old that is stamped with the right time.
#[must_use]
pub fn orders(stamp: Option<DateTime<Utc>>, observed: DateTime<Utc>) -> Option<DateTime<Utc>> {
    stamp.filter(|stamp| *stamp <= observed + AHEAD)
}

/// How far a time of a feed that writes seconds can be trusted: people round to minutes.
#[must_use]
pub fn fidelity(time: DateTime<Utc>) -> Fidelity {
    if time.second() == 0 && time.nanosecond() == 0 { Fidelity::Minute } else { Fidelity::Second }
}

/// A time as object ids hold it: UTC, seconds, `Z`.
#[must_use]
pub fn utc_seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The clocks of a claim of which nothing is known but when it was seen.
#[must_use]
pub fn only_observed(observed: DateTime<Utc>) -> Times {
    Times {
        published_at: None,
        occurred_at: None,
        occurred_end: None,
        fidelity: None,
        observed_at: observed,
        confirmed_at: None,
    }
}

fn format_error(text: &str) -> StampError {
    StampError::Format(text.chars().take(60).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_be_meant_are_refused() {
        let now = instant("2024-07-19T05:00:00Z", DateTime::UNIX_EPOCH + chrono::Duration::days(20_000)).unwrap();
        let expected = instant("2024-07-19T04:09:00Z", now).unwrap();
        for text in [
            "2024-07-19T06:09:00+02:00",
            " 2024-07-19 04:09:00 UTC ",
            "2024-07-19 06:09:00 +0200",
            "2024-07-19T04:09:00.000000+0000",
            "2024-07-19 04:09:00+00",
            "1721362140",
            "1721362140000",
        ] {
            assert_eq!(instant(text, now).as_ref(), Ok(&expected), "{text}");
        }
        for text in [
            "1999-12-31T23:59:59Z",
            "2044-01-01T00:00:00Z",
            "2024-07-19",
            "2024-07-19T04:09:00",
            "",
            "UTC",
            "20240719",
            "99999999999",
            "-1721362140",
            "2024-07-19 04:09:00 CEST",
        ] {
            assert!(instant(text, now).is_err(), "{text} was taken");
        }
        for number in [i64::MIN, -1, 0, i64::MAX, 4_102_444_800, 4_102_444_800_000, -1_721_362_140_000] {
            assert!(since_epoch(number, now).is_err(), "{number} was taken");
        }
        assert_eq!(since_epoch(1_721_362_140_000, now), since_epoch(1_721_362_140, now));
    }

    #[test]
    fn a_stamp_from_the_future_orders_nothing() {
        let time = |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
        for (ahead, counts) in [(-9_000, true), (0, true), (300, true), (301, false), (86_400 * 40, false)] {
            assert_eq!(orders(Some(time(ahead)), time(0)).is_some(), counts, "{ahead}");
        }
        assert_eq!(orders(None, time(0)), None);
    }

    #[test]
    fn a_round_minute_is_trusted_to_the_minute() {
        let time = |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
        assert_eq!(fidelity(time(40)), Fidelity::Minute);
        assert_eq!(fidelity(time(41)), Fidelity::Second);
    }
}
