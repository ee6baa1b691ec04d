//! The plain model: each device with everything that matters of its past, and sums that are counted each time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::Condition;

pub(super) const BLOCKS: usize = 4;
pub(super) const APPROACHES: usize = 5;

pub(super) fn device(number: usize) -> String {
    format!("i-{number:08x}-of-a-fleet")
}

pub(super) fn block(number: usize) -> String {
    // Numbers and names sort differently.
    format!("region-{}/windows", BLOCKS - number)
}

pub(super) fn approach(number: usize) -> String {
    format!("approach-{}", APPROACHES - number)
}

/// A sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Well,
    Affected,
    Unknown,
    Restored(Option<usize>),
    Gone,
    Attempted(usize),
    Forgotten,
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Well),
        4 => Just(Deed::Affected),
        2 => Just(Deed::Unknown),
        2 => proptest::option::of(0..APPROACHES).prop_map(Deed::Restored),
        1 => Just(Deed::Gone),
        3 => (0..APPROACHES).prop_map(Deed::Attempted),
        1 => Just(Deed::Forgotten),
    ]
}

/// When a sighting is made, in seconds: any order of time, but the same for the same sighting.
pub(super) fn at(device: usize, block: usize, deed: Deed) -> i64 {
    let part = match deed {
        Deed::Well => 7_001,
        Deed::Affected => 13,
        Deed::Unknown | Deed::Gone | Deed::Forgotten => 0,
        Deed::Restored(by) => 903 * (2 + by.unwrap_or(9) as i64),
        Deed::Attempted(by) => 17 * by as i64,
    };
    1_721_361_600 + part + 4_000 * block as i64 * (device % 3) as i64
}

/// One block's sums: known, well, affected, unknown, missing, gone; ever affected, relapsed, episodes; by approach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub block: String,
    pub now: [u64; 6],
    pub ever: [u64; 3],
    pub restored: BTreeMap<Option<String>, u64>,
    /// By approach and minutes.
    pub took: BTreeMap<(Option<String>, u64), u64>,
    pub attempted: BTreeMap<String, u64>,
    pub standing: BTreeMap<String, u64>,
}

/// What is kept of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub block: usize,
    pub condition: Condition,
    pub open: bool,
    pub ever_affected: bool,
    pub standing: Option<usize>,
    pub tried: BTreeSet<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    block: usize,
    seen: Condition,
    /// Each episode: none while it lasts, else what ended it.
    episodes: Vec<Option<Option<usize>>>,
    /// The minute in which the last of them began, if that was seen, and the one in which it ended.
    began: Option<i64>,
    ended: Option<i64>,
    /// Attempts since it was last seen well.
    attempts: Vec<usize>,
    tried: BTreeSet<usize>,
}

impl Device {
    fn lasts(&self) -> bool {
        self.episodes.last() == Some(&None)
    }

    fn end(&mut self, by: Option<usize>, at: i64) {
        if self.lasts() {
            let by = by.or(self.attempts.last().copied());
            *self.episodes.last_mut().unwrap() = Some(by);
            self.ended = Some(at);
        }
        self.attempts.clear();
        self.seen = Condition::Well;
    }

    fn begin(&mut self, at: Option<i64>) {
        if !self.lasts() {
            self.episodes.push(None);
            (self.began, self.ended) = (at, None);
        }
    }

    /// The minutes that the last episode took, a part of one as a whole one; the last of those that a tally does not tell apart.
    fn took(&self) -> Option<u64> {
        let minutes = u64::try_from(self.ended? - self.began?).ok()?.max(1);
        let mut step = 1;
        while minutes / step >= 32 {
            step *= 2;
        }
        Some((minutes / step + 1) * step - 1)
    }

