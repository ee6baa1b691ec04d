//! The figures against a plain model of each device, over any story, with kills between any two of its lines.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entente_schemas::block::BlockState;
use entente_schemas::count::Quantity;
use entente_sidecar::fleet::{Progress, Seen};
use proptest::prelude::*;

use crate::stage::*;

const DEVICES: usize = 8;
const APPROACHES: [&str; 2] = ["aws-restart", "own-way"];

#[derive(Clone, Copy, Debug)]
enum Line {
    See(usize, Sight),
    Repair(usize, usize, Progress),
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sight {
    Down,
    Well,
    Unknown,
    Starting,
    Stopped,
    Gone,
}

fn line() -> impl Strategy<Value = Line> {
    let sight = prop_oneof![
        4 => Just(Sight::Down),
        3 => Just(Sight::Well),
        1 => Just(Sight::Unknown),
        1 => Just(Sight::Starting),
        1 => Just(Sight::Stopped),
        1 => Just(Sight::Gone),
    ];
    let progress = proptest::sample::select(vec![
        Progress::Targeted,
        Progress::Running,
        Progress::Ended,
        Progress::Partial,
        Progress::Failed,
        Progress::Cancelled,
        Progress::Lost,
    ]);
    prop_oneof![
        8 => (0..DEVICES, sight).prop_map(|(device, sight)| Line::See(device, sight)),
        4 => (0..DEVICES, 0..APPROACHES.len(), progress).prop_map(|(device, by, how)| Line::Repair(device, by, how)),
        1 => Just(Line::Kill),
    ]
}

/// A device by the words of the rules, and nothing clever.
#[derive(Clone, Debug, Default)]
struct Device {
    seen: Option<Sight>,
    /// Not seen well since it was affected.
    open: bool,
    episodes: u64,
    restored_by: Option<usize>,
    /// The minute in which its last episode began, and how many it took.
    began: i64,
    took: i64,
    targeted: BTreeSet<usize>,
    attempted: BTreeSet<usize>,
    /// The last that was done to it since it was seen well.
    last: Option<(usize, Progress)>,
}

impl Device {
    fn see(&mut self, sight: Sight, minute: i64) {
        match sight {
            Sight::Starting if self.seen.is_some() => return,
            Sight::Stopped if self.seen.is_none() || self.open => return,
            Sight::Gone if self.seen.is_none() => return,
            Sight::Down => {
                self.began = if self.open { self.began } else { minute };
                self.episodes += u64::from(!self.open);
                self.restored_by = if self.open { self.restored_by } else { None };
                self.open = true;
            }
            Sight::Well => {
                if self.open {
                    let helped = |how| !matches!(how, Progress::Targeted | Progress::Failed | Progress::Cancelled);
                    self.restored_by = self.last.filter(|(_, how)| helped(*how)).map(|(by, _)| by);
                    self.took = (minute - self.began).max(1);
                }
                self.open = false;
                self.last = None;
            }
            _ => {}
        }
        self.seen = Some(match sight {
            Sight::Starting => Sight::Unknown,
            Sight::Stopped => Sight::Gone,
            sight => sight,
        });
        let nothing = self.episodes == 0 && self.targeted.is_empty();
        if self.seen == Some(Sight::Gone) && nothing {
            *self = Self::default();
        }
    }

