//! The data folder: what stands where in it, and what a running server leaves there for the other commands.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use entente_journal::{Audiences, Legs, LegsError};

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

    /// The address of the running server; it counts only as long as that server holds the file.
    fn address(&self) -> PathBuf {
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

    /// Under which clocks the folder's log was filled; absent if that was always the wall's.
    pub fn clock(&self) -> PathBuf {
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

    /// The sharing groups that this folder reads; absent if there is none.
    pub fn audiences(&self) -> PathBuf {
        self.0.join(Audiences::FILE)
    }

    /// The sharing groups that this folder reads.
    ///
    /// # Errors
    /// If the file of them cannot be read, or says something else.
    pub fn groups(&self) -> Result<Audiences, Failure> {
        Audiences::read(&self.audiences()).map_err(|error| Failure::of(Exit::Failed, &error))
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
        first_line(&std::fs::read_to_string(path).ok()?)
    }

    /// Writes a file of the folder whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        self.write_with(path, text, |_| Ok(())).map(drop)
    }

    /// Tells the address of the server of this process to the other commands. It counts until the file is closed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn serve_at(&self, address: &str) -> Result<File, Failure> {
        self.write_with(&self.address(), &format!("{address}\n"), File::lock)
    }

    /// The address of the server that runs on the folder. One that was left by a server that was killed counts for
    /// nothing: whoever listens there now must not be handed the token.
    pub fn served_at(&self) -> Option<String> {
        let mut file = File::open(self.address()).ok()?;
        let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        first_line(&text).filter(|_| held)
    }

    /// Writes a file beside its place, prepares it, and puts it there.
    fn write_with(
        &self,
        path: &Path,
        text: &str,
        prepare: impl FnOnce(&File) -> std::io::Result<()>,
    ) -> Result<File, Failure> {
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
        prepare(&file).and_then(|()| std::fs::rename(&beside, path)).map_err(failed)?;
        Ok(file)
    }

    /// Removes files of the folder that a server leaves there only while it runs.
    pub fn tidy(&self) {
        for path in [self.address(), self.nats(), self.seed()] {
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!("{} cannot be removed: {error}", path.display());
            }
        }
    }

    /// Under which clocks the folder's log was filled.
    ///
    /// # Errors
    /// If the table of them is damaged.
    pub fn legs(&self) -> Result<Legs, Failure> {
        Legs::read(&self.clock()).map_err(|error| unclear(&error))
    }

    /// What the clock shows under which the log is filled, or was last.
    pub fn now(&self) -> DateTime<Utc> {
        let legs = self.legs().unwrap_or_else(|failure| {
            tracing::warn!("{failure}");
            Legs::default()
        });
        legs.clock().now()
    }
}

fn first_line(text: &str) -> Option<String> {
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// A clock that the log cannot be filled under is a mistake of who set it; all else about the table is a fault.
pub fn unclear(error: &LegsError) -> Failure {
    let set_back = matches!(error, LegsError::Back { .. });
    Failure::of(if set_back { Exit::Mistake } else { Exit::Failed }, error)
}

#[cfg(test)]
mod tests {
    use entente_journal::Clock;

    use super::*;

    #[test]
    fn a_file_is_written_whole_and_for_its_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(&temporary.path().join("deep/data"))).unwrap();
        folder.write(&folder.nats(), "nats://127.0.0.1:4222\nmore\n").unwrap();
        assert_eq!(Folder::line(&folder.nats()).as_deref(), Some("nats://127.0.0.1:4222"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(folder.path()), mode(&folder.nats())), (0o700, 0o600));
        }
    }

    #[test]
    fn the_clock_is_that_under_which_the_log_was_filled_last() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        let before = Clock::wall().now();
        assert!(folder.now() >= before);
        folder.write(&folder.clock(), "{\"after\":0,\"shift_ms\":-86400000}\n").unwrap();
        folder.tidy();
        assert!(folder.now() < before);
    }

    #[test]
    fn an_address_counts_as_long_as_its_server_holds_it() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        assert_eq!(folder.served_at(), None);
        let address = "http://127.0.0.1:4790";
        let held = folder.serve_at(address).unwrap();
        assert_eq!(folder.served_at().as_deref(), Some(address));
        // A program that another test is just starting has the open file too, until it runs.
        held.unlock().unwrap();
        assert_eq!((folder.served_at(), folder.address().exists()), (None, true), "left by who was killed");
        let _held = folder.serve_at(address).unwrap();
        assert_eq!(folder.served_at().as_deref(), Some(address));
    }
}
