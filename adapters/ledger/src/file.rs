//! The one file of a ledger: a header, then frames. It is only ever appended to, and replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
    file: File,
    path: PathBuf,
    /// The end of the last good frame.
    end: u64,
    /// Where it was when the file was begun, with nothing outdated in it.
    held: u64,
    /// The number of the next entry.
    next: u64,
    /// Whether something may lie behind the end: a write that did not succeed.
    untidy: bool,
}

impl LedgerFile {
    /// Begins a file without a header: it is none of a ledger before [`LedgerFile::complete`].
    pub(crate) fn begin(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path)?;
        file.write_all(&[0; Header::BYTES])?;
        Ok(Self { file, path, end: Header::BYTES as u64, held: 0, next: 0, untidy: false })
    }

    /// Opens a file and reads its header; none if there is no file.
    pub(crate) fn open(path: PathBuf) -> Result<Option<(Self, Header)>, LedgerError> {
        let failed = |source| LedgerError::File { path: path.clone(), source };
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = [0; Header::BYTES];
        match file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(LedgerError::NotALedger(path)),
            Err(error) => return Err(failed(error)),
        }
        let header = Header::read(&bytes, &path)?;
        Ok(Some((Self { file, path, end: Header::BYTES as u64, held: header.held, next: 0, untidy: true }, header)))
    }

    /// Where to read from.
    pub(crate) fn reader(&self) -> &File {
        &self.file
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

    /// Hands a batch to the system. After an error nothing of it counts as written.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        if self.untidy {
            self.file.set_len(self.end)?;
            self.file.seek(SeekFrom::Start(self.end))?;
        }
        self.untidy = true;
        let frame = batch.frame(self.next);
        self.file.write_all(frame)?;
        self.untidy = false;
        self.end += frame.len() as u64;
        self.next += u64::from(batch.entries());
        Ok(())
    }

    /// Has the disk keep what was appended.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Gives the file its header, has the disk keep it, and puts it in the place of another.
    pub(crate) fn complete(mut self, secret: Secret, devices: u64, place: &Path) -> io::Result<Self> {
        let header = Header { secret, held: self.end, entries: self.next, devices };
        self.file.rewind()?;
        self.file.write_all(&header.to_bytes())?;
        self.file.sync_all()?;
        std::fs::rename(&self.path, place)?;
        self.path = place.to_owned();
        (self.held, self.untidy) = (self.end, true);
        Ok(self)
    }
}

/// Has the disk keep the names of a folder's files.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
