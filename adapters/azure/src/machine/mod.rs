//! `azure-vm`: every virtual machine with its power and what the agent inside it says, counted by place and system. What
//! the platform says of a machine goes before what its agent does not say.

mod inventory;
mod sign;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::family::Body;
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::ask::{Ask, Told};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{Fleet, FleetError, Hint, Os, Place, Seen, Sighting};
use entente_sidecar::item::{FeedProfile, Item, Reading, Refusal};
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use crate::account::api::MACHINES;
use crate::account::lack::Lack;
use crate::account::settings;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element};
use crate::availability::Book;
use crate::region::regions;
use crate::resource::resource;
use inventory::Inventory;
use sign::{Machine, Sign};

/// The native system.
pub(crate) const SYSTEM: &str = "azure.vm";

/// Machines that are told as refused in one answer.
const REFUSED_MAX: usize = 100;

/// What the feed works with.
pub(crate) struct Tools {
    pub(crate) profile: FeedProfile,
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) fleet: Fleet,
    pub(crate) book: Book,
    pub(crate) settings: settings::Machines,
    pub(crate) cadence: Cadence,
    /// The native system whose runs another feed tells, if there is one.
    pub(crate) elsewhere: Option<&'static str>,
}

/// The feed.
pub(crate) struct Machines {
    tools: Arc<Tools>,
    inventory: Inventory,
    /// The regions in which each subscription has machines.
    regions: BTreeMap<String, BTreeSet<String>>,
    swept: Option<DateTime<Utc>>,
}

impl Machines {
    pub(crate) fn new(tools: Arc<Tools>) -> Self {
        let mut inventory = Inventory::default();
        inventory.want();
        Self { tools, inventory, regions: BTreeMap::new(), swept: None }
    }

    /// The call that lists the machines of a subscription.
    pub(crate) fn call(subscription: &str) -> Call {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines");
        Call::get(MACHINES, subscription, path).with("statusOnly", "true")
    }

    async fn poll(&mut self, clock: Clock) -> Result<Told, Failure> {
        let subscriptions = self.tools.subscriptions.list().await.inspect_err(|_| self.lost(clock.now()))?;
        let mut lack = Lack::default();
        let mut refused = Vec::new();
        lack.note(self.inventory.refresh(&self.tools.graph).await);
        let sweep = self.begin_sweep(clock.now());
        let mut listed = Lack::default();
        for subscription in subscriptions.iter() {
            let listing = self.list(subscription, clock, &mut refused).await;
            if let Some(regions) = listed.note(listing) {
                self.regions.insert(subscription.clone(), regions);
            }
        }
        self.regions.retain(|known, _| subscriptions.contains(known));
        let whole = listed.is_none();
        let lacks = listed
            .told()
            .inspect_err(|_| self.lost(clock.now()))?
            .or(lack.told().unwrap_or_else(|all| Some(Box::new(all))));
        if let Some(places) = sweep.filter(|_| whole) {
            self.end_sweep(&places, clock.now()).map_err(not_kept)?;
        }
        let items = self.items(clock.now()).await?;
        Ok(Told::Reading(Reading { items, refused, lacks, ..Reading::default() }))
    }

    /// All regions that could be asked are in the dark.
    fn lost(&self, now: DateTime<Utc>) {
        let regions: BTreeSet<&String> = self.regions.values().flatten().collect();
        regions.into_iter().for_each(|region| self.tools.fleet.unseen(region, now));
    }

    /// Begins a listing of everything, if one is due: in regions where nothing is left, too.
    fn begin_sweep(&self, now: DateTime<Utc>) -> Option<BTreeSet<String>> {
        let every = TimeDelta::from_std(self.tools.settings.sweep_every.0).unwrap_or(TimeDelta::MAX);
        if self.swept.is_some_and(|swept| now.signed_duration_since(swept) < every) {
            return None;
        }
        let known = self.regions.values().flatten().cloned();
        let places: BTreeSet<String> = known.chain(regions().codes().map(str::to_owned)).collect();
        places.iter().for_each(|region| self.tools.fleet.sweep(region));
        Some(places)
    }

