//! The book of resources that do not work: under hidden names, on disk, shared by all feeds that learn of them. Writing it
//! down comes before telling it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{BlockState, ServiceClass};
use entente_sidecar::account::Secret;
use entente_sidecar::fleet::Hint;
use entente_sidecar::mapping::Lookup;
use serde::{Deserialize, Serialize};

use super::{Report, Standing};
use crate::resource::MACHINE;
use crate::signs;

/// What is known of one resource is not trusted for longer than this after it was last heard of.
const FRESH: TimeDelta = TimeDelta::minutes(30);
/// What Azure sent by itself may be missing from its lists for so long.
const LATE: TimeDelta = TimeDelta::minutes(6);
/// For how long it is kept in mind that a resource works again, or was stopped by somebody's will.
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

/// The book. Clones are one.
#[derive(Clone)]
pub(crate) struct Book {
    secret: Secret,
    path: PathBuf,
    kept: Arc<Mutex<Kept>>,
    /// When all machines were last asked for.
    asked: Arc<Mutex<Option<DateTime<Utc>>>>,
}

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
    pub(super) machine: bool,
    pub(super) region: String,
    pub(super) state: BlockState,
    pub(super) storage: bool,
    /// Stopped by somebody's will, as Azure said.
    willed: bool,
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

/// Why the book cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The file.
    #[error("what is known of resources cannot be kept in {path}: {source}; free space or mend the disk")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Book {
    /// Opens the book in a folder. A file that is not the book's is put aside, and said so in the log.
    pub(crate) fn open(folder: &Path, secret: Secret) -> Result<Self, BookError> {
        let path = folder.join("availability.json");
        let failed = |source| BookError::File { path: path.clone(), source };
        let kept = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(kept) => kept,
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "what was known of resources is unreadable and put aside");
                    std::fs::rename(&path, path.with_extension("unreadable")).map_err(failed)?;
                    Kept::default()
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { secret, path, kept: Arc::new(Mutex::new(kept)), asked: Arc::default() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was learnt of a resource.
    pub(crate) fn note(&self, report: &Report, lookup: &mut Lookup<'_>, way: Way, now: DateTime<Utc>) {
        let (standing, class) = (report.standing(lookup), report.class(lookup));
        let name = self.secret.hide(&report.resource);
        let mut kept = self.lock();
        if report.state.is_none() {
            return kept.annotate(name, report, class, standing, now);
        }
        let (state, storage) = match standing {
            Standing::Out { state, storage } => (state, storage),
            Standing::Well => (BlockState::NotAffected, false),
            Standing::Excluded => (BlockState::Excluded, false),
            Standing::Unknown => (BlockState::Unknown, false),
        };
        kept.stand(name, report, class, (state, storage), way, now);
    }

    /// All machines, or all other resources, were asked for since `begun`: what was not heard of works.
    pub(crate) fn settle(&self, machines: bool, begun: DateTime<Utc>) {
        if machines {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
        }
        let late = begun - LATE;
        let heard = |entry: &Entry| entry.heard >= if entry.told { late } else { begun };
        self.lock().resources.retain(|_, entry| entry.machine != machines || heard(entry));
    }

    /// What the platform says of why a machine does not work; none if it says nothing of it, or said so long ago.
    pub(crate) fn hint(&self, machine: &str, now: DateTime<Utc>) -> Option<Hint> {
        let kept = self.lock();
        if kept.resources.is_empty() {
            return None;
        }
        let entry = kept.resources.get(&self.secret.hide(machine))?;
        let fresh = now.signed_duration_since(entry.heard) <= FRESH;
        let out = match entry.state {
            BlockState::AffectedUnavailable => true,
            BlockState::AffectedDegraded => entry.storage,
            _ => false,
        };
        (fresh && out).then_some(if entry.storage { Hint::ProviderStorage } else { Hint::ProviderHost })
    }

    /// Whether the platform was asked for all machines lately, so that what it does not name works.
    pub(crate) fn sees(&self, now: DateTime<Utc>) -> bool {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.is_some_and(|asked| now.signed_duration_since(asked) <= FRESH)
    }

    /// Whether anything does not work.
    pub(crate) fn is_hit(&self) -> bool {
        self.lock().resources.values().any(Entry::is_out)
    }

    /// Writes the book down.
    pub(crate) fn keep(&self, now: DateTime<Utc>) -> Result<(), BookError> {
        let mut kept = self.lock();
        kept.resources.retain(|_, entry| entry.is_out() || now.signed_duration_since(entry.heard) <= REMEMBERED);
        let failed = |source| BookError::File { path: self.path.clone(), source };
        let bytes = serde_json::to_vec(&*kept).map_err(|error| failed(io::Error::other(error)))?;
        if std::fs::read(&self.path).is_ok_and(|known| known == bytes) {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, bytes).and_then(|()| std::fs::File::open(&beside)?.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, &self.path).map_err(failed)
    }
}

