//! The signals from inside the machines of one project, as they are asked for: health checks of groups, reports of agents,
//! serial ports.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_sidecar::account::Trouble;
use entente_sidecar::poll::Failure;
use google_cloud_compute_v1::model::ManagedInstance;
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_osconfig_v1::model::{Inventory, InventoryView};

use super::PAGE;
use super::group::{self, Group, Where};
use super::look::{Look, Looker, Project};
use super::machine::Machine;
use super::port::Printed;
use super::sign::{Signs, Silence};
use crate::account::api::{GROUPS, INVENTORIES, MANAGED, SERIAL};
use crate::account::failure::NOT_FOUND;
use crate::account::pages::Pages;
use crate::account::psh::last_part;

const INVENTORIES_PAGE: i32 = 1_000;
/// Pages of one list that are read.
const PAGES_MAX: usize = 1_000;
/// The first port, where firmware and system print.
const PORT: i32 = 1;

impl Looker<'_> {
    /// What health checks say of the machines. A group that does not answer costs what is known of its own machines alone.
    pub(super) async fn groups(&self, project: &mut Project, signs: &mut Signs, look: &mut Look) {
        if project.watch.is_due() {
            match self.watched_groups(&project.id).await {
                Ok((groups, dark)) => {
                    look.lacks.extend(unlisted(&dark));
                    project.watch.renew(groups, &dark);
                }
                Err(failure) => look.lacks.push(failure),
            }
        }
        let mut gone = Vec::new();
        for group in &project.watch.groups {
            match self.managed(&project.id, group).await {
                Ok(managed) => {
                    let unknown = managed.iter().flat_map(|managed| group::note(managed, self.table, signs));
                    unknown.for_each(|word| look.unknown("health", &word));
                }
                Err(failure) if failure.error.code == NOT_FOUND => gone.push(group.clone()),
                Err(failure) => {
                    let of_all = is_of_all(&failure);
                    look.lacks.push(failure);
                    if of_all {
                        break;
                    }
                }
            }
        }
        project.watch.forget(&gone);
    }

    /// The groups that health checks watch, and the zones and regions whose groups could not be listed.
    async fn watched_groups(&self, project: &str) -> Result<(Vec<Group>, Vec<String>), Failure> {
        let client = self.google.groups(GROUPS).await?;
        let mut pages = client.aggregated_list().set_project(project).set_max_results(PAGE).by_page();
        let (mut groups, mut dark, mut turned) = (Vec::new(), Vec::new(), Pages::of(GROUPS, PAGES_MAX));
        while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
            dark.extend(page.unreachables.iter().map(|scope| last_part(scope)));
            for (scope, list) in &page.items {
                let managers = &list.instance_group_managers;
                groups.extend(managers.iter().filter_map(Group::watched));
                let code = list.warning.as_ref().and_then(|warning| warning.code.as_ref()?.name());
                dark.extend(self.table.is_partial(code, managers.is_empty()).then(|| last_part(scope)));
            }
        }
        dark.sort();
        dark.dedup();
        Ok((groups, dark))
    }

    async fn managed(&self, project: &str, group: &Group) -> Result<Vec<ManagedInstance>, Failure> {
        let (mut managed, mut turned) = (Vec::new(), Pages::of(MANAGED, PAGES_MAX));
        match &group.place {
            Where::Zone(zone) => {
                let list = self.google.groups(MANAGED).await?.list_managed_instances();
                let list = list.set_project(project).set_zone(zone).set_instance_group_manager(&group.name);
                let mut pages = list.set_max_results(PAGE).by_page();
                while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
                    managed.extend(page.managed_instances);
                }
            }
            Where::Region(region) => {
                let list = self.google.regional_groups(MANAGED).await?.list_managed_instances();
                let list = list.set_project(project).set_region(region).set_instance_group_manager(&group.name);
                let mut pages = list.set_max_results(PAGE).by_page();
                while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
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
                Err(failure) => {
                    let of_all = is_of_all(&failure);
                    failures.push(failure);
                    if of_all {
                        break;
                    }
                }
            }
        }
        failures
    }

    async fn zone_inventories(&self, project: &str, zone: &str) -> Result<Vec<(u64, DateTime<Utc>)>, Failure> {
        let list = self.google.inventories(INVENTORIES).await?.list_inventories();
        let list = list.set_parent(format!("projects/{project}/locations/{zone}/instances/-"));
        let mut pages = list.set_view(InventoryView::Basic).set_page_size(INVENTORIES_PAGE).by_page();
        let (mut told, mut turned) = (Vec::new(), Pages::of(INVENTORIES, PAGES_MAX));
        while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
            told.extend(page.inventories.iter().filter_map(reported));
        }
        Ok(told)
    }

    pub(super) async fn ports(
        &self,
        project: &mut Project,
        machines: &[Machine],
        now: DateTime<Utc>,
    ) -> Option<Failure> {
        let mut lacking: Option<Failure> = None;
        for (machine, zone) in project.ports.choose(machines, self.table, self.guest.ports) {
            match self.port(project, (machine, &zone), now).await {
                Ok(()) => {}
                // It was deleted since it was listed.
                Err(failure) if failure.error.code == NOT_FOUND => project.ports.forget(machine),
                Err(failure) => {
                    let of_all = is_of_all(&failure);
                    lacking.get_or_insert(failure);
                    if of_all {
                        break;
                    }
                }
            }
        }
        lacking
    }

    async fn port(
        &self,
        project: &mut Project,
        (machine, zone): (u64, &str),
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let client = self.google.instances(SERIAL).await?;
        let call = client.get_serial_port_output().set_project(&project.id).set_zone(zone).set_port(PORT);
        let call = call.set_instance(machine.to_string()).set_or_clear_start(project.ports.next(machine));
        let output = self.google.call(SERIAL, &project.id, call.send()).await?;
        let printed = Printed { contents: output.contents.unwrap_or_default(), next: output.next, at: now };
        project.ports.read(machine, &printed, &self.table.serial);
        Ok(())
    }
}

/// Whether more calls of the kind in this project would be refused alike.
fn is_of_all(failure: &Failure) -> bool {
    use Trouble::{Clock, Expired, Forbidden, NotInPlan, Throttled, Unauthenticated};
    let alike = [Throttled(None), Forbidden, NotInPlan, Expired, Unauthenticated, Clock];
    alike.iter().any(|trouble| trouble.code() == failure.error.code)
}

fn unlisted(dark: &[String]) -> Option<Failure> {
    let text = || format!("{}: places that cannot be reached: {}; they are asked again", GROUPS.name, dark.join(", "));
    (!dark.is_empty()).then(|| Failure::new("zone-unreachable", text()))
}

/// The machine of an inventory, and when its agent last reported: `projects/N/locations/Z/instances/ID/inventory`.
fn reported(inventory: &Inventory) -> Option<(u64, DateTime<Utc>)> {
    let machine = inventory.name.strip_suffix("/inventory").unwrap_or(&inventory.name).rsplit('/').next()?;
    let at = inventory.update_time.as_ref()?;
    Some((machine.parse().ok()?, DateTime::from_timestamp(at.seconds(), at.nanos().unsigned_abs())?))
}