    fn end_sweep(&mut self, places: &BTreeSet<String>, now: DateTime<Utc>) -> Result<(), FleetError> {
        for region in places {
            self.tools.fleet.swept(region, &[], now)?;
        }
        self.swept = Some(now);
        Ok(())
    }

    /// Lists the machines of a subscription, and gives the regions that they are in.
    async fn list(
        &mut self,
        subscription: &str,
        clock: Clock,
        refused: &mut Vec<Refusal>,
    ) -> Result<BTreeSet<String>, Failure> {
        let (arm, call) = (self.tools.arm.clone(), Self::call(subscription));
        let (mut regions, mut disk) = (BTreeSet::new(), Ok(()));
        let mut place = 0_usize;
        arm.list(&call, |raw| {
            place += 1;
            match self.see(raw, clock.now()) {
                Ok(region) => {
                    regions.insert(region);
                }
                Err(FleetError::Ledger(error)) => disk = Err(not_kept(FleetError::Ledger(error))),
                Err(error) if refused.len() < REFUSED_MAX => refused.push(refusal(&error, place, raw)),
                Err(_) => {}
            }
        })
        .await?;
        disk?;
        for region in &regions {
            self.tools.fleet.reached(region, &[], clock.now());
        }
        Ok(regions)
    }

    fn see(&mut self, raw: &RawValue, now: DateTime<Utc>) -> Result<String, FleetError> {
        let unreadable = FleetError::Place { part: "region", characters: 0 };
        let machine: Machine = element(raw).map_err(|_| unreadable)?;
        let device = resource(&machine.id);
        let region = crate::availability::region(Some(&machine.location));
        let mut os = machine.os();
        let mut zone = machine.zones.iter().flatten().next().cloned();
        if os == Os::Unknown || zone.is_none() {
            let known = self.inventory.of(&device);
            os = if os == Os::Unknown { known.os } else { os };
            zone = zone.or_else(|| known.zone());
        }
        let (seen, since) = self.seen(&machine, &device, now);
        let place = Place { region: &region, zone: zone.as_deref() };
        let launched = machine.launched(now);
        let sighting = Sighting { device: &device, place, os, seen, since, launched, observed: now };
        if seen == Seen::Unknown && self.tools.fleet.is_down(&device) {
            self.platform_restored(sighting)?;
        } else {
            self.tools.fleet.see(sighting)?;
        }
        Ok(region)
    }

    /// A machine that failed by the platform's word and is not named by it any more, and nobody speaks from inside it: that
    /// it is restored is the platform's word too, and all that is known. While the platform does not answer it stays as it is.
    fn platform_restored(&self, sighting: Sighting<'_>) -> Result<(), FleetError> {
        if !self.tools.book.sees(sighting.observed) {
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
        match (machine.sign(theirs, silent_after), tools.book.hint(device, now)) {
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

/// The disk takes no more: that is this machine's matter, and it is asked again.
pub(crate) fn not_kept(error: FleetError) -> Failure {
    Failure::new("ledger", format!("what was seen of machines is not kept: {error}"))
}

fn refusal(error: &FleetError, place: usize, raw: &RawValue) -> Refusal {
    let reason = match error {
        FleetError::Place { characters: 0, .. } => "not a virtual machine as Azure lists them".to_owned(),
        other => other.to_string(),
    };
    refuse_item(reason, format!("virtual machine {place}"), raw.get().as_bytes())
}

impl Ask for Machines {
    fn profile(&self) -> &FeedProfile {
        &self.tools.profile
    }

    fn shown(&self) -> String {
        self.tools.profile.address.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(self.poll(clock))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.tools.cadence.pause(self.tools.fleet.is_hit() || self.tools.book.is_hit()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.tools.arm.skew().offset_ms()
    }
}
