//! Systems Manager Automation: executions of documents on machines, one alone or many as children of one. What a script
//! says of them is told; that a machine is well again is EC2's to tell.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::call::{Call, with};
use super::ec2::instance_id;
use super::page::{Page, Size, page};
use super::reply::Refusal;
use super::time::stated;

const PAGES: Size = Size { member: "MaxResults", token: "NextToken", bounds: (1, 50), unasked: 50 };
/// States in which an execution has ended.
const ENDED: [&str; 8] = [
    "Success",
    "TimedOut",
    "Cancelled",
    "Failed",
    "Rejected",
    "CompletedWithSuccess",
    "CompletedWithFailure",
    "Exited",
];

/// The executions.
#[derive(Debug, Default)]
pub struct Automations {
    known: Mutex<Vec<Execution>>,
}

#[derive(Clone, Debug)]
struct Execution {
    id: String,
    region: String,
    document: String,
    status: String,
    start: DateTime<Utc>,
    end: Option<DateTime<Utc>>,
    parent: Option<String>,
    /// The machine that it repairs; none for the parent of many.
    machine: Option<usize>,
    /// Whether it is a step of its parent, which has its machine from its parameters.
    step: bool,
}

impl Automations {
    /// Starts a document on one machine, and gives the execution's id.
    pub fn start(&self, region: &str, document: &str, machine: usize, now: DateTime<Utc>) -> String {
        self.add(region, document, None, Some(machine), "InProgress", now)
    }

    /// Starts a document on one machine as a step of another execution, and gives the step's id.
    pub fn start_step(&self, parent: &str, document: &str, machine: usize, now: DateTime<Utc>) -> String {
        let region = self.region_of(parent);
        let id = self.add(&region, document, Some(parent), Some(machine), "InProgress", now);
        self.lock().iter_mut().filter(|known| known.id == id).for_each(|known| known.step = true);
        id
    }

    /// Starts a document on many machines: one execution with a child for each, all of which wait. Gives its id.
    pub fn start_many(&self, region: &str, document: &str, machines: &[usize], now: DateTime<Utc>) -> String {
        let parent = self.add(region, document, None, None, "InProgress", now);
        self.wait_below(&parent, document, machines, now);
        parent
    }

    /// Starts the part of a run in many places that is in one place: an execution below another one, with a child for each
    /// machine. Gives its id.
    pub fn start_part(&self, parent: &str, document: &str, machines: &[usize], now: DateTime<Utc>) -> String {
        let region = self.region_of(parent);
        let part = self.add(&region, document, Some(parent), None, "InProgress", now);
        self.wait_below(&part, document, machines, now);
        part
    }

    fn wait_below(&self, parent: &str, document: &str, machines: &[usize], now: DateTime<Utc>) {
        let region = self.region_of(parent);
        for machine in machines {
            self.add(&region, document, Some(parent), Some(*machine), "Pending", now);
        }
    }

    fn region_of(&self, id: &str) -> String {
        let known = self.lock();
        known.iter().find(|known| known.id == id).map(|known| known.region.clone()).unwrap_or_default()
    }

