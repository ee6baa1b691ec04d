//! What Resource Graph writes otherwise than ARM: a time as a number of ticks, and lists and objects as texts.

use chrono::{DateTime, SecondsFormat};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::camel::camel;

/// Ticks of 100 ns since the year 1, as Kusto counts them, at the beginning of 1970.
const TICKS_TO_1970: i64 = 621_355_968_000_000_000;
/// Fewer are no ticks of this century, but seconds or milliseconds since 1970.
const TICKS_MIN: i64 = 600_000_000_000_000_000;
const TICKS_PER_SECOND: i64 = 10_000_000;

/// A time as a text that can be read as one, whether it was written as a text or as a number.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = match Option::<Value>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(D::Error::custom("a time that is neither text nor number")),
    };
    Ok(Some(ticks(&text).unwrap_or(text)))
}

/// The time of so many digits that only ticks can be meant.
fn ticks(text: &str) -> Option<String> {
    let count: i64 = text.trim().parse().ok().filter(|count| *count >= TICKS_MIN)?;
    let since = count - TICKS_TO_1970;
    let nanos = u32::try_from(since.rem_euclid(TICKS_PER_SECOND)).ok()? * 100;
    let time = DateTime::from_timestamp(since.div_euclid(TICKS_PER_SECOND), nanos)?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A value that may be written as a text of JSON; an empty text is none.
pub(super) fn plain<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(camel(serde_json::from_str(&text).map_err(|_| D::Error::custom("a text"))?)),
        other => other,
    };
    value.map(T::deserialize).transpose().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_time(value: Value) -> Option<String> {
        time(value).unwrap()
    }

    #[test]
    fn a_time_is_read_as_ticks_where_it_can_be_nothing_else() {
        assert_eq!(read_time(json!("638569984203100000")).as_deref(), Some("2024-07-19T15:07:00.310Z"));
        assert_eq!(read_time(json!(638_569_984_200_000_000_i64)).as_deref(), Some("2024-07-19T15:07:00Z"));
        assert_eq!(read_time(json!("2024-07-19T04:09:00Z")).as_deref(), Some("2024-07-19T04:09:00Z"));
        assert_eq!(read_time(json!("1721362140")).as_deref(), Some("1721362140"));
        assert_eq!(read_time(Value::Null), None);
        assert!(time(json!([7])).is_err());
    }

    #[test]
    fn a_text_of_json_is_what_it_holds() {
        let read = |value: Value| plain::<_, Vec<String>>(value).ok().flatten();
        let list = vec!["Final PIR".to_owned()];
        assert_eq!((read(json!(["Final PIR"])), read(json!("[\"Final PIR\"]"))), (Some(list.clone()), Some(list)));
        assert_eq!((read(json!(" ")), read(Value::Null)), (None, None));
        assert!(plain::<_, Vec<String>>(json!("no JSON")).is_err());
    }
}