impl Entry {
    /// Whether it does not work, or is not known to work again.
    pub(super) fn is_out(&self) -> bool {
        !matches!(self.state, BlockState::NotAffected | BlockState::Excluded)
    }
}

impl Kept {
    /// A resource is in a state.
    fn stand(
        &mut self,
        name: String,
        report: &Report,
        class: ServiceClass,
        (state, storage): (BlockState, bool),
        way: Way,
        now: DateTime<Utc>,
    ) {
        let known = self.resources.get(&name);
        let since = report.since.map_or(now, |since| since.min(now));
        if known.is_some_and(|known| known.state != state && report.since.is_some_and(|since| since < known.since)) {
            // An older word than the last.
            return;
        }
        let willed = known.is_some_and(|known| known.willed) && way == Way::Told && state != BlockState::NotAffected;
        let (state, storage) = match state {
            _ if willed => (BlockState::Excluded, false),
            // Of who was not out of order nothing more is known than before.
            BlockState::Unknown if !known.is_some_and(Entry::is_out) => return,
            BlockState::Unknown => (state, known.is_some_and(|known| known.storage)),
            _ => (state, storage || known.is_some_and(|known| known.storage && known.state == state)),
        };
        let works = matches!(state, BlockState::NotAffected | BlockState::Excluded);
        if works && way == Way::Asked {
            self.resources.remove(&name);
            return;
        }
        let goes_on = known.filter(|known| known.state == state).map(|known| known.since.min(since));
        let told = way == Way::Told;
        self.put(
            name,
            report,
            Entry { told, willed, since: goes_on.unwrap_or(since), ..entry(report, class, state, storage, now) },
        );
    }

    /// Only what goes with a state was told: why it is so.
    fn annotate(&mut self, name: String, report: &Report, class: ServiceClass, standing: Standing, now: DateTime<Utc>) {
        let willed = standing == Standing::Excluded;
        let storage = signs::of_storage(&report.about);
        match self.resources.get_mut(&name).filter(|entry| entry.is_out()) {
            Some(entry) if willed => (entry.state, entry.willed) = (BlockState::Excluded, true),
            Some(entry) => entry.storage |= storage,
            None if willed => {
                let since = report.since.map_or(now, |since| since.min(now));
                let entry = entry(report, class, BlockState::Excluded, false, now);
                self.put(name, report, Entry { willed, since, told: true, ..entry });
            }
            None => {}
        }
    }

    fn put(&mut self, name: String, report: &Report, mut entry: Entry) {
        if self.resources.len() >= MOST && !self.resources.contains_key(&name) {
            return;
        }
        // Not every word of a resource names its region.
        if report.region.is_empty()
            && let Some(known) = self.resources.get(&name)
        {
            entry.region.clone_from(&known.region);
        }
        self.resources.insert(name, entry);
    }

    pub(super) fn of(&self, class: ServiceClass) -> impl Iterator<Item = &Entry> {
        self.resources.values().filter(move |entry| entry.class == class && entry.is_out())
    }

    pub(super) fn classes(&self) -> BTreeSet<ServiceClass> {
        let out = self.resources.values().filter(|entry| entry.is_out());
        out.map(|entry| entry.class).chain(self.courses.keys().copied()).collect()
    }
}

fn entry(report: &Report, class: ServiceClass, state: BlockState, storage: bool, now: DateTime<Utc>) -> Entry {
    Entry {
        class,
        machine: report.kind == MACHINE,
        region: report.region.clone(),
        state,
        storage,
        willed: false,
        since: now,
        heard: now,
        told: false,
    }
}