    /// The ids of all executions.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        self.lock().iter().map(|known| known.id.clone()).collect()
    }

    /// Sets the state of an execution.
    pub fn set(&self, id: &str, status: &str, now: DateTime<Utc>) {
        self.each(|known| known.id == id, status, now);
    }

    /// Sets the state of a parent's children for these machines.
    pub fn set_children(&self, parent: &str, machines: &[usize], status: &str, now: DateTime<Utc>) {
        let of = |known: &Execution| known.machine.is_some_and(|machine| machines.contains(&machine));
        self.each(|known| known.parent.as_deref() == Some(parent) && of(known), status, now);
    }

    pub(super) fn answer(&self, call: &Call, account: &str) -> Result<Value, Refusal> {
        let of_region = |known: &&Execution| known.region == call.region;
        let known = self.lock();
        match call.operation.as_str() {
            "DescribeAutomationExecutions" => {
                let mut kept: Vec<&Execution> =
                    known.iter().filter(of_region).filter(|one| asked(one, &call.input)).collect();
                kept.sort_by(|a, b| (b.start, &b.id).cmp(&(a.start, &a.id)));
                let Page { items, next } = page(kept, &call.input, &PAGES)?;
                let items: Vec<Value> = items.into_iter().map(|one| one.in_short(account)).collect();
                Ok(json!({ "AutomationExecutionMetadataList": items, "NextToken": next }))
            }
            "GetAutomationExecution" => {
                let id = call.input.get("AutomationExecutionId").and_then(Value::as_str).unwrap_or_default();
                let one = known.iter().filter(of_region).find(|known| known.id == id);
                let one =
                    one.ok_or_else(|| Refusal::new(400, "AutomationExecutionNotFoundException", "no such execution"))?;
                Ok(json!({ "AutomationExecution": one.in_full(account) }))
            }
            other => Err(Refusal::new(400, "UnknownOperationException", other)),
        }
    }

    fn add(
        &self,
        region: &str,
        document: &str,
        parent: Option<&str>,
        machine: Option<usize>,
        status: &str,
        start: DateTime<Utc>,
    ) -> String {
        let mut known = self.lock();
        let id = format!("{:08x}-6c1b-4a5e-9d2f-7f3e8a{:06x}", 0x5eed_0000 + known.len(), known.len());
        crate::secret::serve([id.clone()]);
        known.push(Execution {
            id: id.clone(),
            region: region.to_owned(),
            document: document.to_owned(),
            status: status.to_owned(),
            start,
            end: None,
            parent: parent.map(str::to_owned),
            machine,
            step: false,
        });
        id
    }

    fn each(&self, which: impl Fn(&Execution) -> bool, status: &str, now: DateTime<Utc>) {
        for known in self.lock().iter_mut().filter(|known| which(known)) {
            status.clone_into(&mut known.status);
            known.end = ENDED.contains(&status).then_some(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Execution>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Execution {
    fn in_short(&self, account: &str) -> Value {
        let machine = self.machine.filter(|_| !self.step).map(instance_id);
        json!({
            "AutomationExecutionId": self.id,
            "DocumentName": self.document,
            "DocumentVersion": "1",
            "AutomationExecutionStatus": self.status,
            "ExecutionStartTime": stated(self.start),
            "ExecutionEndTime": self.end.map(stated),
            "ExecutedBy": format!("arn:aws:sts::{account}:assumed-role/repair/operator"),
            "LogFile": "",
            "Outputs": {},
            "Mode": "Auto",
            "ParentAutomationExecutionId": self.parent,
            "Targets": [],
            "TargetParameterName": (self.machine.is_none()).then_some("InstanceId"),
            "Target": self.parent.as_ref().and(machine),
            "ResolvedTargets": { "ParameterValues": [], "Truncated": false },
            "MaxConcurrency": (self.machine.is_none()).then_some("50"),
            "AutomationType": "Local",
        })
    }

    fn in_full(&self, account: &str) -> Value {
        let more = json!({
            "Parameters": self.machine.map(|machine| json!({ "InstanceId": [instance_id(machine)] })),
            "StepExecutions": [],
            "StepExecutionsTruncated": false,
            // Steps of the document, not machines.
            "ProgressCounters": {
                "TotalSteps": 11, "SuccessSteps": 4, "FailedSteps": 0, "CancelledSteps": 0, "TimedOutSteps": 0
            },
        });
        with(self.in_short(account), more)
    }
}

/// Whether an execution is one of those that are asked for: of each filter one of its values.
fn asked(one: &Execution, input: &Value) -> bool {
    let filters = input.get("Filters").and_then(Value::as_array).into_iter().flatten();
    filters.into_iter().all(|filter| {
        let values = filter.get("Values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut values = values;
        match filter.get("Key").and_then(Value::as_str) {
            Some("DocumentNamePrefix") => values.any(|prefix| one.document.starts_with(prefix)),
            Some("ExecutionStatus") => values.any(|status| one.status == status),
            Some("ExecutionId") => values.any(|id| one.id == id),
            Some("ParentExecutionId") => values.any(|id| one.parent.as_deref() == Some(id)),
            Some("StartTimeAfter") => values.any(|time| time.parse().is_ok_and(|time: DateTime<Utc>| one.start > time)),
            Some("StartTimeBefore") => {
                values.any(|time| time.parse().is_ok_and(|time: DateTime<Utc>| one.start < time))
            }
            _ => false,
        }
    })
}
