//! What publishers are held to beyond what readers need: no duplicate key, no unknown member, no unknown word.

use std::borrow::Cow;
use std::fmt;

use chrono::DateTime;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::check::Problems;
use crate::family::Claim;

/// Refuses JSON in which an object has one key twice.
///
/// # Errors
/// With line and column of the second key, or of whatever is no JSON.
pub(crate) fn duplicate_free(json: &str) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    NoDuplicates.deserialize(&mut reader)?;
    reader.end()
}

struct NoDuplicates;

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen: Vec<Cow<'de, str>> = Vec::new();
        while let Some(key) = members.next_key::<Key<'de>>()? {
            if seen.contains(&key.0) {
                return Err(A::Error::custom(format!("duplicate key `{}`", key.0)));
            }
            seen.push(key.0);
            members.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Compares a claim as it was written with what was read of it: what is missing or changed was not understood.
pub(crate) fn unread_members(json: &str, claim: &Claim) -> Problems {
    let mut problems = Problems::default();
    if let (Ok(written), Ok(read)) = (serde_json::from_str::<Value>(json), serde_json::to_value(claim)) {
        let known = claim.family().claim_schema();
        compare("", &written, Some(&read), &known, &known, &mut problems);
    }
    problems
}

fn compare(path: &str, written: &Value, read: Option<&Value>, schema: &Value, root: &Value, problems: &mut Problems) {
    let schema = resolve(schema, root);
    match (written, read) {
        (Value::Object(members), Some(Value::Object(kept))) => {
            for (name, value) in members {
                let member = schema.get("properties").and_then(|p| p.get(name));
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match member {
                    Some(member) => compare(&path, value, kept.get(name), member, root, problems),
                    None => problems.add(&path, format!("unknown member; expected one of: {}", names(schema))),
                }
            }
        }
        (Value::Array(items), Some(Value::Array(kept))) => {
            let item_schema = schema.get("items").unwrap_or(&Value::Null);
            for (index, item) in items.iter().enumerate() {
                compare(&format!("{path}.{index}"), item, kept.get(index), item_schema, root, problems);
            }
        }
        (Value::String(word), Some(Value::String(kept))) if word != kept && !same_instant(word, kept) => {
            problems.add(path, format!("unknown word `{word}`; expected one of: {}", words(schema)));
        }
        _ => {}
    }
}

fn same_instant(a: &str, b: &str) -> bool {
    matches!((DateTime::parse_from_rfc3339(a), DateTime::parse_from_rfc3339(b)), (Ok(a), Ok(b)) if a == b)
}

/// Follows `$ref` and the non-null half of an optional member.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let target =
        schema.get("$ref").and_then(Value::as_str).and_then(|pointer| root.pointer(pointer.strip_prefix('#')?));
    if let Some(target) = target {
        return resolve(target, root);
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let present = choices.and_then(|list| list.iter().find(|choice| choice.get("type") != Some(&Value::from("null"))));
    present.map_or(schema, |choice| resolve(choice, root))
}

fn names(schema: &Value) -> String {
    let members = schema.get("properties").and_then(Value::as_object);
    members.map(|m| m.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

fn words(schema: &Value) -> String {
    let list = schema.get("enum").and_then(Value::as_array);
    let words = list.map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
    words.unwrap_or_else(|| "a value of the schema".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_place() {
        let error = duplicate_free("{\"a\": 1,\n \"b\": [{\"c\": 1, \"c\": 2}]}").unwrap_err();
        assert!(error.to_string().contains("duplicate key `c` at line 2"), "{error}");
        assert!(duplicate_free("{\"a\": {\"b\": null}, \"b\": [1, 2.5, true, \"x\"]}").is_ok());
    }

    #[test]
    fn escapes_do_not_hide_a_duplicate() {
        assert!(duplicate_free(r#"{"a": 1, "\u0061": 2}"#).is_err());
    }
}
