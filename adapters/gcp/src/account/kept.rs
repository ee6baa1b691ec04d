//! What a feed remembers over a restart beside the fleet's books: a small file that is whole or not there.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// What it holds; the usual where there is no file, or none that can be read.
    pub(crate) fn read<T: DeserializeOwned + Default>(&self) -> T {
        let text = match std::fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return T::default(),
            Err(error) => return self.lost(&error),
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| self.lost(&error))
    }

    /// Puts something into it. What cannot be written is forgotten with the process, and the log tells so.
    pub(crate) fn write<T: Serialize>(&self, kept: &T) {
        if let Err(error) = beside(&self.0, kept) {
            tracing::warn!(path = %self.0.display(), %error, "what was told is not remembered over a restart");
        }
    }

    fn lost<T: Default>(&self, error: &dyn std::error::Error) -> T {
        tracing::warn!(path = %self.0.display(), %error, "what was remembered cannot be read and begins anew");
        T::default()
    }
}

/// Beside the old one, so that a kill leaves either.
fn beside(path: &Path, kept: &impl Serialize) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, serde_json::to_vec(kept)?)?;
    std::fs::rename(beside, path)
}
