//! The data folder: what stands where in it, and what a running server leaves there for the other commands.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::exit::{Exit, Failure};

/// A data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that was asked for, else `entente` in the user's folder for data.
    ///
    /// # Errors
    /// If none was asked for and the environment names no home.
    pub fn choose(asked: Option<&Path>) -> Result<Self, Failure> {
        if let Some(asked) = asked {
            return Ok(Self(std::path::absolute(asked).unwrap_or_else(|_| asked.to_owned())));
        }
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let shared = named("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let data = shared.or_else(|| named("HOME").map(|home| home.join(".local/share")));
        data.map(|data| Self(data.join("entente"))).ok_or_else(|| {
            Failure::new(Exit::Mistake, "neither XDG_DATA_HOME nor HOME is set", "name the data folder with --data DIR")
        })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The settings that are kept.
    pub fn settings(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The secret that callers of `POST /v1/claims` show.
    pub fn token(&self) -> PathBuf {
        self.0.join("token")
    }

    /// The address of the running server.
    pub fn address(&self) -> PathBuf {
        self.0.join("address")
    }

    /// The address of the NATS server that the running server reads.
    pub fn nats(&self) -> PathBuf {
        self.0.join("nats")
    }

    /// The file with the seed that opens that NATS server, where it is not the folder's own key.
    pub fn seed(&self) -> PathBuf {
        self.0.join("seed")
    }

    /// By how many seconds the running server's clock is shifted; absent without a shift.
    pub fn shift(&self) -> PathBuf {
        self.0.join("clock")
    }

    /// The key that signs this machine's claims and opens its NATS server.
    pub fn key(&self) -> PathBuf {
        self.0.join("key")
    }

    /// Outboxes, one file per feed and scope.
    pub fn outboxes(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Where programs that were fetched are kept, for all data folders of the user.
    pub fn cache(&self) -> PathBuf {
        entente_journal::cache_folder().unwrap_or_else(|| self.0.join("cache"))
    }

    /// Makes the folder, readable by its owner only.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make(&self) -> Result<(), Failure> {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.0).map_err(|error| {
            let what = format!("the data folder {} cannot be made: {error}", self.0.display());
            Failure::failed(what, "choose another with --data DIR, or mend its permissions")
        })
    }

    /// The first line of a file of the folder, if it is there and not empty.
    pub fn line(path: &Path) -> Option<String> {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// Writes a file of the folder whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            let what = format!("{} cannot be written: {error}", path.display());
            Failure::failed(what, "free the disk, or mend the permissions of the data folder")
        };
        self.make()?;
        let beside = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    }

    /// Removes files of the folder that a server leaves there only while it runs.
    pub fn tidy(&self) {
        for path in [self.address(), self.nats(), self.seed(), self.shift()] {
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!("{} cannot be removed: {error}", path.display());
            }
        }
    }

    /// What the clock of the running server shows, if it is shifted; else what this machine's shows.
    pub fn now(&self) -> DateTime<Utc> {
        let shift = Self::line(&self.shift()).and_then(|line| line.parse().ok()).and_then(TimeDelta::try_seconds);
        Utc::now().checked_add_signed(shift.unwrap_or_default()).unwrap_or_else(Utc::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_for_its_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(&temporary.path().join("deep/data"))).unwrap();
        folder.write(&folder.address(), "http://127.0.0.1:4790\nmore\n").unwrap();
        assert_eq!(Folder::line(&folder.address()).as_deref(), Some("http://127.0.0.1:4790"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(folder.path()), mode(&folder.address())), (0o700, 0o600));
        }
    }

    #[test]
    fn the_clock_follows_the_running_server_s() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        let before = Utc::now();
        assert!(folder.now() >= before);
        folder.write(&folder.shift(), "-86400\n").unwrap();
        assert!(folder.now() < before);
    }
}
