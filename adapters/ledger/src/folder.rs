//! The folder of a ledger: its files by name, whether the disk keeps these names, and the mark that it may have dropped
//! something.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::disk::Disk;

/// A folder, and the disk that it is on.
pub(crate) struct Folder {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    /// Whether the disk keeps the names as they are now.
    kept: bool,
    /// Whether the mark is there.
    doubted: bool,
}

impl Folder {
    /// Makes the folder if there is none, and has the disk keep its name and those of folders above it that had to be made.
    pub(crate) fn make(dir: &Path, disk: Box<dyn Disk>) -> io::Result<Self> {
        let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
        let made: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        for dir in made {
            let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
            disk.sync_folder(above.unwrap_or(Path::new(".")))?;
        }
        Ok(Self { dir: dir.to_owned(), disk, kept: false, doubted: false })
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Where the ledger's file is.
    pub(crate) fn place(&self) -> PathBuf {
        self.dir.join("ledger")
    }

    /// Where a file is until it takes the place of the ledger's.
    pub(crate) fn beside(&self) -> PathBuf {
        self.dir.join("ledger.new")
    }

    fn mark(&self) -> PathBuf {
        self.dir.join("doubt")
    }

    /// Removes what a killed process left beside the ledger's file.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        match self.disk.remove(&self.beside()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the disk may have dropped a part of the ledger's file, in this process or the one before: what is read here
    /// may be in memory alone.
    pub(crate) fn is_doubted(&mut self) -> bool {
        let mark = self.disk.open(&self.mark());
        self.doubted = !mark.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        self.doubted
    }

    /// Marks that it may have, for this process and for the next if this one is killed.
    pub(crate) fn doubt(&mut self) {
        // A disk that does not take the mark either leaves it to this process alone.
        self.doubted = self.disk.create(&self.mark()).is_ok();
    }

    /// Takes the mark away: another file is there instead, and kept.
    pub(crate) fn trust(&mut self) {
        if self.doubted {
            // If it stays, the file is written anew once more.
            self.doubted = self.disk.remove(&self.mark()).is_err();
        }
    }

    /// A file has another name from now on.
    pub(crate) fn renamed(&mut self) {
        self.kept = false;
    }

    /// Has the disk keep the names.
    pub(crate) fn keep(&mut self) -> io::Result<()> {
        if !self.kept {
            self.disk.sync_folder(&self.dir)?;
            self.kept = true;
        }
        Ok(())
    }
}
