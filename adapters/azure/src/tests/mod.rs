//! The feeds against the double of Azure, over Azure's own pipeline and a real connection: what they say of what it plays,
//! and that nothing of it is heard that must not be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod calls;
mod machines;
mod matters;
mod private;
#[path = "../../../sidecar/tests/recorded/mod.rs"]
mod recorded;
mod repairs;
mod resources;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::azure::{Azure, Judged};
use entente_exercise::{Condition, Faults, Fleet as Played, Os, secret};
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::event::{Draft, Source};
use entente_schemas::family::{Body, Impact, Remediation};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::account::{Budget, Cadence, Length, Secret, Skew};
use entente_sidecar::ask::Clock;
use entente_sidecar::ask::{Ask, Told};
use entente_sidecar::edge::Edge;
use entente_sidecar::fleet::{Fleet, FleetProfile, Rules, known_approaches};
use entente_sidecar::item::{FeedProfile, Item, Reading, Vanishing};
use entente_sidecar::poll::Failure;
use tempfile::TempDir;

use crate::account::api;
use crate::account::settings;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Connection, Graph, Identity, IdentityKind, Limits};
use crate::asking::{Asking, Manner, Question};
use crate::availability::Book;
use crate::feed::emerging::Emerging;
use crate::feed::resources::Resources;
use crate::feed::services::{self, Services};
use crate::machine::{self, Machines};
use crate::repair::{self, Courses, Repairs};

const CADENCE: Cadence = Cadence { quiet: Duration::from_secs(60), incident: Duration::from_secs(15) };

/// A double with a fleet, and what the feeds share.
struct Trial {
    double: Azure,
    machines: Played,
    faults: Faults,
    folder: TempDir,
    arm: Arm,
    graph: Graph,
    subscriptions: Subscriptions,
    fleet: Fleet,
    book: Book,
}

impl Trial {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With an identity of another kind.
    async fn with(change: impl FnOnce(&mut Identity)) -> Self {
        Self::made(change, Duration::from_secs(20)).await
    }

    /// With a time limit for each call.
    async fn within(timeout: Duration) -> Self {
        Self::made(|_| {}, timeout).await
    }

    async fn made(change: impl FnOnce(&mut Identity), timeout: Duration) -> Self {
        let (machines, faults) = (Played::new(), Faults::default());
        let double = Azure::start(machines.clone(), faults.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "a secret\n").unwrap();
        let mut identity = Identity {
            kind: IdentityKind::ClientSecret,
            tenant: Some(double.tenant()),
            client: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            file: Some(file),
            ..Identity::default()
        };
        change(&mut identity);
        let endpoint = Some(double.url().parse().unwrap());
        let connection = Connection { identity, arm: endpoint.clone(), login: endpoint };
        let rates = api::RATES.iter().map(|rate| (rate.api.to_owned(), 60_000));
        let limits = Limits { budget: Budget::new(rates.collect()), timeout, skew: Skew::default() };
        let arm = Arm::open(&connection, limits).unwrap();
        let secret = Secret::in_file(&folder.path().join("hide")).unwrap();
        Self {
            graph: Graph::new(arm.clone(), api::GRAPH, &double.subscriptions()),
            subscriptions: Subscriptions::new(arm.clone(), &double.subscriptions(), Duration::ZERO),
            fleet: Fleet::open(&folder.path().join("fleet"), fleet(true)).unwrap(),
            book: Book::open(folder.path(), secret).unwrap(),
            double,
            machines,
            faults,
            folder,
            arm,
        }
    }

    /// Machines that have been well for a day.
    fn add(&self, count: usize, os: Os, place: (&str, &str), agent: bool) -> Vec<usize> {
        self.machines.add(count, os, place, agent, Utc::now() - TimeDelta::days(1))
    }

    /// Brings machines into a condition half an hour ago.
    fn set(&self, numbers: &[usize], condition: Condition) {
        self.machines.set(numbers.iter().copied(), &condition, Utc::now() - TimeDelta::minutes(30));
    }

    fn secret(&self) -> Secret {
        Secret::in_file(&self.folder.path().join("hide")).unwrap()
    }

    fn vm(&self) -> Asking<Machines> {
        self.vm_with(settings::Machines::default())
    }

    fn vm_with(&self, settings: settings::Machines) -> Asking<Machines> {
        // Everything is listed anew each time, so that who is gone is noticed at once.
        let settings = settings::Machines { sweep_every: Length(Duration::from_millis(1)), ..settings };
        let machines = Machines::new(Arc::new(machine::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            fleet: self.fleet.clone(),
            book: self.book.clone(),
            settings,
            elsewhere: Some(repair::SYSTEM),
        }));
        self.asking("azure-vm", machine::SYSTEM, Relay::Own, machines)
    }

    fn resources(&self, others: bool) -> Asking<Resources> {
        let resources = Resources {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            book: self.book.clone(),
            others,
            fleet: "main".to_owned(),
        };
        self.asking("azure-resource-health", crate::availability::SYSTEM, Relay::Polled, resources)
    }

    fn services(&self, settings: settings::Events) -> Asking<Services> {
        let services = Services::new(Arc::new(services::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            settings,
        }));
        self.asking("azure-service-health", services::SYSTEM, Relay::Polled, services)
    }

    fn emerging(&self) -> Asking<Emerging> {
        self.asking("azure-emerging", crate::feed::emerging::SYSTEM, Relay::Polled, Emerging::new(self.arm.clone()))
    }

    fn repairs(&self) -> Asking<Repairs> {
        let repairs = Repairs::new(Arc::new(repair::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            fleet: self.fleet.clone(),
            courses: Courses::open_in(self.folder.path(), self.secret()).unwrap(),
        }));
        self.asking("azure-repair", repair::SYSTEM, Relay::Own, repairs)
    }

    fn asking<Q: Question>(&self, slug: &str, system: &str, relay: Relay, question: Q) -> Asking<Q> {
        let manner = Manner { profile: profile(slug, system, relay), cadence: CADENCE, skew: self.arm.skew().clone() };
        Asking::new(manner, question)
    }
}

