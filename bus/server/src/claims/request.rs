//! A claim as it is handed over: the family, the members that its author chose, and what the event itself needs.

use entente_schemas::family::Family;
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Mistake, unique};
use crate::room::Moment;

/// A claim to publish. What is left out of the claim's header is completed: object id, revision, speaker, author, times,
/// certainty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// The family: `impact`, `notice`, `message`, ...
    family: String,
    /// A UUIDv7 for the event, minted once by the caller, so that handing the claim over again does no harm.
    #[serde(default)]
    id: Option<String>,
    /// What this one answers: an event id, a position of the log or an object id. It becomes the event's id.
    #[serde(default)]
    causation: Option<String>,
    /// W3C trace context.
    #[serde(default)]
    traceparent: Option<String>,
    /// Who may read it: `all`, or a sharing group by its id or its local name. If absent, where the object or the event
    /// stands that it revises or withdraws; else `all`.
    #[serde(default)]
    audience: Option<String>,
    /// The marking: `clear` or `green` for all, `green` if absent; in a sharing group `amber`, `amber+strict` or `red`, if
    /// absent that of what it revises or withdraws, else `amber`.
    #[serde(default)]
    tlp: Option<String>,
    /// Say the last revision of `claim.object_id` again: it still holds.
    #[serde(default)]
    still: bool,
    /// Complete the claim, hold it to everything, and answer what would be published. Nothing is.
    #[serde(default)]
    dry_run: bool,
    /// The claim's members, as the family's schema names them.
    #[serde(default)]
    claim: Map<String, Value>,
}

/// A request whose own members are as they should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) family: Family,
    pub(crate) id: Option<Uuid>,
    pub(crate) causation: Option<String>,
    pub(crate) traceparent: Option<String>,
    /// As it was written.
    pub(crate) audience: Option<String>,
    pub(crate) tlp: Option<Tlp>,
    pub(crate) still: bool,
    pub(crate) dry_run: bool,
    pub(crate) claim: Map<String, Value>,
}

/// The greatest number of characters in the id of another event and in a trace context.
const ID_MAX: usize = 200;

impl Request {
    /// A request for a claim, with nothing said beside it.
    pub(crate) fn new(family: Family, claim: Map<String, Value>) -> Self {
        let (id, causation, traceparent, audience, tlp) = (None, None, None, None, None);
        Self { family, id, causation, traceparent, audience, tlp, still: false, dry_run: false, claim }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Every mistake beside the claim at once; those of the claim are found when it is complete.
    pub(crate) fn read(json: &[u8]) -> Result<Self, Vec<Mistake>> {
        let read = unique::read(json).and_then(|value| {
            // A list would be read by the order of the members.
            if value.is_object() {
                serde_json::from_value::<ClaimRequest>(value)
            } else {
                Err(serde::de::Error::custom("expected a JSON object"))
            }
        });
        let read = read.map_err(|error| vec![Mistake::new("(request)", error.to_string())])?;
        let mut mistakes = Vec::new();
        let family = Family::from_token(&read.family);
        if family.is_none() {
            let known: Vec<&str> = Family::ALL.iter().map(|family| family.token()).collect();
            mistakes.push(Mistake::new("(request).family", format!("expected one of: {}", known.join(", "))));
        }
        let id = read.id.as_deref().map(event_id).transpose().unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            None
        });
        let tlp = read.tlp.as_deref().map(marking).transpose().unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            None
        });
        for (path, text) in [("(request).causation", &read.causation), ("(request).traceparent", &read.traceparent)] {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > ID_MAX) {
                mistakes.push(Mistake::new(path, format!("expected 1 to {ID_MAX} characters")));
            }
        }
        let ClaimRequest { causation, traceparent, audience, still, dry_run, claim, .. } = read;
        match family {
            Some(family) if mistakes.is_empty() => {
                Ok(Self { family, id, causation, traceparent, audience, tlp, still, dry_run, claim })
            }
            _ => Err(mistakes),
        }
    }

    /// Writes the keys that may be places of records with the names of their streams.
    pub(crate) fn settle_keys(&mut self, moment: &Moment<'_>) {
        self.causation = self.causation.take().map(|key| moment.key(&key));
        if let Some(Value::String(target)) = self.claim.get_mut("target") {
            *target = moment.key(target);
        }
    }

    /// A member of the claim that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claim.get(name).and_then(Value::as_str)
    }
}

fn event_id(text: &str) -> Result<Uuid, Mistake> {
    let id = Uuid::parse_str(text).ok().filter(|id| id.get_version_num() == 7);
    id.ok_or_else(|| Mistake::new("(request).id", "expected a UUID of version 7, minted once for this claim"))
}

fn marking(text: &str) -> Result<Tlp, Mistake> {
    text.parse().map_err(|error| Mistake::new("(request).tlp", format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_frills_is_enough() {
        let request = Request::read(br#"{"family": "impact", "claim": {"title": "x"}}"#).unwrap();
        assert_eq!((request.family, request.tlp, request.still, request.id), (Family::Impact, None, false, None));
        assert_eq!(request.text("title"), Some("x"));
    }

    #[test]
    fn all_mistakes_beside_the_claim_are_told_at_once() {
        let json =
            br#"{"family": "rumour", "id": "f47ac10b-58cc-4372-a567-0e02b2c3d479", "tlp": "purple", "causation": ""}"#;
        let mistakes = Request::read(json).unwrap_err();
        let paths: Vec<&str> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, ["(request).family", "(request).id", "(request).tlp", "(request).causation"]);
        assert!(mistakes[0].what.contains("impact, notice"), "{}", mistakes[0].what);
    }

    #[test]
    fn what_is_no_request_says_where_it_is_not() {
        let told = |json: &str| Request::read(json.as_bytes()).unwrap_err().remove(0);
        for (json, part) in [
            ("", "EOF"),
            ("[]", "expected a JSON object"),
            (r#"["impact"]"#, "expected a JSON object"),
            (r#"{"claim": {}}"#, "missing field `family`"),
            (r#"{"family": "impact", "clam": {}}"#, "unknown field `clam`"),
            (r#"{"family": "impact", "claim": {"a": 1, "a": 2}}"#, "duplicate key `a`"),
            (r#"{"family": "impact", "claim": 7}"#, "invalid type"),
        ] {
            let mistake = told(json);
            assert_eq!(mistake.path, "(request)");
            assert!(mistake.what.contains(part), "{json}: {}", mistake.what);
        }
    }
}
