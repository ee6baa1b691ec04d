//! The file written anew, with nothing in it that is outdated, a part at a time while the ledger goes on.
//!
//! The parts go into a file beside the ledger's, and so does each batch of changes that is written meanwhile. Entries are
//! whole, so whatever order a change and its device's part come in, the last word of the new file is the last word of the
//! old one. The new file takes the old one's place when it is complete and the disk keeps it: a process that is killed at
//! any moment leaves one complete file.

use std::io;

use crate::books::Books;
use crate::entry::Entry;
use crate::file::LedgerFile;
use crate::fingerprint::{SHARDS, Secret};
use crate::folder::Folder;
use crate::frame::Batch;
use crate::pace::Pace;

/// A file on its way.
pub(crate) struct Rewrite {
    file: LedgerFile,
    batch: Batch,
    pace: Pace,
    /// The next shard to write.
    shard: u8,
    /// Numbers of blocks of which this file says nothing, as long as they get no name meanwhile.
    nameless: Vec<usize>,
}

impl Rewrite {
    /// Begins with what the devices refer to.
    pub(crate) fn begin(folder: &Folder, books: &Books, pace: Pace) -> io::Result<Self> {
        let file = LedgerFile::begin(folder.disk(), folder.beside())?;
        let mut rewrite = Self { file, batch: Batch::new(), pace, shard: 0, nameless: books.blocks.nameless() };
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
        if self.file.unkept() > self.pace.sync {
            self.file.sync()?;
        }
        Ok(self.shard == SHARDS)
    }

    /// Puts the file in the place of the old one. Numbers of which only that one knew are free then.
    pub(crate) fn finish(self, secret: Secret, books: &mut Books, folder: &Folder) -> io::Result<LedgerFile> {
        let file = self.file.complete(folder.disk(), secret, books.table.len(), &folder.place())?;
        books.blocks.set_free(self.nameless);
        Ok(file)
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
