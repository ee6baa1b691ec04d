//! A log written by hand: desks that seal claims as an outbox does, and a log that stores them one a second.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash};
use entente_schemas::family::{Claim, Family};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

/// The stream of the universe and audience that the tests use.
pub const STREAM: &str = "A_actual_all";

/// A moment of the morning of 19 July 2024.
pub fn at(clock: &str) -> DateTime<Utc> {
    format!("2024-07-19T{clock}:00Z").parse().unwrap()
}

/// An event that no log has yet.
pub struct Sealed {
    subject: String,
    payload: Vec<u8>,
    key: String,
}

/// A transmitter.
pub struct Desk {
    source: Source,
    sequence: u64,
    prevhash: String,
    revisions: BTreeMap<String, u64>,
}

impl Desk {
    pub fn new(org: &str) -> Self {
        let instance = "01J00000000000000000000000".to_owned();
        let source = Source { org: org.into(), feed: "desk".into(), instance };
        Self { source, sequence: 0, prevhash: CHAIN_START.into(), revisions: BTreeMap::new() }
    }

    /// Says something; `body` may hold members of the header as well.
    pub fn say(&mut self, family: Family, object: &str, recorded: DateTime<Utc>, body: Value) -> Sealed {
        let rev = self.revisions.entry(object.to_owned()).or_default();
        *rev += 1;
        let org = &self.source.org;
        let role = if matches!(org.as_str(), "aws" | "azure" | "gcp") { "provider" } else { "vendor" };
        let mut claim = json!({"object_id": object, "rev": *rev, "certainty": "observed",
            "speaker": {"org": org, "role": role, "relay": "own"}, "times": {"observed_at": recorded}});
        merge(&mut claim, body);
        let claim =
            Claim::read_strict(family, &claim.to_string()).unwrap_or_else(|problems| panic!("{problems}\n{claim}"));
        self.seal(claim, recorded)
    }

    fn seal(&mut self, claim: Claim, recorded: DateTime<Utc>) -> Sealed {
        self.sequence += 1;
        let id = format!("{}-{}", self.source.org, self.sequence);
        let draft = Draft { id, recorded, causation: None, traceparent: None, tlp: Tlp::Green, claim };
        let (source, sequence, prevhash) = (&self.source, self.sequence, self.prevhash.as_str());
        let place = Place { source, universe: "actual", audience: "all", sequence, prevhash };
        let (payload, subject) = (draft.seal(place).unwrap(), draft.subject(place).unwrap().to_string());
        let key = format!("U{}", self.source);
        self.prevhash = chain_hash(&payload);
        Sealed { subject, payload, key }
    }
}

/// `a` with the members of `b`.
pub fn with(mut a: Value, b: Value) -> Value {
    merge(&mut a, b);
    a
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Stores events in this order, one a second after `start`.
pub fn log(events: &[Sealed], start: DateTime<Utc>) -> Vec<Record> {
    let stored = events.iter().zip(1_u64..).map(|(event, sequence)| Record {
        stream: STREAM.into(),
        sequence,
        logged: start + TimeDelta::seconds(i64::try_from(sequence).unwrap()),
        subject: event.subject.clone(),
        key: event.key.clone(),
        signature: String::new(),
        payload: Arc::from(event.payload.as_slice()),
        verdict: Verdict::Signed,
    });
    stored.collect()
}
