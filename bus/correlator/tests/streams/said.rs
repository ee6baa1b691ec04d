//! Logs of several streams: desks that seal claims for one audience each, as outboxes do, and records as streams keep them.
//! Signatures count as judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::incident_id;
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash};
use entente_schemas::family::{Claim, Family};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject::log_stream;
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

use crate::choice::Choice;

pub const ALL: &str = "all";
pub const BANKS: &str = "gbbbbbbbbbbbbbbbb";
pub const CLOUDS: &str = "gcccccccccccccccc";

const AUDIENCES: [&str; 3] = [ALL, BANKS, CLOUDS];
const ORGS: [&str; 5] = ["aws", "azure", "gcp", "acme", "cisa"];

pub fn at(clock: &str) -> DateTime<Utc> {
    format!("2024-07-19T{clock}:00Z").parse().unwrap()
}

pub fn stream_of(audience: &str) -> String {
    log_stream("actual", audience)
}

/// A sealed event.
#[derive(Clone)]
pub struct Sealed {
    audience: String,
    subject: String,
    payload: Vec<u8>,
    id: String,
    object: String,
    rev: u64,
    source: String,
    sequence: u64,
}

impl Sealed {
    /// The body of a retraction of it that erases, if the reason does.
    pub fn withdrawn(&self, reason: &str) -> Value {
        json!({"target": self.id, "target_object": self.object, "target_rev": self.rev, "target_source": self.source,
            "target_sequence": self.sequence, "target_hash": chain_hash(&self.payload), "target_signature": "A".repeat(86),
            "scope": "revision", "reason": reason})
    }
}

/// A transmitter in one audience.
#[derive(Clone)]
pub struct Desk {
    source: Source,
    audience: String,
    sequence: u64,
    prevhash: String,
    revisions: BTreeMap<(Family, String), u64>,
}

impl Desk {
    pub fn new(org: &str, feed: &str, audience: &str) -> Self {
        // An outbox for each audience.
        let instance = format!("01J0000000000000000000{:04}", AUDIENCES.iter().position(|a| *a == audience).unwrap());
        let source = Source { org: org.into(), feed: feed.into(), instance };
        let (sequence, prevhash) = (0, CHAIN_START.into());
        Self { source, audience: audience.into(), sequence, prevhash, revisions: BTreeMap::new() }
    }

    pub fn org(&self) -> &str {
        &self.source.org
    }

    /// Says something: `body` may hold header members as well; the rest of the header is filled in.
    pub fn say(&mut self, family: Family, object: &str, recorded: DateTime<Utc>, body: Value) -> Sealed {
        self.say_as(family, object, recorded, body, None)
    }

    fn say_as(
        &mut self,
        family: Family,
        object: &str,
        recorded: DateTime<Utc>,
        body: Value,
        id: Option<String>,
    ) -> Sealed {
        let rev = self.revisions.entry((family, object.to_owned())).or_default();
        *rev += 1;
        let rev = *rev;
        let role = match self.org() {
            "aws" | "azure" | "gcp" => "provider",
            "cisa" => "coordinator",
            // Who is one thing to everybody can be another in a group.
            _ if self.audience == BANKS => "customer",
            _ => "vendor",
        };
        let mut claim = json!({"object_id": object, "rev": rev, "certainty": "observed",
            "speaker": {"org": self.org(), "role": role, "relay": "own"}, "times": {"observed_at": recorded}});
        merge(&mut claim, body);
        let claim = Claim::read_strict(family, &claim.to_string()).unwrap_or_else(|error| panic!("{error}\n{claim}"));
        self.sequence += 1;
        let readable = || format!("{}-{}-{}-{}", self.org(), self.source.feed, self.audience, self.sequence);
        let id = id.unwrap_or_else(readable);
        let tlp = if self.audience == ALL { Tlp::Green } else { Tlp::Amber };
        let draft = Draft { id: id.clone(), recorded, causation: None, traceparent: None, tlp, claim };
        let place = Place {
            source: &self.source,
            universe: "actual",
            audience: &self.audience,
            sequence: self.sequence,
            prevhash: &self.prevhash,
        };
        let (payload, subject) = (draft.seal(place).unwrap(), draft.subject(place).unwrap().to_string());
        self.prevhash = chain_hash(&payload);
        let (source, sequence) = (self.source.to_string(), self.sequence);
        Sealed { audience: self.audience.clone(), subject, payload, id, object: object.into(), rev, source, sequence }
    }
}

/// Streams as they grow.
#[derive(Default)]
pub struct Log {
    pub records: Vec<Record>,
    ends: BTreeMap<String, u64>,
}

impl Log {
    pub fn take(&mut self, event: Sealed, logged: DateTime<Utc>) {
        self.store(event, logged, None);
    }

