//! One region's executions: those that began since the last time, and by their ids those that were open then. Each machine's
//! repair is told to the fleet when its state changes, once.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::types::{AutomationExecutionFilter, AutomationExecutionFilterKey, AutomationExecutionMetadata};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_sidecar::fleet::{Fleet, FleetError, Repair};
use entente_sidecar::poll::Failure;

use super::execution::{Execution, Scope, machine};
use crate::account::api::{DESCRIBE_AUTOMATION_EXECUTIONS, GET_AUTOMATION_EXECUTION};
use crate::account::call::{Caller, Denied, pages};
use crate::account::patience::Patience;
use crate::account::strangers::Strangers;
use crate::account::table::Document;

/// The size of a page.
const PAGE: i32 = 50;
/// Values that one filter may have.
const VALUES: usize = 10;
/// What is asked for again, since lists are not always up to date.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Machines that one execution's parameters may name.
const MACHINES_MAX: usize = 50;

/// What all regions have in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) caller: Caller,
    pub(crate) fleet: Fleet,
    /// Documents that repair machines.
    pub(crate) documents: Vec<Document>,
    /// How far back the first answer reaches.
    pub(crate) lookback: TimeDelta,
    /// What ended before was told by an earlier run of this program.
    pub(crate) told_until: Option<DateTime<Utc>>,
}

/// A region.
pub(super) struct Region {
    code: String,
    common: Common,
    cursor: Option<DateTime<Utc>>,
    /// Executions that are open.
    open: BTreeSet<String>,
    /// What each one's machines are, where its parameters name them.
    machines: BTreeMap<String, Vec<String>>,
    /// The state of each execution that was told last.
    told: BTreeMap<String, String>,
    patience: Patience,
}

/// Why a region was not read.
#[derive(Debug)]
enum Unread {
    Denied(Denied),
    Fleet(FleetError),
}

impl From<Denied> for Unread {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<FleetError> for Unread {
    fn from(error: FleetError) -> Self {
        Self::Fleet(error)
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Denied(denied) => denied.into(),
            Unread::Fleet(error) => Self::new("fleet", error.to_string()),
        }
    }
}

impl Region {
    pub(super) fn new(code: String, common: Common) -> Self {
        Self {
            code,
            common,
            cursor: None,
            open: BTreeSet::new(),
            machines: BTreeMap::new(),
            told: BTreeMap::new(),
            patience: Patience::default(),
        }
    }

    /// Whether executions go on.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Reads the region, unless it failed just now. What goes on is noted in the fleet.
    pub(super) async fn read(&mut self, pace: TimeDelta, now: DateTime<Utc>) -> Result<Strangers, Failure> {
        if let Some(failure) = self.patience.spares(now) {
            return Err(failure);
        }
        let mut strangers = Strangers::default();
        match self.look(now, &mut strangers).await {
            Ok(()) => {
                self.patience.good();
                Ok(strangers)
            }
            Err(unread) => Err(self.patience.failed(&self.code, unread.into(), pace, now)),
        }
    }

    async fn look(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let from = self.cursor.map_or(now - self.common.lookback, |cursor| cursor - OVERLAP);
        let mut listed = self.begun_since(from).await?;
        let unlisted: Vec<String> = self.open.iter().filter(|id| !listed.contains_key(*id)).cloned().collect();
        listed.extend(self.by_id(&unlisted).await?);
        for id in unlisted.iter().filter(|id| !listed.contains_key(*id)) {
            // AWS keeps executions for thirty days.
            self.forget(id);
        }
        let parents: Vec<String> =
            listed.values().filter(|one| self.has_news_below(one)).map(|one| one.id.clone()).collect();
        for parent in parents {
            listed.extend(self.children(&parent).await?);
        }
        for execution in listed.values() {
            self.note(execution, now, strangers).await?;
        }
        self.told.retain(|id, _| listed.contains_key(id) || self.open.contains(id));
        self.cursor = Some(now);
        Ok(())
    }

    /// A parent is asked for its children while it is open, and once more when it is over.
    fn has_news_below(&self, one: &Execution) -> bool {
        one.scope == Scope::Many && (one.is_open() || (self.told.get(&one.id) != Some(&one.status) && self.is_new(one)))
    }

    /// Whether its end was not told by an earlier run of this program.
    fn is_new(&self, one: &Execution) -> bool {
        one.is_open() || self.common.told_until.is_none_or(|until| one.ended.is_none_or(|ended| ended > until))
    }

