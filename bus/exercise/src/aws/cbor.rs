//! CBOR as Smithy's RPC v2 writes it: times are tag 1 over seconds since 1970.

use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value, json};

use super::time;

/// The tag of seconds since 1970.
const EPOCH: u64 = 1;

/// A tree as bytes; members that hold times are written as such.
pub(super) fn encode(tree: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = ciborium::into_writer(&to_cbor("", tree), &mut bytes) {
        tracing::error!(%error, "an answer is not written");
    }
    bytes
}

/// Bytes as a tree; none if they are no CBOR. No bytes are an empty object.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(json!({}));
    }
    ciborium::from_reader(bytes).ok().map(|tree: Cbor| to_json(&tree))
}

fn to_cbor(name: &str, value: &Value) -> Cbor {
    if let Some(time) = time::read(name, value) {
        return Cbor::Tag(EPOCH, Box::new(Cbor::Float(time::seconds(time))));
    }
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(truth) => Cbor::Bool(*truth),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Cbor::Float(number.as_f64().unwrap_or_default()), |number| Cbor::Integer(number.into())),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| to_cbor(name, item)).collect()),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| (Cbor::Text(name.clone()), to_cbor(name, value));
            Cbor::Map(members.iter().filter(|(_, value)| !value.is_null()).map(member).collect())
        }
    }
}

fn to_json(value: &Cbor) -> Value {
    match value {
        Cbor::Bool(truth) => json!(truth),
        Cbor::Integer(number) => i64::try_from(*number).map_or(Value::Null, |number| json!(number)),
        Cbor::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => json!(text),
        Cbor::Tag(_, inner) => to_json(inner),
        Cbor::Array(items) => items.iter().map(to_json).collect(),
        Cbor::Map(members) => {
            let member = |(name, value): &(Cbor, Cbor)| Some((name.as_text()?.to_owned(), to_json(value)));
            Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_tagged_and_everything_else_comes_back_as_it_was() {
        let tree =
            json!({ "events": [{ "arn": "a", "lastUpdatedTime": "2020-04-21T10:00:00Z", "n": 3, "endTime": null }] });
        let back = decode(&encode(&tree)).unwrap();
        assert_eq!(back, json!({ "events": [{ "arn": "a", "lastUpdatedTime": 1_587_463_200.0, "n": 3 }] }));
        let tagged = [0xc1, 0xfb];
        assert!(encode(&tree).windows(2).any(|pair| pair == tagged));
        assert_eq!(decode(b""), Some(json!({})));
        assert_eq!(decode(b"\xff"), None);
    }
}