    fn store(&mut self, event: Sealed, logged: DateTime<Utc>, key: Option<&str>) {
        let sequence = self.ends.entry(event.audience.clone()).or_default();
        *sequence += 1;
        self.records.push(Record {
            stream: stream_of(&event.audience).into(),
            sequence: *sequence,
            logged,
            subject: event.subject,
            key: key.map_or_else(|| format!("U{}", event.source), str::to_owned),
            signature: String::new(),
            payload: Arc::from(event.payload),
            verdict: Verdict::Signed,
        });
    }
}

pub fn impact(title: &str, provider: &str) -> Value {
    let block =
        json!({"provider": provider, "service_class": "compute", "regions": ["r1"], "state": "affected_unavailable"});
    json!({"kind": "incident", "phase": "investigating", "severity": "major", "title": title, "blocks": [block],
        "times": {"occurred_at": at("05:00"), "fidelity": "minute"}})
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

/// A log of three streams whose clocks do not agree, with whatever goes wrong in logs: forks, broken chains that are found
/// late, foreign keys, ids that are used twice, what is erased and what is sent again.
pub fn log(choice: &mut Choice, most: usize) -> Vec<Record> {
    let mut log = Log::default();
    let feeds = [("desk", 5), ("status", 1)];
    let sources = feeds.iter().flat_map(|(feed, orgs)| ORGS.iter().take(*orgs).map(move |org| (*org, *feed)));
    let mut desks: Vec<Desk> =
        sources.flat_map(|(org, feed)| AUDIENCES.map(|audience| Desk::new(org, feed, audience))).collect();
    let mut said: Vec<Sealed> = Vec::new();
    for step in 0..=choice.below(most) {
        let recorded = at("06:00") + TimeDelta::seconds(i64::try_from(step).unwrap() * 20);
        let logged = recorded + TimeDelta::seconds(i64::try_from(choice.below(90)).unwrap() - 30);
        let which = choice.below(desks.len());
        match choice.below(16) {
            0 => broken(choice, &mut desks[which], &mut log, recorded, logged),
            1 if !said.is_empty() => {
                // The same event in another audience, or once more in its own.
                let twin = said[choice.below(said.len())].clone();
                let own = desks[which].source.to_string() == twin.source;
                if own && choice.below(2) == 0 {
                    log.take(twin, logged);
                } else {
                    let body = impact("Said in two audiences", "aws");
                    let event = desks[which].say_as(Family::Impact, &twin.object, recorded, body, Some(twin.id));
                    log.take(event, logged);
                }
            }
            2 => {
                let event = desks[which].clone().say(Family::Impact, "aws:fork", recorded, impact("A fork", "aws"));
                log.store(event, logged, choice.of(&["Uforeign", ""]).strip_prefix('U'));
            }
            3 => {
                let pause = choice.below(6);
                desks[which].sequence += u64::try_from(pause).unwrap();
                desks[which].prevhash = "ab".repeat(32);
            }
            _ => {
                let event = publication(choice, &mut desks[which], recorded, &said);
                said.push(event.clone());
                log.take(event, logged);
            }
        }
    }
    log.records
}

/// A successor that is logged before its predecessor, which turns out to be another than it names.
fn broken(choice: &mut Choice, desk: &mut Desk, log: &mut Log, recorded: DateTime<Utc>, logged: DateTime<Utc>) {
    let mut other = desk.clone();
    let first = desk.say(Family::Impact, &object(choice), recorded, impact("The one", "aws"));
    let other = other.say(Family::Impact, &object(choice), recorded, impact("The other", "azure"));
    let second = publication(choice, desk, recorded, &[first]);
    log.take(second, logged);
    log.take(other, logged + TimeDelta::seconds(3));
}

fn object(choice: &mut Choice) -> String {
    format!("{}:item-{}", choice.of(&ORGS), choice.below(4))
}

fn publication(choice: &mut Choice, desk: &mut Desk, recorded: DateTime<Utc>, said: &[Sealed]) -> Sealed {
    let own = format!("{}:item-{}", desk.org(), choice.below(4));
    let mine = |family: &str, choice: &mut Choice, desk: &Desk| format!("{}:{family}-{}", desk.org(), choice.below(3));
    match choice.below(14) {
        0..=4 => {
            let body = any_impact(choice, desk.org());
            desk.say(Family::Impact, &own, recorded, body)
        }
        5 => {
            let text = choice.of(&["We look into it.", "CrowdStrike's update is the cause.", "This is resolved."]);
            let body = json!({"about": object(choice), "channel": "page", "audience_told": "public", "text": text});
            desk.say(Family::Notice, &format!("{own}/{}", choice.below(3)), recorded, body)
        }
        6 => {
            let thread = format!("{}:message-{}", choice.of(&ORGS), choice.below(3));
            let body = json!({"thread_id": thread, "kind": choice.of(&["request", "note", "commitment"]),
                "text": "Which repair works?", "state": choice.of(&["open", "fulfilled"]), "to": ["gcp"],
                "due_at": recorded,
                "refs": [{"kind": "incident", "value": incident_id(&object(choice)), "relation": "related"}]});
            let object = mine("message", choice, desk);
            desk.say(Family::Message, &object, recorded, body)
        }
        7 => {
            let kind = choice.of(&["must_link", "cannot_link", "declare", "close", "dissolve"]);
            let mut body = json!({"kind": kind, "objects": [object(choice), object(choice)], "reason": "seen"});
            if kind == "declare" {
                body = with(body, json!({"name": choice.of(&["Blue Friday", "The night"])}));
            }
            if choice.below(3) == 0 {
                body = with(body, json!({"expires": recorded + TimeDelta::minutes(10)}));
            }
            let object = mine("constraint", choice, desk);
            desk.say(Family::Constraint, &object, recorded, body)
        }
        8 | 9 if !said.is_empty() => {
            let source = desk.source.to_string();
            let own: Vec<&Sealed> = said.iter().filter(|said| said.source == source).collect();
            let any: Vec<&Sealed> = said.iter().collect();
            let from = if own.is_empty() || choice.below(4) == 0 { any } else { own };
            let target = from[choice.below(from.len())];
            let body = target.withdrawn(choice.of(&["wrong_fact", "legal", "wrong_tlp"]));
            let body = with(body, json!({"scope": choice.of(&["revision", "object"])}));
            let object = format!("{}:retraction-{}", desk.org(), choice.below(9));
            desk.say(Family::Retraction, &object, recorded, body)
        }
        10 => {
            let body = json!({"feed": desk.source.feed, "state": choice.of(&["live", "blind"]), "since": recorded,
                "reason": "a poll", "coverage": {"speakers": [choice.of(&ORGS)], "service_classes": ["compute"]}});
            let object = format!("feed:{}", desk.source.org_feed());
            desk.say(Family::Feed, &object, recorded, body)
        }
        11 => {
            let body = json!({"quantity": "affected", "unit": "vm", "lo": 10 + choice.below(50), "hi": 100 + choice.below(50),
                "method": "sketch", "as_of": recorded, "population": {"definition": format!("fleet:{}", desk.org())},
                "refs": [{"kind": "incident", "value": object(choice), "relation": "related"}]});
            let object = mine("estimate", choice, desk);
            desk.say(Family::Estimate, &object, recorded, body)
        }
        12 => {
            let body = json!({"desk": "night", "role": "liaison"});
            let object = mine("roster", choice, desk);
            desk.say(Family::Roster, &object, recorded, body)
        }
        _ => {
            let body = json!({"approach_id": "aws:reboot", "state": "running",
                "arms": [{"tally": {"attempted": 90, "succeeded": 40 + choice.below(50)}}],
                "refs": [{"kind": "incident", "value": object(choice), "relation": "related"}]});
            let object = mine("run", choice, desk);
            desk.say(Family::Remediation, &object, recorded, body)
        }
    }
}

fn any_impact(choice: &mut Choice, org: &str) -> Value {
    let title = choice.of(&["Windows VMs stop", "Errors in the region", "csagent.sys stops machines", "Logins fail"]);
    let provider = if org == "acme" { "azure" } else { org };
    let state = choice.of(&["affected_unavailable", "restored", "not_affected"]);
    let block = json!({"provider": provider, "service_class": "compute", "regions": [choice.of(&["r1", "r2"])], "state": state});
    let mut body = json!({"kind": "incident", "phase": choice.of(&["investigating", "identified", "resolved"]),
        "severity": choice.of(&["info", "major", "critical"]), "title": title, "blocks": [block]});
    if choice.below(2) == 0 {
        let start = at("05:30") + TimeDelta::minutes(i64::try_from(choice.below(90)).unwrap());
        body = with(body, json!({"times": {"occurred_at": start, "fidelity": "minute"}}));
    }
    if choice.below(3) == 0 {
        let cause = json!({"vendor": "CrowdStrike", "product": "Falcon", "status": "identified"});
        body = with(body, json!({"suspected_cause": cause}));
    }
    if choice.below(4) == 0 {
        let named = object(choice);
        let value = if choice.below(2) == 0 { incident_id(&named) } else { named };
        let relation = choice.of(&["same", "part_of", "distinct_from"]);
        body = with(body, json!({"refs": [{"kind": "incident", "value": value, "relation": relation}]}));
    }
    if choice.below(4) == 0 {
        let as_of = at("06:00");
        let count =
            json!({"unit": "vm", "quantity": "affected", "value": 7, "method": "exact_enumeration", "as_of": as_of});
        body = with(body, json!({"counts": [count], "next_update_by": as_of}));
    }
    body
}
