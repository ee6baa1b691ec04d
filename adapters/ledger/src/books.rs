//! All that a ledger holds in memory: names, devices and sums. Pure: a sighting is weighed first, which changes nothing,
//! and settled once it is written down.

use std::num::NonZeroU8;

use crate::entry::{Entry, Lost};
use crate::error::LedgerError;
use crate::fingerprint::Fingerprint;
use crate::minutes::Minutes;
use crate::names::{Names, TriedSets};
use crate::state::{ApproachId, BlockId, Change, Condition, Device, Known, Seen, TriedId};
use crate::sums::Sums;
use crate::table::{Spot, Table};

/// The most devices of one ledger: 1 GiB of memory.
const DEVICES: u64 = 1 << 25;
/// What a device usually takes in the file.
const DEVICE_BYTES: u64 = 24;

pub(crate) struct Books {
    pub(crate) blocks: Names,
    pub(crate) approaches: Names,
    tried: TriedSets,
    pub(crate) table: Table,
    /// By the number of the block.
    sums: Vec<Sums>,
    pub(crate) lost: Lost,
    most: u64,
}

/// What a sighting comes to.
pub(crate) struct Step {
    spot: Spot,
    before: Option<Device>,
    after: Option<Device>,
}

impl Step {
    /// What it changes; none if nothing but that the device was met.
    pub(crate) fn change(&self) -> Option<Change> {
        let met = self.before.map(|device| Device { listed: true, ..device });
        (met != self.after).then(|| Change::between(self.before.as_ref(), self.after.as_ref()))
    }
}

impl Books {
    /// Empty books with memory for this many devices.
    pub(crate) fn with_room(devices: u64) -> Self {
        Self {
            blocks: Names::default(),
            approaches: Names::default(),
            tried: TriedSets::new(),
            table: Table::with_room(devices.min(DEVICES)),
            sums: Vec::new(),
            lost: Lost::default(),
            most: DEVICES,
        }
    }

    /// What a sighting would change.
    pub(crate) fn weigh(
        &mut self,
        print: Fingerprint,
        block: BlockId,
        seen: Seen,
        at: Minutes,
    ) -> Result<Step, LedgerError> {
        let (spot, before) = self.table.find(print);
        let mut tried = before.map_or(TriedId::default(), |device| device.tried);
        if let Seen::Attempted { by } = seen {
            let full = LedgerError::Full { what: "combinations of approaches", most: TriedId::COUNT };
            tried = self.tried.grown(tried, by).ok_or(full)?;
        }
        let after = Device::after(before, block, seen, tried, at);
        if before.is_none() && after.is_some() && self.table.len() >= self.most {
            let most = usize::try_from(self.most).unwrap_or(usize::MAX);
            return Err(LedgerError::Full { what: "devices", most });
        }
        Ok(Step { spot, before, after })
    }

