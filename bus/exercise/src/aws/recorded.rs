//! Recorded calls: answers that somebody once got, given again in their order, the last one for ever.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::reply::Refusal;

/// Recordings by operation.
#[derive(Debug, Default)]
pub struct Recorded {
    answers: Mutex<BTreeMap<String, Vec<Value>>>,
}

impl Recorded {
    /// Answers an operation with what was recorded, instead of with what the double would tell: outputs as AWS's own tools
    /// write them, or the same in an envelope of `status_code` and `data`.
    pub fn play(&self, operation: &str, answers: impl IntoIterator<Item = Value>) {
        let answers = answers.into_iter().collect();
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(operation.to_owned(), answers);
    }

    /// What is next for an operation; none if nothing was recorded.
    pub(super) fn next(&self, operation: &str) -> Option<Result<Value, Refusal>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let left = answers.get_mut(operation)?;
        let next = if left.len() > 1 { left.remove(0) } else { left.first()?.clone() };
        Some(unwrapped(next))
    }
}

fn unwrapped(recorded: Value) -> Result<Value, Refusal> {
    let status = recorded.get("status_code").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut data = match recorded.get("data") {
        Some(data) if status.is_some() => data.clone(),
        _ => recorded,
    };
    let text = |path: &str| data.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(status) = status.filter(|status| *status >= 400) {
        return Err(Refusal::new(status, &text("/Error/Code"), &text("/Error/Message")));
    }
    if let Some(members) = data.as_object_mut() {
        members.remove("ResponseMetadata");
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recordings_are_given_in_order_and_the_last_one_stays() {
        let recorded = Recorded::default();
        recorded.play(
            "DescribeEvents",
            [
                json!({ "status_code": 200, "data": { "events": [1], "ResponseMetadata": {} } }),
                json!({ "events": [2] }),
            ],
        );
        let next = || recorded.next("DescribeEvents").unwrap().unwrap();
        assert_eq!(
            [next(), next(), next()],
            [json!({ "events": [1] }), json!({ "events": [2] }), json!({ "events": [2] })]
        );
        recorded.play("X", [json!({ "status_code": 400, "data": { "Error": { "Code": "No", "Message": "never" } } })]);
        assert_eq!(recorded.next("X"), Some(Err(Refusal::new(400, "No", "never"))));
        assert_eq!(recorded.next("Y"), None);
    }
}
