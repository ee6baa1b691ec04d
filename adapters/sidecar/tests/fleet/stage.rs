//! A fleet in a folder, and short words for what is seen of it.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Count, Method, Quantity, Unit};
use entente_schemas::event::Source;
use entente_schemas::family::{Body, Impact, Remediation, Tally};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::draft::{Drafter, Occasion};
use entente_sidecar::fleet::{
    Fleet, FleetProfile, Hint, Os, Place, Progress, Repair, Rules, Seen, Sighting, known_approaches,
};
use entente_sidecar::item::{FeedProfile, Item, Vanishing};
use entente_sidecar::memory::Memory;

/// So many seconds after 19 July 2024, 04:00.
pub fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_721_361_600, 0).unwrap() + TimeDelta::seconds(second)
}

pub fn minute(minute: i64) -> DateTime<Utc> {
    at(minute * 60)
}

pub fn profile(provider: &str, guest_signal: bool) -> FleetProfile {
    let systems = BTreeMap::from([("aws", "aws.ec2"), ("gcp", "gcp.compute"), ("azure", "azure.vm")]);
    FleetProfile {
        provider: provider.into(),
        system: systems[provider].into(),
        fleet: "main".into(),
        org: "acme".into(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("VM".into()),
        device_class: "cloud_vm".into(),
        guest_signal,
        approaches: known_approaches(provider).unwrap(),
        rules: Rules::default(),
    }
}

/// A fleet whose time is told.
pub struct Stage {
    pub fleet: Fleet,
    pub profile: FleetProfile,
    pub now: DateTime<Utc>,
    folder: tempfile::TempDir,
}

impl Stage {
    pub fn new(profile: FleetProfile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::open(folder.path(), profile.clone()).unwrap();
        assert!(fleet.lost().is_empty());
        Self { fleet, profile, now: at(0), folder }
    }

    pub fn aws() -> Self {
        Self::new(profile("aws", true))
    }

    /// Closes it and opens it again.
    pub fn restart(&mut self) {
        let other = tempfile::tempdir().unwrap();
        self.fleet = Fleet::open(other.path(), self.profile.clone()).unwrap();
        self.fleet = Fleet::open(self.folder.path(), self.profile.clone()).unwrap();
    }

    /// Leaves it as a kill would: what was not handed to the system is gone.
    pub fn kill(&mut self) {
        let left = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap().flatten() {
            std::fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
        }
        self.fleet = Fleet::open(left.path(), self.profile.clone()).unwrap();
        self.folder = left;
    }

    /// Devices in the ledger, and blocks that hold one.
    pub fn held(&self) -> (u64, usize) {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(self.folder.path().join("ledger"), copy.path().join("ledger")).unwrap();
        let ledger = entente_ledger::Ledger::open(copy.path()).unwrap();
        let blocks = ledger.sums().filter(|(_, sums)| sums.known > 0).count();
        (ledger.recovery().devices, blocks)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// One machine as it is seen now.
    pub fn see(&self, device: &str, region: &str, seen: Seen<'_>) {
        self.see_as(device, (region, None), Os::Windows, seen);
    }

    pub fn see_as(&self, device: &str, (region, zone): (&str, Option<&str>), os: Os, seen: Seen<'_>) {
        let place = Place { region, zone };
        let sighting = Sighting { device, place, os, seen, since: None, launched: None, observed: self.now };
        self.fleet.see(sighting).unwrap();
    }

    /// Windows machines of these numbers, two zones in turn, of `us-east-1`.
    pub fn see_all(&self, numbers: std::ops::Range<usize>, seen: Seen<'_>) {
        for number in numbers {
            let zone = if number % 2 == 0 { "us-east-1a" } else { "us-east-1b" };
            self.see_as(&device(number), ("us-east-1", Some(zone)), Os::Windows, seen);
        }
    }

    pub fn repair(&self, device: &str, approach: &str, progress: Progress) {
        self.fleet.repair(Repair { device, approach, progress, observed: self.now }).unwrap();
    }

    pub fn repair_all(&self, numbers: std::ops::Range<usize>, approach: &str, progress: Progress) {
        numbers.for_each(|number| self.repair(&device(number), approach, progress));
    }

    /// What is said now. Whatever it is, an outbox takes all of it.
    pub fn items(&self) -> Vec<Item> {
        let items = self.fleet.items(self.now).unwrap();
        let occasion = Occasion { now: self.now, first_good: false };
        let refused = drafter(&self.profile).items(items.clone(), &Memory::default(), occasion).refused;
        assert!(refused.is_empty(), "{refused:#?}");
        items
    }

    /// What is said after the least time between two revisions.
    pub fn later(&mut self) -> Vec<Item> {
        self.now += self.profile.rules.pace;
        self.items()
    }
}

fn drafter(profile: &FleetProfile) -> Drafter {
    let feed = FeedProfile {
        slug: "fleet".into(),
        system: profile.system.clone(),
        speaker: Speaker { org: profile.org.clone(), role: Role::Customer, channel: None, relay: Relay::Own },
        address: String::new(),
        vanishing: Vanishing::Nothing,
        covers: Vec::new(),
        mapping_version: 1,
    };
    let source = Source { org: profile.org.clone(), feed: feed.slug.clone(), instance: "0".repeat(26) };
    Drafter::new(source, "actual", "gabcdefghijklmnop", feed)
}

pub const DOWN: Seen<'static> = Seen::Affected(Hint::GuestOsUnreachable);

pub fn device(number: usize) -> String {
    format!("i-{number:017x}")
}

/// The impact of an object, by the end of its id.
pub fn impact<'a>(items: &'a [Item], end: &str) -> &'a Impact {
    item(items, end).impact().unwrap()
}

pub fn item<'a>(items: &'a [Item], end: &str) -> &'a Item {
    let found = items.iter().find(|item| item.object_id.ends_with(end));
    found.unwrap_or_else(|| panic!("no {end} in {:?}", ids(items)))
}

pub fn run<'a>(items: &'a [Item], end: &str) -> &'a Remediation {
    let Body::Remediation(run) = &item(items, end).body else { panic!("{end} is no run") };
    run
}

pub fn ids(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.object_id.as_str()).collect()
}

/// The sum of the exact figures of a quantity.
pub fn exact(impact: &Impact, quantity: Quantity) -> Option<u64> {
    let mut counts = figures(impact, quantity).peekable();
    counts.peek()?;
    counts.map(|count| count.value).sum()
}

/// The least and the most of a quantity.
pub fn between(impact: &Impact, quantity: Quantity) -> (u64, u64) {
    let low = figures(impact, quantity).map(|count| count.lo.or(count.value).unwrap()).sum();
    (low, figures(impact, quantity).map(|count| count.hi.or(count.value).unwrap()).sum())
}

fn figures(impact: &Impact, quantity: Quantity) -> impl Iterator<Item = &Count> {
    impact.counts.iter().filter(move |count| count.quantity == quantity)
}

/// All arms together: targeted, attempted, under way, succeeded, failed.
pub fn tally(run: &Remediation) -> [u64; 5] {
    let sum = |of: fn(&Tally) -> Option<u64>| run.arms.iter().filter_map(|arm| of(&arm.tally)).sum();
    [
        sum(|tally| tally.targeted),
        sum(|tally| tally.attempted),
        sum(|tally| tally.in_progress),
        sum(|tally| tally.succeeded),
        sum(|tally| tally.failed),
    ]
}
