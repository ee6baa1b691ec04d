//! What publishers are held to beyond what readers need: the closed schema of their family, told member by member, and
//! what must go together. Lengths and ranges are checked for readers too and stand with the types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::check::{Problems, join};
use crate::family::{Body, Claim, Family, ImpactKind, MessageKind, MessageState, Phase};
use crate::speaker::Relay;

static SCHEMAS: LazyLock<BTreeMap<Family, Value>> =
    LazyLock::new(|| Family::ALL.iter().map(|family| (*family, family.claim_schema())).collect());

/// Holds a claim as it was written against the schema of its family: types, missing and unknown members, words, times.
pub(crate) fn against_schema(family: Family, written: &Value, problems: &mut Problems) {
    if let Some(root) = SCHEMAS.get(&family) {
        Look { root, problems }.value("", written, root);
    }
}

struct Look<'a> {
    root: &'a Value,
    problems: &'a mut Problems,
}

impl<'a> Look<'a> {
    fn value(&mut self, path: &str, value: &Value, schema: &'a Value) {
        let optional = takes_null(schema);
        let schema = self.resolve(schema);
        match (value, kind(schema)) {
            (Value::Null, _) if optional => {}
            (Value::Object(members), Some("object")) => self.members(path, members, schema),
            (Value::Array(items), Some("array")) => {
                let of_item = schema.get("items").unwrap_or(&Value::Null);
                for (index, item) in items.iter().enumerate() {
                    self.value(&join(path, &index.to_string()), item, of_item);
                }
            }
            (Value::String(text), Some("string")) => self.text(path, text, schema),
            (Value::Number(number), Some("integer")) if !number.is_f64() => {
                if number.as_i64().is_some_and(|n| n < 0) && schema.get("minimum").is_some() {
                    self.problems.add(path, format!("expected a number from 0, found {number}"));
                }
            }
            (Value::Bool(_), Some("boolean")) | (_, None) => {}
            (_, Some(kind)) => {
                let path = if path.is_empty() { "(claim)" } else { path };
                self.problems.add(path, format!("expected {}, found {}", article(kind), found(value)));
            }
        }
    }

    fn members(&mut self, path: &str, members: &Map<String, Value>, schema: &'a Value) {
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, value) in members {
            match known.and_then(|known| known.get(name)) {
                Some(member) => self.value(&join(path, name), value, member),
                None => {
                    self.problems.add(&join(path, name), format!("unknown member; expected one of: {}", names(known)))
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                let about = known.and_then(|known| known.get(name)?.get("description")?.as_str());
                let about = about.map(|text| format!(": {text}")).unwrap_or_default();
                self.problems.add(&join(path, name), format!("missing{about}"));
            }
        }
    }

    fn text(&mut self, path: &str, text: &str, schema: &Value) {
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            if !words.contains(&text) {
                let shown: String = text.chars().take(80).collect();
                self.problems.add(path, format!("unknown word `{shown}`; expected one of: {}", words.join(", ")));
            }
        }
        if schema.get("format").and_then(Value::as_str) == Some("date-time") && !is_time(text) {
            self.problems.add(path, "expected a time after RFC 3339, such as 2024-07-19T04:09:00Z");
        }
    }

    /// Follows `$ref` and the half of an optional member that is not null.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|pointer| pointer.strip_prefix('#'));
        if let Some(target) = pointer.and_then(|pointer| self.root.pointer(pointer)) {
            return self.resolve(target);
        }
        let choices = schema.get("anyOf").and_then(Value::as_array);
        let present = choices.and_then(|choices| choices.iter().find(|choice| !is_null(choice)));
        present.map_or(schema, |choice| self.resolve(choice))
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn takes_null(schema: &Value) -> bool {
    let types = schema.get("type").and_then(Value::as_array);
    let choices = schema.get("anyOf").and_then(Value::as_array);
    types.is_some_and(|types| types.contains(&Value::from("null")))
        || choices.is_some_and(|list| list.iter().any(is_null))
}

fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        _ => "true or false",
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null (leave out what is not stated)".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn names(known: Option<&Map<String, Value>>) -> String {
    known.map(|members| members.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

/// chrono also reads a space between date and time, and small letters, at which other readers stop.
fn is_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() && text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z')
}

/// What a publisher's members must have in common; readers take a claim that breaks it.
pub(crate) fn together(claim: &Claim, problems: &mut Problems) {
    let header = &claim.header;
    if header.speaker.relay == Relay::Polled && header.speaker.channel.as_deref().unwrap_or_default().trim().is_empty()
    {
        problems.add("speaker.channel", "polled words need the name of the channel that was read");
    }
    match &claim.body {
        Body::Impact(impact) => {
            let planned = matches!(impact.phase, Phase::Scheduled | Phase::InProgress | Phase::Cancelled);
            if planned && impact.kind != ImpactKind::Maintenance {
                problems.add("phase", format!("`{}` is a phase of kind maintenance", impact.phase));
            }
        }
        Body::Message(message) => {
            let of_decision = matches!(message.state, MessageState::InForce | MessageState::Revoked);
            if of_decision != (message.kind == MessageKind::Decision) {
                problems.add("state", "a decision is in_force or revoked, and nothing else is");
            }
        }
        Body::Sitrep(_) if header.rev != 1 => {
            problems
                .add("rev", "a situation report does not change once issued: give the new one an object of its own");
        }
        _ => {}
    }
}
