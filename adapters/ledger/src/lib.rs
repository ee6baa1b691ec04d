//! Devices counted at the edge: one state each, on disk, and nothing but sums given out.
//!
//! An adapter [notes](Ledger::note) what it sees of each device and asks for the [sums](Ledger::sums) of each block. Ids are
//! hashed with a secret that is made with the folder; they are stored nowhere, and nothing leads back to them. The crate
//! knows no word of the bus, no clock and no network: what a block or an approach is, its user knows.
//!
//! # What a sighting does
//! A device is in one of these states; its episode is open in those that say *affected* or *missing*. `*` begins an
//! episode. `by` ends it, or gives another the credit: to the approach that the sighting names, else to the attempt that
//! stands, else to none. `+` makes the attempt stand: until the device is seen well.
//!
//! | last | Well | Affected | Unknown | Restored | Gone | Attempted |
//! |---|---|---|---|---|---|---|
//! | never | well | affected * | unknown | restored * by | never | unknown + |
//! | well | well | affected * | unknown | restored * by | gone | well |
//! | affected | restored by | affected | missing | restored by | gone affected | affected + |
//! | restored | restored | affected * | unknown restored | restored by | gone restored | restored |
//! | unknown | well | affected * | unknown | restored * by | gone | unknown + |
//! | unknown restored | restored | affected * | unknown restored | restored by | gone restored | unknown restored + |
//! | missing | restored by | affected | missing | restored by | gone affected | missing + |
//! | gone | well | affected * | unknown | restored * by | gone | gone + |
//! | gone restored | restored | affected * | unknown restored | restored by | gone restored | gone restored + |
//! | gone affected | restored by | affected | missing | restored by | gone affected | gone affected + |
//!
//! - `Restored` of a device that is restored already gives it another's credit only if it names one.
//! - What an episode took is counted from when its device came to be affected to when it came to be well, in minutes, where
//!   both were seen.
//! - Each approach that was ever attempted on a device stays with it, and counts once.
//! - A device that is gone, was never affected and never tried on is forgotten; otherwise it leaves the sums of now and stays
//!   in those of what was.
//! - A sighting in another block takes the device there, with all that it counts for.
//! - Every sighting may be noted again: it changes nothing.
//! - `Forgotten`, of any device: as if it had never been seen. So a past that matters no more is
//!   [let go](Ledger::forget_gone), and blocks that nobody is in are [released](Ledger::release).
//! - Of a device that is missing from a [whole listing](Ledger::end_listing) of its block, that is as good as `Gone`.
//!
//! # When it is safe
//! What was noted is in memory and soon in the file; after [`Ledger::flush`] it survives `kill -9`, after [`Ledger::sync`] a
//! loss of power. A disk that failed to keep something may have dropped it, and would not say so twice: from then on
//! nothing is called kept before all of it stands in another file, and a file named `doubt` tells the next process so.
//!
//! The file holds what changed, and is written anew without what is outdated when it is more than twice as long as it need
//! be, beside the old one and a part at a time; so a ledger takes up to three times its smallest size on disk. A device
//! takes 24 bytes in a table that is three quarters to five sixths full, and about 25 in the file.
//!
//! A write that was cut off is what a kill leaves; anything else that is not as it was written, as after a loss of power
//! between two syncs, is [told](Ledger::recovery), with the number of changes that it cost.

mod books;
mod disk;
mod entry;
mod error;
mod file;
mod fingerprint;
mod folder;
mod frame;
mod ledger;
mod lock;
mod minutes;
mod names;
mod pace;
mod restore;
mod rewrite;
mod state;
mod sums;
mod table;
#[cfg(test)]
mod tests;

pub use entry::Lost;
pub use error::LedgerError;
pub use ledger::Ledger;
pub use restore::{Damage, Recovery};
pub use state::{ApproachId, BlockId, Change, Condition, Known, Seen};
pub use sums::{Spans, Sums, Tally};
