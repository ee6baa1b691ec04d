//! The feed `gcp-compute`: every machine of the projects, and what signals from inside say of it. That a machine runs says
//! nothing of its guest; without a signal the guests are unknown.

mod group;
mod machine;
mod port;
mod round;
mod sign;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entente_journal::Clock;
use entente_schemas::block::ServiceClass;
use entente_schemas::speaker::Speaker;
use entente_sidecar::account::{Cadence, Secret};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{Fleet, FleetError, Place};
use entente_sidecar::item::{FeedProfile, Reading, Refusal, UnmappedWord, Vanishing};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;
use google_cloud_compute_v1::model::{InstanceAggregatedList, InstancesScopedList, ManagedInstance};
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_osconfig_v1::model::{Inventory, InventoryView};

use super::api::{GROUPS, INSTANCES, INVENTORIES, MANAGED, SERIAL};
use super::asked::Asked;
use super::atlas::Atlas;
use super::google::Google;
use super::psh::last_part;
use crate::normalize::region_of_zone;
use group::{Group, Where};
use machine::Machine;
use port::Ports;
use round::Round;
use sign::{Signs, seen};
use table::Status;

pub(crate) use sign::Silence;
pub(crate) use table::Table;

/// The native system.
pub(crate) const SYSTEM: &str = "gcp.compute";
pub(crate) const SLUG: &str = "gcp-compute";
const CHANNEL: &str = "https://compute.googleapis.com";

/// Pages of one list that are read.
const PAGES_MAX: usize = 20_000;
/// Elements of a page.
const PAGE: u32 = 500;
const INVENTORIES_PAGE: i32 = 1_000;
/// How long the list of groups is taken to stand.
const GROUPS_STAND: Duration = Duration::from_secs(600);
/// The first port, where firmware and system print.
const PORT: i32 = 1;

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

/// A project, and what is remembered of it from one look to the next.
#[derive(Debug)]
struct Project {
    id: String,
    regions: BTreeSet<String>,
    groups: Vec<Group>,
    groups_at: Option<std::time::Instant>,
    ports: Ports,
}

/// What one look gathers beside the machines.
#[derive(Default)]
struct Gathered {
    round: Round,
    refused: Vec<Refusal>,
    unmapped: BTreeMap<UnmappedWord, u64>,
    /// Signals that did not come.
    lacks: Vec<Failure>,
}

/// A zone, and the region that it lies in.
fn place(zone: &str) -> Place<'_> {
    match region_of_zone(zone) {
        Some(region) => Place { region, zone: Some(zone) },
        None => Place { region: zone, zone: None },
    }
}

impl Project {
    fn new(id: String) -> Self {
        Self { id, regions: BTreeSet::new(), groups: Vec::new(), groups_at: None, ports: Ports::default() }
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

    fn settle(&mut self, _settled: Settled) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
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
        let mut asked = Asked::of("project");
        let mut gathered = Gathered::default();
        let mut listed = Vec::new();
        let looker = Looker {
            google: &self.parts.google,
            fleet: &self.parts.fleet,
            table: &self.table,
            guest: self.parts.guest,
            secret: &self.parts.secret,
        };
        for project in &mut self.projects {
            match asked.note(looker.machines(project, clock, &mut gathered).await) {
                Some(machines) => {
                    self.parts.atlas.note(&project.id, machines.iter().map(|machine| machine.zone.clone()).collect());
                    let signs = looker.signs(project, &machines, clock, &mut gathered).await;
                    listed.push((machines, signs));
                }
                None => gathered.round.miss(project.regions.iter().cloned()),
            }
        }
        if asked.any() {
            note(&self.parts.fleet, &self.table, &listed, &mut gathered, &self.parts.secret, clock.now())
                .map_err(unkept)?;
        }
        let items = self.parts.fleet.impacts(clock.now()).map_err(unkept)?;
        asked.lack(gathered.lacks);
        asked.told(Reading { items, refused: gathered.refused, unmapped: gathered.unmapped, ..Reading::default() })
    }
}

/// Tells the fleet how every machine was seen, and what could not be.
fn note(
    fleet: &Fleet,
    table: &Table,
    listed: &[(Vec<Machine>, Signs)],
    gathered: &mut Gathered,
    secret: &Secret,
    now: DateTime<Utc>,
) -> Result<(), FleetError> {
    gathered.round.begin(fleet);
    for (machines, signs) in listed {
        for machine in machines {
            let status = table.status(&machine.status);
            if status.is_none() && !machine.status.is_empty() {
                gathered.unknown("status", &machine.status);
            }
            let device = machine.id.to_string();
            let was_down = status == Some(Status::Guest) && fleet.is_down(&device);
            match fleet.see(seen(machine, &device, status, signs, (was_down, now))) {
                Err(error @ FleetError::Place { .. }) => gathered.refused.push(refused(&error, &device, secret)),
                noted => noted?,
            }
        }
    }
    gathered.round.end(fleet, now)?;
    let dark: Vec<&str> = gathered.round.dark_zones().collect();
    if !dark.is_empty() {
        let text = format!("{}: zones that cannot be reached: {}", INSTANCES.name, dark.join(", "));
        gathered.lacks.push(Failure::new("zone-unreachable", text));
    }
    Ok(())
}

