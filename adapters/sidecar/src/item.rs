//! What an adapter's pure half hands over: items of a feed, already in the bus's words but without revision. Which of
//! them are news is decided by the memory, not here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::{ServiceClass, Severity};
use entente_schemas::family::{Body, Impact, ImpactKind, Notice, Phase};
use entente_schemas::header::{Certainty, Native, Ref, Times};
use entente_schemas::speaker::Speaker;
use entente_schemas::tlp::Tlp;

use crate::poll::Failure;

/// What disappearance from a feed means (EVENTS 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanishing {
    /// Nothing: the item rolled out of the feed's window.
    Nothing,
    /// Missing in two good polls: resolved, certainty likely, outcome vanished.
    ResolvedAfterTwoPolls,
}

/// What does not change about a feed from poll to poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedProfile {
    /// The feed's slug, third token of its subjects: `gcp-public`.
    pub slug: String,
    /// The native system: `gcp.public`.
    pub system: String,
    /// Whose words the feed carries.
    pub speaker: Speaker,
    /// The address that is asked unless another is given.
    pub address: String,
    /// What a missing item means.
    pub vanishing: Vanishing,
    /// Classes of services that the feed would tell of.
    pub covers: Vec<ServiceClass>,
    /// Version of the mapping table.
    pub mapping_version: u32,
}

/// One item of a feed, in the bus's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `<native system>:<native id>`; does not depend on who observes.
    pub object_id: String,
    /// The provider's own item, with the digest that tells a real change.
    pub native: Native,
    /// The clocks, `observed_at` included.
    pub times: Times,
    /// References that the provider gives in the item itself.
    pub refs: Vec<Ref>,
    /// How sure the speaker is.
    pub certainty: Certainty,
    /// How its author wants it marked for onward sharing, what goes with it included; it is never marked less than the
    /// feed is, and refused where the audience may not read what is so marked.
    pub tlp: Option<Tlp>,
    /// What is claimed.
    pub body: Body,
    /// What goes with it, each an object of its own: every public statement that the item carries, oldest first, the
    /// advice in it, the approach that it runs.
    pub also: Vec<Statement>,
    /// Updates of it that could not be taken; the item stands without them.
    pub refused: Vec<Refusal>,
}

impl Item {
    /// The provider's stamp of this version of the item; none counts as oldest.
    #[must_use]
    pub fn stamp(&self) -> Option<DateTime<Utc>> {
        self.times.published_at
    }

    /// The impact, if that is what is claimed.
    #[must_use]
    pub fn impact(&self) -> Option<&Impact> {
        if let Body::Impact(impact) = &self.body { Some(impact) } else { None }
    }
}

/// An incident of which no more is stated than what it is called; what else a feed states is put in its place.
#[must_use]
pub fn incident(title: String) -> Impact {
    Impact {
        kind: ImpactKind::Incident,
        phase: Phase::Investigating,
        outcome: None,
        severity: Severity::NotStated,
        effect: Vec::new(),
        blocks: Vec::new(),
        title,
        summary: None,
        symptoms: Vec::new(),
        suspected_cause: None,
        counts: Vec::new(),
        next_update_by: None,
    }
}

/// One object that goes with an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `<item>/<update id>`, else `<item>/<UTC time>`, else `<item>/text`.
    pub object_id: String,
    /// The statement's own native part; that of a notice has its digest over when, status and text.
    pub native: Native,
    /// The clocks of the statement.
    pub times: Times,
    /// What it is about, where its family has no member that says so.
    pub refs: Vec<Ref>,
    /// What is stated.
    pub body: Body,
}

impl Statement {
    /// The notice, if that is what is stated.
    #[must_use]
    pub fn notice(&self) -> Option<&Notice> {
        if let Body::Notice(notice) = &self.body { Some(notice) } else { None }
    }
}

/// An item, or a whole answer, that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was wrong and what was expected.
    pub reason: String,
    /// Where: `item 3`, an item's id, line and column.
    pub position: Option<String>,
    /// The bytes that were refused; only their digest and size travel.
    pub input: Vec<u8>,
}

/// A provider's word that the mapping table does not list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnmappedWord {
    /// The member it stood in.
    pub field: String,
    /// The word.
    pub word: String,
    /// What it was read as.
    pub read_as: String,
}

/// What one answer of a feed contained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The items that were taken, in the feed's order.
    pub items: Vec<Item>,
    /// The items that were not.
    pub refused: Vec<Refusal>,
    /// Words that the mapping does not know, and how often they stood there.
    pub unmapped: BTreeMap<UnmappedWord, u64>,
    /// Whether the answer holds only what is new, as a queue does: then it is a good one even if nothing of it can be read.
    pub increment: bool,
    /// Why one of several places did not answer, where others did: what they told counts, nothing is missing from the feed
    /// for it, and the feed says what it lacks.
    pub lacks: Option<Box<Failure>>,
}

/// The pure half of an adapter: bytes of one answer in, items out. No I/O, no clock, no memory.
pub trait Normalize: Send + Sync {
    /// What does not change about the feed.
    fn profile(&self) -> &FeedProfile;

    /// Reads one answer.
    ///
    /// # Errors
    /// If the answer as a whole is not of the feed's format; then nothing of it counts, and the feed saw nothing.
    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal>;
}
