//! What is kept of a fleet's incidents beside the ledger: when each began and ended, and what was last said of each object
//! and when. A small file, written whole and put in place at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::burst::Burst;
use super::error::FleetError;
use super::profile::Rules;
use super::words::Group;

/// One incident of one group of failures; after a while with nothing remaining, the next failure begins another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Season {
    /// From 1.
    pub number: u32,
    /// When the first of its devices began to fail.
    pub onset: Option<DateTime<Utc>>,
    /// Since when nothing remains.
    pub ended: Option<DateTime<Utc>>,
    /// Whether it was called resolved since.
    pub closed: bool,
    /// Since when Windows machines fail together.
    pub correlated: Option<DateTime<Utc>>,
    /// Whether it was said that nothing can be seen.
    pub blind: bool,
    /// The most devices that were affected at once, or may have been.
    #[serde(default)]
    pub worst: u64,
    /// The most devices that were counted beside them, affected or not.
    #[serde(default)]
    pub counted: u64,
    pub burst: Burst,
}

impl Season {
    pub(super) fn numbered(number: u32) -> Self {
        Self {
            number,
            onset: None,
            ended: None,
            closed: false,
            correlated: None,
            blind: false,
            worst: 0,
            counted: 0,
            burst: Burst::default(),
        }
    }

    /// A device began to fail.
    pub(super) fn begin(&mut self, since: DateTime<Utc>) {
        self.onset = Some(self.onset.map_or(since, |onset| onset.min(since)));
    }

    /// A Windows machine began to fail, by no sign of its host: it may be one of many.
    pub(super) fn correlate(&mut self, since: DateTime<Utc>, (region, zone): (&str, &str), rules: &Rules) {
        if self.correlated.is_some() {
            return;
        }
        self.burst.add(since, region, zone);
        if let Some(start) = self.burst.together(since, rules.correlated_machines, rules.together) {
            self.correlated = Some(start);
            // What failed long before is not how this began.
            self.onset = self.onset.map(|onset| if onset < start - rules.apart { start } else { onset });
        }
    }
}

/// What was last said of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub digest: String,
    /// When it was first said so; never goes back.
    pub changed: DateTime<Utc>,
}

/// The greatest figures that were said of an arm; they never fall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    pub targeted: u64,
    pub attempted: u64,
}

/// All that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Diary {
    version: u32,
    seasons: BTreeMap<Group, Season>,
    pub said: BTreeMap<String, Said>,
    /// By run, then by arm.
    pub reached: BTreeMap<String, BTreeMap<String, Reached>>,
}

const VERSION: u32 = 1;
/// For how long it is remembered what was last said of an object that is told no more.
const UNTOLD: TimeDelta = TimeDelta::days(30);

impl Diary {
    pub(super) fn season(&self, group: Group) -> Option<&Season> {
        self.seasons.get(&group)
    }

    pub(super) fn season_mut(&mut self, group: Group) -> &mut Season {
        self.seasons.entry(group).or_insert_with(|| Season::numbered(1))
    }

    /// Forgets objects that are told no more, as those of past incidents, and whose last change is long ago.
    pub(super) fn forget(&mut self, told: &BTreeSet<String>, now: DateTime<Utc>) {
        self.said.retain(|object, said| told.contains(object) || now - said.changed < UNTOLD);
        let said = &self.said;
        self.reached.retain(|object, _| said.contains_key(object));
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Page {
    path: PathBuf,
    written: Diary,
}

impl Page {
    /// Reads the diary of a folder; an empty one if there is none. One that cannot be read as such is put aside, and that is
    /// told in words.
    pub(super) fn open(dir: &Path) -> Result<(Self, Diary, Option<String>), FleetError> {
        let path = dir.join("incidents.json");
        let failed = |source| FleetError::Diary { doing: "read", path: path.clone(), source };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let diary = Diary { version: VERSION, ..Diary::default() };
                return Ok((Self { path, written: Diary::default() }, diary, None));
            }
            Err(source) => return Err(failed(source)),
        };
        match serde_json::from_slice::<Diary>(&text) {
            Ok(diary) if diary.version == VERSION => {
                let page = Self { path, written: diary.clone() };
                Ok((page, diary, None))
            }
            other => {
                let reason = other.map_or_else(|error| error.to_string(), |diary| format!("version {}", diary.version));
                let aside = path.with_extension("damaged");
                fs::rename(&path, &aside).map_err(failed)?;
                let told = format!(
                    "the times of the fleet's incidents are lost, its counts are not: {} cannot be read ({reason}) and was put \
                     aside as {}",
                    path.display(),
                    aside.display()
                );
                let diary = Diary { version: VERSION, ..Diary::default() };
                Ok((Self { path, written: Diary::default() }, diary, Some(told)))
            }
        }
    }

    /// Writes what has changed.
    pub(super) fn keep(&mut self, diary: &Diary) -> Result<(), FleetError> {
        if *diary == self.written {
            return Ok(());
        }
        self.replace(diary).map_err(|source| FleetError::Diary {
            doing: "written",
            path: self.path.clone(),
            source,
        })?;
        self.written = diary.clone();
        Ok(())
    }

    fn replace(&self, diary: &Diary) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(diary).map_err(io::Error::other)?)?;
        file.sync_data()?;
        fs::rename(&beside, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_kept_and_put_aside_where_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (mut page, mut diary, told) = Page::open(folder.path()).unwrap();
        assert_eq!(told, None);
        diary.season_mut(Group::Guest).burst.add(DateTime::from_timestamp(1_721_361_600, 0).unwrap(), "r", "z");
        diary.reached.entry("run".into()).or_default().insert("arm".into(), Reached { targeted: 2, attempted: 1 });
        page.keep(&diary).unwrap();
        let (_, again, told) = Page::open(folder.path()).unwrap();
        assert_eq!((again, told), (diary, None));
        for bad in [&b"{"[..], b"", b"{\"version\":1}", b"{\"version\":9,\"seasons\":{},\"said\":{},\"reached\":{}}"] {
            fs::write(folder.path().join("incidents.json"), bad).unwrap();
            let (_, empty, told) = Page::open(folder.path()).unwrap();
            assert_eq!(empty, Diary { version: VERSION, ..Diary::default() });
            assert!(told.unwrap().contains("incidents.damaged"));
            assert_eq!(fs::read(folder.path().join("incidents.damaged")).unwrap(), bad);
        }
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (mut page, diary, _) = Page::open(folder.path()).unwrap();
        fs::create_dir(folder.path().join("incidents.new")).unwrap();
        let error = page.keep(&diary).unwrap_err().to_string();
        assert!(error.contains("written") && error.contains("free space"), "{error}");
        fs::remove_dir(folder.path().join("incidents.new")).unwrap();
        page.keep(&diary).unwrap();
    }
}
