//! One part of the table: open addressing whose rows lie in the order of their keys.
//!
//! A key's home grows with the key, so rows sorted by key are also as near to their homes as they can be: a search ends
//! at the first greater key, and growing is one pass in place. Slots lie in segments of one size, which are never given
//! back: a heap cannot come apart over them.

use super::row::Row;
use crate::fingerprint::Key;
use crate::state::{BlockId, Device};

/// Slots of a segment: 12 KiB.
const SEGMENT: usize = 512;
/// Slots at the end that are nobody's home, for rows that the last homes have no room for; more where they do not suffice.
const BEYOND: usize = 32;

#[derive(Default)]
pub(super) struct Shard {
    segments: Vec<Box<[Row; SEGMENT]>>,
    /// Slots that are somebody's home: the first ones.
    homes: usize,
    len: usize,
}

impl Shard {
    pub(super) fn with_room(devices: usize) -> Self {
        let mut shard = Self::default();
        while devices > 0 && shard.is_crowded_by(devices) {
            shard.add_segment();
            shard.homes = shard.slots() - BEYOND;
        }
        shard
    }

    /// Where a key is, or where it would belong.
    pub(super) fn find(&self, key: &Key) -> (usize, Option<Device>) {
        let mut slot = self.home(key);
        while let Some(row) = self.row(slot)
            && !row.is_vacant()
            && row.key <= *key
        {
            if row.key == *key {
                return (slot, row.device());
            }
            slot += 1;
        }
        (slot, None)
    }

    pub(super) fn replace(&mut self, slot: usize, device: Device) {
        if let Some(row) = self.row_mut(slot) {
            *row = Row::new(row.key, &device);
        }
    }

    /// Adds a key that is not there.
    pub(super) fn insert(&mut self, key: Key, device: Device) {
        if self.is_crowded_by(self.len + 1) {
            self.grow();
        }
        let mut moving = Row::new(key, &device);
        let (mut slot, _) = self.find(&key);
        while !moving.is_vacant() {
            if let Some(row) = self.row_mut(slot) {
                std::mem::swap(row, &mut moving);
                slot += 1;
            } else {
                // Pushed over the end: only the last row is out of place, and all others stand as they should.
                self.grow();
                (slot, _) = self.find(&moving.key);
            }
        }
        self.len += 1;
    }

