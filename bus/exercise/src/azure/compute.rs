//! Virtual machines with their instance views, and the run commands of the machines that repair others.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::answer::{Answer, page};
use super::stage::{SCREENSHOT, SIGNATURE, Script, os_type, set, stamp};
use crate::fleet::{Condition, Machine, Os};

/// The one run command that a machine which repairs another has.
const COMMAND: &str = "fix-bootloop";

/// The machines of a subscription; with `status` what runs of them is told in place of how they are built.
pub(super) fn machines(
    script: &Script,
    fleet: &[Machine],
    subscription: &str,
    status: bool,
    target: &str,
    now: DateTime<Utc>,
) -> Answer {
    let own = fleet.iter().filter(|machine| machine.condition != Condition::Terminated);
    let own = own.filter(|machine| script.subscription(machine).eq_ignore_ascii_case(subscription));
    let repairers = script.repairers(fleet);
    let repairers = repairers.iter().filter(|(_, _, whom)| !script.lagging.contains(&whom.number));
    let repairers = repairers.filter(|(_, _, whom)| script.subscription(whom).eq_ignore_ascii_case(subscription));
    let told = own.map(|machine| script.spoil(machine, machine_told(script, machine, status, now)));
    let all = told.chain(repairers.map(|(name, group, whom)| repairer_told(script, name, group, whom, now)));
    page(all.collect(), script, target)
}

fn machine_told(script: &Script, machine: &Machine, status: bool, now: DateTime<Utc>) -> Value {
    let mut properties = json!({
        "vmId": format!("fd560bf4-1693-42cb-bbf6-{:012x}", machine.number),
        "provisioningState": "Succeeded",
    });
    if status {
        set(&mut properties, "instanceView", instance_view(script, machine, now));
    } else {
        let disk = json!({ "osType": os_type(machine.os), "name": script.os_disk(machine) });
        set(&mut properties, "storageProfile", json!({ "osDisk": disk }));
    }
    let mut told = json!({
        "name": machine.name,
        "id": script.vm_id(machine),
        "type": "Microsoft.Compute/virtualMachines",
        "location": machine.region,
        "properties": properties,
    });
    if !status && !machine.zone.is_empty() {
        set(&mut told, "zones", json!([machine.zone]));
    }
    told
}

fn instance_view(script: &Script, machine: &Machine, now: DateTime<Utc>) -> Value {
    let boot = format!("https://{SCREENSHOT}/bootdiagnostics/{}.screenshot.bmp?sv=2023&{SIGNATURE}", machine.name);
    let mut view = json!({
        "computerName": machine.name,
        "bootDiagnostics": { "consoleScreenshotBlobUri": boot },
        "statuses": [
            { "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
              "time": stamp(machine.since) },
            { "code": power_state(&machine.condition), "level": "Info", "displayStatus": "VM state" },
        ],
    });
    if machine.os == Os::Windows && machine.condition == Condition::Well {
        set(&mut view, "osName", "Windows Server 2022 Datacenter");
    }
    if !script.hide_agents && powered(&machine.condition) {
        set(&mut view, "vmAgent", agent(machine, now));
    }
    view
}

/// What the platform knows of power: a guest that boots over and over is running to it.
pub(super) fn power_state(condition: &Condition) -> &'static str {
    match condition {
        Condition::Well | Condition::BootLoop | Condition::HostDown | Condition::StorageStuck => "PowerState/running",
        Condition::Starting => "PowerState/starting",
        Condition::Stopped | Condition::Terminated => "PowerState/deallocated",
    }
}

fn powered(condition: &Condition) -> bool {
    !matches!(condition, Condition::Stopped | Condition::Terminated)
}