/// The fleet as the adapter has it, without pauses between two words.
fn fleet(guest_signal: bool) -> FleetProfile {
    FleetProfile {
        provider: "azure".to_owned(),
        system: machine::SYSTEM.to_owned(),
        fleet: "main".to_owned(),
        org: "bank".to_owned(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("Virtual Machines".to_owned()),
        device_class: "cloud_vm".to_owned(),
        guest_signal,
        approaches: known_approaches("azure").unwrap(),
        rules: Rules { pace: TimeDelta::zero(), watch: TimeDelta::zero(), ..Rules::default() },
    }
}

fn profile(slug: &str, system: &str, relay: Relay) -> FeedProfile {
    let own = relay == Relay::Own;
    FeedProfile {
        slug: slug.to_owned(),
        system: system.to_owned(),
        speaker: Speaker {
            org: if own { "bank" } else { "azure" }.to_owned(),
            role: if own { Role::Customer } else { Role::Provider },
            channel: (!own).then(|| slug.to_owned()),
            relay,
        },
        address: slug.to_owned(),
        vanishing: if slug == "azure-emerging" { Vanishing::ResolvedAfterTwoPolls } else { Vanishing::Nothing },
        covers: vec![ServiceClass::Compute],
        mapping_version: 1,
    }
}

async fn reading(feed: &mut dyn Ask) -> Reading {
    match feed.ask(Clock::wall()).await {
        Ok(Told::Reading(reading)) => reading,
        Ok(Told::Unchanged) => panic!("nothing was told"),
        Err(failure) => panic!("{failure:?}"),
    }
}

async fn failure(feed: &mut dyn Ask) -> Failure {
    feed.ask(Clock::wall()).await.unwrap_err()
}

/// What a feed's loop would say.
struct Voice(Edge);

impl Voice {
    fn of(feed: &dyn Ask) -> Self {
        let profile = feed.profile().clone();
        let instance = "01HZZZZZZZZZZZZZZZZZZZZZZZ".to_owned();
        let source = Source { org: "bank".to_owned(), feed: profile.slug.clone(), instance };
        Self(Edge::new(profile, source, "test", "gabcdefghijklmnop", feed.shown().as_str()))
    }

    /// Asks once and gives what is news. Nothing of it may name what the double served, and every claim must be one that
    /// readers take.
    async fn say(&mut self, feed: &mut dyn Ask) -> Vec<Draft> {
        let now = Utc::now();
        let drafts = match feed.ask(Clock::wall()).await {
            Ok(Told::Reading(reading)) => self.0.answered(Ok(reading), now).drafts,
            Ok(Told::Unchanged) => self.0.unchanged(now).drafts,
            Err(failure) => self.0.failed(failure.error, &[], None, now),
        };
        self.0.taken(&drafts);
        for draft in &drafts {
            draft.claim.check_strict().unwrap();
            let said = serde_json::to_vec(&draft.claim).unwrap();
            assert_eq!(secret::found_in(&said), Vec::<String>::new(), "{}", String::from_utf8_lossy(&said));
        }
        let beat = serde_json::to_vec(&self.0.beat(entente_sidecar::edge::Surroundings::default(), now)).unwrap();
        assert_eq!(secret::found_in(&beat), Vec::<String>::new());
        drafts
    }
}

/// How the platform judges a machine.
fn judged(
    state: &'static str,
    since: DateTime<Utc>,
    annotation: &'static str,
    annotated: DateTime<Utc>,
    context: &'static str,
) -> Judged {
    let category = if context == "Platform Initiated" { "Unplanned" } else { "Not Applicable" };
    Judged { state, since, annotation: Some(annotation), annotated, context, category }
}

fn impact<'a>(items: &'a [Item], object: &str) -> &'a Impact {
    let item = items.iter().find(|item| item.object_id == object);
    item.and_then(Item::impact).unwrap_or_else(|| panic!("no {object} in {:?}", objects(items)))
}

fn run<'a>(items: &'a [Item], object: &str) -> &'a Remediation {
    let item = items.iter().find(|item| item.object_id == object);
    match item.map(|item| &item.body) {
        Some(Body::Remediation(run)) => run,
        _ => panic!("no {object} in {:?}", objects(items)),
    }
}

fn objects(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.object_id.as_str()).collect()
}

/// The sum of a quantity over all populations.
fn counted(impact: &Impact, quantity: Quantity) -> u64 {
    impact.counts.iter().filter(|count| count.quantity == quantity).filter_map(|count| count.value).sum()
}
