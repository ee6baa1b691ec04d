//! A look at one project: every machine that its list shows, and what signals from inside say of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use entente_sidecar::account::Secret;
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::Fleet;
use entente_sidecar::item::{Refusal, UnmappedWord};
use entente_sidecar::poll::Failure;
use google_cloud_compute_v1::model::{InstanceAggregatedList, InstancesScopedList};
use google_cloud_gax::paginator::Paginator as _;

use super::group::Group;
use super::machine::Machine;
use super::port::Ports;
use super::round::Round;
use super::sign::Signs;
use super::table::Table;
use super::{Guest, PAGE, place};
use crate::account::api::INSTANCES;
use crate::account::google::Google;
use crate::account::psh::last_part;

/// Pages of one list that are read.
const PAGES_MAX: usize = 20_000;

/// A project, and what is remembered of it from one look to the next.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) id: String,
    /// Where it had machines.
    pub(super) regions: BTreeSet<String>,
    pub(super) groups: Vec<Group>,
    pub(super) groups_at: Option<Instant>,
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
    /// Signals that did not come.
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
        Self { id, regions: BTreeSet::new(), groups: Vec::new(), groups_at: None, ports: Ports::default() }
    }
}

impl Look {
    /// Takes note of a word that the table does not list.
    pub(super) fn unknown(&mut self, field: &str, word: &str) {
        let (field, word, read_as) = (field.to_owned(), word.chars().take(60).collect(), "unknown".to_owned());
        *self.unmapped.entry(UnmappedWord { field, word, read_as }).or_default() += 1;
    }

    fn page(&mut self, page: InstanceAggregatedList, looker: &Looker<'_>, now: DateTime<Utc>) {
        for zone in page.unreachables.iter().map(|scope| last_part(scope)) {
            self.round.reach(&zone);
            self.round.lose(&zone);
        }
        for (scope, list) in page.items {
            let zone = last_part(&scope);
            self.round.reach(&zone);
            if is_dark(&list) {
                self.round.lose(&zone);
            }
            for instance in &list.instances {
                match Machine::read(instance, &scope, looker.table, now) {
                    Ok(machine) => self.machines.push(machine),
                    Err(fault) => {
                        let hidden = looker.secret.hide(&format!("{instance:?}"));
                        self.refused.push(refuse_item(fault, "a machine", hidden.as_bytes()));
                    }
                }
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
        if self.guest.groups
            && let Err(failure) = self.groups(project, &mut signs, &mut look).await
        {
            look.lacks.push(failure);
        }
        if let Some(silence) = self.guest.inventory {
            let lacks = self.inventories(project, &look.machines, (silence, clock.now()), &mut signs).await;
            look.lacks.extend(lacks);
        }
        if self.guest.ports > 0 {
            let lacks = self.ports(project, &look.machines).await;
            look.lacks.extend(lacks);
            project.ports.tell(&self.table.serial, &mut signs);
        }
        Ok(Look { signs, ..look })
    }

    async fn machines(&self, project: &mut Project, clock: Clock) -> Result<Look, Failure> {
        let client = self.google.instances(INSTANCES).await?;
        let mut pages = client.aggregated_list().set_project(&project.id).set_max_results(PAGE).by_page();
        let mut look = Look::default();
        for _ in 0..PAGES_MAX {
            let next = async { pages.next().await.transpose() };
            let Some(page) = self.google.call(INSTANCES, &project.id, next).await? else {
                project.regions = look.machines.iter().map(|machine| place(&machine.zone).region.to_owned()).collect();
                return Ok(look);
            };
            look.page(page, self, clock.now());
        }
        Err(Failure::new("too-many", format!("{}: the list does not end; look for a newer adapter", INSTANCES.name)))
    }
}

/// Whether a scope without machines says that nobody could look.
fn is_dark(list: &InstancesScopedList) -> bool {
    let code = list.warning.as_ref().and_then(|warning| warning.code.as_ref()?.name());
    code.is_some_and(|code| code != "NO_RESULTS_ON_PAGE")
}
