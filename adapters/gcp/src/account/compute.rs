//! The feed `gcp-compute`: every machine of the projects, and what signals from inside say of it. That a machine runs says
//! nothing of its guest; without a signal the guests are unknown.

mod group;
mod look;
mod machine;
mod port;
mod round;
mod sign;
mod signal;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::speaker::Speaker;
use entente_sidecar::account::{Cadence, Secret};
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{Fleet, FleetError, Place};
use entente_sidecar::item::{FeedProfile, Reading, Vanishing};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::api::INSTANCES;
use super::asked::Asked;
use super::atlas::Atlas;
use super::google::Google;
use crate::normalize::region_of_zone;
use look::{Look, Looker, Project};
use machine::Machine;
use round::Round;
use sign::seen;
use table::Status;

pub(crate) use sign::Silence;
pub(crate) use table::Table;

/// The native system.
pub(crate) const SYSTEM: &str = "gcp.compute";
pub(crate) const SLUG: &str = "gcp-compute";
const CHANNEL: &str = "https://compute.googleapis.com";

/// Elements of a page.
const PAGE: u32 = 500;
/// Projects that are looked at beside each other.
const AT_ONCE: usize = 8;

/// The signals from inside that are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guest {
    /// The health checks of managed instance groups.
    pub(crate) groups: bool,
    /// The last report of the OS Config agent; when silence means something.
    pub(crate) inventory: Option<Silence>,
    /// How many machines' serial ports are read.
    pub(crate) ports: usize,
}

impl Guest {
    /// Whether there is any.
    pub(crate) fn any(&self) -> bool {
        self.groups || self.inventory.is_some() || self.ports > 0
    }
}

/// The feed.
pub(crate) struct Feed {
    profile: FeedProfile,
    table: Arc<Table>,
    parts: Parts,
    projects: Vec<Project>,
}

/// What the feed is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) google: Google,
    pub(crate) fleet: Fleet,
    pub(crate) guest: Guest,
    pub(crate) atlas: Atlas,
    pub(crate) projects: Vec<String>,
    pub(crate) secret: Secret,
    pub(crate) cadence: Cadence,
    pub(crate) speaker: Speaker,
}

/// A zone, and the region that it lies in.
fn place(zone: &str) -> Place<'_> {
    match region_of_zone(zone) {
        Some(region) => Place { region, zone: Some(zone) },
        None => Place { region: zone, zone: None },
    }
}

impl Feed {
    pub(crate) fn new(parts: Parts) -> Self {
        let table = Arc::new(Table::compiled_in());
        let profile = FeedProfile {
            slug: SLUG.to_owned(),
            system: SYSTEM.to_owned(),
            speaker: Speaker { channel: None, ..parts.speaker.clone() },
            address: CHANNEL.to_owned(),
            vanishing: Vanishing::Nothing,
            covers: vec![ServiceClass::Compute],
            mapping_version: table.version(),
        };
        let projects = parts.projects.iter().cloned().map(Project::new).collect();
        Self { profile, table, parts, projects }
    }
}

impl Ask for Feed {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        CHANNEL.to_owned()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let google = self.parts.google.clone();
            tokio::join!(self.read(clock), google.look_at_clock()).0
        })
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.parts.cadence.pause(self.parts.fleet.is_hit()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.parts.google.skew().offset_ms()
    }
}

impl Feed {
    async fn read(&mut self, clock: Clock) -> Result<Told, Failure> {
        let Parts { google, fleet, atlas, secret, guest, .. } = &self.parts;
        let looker = Looker { google, fleet, table: &self.table, guest: *guest, secret };
        let looks = self.projects.iter_mut().map(|project| look_at(&looker, project, atlas, clock));
        let looks: Vec<BoxFuture<'_, _>> = looks.map(|look| look.boxed()).collect();
        let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        let (mut asked, mut round, mut seen) = (Asked::of("project"), Round::default(), Vec::new());
        for looked in looks {
            if let Err((_, regions)) = &looked {
                round.miss(regions.iter().cloned());
            }
            seen.extend(asked.note(looked.map_err(|(failure, _)| failure)));
        }
        let mut reading = Reading::default();
        if asked.any() {
            asked.lack(self.note(seen, round, &mut reading, clock.now()).map_err(unkept)?);
        }
        reading.items = fleet.impacts(clock.now()).map_err(unkept)?;
        asked.told(reading)
    }

    /// Tells the fleet how every machine was seen, and what could not be; gives what is lacking.
    fn note(
        &self,
        looks: Vec<Look>,
        mut round: Round,
        reading: &mut Reading,
        now: DateTime<Utc>,
    ) -> Result<Vec<Failure>, FleetError> {
        let fleet = &self.parts.fleet;
        looks.iter().for_each(|look| round.join(&look.round));
        round.begin(fleet);
        let mut lacks = Vec::new();
        for mut look in looks {
            for machine in std::mem::take(&mut look.machines) {
                self.see(&machine, &mut look, now)?;
            }
            reading.refused.append(&mut look.refused);
            for (word, count) in look.unmapped {
                *reading.unmapped.entry(word).or_default() += count;
            }
            lacks.append(&mut look.lacks);
        }
        round.end(fleet, now)?;
        let dark: Vec<&str> = round.dark_zones().collect();
        if !dark.is_empty() {
            let text =
                format!("{}: zones that cannot be reached: {}; they are asked again", INSTANCES.name, dark.join(", "));
            lacks.push(Failure::new("zone-unreachable", text));
        }
        Ok(lacks)
    }

    fn see(&self, machine: &Machine, look: &mut Look, now: DateTime<Utc>) -> Result<(), FleetError> {
        let (fleet, device) = (&self.parts.fleet, machine.id.to_string());
        let status = self.table.status(&machine.status);
        if status.is_none() && !machine.status.is_empty() {
            look.unknown("status", &machine.status);
        }
        let was_down = status == Some(Status::Guest) && fleet.is_down(&device);
        match fleet.see(seen(machine, &device, status, &look.signs, (was_down, now))) {
            Err(error @ FleetError::Place { .. }) => {
                let hidden = self.parts.secret.hide(&device);
                look.refused.push(refuse_item(error, "a machine", hidden.as_bytes()));
                Ok(())
            }
            noted => noted,
        }
    }
}

/// Looks at a project; if that fails, with the regions in which it had machines.
async fn look_at(
    looker: &Looker<'_>,
    project: &mut Project,
    atlas: &Atlas,
    clock: Clock,
) -> Result<Look, (Failure, BTreeSet<String>)> {
    match looker.look(project, clock).await {
        Ok(look) => {
            atlas.note(&project.id, look.machines.iter().map(|machine| machine.zone.clone()).collect());
            Ok(look)
        }
        Err(failure) => Err((failure, project.regions.clone())),
    }
}

/// The fleet's disk takes no more.
pub(super) fn unkept(error: FleetError) -> Failure {
    Failure::new("ledger", error.to_string())
}
