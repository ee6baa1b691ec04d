//! The feeds on the real SDK, against the double of AWS: what they tell, and what they do while AWS fails.

mod checks;
mod ec2;
mod events;
mod faults;
mod health;
mod moto;
mod recorded;
mod ssm;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::aws::Aws as Double;
use entente_exercise::{Faults, Fleet as Machines};
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::{Body, Impact, Remediation, Tally};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::account::{Budget, Cadence, Secret, Skew};
use entente_sidecar::ask::Clock;
use entente_sidecar::fleet::{Fleet, FleetProfile, Rules, known_approaches};
use entente_sidecar::item::{FeedProfile, Item, Reading, Vanishing};
use entente_sidecar::mapping::Mapping;
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::{Ask, Told};

use super::call::Caller;
use super::client::{Clients, Making};
use super::config::Ssm;
use super::ec2::{Ec2Ask, Planner};
use super::events::EventsAsk;
use super::health::{HealthAsk, Progress, Source};
use super::regions::Regions;
use super::share::{Part, Share};
use super::ssm::SsmAsk;

/// How long a call may take: a machine that has much to do may need it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take where none is answered.
const HURRY: Duration = Duration::from_millis(1_500);

/// A double, and what feeds need that read it.
pub(super) struct Bench {
    pub(super) double: Double,
    folder: tempfile::TempDir,
    fleet: Fleet,
    attempts: u32,
    url: String,
    timeout: Duration,
    skew: Skew,
}

impl Bench {
    pub(super) async fn new(machines: Machines) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n";
        std::fs::write(folder.path().join("credentials"), key).unwrap();
        std::fs::write(folder.path().join("config"), "").unwrap();
        let fleet = Fleet::open(&folder.path().join("fleet"), fleet_profile()).unwrap();
        let double = Double::start(machines, Faults::default()).await.unwrap();
        Self { url: double.url(), double, folder, fleet, attempts: 1, timeout: TIMEOUT, skew: Skew::default() }
    }

    /// Calls are attempted so often.
    pub(super) fn attempting(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Whoever does not answer soon does not answer.
    pub(super) fn in_a_hurry(self) -> Self {
        Self { timeout: HURRY, ..self }
    }

    /// The program ends, and another run of it begins.
    pub(super) fn restarted(mut self) -> Self {
        // Only one may have the fleet's folder at a time.
        self.fleet = Fleet::open(&self.folder.path().join("between"), fleet_profile()).unwrap();
        self.fleet = Fleet::open(&self.folder.path().join("fleet"), fleet_profile()).unwrap();
        self
    }

    /// Another address is called than the double's.
    pub(super) fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials")
    }

    fn caller(&self) -> Caller {
        let url = self.url.parse::<entente_sidecar::account::Endpoint>().unwrap();
        let clients = Clients::new(Making {
            home: "us-east-1".to_owned(),
            profile: None,
            config_file: Some(self.folder.path().join("config")),
            credentials_file: Some(self.credentials()),
            endpoints: super::config::ENDPOINTS.iter().map(|name| (*name, url.clone())).collect(),
            timeout: self.timeout,
            attempts: self.attempts,
            skew: self.skew.clone(),
        });
        let rates = super::api::RATES.iter().map(|rate| (rate.api.to_owned(), 60_000)).collect::<BTreeMap<_, _>>();
        Caller::new(Arc::new(clients), Budget::new(rates))
    }

    fn secret(&self) -> Secret {
        Secret::in_file(&self.folder.path().join("secret")).unwrap()
    }

    pub(super) fn ec2(&self, regions: &[&str]) -> Ec2Ask {
        let caller = self.caller();
        let regions = self.regions(regions);
        let share = Share::new(self.fleet.clone(), Part::AllBut(Some(super::ssm::SYSTEM)));
        let planner = Planner::new(mapping(), "main".to_owned(), self.folder.path().join("planned"));
        let (profile, sweep) = (profile("aws-ec2", "aws.ec2", "acme"), TimeDelta::minutes(10));
        Ec2Ask::new(profile, caller, regions, share, cadence(), sweep, Some(planner))
    }

    fn regions(&self, given: &[&str]) -> Regions {
        let given = given.iter().map(|code| (*code).to_owned()).collect();
        Regions::new(self.caller(), given, self.folder.path().join("enabled"))
    }

    pub(super) fn ssm(&self) -> SsmAsk {
        let common = super::ssm::Common {
            caller: self.caller(),
            fleet: self.fleet.clone(),
            documents: Ssm::default().all(),
            lookback: TimeDelta::hours(24),
        };
        let (regions, note) = (self.regions(&[]), self.folder.path().join("told-until"));
        let share = Share::new(self.fleet.clone(), Part::Runs(super::ssm::SYSTEM));
        SsmAsk::new(profile("aws-ssm", "aws.ssm", "acme"), regions, common, share, cadence(), note)
    }

    pub(super) fn health(&self, organisation: bool) -> HealthAsk {
        let regions = ["us-east-1", "us-east-2"].map(str::to_owned).to_vec();
        HealthAsk {
            profile: profile("aws-health", "aws.health", "aws"),
            mapping: mapping(),
            source: Source::new(self.caller(), regions, organisation),
            secret: self.secret(),
            manner: super::health::Manner {
                cadence: cadence(),
                lookback: TimeDelta::days(36_500),
                scheduled: true,
                notifications: true,
            },
            progress: Progress::default(),
        }
    }

    pub(super) fn events(&self) -> EventsAsk {
        self.events_of(self.double.queue_url())
    }

    pub(super) fn events_of(&self, queue_url: &str) -> EventsAsk {
        let manner = super::events::Manner {
            cadence: cadence(),
            queue_url: queue_url.to_owned(),
            region: "us-east-1".to_owned(),
            sources: vec!["aws.health".to_owned(), "awshealth.mock".to_owned()],
            wait: Duration::ZERO,
            scheduled: true,
            notifications: true,
        };
        EventsAsk::new(profile("aws-events", "aws.health", "aws"), mapping(), self.caller(), self.secret(), manner)
    }
}

