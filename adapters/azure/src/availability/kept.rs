//! What the book holds of each resource, and how a word of Azure changes it: words come in any order, by answers and by
//! themselves, and why a resource does not work comes apart from that it does not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{BlockState, ServiceClass};
use entente_sidecar::fleet::Hint;
use serde::{Deserialize, Serialize};

use super::{AROUND, Blame, Report, goes_with};
use crate::resource::MACHINE;
use crate::signs;

/// What Azure sent by itself may be missing from its lists for so long.
const LATE: TimeDelta = TimeDelta::minutes(6);
/// For how long what was heard of a resource counts, and what is no matter is kept in mind.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// Resources that may be known at once.
const MOST: usize = 200_000;

/// How a report came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In answer to a question for all of its kind: with what brought it about.
    Asked,
    /// By itself, and by itself alone.
    Told,
}

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Kept {
    /// Resources that do not work, by hidden name.
    resources: BTreeMap<String, Entry>,
    /// What became of each class.
    pub(super) courses: BTreeMap<ServiceClass, Course>,
}

/// One resource: it does not work, or it is kept in mind why that is no matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) class: ServiceClass,
    /// A virtual machine.
    machine: bool,
    /// The hidden name of its subscription.
    #[serde(default)]
    subscription: String,
    pub(super) region: String,
    pub(super) state: BlockState,
    #[serde(default)]
    pub(super) blame: Blame,
    /// When that happened which the blame was told of, if it was told apart from the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotated: Option<DateTime<Utc>>,
    pub(super) since: DateTime<Utc>,
    /// When it was last heard of.
    heard: DateTime<Utc>,
    /// Whether Azure sent it by itself.
    told: bool,
}

/// What became of one class of resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Course {
    /// The regions in which some did not work.
    pub(super) regions: BTreeSet<String>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
    /// When what is told of it last changed, and the digest of that.
    pub(super) changed: Option<DateTime<Utc>>,
    pub(super) digest: String,
}

/// A report with all that was made out of it.
pub(super) struct Word<'a> {
    pub(super) report: &'a Report,
    /// Hidden names of the resource and of its subscription.
    pub(super) name: String,
    pub(super) subscription: String,
    pub(super) class: ServiceClass,
    pub(super) blame: Blame,
    pub(super) way: Way,
    pub(super) now: DateTime<Utc>,
}

impl Entry {
    /// Whether it does not work, or is not known to work again.
    pub(super) fn is_out(&self) -> bool {
        self.state != BlockState::NotAffected && self.blame != Blame::Will
    }

    /// Whether it is out by what the platform did or lacks.
    pub(super) fn is_of_platform(&self) -> bool {
        self.is_out() && self.blame != Blame::Guest
    }

    /// What that says of a machine that was heard of no longer ago than `fresh`.
    pub(super) fn hint(&self, now: DateTime<Utc>, fresh: TimeDelta) -> Option<Hint> {
        let known = now.signed_duration_since(self.heard) <= fresh && self.is_out();
        // What only goes badly is left to the agent, but where a disk is lost.
        let out = match self.state {
            BlockState::AffectedUnavailable => true,
            BlockState::AffectedDegraded => self.blame == Blame::Disk,
            _ => false,
        };
        (known && out).then_some(match self.blame {
            Blame::Disk => Hint::ProviderStorage,
            Blame::Guest => Hint::GuestOsUnreachable,
            Blame::Host | Blame::Will => Hint::ProviderHost,
        })
    }
}

