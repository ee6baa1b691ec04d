//! Who sits at this machine, as the settings say, and what their clock shows.

use chrono::{DateTime, Utc};
use entente_schemas::family::Family;
use entente_schemas::speaker::{Relay, Role};
use serde_json::{Map, Value, json};

use super::members::{Members, stamp};
use crate::folder::Folder;
use crate::settings::Settings;

/// Stands for an object id that the server finds in the log.
const IN_THE_LOG: &str = "found:in-the-log";
/// Members that name an object; other names than its id are looked up in the log.
const NAMES: [&str; 7] = ["object_id", "about", "thread_id", "approach_id", "same_as", "replaces", "objects"];

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// The organisation.
    pub org: String,
    /// What it is to the incidents.
    pub role: Role,
    /// The person or desk.
    pub person: Option<String>,
    /// What the clock shows.
    pub now: DateTime<Utc>,
}

impl Desk {
    /// The desk of a data folder.
    pub fn of(settings: &Settings, folder: &Folder) -> Self {
        Self { org: settings.org.clone(), role: settings.role, person: settings.person.clone(), now: folder.now() }
    }

    /// The claim with those members that the server gives it, where it has none yet.
    pub fn complete(&self, family: Family, claim: Map<String, Value>) -> Value {
        let own =
            claim.get("speaker").and_then(|speaker| speaker.get("org")).is_none_or(|org| *org == self.org.as_str());
        let mut claim = Members::over(claim, self.now);
        let defaults = |name: &str, claim: &mut Members, members: Value| {
            let given = claim.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
            claim.set(name, Some(members));
            claim.within(name, given);
        };
        claim.default("object_id", format!("{}:{}", self.org, uuid::Uuid::now_v7()));
        claim.default("rev", 1);
        defaults("speaker", &mut claim, json!({ "org": self.org, "role": self.role, "relay": Relay::Own }));
        defaults("author", &mut claim, json!({ "org": self.org, "role": self.role }));
        defaults("times", &mut claim, json!({ "observed_at": stamp(self.now) }));
        claim.default("certainty", if own { "observed" } else { "likely" });
        if family == Family::Message {
            let object = claim.text("object_id").unwrap_or_default().to_owned();
            claim.default("thread_id", object);
        }
        if family == Family::Retraction {
            claim.default("target_object", IN_THE_LOG);
            claim.default("target_rev", 1);
            claim.default("target_source", format!("//{}/desk/00000000000000000000000000", self.org));
        }
        Value::Object(claim.finish().unwrap_or_default())
    }
}

/// The claim with an object id wherever the server will put one in place of a name.
pub fn with_ids(mut claim: Value) -> Value {
    let named = claim.as_object_mut().into_iter().flat_map(|members| members.iter_mut());
    for (_, value) in named.filter(|(name, _)| NAMES.contains(&name.as_str())) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| *value = id_of(value)),
            value => *value = id_of(value),
        }
    }
    claim
}

fn id_of(named: &Value) -> Value {
    let is_name = named.as_str().is_some_and(|name| !name.trim().is_empty() && !name.contains(':'));
    if is_name { json!(IN_THE_LOG) } else { named.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_looks_up_are_no_mistakes() {
        let claim = json!({ "about": "inc-2kq7c4w1xz", "objects": ["291", "gcp.public:1"], "title": "DNS" });
        let expected = json!({ "about": IN_THE_LOG, "objects": [IN_THE_LOG, "gcp.public:1"], "title": "DNS" });
        assert_eq!(with_ids(claim), expected);
        assert_eq!(with_ids(json!({ "about": " " })), json!({ "about": " " }));
    }
}
