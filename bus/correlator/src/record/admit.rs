//! At the door of the fold: which records count, and why the others are held back. Judged over the set of a source's
//! records, not over their order in the log: a window and a resend can log 8 before 7.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::digest::{SHORT, hex, sha256};
use entente_schemas::event::{CHAIN_START, Event, machine_id};
use entente_schemas::family::{Erasure, Family};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject::{ClaimSubject, log_stream};

use crate::model::Model;

/// One link of a source's chain.
#[derive(Clone, Debug)]
struct Link {
    hash: [u8; 32],
    prevhash: String,
    event_id: String,
}

/// The chain of one source in one audience.
#[derive(Clone, Debug, Default)]
struct Chain {
    key: String,
    links: BTreeMap<u64, Link>,
    /// Hashes that retractions name of what they erased: an explanation of a hole, never in the way of an event.
    erased: BTreeMap<u64, BTreeSet<String>>,
}

impl Chain {
    /// Whether an event may follow, by the hash that it names as its predecessor's.
    fn is_next(&self, sequence: u64, prevhash: &str) -> bool {
        let Some(before) = sequence.checked_sub(1).filter(|before| *before > 0) else { return prevhash == CHAIN_START };
        match (self.links.get(&before), self.erased.get(&before)) {
            (Some(link), _) => hex(&link.hash) == prevhash,
            (None, Some(erased)) => erased.contains(prevhash),
            (None, None) => true,
        }
    }

    /// Sequences that are missing before the last one that is there.
    fn gaps(&self) -> u64 {
        let last = self.links.keys().next_back().copied().unwrap_or(0);
        let explained = |(sequence, erased): &(&u64, &BTreeSet<String>)| {
            let next = sequence.checked_add(1).and_then(|next| self.links.get(&next));
            !self.links.contains_key(sequence) && next.is_some_and(|next| erased.contains(&next.prevhash))
        };
        last - self.links.len() as u64 - self.erased.iter().filter(explained).count() as u64
    }
}

/// What came of a record.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It counts.
    Taken {
        /// The event.
        event: Box<Event>,
        /// Its clock ran ahead of the log's.
        clock_suspect: bool,
        /// An event that was taken before and must be held back now: this record is its predecessor, with another hash.
        breaks: Option<String>,
    },
    /// It says again what was there.
    Repeated,
    /// It does not count, and why.
    Held(String),
}

/// What the door remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door {
    chains: BTreeMap<(String, String), Chain>,
    /// Event ids by audience: what is said in two stands in both, whichever came first.
    ids: BTreeMap<String, BTreeSet<String>>,
    clamp: BTreeMap<Arc<str>, DateTime<Utc>>,
}

impl Door {
    /// The logged time of a record, which never steps back within its stream.
    pub(crate) fn clamped(&mut self, record: &Record) -> DateTime<Utc> {
        let last = self.clamp.entry(Arc::clone(&record.stream)).or_insert(record.logged);
        *last = record.logged.max(*last);
        *last
    }

    /// Judges a record.
    pub(crate) fn admit(&mut self, record: &Record, logged: DateTime<Utc>, model: &Model) -> Admission {
        match self.judge(record, logged, model) {
            Ok(admission) => admission,
            Err(reason) => Admission::Held(reason),
        }
    }

    fn judge(&mut self, record: &Record, logged: DateTime<Utc>, model: &Model) -> Result<Admission, String> {
        if let Verdict::Refused(reason) = &record.verdict {
            return Err(reason.clone());
        }
        let event = Event::read(&record.payload).map_err(|error| format!("cannot be read: {error}"))?;
        check_subject(record, &event)?;
        check_id(&event)?;
        let ahead = event.recorded - logged;
        if ahead > model.windows.clock_refused() {
            return Err(format!(
                "recorded {} s after the log took it: its clock runs ahead. Set the clock, then send a new revision",
                ahead.num_seconds()
            ));
        }
        let breaks = match self.link(record, &event)? {
            Linked::New { breaks } => breaks,
            Linked::Known => return Ok(Admission::Repeated),
        };
        if !self.ids.entry(event.audience.clone()).or_default().insert(event.id.clone()) {
            return Ok(Admission::Repeated);
        }
        let clock_suspect = ahead > model.windows.clock_suspect();
        Ok(Admission::Taken { event: Box::new(event), clock_suspect, breaks })
    }