    /// What is written down of a change.
    pub(crate) fn entry(&self, step: &Step) -> Entry<'_> {
        let print = step.spot.print();
        step.after.map_or(Entry::Forgotten(print), |device| self.device(print, device))
    }

    fn device(&self, print: Fingerprint, device: Device) -> Entry<'_> {
        Entry::Device(print, device, self.tried.codes(device.tried))
    }

    /// Makes a change.
    pub(crate) fn settle(&mut self, step: &Step) {
        self.count(step.before.as_ref(), -1);
        self.count(step.after.as_ref(), 1);
        self.table.put(&step.spot, step.before, step.after);
    }

    /// Takes note that a device was met, where that is all that a sighting changes.
    pub(crate) fn settle_met(&mut self, step: &Step) {
        if step.before != step.after {
            self.table.put(&step.spot, step.before, step.after);
        }
    }

    /// What is kept of a device.
    pub(crate) fn known(&self, print: Fingerprint) -> Option<Known<'_>> {
        let (_, device) = self.table.find(print);
        device.map(|device| Known {
            block: device.block,
            condition: device.status.condition(),
            open: device.status.is_open(),
            ever_affected: device.episodes.number() > 0,
            standing: device.standing,
            tried: self.tried.approaches(device.tried),
        })
    }

    /// Takes note that a device is there; nothing if it is not known.
    pub(crate) fn meet(&mut self, print: Fingerprint) {
        let (spot, before) = self.table.find(print);
        self.table.put(&spot, before, before.map(|device| Device { listed: true, ..device }));
    }

    /// Begins a listing: nothing of these blocks was met yet.
    pub(crate) fn unlist(&mut self, of: impl Fn(BlockId) -> bool) {
        self.table.unlist(of);
    }

    /// The devices of one shard that are in these blocks, not gone, and were not met.
    pub(crate) fn unlisted(&self, shard: u8, of: impl Fn(BlockId) -> bool) -> Vec<(Fingerprint, BlockId)> {
        self.those(shard, |device| !is_gone(device) && !device.listed && of(device.block))
    }

    /// The devices of one shard that are in these blocks and gone.
    pub(crate) fn gone(&self, shard: u8, of: impl Fn(BlockId) -> bool) -> Vec<(Fingerprint, BlockId)> {
        self.those(shard, |device| is_gone(device) && of(device.block))
    }

    fn those(&self, shard: u8, are: impl Fn(&Device) -> bool) -> Vec<(Fingerprint, BlockId)> {
        let devices = self.table.shard(shard).filter(|(_, device)| are(device));
        devices.map(|(print, device)| (print, device.block)).collect()
    }

    fn count(&mut self, device: Option<&Device>, sign: i64) {
        if let Some(device) = device
            && let Some(sums) = self.sums.get_mut(usize::from(device.block.0))
        {
            sums.count(device, self.tried.approaches(device.tried), sign);
        }
    }

    /// Gives a block its number.
    pub(crate) fn define_block(&mut self, block: BlockId, name: &str) {
        let number = usize::from(block.0);
        self.blocks.define(number, name);
        if self.sums.len() <= number {
            self.sums.resize(number + 1, Sums::default());
        }
    }

    /// Takes the name of a block away that no device is in; false if one is.
    pub(crate) fn release_block(&mut self, block: BlockId) -> bool {
        let number = usize::from(block.0);
        let is_empty = self.sums.get(number).is_none_or(|sums| *sums == Sums::default());
        if is_empty {
            self.blocks.release(number);
        }
        is_empty
    }

    /// Gives an approach its number.
    pub(crate) fn define_approach(&mut self, approach: ApproachId, name: &str) {
        self.approaches.define(index(approach), name);
    }

    pub(crate) fn knows(&self, block: BlockId) -> bool {
        self.blocks.name(block.0.into()).is_some()
    }

    pub(crate) fn knows_approach(&self, approach: ApproachId) -> bool {
        self.approaches.name(index(approach)).is_some()
    }

    /// Each block with its sums, in the order of the names.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (&str, &Sums)> {
        self.blocks.sorted().filter_map(|(name, number)| self.sums.get(number).map(|sums| (name, sums)))
    }

    /// All that the devices refer to, as a new file begins with it.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = Entry<'_>> {
        let lost = (self.lost != Lost::default()).then_some(Entry::Lost(self.lost));
        let block = |block: BlockId| Some(Entry::Block(block, self.blocks.name(block.0.into())?));
        let blocks = (0..=u16::MAX).map(BlockId).filter_map(block);
        let approach = |approach| Some(Entry::Approach(approach, self.approaches.name(index(approach))?));
        let approaches = (1..=u8::MAX).filter_map(NonZeroU8::new).map(ApproachId).filter_map(approach);
        lost.into_iter().chain(blocks).chain(approaches)
    }

    /// One shard's devices, as a new file holds them; none if there is no such shard.
    pub(crate) fn devices(&self, shard: u8) -> impl Iterator<Item = Entry<'_>> {
        self.table.shard(shard).map(|(print, device)| self.device(print, device))
    }

    /// About what a file with nothing outdated in it takes, in bytes.
    pub(crate) fn bytes_needed(&self) -> u64 {
        let names = self.blocks.bytes() + self.approaches.bytes();
        self.table.len() * DEVICE_BYTES + names as u64
    }

    /// Takes an entry from the file, but counts nothing; false if it names what is not known, because that was lost.
    pub(crate) fn restore(&mut self, entry: Entry) -> bool {
        match entry {
            Entry::Block(block, name) => self.define_block(block, name),
            Entry::Approach(approach, name) => self.define_approach(approach, name),
            Entry::Device(print, device, tried) => return self.restore_device(print, device, tried).is_some(),
            Entry::Forgotten(print) => self.overwrite(print, None),
            Entry::Lost(lost) => self.lost = lost,
        }
        true
    }

    fn restore_device(&mut self, print: Fingerprint, mut device: Device, tried: &[u8]) -> Option<()> {
        device.tried = self.tried.number(tried)?;
        let mut approaches = self.tried.approaches(device.tried).iter().chain(&device.standing).chain(&device.restored);
        let complete = self.knows(device.block) && approaches.all(|by| self.knows_approach(*by));
        complete.then(|| self.overwrite(print, Some(device)))
    }

    fn overwrite(&mut self, print: Fingerprint, after: Option<Device>) {
        let (spot, before) = self.table.find(print);
        self.table.put(&spot, before, after);
    }

    /// Counts all devices, and which numbers are free; what [`Books::restore`] leaves to be done at the end.
    pub(crate) fn recount(&mut self) {
        self.blocks.set_free(self.blocks.nameless());
        self.sums.fill(Sums::default());
        for (_, device) in self.table.devices() {
            if let Some(sums) = self.sums.get_mut(usize::from(device.block.0)) {
                sums.count(&device, self.tried.approaches(device.tried), 1);
            }
        }
    }
}

fn is_gone(device: &Device) -> bool {
    device.status.condition() == Condition::Gone
}

/// Approaches are numbered from 1, so that "none" needs no byte of its own.
pub(crate) fn index(approach: ApproachId) -> usize {
    usize::from(approach.0.get()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Hand;

    #[test]
    fn a_full_ledger_takes_no_new_device_and_goes_on_with_those_it_has() {
        let hand = Hand::new(&[7; 16]);
        let mut books = Books { most: 2, ..Books::with_room(0) };
        let block = BlockId(0);
        books.define_block(block, "eu");
        let mut note = |device: &str, seen| {
            let step = books.weigh(hand.fingerprint(device), block, seen, Minutes::UNKNOWN)?;
            books.settle(&step);
            Ok::<_, LedgerError>(books.table.len())
        };
        assert_eq!(note("a", Seen::Well).unwrap(), 1);
        assert_eq!(note("b", Seen::Well).unwrap(), 2);
        assert_eq!(
            note("c", Seen::Well).unwrap_err().to_string().split(';').next(),
            Some("the ledger has 2 devices already")
        );
        assert_eq!(note("c", Seen::Gone).unwrap(), 2);
        assert_eq!(note("a", Seen::Affected).unwrap(), 2);
        assert_eq!(note("b", Seen::Gone).unwrap(), 1);
        assert_eq!(note("c", Seen::Well).unwrap(), 2);
    }
}
