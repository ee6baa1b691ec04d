//! A log written by hand for tests of pure code: desks that seal claims as an outbox does, and records as a log keeps
//! them. Signatures are taken as judged. A claim that no publisher may make is a mistake of the test and panics.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash, machine_id};
use entente_schemas::family::{Claim, Family};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

/// The stream of the universe and audience that all tests here use.
pub const STREAM: &str = "A_actual_all";

/// A moment of the morning of 19 July 2024.
#[must_use]
pub fn at(clock: &str) -> DateTime<Utc> {
    format!("2024-07-19T{clock}:00Z").parse().unwrap()
}

/// A sealed event, not yet in a log.
#[derive(Clone)]
pub struct Sealed {
    /// The subject it is published under.
    pub subject: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Who transmits it.
    pub source: String,
    /// The event's id.
    pub id: String,
}

/// A transmitter: gives sequence and chain as an outbox does.
pub struct Desk {
    source: Source,
    sequence: u64,
    prevhash: String,
    revisions: BTreeMap<String, u64>,
}

impl Desk {
    /// A desk or an adapter of an organisation.
    #[must_use]
    pub fn new(org: &str, feed: &str) -> Self {
        let instance = "01J00000000000000000000000".to_owned();
        Self {
            source: Source { org: org.into(), feed: feed.into(), instance },
            sequence: 0,
            prevhash: CHAIN_START.into(),
            revisions: BTreeMap::new(),
        }
    }

    /// Says something: `body` may hold header members as well; the rest of the header is filled in.
    pub fn say(&mut self, family: Family, object: &str, recorded: DateTime<Utc>, body: Value) -> Sealed {
        let rev = self.revisions.entry(object.to_owned()).or_default();
        *rev += 1;
        let mut claim = json!({
            "object_id": object, "rev": *rev,
            "speaker": {"org": self.source.org, "role": role(&self.source.org), "relay": "own"},
            "times": {"observed_at": recorded}, "certainty": "observed",
        });
        merge(&mut claim, body);
        let claim =
            Claim::read_strict(family, &claim.to_string()).unwrap_or_else(|problems| panic!("{problems}\n{claim}"));
        self.seal(claim, recorded)
    }

    fn seal(&mut self, claim: Claim, recorded: DateTime<Utc>) -> Sealed {
        self.sequence += 1;
        let id = self.id(&claim);
        let draft = Draft { id: id.clone(), recorded, causation: None, traceparent: None, tlp: Tlp::Green, claim };
        let place = Place {
            source: &self.source,
            universe: "actual",
            audience: "all",
            sequence: self.sequence,
            prevhash: &self.prevhash,
        };
        let (payload, subject) = (draft.seal(place).unwrap(), draft.subject(place).unwrap().to_string());
        self.prevhash = chain_hash(&payload);
        Sealed { subject, payload, source: self.source.to_string(), id }
    }
}

impl Desk {
    /// A machine's id is that of its content; a person's here is a readable one.
    fn id(&self, claim: &Claim) -> String {
        let (header, family) = (&claim.header, claim.family());
        let readable = || format!("{}-{}-{}", self.source.org, self.source.feed, self.sequence);
        let of_content = |digest: &str| {
            let scope = header.object_id.strip_prefix("feed:").map_or_else(|| self.source.org_feed(), str::to_owned);
            machine_id("actual", &scope, family, &header.object_id, header.rev, digest)
        };
        header.native.as_ref().map_or_else(readable, |native| of_content(&native.digest))
    }
}

fn role(org: &str) -> &'static str {
    match org {
        "aws" | "azure" | "gcp" => "provider",
        "cisa" => "coordinator",
        _ => "vendor",
    }
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

/// Stores events in this order, one second apart from `start`.
#[must_use]
pub fn log(events: &[Sealed], start: DateTime<Utc>) -> Vec<Record> {
    let stored = events
        .iter()
        .zip(1_u64..)
        .map(|(event, sequence)| record(event, sequence, start + TimeDelta::seconds(i64::try_from(sequence).unwrap())));
    stored.collect()
}

/// An event as the log keeps it.
#[must_use]
pub fn record(event: &Sealed, sequence: u64, logged: DateTime<Utc>) -> Record {
    Record {
        stream: STREAM.into(),
        sequence,
        logged,
        subject: event.subject.clone(),
        key: format!("U{}", event.source),
        signature: String::new(),
        payload: Arc::from(event.payload.as_slice()),
        verdict: Verdict::Signed,
    }
}

/// An impact's members beside the header.
#[must_use]
pub fn impact(title: &str, phase: &str, severity: &str) -> Value {
    json!({"kind": "incident", "phase": phase, "severity": severity, "title": title})
}

/// A block.
#[must_use]
pub fn block(provider: &str, class: &str, region: &str, state: &str) -> Value {
    json!({"provider": provider, "service_class": class, "regions": [region], "state": state})
}

/// `a` with the members of `b`.
#[must_use]
pub fn with(mut a: Value, b: Value) -> Value {
    merge(&mut a, b);
    a
}
