//! One region's executions: those that began since the last time, and by their ids those that were open then. Each machine's
//! repair is told to the fleet when its state changes, once.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::types::{AutomationExecutionFilter, AutomationExecutionFilterKey, AutomationExecutionMetadata};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_sidecar::fleet::{Fleet, Repair};

use super::execution::{Execution, Scope};
use crate::account::api::{DESCRIBE_AUTOMATION_EXECUTIONS, GET_AUTOMATION_EXECUTION};
use crate::account::call::{Caller, Denied, pages};
use crate::account::machine::machine;
use crate::account::round::{Place, Unread};
use crate::account::strangers::Strangers;
use crate::account::table::Document;

/// The size of a page.
const PAGE: i32 = 50;
/// Values that one filter may have.
const VALUES: usize = 10;
/// What is asked for again, since lists are not always up to date.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Executions whose parameters are asked for in one look, so that what is known of the others is told meanwhile.
const PARAMETERS_MAX: usize = 100;

/// What all regions have in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) caller: Caller,
    pub(crate) fleet: Fleet,
    /// Documents that repair machines.
    pub(crate) documents: Vec<Document>,
    /// How far back the first answer reaches.
    pub(crate) lookback: TimeDelta,
}

/// A region.
pub(super) struct Region {
    code: String,
    common: Common,
    /// What ended before was told by an earlier run of this program.
    told_before: Option<DateTime<Utc>>,
    cursor: Option<DateTime<Utc>>,
    /// Executions that go on, or of which something is owed; those below a parent are found through it.
    open: BTreeSet<String>,
    /// Parents that run no document which is read, as far as parts of them are listed.
    strange: BTreeSet<String>,
    /// What each one's machines are, where its parameters name them.
    machines: BTreeMap<String, Vec<String>>,
    /// The state of each execution that was told last.
    told: BTreeMap<String, String>,
    /// Executions whose parameters were not asked for yet.
    owed: usize,
}

/// Executions by their ids.
type Listed = BTreeMap<String, Execution>;

/// One look at a region.
struct Looking<'a> {
    listed: &'a Listed,
    now: DateTime<Utc>,
    /// Executions whose parameters were asked for.
    asked: usize,
    strangers: &'a mut Strangers,
}

impl Looking<'_> {
    /// What an execution is a part of, if that is listed.
    fn parent(&self, one: &Execution) -> Option<&Execution> {
        self.listed.get(one.parent.as_ref()?)
    }
}

impl Place for Region {
    async fn read(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let listed = self.listed_now(now).await?;
        let mut in_order: Vec<&Execution> = listed.values().collect();
        in_order.sort_by_key(|one| one.order());
        self.owed = 0;
        let mut look = Looking { listed: &listed, now, asked: 0, strangers };
        for one in in_order {
            self.note(one, &mut look).await?;
        }
        self.told.retain(|id, _| listed.contains_key(id) || self.open.contains(id));
        self.cursor = Some(now);
        Ok(())
    }

    /// How repairs stand that cannot be seen is not known; what was told of them stands.
    fn lost(&mut self, _now: DateTime<Utc>) {}
}

impl Region {
    /// A region of which an earlier run of this program told what ended before a moment.
    pub(super) fn new(code: String, common: Common, told_before: Option<DateTime<Utc>>) -> Self {
        Self {
            code,
            common,
            told_before,
            cursor: None,
            open: BTreeSet::new(),
            strange: BTreeSet::new(),
            machines: BTreeMap::new(),
            told: BTreeMap::new(),
            owed: 0,
        }
    }

    /// Whether executions go on.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The region, and up to when all that ended there was told; none while something is owed.
    pub(super) fn told_until(&self) -> Option<(String, DateTime<Utc>)> {
        self.cursor.filter(|_| self.owed == 0).map(|until| (self.code.clone(), until))
    }

    /// All that there is to look at: what began since the last time, what went on then, and what is below them.
    async fn listed_now(&mut self, now: DateTime<Utc>) -> Result<Listed, Denied> {
        let from = self.cursor.map_or(now - self.common.lookback, |cursor| cursor - OVERLAP);
        let mut listed = self.begun_since(from).await?;
        let unlisted: Vec<String> = self.open.iter().filter(|id| !listed.contains_key(*id)).cloned().collect();
        listed.extend(self.by_id(&unlisted).await?);
        for id in unlisted.iter().filter(|id| !listed.contains_key(*id)) {
            // AWS keeps executions for thirty days.
            self.forget(id);
        }
        self.add_parents(&mut listed).await?;
        self.add_children(&mut listed).await?;
        Ok(listed)
    }

    /// A part may be younger than what it is a part of, which then is not listed with it.
    async fn add_parents(&mut self, listed: &mut Listed) -> Result<(), Denied> {
        let named: BTreeSet<String> = listed.values().filter_map(|one| one.parent.clone()).collect();
        self.strange.retain(|id| named.contains(id));
        let asked = named.into_iter().filter(|id| !listed.contains_key(id) && !self.strange.contains(id));
        let asked: Vec<String> = asked.collect();
        let found = self.by_id(&asked).await?;
        self.strange.extend(asked.into_iter().filter(|id| !found.contains_key(id)));
        listed.extend(found);
        Ok(())
    }

