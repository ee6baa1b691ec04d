//! What is given out: how many devices of a block are how.

use crate::minutes::Minutes;
use crate::state::{ApproachId, Condition, Device};

/// Devices of one block, counted. `known` = `well` + `affected` + `unknown` + `gone`; `ever_affected` = all of `restored` +
/// `affected` + `missing` + those that went while they were affected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Devices that the ledger holds.
    pub known: u64,
    /// Of these: last seen working.
    pub well: u64,
    /// Last seen not working.
    pub affected: u64,
    /// There, and neither can be said.
    pub unknown: u64,
    /// Of the unknown: those that were affected when something could last be said. What remains affected lies between
    /// `affected` and `affected + missing`.
    pub missing: u64,
    /// There no more. Only those that were affected once, or tried on: others are forgotten when they go.
    pub gone: u64,
    /// Affected now or once, wherever they are.
    pub ever_affected: u64,
    /// Of these: affected again after they were well.
    pub relapsed: u64,
    /// How often a device was affected after it was well, all together.
    pub episodes: u64,
    /// Devices whose last episode is over, by the approach that ended it; by none where nobody knows. Such a device stays
    /// here while it is out of sight and when it is gone, until it is affected again.
    pub restored: Tally,
    /// How long the last episode of these took, where that is known.
    pub took: Spans,
    /// Devices that an approach was ever attempted on, each once an approach. Falls only when a device moves to another
    /// block.
    pub attempted: Tally,
    /// Of those that are there and were not seen well since: by the attempt that stands.
    pub standing: Tally,
}

impl Sums {
    /// Adds a device (`sign` 1) or takes it out (`sign` -1).
    pub(crate) fn count(&mut self, device: &Device, tried: &[ApproachId], sign: i64) {
        let add = |sum: &mut u64, holds: bool| *sum = sum.wrapping_add_signed(sign * i64::from(holds));
        add(&mut self.known, true);
        add(self.of_condition(device.status.condition()), true);
        let was_affected = device.episodes.number() > 0;
        let open = device.status.is_open();
        add(&mut self.missing, open && device.status.condition() == Condition::Unknown);
        add(&mut self.ever_affected, was_affected);
        add(&mut self.relapsed, device.episodes.number() > 1);
        self.episodes = self.episodes.wrapping_add_signed(sign * i64::from(device.episodes.number()));
        if was_affected && !open {
            self.restored.count(device.restored, sign);
            if device.time != Minutes::UNKNOWN {
                self.took.0.count((device.restored, device.time.rounded()), sign);
            }
        }
        for approach in tried {
            self.attempted.count(Some(*approach), sign);
        }
        if device.standing.is_some() && device.status.condition() != Condition::Gone {
            self.standing.count(device.standing, sign);
        }
    }

    fn of_condition(&mut self, condition: Condition) -> &mut u64 {
        match condition {
            Condition::Well => &mut self.well,
            Condition::Affected => &mut self.affected,
            Condition::Unknown => &mut self.unknown,
            Condition::Gone => &mut self.gone,
        }
    }
}

/// Devices by approach, in the order in which the ledger came to know the approaches; first those of none. No entry is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(Counts<Option<ApproachId>>);

impl Tally {
    /// The devices of one approach, or of none.
    #[must_use]
    pub fn of(&self, approach: Option<ApproachId>) -> u64 {
        self.iter().find_map(|(of, devices)| (of == approach).then_some(devices)).unwrap_or(0)
    }

    /// Each approach with its devices.
    pub fn iter(&self) -> impl Iterator<Item = (Option<ApproachId>, u64)> {
        self.0.iter()
    }

    /// Those of all entries together. Of `restored`, that is a number of devices; of `attempted` it is one of devices and
    /// approaches.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, devices)| devices).sum()
    }

    fn count(&mut self, approach: Option<ApproachId>, sign: i64) {
        self.0.count(approach, sign);
    }
}

/// Devices by how long their last episode took, by the approach that ended it: in minutes, of which a begun one counts as
/// whole, rounded up by less than a sixteenth. Kept as devices are noted, so that quantiles are there without a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Counts<(Option<ApproachId>, u32)>);

impl Spans {
    /// The minutes that it took where an approach, or none, ended it, ascending, each with its devices.
    pub fn of(&self, approach: Option<ApproachId>) -> impl Iterator<Item = (u32, u64)> {
        self.iter().filter_map(move |(by, minutes, devices)| (by == approach).then_some((minutes, devices)))
    }

    /// Approach, minutes and devices.
    pub fn iter(&self) -> impl Iterator<Item = (Option<ApproachId>, u32, u64)> {
        self.0.iter().map(|((by, minutes), devices)| (by, minutes, devices))
    }
}

/// Devices by a key, ascending; no count is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counts<K>(Vec<(K, u64)>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord> Counts<K> {
    fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        self.0.iter().copied()
    }

    fn count(&mut self, key: K, sign: i64) {
        match self.0.binary_search_by_key(&key, |(of, _)| *of) {
            Ok(at) => self.change(at, sign),
            Err(at) => self.0.insert(at, (key, 0u64.wrapping_add_signed(sign))),
        }
    }

    fn change(&mut self, at: usize, sign: i64) {
        let Some((_, devices)) = self.0.get_mut(at) else { return };
        *devices = devices.wrapping_add_signed(sign);
        if *devices == 0 {
            self.0.remove(at);
        }
    }
}