    fn link(&mut self, record: &Record, event: &Event) -> Result<Linked, String> {
        let scope = (event.source.to_string(), event.audience.clone());
        let chain = self.chains.entry(scope).or_default();
        if chain.key.is_empty() {
            chain.key.clone_from(&record.key);
        }
        if chain.key != record.key {
            return Err("signed with another key than its source began with. Start a new outbox for a new key".into());
        }
        let hash = sha256(&record.payload);
        let own = hex(&hash);
        if let Some(known) = chain.links.get(&event.sequence) {
            return if known.hash == hash {
                Ok(Linked::Known)
            } else {
                Err(format!("sequence {} of its source was used before, by another event", event.sequence))
            };
        }
        if chain.erased.get(&event.sequence).is_some_and(|erased| erased.contains(&own)) {
            return Ok(Linked::Known);
        }
        if !chain.is_next(event.sequence, &event.prevhash) {
            return Err(
                "its chain names another predecessor than the one logged. Start a new outbox, then send a new revision"
                    .into(),
            );
        }
        let next = chain.links.get(&(event.sequence + 1));
        let breaks = next.filter(|next| next.prevhash != own).map(|next| next.event_id.clone());
        let link = Link { hash, prevhash: event.prevhash.clone(), event_id: event.id.clone() };
        chain.links.insert(event.sequence, link);
        Ok(Linked::New { breaks })
    }

    /// Remembers that an event of a chain was erased: its hole is explained, and sent again it is a repetition.
    pub(crate) fn bridge(&mut self, erasure: &Erasure, audience: &str) {
        let scope = (erasure.source.to_string(), audience.to_owned());
        let erased = &mut self.chains.entry(scope).or_default().erased;
        erased.entry(erasure.sequence).or_default().insert(erasure.hash.clone());
    }

    /// Forgets an event that was taken and must be held back after all: sent again whole, it may count.
    pub(crate) fn forget(&mut self, event: &Event) {
        self.ids.get_mut(&event.audience).map(|ids| ids.remove(&event.id));
    }

    /// Sequence numbers of a feed's sources that are missing in an audience, and how many outboxes it has had there.
    pub(crate) fn gaps(&self, org: &str, feed: &str, audience: &str) -> (u64, usize) {
        let prefix = format!("//{org}/{feed}/");
        let chains =
            self.chains.range((prefix.clone(), String::new())..).take_while(|((s, _), _)| s.starts_with(&prefix));
        let mut instances = BTreeSet::new();
        let mut gaps = 0;
        for ((source, _), chain) in chains.filter(|((_, own), _)| own == audience) {
            instances.insert(source);
            gaps += chain.gaps();
        }
        (gaps, instances.len())
    }
}

enum Linked {
    New { breaks: Option<String> },
    Known,
}

/// A machine's id is that of its content, and a person's is no machine's: else a rival could use the id of a true claim
/// that is still to come, and the true one would be taken for a repetition.
fn check_id(event: &Event) -> Result<(), String> {
    let header = &event.claim.header;
    let Some(native) = &header.native else {
        let is_machines = event.id.len() == SHORT && event.id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        return if is_machines { Err("a claim without a native item has a machine's id".into()) } else { Ok(()) };
    };
    // A feed's state may be told by another than its adapter, under an id that is equal whoever tells it.
    let own = event.source.org_feed();
    let told_of = header.object_id.strip_prefix("feed:").filter(|_| event.claim.family() == Family::Feed);
    let scope = told_of.unwrap_or(&own);
    let id = |scope: &str| {
        machine_id(&event.universe, scope, event.claim.family(), &header.object_id, header.rev, &native.digest)
    };
    if event.id == id(scope) { Ok(()) } else { Err("its id is not that of its content".into()) }
}

fn check_subject(record: &Record, event: &Event) -> Result<(), String> {
    let subject = ClaimSubject::parse(&record.subject).map_err(|error| format!("subject: {error}"))?;
    let expected = event.expected_subject().map_err(|error| format!("envelope: {error}"))?;
    if subject != expected {
        return Err("its subject does not agree with the signed body".into());
    }
    if *record.stream != log_stream(&event.universe, &event.audience) {
        return Err(format!("universe and audience do not belong in the stream {}", record.stream));
    }
    Ok(())
}
