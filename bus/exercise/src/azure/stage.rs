//! What the double tells: the fleet in Azure's words, and what a script states beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::replay::Recorded;
use crate::fleet::{Machine, Os};
use crate::{Faults, Fleet, secret};

const SUBSCRIPTIONS: [&str; 2] = ["5f1d7a52-0c1e-4b7e-9a43-e2c5d1f0ab11", "9e0c41b7-77d3-4f0a-8a61-3b5c2e9d0c22"];
const TENANT: &str = "c0ffee00-91aa-4d2e-b0b7-6f1e2d3c4b5a";

/// How far the repair of a machine on another one has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// The machine that repairs is there, tagged with what it repairs.
    pub machine: bool,
    /// The script that was run on it, if one was.
    pub run: Option<Run>,
    /// The repaired disk is back at its own machine.
    pub swapped: bool,
}

/// A run command and how it stands, in Azure's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `Running`, `Succeeded`, `Failed`, `TimedOut`, `Canceled`, ...
    pub state: String,
    /// When it began.
    pub start: DateTime<Utc>,
    /// When it ended.
    pub end: Option<DateTime<Utc>>,
}

/// How the platform judges a machine, in Azure's words, whatever its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// `Available`, `Unavailable`, `Degraded`, `Unknown`.
    pub state: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The name of the annotation, if there is one.
    pub annotation: Option<&'static str>,
    /// When that happened which it tells of.
    pub annotated: DateTime<Utc>,
    /// `Platform Initiated`, `Customer Initiated`, `VM Initiated`.
    pub context: &'static str,
    /// `Planned`, `Unplanned`, `Not Applicable`.
    pub category: &'static str,
}

/// What is told, and to whom faults are played. Clones are one stage.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    pub(super) faults: Faults,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) subscriptions: Vec<String>,
    pub(super) tenant: String,
    pub(super) page: usize,
    pub(super) table: bool,
    pub(super) astray: Option<String>,
    pub(super) hide_agents: bool,
    pub(super) events: Vec<Value>,
    pub(super) tenant_events: Vec<Value>,
    pub(super) impacted: BTreeMap<String, Vec<usize>>,
    pub(super) emerging: Option<Value>,
    pub(super) repairs: BTreeMap<usize, Repair>,
    pub(super) statuses: Vec<Value>,
    pub(super) recorded: Vec<Recorded>,
    /// Subscriptions that the caller may not read.
    pub(super) refused: BTreeSet<String>,
    pub(super) judged: BTreeMap<usize, Judged>,
    /// Machines whose repairers are gone, which Resource Graph does not know yet.
    pub(super) lagging: BTreeSet<usize>,
    /// What rows of machines hold in place of what they should: by number, where in the row, and what.
    pub(super) spoiled: BTreeMap<usize, Vec<(String, Value)>>,
    /// Questions that Resource Graph says are left to the caller.
    pub(super) share_left: u32,
    /// Tokens and when each was given.
    pub(super) tokens: BTreeMap<String, DateTime<Utc>>,
    /// How many tokens were given.
    pub(super) given: usize,
}

impl Stage {
    pub(super) fn new(fleet: Fleet, faults: Faults) -> Self {
        secret::serve(SUBSCRIPTIONS);
        secret::serve([TENANT, SCREENSHOT, SIGNATURE]);
        let script = Script {
            subscriptions: SUBSCRIPTIONS.map(str::to_owned).to_vec(),
            tenant: TENANT.to_owned(),
            page: 100,
            table: false,
            astray: None,
            hide_agents: false,
            events: Vec::new(),
            tenant_events: Vec::new(),
            impacted: BTreeMap::new(),
            emerging: None,
            repairs: BTreeMap::new(),
            statuses: Vec::new(),
            recorded: Vec::new(),
            refused: BTreeSet::new(),
            judged: BTreeMap::new(),
            lagging: BTreeSet::new(),
            spoiled: BTreeMap::new(),
            share_left: 14,
            tokens: BTreeMap::new(),
            given: 0,
        };
        Self { fleet, faults, script: Arc::new(Mutex::new(script)) }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn repair(&self, machine: usize, repair: Option<Repair>) {
        let mut script = self.script();
        let swapped = script.repairs.get(&machine).is_some_and(|before| before.swapped);
        let repair = repair.unwrap_or_default();
        script.repairs.insert(machine, Repair { swapped: repair.swapped || swapped, ..repair });
    }
}

/// A host that pictures of screens lie on, with the signature that opens them: never to be heard on a bus.
pub(super) const SCREENSHOT: &str = "7pkswidiag.blob.core.windows.net";
pub(super) const SIGNATURE: &str = "sig=Z9x0uK3pQvQ1";

/// Sets a member of an object.
pub(super) fn set(object: &mut Value, name: &str, member: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member.into());
    }
}

/// Replaces the element of this name, or adds it.
pub(super) fn put(list: &mut Vec<Value>, element: Value) {
    match list.iter_mut().find(|known| known.get("name") == element.get("name")) {
        Some(known) => *known = element,
        None => list.push(element),
    }
}

impl Script {
    /// The subscription that a machine is in.
    pub(super) fn subscription(&self, machine: &Machine) -> &str {
        let place = machine.number.checked_rem(self.subscriptions.len()).unwrap_or(0);
        self.subscriptions.get(place).map_or("", String::as_str)
    }

    /// The id of a machine as Compute writes it; Resource Graph writes the group in lower case.
    pub(super) fn vm_id(&self, machine: &Machine) -> String {
        let (subscription, group) = (self.subscription(machine), group(machine).to_uppercase());
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{}",
            machine.name
        )
    }

    /// The name of the disk that a machine starts from.
    pub(super) fn os_disk(&self, machine: &Machine) -> String {
        let swapped = self.repairs.get(&machine.number).is_some_and(|repair| repair.swapped);
        let name = &machine.name;
        if swapped { format!("{name}-DiskCopy-20240719060000") } else { format!("{name}_OsDisk_1_0a1b2c3d4e5f") }
    }

    /// A row of a machine as it is told, with what it holds wrong.
    pub(super) fn spoil(&self, machine: &Machine, mut row: Value) -> Value {
        for (member, value) in self.spoiled.get(&machine.number).into_iter().flatten() {
            if let Some(told) = row.pointer_mut(member) {
                told.clone_from(value);
            }
        }
        row
    }

    /// The machines that repair others: name, group, and whom.
    pub(super) fn repairers<'a>(&self, fleet: &'a [Machine]) -> Vec<(String, String, &'a Machine)> {
        let there = self.repairs.iter().filter(|(_, repair)| repair.machine);
        let whom = there.filter_map(|(number, _)| fleet.iter().find(|machine| machine.number == *number));
        whom.map(|machine| {
            let group = format!("repair-{}-20240719", machine.name);
            (format!("rp{:05}fix_", machine.number), group, machine)
        })
        .collect()
    }
}

/// The resource group of a machine, in lower case.
pub(super) fn group(machine: &Machine) -> String {
    let group = format!("fin-prod-rg-{}", machine.region);
    secret::serve([group.clone()]);
    group
}

/// The system of a machine in Azure's word.
pub(super) fn os_type(os: Os) -> &'static str {
    match os {
        Os::Windows => "Windows",
        Os::Linux => "Linux",
    }
}

/// A time as Azure writes it, with seven digits of a second.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    format!("{}0Z", time.format("%Y-%m-%dT%H:%M:%S%.6f"))
}