fn refused(error: &FleetError, device: &str, secret: &Secret) -> Refusal {
    refuse_item(error, "a machine", secret.hide(device).as_bytes())
}

/// The fleet's disk takes no more.
pub(super) fn unkept(error: FleetError) -> Failure {
    Failure::new("ledger", error.to_string())
}

/// By what projects are looked at.
struct Looker<'a> {
    google: &'a Google,
    fleet: &'a Fleet,
    table: &'a Table,
    guest: Guest,
    secret: &'a Secret,
}

impl Looker<'_> {
    async fn machines(
        &self,
        project: &mut Project,
        clock: Clock,
        gathered: &mut Gathered,
    ) -> Result<Vec<Machine>, Failure> {
        let client = self.google.instances(INSTANCES).await?;
        let mut pages = client.aggregated_list().set_project(&project.id).set_max_results(PAGE).by_page();
        let (mut machines, mut round, mut refused) = (Vec::new(), Round::default(), Vec::new());
        for _ in 0..PAGES_MAX {
            let next = async { pages.next().await.transpose() };
            let Some(page) = self.google.call(INSTANCES, &project.id, next).await? else {
                project.regions =
                    machines.iter().map(|machine: &Machine| place(&machine.zone).region.to_owned()).collect();
                gathered.join(round, refused);
                return Ok(machines);
            };
            self.page(page, clock.now(), &mut machines, &mut round, &mut refused);
        }
        Err(Failure::new("too-many", format!("{}: the list does not end", INSTANCES.name)))
    }

    fn page(
        &self,
        page: InstanceAggregatedList,
        now: DateTime<Utc>,
        machines: &mut Vec<Machine>,
        round: &mut Round,
        refused: &mut Vec<Refusal>,
    ) {
        for zone in page.unreachables.iter().map(|scope| last_part(scope)) {
            round.reach(&zone);
            round.lose(&zone);
        }
        for (scope, list) in page.items {
            let zone = last_part(&scope);
            round.reach(&zone);
            if is_dark(&list) {
                round.lose(&zone);
            }
            for instance in &list.instances {
                match Machine::read(instance, &scope, self.table, now) {
                    Ok(machine) => machines.push(machine),
                    Err(fault) => {
                        let hidden = self.secret.hide(&format!("{instance:?}"));
                        refused.push(refuse_item(fault, "a machine", hidden.as_bytes()));
                    }
                }
            }
        }
    }

    /// What signals from inside say. One that does not come is lacking, and the others count.
    async fn signs(&self, project: &mut Project, machines: &[Machine], clock: Clock, gathered: &mut Gathered) -> Signs {
        let mut signs = Signs::default();
        if self.guest.groups
            && let Err(failure) = self.groups(project, &mut signs, gathered).await
        {
            gathered.lacks.push(failure);
        }
        if let Some(silence) = self.guest.inventory {
            let failures = self.inventories(project, machines, (silence, clock.now()), &mut signs).await;
            gathered.lacks.extend(failures);
        }
        if self.guest.ports > 0 {
            gathered.lacks.extend(self.ports(project, machines).await);
            project.ports.tell(&self.table.serial, &mut signs);
        }
        signs
    }

    async fn groups(&self, project: &mut Project, signs: &mut Signs, gathered: &mut Gathered) -> Result<(), Failure> {
        if project.groups_at.is_none_or(|at| at.elapsed() >= GROUPS_STAND) {
            project.groups = self.watched_groups(&project.id).await?;
            project.groups_at = Some(std::time::Instant::now());
        }
        for group in &project.groups {
            for managed in self.managed(&project.id, group).await? {
                group::note(&managed, self.table, signs).iter().for_each(|word| gathered.unknown("health", word));
            }
        }
        Ok(())
    }

    async fn watched_groups(&self, project: &str) -> Result<Vec<Group>, Failure> {
        let client = self.google.groups(GROUPS).await?;
        let mut pages = client.aggregated_list().set_project(project).set_max_results(PAGE).by_page();
        let mut groups = Vec::new();
        while let Some(page) = self.google.call(GROUPS, project, async { pages.next().await.transpose() }).await? {
            let managers = page.items.values().flat_map(|scope| &scope.instance_group_managers);
            groups.extend(managers.filter_map(Group::watched));
        }
        // The answer's own order is that of a table without any.
        groups.sort_by(|a: &Group, b| a.name.cmp(&b.name));
        Ok(groups)
    }

    async fn managed(&self, project: &str, group: &Group) -> Result<Vec<ManagedInstance>, Failure> {
        let mut managed = Vec::new();
        match &group.place {
            Where::Zone(zone) => {
                let list = self.google.groups(MANAGED).await?.list_managed_instances();
                let list = list.set_project(project).set_zone(zone).set_instance_group_manager(&group.name);
                let mut pages = list.set_max_results(PAGE).by_page();
                while let Some(page) =
                    self.google.call(MANAGED, project, async { pages.next().await.transpose() }).await?
                {
                    managed.extend(page.managed_instances);
                }
            }
            Where::Region(region) => {
                let list = self.google.regional_groups(MANAGED).await?.list_managed_instances();
                let list = list.set_project(project).set_region(region).set_instance_group_manager(&group.name);
                let mut pages = list.set_max_results(PAGE).by_page();
                while let Some(page) =
                    self.google.call(MANAGED, project, async { pages.next().await.transpose() }).await?
                {
                    managed.extend(page.managed_instances);
                }
            }
        }
        Ok(managed)
    }

    async fn inventories(
        &self,
        project: &Project,
        machines: &[Machine],
        (silence, now): (Silence, DateTime<Utc>),
        signs: &mut Signs,
    ) -> Vec<Failure> {
        let running = machines.iter().filter(|machine| self.table.runs(&machine.status));
        let by_id: BTreeMap<u64, &Machine> = running.map(|machine| (machine.id, machine)).collect();
        let zones: BTreeSet<&str> = by_id.values().map(|machine| machine.zone.as_str()).collect();
        let mut failures = Vec::new();
        for zone in zones {
            match self.zone_inventories(&project.id, zone).await {
                Ok(told) => {
                    for (machine, at) in told.iter().filter_map(|(id, at)| Some((by_id.get(id)?, at))) {
                        let shown = now - *at >= silence.until && self.fleet.has_shown(&machine.id.to_string());
                        signs.reported(machine, *at, shown, (silence, now));
                    }
                }
                Err(failure) => failures.push(failure),
            }
        }
        failures
    }

    async fn zone_inventories(&self, project: &str, zone: &str) -> Result<Vec<(u64, DateTime<Utc>)>, Failure> {
        let list = self.google.inventories(INVENTORIES).await?.list_inventories();
        let list = list.set_parent(format!("projects/{project}/locations/{zone}/instances/-"));
        let mut pages = list.set_view(InventoryView::Basic).set_page_size(INVENTORIES_PAGE).by_page();
        let mut told = Vec::new();
        while let Some(page) = self.google.call(INVENTORIES, project, async { pages.next().await.transpose() }).await? {
            told.extend(page.inventories.iter().filter_map(reported));
        }
        Ok(told)
    }

    async fn ports(&self, project: &mut Project, machines: &[Machine]) -> Option<Failure> {
        let mut lacking = None;
        for (machine, zone) in project.ports.choose(machines, self.table, self.guest.ports) {
            if let Err(failure) = self.port(project, machine, &zone).await {
                lacking.get_or_insert(failure);
            }
        }
        lacking
    }

    async fn port(&self, project: &mut Project, machine: u64, zone: &str) -> Result<(), Failure> {
        let client = self.google.instances(SERIAL).await?;
        let call = client.get_serial_port_output().set_project(&project.id).set_zone(zone).set_port(PORT);
        let call = call.set_instance(machine.to_string()).set_or_clear_start(project.ports.next(machine));
        let output = self.google.call(SERIAL, &project.id, call.send()).await?;
        let contents = output.contents.unwrap_or_default();
        project.ports.read(machine, &contents, output.next, &self.table.serial);
        Ok(())
    }
}

impl Gathered {
    fn join(&mut self, round: Round, refused: Vec<Refusal>) {
        self.round.join(round);
        self.refused.extend(refused);
    }

    fn unknown(&mut self, field: &str, word: &str) {
        let (field, word, read_as) = (field.to_owned(), word.chars().take(60).collect(), "unknown".to_owned());
        *self.unmapped.entry(UnmappedWord { field, word, read_as }).or_default() += 1;
    }
}

/// Whether a scope without machines says that nobody could look.
fn is_dark(list: &InstancesScopedList) -> bool {
    let code = list.warning.as_ref().and_then(|warning| warning.code.as_ref()?.name());
    code.is_some_and(|code| code != "NO_RESULTS_ON_PAGE")
}

/// The machine of an inventory, and when its agent last reported: `projects/N/locations/Z/instances/ID/inventory`.
fn reported(inventory: &Inventory) -> Option<(u64, DateTime<Utc>)> {
    let machine = inventory.name.strip_suffix("/inventory").unwrap_or(&inventory.name).rsplit('/').next()?;
    let at = inventory.update_time.as_ref()?;
    Some((machine.parse().ok()?, DateTime::from_timestamp(at.seconds(), at.nanos().unsigned_abs())?))
}