fn mapping() -> Mapping {
    Mapping::compiled_in(include_str!("../../../mapping.toml"))
}

fn cadence() -> Cadence {
    Cadence { quiet: Duration::from_millis(20), incident: Duration::from_millis(10) }
}

fn profile(slug: &str, system: &str, org: &str) -> FeedProfile {
    FeedProfile {
        slug: slug.to_owned(),
        system: system.to_owned(),
        speaker: Speaker { org: org.to_owned(), role: Role::Customer, channel: None, relay: Relay::Own },
        address: slug.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: Vec::new(),
        mapping_version: 1,
    }
}

fn fleet_profile() -> FleetProfile {
    FleetProfile {
        provider: "aws".to_owned(),
        system: "aws.ec2".to_owned(),
        fleet: "main".to_owned(),
        org: "acme".to_owned(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("EC2".to_owned()),
        device_class: "cloud_vm".to_owned(),
        guest_signal: true,
        approaches: known_approaches("aws").unwrap(),
        // What is said is looked at after each answer.
        rules: Rules { pace: TimeDelta::zero(), ..Rules::default() },
    }
}

/// Asks once, now.
pub(super) async fn ask(feed: &mut dyn Ask) -> Result<Reading, Failure> {
    ask_at(feed, Utc::now()).await
}

/// Asks once, at a time, and settles as if all of it were on disk.
pub(super) async fn ask_at(feed: &mut dyn Ask, now: DateTime<Utc>) -> Result<Reading, Failure> {
    let told = feed.ask(Clock::showing(now)).await;
    let settled = if told.is_ok() { Settled::Read } else { Settled::Refused };
    feed.settle(settled).await;
    match told? {
        Told::Reading(reading) => {
            no_secrets(&reading);
            Ok(reading)
        }
        Told::Unchanged => Ok(Reading::default()),
    }
}

/// Nothing that the double served stands in what is said, in its words or in those of its refusals.
fn no_secrets(reading: &Reading) {
    let mut said = format!("{:?}{:?}{:?}", reading.items, reading.unmapped, reading.lacks);
    for refused in reading.refused.iter().chain(reading.items.iter().flat_map(|item| &item.refused)) {
        said += &format!("{}{:?}", refused.reason, refused.position);
    }
    assert_eq!(entente_exercise::secret::found_in(said.as_bytes()), Vec::<String>::new(), "{said}");
}

/// The impact whose id ends so.
pub(super) fn impact<'a>(reading: &'a Reading, end: &str) -> &'a Impact {
    let ids: Vec<&str> = reading.items.iter().map(|item| item.object_id.as_str()).collect();
    let found = reading.items.iter().find(|item| item.object_id.ends_with(end));
    found.and_then(Item::impact).unwrap_or_else(|| panic!("no {end} among {ids:?}"))
}

/// A figure of an impact, over all places.
pub(super) fn count(impact: &Impact, quantity: Quantity) -> u64 {
    impact.counts.iter().filter(|count| count.quantity == quantity).filter_map(|count| count.value).sum()
}

/// The run of an approach.
pub(super) fn run<'a>(reading: &'a Reading, approach: &str) -> &'a Remediation {
    let of = |item: &'a Item| match &item.body {
        Body::Remediation(run) if run.approach_id.ends_with(approach) => Some(run),
        _ => None,
    };
    reading.items.iter().find_map(of).unwrap_or_else(|| panic!("no run of {approach} in {:?}", reading.items))
}

/// A figure of a run, over all its arms.
pub(super) fn tally(run: &Remediation, figure: fn(&Tally) -> Option<u64>) -> u64 {
    run.arms.iter().filter_map(|arm| figure(&arm.tally)).sum()
}
