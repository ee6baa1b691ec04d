//! `azure-vm`: every virtual machine with its power and what the agent inside it says, counted by place and system. What
//! the platform says of a machine goes before what its agent does not say.

mod inventory;
mod shown;
mod sign;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::family::Body;
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{Fleet, FleetError, Hint, Os, Place, Seen, Sighting};
use entente_sidecar::item::{Item, Reading, Refusal};
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use crate::account::api::MACHINES;
use crate::account::beside::beside;
use crate::account::lack::Lack;
use crate::account::settings;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element};
use crate::asking::Question;
use crate::availability::Book;
use crate::region::regions;
use crate::resource::resource;
use inventory::Inventory;
use shown::{AllShown, Course, Listing};
use sign::{Machine, Sign};

/// The native system.
pub(crate) const SYSTEM: &str = "azure.vm";

/// Machines that are told as refused in one answer.
const REFUSED_MAX: usize = 100;

/// What the feed works with.
pub(crate) struct Tools {
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) fleet: Fleet,
    pub(crate) book: Book,
    pub(crate) settings: settings::Machines,
    /// The native system whose runs another feed tells, if there is one.
    pub(crate) elsewhere: Option<&'static str>,
}

/// The feed.
pub(crate) struct Machines {
    tools: Arc<Tools>,
    memory: Mutex<Memory>,
    swept: Option<DateTime<Utc>>,
}

/// What is remembered from one answer to the next.
#[derive(Default)]
struct Memory {
    inventory: Inventory,
    shown: AllShown,
}

