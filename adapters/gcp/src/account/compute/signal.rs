//! The signals from inside the machines of one project, as they are asked for: health checks of groups, reports of agents,
//! serial ports.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entente_sidecar::poll::Failure;
use google_cloud_compute_v1::model::ManagedInstance;
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_osconfig_v1::model::{Inventory, InventoryView};

use super::PAGE;
use super::group::{self, Group, Where};
use super::look::{Look, Looker, Project};
use super::machine::Machine;
use super::sign::{Signs, Silence};
use crate::account::api::{GROUPS, INVENTORIES, MANAGED, SERIAL};

const INVENTORIES_PAGE: i32 = 1_000;
/// How long the list of groups is taken to stand.
const GROUPS_STAND: Duration = Duration::from_secs(600);
/// The first port, where firmware and system print.
const PORT: i32 = 1;

impl Looker<'_> {
    pub(super) async fn groups(
        &self,
        project: &mut Project,
        signs: &mut Signs,
        look: &mut Look,
    ) -> Result<(), Failure> {
        if project.groups_at.is_none_or(|at| at.elapsed() >= GROUPS_STAND) {
            project.groups = self.watched_groups(&project.id).await?;
            project.groups_at = Some(Instant::now());
        }
        for group in &project.groups {
            for managed in self.managed(&project.id, group).await? {
                group::note(&managed, self.table, signs).iter().for_each(|word| look.unknown("health", word));
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

    pub(super) async fn inventories(
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

    pub(super) async fn ports(&self, project: &mut Project, machines: &[Machine]) -> Option<Failure> {
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

/// The machine of an inventory, and when its agent last reported: `projects/N/locations/Z/instances/ID/inventory`.
fn reported(inventory: &Inventory) -> Option<(u64, DateTime<Utc>)> {
    let machine = inventory.name.strip_suffix("/inventory").unwrap_or(&inventory.name).rsplit('/').next()?;
    let at = inventory.update_time.as_ref()?;
    Some((machine.parse().ok()?, DateTime::from_timestamp(at.seconds(), at.nanos().unsigned_abs())?))
}
