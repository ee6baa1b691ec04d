//! The ledger as its users have it: memory and file together.

use std::io;
use std::num::NonZeroU8;
use std::path::Path;

use crate::books::{Books, index};
use crate::disk::{Disk, SystemDisk};
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::file::LedgerFile;
use crate::fingerprint::{Fingerprint, Hand, SHARDS, Secret};
use crate::folder::Folder;
use crate::frame::Batch;
use crate::lock::Lock;
use crate::minutes::Minutes;
use crate::pace::Pace;
use crate::restore::{Recovery, restore};
use crate::rewrite::Rewrite;
use crate::state::{ApproachId, BlockId, Change, Known, Seen};
use crate::sums::Sums;

/// The most bytes of a device's id.
const DEVICE: usize = 4_096;
/// The most bytes of the name of a block or an approach.
const NAME: usize = 1_024;
/// The most blocks.
const BLOCKS: usize = u16::MAX as usize;
/// The most approaches.
const APPROACHES: usize = u8::MAX as usize;

/// What is known of each device of a fleet, in a folder of its own. See the crate for what is kept and when it is safe.
pub struct Ledger {
    folder: Folder,
    books: Books,
    hand: Hand,
    secret: Secret,
    file: LedgerFile,
    /// Changes that the books have and the file has not.
    batch: Batch,
    rewrite: Option<Rewrite>,
    /// Whether the file must be written anew whatever its length: it is damaged, or the disk may have dropped a part of it.
    renew: bool,
    pace: Pace,
    recovery: Recovery,
    _lock: Lock,
}

