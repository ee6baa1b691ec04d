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
        Self::read(text, kind_by_form)
    }
}

impl Reference {
    /// What `--about` names. A word that does not say its kind is a name that the server looks up: of an incident, an
    /// object or an event; never a tracking id, which would join nothing if the word is an incident's short name.
    ///
    /// # Errors
    /// If the relation is no word of ours, or nothing is named.
    pub fn about(text: &str) -> Result<Self, String> {
        Self::read(text, |name| match kind_by_form(name) {
            kind @ (RefKind::Url | RefKind::Event) => kind,
            _ => RefKind::Incident,
        })
    }

    /// The help of `--ref`.
    pub fn help() -> String {
        let (kinds, relations) = (RefKind::WORDS.join(", "), Relation::WORDS.join(", "));
        format!(
            "A reference to something else. KIND is one of: {kinds} (default: as the value looks; a bare word is a \
             tracking_id). RELATION is one of: {relations} (default: same for a tracking_id, else related)"
        )
    }

    /// What to do if the log does not know what a reference names.
    pub fn next_step() -> String {
        let kinds = RefKind::WORDS.join(", ");
        format!(
            "`entente picture` lists incidents and `entente events` object ids; what the log does not hold is named \
             with its kind, as in --ref tracking_id:1K80-N_8; kinds: {kinds}"
        )
    }

    /// The name alone, if it names an incident, an object or an event without a relation to it.
    pub fn name(&self) -> Option<&str> {
        let is_name = matches!(self.kind, RefKind::Incident | RefKind::Event) && self.relation.is_none();
        is_name.then_some(self.value.as_str())
    }

    fn read(text: &str, kind_of: impl Fn(&str) -> RefKind) -> Result<Self, String> {
        let (relation, rest) = match text.split_once('=') {
            Some((word, rest)) if is_word(word) => {
                let relation = word.parse().map_err(|error| unknown(&error))?;
                (Some(relation), rest)
            }
            _ => (None, text),
        };
        let rest = rest.trim();
        let said = rest.split_once(':').and_then(|(word, value)| Some((word.parse().ok()?, value)));
        let (kind, value) = said.unwrap_or_else(|| (kind_of(rest), rest));
        if value.is_empty() {
            return Err("expected [RELATION=][KIND:]VALUE, such as 1K80-N_8 or part_of=inc-2kq7c4w1xz".to_owned());
        }
        Ok(Self { kind, value: value.to_owned(), relation })
    }

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

fn kind_by_form(text: &str) -> RefKind {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
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
    }
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
    fn a_bare_word_after_about_is_a_name_and_never_a_tracking_id() {
        let kind = |text: &str| Reference::about(text).unwrap().member()["kind"].as_str().unwrap().to_owned();
        for (text, expected) in [
            ("channel-file-291", "incident"),
            ("CVE-2024-1234", "incident"),
            ("120", "incident"),
            ("inc-2kq7c4w1xz", "incident"),
            ("gcp.public:1", "incident"),
            ("abcdefghijklmnopqrstuvwxyz", "event"),
            ("https://status.example.com/", "url"),
            ("tracking_id:1K80-N_8", "tracking_id"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        let name = |text: &str| Reference::about(text).unwrap().name().map(str::to_owned);
        assert_eq!((name("channel-file-291").as_deref(), name("same=a:1")), (Some("channel-file-291"), None));
        assert!(Reference::about("part_off=inc-1").is_err() && Reference::about(" ").is_err());
    }

    #[test]
    fn what_an_impact_is_about_is_the_same_incident_unless_it_says_otherwise() {
        let relation = |text: &str| {
            Reference::about(text).unwrap().same_incident().member()["relation"].as_str().unwrap().to_owned()
        };
        assert_eq!(relation("inc-2kq7c4w1xz"), "same");
        assert_eq!(relation("part_of=inc-2kq7c4w1xz"), "part_of");
        assert_eq!(relation("https://status.example.com/"), "related");
    }
}
