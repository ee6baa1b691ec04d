//! Verifying the whole log: signatures, subjects, chains, gaps, keys, and sequences that are missing in the stream.
//!
//! A chain is judged over the set of a source's records, not their order: a window and a resend can log 8 before 7.
//! Only a present predecessor with another hash breaks it; an absent one is a gap. A valid retraction that erases takes
//! the place of the one event that it names: its hash is what the successor must name as predecessor.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::event::{CHAIN_START, Event, chain_hash};
use entente_schemas::family::{Erasure, Family};
use entente_schemas::record::{Record, Verdict};
use serde::Serialize;

use crate::bus::Bus;
use crate::read::{ReadError, Reader};
use crate::topology::Scope;

/// How many findings are told in words; the counts go on.
const TOLD: usize = 200;

/// What verifying the whole log found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records read.
    pub records: u64,
    /// Records whose signature is good and whose subject agrees with the body.
    pub signed: u64,
    /// Records that are refused.
    pub refused: u64,
    /// Sources seen.
    pub sources: u64,
    /// Events missing in a source's sequence, each counted; none that was erased.
    pub gaps: u64,
    /// Events that name another hash than their predecessor has, or of which two differ under one sequence.
    pub breaks: u64,
    /// Events that stand in the log more than once, byte for byte.
    pub repeated: u64,
    /// Records under another key than that of their source's first record.
    pub foreign_keys: u64,
    /// Sequences that are missing in the stream; those of erased events among them.
    pub missing: u64,
    /// Events that are gone because a valid retraction erases them.
    pub erased: u64,
    /// Events that a valid retraction erases and that stand all the same.
    pub unerased: u64,
    /// Each finding in words, at most 200.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong. What a valid retraction erased is nothing wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < TOLD {
            self.problems.push(text);
        }
    }
}

/// Reads the whole log and checks signatures, chains, gaps and keys.
///
/// # Errors
/// If the log does not answer.
pub async fn verify(bus: &Bus, scope: &Scope) -> Result<Report, ReadError> {
    let mut reader = Reader::new(bus, scope, 0);
    let mut check = Check::new(scope);
    loop {
        for record in &reader.next().await?.records {
            check.take(record);
        }
        if reader.is_caught_up() {
            return Ok(check.finish());
        }
    }
}

/// One event of a source.
struct Link {
    log: u64,
    hash: String,
    prevhash: String,
    /// A retraction is never erased.
    is_final: bool,
}

#[derive(Default)]
struct Chain {
    key: String,
    links: BTreeMap<u64, Link>,
    /// Sequence to the retraction that erases the event, by its place in the log, and the hash that it names.
    erased: BTreeMap<u64, Vec<(u64, String)>>,
}

struct Check {
    universe: String,
    audience: String,
    report: Report,
    last: u64,
    chains: BTreeMap<String, Chain>,
}

impl Check {
    fn new(scope: &Scope) -> Self {
        let (universe, audience) = (scope.universe.clone(), scope.audience.clone());
        Self { universe, audience, report: Report::default(), last: 0, chains: BTreeMap::new() }
    }

    fn take(&mut self, record: &Record) {
        self.report.records += 1;
        self.report.missing += record.sequence.saturating_sub(self.last + 1);
        self.last = record.sequence;
        match self.event(record) {
            Ok(event) => {
                self.report.signed += 1;
                self.link(record, &event);
            }
            Err(reason) => {
                self.report.refused += 1;
                self.report.problem(format!("record {}: {reason}", record.sequence));
            }
        }
    }

    fn event(&self, record: &Record) -> Result<Event, String> {
        if let Verdict::Refused(reason) = &record.verdict {
            return Err(reason.clone());
        }
        let event = Event::read(&record.payload).map_err(|error| error.to_string())?;
        let expected = event.expected_subject().map_err(|error| error.to_string())?.to_string();
        if expected != record.subject {
            return Err(format!("it stands under {}, and its body belongs under {expected}", record.subject));
        }
        if (&event.universe, &event.audience) != (&self.universe, &self.audience) {
            return Err("it belongs to another universe or audience".to_owned());
        }
        Ok(event)
    }

