//! Devices into claims: the one way by which adapters and the intake turn what they see of single devices into what is said
//! of a fleet. Devices go straight into the ledger; what comes out are sums. See [`Fleet`] for how it is used.

mod burst;
mod cell;
mod course;
mod diary;
mod error;
mod figures;
mod impact;
mod keeper;
mod neighbours;
mod profile;
mod run;
mod sight;
mod sighting;
mod span;
mod speech;
mod words;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use entente_schemas::family::Body;

use crate::item::Item;
use keeper::Keeper;
use words::Group;

pub use error::FleetError;
pub use neighbours::Counter;
pub use profile::{FleetProfile, KnownApproach, Rules};
pub use sighting::{Hint, Os, Place, Progress, Repair, Seen, Sighting};
pub use words::known_approaches;

/// A fleet of devices, counted in a folder of its own. Clones are one fleet: feeds and the intake of a sidecar share it.
///
/// # How it is told what is seen
/// - [`see`](Self::see) each device that an answer names, as often as it does; the same again changes nothing.
/// - Before a listing of *all* devices of a region call [`sweep`](Self::sweep), after its last page
///   [`swept`](Self::swept): devices that it did not show are gone. A listing that failed is not ended; the next begins anew.
/// - Where a region could not be asked, call [`unseen`](Self::unseen): it is unknown then, never empty.
/// - [`repair`](Self::repair) tells how a repair of a device goes, as often as it is learnt.
///
/// # What it says
/// [`items`](Self::items) gives every object as it stands: an impact for each group of failures (guests, hosts, disks) of
/// which there is something to say, and a run for each approach that is used. Each object belongs into *one* feed, for its
/// revisions are counted by feed. Nothing in it is a device's.
///
/// Whoever was affected remains so until it is seen well, or is gone. When nothing remains the impact is watched, then
/// resolved; a failure long after that is another incident, under an id with a number. Without a signal from inside the
/// machines the guests are unknown: never "0 affected", and never resolved.
#[derive(Clone)]
pub struct Fleet {
    keeper: Arc<Mutex<Keeper>>,
    told: Arc<[String]>,
}

impl Fleet {
    /// Opens the fleet in a folder, or makes it.
    ///
    /// # Errors
    /// If the profile names what the bus does not take, if another process has the folder, or if its files cannot be read.
    pub fn open(dir: &Path, profile: FleetProfile) -> Result<Self, FleetError> {
        let (keeper, told) = Keeper::open(dir, profile)?;
        told.iter().for_each(|lost| tracing::warn!("{lost}"));
        Ok(Self { keeper: Arc::new(Mutex::new(keeper)), told: told.into() })
    }

    /// What was lost of its files when it was opened, in words; nothing as a rule.
    #[must_use]
    pub fn lost(&self) -> &[String] {
        &self.told
    }

    /// Notes how a device was seen.
    ///
    /// # Errors
    /// If the device has no id, if its place is no code, or if the disk takes no more; then nothing was noted.
    pub fn see(&self, sighting: Sighting<'_>) -> Result<(), FleetError> {
        self.keeper().see(&sighting)
    }

    /// Whether the guest of a device has been heard of and not since been lost from sight: an agent that does not report has
    /// fallen silent there; elsewhere it may never have spoken.
    #[must_use]
    pub fn has_shown(&self, device: &str) -> bool {
        self.keeper().has_shown(device)
    }

    /// Whether a device fails by signs of the platform, its host or a disk, and by none of its guest: where a provider says
    /// that such a one runs again, it is restored, though nothing tells of its guest.
    #[must_use]
    pub fn is_down(&self, device: &str) -> bool {
        self.keeper().is_down(device)
    }

    /// Notes how a repair of a device goes. Work on a device that is seen well is no repair and is not counted; one on a
    /// device that was never seen counts once it is. Success is earned only by restoring who was affected.
    ///
    /// # Errors
    /// If the device has no id, if the slug is none, if there are too many approaches, or if the disk takes no more.
    pub fn repair(&self, repair: Repair<'_>) -> Result<(), FleetError> {
        self.keeper().repair(&repair)
    }

    /// A listing of all devices of a region begins.
    pub fn sweep(&self, region: &str) {
        self.keeper().sweep(region);
    }