impl Ledger {
    /// Opens the ledger in a folder, or makes both, and restores what was flushed. Where files are damaged, see
    /// [`Ledger::recovery`].
    ///
    /// # Errors
    /// If another process has it, if the folder or its files cannot be read, made or, where they are damaged, written anew,
    /// or if they are none of a ledger.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::open_on(Box::new(SystemDisk), dir, Pace::USUAL)
    }

    #[cfg(test)]
    pub(crate) fn open_at(dir: &Path, pace: Pace) -> Result<Self, LedgerError> {
        Self::open_on(Box::new(SystemDisk), dir, pace)
    }

    pub(crate) fn open_on(disk: Box<dyn Disk>, dir: &Path, pace: Pace) -> Result<Self, LedgerError> {
        let failed = |source: io::Error| LedgerError::File { path: dir.to_owned(), source };
        let mut folder = Folder::make(dir, disk).map_err(failed)?;
        let lock = Lock::take(dir)?;
        folder.tidy().map_err(failed)?;
        let Some((mut file, header)) = LedgerFile::open(folder.disk(), folder.place())? else {
            return Self::begin(folder, pace, lock).map_err(failed);
        };
        let restored = restore(file.reader(), &header).map_err(failed)?;
        file.go_on(restored.end, restored.next);
        let is_damaged = !restored.recovery.damage.is_empty();
        let mut ledger = Self {
            renew: folder.is_doubted() || is_damaged,
            folder,
            books: restored.books,
            hand: Hand::new(&header.secret),
            secret: header.secret,
            file,
            batch: Batch::new(),
            rewrite: None,
            pace,
            recovery: restored.recovery,
            _lock: lock,
        };
        if is_damaged {
            let beside = ledger.folder.beside();
            ledger.renew_all().map_err(|source| LedgerError::File { path: beside, source })?;
        }
        Ok(ledger)
    }

    fn begin(mut folder: Folder, pace: Pace, lock: Lock) -> io::Result<Self> {
        let mut secret = Secret::default();
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let mut books = Books::with_room(0);
        let file = Rewrite::begin(&folder, &books, pace)?.finish(secret, &mut books, &folder)?;
        folder.keep()?;
        Ok(Self {
            folder,
            books,
            hand: Hand::new(&secret),
            secret,
            file,
            batch: Batch::new(),
            rewrite: None,
            renew: false,
            pace,
            recovery: Recovery::default(),
            _lock: lock,
        })
    }

    /// What opening found: a torn end, which is usual after a kill, or damage, which is to be shown.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The number of a block by its name, which means nothing to the ledger; a new one gets the next. Numbers stay across
    /// restarts. At most 65,535, with names of at most 1,024 bytes.
    ///
    /// # Errors
    /// If the name is empty or too long, if there are too many, or if the disk does not take it.
    pub fn block(&mut self, name: &str) -> Result<BlockId, LedgerError> {
        if let Some(number) = self.books.blocks.number(name).and_then(|number| u16::try_from(number).ok()) {
            return Ok(BlockId(number));
        }
        check_length(name, NAME, |bytes, most| LedgerError::Name { what: "a block", bytes, most })?;
        let block = self.free_block()?;
        self.make_room()?;
        self.batch.push(&Entry::Block(block, name));
        self.books.define_block(block, name);
        Ok(block)
    }

    /// A number that no block has. Those that were released are free only where the file says nothing of them any more.
    fn free_block(&mut self) -> Result<BlockId, LedgerError> {
        if self.books.blocks.next() >= BLOCKS && !self.books.blocks.nameless().is_empty() {
            self.write()?;
            // One that is under way may have been begun before they were released.
            self.give_up_rewrite();
            let anew = self.renew_all();
            anew.map_err(|source| LedgerError::Disk { path: self.folder.beside(), source })?;
        }
        let next = self.books.blocks.next();
        let free = u16::try_from(next).ok().filter(|_| next < BLOCKS);
        Ok(BlockId(free.ok_or(LedgerError::Full { what: "blocks", most: BLOCKS })?))
    }

    /// Gives up a block that no device is in: its number means nothing from then on, and may become another's. False, and
    /// nothing is done, if a device is in it. After a restart it may be there again, and empty.
    pub fn release(&mut self, block: BlockId) -> bool {
        self.books.release_block(block)
    }

    /// The number of an approach by its name; a new one gets the next. Numbers stay across restarts. At most 255, with names
    /// of at most 1,024 bytes.
    ///
    /// # Errors
    /// If the name is empty or too long, if there are too many, or if the disk does not take it.
    pub fn approach(&mut self, name: &str) -> Result<ApproachId, LedgerError> {
        let numbered = |index: usize| NonZeroU8::new(u8::try_from(index + 1).unwrap_or(0)).map(ApproachId);
        if let Some(approach) = self.books.approaches.number(name).and_then(numbered) {
            return Ok(approach);
        }
        check_length(name, NAME, |bytes, most| LedgerError::Name { what: "an approach", bytes, most })?;
        let free = numbered(self.books.approaches.next());
        let approach = free.ok_or(LedgerError::Full { what: "approaches", most: APPROACHES })?;
        self.make_room()?;
        self.batch.push(&Entry::Approach(approach, name));
        self.books.define_approach(approach, name);
        Ok(approach)
    }

    /// The name of an approach; none if this ledger did not give the number.
    #[must_use]
    pub fn approach_name(&self, approach: ApproachId) -> Option<&str> {
        self.books.approaches.name(index(approach))
    }

    /// The names of all approaches, in order.
    pub fn approach_names(&self) -> impl Iterator<Item = &str> {
        self.books.approaches.sorted().map(|(name, _)| name)
    }

    /// Notes what was seen of a device, or done to it, and which block it is in now. None if that changes nothing. The id is
    /// hashed and kept nowhere; 1 to 4,096 bytes. `at` is when it came to be so, in seconds since 1970: an episode lasts from
    /// there where it begins to there where it ends.
    ///
    /// # Errors
    /// If the id is empty or too long, if block or approach are not of this ledger, if the ledger holds 33,554,432 devices,
    /// or if the disk takes no more. Then nothing was noted.
    pub fn note(&mut self, device: &str, block: BlockId, seen: Seen, at: i64) -> Result<Option<Change>, LedgerError> {
        check_length(device, DEVICE, |bytes, most| LedgerError::Device { bytes, most })?;
        self.check_numbers(block, seen)?;
        self.note_print(self.hand.fingerprint(device), block, seen, Minutes::at(at))
    }

    fn note_print(
        &mut self,
        print: Fingerprint,
        block: BlockId,
        seen: Seen,
        at: Minutes,
    ) -> Result<Option<Change>, LedgerError> {
        let step = self.books.weigh(print, block, seen, at)?;
        let Some(change) = step.change() else {
            self.books.settle_met(&step);
            return Ok(None);
        };
        self.make_room()?;
        self.batch.push(&self.books.entry(&step));
        self.books.settle(&step);
        Ok(Some(change))
    }

    /// What is kept of a device; none if nothing is.
    ///
    /// # Errors
    /// If the id is empty or too long.
    pub fn known(&self, device: &str) -> Result<Option<Known<'_>>, LedgerError> {
        check_length(device, DEVICE, |bytes, most| LedgerError::Device { bytes, most })?;
        Ok(self.books.known(self.hand.fingerprint(device)))
    }

    /// Takes note that a device is there, without a word on how it does. Every [note](Ledger::note) does so as well.
    ///
    /// # Errors
    /// If the id is empty or too long.
    pub fn meet(&mut self, device: &str) -> Result<(), LedgerError> {
        check_length(device, DEVICE, |bytes, most| LedgerError::Device { bytes, most })?;
        self.books.meet(self.hand.fingerprint(device));
        Ok(())
    }

    /// Begins a listing of these blocks: from here on it is kept in mind which of their devices are met. That takes no
    /// memory, and a restart begins all listings anew.
    pub fn begin_listing(&mut self, of: impl Fn(BlockId) -> bool) {
        self.books.unlist(of);
    }

    /// Ends a listing of these blocks that was whole: devices that were not met since it began are gone. Gives their number.
    ///
    /// # Errors
    /// If the disk takes no more. Those that are left are noted by another call.
    pub fn end_listing(&mut self, of: impl Fn(BlockId) -> bool) -> Result<u64, LedgerError> {
        let mut gone = 0;
        for shard in 0..SHARDS {
            for (print, block) in self.books.unlisted(shard, &of) {
                self.note_print(print, block, Seen::Gone, Minutes::UNKNOWN)?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Forgets the devices of these blocks that are gone. Gives their number.
    ///
    /// # Errors
    /// If the disk takes no more. Those that are left are forgotten by another call.
    pub fn forget_gone(&mut self, of: impl Fn(BlockId) -> bool) -> Result<u64, LedgerError> {
        let mut forgotten = 0;
        for shard in 0..SHARDS {
            for (print, block) in self.books.gone(shard, &of) {
                self.note_print(print, block, Seen::Forgotten, Minutes::UNKNOWN)?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    fn check_numbers(&self, block: BlockId, seen: Seen) -> Result<(), LedgerError> {
        let by = match seen {
            Seen::Restored { by } => by,
            Seen::Attempted { by } => Some(by),
            Seen::Well | Seen::Affected | Seen::Unknown | Seen::Gone | Seen::Forgotten => None,
        };
        if !self.books.knows(block) {
            return Err(LedgerError::Foreign("block"));
        }
        match by {
            Some(by) if !self.books.knows_approach(by) => Err(LedgerError::Foreign("approach")),
            _ => Ok(()),
        }
    }

    /// Each block with its sums, in the order of the names. Kept as devices are noted: asking costs nothing.
    pub fn sums(&self) -> impl Iterator<Item = (&str, &Sums)> {
        self.books.sums()
    }

    /// Hands all that was noted to the system: from then on it survives the end of this process, however that comes. Flush
    /// before sums are published, so that nothing published can be lost.
    ///
    /// # Errors
    /// [`LedgerError::Disk`] if the disk does not take it: all stays in memory, for the next call.
    /// [`LedgerError::Shorten`] if all is safe, but the file grows on.
    pub fn flush(&mut self) -> Result<(), LedgerError> {
        self.write()?;
        self.shorten()
    }

    /// Flushes, and has the disk keep it: from then on it survives a loss of power. Takes as long as the disk does; nothing
    /// if nothing was noted since.
    ///
    /// # Errors
    /// As [`Ledger::flush`]. A disk that failed is believed only once it keeps another file, which the next call writes.
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.write()?;
        self.keep().map_err(|source| LedgerError::Disk { path: self.file.path().to_owned(), source })?;
        self.shorten()
    }

    /// Has the disk keep everything that was written. Once it failed, it may have dropped what it could not write, and the
    /// system would not tell that a second time.
    fn keep(&mut self) -> io::Result<()> {
        if self.renew {
            self.renew_all()?;
        }
        let kept = self.file.sync().and_then(|()| self.folder.keep());
        kept.inspect_err(|_| self.doubt())
    }

    /// Writes the whole file anew. Everything must be written.
    fn renew_all(&mut self) -> io::Result<()> {
        self.renew = true;
        while self.renew {
            self.rewrite_a_part().inspect_err(|_| self.give_up_rewrite())?;
        }
        Ok(())
    }

    fn doubt(&mut self) {
        self.renew = true;
        self.folder.doubt();
    }

    #[cfg(test)]
    pub(crate) fn recount(&mut self) {
        self.books.recount();
    }

    #[cfg(test)]
    pub(crate) fn renew_now(&mut self) -> Result<(), LedgerError> {
        self.write()?;
        self.renew_all().map_err(|source| LedgerError::Disk { path: self.folder.beside(), source })
    }

    /// Whether the next change is preceded by a write.
    #[cfg(test)]
    pub(crate) fn is_batch_full(&self) -> bool {
        self.batch.bytes() >= self.pace.batch
    }

    /// Writes a full batch. What then keeps the file from being shortened is for the next flush to say.
    fn make_room(&mut self) -> Result<(), LedgerError> {
        if self.batch.bytes() < self.pace.batch {
            return Ok(());
        }
        self.write()?;
        let _ = self.shorten();
        Ok(())
    }

    fn write(&mut self) -> Result<(), LedgerError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let taken = self.file.append(&mut self.batch);
        taken.map_err(|source| LedgerError::Disk { path: self.file.path().to_owned(), source })?;
        if let Some(rewrite) = &mut self.rewrite
            && rewrite.append(&mut self.batch).is_err()
        {
            self.give_up_rewrite();
        }
        self.batch.clear();
        Ok(())
    }

    /// Goes on writing the file anew, or begins with it, where that is due. Everything must be written.
    fn shorten(&mut self) -> Result<(), LedgerError> {
        let allowed = 2 * self.books.bytes_needed().max(self.file.held()) + self.pace.slack;
        if self.rewrite.is_none() && !self.renew && self.file.end() <= allowed {
            return Ok(());
        }
        self.rewrite_a_part().map_err(|source| {
            self.give_up_rewrite();
            LedgerError::Shorten { path: self.folder.beside(), source }
        })
    }

    fn rewrite_a_part(&mut self) -> io::Result<()> {
        let rewrite = match &mut self.rewrite {
            Some(rewrite) => rewrite,
            empty => empty.insert(Rewrite::begin(&self.folder, &self.books, self.pace)?),
        };
        if !rewrite.step(&self.books)? {
            return Ok(());
        }
        let Some(rewrite) = self.rewrite.take() else { return Ok(()) };
        self.file = rewrite.finish(self.secret, &mut self.books, &self.folder)?;
        self.folder.renamed();
        self.folder.keep().inspect_err(|_| self.doubt())?;
        self.folder.trust();
        self.renew = false;
        Ok(())
    }

    /// The next try begins from the start. A file that is left is removed at the next opening.
    fn give_up_rewrite(&mut self) {
        self.rewrite = None;
        let _ = self.folder.disk().remove(&self.folder.beside());
    }
}

impl Drop for Ledger {
    /// What was noted and not flushed is kept if the disk lets it.
    fn drop(&mut self) {
        let _ = self.write();
    }
}

fn check_length(text: &str, most: usize, error: impl Fn(usize, usize) -> LedgerError) -> Result<(), LedgerError> {
    if (1..=most).contains(&text.len()) { Ok(()) } else { Err(error(text.len(), most)) }
}
