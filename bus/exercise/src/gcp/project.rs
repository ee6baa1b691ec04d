//! A project: its machines in Compute Engine's words, and what was begun on them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeZone as _, Utc};
use serde_json::{Value, json};

use super::groups::Group;
use super::operation::{Kept, Operation, Progress};
use super::patch::Job;
use super::serial::Serial;
use crate::fleet::{Condition, Fleet, Machine, Os};
use crate::secret;

/// Where the API's links begin.
pub(super) const LINKS: &str = "https://www.googleapis.com/compute/v1/projects";

/// A project.
pub(super) struct Project {
    pub(super) id: String,
    /// Which some answers hold in place of the id.
    pub(super) number: u64,
    pub(super) fleet: Fleet,
    pub(super) groups: Vec<Group>,
    pub(super) operations: Vec<Kept>,
    pub(super) jobs: Vec<Job>,
    pub(super) serial: BTreeMap<usize, Serial>,
    /// Whether a machine without an id is shown.
    pub(super) nameless: bool,
}

impl Project {
    pub(super) fn new(id: &str, fleet: Fleet) -> Self {
        let number = 100_000_000_000 + digest(id) % 900_000_000_000;
        secret::serve([id.to_owned(), number.to_string()]);
        Self {
            id: id.to_owned(),
            number,
            fleet,
            groups: Vec::new(),
            operations: Vec::new(),
            jobs: Vec::new(),
            serial: BTreeMap::new(),
            nameless: false,
        }
    }

    /// Whatever tells of it, its machines, and what is done to them.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.id.clone(), self.number.to_string()];
        secrets.extend(
            self.fleet.machines().into_iter().flat_map(|machine| [self.machine_id(machine.number), machine.name]),
        );
        secrets.extend(self.operations.iter().flat_map(Kept::secrets));
        secrets.extend(self.jobs.iter().map(|job| job.name.clone()));
        secrets
    }

    /// The machines that are not gone for good.
    pub(super) fn machines(&self) -> Vec<Machine> {
        let machines = self.fleet.machines().into_iter();
        machines.filter(|machine| machine.condition != Condition::Terminated).collect()
    }

    pub(super) fn machine(&self, number: usize) -> Option<Machine> {
        self.fleet.machines().into_iter().nth(number)
    }

    /// The id that Google gives a machine.
    pub(super) fn machine_id(&self, number: usize) -> String {
        let id = (1_000_000_000_000_000_000 + digest(&format!("{}/{number}", self.id)) % 8_000_000_000_000_000_000)
            .to_string();
        secret::serve([id.clone()]);
        id
    }

    pub(super) fn link(&self, machine: &Machine) -> String {
        format!("{LINKS}/{}/zones/{}/instances/{}", self.id, machine.zone, machine.name)
    }

    pub(super) fn operate(&mut self, operation: Operation) -> Option<usize> {
        let machine = self.machine(operation.machine)?;
        let number = self.operations.len();
        self.operations.push(Kept::new(self, &machine, operation, number));
        Some(number)
    }

    pub(super) fn progress(&mut self, number: usize, progress: Progress, at: DateTime<Utc>) {
        if let Some(operation) = self.operations.get_mut(number) {
            operation.progress(progress, at);
        }
    }

    pub(super) fn set_job(&mut self, job: Job) {
        secret::serve([job.name.clone()]);
        match self.jobs.iter_mut().find(|known| known.name == job.name) {
            Some(known) => *known = job,
            None => self.jobs.push(job),
        }
    }

    /// A machine as none should be shown.
    pub(super) fn without_id(&self, machine: &Machine) -> Value {
        let mut instance = self.instance(machine);
        if let Some(instance) = instance.as_object_mut() {
            instance.remove("id");
        }
        instance
    }

    /// The machine as `instances.list` shows it.
    pub(super) fn instance(&self, machine: &Machine) -> Value {
        let zone = format!("{LINKS}/{}/zones/{}", self.id, machine.zone);
        let (family, license, features) = match machine.os {
            Os::Windows => ("windows-cloud", "windows-server-2022-dc", json!([{"type": "WINDOWS"}, {"type": "GVNIC"}])),
            Os::Linux => ("debian-cloud", "debian-12-bookworm", json!([{"type": "GVNIC"}])),
        };
        let account = format!("{}-compute@developer.gserviceaccount.com", self.number);
        json!({
            "kind": "compute#instance",
            "id": self.machine_id(machine.number),
            "name": machine.name,
            "selfLink": self.link(machine),
            "zone": zone,
            "machineType": format!("{zone}/machineTypes/n2-standard-4"),
            "status": status(&machine.condition),
            "creationTimestamp": pacific(launched(machine)),
            "lastStartTimestamp": pacific(launched(machine)),
            "labels": {"owner": format!("team-of-{}", machine.name), "stage": "prod", "tier": "web", "cost": "4711"},
            "metadata": {"items": [{"key": "windows-startup-script-cmd", "value": format!("echo {}", machine.name)}]},
            "serviceAccounts": [{"email": account}],
            "networkInterfaces": [{"name": "nic0", "networkIP": format!("10.128.{}.{}", machine.number / 250 % 250, machine.number % 250 + 2)}],
            "disks": [{
                "boot": true,
                "deviceName": machine.name,
                "index": 0,
                "source": format!("{zone}/disks/{}", machine.name),
                "licenses": [format!("{LINKS}/{family}/global/licenses/{license}")],
                "guestOsFeatures": features,
            }],
        })
    }
}

/// When it was started; nothing in the fleet tells, so long ago, unless it starts now.
fn launched(machine: &Machine) -> DateTime<Utc> {
    if machine.condition == Condition::Starting { machine.since } else { machine.since - chrono::TimeDelta::days(30) }
}

fn status(condition: &Condition) -> &'static str {
    match condition {
        Condition::Well | Condition::BootLoop | Condition::StorageStuck => "RUNNING",
        Condition::HostDown => "REPAIRING",
        Condition::Starting => "STAGING",
        // So the API calls a machine that is stopped and can be started again.
        Condition::Stopped | Condition::Terminated => "TERMINATED",
    }
}

/// Compute Engine writes times in the zone of California; that of its summer is as good as any.
pub(super) fn pacific(time: DateTime<Utc>) -> String {
    let zone = chrono::FixedOffset::west_opt(7 * 3_600).map(|zone| zone.from_utc_datetime(&time.naive_utc()));
    zone.map_or_else(|| zulu(time), |time| time.to_rfc3339_opts(SecondsFormat::Millis, false))
}

/// As the newer services write times.
pub(super) fn zulu(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A number that a text always gives (FNV-1a).
pub(super) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
