//! What is known of one device, and how a sighting changes it: the table in the crate's documentation, as code.

use std::num::NonZeroU8;

use crate::minutes::Minutes;

/// A block of devices by its number in this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub(crate) u16);

/// An approach to repair by its number in this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApproachId(pub(crate) NonZeroU8);

/// What was seen of a device, or done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It works. This ends its episode, by the approach that was attempted last since it was last seen well.
    Well,
    /// It does not work. After it was well or restored, this begins an episode.
    Affected,
    /// It is there, and nothing can be said of how it does.
    Unknown,
    /// It works again, and somebody says by what. A sighting as good as [`Seen::Well`]: an old report of a repair, of a
    /// device that is not seen well now, is [`Seen::Attempted`].
    Restored {
        /// The approach that did it; none: the one attempted last, if any.
        by: Option<ApproachId>,
    },
    /// It is there no more.
    Gone,
    /// An approach was carried out on it. That says nothing of whether it works.
    Attempted {
        /// The approach.
        by: ApproachId,
    },
    /// Whatever it was, it counts no more: as if it had never been seen.
    Forgotten,
}

/// What is kept of one device, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// The block that it is in.
    pub block: BlockId,
    /// How it was last seen.
    pub condition: Condition,
    /// Whether it was not seen well since it was affected.
    pub open: bool,
    /// Whether it is or was affected.
    pub ever_affected: bool,
    /// The attempt that stands: the last one since it was last seen well.
    pub standing: Option<ApproachId>,
    /// The approaches that were ever attempted on it, in their order.
    pub tried: &'a [ApproachId],
}

/// How a device was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Working.
    Well,
    /// Not working.
    Affected,
    /// Neither can be said.
    Unknown,
    /// Not there any more.
    Gone,
}

/// What a sighting changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// How the device was last seen before; none if it was not known.
    pub before: Option<Condition>,
    /// How it is seen now; none if it is forgotten.
    pub after: Option<Condition>,
    /// Whether an episode began with it that is not the device's first.
    pub relapsed: bool,
}

impl Change {
    pub(crate) fn between(before: Option<&Device>, after: Option<&Device>) -> Self {
        let episodes = |device: Option<&Device>| device.map_or(0, |device| device.episodes.number());
        let condition = |device: &Device| device.status.condition();
        Self {
            before: before.map(condition),
            after: after.map(condition),
            relapsed: episodes(after) > episodes(before).max(1),
        }
    }
}

/// [`Condition`], and whether an episode is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Well = 1,
    Affected,
    Unknown,
    /// Out of sight since it was affected.
    Missing,
    Gone,
    /// Gone since it was affected.
    GoneAffected,
}

impl Status {
    pub(crate) const ALL: [Self; 6] =
        [Self::Well, Self::Affected, Self::Unknown, Self::Missing, Self::Gone, Self::GoneAffected];

    /// The status of a number; none if it is none's.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub(crate) fn condition(self) -> Condition {
        match self {
            Self::Well => Condition::Well,
            Self::Affected => Condition::Affected,
            Self::Unknown | Self::Missing => Condition::Unknown,
            Self::Gone | Self::GoneAffected => Condition::Gone,
        }
    }

    /// Whether the device was not seen well since it was affected.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Affected | Self::Missing | Self::GoneAffected)
    }
}

/// The number of a set of approaches; 20 bits, so that a row of the table has 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TriedId(u32);

impl TriedId {
    pub(crate) const BITS: u32 = 20;
    /// The number of numbers.
    pub(crate) const COUNT: usize = 1 << Self::BITS;

    pub(crate) fn new(number: u32) -> Option<Self> {
        (number >> Self::BITS == 0).then_some(Self(number))
    }

