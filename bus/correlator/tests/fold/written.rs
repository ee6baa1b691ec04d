//! Logs written by hand: desks that seal claims as an outbox does, and records as the log keeps them. Signatures count as
//! judged.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::Incident;
use entente_correlator::{Model, State};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash};
use entente_schemas::family::{Claim, Family};
use entente_schemas::record::{Position, Record, Verdict};
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

pub const STREAM: &str = "A_actual_all";

pub fn at(clock: &str) -> DateTime<Utc> {
    format!("2024-07-19T{clock}:00Z").parse().unwrap()
}

/// A log as it grows.
#[derive(Default)]
pub struct Log {
    pub records: Vec<Record>,
}

/// What was said, for those who refer to it.
#[derive(Clone)]
pub struct Said {
    pub id: String,
    pub object: String,
    pub source: String,
    pub sequence: u64,
    pub hash: String,
}

/// A transmitter.
#[derive(Clone)]
pub struct Desk {
    source: Source,
    sequence: u64,
    prevhash: String,
}

impl Desk {
    pub fn new(org: &str) -> Self {
        let source = Source { org: org.into(), feed: "desk".into(), instance: "01J00000000000000000000000".into() };
        Self { source, sequence: 0, prevhash: CHAIN_START.into() }
    }

    /// Says something, `answering` an event: `body` may hold header members as well; the rest is filled in.
    pub fn say(&mut self, log: &mut Log, family: Family, object: &str, body: Value, answering: Option<&str>) -> Said {
        let recorded = at("06:00") + TimeDelta::minutes(i64::try_from(log.records.len()).unwrap());
        let org = &self.source.org;
        let role = if ["aws", "azure", "gcp"].contains(&org.as_str()) { "provider" } else { "vendor" };
        let mut claim = json!({"object_id": object, "rev": 1, "speaker": {"org": org, "role": role, "relay": "own"},
            "times": {"observed_at": recorded}, "certainty": "observed"});
        merge(&mut claim, body);
        let claim = Claim::read_strict(family, &claim.to_string()).unwrap_or_else(|error| panic!("{error}\n{claim}"));
        self.sequence += 1;
        let id = format!("{org}-{}", self.sequence);
        let causation = answering.map(str::to_owned);
        let draft = Draft { id: id.clone(), recorded, causation, traceparent: None, tlp: Tlp::Green, claim };
        let (source, sequence, prevhash) = (&self.source, self.sequence, self.prevhash.as_str());
        let place = Place { source, universe: "actual", audience: "all", sequence, prevhash };
        let (payload, subject) = (draft.seal(place).unwrap(), draft.subject(place).unwrap().to_string());
        self.prevhash = chain_hash(&payload);
        log.records.push(Record {
            stream: STREAM.into(),
            sequence: log.records.len() as u64 + 1,
            logged: recorded,
            subject,
            key: format!("U{}", self.source),
            signature: String::new(),
            payload: Arc::from(payload),
            verdict: Verdict::Signed,
        });
        let hash = self.prevhash.clone();
        Said { id, object: object.into(), source: self.source.to_string(), sequence: self.sequence, hash }
    }
}

impl Log {
    pub fn fold(&self) -> State {
        let mut state = State::new("actual", Arc::new(Model::v1().unwrap()));
        self.records.iter().cloned().for_each(|record| state.offer(record));
        state.complete(&Position::of(STREAM, self.records.last().map_or(0, |record| record.sequence)));
        state
    }

    /// The incident of an object at a moment.
    pub fn incident(&self, object: &str, clock: &str) -> Incident {
        self.fold().incident(object, at(clock)).unwrap_or_else(|| panic!("no incident of {object}"))
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// `a` with the members of `b`.
pub fn with(mut a: Value, b: Value) -> Value {
    merge(&mut a, b);
    a
}

/// An impact on the virtual machines of a provider.
pub fn outage(title: &str, provider: &str, more: Value) -> Value {
    let block =
        json!({"provider": provider, "service_class": "compute", "regions": ["r1"], "state": "affected_unavailable"});
    let body = json!({"kind": "incident", "phase": "investigating", "severity": "major", "title": title, "blocks": [block],
        "times": {"occurred_at": at("05:00"), "fidelity": "minute"}});
    with(body, more)
}

/// Members that pass on what an organisation said by phone.
pub fn heard_from(org: &str) -> Value {
    json!({"speaker": {"org": org, "role": "vendor", "relay": "relayed"}, "certainty": "likely",
        "author": {"org": "aws", "person": "liaison"}})
}
