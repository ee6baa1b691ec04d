//! A row of the table: a key, and a device in three words.

use std::num::NonZeroU8;

use crate::fingerprint::Key;
use crate::minutes::Minutes;
use crate::state::{ApproachId, BlockId, Device, Episodes, Status, TriedId};

/// Of the second word: the status, which no vacant row has, and whether the device was met.
const STATUS: u32 = 0x07;
const LISTED: u32 = 0x08;
/// Where the minutes begin there.
const MINUTES: u32 = 8;
/// Where the episodes begin in the third word, behind the number of the set of approaches.
const EPISODES: u32 = TriedId::BITS;

#[derive(Clone, Copy)]
pub(super) struct Row {
    pub key: Key,
    words: [u32; 3],
}

// 8.5 million rows fit in 300 MB because a row has 24 bytes.
const _: () = assert!(size_of::<Row>() == 24);
const _: () = assert!(TriedId::BITS + Episodes::BITS == u32::BITS);

impl Row {
    pub(super) const VACANT: Self = Self { key: [0; 3], words: [0; 3] };

    pub(super) fn new(key: Key, device: &Device) -> Self {
        let code = |approach: Option<ApproachId>| approach.map_or(0, |approach| approach.0.get());
        let [low, high] = device.block.0.to_le_bytes();
        let first = u32::from_le_bytes([low, high, code(device.standing), code(device.restored)]);
        let listed = if device.listed { LISTED } else { 0 };
        let second = device.status as u32 | listed | device.time.number() << MINUTES;
        let third = device.tried.number() | device.episodes.number() << EPISODES;
        Self { key, words: [first, second, third] }
    }

    pub(super) fn is_vacant(&self) -> bool {
        let [_, second, _] = self.words;
        second & STATUS == 0
    }

    /// None if the row is vacant.
    pub(super) fn device(&self) -> Option<Device> {
        let [first, second, third] = self.words;
        let status = Status::of((second & STATUS) as u8)?;
        let [low, high, standing, restored] = first.to_le_bytes();
        Some(Device {
            episodes: Episodes::new(third >> EPISODES),
            listed: second & LISTED != 0,
            block: BlockId(u16::from_le_bytes([low, high])),
            tried: TriedId::of_low_bits(third),
            standing: NonZeroU8::new(standing).map(ApproachId),
            restored: NonZeroU8::new(restored).map(ApproachId),
            time: Minutes::new(second >> MINUTES).unwrap_or_default(),
            status,
        })
    }

    /// The block of its device.
    pub(super) fn block(&self) -> BlockId {
        let [first, _, _] = self.words;
        let [low, high, _, _] = first.to_le_bytes();
        BlockId(u16::from_le_bytes([low, high]))
    }

    /// The device was not met since a listing began.
    pub(super) fn unlist(&mut self) {
        let [_, second, _] = &mut self.words;
        *second &= !LISTED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_unpacked_as_it_was_packed_at_every_bound() {
        let approaches = [None, NonZeroU8::new(1).map(ApproachId), NonZeroU8::new(255).map(ApproachId)];
        let mut devices = 0;
        for status in Status::ALL {
            for (standing, restored) in approaches.into_iter().flat_map(|by| approaches.map(|other| (by, other))) {
                for most in [false, true] {
                    let device = Device {
                        episodes: Episodes::new(if most { Episodes::MAX } else { 0 }),
                        listed: most,
                        block: BlockId(if most { 0 } else { u16::MAX }),
                        tried: TriedId::new(if most { TriedId::COUNT as u32 - 1 } else { 0 }).unwrap(),
                        standing,
                        restored,
                        time: Minutes::new(if most { Minutes::MAX } else { 0 }).unwrap(),
                        status,
                    };
                    let mut row = Row::new([1, 2, 3], &device);
                    assert_eq!((row.device(), row.block(), row.is_vacant()), (Some(device), device.block, false));
                    row.unlist();
                    assert_eq!(row.device(), Some(Device { listed: false, ..device }));
                    devices += 1;
                }
            }
        }
        assert_eq!(devices, 6 * 9 * 2);
        assert!(Row::VACANT.is_vacant() && Row::VACANT.device().is_none());
    }
}
