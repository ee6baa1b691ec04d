//! A made-up provider: a list of `{id, state, text, stamp}`, where a missing item has probably ended.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entente_schemas::block::Severity;
use entente_schemas::family::{Body, Impact, Notice, Outcome, Phase};
use entente_schemas::header::{Certainty, Native, Times};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::Normalize;
use entente_sidecar::decode::{json_item, json_items};
use entente_sidecar::item::{FeedProfile, Item, Reading, Refusal, Statement, Vanishing, incident};
use entente_sidecar::mapping::{Mapping, Member};
use serde::{Deserialize, Serialize};

static TABLE: LazyLock<Mapping> =
    LazyLock::new(|| Mapping::parse("version = 1\n[digest]\nimpact = ['state', 'text']\nnotice = ['text']\n").unwrap());

pub struct Acme(FeedProfile);

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    state: String,
    text: String,
    stamp: i64,
}

/// An answer with these items: id, state, text, stamp.
pub fn answer(items: &[(&str, &str, &str, i64)]) -> String {
    let entry = |(id, state, text, stamp): &(&str, &str, &str, i64)| Entry {
        id: (*id).to_owned(),
        state: (*state).to_owned(),
        text: (*text).to_owned(),
        stamp: *stamp,
    };
    serde_json::to_string(&items.iter().map(entry).collect::<Vec<_>>()).unwrap()
}

impl Acme {
    pub fn new() -> Self {
        Self(FeedProfile {
            slug: "acme-status".into(),
            system: "acme".into(),
            speaker: Speaker {
                org: "acme".into(),
                role: Role::Vendor,
                channel: Some("https://status.acme.example".into()),
                relay: Relay::Polled,
            },
            address: "https://status.acme.example/feed.json".into(),
            vanishing: Vanishing::ResolvedAfterTwoPolls,
            covers: Vec::new(),
            mapping_version: 1,
        })
    }
}

impl Normalize for Acme {
    fn profile(&self) -> &FeedProfile {
        &self.0
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let mut reading = Reading::default();
        for (index, raw) in json_items(body)?.iter().enumerate() {
            match json_item::<Entry>(raw, index) {
                Ok(entry) => reading.items.push(entry.item(observed)),
                Err(refusal) => reading.refused.push(refusal),
            }
        }
        Ok(reading)
    }
}

impl Entry {
    fn native(&self, id: String, list: &str) -> Native {
        let member = |name: &str| if name == "state" { Member::from(&*self.state) } else { Member::from(&*self.text) };
        Native {
            system: "acme".into(),
            id,
            url: None,
            status: Some(self.state.clone()),
            severity: None,
            category: None,
            mapping_version: 1,
            digest: TABLE.digest(list, member).unwrap(),
        }
    }

    fn item(&self, observed: DateTime<Utc>) -> Item {
        let closed = self.state == "closed";
        let times = Times {
            published_at: DateTime::from_timestamp(1_700_000_000 + self.stamp, 0),
            occurred_at: None,
            occurred_end: None,
            fidelity: None,
            observed_at: observed,
            confirmed_at: None,
        };
        let said = format!("{}/{}", self.id, self.text.replace(' ', "-"));
        Item {
            object_id: format!("acme:{}", self.id),
            native: self.native(self.id.clone(), "impact"),
            times: times.clone(),
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact {
                phase: if closed { Phase::Resolved } else { Phase::Investigating },
                outcome: closed.then_some(Outcome::Restored),
                severity: Severity::Minor,
                summary: Some(self.text.clone()),
                ..incident(format!("Trouble {}", self.id))
            }),
            also: vec![Statement {
                object_id: format!("acme:{said}"),
                native: self.native(said, "notice"),
                times,
                refs: Vec::new(),
                body: Body::Notice(Notice {
                    about: format!("acme:{}", self.id),
                    channel: "https://status.acme.example".into(),
                    url: None,
                    audience_told: "public".into(),
                    native_status: None,
                    text: self.text.clone(),
                }),
            }],
            refused: Vec::new(),
        }
    }
}