    async fn note(&mut self, one: &Execution, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        if one.is_open() {
            self.open.insert(one.id.clone());
        } else {
            self.open.remove(&one.id);
        }
        let Some(stage) = one.stage else {
            strangers.note("AutomationExecutionStatus", &one.status);
            return Ok(());
        };
        if self.told.get(&one.id) == Some(&one.status) || !self.is_new(one) {
            return Ok(());
        }
        let machines = match &one.scope {
            Scope::Many | Scope::Step => Vec::new(),
            Scope::Child { machine } => vec![machine.clone()],
            Scope::One => self.machines_of(one).await?,
        };
        let approach =
            self.common.documents.get(one.document).map(|document| document.approach.as_str()).unwrap_or_default();
        for device in &machines {
            self.common.fleet.repair(Repair { device, approach, progress: stage.progress, observed: now })?;
        }
        self.told.insert(one.id.clone(), one.status.clone());
        if !stage.open {
            self.machines.remove(&one.id);
        }
        Ok(())
    }

    fn forget(&mut self, id: &str) {
        self.open.remove(id);
        self.machines.remove(id);
    }

    /// Executions that began since then, of the documents that are read.
    async fn begun_since(&self, from: DateTime<Utc>) -> Result<BTreeMap<String, Execution>, Denied> {
        let since = from.to_rfc3339_opts(SecondsFormat::Secs, true);
        let prefixes: Vec<String> = self.common.documents.iter().map(|document| document.prefix.clone()).collect();
        let mut listed = BTreeMap::new();
        for prefixes in prefixes.chunks(VALUES) {
            let filters = [
                filter(AutomationExecutionFilterKey::DocumentNamePrefix, prefixes.to_vec()),
                filter(AutomationExecutionFilterKey::StartTimeAfter, vec![since.clone()]),
            ];
            listed.extend(self.listed(filters.into_iter().flatten().collect()).await?);
        }
        Ok(listed)
    }

    async fn by_id(&self, ids: &[String]) -> Result<BTreeMap<String, Execution>, Denied> {
        let mut listed = BTreeMap::new();
        for ids in ids.chunks(VALUES) {
            let filter = filter(AutomationExecutionFilterKey::ExecutionId, ids.to_vec());
            listed.extend(self.listed(filter.into_iter().collect()).await?);
        }
        Ok(listed)
    }

    async fn children(&self, parent: &str) -> Result<BTreeMap<String, Execution>, Denied> {
        let filter = filter(AutomationExecutionFilterKey::ParentExecutionId, vec![parent.to_owned()]);
        self.listed(filter.into_iter().collect()).await
    }

    async fn listed(&self, filters: Vec<AutomationExecutionFilter>) -> Result<BTreeMap<String, Execution>, Denied> {
        let client = self.common.caller.clients().ssm(&self.code).await;
        let listed = pages(|token| {
            let call = client.describe_automation_executions().max_results(PAGE).set_filters(Some(filters.clone()));
            let call = call.set_next_token(token).send();
            async {
                let page = self.common.caller.call(DESCRIBE_AUTOMATION_EXECUTIONS, &self.code, call).await?;
                let read = |told: &AutomationExecutionMetadata| Execution::read(told, &self.common.documents);
                Ok((page.automation_execution_metadata_list().iter().filter_map(read).collect(), page.next_token))
            }
        });
        Ok(listed.await?.into_iter().map(|one: Execution| (one.id.clone(), one)).collect())
    }

    /// The machines that an execution's parameters name; asked for once.
    async fn machines_of(&mut self, one: &Execution) -> Result<Vec<String>, Denied> {
        if let Some(machines) = self.machines.get(&one.id) {
            return Ok(machines.clone());
        }
        let client = self.common.caller.clients().ssm(&self.code).await;
        let call = client.get_automation_execution().automation_execution_id(&one.id).send();
        let answer = self.common.caller.call(GET_AUTOMATION_EXECUTION, &self.code, call).await?;
        let parameters = answer.automation_execution().and_then(|one| one.parameters());
        let names = self.common.documents.get(one.document).map(|document| document.parameters.as_slice());
        let values = names.into_iter().flatten().filter_map(|name| parameters?.get(name)).flatten();
        let machines: BTreeSet<String> = values.filter_map(|value| machine(value)).take(MACHINES_MAX).collect();
        let machines: Vec<String> = machines.into_iter().collect();
        self.machines.insert(one.id.clone(), machines.clone());
        Ok(machines)
    }
}

fn filter(key: AutomationExecutionFilterKey, values: Vec<String>) -> Option<AutomationExecutionFilter> {
    AutomationExecutionFilter::builder().key(key).set_values(Some(values)).build().ok()
}
