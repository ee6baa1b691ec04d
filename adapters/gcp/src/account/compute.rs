//! The feed `gcp-compute`: every machine of the projects, and what signals from inside say of it. That a machine runs says
//! nothing of its guest; without a signal the guests are unknown.

mod group;
mod look;
mod machine;
mod notes;
mod port;
mod roll;
mod round;
mod sign;
mod signal;
mod symptom;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use entente_schemas::speaker::Speaker;
use entente_sidecar::Told;
use entente_sidecar::account::{Cadence, Secret};
use entente_sidecar::ask::Clock;
use entente_sidecar::fleet::{Fleet, FleetError, Place};
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::asked::Asked;
use super::atlas::Atlas;
use super::feed::{Feed, Read, own_profile};
use super::google::Google;
use super::kept::Kept;
use crate::normalize::region_of_zone;
use look::{Look, Looker, Project};
use notes::Notes;
use symptom::Symptoms;

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

/// The machines of the projects.
pub(crate) struct Machines {
    profile: FeedProfile,
    table: Arc<Table>,
    parts: Parts,
    projects: Vec<Project>,
    symptoms: Symptoms,
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
    /// Where it is kept what guests have shown of why they do not come up.
    pub(crate) symptoms: PathBuf,
}

/// A zone, and the region that it lies in.
fn place(zone: &str) -> Place<'_> {
    match region_of_zone(zone) {
        Some(region) => Place { region, zone: Some(zone) },
        None => Place { region: zone, zone: None },
    }
}

/// The feed.
pub(crate) fn feed(parts: Parts) -> Feed<Machines> {
    let table = Arc::new(Table::compiled_in());
    let profile = own_profile(SLUG, SYSTEM, CHANNEL, &parts.speaker, table.version());
    let (google, cadence) = (parts.google.clone(), parts.cadence);
    let projects = parts.projects.iter().cloned().map(Project::new).collect();
    let symptoms = Symptoms::open(Kept::at(parts.symptoms.clone()));
    Feed::new(Machines { profile, table, parts, projects, symptoms }, google, cadence)
}

impl Read for Machines {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        self.look(clock).boxed()
    }

    fn is_hit(&self) -> bool {
        self.parts.fleet.is_hit()
    }
}

impl Machines {
    async fn look(&mut self, clock: Clock) -> Result<Told, Failure> {
        let mut asked = Asked::of("project");
        let looks: Vec<_> = self.looks(clock).await.into_iter().map(|look| asked.note(look)).collect();
        let (mut reading, now) = (Reading::default(), clock.now());
        if asked.any() {
            let Self { table, parts, projects, .. } = self;
            let notes = Notes { parts, table, now };
            asked.lack(notes.round(projects, looks, &mut reading).map_err(unkept)?);
        }
        reading.items = self.parts.fleet.impacts(now).map_err(unkept)?;
        self.symptoms.tell(&self.shown(), &mut reading.items);
        asked.told(reading)
    }

    async fn looks(&mut self, clock: Clock) -> Vec<Result<Look, Failure>> {
        let Self { table, parts, projects, .. } = self;
        let Parts { google, fleet, secret, guest, .. } = &*parts;
        let looker = Looker { google, fleet, table, guest: *guest, secret };
        let looks: Vec<BoxFuture<'_, _>> =
            projects.iter_mut().map(|project| looker.look(project, clock).boxed()).collect();
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }

    /// What guests show of why they do not come up.
    fn shown(&self) -> BTreeSet<String> {
        let signs = &self.table.serial;
        self.projects.iter().flat_map(|project| project.ports.symptoms(signs)).map(str::to_owned).collect()
    }
}

/// The fleet's disk takes no more.
pub(super) fn unkept(error: FleetError) -> Failure {
    Failure::new("ledger", error.to_string())
}
