//! The devices in memory: shards, each of which grows by itself, so that growing never needs the memory of two tables.

mod row;
mod shard;

use crate::fingerprint::{Fingerprint, Key, SHARDS};
use crate::state::{BlockId, Device};
use shard::Shard;

/// All devices by fingerprint.
pub(crate) struct Table {
    shards: Vec<Shard>,
    len: u64,
}

/// Where in the table a device is. Good until the table changes.
pub(crate) struct Spot {
    print: Fingerprint,
    slot: usize,
}

impl Spot {
    pub(crate) fn print(&self) -> Fingerprint {
        self.print
    }
}

impl Table {
    /// A table that takes this many devices without growing.
    pub(crate) fn with_room(devices: u64) -> Self {
        let each = usize::try_from(devices).unwrap_or(0) / usize::from(SHARDS);
        // Hashes do not spread evenly: a part more than the mean.
        let each = each + each / 32;
        Self { shards: (0..SHARDS).map(|_| Shard::with_room(each)).collect(), len: 0 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The place of a device, and the device if it is known.
    pub(crate) fn find(&self, print: Fingerprint) -> (Spot, Option<Device>) {
        let found = self.shards.get(usize::from(print.shard)).map(|shard| shard.find(&print.key));
        let (slot, device) = found.unwrap_or((0, None));
        (Spot { print, slot }, device)
    }

    /// Puts what is now known of a device where [`Table::find`] has found it, or has found it missing.
    pub(crate) fn put(&mut self, spot: &Spot, before: Option<Device>, after: Option<Device>) {
        let Some(shard) = self.shards.get_mut(usize::from(spot.print.shard)) else { return };
        match (before, after) {
            (None, None) => {}
            (Some(_), Some(device)) => shard.replace(spot.slot, device),
            (None, Some(device)) => {
                shard.insert(spot.print.key, device);
                self.len += 1;
            }
            (Some(_), None) => {
                shard.remove(spot.slot);
                self.len -= 1;
            }
        }
    }

    /// The devices of these blocks were not met since a listing began.
    pub(crate) fn unlist(&mut self, of: impl Fn(BlockId) -> bool) {
        self.shards.iter_mut().for_each(|shard| shard.unlist(&of));
    }

    /// The devices of one shard in the order of their keys; none if there is no such shard.
    pub(crate) fn shard(&self, number: u8) -> impl Iterator<Item = (Fingerprint, Device)> {
        let rows = self.shards.get(usize::from(number)).into_iter().flat_map(Shard::rows);
        rows.map(move |(key, device): (Key, Device)| (Fingerprint { shard: number, key }, device))
    }

    /// All devices, in an order that depends on nothing but their fingerprints.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (Fingerprint, Device)> {
        (0..SHARDS).flat_map(|number| self.shard(number))
    }
}
