//! Times as people write them, in an address and on a command line: RFC 3339 or a shorter form of it in UTC, a time of
//! today, or so long ago. What is relative is settled with a clock that is given; how precisely a time was stated says
//! how long it lasts.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use entente_schemas::header::Fidelity;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    form: Form,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    At(DateTime<Utc>),
    Today(NaiveTime),
    FromNow(TimeDelta),
}

/// The unit that a time was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Instant,
    Second,
    Minute,
    Day,
}

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time with its day; expected one such as 2024-07-19T05:27:00Z, 2024-07-19T05:27Z or 2024-07-19, in UTC"
)]
pub struct MomentError(String);

/// A text that is neither a time nor a distance from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Moment::EXPECTED)]
pub struct NoMoment;

/// Reads a time that means the same whenever it is read, as an address needs it. A `+` that a form's encoding turned
/// into a space is read as it was meant.
///
/// # Errors
/// If the text is no time.
pub fn parse_moment(text: &str) -> Result<DateTime<Utc>, MomentError> {
    lasting(text).map(|(time, _)| time).ok_or_else(|| MomentError(text.chars().take(80).collect()))
}

/// Reads a time as [`parse_moment`] does and gives the last instant of the unit that it is written to: what was logged
/// within a stated second or minute was logged by then.
pub(crate) fn end_of(text: &str) -> Option<DateTime<Utc>> {
    lasting(text).map(|(time, unit)| unit.end(time))
}

impl Moment {
    /// What a time may look like, for messages.
    pub const EXPECTED: &'static str =
        "a time such as 04:09 (today, UTC), -20m, +2h, now, 2024-07-19 or 2024-07-19T04:09:00Z";

    /// The time at which it begins, given what the clock shows.
    #[must_use]
    pub fn settle(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.form {
            Form::At(time) => time,
            Form::Today(time) => now.date_naive().and_time(time).and_utc(),
            Form::FromNow(distance) => whole_seconds(now.checked_add_signed(distance).unwrap_or(now)),
        }
    }

    /// The last instant of the unit that it is written to: `04:09` ends with its minute.
    #[must_use]
    pub fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.unit.end(self.settle(now))
    }

    /// To which unit the time was stated. RFC 3339 cannot leave the seconds out, so that none of them tell of a minute.
    #[must_use]
    pub fn fidelity(self) -> Fidelity {
        let has_seconds = match self.form {
            Form::At(time) => time.second() + time.nanosecond() > 0,
            Form::Today(time) => time.second() + time.nanosecond() > 0,
            Form::FromNow(_) => false,
        };
        match self.unit {
            Unit::Day => Fidelity::Day,
            _ if has_seconds => Fidelity::Second,
            _ => Fidelity::Minute,
        }
    }

    /// Whether it is a time of today that is still to come, which cannot be meant of something that has begun.
    #[must_use]
    pub fn is_still_to_come(self, now: DateTime<Utc>) -> bool {
        matches!(self.form, Form::Today(_)) && self.settle(now) > now + TimeDelta::minutes(1)
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let at = || lasting(text).map(|(time, unit)| (Form::At(time), unit));
        let today = || time_of_day(text).map(|(time, unit)| (Form::Today(time), unit));
        let distance = || from_now(text).map(|distance| (Form::FromNow(distance), Unit::Second));
        at().or_else(today).or_else(distance).map(|(form, unit)| Self { form, unit }).ok_or(NoMoment)
    }
}

impl Unit {
    fn end(self, begin: DateTime<Utc>) -> DateTime<Utc> {
        let length = match self {
            Self::Instant => return begin,
            Self::Second => TimeDelta::seconds(1),
            Self::Minute => TimeDelta::minutes(1),
            Self::Day => TimeDelta::days(1),
        };
        begin.checked_add_signed(length - TimeDelta::nanoseconds(1)).unwrap_or(begin)
    }
}

