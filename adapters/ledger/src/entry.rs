//! Everything that a ledger's file can say, and how it is spelled. What a device is, is said whole each time: an entry
//! that is read twice, or after a later one of another device, does no harm.

use std::num::NonZeroU8;

use crate::fingerprint::Fingerprint;
use crate::minutes::Minutes;
use crate::state::{ApproachId, BlockId, Device, Episodes, Status, TriedId};

/// One statement of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A block has a number.
    Block(BlockId, &'a str),
    /// An approach has a number.
    Approach(ApproachId, &'a str),
    /// What is known of a device, and which approaches it was tried with, ascending. The device's own number of that set
    /// is of one run only and not written.
    Device(Fingerprint, Device, &'a [u8]),
    /// Nothing is known of a device any more.
    Forgotten(Fingerprint),
    /// What was lost by damage before this file was written.
    Lost(Lost),
}

/// What damage of the file has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Damaged places that were found.
    pub places: u64,
    /// Changes that were in them, as far as they could be counted.
    pub changes: u64,
}

// A device's first byte is this and its status.
const DEVICE: u8 = 0x50;
const BLOCK: u8 = 1;
const APPROACH: u8 = 2;
const FORGOTTEN: u8 = 3;
const LOST: u8 = 4;

impl<'a> Entry<'a> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Block(block, name) => {
                out.push(BLOCK);
                out.extend(block.0.to_le_bytes());
                write_bytes(name.as_bytes(), out);
            }
            Self::Approach(approach, name) => {
                out.extend([APPROACH, approach.0.get()]);
                write_bytes(name.as_bytes(), out);
            }
            Self::Device(print, device, tried) => write_device(*print, device, tried, out),
            Self::Forgotten(print) => {
                out.push(FORGOTTEN);
                out.extend(print.to_bytes());
            }
            Self::Lost(lost) => {
                out.push(LOST);
                write_number(lost.places, out);
                write_number(lost.changes, out);
            }
        }
    }

    /// Takes the next entry from the front; none if what stands there is no entry.
    pub(crate) fn read(from: &mut &'a [u8]) -> Option<Self> {
        let [kind] = *take::<1>(from)?;
        Some(match kind {
            BLOCK => Self::Block(BlockId(u16::from_le_bytes(*take(from)?)), read_text(from)?),
            APPROACH => Self::Approach(read_approach(from)??, read_text(from)?),
            FORGOTTEN => Self::Forgotten(Fingerprint::from_bytes(take(from)?)?),
            LOST => Self::Lost(Lost { places: read_number(from)?, changes: read_number(from)? }),
            kind => {
                let status = Status::of(kind.checked_sub(DEVICE)?)?;
                Self::Device(Fingerprint::from_bytes(take(from)?)?, read_device(status, from)?, read_set(from)?)
            }
        })
    }
}

fn write_device(print: Fingerprint, device: &Device, tried: &[u8], out: &mut Vec<u8>) {
    let code = |approach: Option<ApproachId>| approach.map_or(0, |approach| approach.0.get());
    out.push(DEVICE + device.status as u8);
    out.extend_from_slice(&print.to_bytes());
    out.extend_from_slice(&device.block.0.to_le_bytes());
    out.extend_from_slice(&[code(device.standing), code(device.restored)]);
    write_number(device.time.number().into(), out);
    write_number(device.episodes.number().into(), out);
    write_bytes(tried, out);
}

fn read_device(status: Status, from: &mut &[u8]) -> Option<Device> {
    Some(Device {
        status,
        block: BlockId(u16::from_le_bytes(*take(from)?)),
        standing: read_approach(from)?,
        restored: read_approach(from)?,
        time: Minutes::new(read_number(from)?.try_into().ok()?)?,
        episodes: read_episodes(from)?,
        listed: false,
        tried: TriedId::default(),
    })
}

/// An approach, or none.
fn read_approach(from: &mut &[u8]) -> Option<Option<ApproachId>> {
    let [code] = *take::<1>(from)?;
    Some(NonZeroU8::new(code).map(ApproachId))
}

fn read_episodes(from: &mut &[u8]) -> Option<Episodes> {
    let number = read_number(from)?.try_into().ok()?;
    (number <= Episodes::MAX).then(|| Episodes::new(number))
}

fn read_set<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let set = read_bytes(from)?;
    let ascends = set.is_sorted_by(|a, b| a < b) && set.first() != Some(&0);
    ascends.then_some(set)
}

fn read_text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(read_bytes(from)?).ok()
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_number(bytes.len() as u64, out);
    out.extend(bytes);
}

fn read_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read_number(from)?.try_into().ok()?;
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(bytes)
}

fn take<'a, const N: usize>(from: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(bytes)
}

/// Seven bits a byte, the low ones first; the eighth says that more follow.
fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn read_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = *take::<1>(from)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::SHARDS;

    fn approach() -> impl Strategy<Value = ApproachId> {
        any::<NonZeroU8>().prop_map(ApproachId)
    }

    fn print() -> impl Strategy<Value = Fingerprint> {
        (0..SHARDS, any::<[u32; 3]>()).prop_map(|(shard, key)| Fingerprint { shard, key })
    }

    fn device() -> impl Strategy<Value = Device> {
        let approaches = (proptest::option::of(approach()), proptest::option::of(approach()));
        let numbers = (0..=Episodes::MAX, 0..=Minutes::MAX, any::<u16>());
        (numbers, approaches, proptest::sample::select(&Status::ALL[..])).prop_map(
            |((episodes, minutes, block), (standing, restored), status)| Device {
                episodes: Episodes::new(episodes),
                listed: false,
                block: BlockId(block),
                tried: TriedId::default(),
                standing,
                restored,
                time: Minutes::new(minutes).unwrap(),
                status,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            order in proptest::collection::vec(0..5usize, 1..9),
            name in ".{0,200}",
            (block, approach) in (any::<u16>(), approach()),
            (print, device) in (print(), device()),
            tried in proptest::collection::btree_set(1..=255u8, 0..255),
            (places, changes) in any::<(u64, u64)>(),
        ) {
            let tried: Vec<u8> = tried.into_iter().collect();
            let kinds = [
                Entry::Block(BlockId(block), &name),
                Entry::Approach(approach, &name),
                Entry::Device(print, device, &tried),
                Entry::Forgotten(print),
                Entry::Lost(Lost { places, changes }),
            ];
            let entries: Vec<Entry> = order.into_iter().map(|kind| kinds[kind]).collect();
            let mut bytes = Vec::new();
            entries.iter().for_each(|entry| entry.write(&mut bytes));
            let mut rest = bytes.as_slice();
            let read: Vec<Entry> = std::iter::from_fn(|| Entry::read(&mut rest)).collect();
            prop_assert_eq!(read, entries);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_make_a_reader_fail_or_run_on(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut rest = bytes.as_slice();
            let read = std::iter::from_fn(|| Entry::read(&mut rest)).count();
            prop_assert!(read <= bytes.len());
        }
    }
}
