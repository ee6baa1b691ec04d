//! Times as recordings hold them, whatever wrote them: parts in an object, RFC 3339, seconds since 1970; and the forms in
//! which each protocol says them.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

/// Names of members that hold times end like this.
const ENDINGS: [&str; 6] = ["Time", "Since", "Date", "NotBefore", "NotAfter", "NotBeforeDeadline"];

/// A time, in the form that recordings have.
pub(super) fn stated(time: DateTime<Utc>) -> Value {
    json!({ "__class__": "datetime", "rfc3339": time.to_rfc3339_opts(SecondsFormat::Millis, true) })
}

/// The time that a member holds, if it does.
pub(super) fn read(name: &str, value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Object(parts) if parts.get("__class__").is_some_and(|class| class == "datetime") => from_parts(value),
        Value::String(text) if is_time(name) => text.parse().ok(),
        Value::Number(number) if is_time(name) => from_seconds(number.as_f64()?),
        _ => None,
    }
}

/// Seconds since 1970 with milliseconds, as JSON and CBOR carry them.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age of the world are exact")]
pub(super) fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1_000.0
}

/// RFC 3339 with milliseconds, as XML carries them.
pub(super) fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn is_time(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending) || name == ending.to_lowercase())
}

fn from_parts(parts: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = parts.get("rfc3339").and_then(Value::as_str) {
        return text.parse().ok();
    }
    let part = |name: &str| u32::try_from(parts.get(name).and_then(Value::as_i64).unwrap_or_default()).ok();
    let year = i32::try_from(parts.get("year")?.as_i64()?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, part("month")?, part("day")?)?;
    Some(day.and_hms_micro_opt(part("hour")?, part("minute")?, part("second")?, part("microsecond")?)?.and_utc())
}

#[expect(clippy::cast_possible_truncation, reason = "a time outside of chrono's range is none")]
fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis((seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_forms_that_recordings_use() {
        let parts = json!({ "__class__": "datetime", "year": 2017, "month": 1, "day": 19, "hour": 3, "minute": 18,
            "second": 57, "microsecond": 255_000 });
        let expected: DateTime<Utc> = "2017-01-19T03:18:57.255Z".parse().unwrap();
        for value in [parts, json!("2017-01-19T03:18:57.255Z"), json!(1_484_795_937.255), stated(expected)] {
            assert_eq!(read("lastUpdatedTime", &value), Some(expected), "{value}");
        }
        assert_eq!(read("name", &json!("2017-01-19T03:18:57Z")), None);
        assert_eq!(read("lastUpdatedTime", &json!("yesterday")), None);
    }
}
