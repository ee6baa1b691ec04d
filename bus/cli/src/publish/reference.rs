//! References as people write them: `1K80-N_8`, `CVE-2024-1`, `https://…`, `inc-…`, an object id, or `KIND:VALUE`; with
//! `RELATION=` before it where it is more than related.

use std::str::FromStr;

use entente_schemas::header::{RefKind, Relation};
use serde_json::{Value, json};

/// A reference and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    kind: RefKind,
    value: String,
    relation: Option<Relation>,
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (relation, rest) = match text.split_once('=') {
            Some((word, rest)) if is_word(word) => {
                let relation = word.parse().map_err(|error| unknown(&error))?;
                (Some(relation), rest)
            }
            _ => (None, text),
        };
        let (kind, value) = kind_and_value(rest.trim());
        if value.is_empty() {
            return Err("expected [RELATION=][KIND:]VALUE, such as 1K80-N_8 or part_of=inc-2kq7c4w1xz".to_owned());
        }
        Ok(Self { kind, value: value.to_owned(), relation })
    }
}

impl Reference {
    /// An incident or a claim that stands without a relation is meant as the same incident.
    pub fn same_incident(mut self) -> Self {
        if matches!(self.kind, RefKind::Incident | RefKind::Event) {
            self.relation = self.relation.or(Some(Relation::Same));
        }
        self
    }

    /// The reference as it stands in a claim. A tracking id that says nothing else is meant as the same thing.
    pub fn member(&self) -> Value {
        let usual = if self.kind == RefKind::TrackingId { Relation::Same } else { Relation::Related };
        json!({ "kind": self.kind, "value": self.value, "relation": self.relation.unwrap_or(usual) })
    }
}

/// A word before `=` can be a relation; the query of an address cannot.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn unknown(error: &entente_schemas::UnknownWord) -> String {
    let nearest = crate::word::nearest(&error.word, error.expected.iter().copied());
    let hint = nearest.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    format!("unknown relation `{}`{hint} expected one of: {}", error.word, error.expected.join(", "))
}

fn kind_and_value(text: &str) -> (RefKind, &str) {
    if let Some((word, value)) = text.split_once(':')
        && let Ok(kind) = word.parse::<RefKind>()
    {
        return (kind, value);
    }
    let lower = text.to_ascii_lowercase();
    let kind = if lower.starts_with("https://") || lower.starts_with("http://") {
        RefKind::Url
    } else if lower.starts_with("cve-") {
        RefKind::Cve
    } else if lower.strip_prefix("kb").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    {
        RefKind::Kb
    } else if lower.starts_with("inc-") || text.contains(':') {
        RefKind::Incident
    } else if is_event_id(text) {
        RefKind::Event
    } else {
        RefKind::TrackingId
    };
    (kind, text)
}

/// A UUID, or 26 characters of lower-case base32.
fn is_event_id(text: &str) -> bool {
    let base32 = text.len() == 26 && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    base32 || uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, String) {
        let member = text.parse::<Reference>().unwrap().member();
        let part = |name: &str| member[name].as_str().unwrap().to_owned();
        (part("kind"), part("value"), part("relation"))
    }

    #[test]
    fn the_kind_is_read_off_the_value() {
        for (text, kind, value, relation) in [
            ("1K80-N_8", "tracking_id", "1K80-N_8", "same"),
            ("related=1K80-N_8", "tracking_id", "1K80-N_8", "related"),
            ("CVE-2024-1234", "cve", "CVE-2024-1234", "related"),
            ("KB5042421", "kb", "KB5042421", "related"),
            ("https://a.example/x?same=1", "url", "https://a.example/x?same=1", "related"),
            ("same=https://a.example/x", "url", "https://a.example/x", "same"),
            ("part_of=inc-2kq7c4w1xz", "incident", "inc-2kq7c4w1xz", "part_of"),
            ("gcp.public:DK3LfKow", "incident", "gcp.public:DK3LfKow", "related"),
            ("vendor_bulletin:2024-07", "vendor_bulletin", "2024-07", "related"),
            ("abcdefghijklmnopqrstuvwxyz", "event", "abcdefghijklmnopqrstuvwxyz", "related"),
        ] {
            assert_eq!(read(text), (kind.to_owned(), value.to_owned(), relation.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_misspelt_relation_is_told_the_nearest() {
        let error = "part_off=inc-1".parse::<Reference>().unwrap_err();
        assert!(error.contains("did you mean `part_of`?"), "{error}");
        assert!("cve:".parse::<Reference>().is_err());
    }

    #[test]
    fn what_an_impact_is_about_is_the_same_incident_unless_it_says_otherwise() {
        let relation = |text: &str| {
            text.parse::<Reference>().unwrap().same_incident().member()["relation"].as_str().unwrap().to_owned()
        };
        assert_eq!(relation("inc-2kq7c4w1xz"), "same");
        assert_eq!(relation("part_of=inc-2kq7c4w1xz"), "part_of");
        assert_eq!(relation("https://status.example.com/"), "related");
    }
}