impl Machines {
    pub(crate) fn new(tools: Arc<Tools>) -> Self {
        let mut memory = Memory::default();
        memory.inventory.want();
        Self { tools, memory: Mutex::new(memory), swept: None }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call that lists the machines of a subscription.
    pub(crate) fn call(subscription: &str) -> Call {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines");
        Call::get(MACHINES, subscription, path).with("statusOnly", "true")
    }

    /// All regions that could be asked are in the dark.
    fn lost(&self, now: DateTime<Utc>) {
        self.memory().shown.regions().iter().for_each(|region| self.tools.fleet.unseen(region, now));
    }

    /// Begins a listing of everything, if one is due: in regions where nothing is left, too.
    fn begin_sweep(&self, now: DateTime<Utc>) -> Option<BTreeSet<String>> {
        let every = TimeDelta::from_std(self.tools.settings.sweep_every.0).unwrap_or(TimeDelta::MAX);
        if self.swept.is_some_and(|swept| now.signed_duration_since(swept) < every) {
            return None;
        }
        let mut places = self.memory().shown.regions();
        places.extend(regions().codes().map(str::to_owned));
        places.iter().for_each(|region| self.tools.fleet.sweep(region));
        Some(places)
    }

    /// Ends it wherever no subscription has machines that could not be asked.
    fn end_sweep(
        &mut self,
        places: &BTreeSet<String>,
        unlisted: &BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        let Some(dark) = self.memory().shown.regions_of(unlisted) else { return Ok(()) };
        for region in places.difference(&dark) {
            self.tools.fleet.swept(region, &[], now)?;
        }
        self.swept = Some(now);
        Ok(())
    }

    /// Lists the machines of all subscriptions. Gives what is lacking, and which could not be listed.
    async fn list_all(
        &self,
        subscriptions: &[String],
        clock: Clock,
        refused: &Mutex<Vec<Refusal>>,
    ) -> (Lack, BTreeSet<String>) {
        let asked = subscriptions.iter().map(|subscription| self.list(subscription, clock, refused)).collect();
        let (mut lack, mut unlisted) = (Lack::default(), BTreeSet::new());
        for (subscription, answer) in subscriptions.iter().zip(beside(asked).await) {
            if lack.note(answer).is_none() {
                unlisted.insert(subscription.clone());
            }
        }
        self.memory().shown.only(subscriptions);
        (lack, unlisted)
    }

    /// Lists the machines of a subscription.
    async fn list(&self, subscription: &str, clock: Clock, refused: &Mutex<Vec<Refusal>>) -> Result<(), Failure> {
        let (arm, call) = (self.tools.arm.clone(), Self::call(subscription));
        let (mut listing, mut disk) = (self.memory().shown.begin(subscription), Ok(()));
        let mut place = 0_usize;
        arm.list(&call, |raw| {
            place += 1;
            match self.see(raw, &mut listing, clock.now()) {
                Ok(()) => {}
                Err(FleetError::Ledger(error)) => disk = Err(not_kept(FleetError::Ledger(error))),
                Err(error) => {
                    let device = element::<Named>(raw).map(|named| resource(&named.id)).unwrap_or_default();
                    let refusal = refusal(&error, place, &self.tools.book.hide(&device));
                    listing.keep(device);
                    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                    if refused.len() < REFUSED_MAX {
                        refused.push(refusal);
                    }
                }
            }
        })
        .await?;
        disk?;
        let (regions, gone) = self.memory().shown.end(subscription, listing);
        for (device, region) in &gone {
            self.gone(device, region, clock.now()).map_err(not_kept)?;
        }
        regions.iter().for_each(|region| self.tools.fleet.reached(region, &[], clock.now()));
        Ok(())
    }

    fn gone(&self, device: &str, region: &str, observed: DateTime<Utc>) -> Result<(), FleetError> {
        let place = Place { region, zone: None };
        let seen = Seen::Gone;
        self.tools.fleet.see(Sighting { device, place, os: Os::Unknown, seen, since: None, launched: None, observed })
    }

    fn see(&self, raw: &RawValue, listing: &mut Listing, now: DateTime<Utc>) -> Result<(), FleetError> {
        let unreadable = FleetError::Place { part: "region", characters: 0 };
        match element::<Machine>(raw) {
            Ok(machine) => self.see_machine(&machine, listing, now),
            Err(_) => {
                // Where it is known to stand, it is one more of whom nobody knows how it does.
                if let Some(machine) = element::<Named>(raw).ok().and_then(|named| named.placed(listing)) {
                    self.see_machine(&machine, listing, now)?;
                }
                Err(unreadable)
            }
        }
    }

    fn see_machine(&self, machine: &Machine, listing: &mut Listing, now: DateTime<Utc>) -> Result<(), FleetError> {
        let device = resource(&machine.id);
        let region = crate::availability::region(Some(&machine.location));
        let mut os = machine.os();
        let mut zone = machine.zones.iter().flatten().next().cloned();
        if os == Os::Unknown || zone.is_none() {
            let known = self.memory().inventory.of(&device);
            os = if os == Os::Unknown { known.os } else { os };
            zone = zone.or_else(|| known.zone());
        }
        let (seen, since) = self.seen(machine, &device, now);
        let place = Place { region: &region, zone: zone.as_deref() };
        let launched = machine.launched(now);
        let sighting = Sighting { device: &device, place, os, seen, since, launched, observed: now };
        if seen == Seen::Unknown && self.tools.fleet.is_down(&device) {
            self.platform_restored(sighting)?;
        } else {
            self.tools.fleet.see(sighting)?;
        }
        let course = match seen {
            Seen::Affected(_) => Course::Fails,
            Seen::Well => Course::Works,
            _ => Course::Open,
        };
        listing.note(device, region, course);
        Ok(())
    }

    /// A machine that failed by the platform's word and is not named by it any more, and nobody speaks from inside it: that
    /// it is restored is the platform's word too, and all that is known. While the platform does not answer it stays as it is.
    fn platform_restored(&self, sighting: Sighting<'_>) -> Result<(), FleetError> {
        if !self.tools.book.sees(sighting.device, sighting.observed) {
            return self.tools.fleet.see(Sighting { seen: Seen::Starting, ..sighting });
        }
        self.tools.fleet.see(Sighting { seen: Seen::Restored { by: None }, ..sighting })?;
        self.tools.fleet.see(sighting)
    }

    fn seen(&self, machine: &Machine, device: &str, now: DateTime<Utc>) -> (Seen<'static>, Option<DateTime<Utc>>) {
        let tools = &self.tools;
        let offset = TimeDelta::milliseconds(tools.arm.skew().offset_ms().unwrap_or(0));
        let theirs = now.checked_add_signed(offset).unwrap_or(now);
        let silent_after = TimeDelta::from_std(tools.settings.silent_after.0).unwrap_or(TimeDelta::MAX);
        // Where guests give no signal, that one failed is of no use either: nobody could say that it works again.
        let hint = tools
            .book
            .hint(device, now)
            .filter(|hint| tools.settings.guest_signal || *hint != Hint::GuestOsUnreachable);
        match (machine.sign(theirs, silent_after), hint) {
            (Sign::Stopped, _) => (Seen::Stopped, None),
            (_, Some(hint)) => (Seen::Affected(hint), None),
            (Sign::Starting, _) => (Seen::Starting, None),
            _ if !tools.settings.guest_signal => (Seen::Unknown, None),
            (Sign::Well, _) => (Seen::Well, None),
            (Sign::Silent { spoke, since }, _) if spoke || tools.fleet.has_shown(device) => {
                (Seen::Affected(Hint::GuestAgentLost), since)
            }
            (Sign::Ill { since }, _) => (Seen::Affected(Hint::GuestOsUnreachable), since),
            (Sign::Silent { .. } | Sign::Mute, _) => (Seen::Unknown, None),
        }
    }

    async fn items(&self, now: DateTime<Utc>) -> Result<Vec<Item>, Failure> {
        let (fleet, elsewhere) = (self.tools.fleet.clone(), self.tools.elsewhere);
        let items = spawn_blocking(move || fleet.items(now)).await;
        let items = items.map_err(|error| Failure::new("ledger", error.to_string()))?.map_err(not_kept)?;
        let told =
            |item: &Item| !matches!(item.body, Body::Remediation(_)) || Some(item.native.system.as_str()) != elsewhere;
        Ok(items.into_iter().filter(told).collect())
    }
}

/// All that can be read of an element that is no machine.
#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    location: Value,
}