    fn repair(&mut self, by: usize, how: Progress) {
        if self.seen == Some(Sight::Well) {
            return;
        }
        self.seen = self.seen.or(Some(Sight::Unknown));
        let first = self.targeted.insert(by);
        if !matches!(how, Progress::Targeted | Progress::Cancelled) {
            self.attempted.insert(by);
        }
        match how {
            Progress::Targeted if self.last.is_none() && first => self.last = Some((by, how)),
            Progress::Targeted => {}
            _ => self.last = Some((by, how)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn figures_are_those_of_a_plain_count(lines in proptest::collection::vec(line(), 1..60)) {
        let mut stage = Stage::aws();
        let mut devices = vec![Device::default(); DEVICES];
        let mut reached: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
        for line in lines {
            match line {
                Line::See(number, sight) => {
                    let seen = match sight {
                        Sight::Down => DOWN,
                        Sight::Well => Seen::Well,
                        Sight::Unknown => Seen::Unknown,
                        Sight::Starting => Seen::Starting,
                        Sight::Stopped => Seen::Stopped,
                        Sight::Gone => Seen::Gone,
                    };
                    stage.see_all(number..number + 1, seen);
                    devices[number].see(sight, stage.now.timestamp() / 60);
                }
                // Whoever was never seen is nowhere yet.
                Line::Repair(number, ..) if devices[number].seen.is_none() => {}
                Line::Repair(number, by, how) => {
                    stage.repair(&device(number), APPROACHES[by], how);
                    devices[number].repair(by, how);
                }
                Line::Kill => {
                    stage.later();
                    stage.kill();
                }
            }
            let count = |is: &dyn Fn(&Device) -> bool| devices.iter().filter(|device| is(device)).count() as u64;
            let ever = count(&|device| device.episodes > 0);
            let items = stage.later();
            stage.now += TimeDelta::seconds(15);
            if ever == 0 {
                prop_assert!(items.is_empty());
                continue;
            }
            let hit = impact(&items, "/guest");
            prop_assert_eq!(exact(hit, Quantity::Affected), Some(ever));
            let affected = count(&|device| device.open && device.seen == Some(Sight::Down));
            let missing = count(&|device| device.open && device.seen == Some(Sight::Unknown));
            let restored = count(&|device| device.episodes > 0 && !device.open);
            let doubtful =
                count(&|device| device.episodes > 0 && !device.open && device.seen == Some(Sight::Unknown));
            prop_assert_eq!(between(hit, Quantity::Remaining), (affected, affected + missing + doubtful));
            prop_assert_eq!(exact(hit, Quantity::Restored), Some(restored));
            let states = hit.blocks.iter().map(|block| block.state);
            let well = count(&|device| device.episodes > 0 && !device.open && device.seen != Some(Sight::Unknown));
            prop_assert!(well > 0 || !states.clone().any(|state| state == BlockState::Restored));
            let relapsed = count(&|device| device.episodes > 1);
            prop_assert_eq!(exact(hit, Quantity::Relapsed).unwrap_or(0), relapsed);
            let unknown = count(&|device| device.seen == Some(Sight::Unknown));
            prop_assert_eq!(exact(hit, Quantity::Unknown).unwrap_or(0), unknown);
            for (by, approach) in APPROACHES.iter().enumerate() {
                let here = |device: &Device| device.episodes > 0 || device.seen.is_some();
                let stands = |how: Progress| {
                    count(&|device| device.last == Some((by, how)) && device.seen != Some(Sight::Gone))
                };
                let expected = [
                    count(&|device| here(device) && device.targeted.contains(&by)),
                    count(&|device| here(device) && device.attempted.contains(&by)),
                    stands(Progress::Running),
                    count(&|device| device.episodes > 0 && !device.open && device.restored_by == Some(by)),
                    stands(Progress::Failed),
                ];
                let found = items.iter().find(|item| item.object_id.ends_with(approach));
                let found = found.map_or([0; 5], |_| tally(run(&items, approach)));
                prop_assert_eq!(found, expected, "{}", approach);
                let restored = devices.iter().filter(|device| !device.open && device.restored_by == Some(by));
                let mut took: Vec<i64> = restored.map(|device| device.took).collect();
                took.sort_unstable();
                let ttr = (expected[3] > 0).then(|| run(&items, approach).ttr.clone().unwrap());
                let rank = |percent: usize| took.get((took.len() * percent).div_ceil(100).wrapping_sub(1));
                let seconds = |percent| rank(percent).map(|minutes| 60 * minutes.unsigned_abs());
                let told = ttr.map_or((None, None, 0), |ttr| (ttr.p50_s, ttr.p90_s, ttr.n));
                prop_assert_eq!(told, (seconds(50), seconds(90), expected[3]), "{}", approach);
                let reached = reached.entry(by).or_default();
                prop_assert!(found[0] >= reached[0] && found[1] >= reached[1], "{:?} after {:?}", found, reached);
                *reached = [found[0], found[1]];
            }
        }
    }
}
