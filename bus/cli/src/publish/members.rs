//! The members of a claim while it is put together: what a file or an earlier revision says, what flags say over it, and
//! what stands where neither says anything. Mistakes are gathered, so that all are told at once.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::moment::Moment;

/// A claim that is being put together.
#[derive(Debug)]
pub struct Members {
    claim: Map<String, Value>,
    mistakes: Vec<String>,
    now: DateTime<Utc>,
}

impl Members {
    /// Starts from what a file or an earlier revision says.
    pub fn over(base: Map<String, Value>, now: DateTime<Utc>) -> Self {
        Self { claim: base, mistakes: Vec::new(), now }
    }

    /// What the clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A member as it stands.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.claim.get(name)
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Sets a member if a flag gave it.
    pub fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.claim.insert(name.to_owned(), value.into());
        }
    }

    /// Sets a list if a flag gave any element.
    pub fn list<T: Into<Value> + Clone>(&mut self, name: &str, elements: &[T]) {
        self.set(name, (!elements.is_empty()).then(|| elements.to_vec()));
    }

    /// Sets a time if a flag gave one.
    pub fn moment(&mut self, name: &str, moment: Option<Moment>) {
        let now = self.now;
        self.set(name, moment.map(|moment| stamp(moment.settle(now))));
    }

    /// Sets a member that nothing has set so far.
    pub fn default(&mut self, name: &str, value: impl Into<Value>) {
        if !self.claim.contains_key(name) {
            self.claim.insert(name.to_owned(), value.into());
        }
    }

    /// Sets members of a member, keeping its others. Nothing is made if `inner` is empty.
    pub fn within(&mut self, name: &str, inner: Map<String, Value>) {
        if inner.is_empty() {
            return;
        }
        let member = self.claim.entry(name).or_insert_with(|| Value::Object(Map::new()));
        match member {
            Value::Object(old) => old.extend(inner),
            other => *other = Value::Object(inner),
        }
    }

    /// Requires a member; `expected` says how it is given.
    pub fn require(&mut self, name: &str, expected: &str) {
        if self.claim.get(name).is_none_or(|value| value.as_str().is_some_and(|text| text.trim().is_empty())) {
            self.mistake(format!("{name}: missing; expected {expected}"));
        }
    }

    /// Notes a mistake.
    pub fn mistake(&mut self, what: impl Into<String>) {
        self.mistakes.push(what.into());
    }

    /// The claim, or all mistakes.
    ///
    /// # Errors
    /// If any mistake was noted.
    pub fn finish(self) -> Result<Map<String, Value>, Vec<String>> {
        if self.mistakes.is_empty() { Ok(self.claim) } else { Err(self.mistakes) }
    }
}

/// A JSON object from those members that are given.
pub fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A text as a value, if it is given.
pub fn text(value: Option<&String>) -> Option<Value> {
    value.map(|value| Value::from(value.as_str()))
}

/// A list as a value, if it has elements.
pub fn texts(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| Value::from(values.to_vec()))
}

/// A time as it stands on the bus.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(base: Value) -> Members {
        let Value::Object(base) = base else { panic!("an object") };
        Members::over(base, "2024-07-19T05:00:00Z".parse().unwrap())
    }

    #[test]
    fn flags_go_over_the_base_and_defaults_only_into_gaps() {
        let mut members = members(json!({ "title": "old", "phase": "identified", "refs": [1] }));
        members.set("title", Some("new"));
        members.set("summary", None::<String>);
        members.list::<String>("refs", &[]);
        members.default("phase", "investigating");
        members.default("kind", "incident");
        members.moment("until", Some("+1h".parse().unwrap()));
        let claim = Value::Object(members.finish().unwrap());
        let until = "2024-07-19T06:00:00Z";
        let expected =
            json!({ "title": "new", "phase": "identified", "refs": [1], "kind": "incident", "until": until });
        assert_eq!(claim, expected);
    }

    #[test]
    fn inner_members_are_kept_beside_new_ones() {
        let mut members = members(json!({ "times": { "occurred_at": "a" } }));
        members.within("times", object([("occurred_end", Some(json!("b"))), ("fidelity", None)]));
        members.within("cause", Map::new());
        assert_eq!(
            Value::Object(members.finish().unwrap()),
            json!({ "times": { "occurred_at": "a", "occurred_end": "b" } })
        );
    }

    #[test]
    fn every_mistake_is_told() {
        let mut members = members(json!({ "reason": " " }));
        members.require("title", "a title");
        members.require("reason", "--reason TEXT");
        assert_eq!(
            members.finish().unwrap_err(),
            ["title: missing; expected a title", "reason: missing; expected --reason TEXT"]
        );
    }
}