/// What the agent inside said last. Of guests that stopped answering every second one is told to be not ready, the others
/// with their last word and its age. A machine without an agent is told to be not ready as well.
fn agent(machine: &Machine, now: DateTime<Utc>) -> Value {
    let status = |code: &str, display: &str, message: &str, time: DateTime<Utc>| {
        json!({ "code": code, "level": "Info", "displayStatus": display, "message": message,
                "time": time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string() })
    };
    let (version, status) = match machine.condition {
        _ if !machine.agent => {
            let message = "VM status blob is found but not yet populated.";
            ("Unknown", status("ProvisioningState/Unavailable", "Not Ready", message, now))
        }
        Condition::Well => {
            let time = now - TimeDelta::seconds(20);
            ("2.7.41491.1083", status("ProvisioningState/succeeded", "Ready", "GuestAgent is running.", time))
        }
        _ if machine.number.is_multiple_of(2) => {
            let message = "VM Agent is unresponsive.";
            ("Unknown", status("ProvisioningState/Unavailable", "Not Ready", message, now))
        }
        _ => {
            let message = "GuestAgent is running.";
            ("2.7.41491.1083", status("ProvisioningState/succeeded", "Ready", message, machine.since))
        }
    };
    json!({ "vmAgentVersion": version, "statuses": [status] })
}

fn repairer_told(script: &Script, name: &str, group: &str, whom: &Machine, now: DateTime<Utc>) -> Value {
    let agent = json!({ "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready",
                        "message": "GuestAgent is running.", "time": stamp(now) });
    json!({
        "name": name,
        "id": repairer_id(script, name, group, whom),
        "type": "Microsoft.Compute/virtualMachines",
        "location": whom.region,
        "tags": { "repair_source": repair_source(script, whom) },
        "properties": {
            "provisioningState": "Succeeded",
            "storageProfile": { "osDisk": { "osType": os_type(whom.os), "name": format!("{name}_OsDisk_1") } },
            "instanceView": {
                "vmAgent": { "vmAgentVersion": "2.7.41491.1083", "statuses": [agent] },
                "statuses": [{ "code": "PowerState/running", "level": "Info", "displayStatus": "VM running" }],
            },
        },
    })
}

pub(super) fn repairer_id(script: &Script, name: &str, group: &str, whom: &Machine) -> String {
    let subscription = script.subscription(whom);
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}")
}

/// Group and name of the machine that is repaired.
pub(super) fn repair_source(script: &Script, whom: &Machine) -> String {
    let id = script.vm_id(whom);
    let group = id.split('/').nth(4).unwrap_or_default().to_owned();
    format!("{group}/{}", whom.name)
}

/// The run commands of a machine; an instance view only where one is asked for by name or `expand`.
pub(super) fn run_commands(
    script: &Script,
    fleet: &[Machine],
    name: &str,
    command: Option<&str>,
    expand: bool,
    target: &str,
) -> Answer {
    let repairers = script.repairers(fleet);
    let there =
        |known: &str, whom: &Machine| known.eq_ignore_ascii_case(name) && !script.lagging.contains(&whom.number);
    let Some((_, group, whom)) = repairers.iter().find(|(known, _, whom)| there(known, whom)) else {
        return Answer::not_found("virtual machine");
    };
    let run = script.repairs.get(&whom.number).and_then(|repair| repair.run.clone());
    let id = repairer_id(script, name, group, whom);
    let told = run.map(|run| {
        let mut properties = json!({ "source": { "script": "Get-ChildItem" }, "provisioningState": "Succeeded" });
        if expand {
            let view = json!({
                "executionState": run.state, "exitCode": i32::from(run.state == "Failed"), "startTime": stamp(run.start),
                "endTime": run.end.map(stamp), "output": format!("repaired the disk of {}", whom.name), "error": "",
            });
            set(&mut properties, "instanceView", view);
        }
        json!({
            "name": COMMAND,
            "id": format!("{id}/runCommands/{COMMAND}"),
            "type": "Microsoft.Compute/virtualMachines/runCommands",
            "location": whom.region,
            "properties": properties,
        })
    });
    match (command, told) {
        (None, told) => page(told.into_iter().collect(), script, target),
        (Some(command), Some(told)) if command.eq_ignore_ascii_case(COMMAND) => Answer::ok(told),
        (Some(_), _) => Answer::not_found("run command"),
    }
}