    /// The listing is whole, but for these zones, which could not be asked: devices elsewhere in the region that were not
    /// seen since it began are gone. Gives their number.
    ///
    /// # Errors
    /// If the disk takes no more.
    pub fn swept(&self, region: &str, but: &[&str], now: DateTime<Utc>) -> Result<u64, FleetError> {
        self.keeper().swept(region, but, now)
    }

    /// A region could not be asked. What is there is unknown until it is [reached](Self::reached) or swept.
    pub fn unseen(&self, region: &str, now: DateTime<Utc>) {
        self.keeper().unseen(region, now);
    }

    /// A region was asked, but for these zones, for what is wrong there: a device that was not named is as it was.
    pub fn reached(&self, region: &str, but: &[&str], now: DateTime<Utc>) {
        self.keeper().reached(region, but, now);
    }

    /// Every object as it stands: the impacts, then the runs. The disk keeps all that it rests on when this returns. An
    /// object that changed too shortly after its last change is given as it was, until the least time has passed.
    ///
    /// # Errors
    /// If the disk does not take what was noted: nothing is said then, and nothing lost.
    pub fn items(&self, now: DateTime<Utc>) -> Result<Vec<Item>, FleetError> {
        self.keeper().items(now)
    }

    /// The [items](Self::items) that are impacts.
    ///
    /// # Errors
    /// As for `items`.
    pub fn impacts(&self, now: DateTime<Utc>) -> Result<Vec<Item>, FleetError> {
        let items = self.items(now)?.into_iter();
        Ok(items.filter(|item| matches!(item.body, Body::Impact(_))).collect())
    }

    /// The [items](Self::items) that are runs seen in one native system, such as `aws.ssm`.
    ///
    /// # Errors
    /// As for `items`.
    pub fn runs(&self, system: &str, now: DateTime<Utc>) -> Result<Vec<Item>, FleetError> {
        let items = self.items(now)?.into_iter();
        let of = |item: &Item| matches!(item.body, Body::Remediation(_)) && item.native.system == system;
        Ok(items.filter(of).collect())
    }

    /// Whether devices are affected, or may be since they were: time to look more often.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        let keeper = self.keeper();
        keeper.sheets().values().any(|sheet| figures::remaining(sheet) > 0)
    }

    /// Hands all that was noted to the disk: it survives the end of this process, however that comes.
    ///
    /// # Errors
    /// If the disk does not take it. It stays in memory, for the next call.
    pub fn keep(&self) -> Result<(), FleetError> {
        self.keeper().flush()
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    fn items(&mut self, now: DateTime<Utc>) -> Result<Vec<Item>, FleetError> {
        let sheets = self.sheets();
        self.settle(&sheets, now);
        let impacts: Vec<(Group, Item)> = sheets
            .iter()
            .filter_map(|(group, sheet)| Some((*group, impact::impact(self, *group, sheet, now)?)))
            .collect();
        for (group, item) in &impacts {
            self.note_said(*group, item);
        }
        let claimed: BTreeSet<Group> = impacts.iter().map(|(group, _)| *group).collect();
        let runs = run::runs(self, &sheets, &claimed, now);
        let pace = self.profile.rules.pace;
        let all: Vec<Item> = impacts.into_iter().map(|(_, item)| item).chain(runs).collect();
        let told = all.iter().flat_map(told_by).collect();
        let said = all.into_iter().filter_map(|item| self.speech.say(&mut self.diary, item, pace, now)).collect();
        self.speech.forget(&told);
        self.diary.forget(&told, now);
        self.sync()?;
        Ok(said)
    }

    fn note_said(&mut self, group: Group, item: &Item) {
        let closed = item.impact().is_some_and(|impact| !impact.phase.is_open());
        let blind = self.is_blind(group);
        let season = self.diary.season_mut(group);
        // Once it was said that nothing can be seen, it is also said that something can.
        season.blind |= blind;
        season.closed = closed;
    }
}

/// The objects that an item says something of.
fn told_by(item: &Item) -> Vec<String> {
    let also = item.also.iter().map(|statement| statement.object_id.clone());
    also.chain([item.object_id.clone()]).collect()
}
