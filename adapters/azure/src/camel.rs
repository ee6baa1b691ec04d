//! One spelling of names: Resource Graph and webhooks write in Pascal's case what ARM writes in camel's.

use serde_json::{Map, Value};

/// The value with the first letter of every member's name in lower case.
pub(crate) fn camel(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (lower(&name), camel(value))).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(camel).collect()),
        other => other,
    }
}

fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_differ_no_more_and_values_stay() {
        let pascal =
            json!({"Impact": [{"ImpactedService": "Virtual Machines", "": null}], "eventType": "ServiceIssue"});
        let expected =
            json!({"impact": [{"impactedService": "Virtual Machines", "": null}], "eventType": "ServiceIssue"});
        assert_eq!(camel(pascal), expected);
    }
}
