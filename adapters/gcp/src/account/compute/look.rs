//! A look at one project: every machine that its list shows, and what signals from inside say of each. Where Google gives no
//! list over all zones because one of them cannot be reached, or tells what cannot be read, the zones that are known are
//! listed one by one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_sidecar::account::{Secret, Trouble};
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::Fleet;
use entente_sidecar::item::{Refusal, UnmappedWord};
use entente_sidecar::poll::Failure;
use google_cloud_compute_v1::model::{Instance, InstanceAggregatedList};
use google_cloud_gax::paginator::Paginator as _;

use super::group::Watch;
use super::machine::Machine;
use super::port::Ports;
use super::roll::Roll;
use super::round::Round;
use super::sign::Signs;
use super::table::Table;
use super::{Guest, PAGE};
use crate::account::api::{INSTANCES, ZONE_INSTANCES};
use crate::account::google::Google;
use crate::account::pages::Pages;
use crate::account::psh::last_part;

/// Pages of one list that are read: two million machines.
const PAGES_MAX: usize = 4_000;

/// A project, and what is remembered of it from one look to the next.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) roll: Roll,
    pub(super) watch: Watch,
    pub(super) ports: Ports,
}

/// What one look showed.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) machines: Vec<Machine>,
    pub(super) signs: Signs,
    pub(super) round: Round,
    pub(super) refused: Vec<Refusal>,
    pub(super) unmapped: BTreeMap<UnmappedWord, u64>,
    /// What did not come.
    pub(super) lacks: Vec<Failure>,
}

/// By what projects are looked at.
pub(super) struct Looker<'a> {
    pub(super) google: &'a Google,
    pub(super) fleet: &'a Fleet,
    pub(super) table: &'a Table,
    pub(super) guest: Guest,
    pub(super) secret: &'a Secret,
}

impl Project {
    pub(super) fn new(id: String) -> Self {
        Self { id, roll: Roll::default(), watch: Watch::default(), ports: Ports::default() }
    }
}

impl Look {
    /// Takes note of a word that the table does not list.
    pub(super) fn unknown(&mut self, field: &str, word: &str) {
        let (field, word, read_as) = (field.to_owned(), word.chars().take(60).collect(), "unknown".to_owned());
        *self.unmapped.entry(UnmappedWord { field, word, read_as }).or_default() += 1;
    }

    fn page(&mut self, page: InstanceAggregatedList, looker: &Looker<'_>, now: DateTime<Utc>) {
        page.unreachables.iter().for_each(|scope| self.round.lose_scope(scope));
        let unnamed = self.warned(&page, looker.table);
        for (scope, list) in page.items {
            let zone = last_part(&scope);
            self.round.reach(&zone);
            let (code, empty) =
                (list.warning.as_ref().and_then(|w| w.code.as_ref()?.name()), list.instances.is_empty());
            if looker.table.is_partial(code, empty) || unnamed && empty {
                self.round.lose(&zone);
            }
            list.instances.iter().for_each(|instance| self.take(instance, &scope, looker, now));
        }
    }

    /// Takes note of what a page says of itself. Whether it says that places are missing, and not which.
    fn warned(&mut self, page: &InstanceAggregatedList, table: &Table) -> bool {
        let Some(warning) = &page.warning else { return false };
        if !table.is_partial(warning.code.as_ref().and_then(|code| code.name()), true) {
            return false;
        }
        let said = warning.data.iter().filter_map(|data| data.value.as_deref());
        let scopes: Vec<&str> = said.filter(|said| said.contains("zones/") || said.contains("regions/")).collect();
        scopes.iter().for_each(|scope| self.round.lose_scope(scope));
        scopes.is_empty() && page.unreachables.is_empty()
    }

