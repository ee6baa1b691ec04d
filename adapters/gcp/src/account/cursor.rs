//! Up to when what was done to machines had been told before a restart, by the place that told it: the same told again after
//! a machine has failed anew would be taken for an attempt to mend that. What was told since the start the feeds remember
//! themselves, so that an answer which comes late is not taken for one that was told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::kept::Kept;

type Moments = BTreeMap<String, DateTime<Utc>>;

/// A moment for each place: a project, or a zone of one.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: Kept,
    /// As they stood at the start.
    before: Moments,
    until: Moments,
}

impl Cursor {
    /// Reads the moments. Where there are none nothing counts as told: it is told again, which costs something only where a
    /// machine has failed again since.
    pub(crate) fn open(path: PathBuf) -> Self {
        let file = Kept::at(path);
        let before: Moments = file.read();
        Self { file, until: before.clone(), before }
    }

    /// Whether what happened at a place then had been told before the start.
    pub(crate) fn covers(&self, place: &str, at: DateTime<Utc>) -> bool {
        self.before.get(place).is_some_and(|until| at <= *until)
    }

    /// Takes note that what happened at these places up to then has been told. No moment goes back.
    pub(crate) fn reach(&mut self, told: impl IntoIterator<Item = (String, DateTime<Utc>)>) {
        let mut moved = false;
        for (place, at) in told {
            let until = self.until.entry(place).or_insert(DateTime::<Utc>::MIN_UTC);
            moved |= *until < at;
            *until = at.max(*until);
        }
        if moved {
            self.file.write(&self.until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_before_a_restart_is_known_by_place_and_no_moment_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("told");
        let at = |seconds: i64| DateTime::from_timestamp(1_721_362_140 + seconds, 123_000_000).unwrap();
        let mut cursor = Cursor::open(path.clone());
        cursor.reach([("a".to_owned(), at(5)), ("b".to_owned(), at(1))]);
        cursor.reach([("a".to_owned(), at(3))]);
        assert!(!cursor.covers("a", at(0)), "told since the start");
        let again = Cursor::open(path.clone());
        assert_eq!([at(0), at(5), at(6)].map(|at| again.covers("a", at)), [true, true, false]);
        assert_eq!([at(1), at(2)].map(|at| again.covers("b", at)), [true, false]);
        assert!(!again.covers("c", at(0)));
        std::fs::write(&path, "soon").unwrap();
        assert!(!Cursor::open(path).covers("a", at(0)));
    }
}
