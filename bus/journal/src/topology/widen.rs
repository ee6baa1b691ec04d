//! What may become of a stream's configuration: limits grow, names are added, the rest stays.

use serde_json::{Map, Value};

use super::TopologyError;

/// Limits where less than before loses messages; zero or less means no limit.
const LIMITS: [&str; 6] = ["max_bytes", "max_msgs", "max_age", "max_msgs_per_subject", "max_msg_size", "max_consumers"];
/// Numbers where less than before loses safety.
const SAFETY: [&str; 2] = ["duplicate_window", "num_replicas"];
/// Switches that are on for a reason.
const SWITCHES: [&str; 3] = ["allow_direct", "allow_atomic", "deny_purge"];
/// What no update may change.
const FIXED: [&str; 3] = ["retention", "storage", "discard"];

/// What is to be done with a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// This whole configuration is to be sent.
    Widen(Map<String, Value>),
}

/// How a member stands to what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Equal,
    Grows,
    Shrinks,
    Differs,
}

/// Refuses a wish that is smaller than what was applied before.
pub(super) fn must_not_shrink(
    stream: &str,
    applied: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Result<(), TopologyError> {
    for (field, to) in wanted {
        let from = applied.get(field).unwrap_or(&Value::Null);
        if compare(field, from, to) == Compared::Shrinks {
            return Err(shrinks(stream, field, from, to));
        }
    }
    Ok(())
}

/// The configuration found, with every wanted member that it lacks. What is wider already stays.
pub(super) fn widened(
    stream: &str,
    found: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Result<Change, TopologyError> {
    let mut config = found.clone();
    for (field, to) in wanted {
        let from = found.get(field).unwrap_or(&Value::Null);
        match compare(field, from, to) {
            Compared::Equal => {}
            Compared::Shrinks if FIXED.contains(&field.as_str()) => return Err(shrinks(stream, field, from, to)),
            Compared::Shrinks => {
                tracing::warn!("stream {stream}: {field} is {from}, wider than the {to} wanted; it stays")
            }
            Compared::Grows | Compared::Differs => {
                config.insert(field.clone(), to.clone());
            }
        }
    }
    Ok(if config == *found { Change::None } else { Change::Widen(config) })
}

fn shrinks(stream: &str, field: &str, from: &Value, to: &Value) -> TopologyError {
    TopologyError::Shrinks {
        stream: stream.to_owned(),
        field: field.to_owned(),
        from: from.to_string(),
        to: to.to_string(),
    }
}

fn compare(field: &str, from: &Value, to: &Value) -> Compared {
    if from == to {
        return Compared::Equal;
    }
    if LIMITS.contains(&field) {
        return by_size(limit(from), limit(to));
    }
    if SAFETY.contains(&field) {
        return by_size(from.as_u64().unwrap_or(0), to.as_u64().unwrap_or(0));
    }
    if SWITCHES.contains(&field) {
        return by_size(u64::from(from == &Value::Bool(true)), u64::from(to == &Value::Bool(true)));
    }
    if FIXED.contains(&field) {
        return if from.is_null() { Compared::Grows } else { Compared::Shrinks };
    }
    if field == "subjects" {
        return by_names(from, to);
    }
    // The server leaves out what is false.
    if from.is_null() && to == &Value::Bool(false) { Compared::Equal } else { Compared::Differs }
}

fn limit(value: &Value) -> u64 {
    value.as_i64().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0).unwrap_or(u64::MAX)
}

fn by_size(from: u64, to: u64) -> Compared {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => Compared::Grows,
        std::cmp::Ordering::Equal => Compared::Equal,
        std::cmp::Ordering::Greater => Compared::Shrinks,
    }
}

fn by_names(from: &Value, to: &Value) -> Compared {
    let (from, to) = (names(from), names(to));
    if from.iter().any(|name| !to.contains(name)) { Compared::Shrinks } else { Compared::Grows }
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn every_kind_of_shrinking_is_seen() {
        let cases = [
            ("max_msgs", json!(-1), json!(2)),
            ("max_bytes", json!(2_000), json!(1_999)),
            ("max_age", json!(0), json!(60)),
            ("max_msgs_per_subject", Value::Null, json!(1)),
            ("duplicate_window", json!(600), json!(120)),
            ("num_replicas", json!(3), json!(1)),
            ("deny_purge", json!(true), json!(false)),
            ("storage", json!("file"), json!("memory")),
            ("discard", json!("new"), json!("old")),
            ("subjects", json!(["a.>", "b.>"]), json!(["a.>"])),
        ];
        for (field, from, to) in cases {
            let (applied, wanted) = (map(json!({ field: from })), map(json!({ field: to })));
            let error = must_not_shrink("A", &applied, &wanted).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
            assert!(must_not_shrink("A", &wanted, &wanted).is_ok());
        }
    }

    #[test]
    fn widening_keeps_what_is_wider_and_what_is_unknown() {
        let found = map(json!({ "max_bytes": 10, "max_msgs": -1, "metadata": { "x": "y" }, "deny_purge": false }));
        let wanted = map(json!({ "max_bytes": 20, "max_msgs": 5, "deny_purge": true, "deny_delete": false }));
        let expected = map(json!({ "max_bytes": 20, "max_msgs": -1, "metadata": { "x": "y" }, "deny_purge": true }));
        assert_eq!(widened("A", &found, &wanted).unwrap(), Change::Widen(expected.clone()));
        assert_eq!(widened("A", &expected, &wanted).unwrap(), Change::None);
    }

    #[test]
    fn a_store_of_another_kind_is_not_taken_over() {
        let (found, wanted) = (map(json!({ "storage": "memory" })), map(json!({ "storage": "file" })));
        assert!(matches!(widened("A", &found, &wanted), Err(TopologyError::Shrinks { .. })));
    }
}
