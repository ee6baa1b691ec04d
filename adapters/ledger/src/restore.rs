//! Reading a ledger's file back: every good frame counts, and what is not good is told, with what it cost.

use std::fmt;
use std::io::{self, Read};

use crate::books::Books;
use crate::entry::{Entry, Lost};
use crate::file::Header;
use crate::frame::{Frames, Head, Piece};

/// Damaged places that are told one by one.
const TOLD: usize = 1_000;

/// What opening a ledger found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Devices that are known.
    pub devices: u64,
    /// Bytes of a write that was cut off at the file's end, as when the process was killed: nothing that was flushed is lost
    /// by that, and nothing that was synced by a loss of power.
    pub torn: u64,
    /// What is damaged, up to 1,000 places: changes that had been flushed are lost, and devices stand as they stood before
    /// them. A loss of power may do that to what was not synced. The file is written anew without the damage before the ledger is given out.
    pub damage: Vec<Damage>,
    /// What damage has cost this ledger in all, now and earlier: as long as it is not nothing, its sums lack that.
    pub lost: Lost,
}

/// A damaged place of a ledger's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, in bytes from the file's start.
    pub offset: u64,
    /// How many bytes it is long; 0 where something was cut out.
    pub bytes: u64,
    /// How many changes were in it; none if that cannot be known.
    pub changes: Option<u64>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, bytes, changes } = self;
        write!(f, "{bytes} bytes from byte {offset} on are damaged: ")?;
        match changes {
            Some(changes) => write!(f, "{changes} changes are lost"),
            None => write!(f, "it cannot be told how many changes are lost"),
        }
    }
}

/// What was read of a file.
pub(crate) struct Restored {
    pub(crate) books: Books,
    pub(crate) recovery: Recovery,
    /// Where the last good frame ends.
    pub(crate) end: u64,
    /// The number of the next entry.
    pub(crate) next: u64,
}

/// Reads all frames behind the header.
pub(crate) fn restore(file: impl Read, header: &Header) -> io::Result<Restored> {
    let begin = Header::BYTES as u64;
    let mut reading = Reading {
        restored: Restored {
            books: Books::with_room(header.devices),
            recovery: Recovery::default(),
            end: begin,
            next: 0,
        },
        found: Lost::default(),
        unclear: None,
    };
    let mut frames = Frames::new(file, begin);
    loop {
        let offset = frames.offset();
        match frames.next()? {
            None => return Ok(reading.finish(offset, header)),
            Some(Piece::Frame(head)) => reading.take(offset, head, frames.payload(), frames.offset()),
            Some(Piece::Damage(bytes, head)) => reading.damaged(offset, bytes, head),
            Some(Piece::Torn(bytes)) if offset < header.held => reading.damaged(offset, bytes, None),
            Some(Piece::Torn(bytes)) => reading.restored.recovery.torn = bytes,
        }
    }
}

struct Reading {
    restored: Restored,
    /// What is found lost now.
    found: Lost,
    /// A damaged place of which only the next frame will tell what it cost.
    unclear: Option<Damage>,
}

impl Reading {
    fn take(&mut self, offset: u64, head: Head, mut payload: &[u8], end: u64) {
        self.reach(offset, head.first);
        let mut missing = 0;
        for taken in 0..head.entries {
            let Some(entry) = Entry::read(&mut payload) else {
                missing += u64::from(head.entries - taken);
                break;
            };
            missing += u64::from(!self.restored.books.restore(entry));
        }
        if missing > 0 {
            self.tell(Damage { offset, bytes: end - offset, changes: Some(missing) });
        }
        self.restored.next = head.first.saturating_add(u64::from(head.entries));
        self.restored.end = end;
    }

    fn damaged(&mut self, offset: u64, bytes: u64, head: Option<Head>) {
        let Some(head) = head else {
            self.settle(None);
            self.unclear = Some(Damage { offset, bytes, changes: None });
            return;
        };
        self.reach(offset, head.first);
        self.tell(Damage { offset, bytes, changes: Some(u64::from(head.entries)) });
        self.restored.next = head.first.saturating_add(u64::from(head.entries));
    }

    /// Something whose first entry has this number begins here: what is between it and the last one is lost.
    fn reach(&mut self, offset: u64, first: u64) {
        let skipped = first.saturating_sub(self.restored.next);
        match self.unclear {
            Some(_) => self.settle(Some(skipped)),
            None if skipped > 0 => self.tell(Damage { offset, bytes: 0, changes: Some(skipped) }),
            None => {}
        }
    }

    /// Tells of the place that was unclear.
    fn settle(&mut self, changes: Option<u64>) {
        if let Some(damage) = self.unclear.take() {
            self.tell(Damage { changes, ..damage });
        }
    }

    fn tell(&mut self, damage: Damage) {
        self.found.places += 1;
        self.found.changes = self.found.changes.saturating_add(damage.changes.unwrap_or(0));
        if self.restored.recovery.damage.len() < TOLD {
            self.restored.recovery.damage.push(damage);
        }
    }

    /// At the file's end: it may be shorter than it once was.
    fn finish(mut self, end: u64, header: &Header) -> Restored {
        let missing = header.entries.saturating_sub(self.restored.next);
        if end < header.held && self.unclear.is_none() {
            self.tell(Damage { offset: end, bytes: header.held - end, changes: Some(missing) });
        }
        self.settle((end <= header.held).then_some(missing));
        let Restored { books, recovery, .. } = &mut self.restored;
        books.lost.places = books.lost.places.saturating_add(self.found.places);
        books.lost.changes = books.lost.changes.saturating_add(self.found.changes);
        books.recount();
        recovery.devices = books.table.len();
        recovery.lost = books.lost;
        self.restored
    }
}
