//! The book of resources that do not work: under hidden names, on disk, shared by all feeds that learn of them. Writing it
//! down comes before telling it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::BlockState;
use entente_sidecar::account::Secret;
use entente_sidecar::fleet::Hint;
use entente_sidecar::mapping::Lookup;

use super::kept::{Kept, Way, Word};
use super::{Report, Standing};
use crate::resource::subscription;

/// What is known of one resource is not trusted for longer than this after it was last heard of.
const FRESH: TimeDelta = TimeDelta::minutes(30);

/// The book. Clones are one.
#[derive(Clone)]
pub(crate) struct Book {
    secret: Secret,
    path: PathBuf,
    kept: Arc<Mutex<Kept>>,
    /// When all machines of a subscription were last asked for.
    asked: Arc<Mutex<BTreeMap<String, DateTime<Utc>>>>,
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
        let (name, of) = (self.secret.hide(&report.resource), self.hidden(&report.resource));
        let (class, blame) = (report.class(lookup), report.blame(lookup));
        let word = Word { report, name, subscription: of, class, blame, way, now };
        match report.standing(lookup) {
            None => self.lock().annotate(word),
            Some(Standing::Well) => self.lock().stand(word, BlockState::NotAffected),
            Some(Standing::Out(state)) => self.lock().stand(word, state),
            Some(Standing::Unknown) => self.lock().stand(word, BlockState::Unknown),
        }
    }

    /// The hidden name of the subscription that something is in; of what is in none, the name of that.
    fn hidden(&self, resource: &str) -> String {
        self.secret.hide(subscription(resource).unwrap_or_default())
    }

    /// All machines, or all other resources, of these subscriptions were asked for since `begun`: what was not heard of works.
    /// What is in other subscriptions stays as it is.
    pub(crate) fn settle(&self, machines: bool, subscriptions: &BTreeSet<String>, begun: DateTime<Utc>) {
        if machines {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.extend(subscriptions.iter().map(|subscription| (subscription.clone(), begun)));
        }
        let nowhere = String::new();
        let hidden =
            subscriptions.iter().chain([&nowhere]).map(|subscription| self.secret.hide(subscription)).collect();
        self.lock().settle(machines, &hidden, begun);
    }

    /// What Azure says of why a machine does not work; none if it says nothing of it, or said so long ago.
    pub(crate) fn hint(&self, machine: &str, now: DateTime<Utc>) -> Option<Hint> {
        let kept = self.lock();
        if kept.is_empty() {
            return None;
        }
        kept.get(&self.secret.hide(machine))?.hint(now, FRESH)
    }

    /// A name for a resource that nobody can lead back to it.
    pub(crate) fn hide(&self, resource: &str) -> String {
        self.secret.hide(resource)
    }

    /// Whether the platform was asked lately for all machines beside this one, so that it works if it was not named.
    pub(crate) fn sees(&self, machine: &str, now: DateTime<Utc>) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let last = subscription(machine).and_then(|subscription| asked.get(subscription));
        last.is_some_and(|asked| now.signed_duration_since(*asked) <= FRESH)
    }

    /// Whether anything does not work.
    pub(crate) fn is_hit(&self) -> bool {
        self.lock().is_hit()
    }

    /// Writes the book down.
    pub(crate) fn keep(&self, now: DateTime<Utc>) -> Result<(), BookError> {
        let mut kept = self.lock();
        kept.forget(now);
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

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;
    use crate::resource::MACHINE;

    const NAME: &str = "/subscriptions/s/x";

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_785_000_000 + 60 * minute, 0).unwrap()
    }

    /// A book in which one machine is told of.
    struct Desk {
        _folder: tempfile::TempDir,
        book: Book,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let secret = Secret::in_file(&folder.path().join("hide")).unwrap();
            Self { book: Book::open(folder.path(), secret).unwrap(), _folder: folder }
        }

        /// A word of the machine: a state, or what goes with one; since when, and heard when.
        fn note(&self, state: Option<&str>, cause: &str, about: &str, times: (i64, i64), way: Way) {
            let report = Report {
                resource: NAME.to_owned(),
                kind: MACHINE.to_owned(),
                region: "eastus".to_owned(),
                state: state.map(str::to_owned),
                causes: Some(cause.to_owned()).filter(|cause| !cause.is_empty()).into_iter().collect(),
                about: about.to_owned(),
                since: Some(at(times.0)),
            };
            self.book.note(&report, &mut Lookup::new(words()), way, at(times.1));
        }

        fn told(&self, state: &str, minute: i64) {
            self.note(Some(state), "", "", (minute, minute), Way::Told);
        }

        fn annotated(&self, cause: &str, about: &str, minute: i64) {
            self.note(None, cause, about, (minute, minute), Way::Told);
        }

        fn settle(&self, subscription: &str, minute: i64) {
            self.book.settle(true, &BTreeSet::from([subscription.to_owned()]), at(minute));
        }

        fn is(&self, now: i64) -> Option<Hint> {
            self.book.hint(NAME, at(now))
        }
    }

    #[test]
    fn what_azure_sends_may_be_missing_from_its_lists_for_a_while() {
        let desk = Desk::new();
        desk.told("Unavailable", 0);
        desk.settle("s", 3);
        assert_eq!(desk.is(3), Some(Hint::ProviderHost));
        desk.settle("another", 9);
        assert_eq!((desk.is(9), desk.book.sees(NAME, at(9))), (Some(Hint::ProviderHost), true));
        desk.settle("s", 9);
        assert_eq!((desk.is(9), desk.book.is_hit(), desk.book.sees(NAME, at(9))), (None, false, true));
        assert!(!desk.book.sees(NAME, at(60)), "what was asked for long ago is not seen now");
    }

    #[test]
    fn an_older_word_than_the_last_says_nothing() {
        let desk = Desk::new();
        desk.note(Some("Unavailable"), "", "", (0, 1), Way::Asked);
        desk.told("Available", 5);
        assert_eq!(desk.is(5), None);
        desk.note(Some("Unavailable"), "", "", (0, 6), Way::Asked);
        assert_eq!(desk.is(6), None, "the list is late");
        desk.told("Unavailable", 7);
        assert_eq!(desk.is(7), Some(Hint::ProviderHost));
    }

    #[test]
    fn who_is_stopped_by_somebody_s_will_is_not_out_whichever_word_comes_first() {
        for annotation_first in [true, false] {
            let desk = Desk::new();
            // The stop begins before the machine is gone, and is told of by either.
            let annotate = || desk.annotated("Customer Initiated", "VirtualMachineDeallocationInitiated", 2);
            let stop = || desk.told("Unavailable", 1);
            if annotation_first {
                annotate();
                stop();
            } else {
                stop();
                assert_eq!(desk.is(1), Some(Hint::ProviderHost));
                annotate();
            }
            assert_eq!((desk.is(2), desk.book.is_hit()), (None, false), "{annotation_first}");
            desk.note(Some("Unavailable"), "", "", (1, 3), Way::Asked);
            assert_eq!(desk.is(3), None, "a list may not know yet why");
            desk.told("Available", 4);
            desk.told("Unavailable", 5);
            assert_eq!(desk.is(5), Some(Hint::ProviderHost), "another time it is another matter");
        }
    }

    #[test]
    fn what_is_done_about_an_outage_does_not_end_it_unless_the_machine_is_given_up() {
        let desk = Desk::new();
        desk.told("Unavailable", 0);
        desk.annotated("Customer Initiated", "VirtualMachineRedeployInitiatedByControlPlane", 20);
        assert_eq!(desk.is(20), Some(Hint::ProviderHost));
        desk.annotated("Customer Initiated", "VirtualMachineDeallocationInitiated", 25);
        assert_eq!((desk.is(25), desk.book.is_hit()), (None, false));
    }

    #[test]
    fn an_annotation_tells_a_disk_from_a_host_and_a_guest_from_both() {
        let desk = Desk::new();
        desk.told("Degraded", 0);
        assert_eq!(desk.is(0), None, "what only goes badly is left to the agent");
        desk.annotated("Platform Initiated", "VirtualMachineStorageOffline", 0);
        assert_eq!(desk.is(0), Some(Hint::ProviderStorage));
        desk.told("Unknown", 1);
        assert!(desk.book.is_hit(), "not known to work again");
        assert_eq!(desk.is(1), None);
        desk.told("Unavailable", 31);
        desk.annotated("VM Initiated", "VirtualMachineCrashed", 31);
        assert_eq!(desk.is(31), Some(Hint::GuestOsUnreachable));
        assert!(desk.book.items("main", at(31)).unwrap().is_empty(), "the platform has nothing to say of it");
    }

    #[test]
    fn who_is_not_heard_of_for_a_day_is_unknown_and_not_well() {
        let desk = Desk::new();
        desk.told("Unavailable", 0);
        desk.book.keep(at(60 * 25)).unwrap();
        let state = |now| desk.book.items("main", now).unwrap()[0].impact().unwrap().blocks[0].state;
        assert_eq!((state(at(60 * 25)), desk.book.is_hit()), (BlockState::Unknown, true));
        desk.told("Available", 60 * 26);
        assert_eq!(state(at(60 * 26)), BlockState::Restored);
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("availability.json"), "buy milk").unwrap();
        let secret = Secret::in_file(&folder.path().join("hide")).unwrap();
        assert!(!Book::open(folder.path(), secret).unwrap().is_hit());
        assert!(folder.path().join("availability.unreadable").exists());
    }
}