    fn take(&mut self, instance: &Instance, scope: &str, looker: &Looker<'_>, now: DateTime<Utc>) {
        match Machine::read(instance, scope, looker.table, now) {
            Ok(machine) => self.machines.push(machine),
            Err(fault) => {
                // By what stays as it is, lest each look refuses another.
                let known = [&instance.self_link, &instance.zone, &instance.name].map(|part| part.as_deref());
                let hidden = looker.secret.hide(&known.map(Option::unwrap_or_default).join(" "));
                self.refused.push(refuse_item(fault, "a machine", hidden.as_bytes()));
            }
        }
    }
}

impl Looker<'_> {
    /// Looks at a project.
    ///
    /// # Errors
    /// If its machines are not listed to the end. A signal that does not come is lacking, and the others count.
    pub(super) async fn look(&self, project: &mut Project, clock: Clock) -> Result<Look, Failure> {
        let mut look = self.machines(project, clock).await?;
        let mut signs = Signs::default();
        if self.guest.groups {
            self.groups(project, &mut signs, &mut look).await;
        }
        if let Some(silence) = self.guest.inventory {
            let lacks = self.inventories(project, &look.machines, (silence, clock.now()), &mut signs).await;
            look.lacks.extend(lacks);
        }
        if self.guest.ports > 0 {
            let lacks = self.ports(project, &look.machines, clock.now()).await;
            look.lacks.extend(lacks);
            project.ports.tell(&self.table.serial, clock.now(), &mut signs);
        }
        Ok(Look { signs, ..look })
    }

    async fn machines(&self, project: &Project, clock: Clock) -> Result<Look, Failure> {
        match self.everywhere(&project.id, clock).await {
            Err(failure) if is_providers(&failure) || is_unreadable(&failure) => {
                self.zone_by_zone(project, failure, clock).await
            }
            listed => listed,
        }
    }

    async fn everywhere(&self, project: &str, clock: Clock) -> Result<Look, Failure> {
        let client = self.google.instances(INSTANCES).await?;
        let mut pages = client.aggregated_list().set_project(project).set_max_results(PAGE).by_page();
        let (mut look, mut turned) = (Look::default(), Pages::of(INSTANCES, PAGES_MAX));
        while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
            look.page(page, self, clock.now());
        }
        Ok(look)
    }

    /// Lists the zones in which the project is known to have machines. `failure` is why there is no list of all.
    async fn zone_by_zone(&self, project: &Project, failure: Failure, clock: Clock) -> Result<Look, Failure> {
        let (mut look, mut listed, mut dark) = (Look::default(), false, false);
        for zone in project.roll.zones() {
            look.round.reach(zone);
            match self.zone(&project.id, zone).await {
                Ok(instances) => {
                    listed = true;
                    instances.iter().for_each(|instance| look.take(instance, zone, self, clock.now()));
                }
                Err(lack) => {
                    dark = true;
                    look.round.lose(zone);
                    look.lacks.extend(Some(lack).filter(|lack| !is_providers(lack)));
                }
            }
        }
        if !listed {
            return Err(failure);
        }
        // A zone that is new to the project shows in the list of all alone.
        look.lacks.extend(Some(failure).filter(|_| !dark));
        Ok(look)
    }

    async fn zone(&self, project: &str, zone: &str) -> Result<Vec<Instance>, Failure> {
        let client = self.google.instances(ZONE_INSTANCES).await?;
        let mut pages = client.list().set_project(project).set_zone(zone).set_max_results(PAGE).by_page();
        let (mut instances, mut turned) = (Vec::new(), Pages::of(ZONE_INSTANCES, PAGES_MAX));
        while let Some(page) = turned.turn((self.google, project), pages.next()).await? {
            instances.extend(page.items);
        }
        Ok(instances)
    }
}

/// Whether a page holds what Google's client cannot read, such as one machine of an odd form: it then gives nothing of the
/// page, and does not say how to go on behind it.
pub(super) fn is_unreadable(failure: &Failure) -> bool {
    failure.error.code == Trouble::Unreadable.code()
}

/// Whether something failed inside Google.
fn is_providers(failure: &Failure) -> bool {
    failure.error.code == Trouble::Internal(None).code()
}