impl Kept {
    /// Whether nothing is known of any resource.
    pub(super) fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.resources.get(name)
    }

    /// Whether anything does not work.
    pub(super) fn is_hit(&self) -> bool {
        self.resources.values().any(Entry::is_out)
    }

    /// A resource is in a state.
    pub(super) fn stand(&mut self, word: Word<'_>, state: BlockState) {
        let known = self.resources.get(&word.name);
        let since = word.report.since.map_or(word.now, |since| since.min(word.now));
        let older = |known: &Entry| known.state != state && word.report.since.is_some_and(|since| since < known.since);
        // Of who was not out of order nothing more is known than before.
        let says_nothing = state == BlockState::Unknown && !known.is_some_and(Entry::is_out);
        if says_nothing || known.is_some_and(older) {
            return;
        }
        if word.way == Way::Asked && (state == BlockState::NotAffected || word.blame == Blame::Will) {
            self.resources.remove(&word.name);
            return;
        }
        let (blame, annotated) = blamed(&word, known, state, since);
        let goes_on = known.filter(|known| known.state == state).map_or(since, |known| known.since.min(since));
        self.put(&word, Entry { blame, annotated, since: goes_on, ..entry(&word, state) });
    }

    /// Only what goes with a state was told: why it is so.
    pub(super) fn annotate(&mut self, word: Word<'_>) {
        if word.blame == Blame::Host {
            return;
        }
        let at = word.report.since.map_or(word.now, |since| since.min(word.now));
        let Some(entry) = self.resources.get_mut(&word.name).filter(|entry| entry.is_out()) else {
            // The reason came before the state, whose time may be the earlier one.
            let since = at.checked_sub_signed(AROUND.0).unwrap_or(at);
            let entry = entry(&word, BlockState::NotAffected);
            return self.put(&word, Entry { blame: word.blame, annotated: Some(at), since, ..entry });
        };
        // What people do about a failure does not end it, unless they gave the machine up.
        let given_up = word.blame == Blame::Will && at > entry.since && signs::of_stop(&word.report.about);
        if goes_with(at, entry.since) || given_up {
            (entry.blame, entry.annotated) = (word.blame, Some(at));
        }
    }

    fn put(&mut self, word: &Word<'_>, mut entry: Entry) {
        if self.resources.len() >= MOST && !self.resources.contains_key(&word.name) {
            return;
        }
        // Not every word of a resource names its region.
        if entry.region.is_empty()
            && let Some(known) = self.resources.get(&word.name)
        {
            entry.region.clone_from(&known.region);
        }
        self.resources.insert(word.name.clone(), entry);
    }

    /// All machines, or all other resources, of these subscriptions were asked for since `begun`: what was not heard of works.
    pub(super) fn settle(&mut self, machines: bool, subscriptions: &BTreeSet<String>, begun: DateTime<Utc>) {
        let heard = |entry: &Entry| entry.heard >= if entry.told { begun - LATE } else { begun };
        let asked = |entry: &Entry| entry.machine == machines && subscriptions.contains(&entry.subscription);
        self.resources.retain(|_, entry| !asked(entry) || heard(entry));
    }

    /// Forgets what need not be kept in mind any more. How one does of which nothing was heard for so long is unknown.
    pub(super) fn forget(&mut self, now: DateTime<Utc>) {
        let old = |entry: &Entry| now.signed_duration_since(entry.heard) > REMEMBERED;
        self.resources.retain(|_, entry| entry.is_out() || !old(entry));
        self.resources.values_mut().filter(|entry| old(entry)).for_each(|entry| entry.state = BlockState::Unknown);
    }

    /// The resources of a class that are out by the platform.
    pub(super) fn of(&self, class: ServiceClass) -> impl Iterator<Item = &Entry> {
        self.resources.values().filter(move |entry| entry.class == class && entry.is_of_platform())
    }

    pub(super) fn classes(&self) -> BTreeSet<ServiceClass> {
        let out = self.resources.values().filter(|entry| entry.is_of_platform());
        out.map(|entry| entry.class).chain(self.courses.keys().copied()).collect()
    }
}

/// Who is to blame for a state since then: as it is told with the state, else as it was told before; and when that was.
fn blamed(
    word: &Word<'_>,
    known: Option<&Entry>,
    state: BlockState,
    since: DateTime<Utc>,
) -> (Blame, Option<DateTime<Utc>>) {
    let Some(known) = known else { return (word.blame, None) };
    let goes_on = match state {
        // It may have been told already of what is to come.
        BlockState::NotAffected => known.annotated.is_some_and(|at| at > since),
        BlockState::Unknown => true,
        _ if word.blame != Blame::Host => false,
        _ => known.state == state || known.annotated.is_some_and(|at| goes_with(at, since)),
    };
    if goes_on { (known.blame, known.annotated) } else { (word.blame, None) }
}

fn entry(word: &Word<'_>, state: BlockState) -> Entry {
    Entry {
        class: word.class,
        machine: word.report.kind == MACHINE,
        subscription: word.subscription.clone(),
        region: word.report.region.clone(),
        state,
        blame: word.blame,
        annotated: None,
        since: word.now,
        heard: word.now,
        told: word.way == Way::Told,
    }
}
