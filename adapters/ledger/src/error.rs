//! Why a ledger refuses.

use std::io;
use std::path::PathBuf;

/// Why a ledger cannot be opened, does not take a sighting, or cannot be written. Nothing of a refused sighting was taken;
/// it may be noted again.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process, or this one, has it open.
    #[error("the ledger in {0} is in use by another process; stop that process, or give this one a folder of its own")]
    Held(PathBuf),
    /// The folder or a file in it cannot be read or made.
    #[error(
        "the ledger cannot be opened: {path}: {source}; check that the folder belongs to you and that its disk has room"
    )]
    File {
        /// The file or the folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file does not begin as a ledger does.
    #[error(
        "{0} is no ledger, or its first bytes are damaged; restore it from a copy, or move it away to begin anew: then every \
         device counts as never seen"
    )]
    NotALedger(PathBuf),
    /// The file is of a later version of Entente.
    #[error("{path} has version {found} of the format, and this program reads version {known}; use the newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version of this program.
        known: u32,
    },
    /// The disk did not take what was noted. It is kept in memory and written with the next call that can; until then no
    /// more is taken than a batch.
    #[error("the ledger cannot be written: {path}: {source}; free space or mend the disk, it goes on by itself then")]
    Disk {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// All that was noted is safe, but the file could not be written anew without what is outdated, and grows on.
    #[error(
        "the ledger is safe, but its file cannot be shortened: {path}: {source}; free about half of what the ledger takes on \
         disk, it goes on by itself then"
    )]
    Shorten {
        /// The file beside it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No id, or one that is too long.
    #[error(
        "a device's id has {bytes} bytes, and 1 to {most} are taken; check which member of the answer it is read from"
    )]
    Device {
        /// Its length.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// No name, or one that is too long.
    #[error("the name of {what} has {bytes} bytes, and 1 to {most} are taken; shorten it")]
    Name {
        /// What it names.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// There is no number left.
    #[error(
        "the ledger has {most} {what} already; make fewer of them, or give a part of the fleet a ledger of its own"
    )]
    Full {
        /// What there are too many of.
        what: &'static str,
        /// The most.
        most: usize,
    },
    /// A block or an approach that this ledger does not know.
    #[error("this ledger knows no such {0}; ask it for the number of the name, and use no number of another ledger")]
    Foreign(&'static str),
}