impl Named {
    /// As a machine, if its place can be read or is known from before.
    fn placed(self, listing: &Listing) -> Option<Machine> {
        let location = self.location.as_str().map(str::trim).filter(|location| !location.is_empty());
        let location = location.or_else(|| listing.region(&resource(&self.id)))?.to_owned();
        Some(Machine::unread(self.id, location))
    }
}

/// The disk takes no more: that is this machine's matter, and it is asked again.
pub(crate) fn not_kept(error: FleetError) -> Failure {
    Failure::new("ledger", format!("what was seen of machines is not kept: {error}"))
}

/// One and the same at each look, whatever else moves in what is told of the machine.
fn refusal(error: &FleetError, place: usize, hidden: &str) -> Refusal {
    let reason = match error {
        FleetError::Place { characters: 0, .. } => "not a virtual machine as Azure lists them".to_owned(),
        other => other.to_string(),
    };
    let input = format!("{hidden}\n{reason}");
    refuse_item(reason, format!("virtual machine {place}"), input.as_bytes())
}

impl Question for Machines {
    async fn put(&mut self, clock: Clock) -> Result<Reading, Failure> {
        let subscriptions = self.tools.subscriptions.list().await.inspect_err(|_| self.lost(clock.now()))?;
        let (mut lack, refused) = (Lack::default(), Mutex::default());
        let memory = self.memory.get_mut().unwrap_or_else(PoisonError::into_inner);
        lack.note(memory.inventory.refresh(&self.tools.graph).await);
        let sweep = self.begin_sweep(clock.now());
        let (listed, unlisted) = self.list_all(&subscriptions, clock, &refused).await;
        let lacks = listed
            .told()
            .inspect_err(|_| self.lost(clock.now()))?
            .or(lack.told().unwrap_or_else(|all| Some(Box::new(all))));
        let dark = self.memory().shown.only_in(&unlisted);
        dark.iter().for_each(|region| self.tools.fleet.unseen(region, clock.now()));
        if let Some(places) = sweep {
            self.end_sweep(&places, &unlisted, clock.now()).map_err(not_kept)?;
        }
        let items = self.items(clock.now()).await?;
        let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Reading { items, refused, lacks, ..Reading::default() })
    }

    fn is_busy(&self) -> bool {
        self.tools.fleet.is_hit() || self.tools.book.is_hit()
    }
}
