//! The one file of a ledger: a header, then frames. It is only ever appended to, and replaced as a whole.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Store};
use crate::error::LedgerError;
use crate::fingerprint::Secret;
use crate::frame::Batch;

const MAGIC: [u8; 8] = *b"ENTLEDGR";
const VERSION: u32 = 1;

/// The first bytes of the file: magic, version, these, checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the fingerprints were made with.
    pub secret: Secret,
    /// How long the file was when it took the place of the one before: none of that can be torn.
    pub held: u64,
    /// How many entries that were.
    pub entries: u64,
    /// How many devices they were about.
    pub devices: u64,
}

impl Header {
    pub(crate) const BYTES: usize = 56;

    fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.held, self.entries, self.devices].map(u64::to_le_bytes).concat();
        let mut bytes = [MAGIC.as_slice(), &VERSION.to_le_bytes(), &self.secret, &numbers].concat();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8; Self::BYTES], path: &Path) -> Result<Self, LedgerError> {
        let no_ledger = || LedgerError::NotALedger(path.to_owned());
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or_else(no_ledger)?;
        let found = u32::from_le_bytes(*take(&mut rest).ok_or_else(no_ledger)?);
        if found > VERSION {
            return Err(LedgerError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        let secret = *take(&mut rest).ok_or_else(no_ledger)?;
        let mut number = || take(&mut rest).map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(no_ledger);
        let header = Self { secret, held: number()?, entries: number()?, devices: number()? };
        (header.to_bytes() == bytes).then_some(header).ok_or_else(no_ledger)
    }
}

fn take<'a, const N: usize>(from: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(bytes)
}

/// A file that frames are appended to.
pub(crate) struct LedgerFile {
    store: Box<dyn Store>,
    path: PathBuf,
    /// The end of the last good frame.
    end: u64,
    /// Up to where the disk was made to keep it.
    kept: u64,
    /// Where the end was when the file was begun, with nothing outdated in it.
    held: u64,
    /// The number of the next entry.
    next: u64,
    /// Whether something may lie behind the end: a write that did not succeed.
    untidy: bool,
}

impl LedgerFile {
    /// Begins a file without a header: it is none of a ledger before [`LedgerFile::complete`].
    pub(crate) fn begin(disk: &dyn Disk, path: PathBuf) -> io::Result<Self> {
        let mut store = disk.create(&path)?;
        store.write_all(&[0; Header::BYTES])?;
        Ok(Self { store, path, end: Header::BYTES as u64, kept: 0, held: 0, next: 0, untidy: false })
    }

    /// Opens a file and reads its header; none if there is no file.
    pub(crate) fn open(disk: &dyn Disk, path: PathBuf) -> Result<Option<(Self, Header)>, LedgerError> {
        let failed = |source| LedgerError::File { path: path.clone(), source };
        let mut store = match disk.open(&path) {
            Ok(store) => store,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = [0; Header::BYTES];
        match store.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(LedgerError::NotALedger(path)),
            Err(error) => return Err(failed(error)),
        }
        let header = Header::read(&bytes, &path)?;
        let end = Header::BYTES as u64;
        Ok(Some((Self { store, path, end, kept: 0, held: header.held, next: 0, untidy: true }, header)))
    }

    /// Where to read from.
    pub(crate) fn reader(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    /// Goes on behind what was read; what lies there is cut off before the next write.
    pub(crate) fn go_on(&mut self, end: u64, next: u64) {
        (self.end, self.next, self.untidy) = (end, next, true);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// How much the disk was not made to keep yet.
    pub(crate) fn unkept(&self) -> u64 {
        self.end.saturating_sub(self.kept)
    }

    /// Hands a batch to the system. After an error nothing of it counts as written.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        if self.untidy {
            self.store.set_len(self.end)?;
            self.store.seek(SeekFrom::Start(self.end))?;
        }
        self.untidy = true;
        let frame = batch.frame(self.next);
        self.store.write_all(frame)?;
        self.untidy = false;
        self.end += frame.len() as u64;
        self.next += u64::from(batch.entries());
        Ok(())
    }

    /// Has the disk keep what was appended. After an error it must not be asked again: see [`Store::sync`].
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.kept < self.end {
            self.store.sync()?;
            self.kept = self.end;
        }
        Ok(())
    }

    /// Gives the file its header, has the disk keep it, and puts it in the place of another.
    pub(crate) fn complete(mut self, disk: &dyn Disk, secret: Secret, devices: u64, place: &Path) -> io::Result<Self> {
        let header = Header { secret, held: self.end, entries: self.next, devices };
        self.store.rewind()?;
        self.store.write_all(&header.to_bytes())?;
        self.store.sync()?;
        disk.rename(&self.path, place)?;
        self.path = place.to_owned();
        (self.held, self.kept, self.untidy) = (self.end, self.end, true);
        Ok(self)
    }
}
