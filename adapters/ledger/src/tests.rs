//! The whole ledger against a plain model: reopened, torn, damaged, killed, on a full disk, and on one that fails and loses
//! its power.

mod damaged;
mod fickle;
mod full_disk;
mod killed;
mod plain;
mod power;
mod released;
mod reopened;

use std::path::Path;

use crate::pace::Pace;
use crate::{ApproachId, BlockId, Change, Ledger, LedgerError, Seen};
use plain::{APPROACHES, BLOCKS, Counted, Deed, Plain};

/// Sizes at which a few hundred changes write the file anew several times.
const SMALL: Pace = Pace { batch: 150, slack: 300, part: 1, sync: 400 };

/// The n-th number of a sequence.
fn random(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 31)
}

/// A ledger and its numbers for the model's blocks and approaches.
struct Book {
    ledger: Ledger,
    blocks: Vec<BlockId>,
    approaches: Vec<ApproachId>,
}

impl Book {
    fn open(dir: &Path, pace: Pace) -> Self {
        Self::of(Ledger::open_at(dir, pace).unwrap())
    }

    fn of(mut ledger: Ledger) -> Self {
        let blocks = (0..BLOCKS).map(|block| ledger.block(&plain::block(block)).unwrap()).collect();
        let approaches = (0..APPROACHES).map(|by| ledger.approach(&plain::approach(by)).unwrap()).collect();
        Self { ledger, blocks, approaches }
    }

    fn note(&mut self, device: usize, block: usize, deed: Deed) -> Result<Option<Change>, LedgerError> {
        let seen = match deed {
            Deed::Well => Seen::Well,
            Deed::Affected => Seen::Affected,
            Deed::Unknown => Seen::Unknown,
            Deed::Restored(by) => Seen::Restored { by: by.map(|by| self.approaches[by]) },
            Deed::Gone => Seen::Gone,
            Deed::Attempted(by) => Seen::Attempted { by: self.approaches[by] },
            Deed::Forgotten => Seen::Forgotten,
        };
        self.ledger.note(&plain::device(device), self.blocks[block], seen, plain::at(device, block, deed))
    }

    /// What is kept of a device, in the model's words.
    fn known(&self, device: usize) -> Option<plain::Known> {
        let number = |by: &ApproachId| self.approaches.iter().position(|approach| approach == by).unwrap();
        let known = self.ledger.known(&plain::device(device)).unwrap()?;
        Some(plain::Known {
            block: self.blocks.iter().position(|block| *block == known.block).unwrap(),
            condition: known.condition,
            open: known.open,
            ever_affected: known.ever_affected,
            standing: known.standing.as_ref().map(number),
            tried: known.tried.iter().map(number).collect(),
        })
    }

    fn counted(&self) -> Vec<Counted> {
        counted(&self.ledger)
    }

    /// Counts all devices again; what was kept must not differ.
    fn check_recount(&mut self) {
        let kept = self.counted();
        self.ledger.recount();
        assert_eq!(kept, self.counted());
    }
}

/// The sums of a ledger in the model's words, in the order in which it gives them.
fn counted(ledger: &Ledger) -> Vec<Counted> {
    let name = |by: ApproachId| ledger.approach_name(by).unwrap().to_owned();
    let of = |(block, sums): (&str, &crate::Sums)| Counted {
        block: block.to_owned(),
        now: [sums.known, sums.well, sums.affected, sums.unknown, sums.missing, sums.gone],
        ever: [sums.ever_affected, sums.relapsed, sums.episodes],
        restored: sums.restored.iter().map(|(by, devices)| (by.map(name), devices)).collect(),
        took: sums.took.iter().map(|(by, minutes, devices)| ((by.map(name), minutes.into()), devices)).collect(),
        attempted: sums.attempted.iter().map(|(by, devices)| (name(by.unwrap()), devices)).collect(),
        standing: sums.standing.iter().map(|(by, devices)| (name(by.unwrap()), devices)).collect(),
    };
    ledger.sums().map(of).collect()
}

/// What a note says of itself, against the model.
fn check_change(change: Option<Change>, model: &mut Plain, device: usize, block: usize, deed: Deed) {
    let told = change.map(|change| (change.before, change.after, change.relapsed));
    assert_eq!(told, model.note(device, block, deed), "device {device}, block {block}, {deed:?}");
}