    /// Children may have children of their own.
    async fn add_children(&mut self, listed: &mut Listed) -> Result<(), Denied> {
        let parents = |listed: &Listed, region: &Self| -> Vec<String> {
            listed.values().filter(|one| region.has_news_below(one)).map(|one| one.id.clone()).collect()
        };
        let (mut left, mut asked) = (parents(listed, self), BTreeSet::new());
        while let Some(parent) = left.pop() {
            if asked.insert(parent.clone()) {
                let children = self.children(&parent).await?;
                left.extend(parents(&children, self));
                listed.extend(children);
            }
        }
        Ok(())
    }

    /// A parent is asked for its children while it is open, and once more when it is over.
    fn has_news_below(&self, one: &Execution) -> bool {
        one.scope == Scope::Many && (one.is_open() || (self.told.get(&one.id) != Some(&one.status) && self.is_new(one)))
    }

    /// Whether its end was not told by an earlier run of this program.
    fn is_new(&self, one: &Execution) -> bool {
        one.is_open() || self.told_before.is_none_or(|until| one.ended.is_none_or(|ended| ended > until))
    }

    async fn note(&mut self, one: &Execution, look: &mut Looking<'_>) -> Result<(), Unread> {
        if one.is_open() && !look.parent(one).is_some_and(Execution::is_open) {
            self.open.insert(one.id.clone());
        } else {
            self.open.remove(&one.id);
        }
        let Some(stage) = one.stage else {
            look.strangers.note("AutomationExecutionStatus", &one.status);
            return Ok(());
        };
        if self.told.get(&one.id) == Some(&one.status) || !self.is_new(one) {
            return Ok(());
        }
        let Some(machines) = self.machines_of(one, look).await? else {
            self.owed += 1;
            self.open.insert(one.id.clone());
            return Ok(());
        };
        let document = self.common.documents.get(one.document);
        let approach = document.map(|document| document.approach.as_str()).unwrap_or_default();
        for device in &machines {
            let repair = Repair { device, approach, progress: stage.progress, observed: look.now };
            self.common.fleet.repair(repair)?;
        }
        self.told.insert(one.id.clone(), one.status.clone());
        if !stage.open {
            self.machines.remove(&one.id);
        }
        Ok(())
    }

    /// The machines that an execution itself repairs. None if that is for the next look.
    async fn machines_of(&mut self, one: &Execution, look: &mut Looking<'_>) -> Result<Option<Vec<String>>, Denied> {
        match &one.scope {
            Scope::Child { machine } => Ok(Some(vec![machine.clone()])),
            Scope::Many => Ok(Some(Vec::new())),
            Scope::Step if look.parent(one).is_some() => Ok(Some(Vec::new())),
            Scope::One | Scope::Step => self.named_by(one, &mut look.asked).await,
        }
    }

    fn forget(&mut self, id: &str) {
        self.open.remove(id);
        self.machines.remove(id);
    }

    /// Executions that began since then, of the documents that are read.
    async fn begun_since(&self, from: DateTime<Utc>) -> Result<Listed, Denied> {
        let since = from.to_rfc3339_opts(SecondsFormat::Secs, true);
        let prefixes: Vec<String> = self.common.documents.iter().map(|document| document.prefix.clone()).collect();
        let mut listed = Listed::new();
        for prefixes in prefixes.chunks(VALUES) {
            let filters = [
                filter(AutomationExecutionFilterKey::DocumentNamePrefix, prefixes.to_vec()),
                filter(AutomationExecutionFilterKey::StartTimeAfter, vec![since.clone()]),
            ];
            listed.extend(self.listed(filters.into_iter().flatten().collect()).await?);
        }
        Ok(listed)
    }

    async fn by_id(&self, ids: &[String]) -> Result<Listed, Denied> {
        let mut listed = Listed::new();
        for ids in ids.chunks(VALUES) {
            let filter = filter(AutomationExecutionFilterKey::ExecutionId, ids.to_vec());
            listed.extend(self.listed(filter.into_iter().collect()).await?);
        }
        Ok(listed)
    }

    async fn children(&self, parent: &str) -> Result<Listed, Denied> {
        let filter = filter(AutomationExecutionFilterKey::ParentExecutionId, vec![parent.to_owned()]);
        self.listed(filter.into_iter().collect()).await
    }

    async fn listed(&self, filters: Vec<AutomationExecutionFilter>) -> Result<Listed, Denied> {
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

    /// The machines that an execution's parameters name; asked for once. None if that is for the next look.
    async fn named_by(&mut self, one: &Execution, asked: &mut usize) -> Result<Option<Vec<String>>, Denied> {
        if let Some(machines) = self.machines.get(&one.id) {
            return Ok(Some(machines.clone()));
        }
        if *asked >= PARAMETERS_MAX {
            return Ok(None);
        }
        *asked += 1;
        let client = self.common.caller.clients().ssm(&self.code).await;
        let call = client.get_automation_execution().automation_execution_id(&one.id).send();
        let answer = self.common.caller.call(GET_AUTOMATION_EXECUTION, &self.code, call).await?;
        let parameters = answer.automation_execution().and_then(|one| one.parameters());
        let names = self.common.documents.get(one.document).map(|document| document.parameters.as_slice());
        let values = names.into_iter().flatten().filter_map(|name| parameters?.get(name)).flatten();
        let machines: BTreeSet<String> = values.filter_map(|value| machine(value)).collect();
        let machines: Vec<String> = machines.into_iter().collect();
        self.machines.insert(one.id.clone(), machines.clone());
        Ok(Some(machines))
    }
}

fn filter(key: AutomationExecutionFilterKey, values: Vec<String>) -> Option<AutomationExecutionFilter> {
    AutomationExecutionFilter::builder().key(key).set_values(Some(values)).build().ok()
}