    pub(crate) fn of_low_bits(word: u32) -> Self {
        Self(word & ((1 << Self::BITS) - 1))
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// How often; it stays at its greatest value. 12 bits, for the same reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Episodes(u32);

impl Episodes {
    pub(crate) const BITS: u32 = 12;
    pub(crate) const MAX: u32 = (1 << Self::BITS) - 1;

    pub(crate) fn new(number: u32) -> Self {
        Self(number.min(Self::MAX))
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// All that is kept of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// How often it was affected after it was well.
    pub episodes: Episodes,
    /// Whether it was met since the last listing of its block began. In memory only.
    pub listed: bool,
    pub block: BlockId,
    /// The approaches that were ever attempted on it.
    pub tried: TriedId,
    /// The approach attempted last since it was last seen well: what gets the credit if it is seen well next.
    pub standing: Option<ApproachId>,
    /// What ended its last episode, where that is known and the episode is over.
    pub restored: Option<ApproachId>,
    /// When its episode began while that is open; then how long it took, until another begins.
    pub time: Minutes,
    pub status: Status,
}

impl Device {
    /// The device after a sighting; none if nothing of it needs to be kept. `tried` counts what the sighting attempts.
    pub(crate) fn after(before: Option<Self>, block: BlockId, seen: Seen, tried: TriedId, at: Minutes) -> Option<Self> {
        let unheard = Self {
            episodes: Episodes::default(),
            listed: true,
            block,
            tried,
            standing: None,
            restored: None,
            time: Minutes::UNKNOWN,
            status: Status::Unknown,
        };
        let mut device = Self { block, tried, listed: true, ..before.unwrap_or(unheard) };
        match seen {
            Seen::Well => device.see_well(None, at),
            Seen::Affected => device.see_affected(at),
            Seen::Unknown => device.status = if device.status.is_open() { Status::Missing } else { Status::Unknown },
            Seen::Restored { by } => device.see_restored(by, at),
            Seen::Gone => device.status = if device.status.is_open() { Status::GoneAffected } else { Status::Gone },
            // On a device that was last seen well an attempt has nothing to restore.
            Seen::Attempted { by } if device.status != Status::Well => device.standing = Some(by),
            Seen::Attempted { .. } => {}
            Seen::Forgotten => return None,
        }
        device.has_a_part_in_a_sum().then_some(device)
    }

    fn see_well(&mut self, by: Option<ApproachId>, at: Minutes) {
        if self.status.is_open() {
            self.restored = by.or(self.standing);
            self.time = self.time.until(at);
        }
        self.standing = None;
        self.status = Status::Well;
    }

    fn see_affected(&mut self, at: Minutes) {
        if !self.status.is_open() {
            self.episodes = Episodes::new(self.episodes.number() + 1);
            self.restored = None;
            self.time = at;
        }
        self.status = Status::Affected;
    }

    /// Who was never seen affected and is restored was affected unseen, nobody knows for how long. Who is restored already
    /// gets another's credit only if that is told expressly.
    fn see_restored(&mut self, by: Option<ApproachId>, at: Minutes) {
        if self.episodes == Episodes::default() {
            self.see_affected(Minutes::UNKNOWN);
        }
        if !self.status.is_open() {
            self.restored = by.or(self.restored);
        }
        self.see_well(by, at);
    }

    /// A device that came and went, and was never affected nor tried on, is forgotten: fleets that renew themselves every
    /// day would fill the memory with it.
    fn has_a_part_in_a_sum(&self) -> bool {
        self.status != Status::Gone || self.episodes != Episodes::default() || self.tried != TriedId::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Option<ApproachId> = Some(ApproachId(NonZeroU8::new(1).unwrap()));
    const B: Option<ApproachId> = Some(ApproachId(NonZeroU8::new(2).unwrap()));
    /// When each sighting is made.
    const NOW: i64 = 1_721_361_600;

    /// So many minutes before.
    fn before(minutes: i64) -> Minutes {
        Minutes::at(NOW - 60 * minutes)
    }

    /// The table of the crate's documentation: what it was, and what each sighting makes of it.
    fn table() -> Vec<(&'static str, Vec<&'static str>)> {
        let lines = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"));
        let rows = lines.map(|line| line.split(" | ").collect::<Vec<_>>());
        rows.map(|row| (row[0], row[1..].to_vec())).collect()
    }

    fn device(row: &str, standing: Option<ApproachId>, tried: TriedId) -> Option<Device> {
        let (status, episodes) = match row {
            "never" => return None,
            "well" => (Status::Well, 0),
            "restored" => (Status::Well, 3),
            "affected" => (Status::Affected, 3),
            "unknown" => (Status::Unknown, 0),
            "unknown restored" => (Status::Unknown, 3),
            "missing" => (Status::Missing, 3),
            "gone" => (Status::Gone, 0),
            "gone restored" => (Status::Gone, 3),
            "gone affected" => (Status::GoneAffected, 3),
            row => panic!("{row} is no state"),
        };
        let episodes = Episodes::new(episodes);
        let standing = standing.filter(|_| status != Status::Well);
        let restored = B.filter(|_| row.contains("restored"));
        let time = match row {
            _ if status.is_open() => before(90),
            _ if episodes == Episodes::default() => Minutes::UNKNOWN,
            _ => Minutes::new(17).unwrap(),
        };
        Some(Device { episodes, listed: true, block: BlockId(0), tried, standing, restored, time, status })
    }

    fn seen(column: &str, by: Option<ApproachId>) -> Seen {
        match column {
            "Well" => Seen::Well,
            "Affected" => Seen::Affected,
            "Unknown" => Seen::Unknown,
            "Restored" => Seen::Restored { by },
            "Gone" => Seen::Gone,
            "Attempted" => Seen::Attempted { by: by.or(A).unwrap() },
            column => panic!("{column} is no sighting"),
        }
    }

    /// What a cell of the table says of a device that was `earlier`.
    fn expected(
        cell: &str,
        column: &str,
        earlier: Option<Device>,
        tried: TriedId,
        by: Option<ApproachId>,
    ) -> Option<Device> {
        let marks = [" *", " by", " +"].map(|mark| cell.contains(mark));
        let [begins, ends, stands] = marks;
        let state = [" *", " by", " +"].iter().fold(cell.to_owned(), |cell, mark| cell.replace(mark, ""));
        let standing = earlier.and_then(|device| device.standing);
        let standing = if stands { by.or(A) } else { standing };
        let mut device = device(&state, standing, tried)?;
        let episodes = earlier.map_or(0, |device| device.episodes.number());
        device.episodes = Episodes::new(episodes + u32::from(begins));
        let named = if column == "Restored" { by } else { None };
        let over = earlier.is_some_and(|device| !device.status.is_open()) && episodes > 0;
        let kept = earlier.and_then(|device| device.restored);
        device.restored = match (begins, ends) {
            (true, false) => None,
            (false, true) if over => named.or(kept),
            (_, true) => named.or(earlier.and_then(|device| device.standing)),
            (false, false) => kept,
        };
        device.time = match (begins, ends) {
            (true, false) => before(0),
            // It was affected unseen.
            (true, true) => Minutes::UNKNOWN,
            (false, true) if !over => Minutes::new(90).unwrap(),
            _ => earlier.map_or(Minutes::UNKNOWN, |device| device.time),
        };
        let forgotten = device.status == Status::Gone && episodes == 0 && tried == TriedId::default();
        (!forgotten).then_some(device)
    }

    #[test]
    fn each_cell_of_the_table_is_what_happens() {
        let table = table();
        let (head, rows) = table.split_first().unwrap();
        assert_eq!((head.0, head.1.len(), rows.len()), ("last", 6, 10));
        let mut cells = 0;
        for (row, results) in rows {
            for (column, cell) in head.1.iter().zip(results) {
                for (standing, by) in [(None, None), (None, A), (A, None), (A, B)] {
                    for tried in [0, 5].map(|number| TriedId::new(number).unwrap()) {
                        let attempted = tried != TriedId::default();
                        if (*column == "Attempted" && !attempted)
                            || (*column != "Attempted" && *row == "never" && attempted)
                        {
                            continue;
                        }
                        let earlier = device(row, standing, tried);
                        let after = Device::after(earlier, BlockId(0), seen(column, by), tried, before(0));
                        assert_eq!(after, expected(cell, column, earlier, tried, by), "{row} x {column} = {cell}");
                        let again = Device::after(after, BlockId(0), seen(column, by), tried, before(-7));
                        assert_eq!(again, after, "{row} x {column}, twice");
                        let forgotten = Device::after(earlier, BlockId(0), Seen::Forgotten, tried, before(0));
                        assert_eq!(forgotten, None);
                        cells += 1;
                    }
                }
            }
        }
        assert_eq!(cells, 4 * (10 * 6 * 2 - 10 - 5));
    }

    #[test]
    fn a_sighting_elsewhere_takes_the_device_there_with_all_that_it_was() {
        let there = device("unknown restored", A, TriedId::new(3).unwrap()).unwrap();
        let after = Device::after(Some(there), BlockId(7), Seen::Unknown, there.tried, before(0));
        assert_eq!(after, Some(Device { block: BlockId(7), ..there }));
    }

    #[test]
    fn episodes_stay_at_their_greatest_number() {
        let mut device = device("restored", None, TriedId::default()).unwrap();
        device.episodes = Episodes::new(Episodes::MAX);
        device.see_affected(before(0));
        assert_eq!((device.episodes.number(), device.status), (Episodes::MAX, Status::Affected));
    }
}