    /// Takes a row out, and those after it back towards their homes.
    pub(super) fn remove(&mut self, slot: usize) {
        let mut hole = slot;
        while let Some(next) = self.row(hole + 1).copied()
            && !next.is_vacant()
            && self.home(&next.key) <= hole
        {
            self.set(hole, next);
            hole += 1;
        }
        self.set(hole, Row::VACANT);
        self.len -= 1;
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (Key, Device)> {
        let rows = self.segments.iter().flat_map(|segment| segment.iter());
        rows.filter_map(|row| row.device().map(|device| (row.key, device)))
    }

    /// The devices of these blocks were not met since a listing began.
    pub(super) fn unlist(&mut self, of: impl Fn(BlockId) -> bool) {
        let rows = self.segments.iter_mut().flat_map(|segment| segment.iter_mut());
        rows.filter(|row| !row.is_vacant() && of(row.block())).for_each(Row::unlist);
    }

    fn row(&self, slot: usize) -> Option<&Row> {
        self.segments.get(slot / SEGMENT)?.get(slot % SEGMENT)
    }

    fn row_mut(&mut self, slot: usize) -> Option<&mut Row> {
        self.segments.get_mut(slot / SEGMENT)?.get_mut(slot % SEGMENT)
    }

    fn set(&mut self, slot: usize, row: Row) {
        if let Some(there) = self.row_mut(slot) {
            *there = row;
        }
    }

    fn take(&mut self, slot: usize) -> Row {
        self.row_mut(slot).map_or(Row::VACANT, |row| std::mem::replace(row, Row::VACANT))
    }

    fn slots(&self) -> usize {
        self.segments.len() * SEGMENT
    }

    fn home(&self, key: &Key) -> usize {
        let [first, ..] = key;
        let home = (u64::from(*first) * self.homes as u64) >> u32::BITS;
        home as usize
    }

    /// Whether more than five of six homes would be taken.
    fn is_crowded_by(&self, devices: usize) -> bool {
        devices * 6 > self.homes * 5
    }

    fn add_segment(&mut self) {
        self.segments.push(Box::new([Row::VACANT; SEGMENT]));
    }

    /// Grows by a sixteenth: a table that has just grown is still three quarters full.
    fn grow(&mut self) {
        let old = self.slots();
        for _ in 0..(self.segments.len() / 16).max(1) {
            self.add_segment();
        }
        self.homes = self.slots() - BEYOND;
        while !self.fits(old) {
            self.add_segment();
        }
        self.push_to_the_end(old);
        self.spread();
    }

    /// Whether all rows, in the first `used` slots, and one more have room from their new homes on.
    fn fits(&self, used: usize) -> bool {
        let rows = (0..used).filter_map(|slot| self.row(slot)).filter(|row| !row.is_vacant());
        rows.fold(0, |free, row| self.home(&row.key).max(free) + 1) < self.slots()
    }

    fn push_to_the_end(&mut self, used: usize) {
        let mut free = self.slots();
        for slot in (0..used).rev() {
            let row = self.take(slot);
            if !row.is_vacant() {
                free -= 1;
                self.set(free, row);
            }
        }
    }

    /// Puts each row, of which all stand at the end, at its home or behind the one before. No row lands behind where it
    /// stands, because all behind it fit.
    fn spread(&mut self) {
        let mut free = 0;
        for slot in self.slots() - self.len..self.slots() {
            let row = self.take(slot);
            let to = self.home(&row.key).max(free);
            self.set(to, row);
            free = to + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::minutes::Minutes;
    use crate::state::{Seen, TriedId};

    fn device(number: u16) -> Device {
        Device::after(None, BlockId(number), Seen::Affected, TriedId::default(), Minutes::UNKNOWN).unwrap()
    }

    /// Keys that crowd: at the first homes, at the last, in one place, and anywhere.
    fn key() -> impl Strategy<Value = Key> {
        let first = prop_oneof![
            2 => 0..40_000_000u32,
            2 => u32::MAX - 40_000_000..=u32::MAX,
            2 => 2_000_000_000..2_020_000_000u32,
            1 => Just(u32::MAX),
            3 => any::<u32>(),
        ];
        (first, 0..4u32, 0..4u32).prop_map(|(a, b, c)| [a, b, c])
    }

    /// Rows lie in order, none before its home, and none behind a vacant slot that it could have had.
    fn check_order(shard: &Shard) {
        let mut free = 0;
        let mut last = None;
        for slot in 0..shard.slots() {
            let row = shard.row(slot).unwrap();
            if row.is_vacant() {
                free = slot + 1;
                continue;
            }
            assert!(last < Some(row.key), "{slot}");
            let home = shard.home(&row.key);
            assert!((free..=slot).contains(&home), "{slot}: home {home}, free {free}");
            last = Some(row.key);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_map(
            room in 0..300usize,
            calls in proptest::collection::vec((key(), 0..8u8), 1..1_500),
        ) {
            let mut shard = Shard::with_room(room);
            let mut model: BTreeMap<Key, Device> = BTreeMap::new();
            for (number, (key, kind)) in calls.into_iter().enumerate() {
                // Known keys as often as new ones.
                let known = model.range(key..).next().filter(|_| kind < 4);
                let key = known.map_or(key, |(known, _)| *known);
                let device = device(number as u16);
                let (slot, found) = shard.find(&key);
                prop_assert_eq!(found, model.get(&key).copied());
                match (found, kind) {
                    (Some(_), 0 | 1) => {
                        shard.remove(slot);
                        model.remove(&key);
                    }
                    (Some(_), _) => {
                        shard.replace(slot, device);
                        model.insert(key, device);
                    }
                    (None, _) => {
                        shard.insert(key, device);
                        model.insert(key, device);
                    }
                }
                prop_assert_eq!(shard.len, model.len());
            }
            check_order(&shard);
            prop_assert!(shard.rows().eq(model.clone()));
            for (key, device) in model {
                prop_assert_eq!(shard.find(&key).1, Some(device));
            }
        }
    }

    #[test]
    fn no_crowd_at_the_end_is_too_much() {
        let mut shard = Shard::default();
        let keys: Vec<Key> = (0..900).map(|number| [u32::MAX - number / 300, number, 0]).collect();
        keys.iter().for_each(|key| shard.insert(*key, device(7)));
        check_order(&shard);
        assert!(keys.iter().all(|key| shard.find(key).1.is_some()));
        for key in &keys {
            let (slot, _) = shard.find(key);
            shard.remove(slot);
        }
        assert_eq!((shard.len, shard.rows().count()), (0, 0));
    }

    #[test]
    fn it_takes_what_it_has_room_for_without_growing_and_stays_full() {
        let mut shard = Shard::with_room(20_000);
        let slots = shard.slots();
        for number in 0..60_000u32 {
            if number == 20_000 {
                assert_eq!(shard.slots(), slots);
            }
            shard.insert([number.wrapping_mul(0x9e37_79b9), number, 0], device(0));
            let most = (number as usize + 1) * 4 / 3 + SEGMENT;
            assert!(number < 20_000 || shard.slots() <= most, "{number} in {}", shard.slots());
        }
        check_order(&shard);
    }
}
