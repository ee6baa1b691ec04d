//! Up to when what was done to machines has been told, over restarts: the same told again after a machine has failed anew
//! would be taken for an attempt to mend that.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// A moment in a file.
#[derive(Debug)]
pub(crate) struct Cursor {
    path: PathBuf,
    until: Option<DateTime<Utc>>,
}

impl Cursor {
    /// Reads the moment. Without one, or where it cannot be read, nothing counts as told: it is told again, which costs
    /// something only where a machine has failed again since.
    pub(crate) fn open(path: PathBuf) -> Self {
        let until = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        Self { path, until }
    }

    /// Whether what happened then has been told.
    pub(crate) fn covers(&self, at: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| at <= until)
    }

    /// Takes note that what happened up to then has been told.
    pub(crate) fn reach(&mut self, at: DateTime<Utc>) {
        if self.covers(at) {
            return;
        }
        self.until = Some(at);
        if let Err(error) = self.write(at) {
            tracing::warn!(path = %self.path.display(), %error, "what was told is not remembered over a restart");
        }
    }

    /// Beside the old one, so that a kill leaves either.
    fn write(&self, at: DateTime<Utc>) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, at.to_rfc3339())?;
        std::fs::rename(beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_stays_told_and_the_moment_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("told");
        let at = |seconds: i64| DateTime::from_timestamp(1_721_362_140 + seconds, 123_000_000).unwrap();
        let mut cursor = Cursor::open(path.clone());
        assert!(!cursor.covers(at(0)));
        cursor.reach(at(5));
        cursor.reach(at(3));
        let again = Cursor::open(path.clone());
        assert_eq!([at(0), at(5), at(6)].map(|at| again.covers(at)), [true, true, false]);
        std::fs::write(&path, "soon").unwrap();
        assert!(!Cursor::open(path).covers(at(0)));
    }
}