/// A time that does not depend on the clock.
fn lasting(text: &str) -> Option<(DateTime<Utc>, Unit)> {
    let text = text.trim();
    let meant = text.replace(' ', "+");
    if let Ok(time) = DateTime::parse_from_rfc3339(&meant) {
        let unit = if text.contains('.') { Unit::Instant } else { Unit::Second };
        return Some((time.to_utc(), unit));
    }
    let plain = without_zone(text).replace(' ', "T");
    let read = |format| NaiveDateTime::parse_from_str(&plain, format).ok();
    let second = || read("%Y-%m-%dT%H:%M:%S").map(|time| (time.and_utc(), Unit::Second));
    let minute = || read("%Y-%m-%dT%H:%M").map(|time| (time.and_utc(), Unit::Minute));
    let day = || NaiveDate::parse_from_str(&plain, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    second().or_else(minute).or_else(|| day().map(|day| (day, Unit::Day)))
}

fn time_of_day(text: &str) -> Option<(NaiveTime, Unit)> {
    let plain = without_zone(text);
    let read = |format| NaiveTime::parse_from_str(plain, format).ok();
    read("%H:%M:%S").map(|time| (time, Unit::Second)).or_else(|| read("%H:%M").map(|time| (time, Unit::Minute)))
}

fn without_zone(text: &str) -> &str {
    text.strip_suffix(['Z', 'z']).unwrap_or(text)
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

fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// Seconds in a length of time such as `90s`, `20m`, `1h30m`, `2d`; none if the text is no such length.
#[must_use]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2024-07-19T05:30:12.5Z".parse().unwrap()
    }

    #[test]
    fn every_form_of_one_moment_is_the_same() {
        let expected: DateTime<Utc> = "2024-07-19T05:27:00Z".parse().unwrap();
        let forms = [
            "2024-07-19T05:27:00Z",
            "2024-07-19T07:27:00+02:00",
            "2024-07-19T07:27:00 02:00",
            "2024-07-19T05:27Z",
            "2024-07-19T05:27",
            "2024-07-19 05:27",
            "2024-07-19 05:27:00",
            "2024-07-19T05:27:00",
            "2024-07-19T05:27:00.000Z",
        ];
        for form in forms {
            assert_eq!(parse_moment(form).as_ref(), Ok(&expected), "{form}");
        }
        assert_eq!(parse_moment("2024-07-19").unwrap().to_rfc3339(), "2024-07-19T00:00:00+00:00");
    }

    #[test]
    fn what_is_no_lasting_time_says_what_was_expected() {
        for text in ["", "yesterday", "05:27", "-20m", "now", "2024-13-01", "1721366820"] {
            assert!(parse_moment(text).unwrap_err().to_string().contains("2024-07-19T05:27Z"), "{text}");
        }
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
            let moment: Moment = text.parse().unwrap();
            assert_eq!((moment.settle(now()).to_rfc3339().as_str(), moment.fidelity()), (time, fidelity), "{text}");
        }
    }

    #[test]
    fn a_time_lasts_as_long_as_the_unit_that_it_is_written_to() {
        for (text, end) in [
            ("2024-07-19T04:09:07Z", "2024-07-19T04:09:07.999999999Z"),
            ("2024-07-19T04:09:07.25Z", "2024-07-19T04:09:07.250Z"),
            ("2024-07-19T04:09Z", "2024-07-19T04:09:59.999999999Z"),
            ("2024-07-18", "2024-07-18T23:59:59.999999999Z"),
            ("04:09", "2024-07-19T04:09:59.999999999Z"),
            ("04:09:01", "2024-07-19T04:09:01.999999999Z"),
            ("-20m", "2024-07-19T05:10:12.999999999Z"),
        ] {
            let end: DateTime<Utc> = end.parse().unwrap();
            assert_eq!(text.parse::<Moment>().unwrap().end(now()), end, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_what_was_expected() {
        for text in ["", "-", "noon", "25:00", "20m", "-20x", "-m", "2024-13-01", "-99999999999999999999d", "é"] {
            assert!(text.parse::<Moment>().unwrap_err().to_string().contains("expected a time such as"), "{text}");
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
        assert_eq!((seconds("1h30m"), seconds("2d")), (Some(5_400), Some(172_800)));
        for text in ["", "90", "m", "1 h", "18446744073709551615d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