    fn take(&mut self, deed: Deed, at: i64) {
        match deed {
            Deed::Well => self.end(None, at),
            Deed::Affected => {
                self.begin(Some(at));
                self.seen = Condition::Affected;
            }
            Deed::Unknown => self.seen = Condition::Unknown,
            Deed::Gone => self.seen = Condition::Gone,
            Deed::Restored(by) => {
                match self.episodes.last_mut() {
                    None => self.begin(None),
                    Some(Some(ended)) if by.is_some() => *ended = by,
                    Some(_) => {}
                }
                self.end(by, at);
            }
            Deed::Forgotten => {}
            Deed::Attempted(by) => {
                self.tried.insert(by);
                if self.seen != Condition::Well {
                    self.attempts = vec![by];
                }
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    devices: BTreeMap<usize, Device>,
    /// Those that were met since a listing of their block began.
    met: BTreeSet<usize>,
}

/// Before, after, and whether it relapsed.
pub(super) type Told = (Option<Condition>, Option<Condition>, bool);

impl Plain {
    /// Takes a sighting; what it changed, if anything.
    pub(super) fn note(&mut self, device: usize, block: usize, deed: Deed) -> Option<Told> {
        let before = self.devices.remove(&device);
        let fresh = Device {
            block,
            seen: Condition::Unknown,
            episodes: Vec::new(),
            began: None,
            ended: None,
            attempts: Vec::new(),
            tried: BTreeSet::new(),
        };
        let mut after = before.clone().unwrap_or(fresh);
        after.block = block;
        after.take(deed, at(device, block, deed).div_euclid(60));
        let passed = after.seen == Condition::Gone && after.episodes.is_empty() && after.tried.is_empty();
        let after = (!passed && deed != Deed::Forgotten).then_some(after);
        if let Some(after) = &after {
            self.devices.insert(device, after.clone());
        }
        self.meet(device);
        let episodes = |device: &Option<Device>| device.as_ref().map_or(0, |device| device.episodes.len());
        let relapsed = episodes(&after) > episodes(&before) && episodes(&after) > 1;
        let seen = |device: &Option<Device>| device.as_ref().map(|device| device.seen);
        (before != after).then(|| (seen(&before), seen(&after), relapsed))
    }

    /// A device is there; nothing is remembered of one that is not known.
    pub(super) fn meet(&mut self, device: usize) {
        if self.devices.contains_key(&device) {
            self.met.insert(device);
        } else {
            self.met.remove(&device);
        }
    }

    pub(super) fn begin_listing(&mut self, of: impl Fn(usize) -> bool) {
        let devices = &self.devices;
        self.met.retain(|device| !of(devices[device].block));
    }

    pub(super) fn end_listing(&mut self, of: impl Fn(usize) -> bool) -> u64 {
        let there = self.devices.iter().filter(|(_, device)| device.seen != Condition::Gone && of(device.block));
        let away = there.filter(|(number, _)| !self.met.contains(number));
        let away: Vec<(usize, usize)> = away.map(|(number, device)| (*number, device.block)).collect();
        for (number, block) in &away {
            self.note(*number, *block, Deed::Gone);
        }
        away.len() as u64
    }

    /// After a restart nothing was met yet.
    pub(super) fn restart(&mut self) {
        self.met.clear();
    }

    pub(super) fn known(&self, device: usize) -> Option<Known> {
        self.devices.get(&device).map(|device| Known {
            block: device.block,
            condition: device.seen,
            open: device.lasts(),
            ever_affected: !device.episodes.is_empty(),
            standing: device.attempts.last().copied(),
            tried: device.tried.clone(),
        })
    }

    /// Makes a device what it is in another model.
    pub(super) fn copy(&mut self, device: usize, from: &Self) {
        self.devices.remove(&device);
        self.devices.extend(from.devices.get(&device).map(|found| (device, found.clone())));
    }

    pub(super) fn counted(&self) -> Vec<Counted> {
        let mut counted: Vec<Counted> = (0..BLOCKS).map(|number| self.counted_in(number)).collect();
        counted.sort_by(|a, b| a.block.cmp(&b.block));
        counted
    }

    fn counted_in(&self, number: usize) -> Counted {
        let here: Vec<&Device> = self.devices.values().filter(|device| device.block == number).collect();
        let count = |is: &dyn Fn(&Device) -> bool| here.iter().filter(|device| is(device)).count() as u64;
        let seen = |condition| count(&|device| device.seen == condition);
        let mut restored = BTreeMap::new();
        let mut took = BTreeMap::new();
        let mut attempted = BTreeMap::new();
        let mut standing = BTreeMap::new();
        for device in &here {
            if let Some(Some(by)) = device.episodes.last() {
                *restored.entry(by.map(approach)).or_default() += 1;
                if let Some(minutes) = device.took() {
                    *took.entry((by.map(approach), minutes)).or_default() += 1;
                }
            }
            for by in &device.tried {
                *attempted.entry(approach(*by)).or_default() += 1;
            }
            if let Some(by) = device.attempts.last().filter(|_| device.seen != Condition::Gone) {
                *standing.entry(approach(*by)).or_default() += 1;
            }
        }
        Counted {
            block: block(number),
            now: [
                here.len() as u64,
                seen(Condition::Well),
                seen(Condition::Affected),
                seen(Condition::Unknown),
                count(&|device| device.seen == Condition::Unknown && device.lasts()),
                seen(Condition::Gone),
            ],
            ever: [
                count(&|device| !device.episodes.is_empty()),
                count(&|device| device.episodes.len() > 1),
                here.iter().map(|device| device.episodes.len() as u64).sum(),
            ],
            restored,
            took,
            attempted,
            standing,
        }
    }
}
