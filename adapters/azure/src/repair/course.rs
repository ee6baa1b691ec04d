//! How far each repair has come, under hidden names and on disk: a disk that was swapped, or a machine that went while
//! nobody looked, is noticed after a restart too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::account::Secret;
use serde::{Deserialize, Serialize};

use super::trace::Pair;
use crate::resource::subscription;
use crate::signs;

/// Resource Graph may tell of a machine that went before it tells of the disk that came back.
const LATE: TimeDelta = TimeDelta::minutes(10);
/// Repairs that are over are remembered so long, so that a machine that still stands there begins none anew.
const REMEMBERED: TimeDelta = TimeDelta::days(7);

/// The repairs.
pub(crate) struct Courses {
    secret: Secret,
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By hidden name of the machine that is repaired.
    courses: BTreeMap<String, Course>,
    /// The ids behind hidden names, as far as they were seen since the start.
    ids: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Course {
    /// Hidden name of the machine that repairs.
    by: String,
    /// Hidden name of the subscription that both are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// Hidden name of the disk that the repaired machine started from at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk: Option<String>,
    /// Since when the machine that repairs is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<DateTime<Utc>>,
    over: bool,
    seen: DateTime<Utc>,
}

/// What a look at a disk told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing new.
    None,
    /// The repair goes on.
    Begun,
    /// The repaired disk is in place.
    Swapped,
}

/// The repairs that go on.
pub(super) struct Open {
    pub(super) sources: Vec<String>,
    /// Some are known by their hidden names only.
    pub(super) nameless: bool,
}

/// Why the repairs cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("what is known of repairs cannot be kept in {path}: {source}; free space or mend the disk")]
pub(crate) struct CoursesError {
    path: PathBuf,
    source: io::Error,
}

impl Courses {
    /// Opens what is kept in a folder. A file that is none of this program is put aside, and said so in the log.
    pub(crate) fn open_in(folder: &Path, secret: Secret) -> Result<Self, CoursesError> {
        let path = folder.join("repairs.json");
        let failed = |source| CoursesError { path: path.clone(), source };
        let courses = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(courses) => courses,
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "what was known of repairs is unreadable and put aside");
                    std::fs::rename(&path, path.with_extension("unreadable")).map_err(failed)?;
                    BTreeMap::new()
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { secret, path, inner: Mutex::new(Inner { courses, ids: BTreeMap::new() }) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the machines that repair others now.
    pub(super) fn begin(&self, pairs: &[Pair], now: DateTime<Utc>) {
        let mut inner = self.lock();
        for pair in pairs {
            let (name, by) = (self.secret.hide(&pair.source), self.secret.hide(&pair.repairer));
            inner.ids.insert(name.clone(), pair.source.clone());
            let of = subscription(&pair.source).map(|of| self.secret.hide(of));
            let fresh = Course { by: by.clone(), of: of.clone(), disk: None, gone: None, over: false, seen: now };
            let course = inner.courses.entry(name).or_insert_with(|| fresh.clone());
            if course.by != by {
                *course = fresh;
            }
            (course.seen, course.gone, course.of) = (now, None, of);
        }
        inner.courses.retain(|_, course| !course.over || now.signed_duration_since(course.seen) <= REMEMBERED);
    }

    /// The repairs that go on.
    pub(super) fn open(&self) -> Open {
        let inner = self.lock();
        let open = inner.courses.iter().filter(|(_, course)| !course.over).map(|(name, _)| name);
        let ids: Vec<Option<&String>> = open.map(|name| inner.ids.get(name)).collect();
        Open { nameless: ids.contains(&None), sources: ids.into_iter().flatten().cloned().collect() }
    }

    /// Takes note of the disk that a machine starts from.
    pub(super) fn disk(&self, machine: &str, disk: &str) -> Step {
        let repaired = signs::of_repaired_disk(disk);
        let (name, disk) = (self.secret.hide(machine), self.secret.hide(disk));
        let mut inner = self.lock();
        let Some(course) = inner.courses.get_mut(&name).filter(|course| !course.over) else { return Step::None };
        let step = match &course.disk {
            None => {
                // Who looks late finds it in place already.
                (course.disk, course.over) = (Some(disk), repaired);
                if repaired { Step::Swapped } else { Step::Begun }
            }
            Some(known) if *known != disk => {
                course.over = true;
                Step::Swapped
            }
            Some(_) => Step::None,
        };
        inner.ids.insert(name, machine.to_owned());
        step
    }

    /// The repair of a machine is over.
    pub(super) fn end(&self, machine: &str) {
        if let Some(course) = self.lock().courses.get_mut(&self.secret.hide(machine)) {
            course.over = true;
        }
    }

    /// The machines whose repairers went some time ago without a swap; their repairs are over. Those in subscriptions that
    /// are not `covered` stay as they are.
    pub(super) fn vanished(&self, pairs: &[Pair], covered: &BTreeSet<String>, now: DateTime<Utc>) -> Vec<String> {
        let covered: BTreeSet<String> = covered.iter().map(|of| self.secret.hide(of)).collect();
        let is_covered = |course: &Course| course.of.as_ref().is_none_or(|of| covered.contains(of));
        let there: BTreeSet<String> = pairs.iter().map(|pair| self.secret.hide(&pair.source)).collect();
        let mut inner = self.lock();
        let Inner { courses, ids } = &mut *inner;
        let mut vanished = Vec::new();
        let open = courses.iter_mut().filter(|(_, course)| !course.over && is_covered(course));
        for (name, course) in open.filter(|(name, _)| !there.contains(*name)) {
            let gone = *course.gone.get_or_insert(now);
            if now.signed_duration_since(gone) >= LATE {
                course.over = true;
                vanished.extend(ids.get(name).cloned());
            }
        }
        vanished
    }

    /// Whether a repair goes on.
    pub(super) fn is_busy(&self) -> bool {
        self.lock().courses.values().any(|course| !course.over)
    }

    /// Writes the repairs down.
    pub(super) fn keep(&self) -> Result<(), CoursesError> {
        let failed = |source| CoursesError { path: self.path.clone(), source };
        let bytes = serde_json::to_vec(&self.lock().courses).map_err(|error| failed(io::Error::other(error)))?;
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
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_368_800 + 60 * minute, 0).unwrap()
    }

