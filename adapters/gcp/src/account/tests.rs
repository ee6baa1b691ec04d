//! The feeds with Google's own clients against a double of Google Cloud: what is said of a fleet, what becomes of every
//! fault, and that nothing is said by which anybody is known.

mod captures;
mod faults;
mod health;
mod lists;
mod machines;
mod repairs;
mod secrets;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::gcp::Gcp;
use entente_exercise::{Fleet as Machines, Served};
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_schemas::family::{Impact, Remediation};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::account::{Budget, Cadence, Secret, Skew};
use entente_sidecar::ask::Clock;
use entente_sidecar::fleet::{Fleet, FleetProfile, Rules, known_approaches};
use entente_sidecar::item::{Item, Reading};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Ask, Told};
use google_cloud_auth::credentials::anonymous;
use tempfile::TempDir;

use super::atlas::Atlas;
use super::clients::{Endpoints, Identity};
use super::compute::{self, Guest, Silence};
use super::feed::Feed;
use super::google::{Google, Means};
use super::redact::Redact;
use super::{api, operations, osconfig, psh};

const PROJECT: &str = "acme-prod-417";
const ORGANIZATION: &str = "417417417417";
const CADENCE: Cadence = Cadence { quiet: Duration::from_secs(60), incident: Duration::from_secs(15) };
/// How long a call may take; a stall of a double is longer.
const TIMEOUT: Duration = Duration::from_millis(1_500);

/// A project of a double, the clients that ask it, and the fleet that is counted.
struct Trial {
    gcp: Gcp,
    machines: Machines,
    served: Served,
    google: Google,
    fleet: Fleet,
    atlas: Atlas,
    clock: Clock,
    folder: TempDir,
    guest: Guest,
}

/// The moment at which every trial begins.
fn onset() -> DateTime<Utc> {
    DateTime::from_timestamp(1_721_362_140, 0).unwrap()
}

fn after(minutes: i64) -> DateTime<Utc> {
    onset() + TimeDelta::minutes(minutes)
}

fn own() -> Speaker {
    Speaker { org: "acme".into(), role: Role::Customer, channel: None, relay: Relay::Own }
}

/// A clock that shows this time, and goes on.
fn at(time: DateTime<Utc>) -> Clock {
    Clock::showing(time)
}

const NO_SIGNAL: Guest = Guest { groups: false, inventory: None, ports: 0 };
const GROUPS: Guest = Guest { groups: true, ..NO_SIGNAL };
const INVENTORY: Guest =
    Guest { inventory: Some(Silence { after: TimeDelta::minutes(30), until: TimeDelta::days(7) }), ..NO_SIGNAL };
const SERIAL: Guest = Guest { ports: 20, ..NO_SIGNAL };

impl Trial {
    async fn start(guest: Guest) -> Self {
        let (gcp, machines) = (Gcp::new(), Machines::new());
        gcp.project(PROJECT, machines.clone());
        gcp.clock(onset);
        let served = gcp.serve().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let google = google(&served, Arc::new(|| Ok(anonymous::Builder::new().build())));
        let fleet = fleet(&folder, guest);
        let (atlas, clock) = (Atlas::new(TIMEOUT), at(onset()));
        Self { gcp, machines, served, google, fleet, atlas, clock, folder, guest }
    }

    /// Google, called by somebody else.
    fn google_as(&self, identity: Identity) -> Google {
        google(&self.served, identity)
    }

    /// Lets everything be as so many minutes after the onset.
    fn at(&mut self, minutes: i64) -> &mut Self {
        self.gcp.clock(move || after(minutes));
        self.clock = at(after(minutes));
        self
    }

    fn compute(&self) -> Feed<compute::Machines> {
        self.compute_of(&[PROJECT])
    }

    fn compute_of(&self, projects: &[&str]) -> Feed<compute::Machines> {
        compute::feed(compute::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            guest: self.guest,
            atlas: self.atlas.clone(),
            projects: projects.iter().map(|project| (*project).to_owned()).collect(),
            secret: Secret::in_file(&self.folder.path().join("secret")).unwrap(),
            cadence: CADENCE,
            speaker: own(),
            symptoms: self.folder.path().join("symptoms"),
        })
    }

    fn operations(&self) -> Feed<operations::Repairs> {
        operations::feed(operations::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            atlas: self.atlas.clone(),
            lookback: TimeDelta::hours(24),
            cadence: CADENCE,
            speaker: own(),
            cursor: self.folder.path().join("operations"),
        })
    }

    fn osconfig(&self, jobs: &[&str]) -> Feed<osconfig::PatchJobs> {
        osconfig::feed(osconfig::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            projects: vec![PROJECT.to_owned()],
            jobs: jobs.iter().map(|job| (*job).to_owned()).collect(),
            lookback: TimeDelta::hours(24),
            cadence: CADENCE,
            speaker: own(),
            told: self.folder.path().join("osconfig"),
        })
    }

    fn psh(&self, sources: &[psh::Source]) -> Feed<psh::Psh> {
        psh::feed(psh::Parts {
            google: self.google.clone(),
            sources: sources.to_vec(),
            lookback: TimeDelta::days(14),
            redact: Redact::new([PROJECT, ORGANIZATION]),
            cadence: CADENCE,
            speaker: Speaker { org: "gcp".into(), role: Role::Provider, channel: None, relay: Relay::Polled },
        })
    }

    async fn ask(&self, feed: &mut dyn Ask) -> Result<Reading, Failure> {
        match feed.ask(self.clock).await? {
            Told::Reading(reading) => Ok(reading),
            Told::Unchanged => Ok(Reading::default()),
        }
    }

    /// The paths that were asked for, without the first look at the clock.
    fn paths(&self) -> Vec<String> {
        self.served.calls().into_iter().filter(|call| call.method != "HEAD").map(|call| call.target).collect()
    }
}

fn google(served: &Served, identity: Identity) -> Google {
    let endpoint = Some(served.url().parse().unwrap());
    let endpoints = Endpoints { compute: endpoint.clone(), servicehealth: endpoint.clone(), osconfig: endpoint };
    let rates = api::RATES.iter().map(|rate| (rate.api.to_owned(), 60_000)).collect();
    let means = Means { timeout: TIMEOUT, budget: Budget::new(rates), skew: Skew::default() };
    Google::new(identity, endpoints, means)
}

fn fleet(folder: &TempDir, guest: Guest) -> Fleet {
    let profile = FleetProfile {
        provider: "gcp".into(),
        system: compute::SYSTEM.into(),
        fleet: "web".into(),
        org: "acme".into(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("Google Compute Engine".into()),
        device_class: "cloud_vm".into(),
        guest_signal: guest.any(),
        approaches: known_approaches("gcp").unwrap(),
        rules: Rules::default(),
    };
    Fleet::open(&folder.path().join("fleet"), profile).unwrap()
}

fn impact(items: &[Item], id: &str) -> Option<Impact> {
    items.iter().find(|item| item.object_id == id).and_then(|item| item.impact().cloned())
}

fn runs(items: &[Item]) -> Vec<(String, Remediation)> {
    let run = |item: &Item| match &item.body {
        entente_schemas::family::Body::Remediation(run) => Some((item.object_id.clone(), run.clone())),
        _ => None,
    };
    items.iter().filter_map(run).collect()
}
