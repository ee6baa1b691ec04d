//! Why a fleet cannot be opened, or does not take what it is told.

use std::io;
use std::path::PathBuf;

use entente_ledger::LedgerError;

/// Why a fleet cannot be opened or does not take a sighting. Nothing of what is refused was counted.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The profile names something that cannot be said on the bus.
    #[error("the fleet's {member} is {text:?}; {expected}")]
    Profile {
        /// The member.
        member: &'static str,
        /// What it holds.
        text: String,
        /// What is taken.
        expected: &'static str,
    },
    /// The words that every fleet shares cannot be read.
    #[error("the table of causes and approaches cannot be read: {0}; install the program again")]
    Words(#[from] toml::de::Error),
    /// A region or zone that is no code.
    #[error(
        "the {part} of a device has {characters} characters or signs that no code has; 1 to 64 letters, digits, `-`, `_` \
             and `.` are taken"
    )]
    Place {
        /// Region or zone.
        part: &'static str,
        /// Its length.
        characters: usize,
    },
    /// An approach whose slug is none.
    #[error("an approach's slug of {0} characters is not taken; 1 to 60 lower-case letters, digits and `-` are")]
    Approach(usize),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is kept beside the ledger cannot be read or written.
    #[error(
        "what is kept of the fleet's incidents cannot be {doing}: {path}: {source}; free space or mend the disk, it goes \
             on by itself then"
    )]
    Diary {
        /// `read` or `written`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
