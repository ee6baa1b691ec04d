//! Verifying the whole log: signatures, subjects, chains, gaps, keys, and sequences that are missing in the stream.
//!
//! A chain is judged over the set of a source's records, not their order: a window and a resend can log 8 before 7.
//! Only a present predecessor with another hash breaks it; an absent one is a gap.

use std::collections::BTreeMap;

use entente_schemas::event::{CHAIN_START, Event, chain_hash};
use entente_schemas::family::Body;
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
    /// Events missing in a source's sequence, each counted.
    pub gaps: u64,
    /// Events that name another hash than their predecessor has, or of which two differ under one sequence.
    pub breaks: u64,
    /// Events that stand in the log more than once, byte for byte.
    pub repeated: u64,
    /// Records under another key than that of their source's first record.
    pub foreign_keys: u64,
    /// Sequences that are missing in the stream.
    pub missing: u64,
    /// Retractions that erase their target: each explains one missing sequence and one gap.
    pub erased: u64,
    /// Each finding in words, at most 200.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
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
}

#[derive(Default)]
struct Chain {
    key: String,
    links: BTreeMap<u64, Link>,
}

struct Check {
    universe: String,
    audience: String,
    report: Report,
    last: u64,
    chains: BTreeMap<String, Chain>,
    /// Source of erased events to how many were erased.
    erased: BTreeMap<String, u64>,
}

impl Check {
    fn new(scope: &Scope) -> Self {
        let (universe, audience) = (scope.universe.clone(), scope.audience.clone());
        let (chains, erased) = (BTreeMap::new(), BTreeMap::new());
        Self { universe, audience, report: Report::default(), last: 0, chains, erased }
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
        if let Body::Retraction(retraction) = &event.claim.body
            && retraction.reason.erases()
        {
            self.report.erased += 1;
            *self.erased.entry(retraction.target_source.clone()).or_default() += 1;
        }
        let chain = self.chains.entry(source.clone()).or_default();
        if chain.key.is_empty() {
            chain.key.clone_from(&record.key);
        } else if chain.key != record.key {
            self.report.foreign_keys += 1;
            let text = format!("record {}: key {} is not that of {source}, {}", record.sequence, record.key, chain.key);
            return self.report.problem(text);
        }
        let link = Link { log: record.sequence, hash: chain_hash(&record.payload), prevhash: event.prevhash.clone() };
        match chain.links.get(&event.sequence) {
            None => {
                chain.links.insert(event.sequence, link);
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

    fn finish(mut self) -> Report {
        let chains = std::mem::take(&mut self.chains);
        self.report.sources = chains.len() as u64;
        for (source, chain) in &chains {
            self.judge_chain(source, chain);
        }
        if self.report.repeated > 0 {
            let text = format!("{} events stand in the log more than once", self.report.repeated);
            self.report.problem(text);
        }
        if self.report.missing > self.report.erased {
            let text = format!(
                "{} sequences are missing in the stream and {} retractions explain one each",
                self.report.missing, self.report.erased
            );
            self.report.problem(text);
        }
        self.report
    }

    fn judge_chain(&mut self, source: &str, chain: &Chain) {
        let (mut expected, mut before, mut gaps) = (1, CHAIN_START, Vec::new());
        for (sequence, link) in &chain.links {
            if *sequence != expected {
                gaps.push((expected, sequence - 1));
            } else if link.prevhash != before {
                self.report.breaks += 1;
                let text = format!(
                    "{source}, sequence {sequence} (record {}): the chain breaks, its predecessor has another hash",
                    link.log
                );
                self.report.problem(text);
            }
            (expected, before) = (sequence + 1, link.hash.as_str());
        }
        let absent: u64 = gaps.iter().map(|(from, to)| to - from + 1).sum();
        self.report.gaps += absent;
        if absent > self.erased.get(source).copied().unwrap_or(0) {
            for (from, to) in gaps {
                self.report.problem(format!("{source}: {}", gap(from, to)));
            }
        }
    }
}

fn gap(from: u64, to: u64) -> String {
    if from == to { format!("sequence {from} is missing") } else { format!("sequences {from} to {to} are missing") }
}
