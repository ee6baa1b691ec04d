//! The file written anew, with nothing in it that is outdated, a part at a time while the ledger goes on.
//!
//! The parts go into a file beside the ledger's, and so does each batch of changes that is written meanwhile. Entries are
//! whole, so whatever order a change and its device's part come in, the last word of the new file is the last word of the
//! old one. The new file takes the old one's place when it is complete and the disk keeps it: a process that is killed at
//! any moment leaves one complete file.

use std::io;
use std::path::{Path, PathBuf};

use crate::books::Books;
use crate::entry::Entry;
use crate::file::LedgerFile;
use crate::fingerprint::{SHARDS, Secret};
use crate::frame::Batch;
use crate::pace::Pace;

/// A file on its way.
pub(crate) struct Rewrite {
    file: LedgerFile,
    batch: Batch,
    pace: Pace,
    /// The next shard to write.
    shard: u8,
    /// How far the disk was made to keep it.
    synced: u64,
}

impl Rewrite {
    /// Begins with what the devices refer to.
    pub(crate) fn begin(path: PathBuf, books: &Books, pace: Pace) -> io::Result<Self> {
        let file = LedgerFile::begin(path)?;
        let mut rewrite = Self { file, batch: Batch::new(), pace, shard: 0, synced: 0 };
        for entry in books.definitions() {
            rewrite.put(&entry)?;
        }
        rewrite.write()?;
        Ok(rewrite)
    }

    /// Takes a batch that the old file has taken.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        self.file.append(batch)
    }

    /// Writes the next part. The books must say what the old file says. True when nothing is left to write.
    pub(crate) fn step(&mut self, books: &Books) -> io::Result<bool> {
        let until = self.file.end() + self.pace.part;
        while self.shard < SHARDS && self.file.end() < until {
            for entry in books.devices(self.shard) {
                self.put(&entry)?;
            }
            self.write()?;
            self.shard += 1;
        }
        if self.file.end() - self.synced > self.pace.sync {
            self.file.sync()?;
            self.synced = self.file.end();
        }
        Ok(self.shard == SHARDS)
    }

    /// Puts the file in the place of the old one.
    pub(crate) fn finish(self, secret: Secret, books: &Books, place: &Path) -> io::Result<LedgerFile> {
        self.file.complete(secret, books.table.len(), place)
    }

    fn put(&mut self, entry: &Entry) -> io::Result<()> {
        self.batch.push(entry);
        if self.batch.bytes() < self.pace.batch { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        if !self.batch.is_empty() {
            self.file.append(&mut self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }
}