    fn link(&mut self, record: &Record, event: &Event) {
        let source = event.source.to_string();
        let chain = self.chains.entry(source.clone()).or_default();
        if chain.key.is_empty() {
            chain.key.clone_from(&record.key);
        } else if chain.key != record.key {
            self.report.foreign_keys += 1;
            let text = format!("record {}: key {} is not that of {source}, {}", record.sequence, record.key, chain.key);
            return self.report.problem(text);
        }
        let link = Link {
            log: record.sequence,
            hash: chain_hash(&record.payload),
            prevhash: event.prevhash.clone(),
            is_final: event.claim.family() == Family::Retraction,
        };
        match chain.links.get(&event.sequence) {
            None => {
                chain.links.insert(event.sequence, link);
                self.note_erasure(record.sequence, event);
            }
            Some(other) if other.hash == link.hash => self.report.repeated += 1,
            Some(other) => {
                let text =
                    format!("{source}, sequence {}: records {} and {} differ", event.sequence, other.log, link.log);
                self.report.breaks += 1;
                self.report.problem(text);
            }
        }
    }

    fn note_erasure(&mut self, log: u64, event: &Event) {
        if let Some(Erasure { source, sequence, hash, .. }) = Erasure::of(event) {
            let chain = self.chains.entry(source.to_string()).or_default();
            chain.erased.entry(sequence).or_default().push((log, hash));
        }
    }

    fn finish(mut self) -> Report {
        let chains = std::mem::take(&mut self.chains);
        self.report.sources = chains.values().filter(|chain| !chain.links.is_empty()).count() as u64;
        for (source, chain) in &chains {
            self.judge_erasures(source, chain);
            self.judge_chain(source, chain);
        }
        if self.report.repeated > 0 {
            let text = format!("{} events stand in the log more than once", self.report.repeated);
            self.report.problem(text);
        }
        if self.report.missing > self.report.erased {
            let text = format!(
                "{} sequences are missing in the stream, and retractions explain {} of them",
                self.report.missing, self.report.erased
            );
            self.report.problem(text);
        }
        self.report
    }

    /// What was to go and has not.
    fn judge_erasures(&mut self, source: &str, chain: &Chain) {
        for (sequence, retractions) in &chain.erased {
            let Some(link) = chain.links.get(sequence) else { continue };
            if let Some((log, _)) = retractions.iter().find(|(_, hash)| *hash == link.hash && !link.is_final) {
                self.report.unerased += 1;
                self.report.problem(format!(
                    "{source}, sequence {sequence} (record {}) is not erased yet, as the retraction at {log} asks; a server that may delete messages of the stream does it at its start",
                    link.log
                ));
            }
        }
    }

    fn judge_chain(&mut self, source: &str, chain: &Chain) {
        let gone = chain.erased.keys().filter(|sequence| !chain.links.contains_key(sequence));
        let members: BTreeSet<u64> = chain.links.keys().chain(gone).copied().collect();
        let mut expected = 1;
        for sequence in members {
            if sequence > expected {
                self.gap(source, expected, sequence - 1);
            }
            let link = chain.links.get(&sequence);
            let before = if sequence == expected { chain.hashes_before(sequence) } else { Vec::new() };
            let fits = |link: &Link| before.is_empty() || before.contains(&link.prevhash.as_str());
            if let Some(link) = link.filter(|link| !fits(link)) {
                self.report.breaks += 1;
                let whose = format!("{source}, sequence {sequence} (record {})", link.log);
                self.report.problem(format!("{whose}: the chain breaks, its predecessor has another hash"));
            }
            match link {
                None if chain.explains(sequence) => self.report.erased += 1,
                None => self.gap(source, sequence, sequence),
                Some(_) => {}
            }
            expected = sequence + 1;
        }
    }

    fn gap(&mut self, source: &str, from: u64, to: u64) {
        self.report.gaps += to - from + 1;
        let which = if from == to {
            format!("sequence {from} is missing")
        } else {
            format!("sequences {from} to {to} are missing")
        };
        self.report.problem(format!("{source}: {which}"));
    }
}

impl Chain {
    /// The hash that an event must name as its predecessor's: of the event before it, or those that retractions name for
    /// it.
    fn hashes_before(&self, sequence: u64) -> Vec<&str> {
        let before = sequence.saturating_sub(1);
        match (before, self.links.get(&before)) {
            (0, _) => vec![CHAIN_START],
            (_, Some(link)) => vec![&link.hash],
            (_, None) => self.named(before).collect(),
        }
    }

    /// Whether the erasing of an absent event explains that it is absent: its successor, if there is one, agrees.
    fn explains(&self, sequence: u64) -> bool {
        let next = self.links.get(&(sequence + 1));
        next.is_none_or(|next| self.named(sequence).any(|hash| hash == next.prevhash))
    }

    fn named(&self, sequence: u64) -> impl Iterator<Item = &str> {
        self.erased.get(&sequence).into_iter().flatten().map(|(_, hash)| hash.as_str())
    }
}