    fn pair(source: &str, repairer: &str) -> Pair {
        Pair { repairer: repairer.to_owned(), source: source.to_owned() }
    }

    fn courses(folder: &Path) -> Courses {
        Courses::open_in(folder, Secret::in_file(&folder.join("key")).unwrap()).unwrap()
    }

    #[test]
    fn a_repair_begins_with_a_tag_and_ends_with_a_swap() {
        let folder = tempfile::tempdir().unwrap();
        let repairs = courses(folder.path());
        repairs.begin(&[pair("/vm1", "/rp1")], at(0));
        assert_eq!(repairs.open().sources, ["/vm1"]);
        assert_eq!([repairs.disk("/vm1", "old"), repairs.disk("/vm1", "old")], [Step::Begun, Step::None]);
        assert_eq!(repairs.disk("/other", "old"), Step::None);
        assert_eq!((repairs.disk("/vm1", "copy"), repairs.is_busy()), (Step::Swapped, false));
        // The machine that repaired still stands there.
        repairs.begin(&[pair("/vm1", "/rp1")], at(1));
        assert!(repairs.open().sources.is_empty());
        repairs.begin(&[pair("/vm1", "/rp2")], at(2));
        assert_eq!(repairs.open().sources, ["/vm1"], "another one begins another repair");
        repairs.begin(&[pair("/vm2", "/rp3")], at(3));
        assert_eq!(repairs.disk("/vm2", "vm2-DiskCopy-20240719060000"), Step::Swapped, "by its name");
    }

    #[test]
    fn a_machine_that_goes_without_a_swap_has_not_helped() {
        let folder = tempfile::tempdir().unwrap();
        let repairs = courses(folder.path());
        let machine = "/subscriptions/s1/vm1";
        repairs.begin(&[pair(machine, "/subscriptions/s1/rp1")], at(0));
        repairs.disk(machine, "old");
        let (covered, other) = (BTreeSet::from(["s1".to_owned()]), BTreeSet::from(["s2".to_owned()]));
        let vanished = |covered, minute| repairs.vanished(&[], covered, at(minute));
        assert_eq!(vanished(&covered, 1), Vec::<String>::new());
        assert_eq!(vanished(&other, 12), Vec::<String>::new(), "nobody could see it");
        assert_eq!(vanished(&covered, 12), [machine]);
        assert_eq!(vanished(&covered, 13), Vec::<String>::new());
    }

    #[test]
    fn what_happened_meanwhile_is_noticed_after_a_restart_and_no_id_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let before = courses(folder.path());
        before.begin(&[pair("/subscriptions/vm-one", "/rp-one")], at(0));
        before.disk("/subscriptions/vm-one", "disk-old");
        before.keep().unwrap();
        let kept = std::fs::read_to_string(folder.path().join("repairs.json")).unwrap();
        assert!(!["vm-one", "rp-one", "disk-old"].iter().any(|id| kept.contains(id)));
        let after = courses(folder.path());
        assert!(after.open().nameless);
        assert_eq!(after.disk("/subscriptions/vm-one", "disk-copy"), Step::Swapped);
        std::fs::write(folder.path().join("repairs.json"), "buy milk").unwrap();
        assert!(!courses(folder.path()).is_busy());
        assert!(folder.path().join("repairs.unreadable").exists());
    }
}
