//! What a ledger asks of a disk. Thin, so that tests can put another in its place: one that fails, that forgets what it did
//! not keep, and that loses its power.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Files by name.
pub(crate) trait Disk: Send {
    /// Makes an empty file that no other user reads, in the place of what may be there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Store>>;

    /// Opens a file that is there.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Store>>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Has the disk keep the names in a folder.
    fn sync_folder(&self, dir: &Path) -> io::Result<()>;
}

/// One file.
pub(crate) trait Store: Read + Write + Seek + Send {
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;

    /// Has the disk keep what was written. After an error nobody knows what it keeps: the system may have dropped what it
    /// could not write, and the next call finds nothing left to do.
    fn sync(&mut self) -> io::Result<()>;
}

/// The system's own.
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Store>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Store>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl Store for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
