//! EC2: the machines of the region that a call was signed for, as status checks and inventory show them. A guest that boots
//! over and over is an impaired instance on a system that is well.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::World;
use super::call::{Call, with};
use super::page::{Page, Size, page};
use super::reply::Refusal;
use super::time::stated;
use crate::fleet::{Condition, Machine, Os};

const PAGES: Size = Size { member: "MaxResults", token: "NextToken", bounds: (5, 1_000), unasked: 1_000 };
/// Ids that one call may name.
const IDS_MAX: usize = 100;
const STATUS_FILTERS: [&str; 5] = [
    "instance-status.status",
    "system-status.status",
    "attached-ebs-status.status",
    "instance-state-name",
    "availability-zone",
];
const INSTANCE_FILTERS: [&str; 4] = ["instance-id", "instance-state-name", "platform", "availability-zone"];
/// For how long a terminated machine is still told of.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);
/// When every machine was started, 2024-01-08.
const LAUNCHED_S: i64 = 1_704_700_800;

/// The id of a machine: `i-` and 17 hexadecimal digits.
#[must_use]
pub fn instance_id(number: usize) -> String {
    // SplitMix64's last step, so that neighbours look nothing alike.
    let mut bits = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("i-0{:016x}", bits ^ (bits >> 31))
}

/// Whether a region's code is one of AWS's: `us-east-1`, never `us-central1` or `eastus`.
#[must_use]
pub fn is_region(code: &str) -> bool {
    let parts: Vec<&str> = code.split('-').collect();
    parts.len() >= 3
        && parts.last().is_some_and(|last| last.len() == 1 && last.bytes().all(|digit| digit.is_ascii_digit()))
}

pub(super) fn answer(world: &World, call: &Call, now: DateTime<Utc>) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "DescribeRegions" => Ok(regions(world)),
        "DescribeInstanceStatus" => statuses(world, call, now),
        "DescribeInstances" => instances(world, call, now),
        other => {
            Err(Refusal::new(400, "InvalidAction", &format!("The action {other} is not valid for this web service.")))
        }
    }
}

fn regions(world: &World) -> Value {
    let region = |name: String| json!({ "RegionName": name, "Endpoint": format!("ec2.{name}.amazonaws.com"), "OptInStatus": "opt-in-not-required" });
    json!({ "Regions": world.regions().into_iter().map(region).collect::<Vec<_>>() })
}

fn statuses(world: &World, call: &Call, now: DateTime<Utc>) -> Result<Value, Refusal> {
    let own = world.own_checks.load(Ordering::Relaxed).then_some("application-status.status");
    known(&call.input, STATUS_FILTERS.into_iter().chain(own))?;
    let mut machines = named(world, call, now)?;
    if call.input.get("IncludeAllInstances") != Some(&json!(true)) {
        machines.retain(|machine| state(machine).1 == "running");
    }
    let planned = world.planned.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let shown = machines
        .iter()
        .map(|machine| with(status(machine), json!({ "Events": planned.get(&machine.number).map(|event| [event]) })));
    let shown: Vec<Value> = shown.collect();
    let kept = shown.into_iter().filter(|shown| passes(&call.input, |name| of_status(name, shown))).collect();
    let Page { items, next } = page(kept, &call.input, &PAGES)?;
    Ok(json!({ "InstanceStatuses": items, "NextToken": next }))
}

fn instances(world: &World, call: &Call, now: DateTime<Utc>) -> Result<Value, Refusal> {
    known(&call.input, INSTANCE_FILTERS)?;
    let machines = named(world, call, now)?;
    let shown = machines.iter().map(instance);
    let kept = shown.filter(|shown| passes(&call.input, |name| of_instance(name, shown))).collect();
    let Page { items, next } = page(kept, &call.input, &PAGES)?;
    let reservation = |(index, instance)| json!({ "ReservationId": format!("r-{index:017x}"), "OwnerId": world.account, "Groups": [], "Instances": [instance] });
    Ok(json!({ "Reservations": items.into_iter().enumerate().map(reservation).collect::<Vec<_>>(), "NextToken": next }))
}

/// The region's machines that the call names; all of them where it names none.
fn named(world: &World, call: &Call, now: DateTime<Utc>) -> Result<Vec<Machine>, Refusal> {
    let forgotten = |machine: &Machine| machine.condition == Condition::Terminated && machine.since + REMEMBERED < now;
    let mut machines = world.fleet.machines();
    machines.retain(|machine| machine.region == call.region && !forgotten(machine));
    let Some(ids) = call.input.get("InstanceIds").and_then(Value::as_array) else { return Ok(machines) };
    if ids.len() > IDS_MAX {
        return Err(Refusal::invalid("Too many instance IDs."));
    }
    if call.input.get("MaxResults").is_some() {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Refusal::new(400, "InvalidParameterCombination", message));
    }
    machines.retain(|machine| ids.iter().any(|id| *id == json!(instance_id(machine.number))));
    let found: Vec<Value> = machines.iter().map(|machine| json!(instance_id(machine.number))).collect();
    let missing: Vec<&str> = ids.iter().filter(|id| !found.contains(id)).filter_map(Value::as_str).collect();
    match missing.as_slice() {
        [] => Ok(machines),
        [one] => Err(not_found(&format!("The instance ID '{one}' does not exist"))),
        several => Err(not_found(&format!("The instance IDs '{}' do not exist", several.join(", ")))),
    }
}

fn not_found(message: &str) -> Refusal {
    Refusal::new(400, "InvalidInstanceID.NotFound", message)
}

/// A filter that is not known is refused, never passed over.
fn known(input: &Value, names: impl IntoIterator<Item = &'static str>) -> Result<(), Refusal> {
    let names: Vec<&str> = names.into_iter().collect();
    let filters = input.get("Filters").and_then(Value::as_array).into_iter().flatten();
    let mut asked = filters.filter_map(|filter| filter.get("Name").and_then(Value::as_str));
    match asked.find(|name| !names.contains(name)) {
        Some(name) => Err(Refusal::invalid(format!("The filter '{name}' is invalid"))),
        None => Ok(()),
    }
}

/// Whether everything that is asked for holds: of each filter one of its values.
fn passes(input: &Value, shown: impl Fn(&str) -> Option<String>) -> bool {
    let filters = input.get("Filters").and_then(Value::as_array).into_iter().flatten();
    filters.into_iter().all(|filter| {
        let value = filter.get("Name").and_then(Value::as_str).and_then(&shown);
        let asked = filter.get("Values").and_then(Value::as_array).into_iter().flatten();
        asked.into_iter().any(|asked| asked.as_str() == value.as_deref())
    })
}

fn of_status(name: &str, shown: &Value) -> Option<String> {
    let path = match name {
        "instance-status.status" => "/InstanceStatus/Status",
        "system-status.status" => "/SystemStatus/Status",
        "attached-ebs-status.status" => "/AttachedEbsStatus/Status",
        "application-status.status" => "/ApplicationStatus/Status",
        "instance-state-name" => "/InstanceState/Name",
        "availability-zone" => "/AvailabilityZone",
        _ => return None,
    };
    shown.pointer(path).and_then(Value::as_str).map(str::to_owned)
}

fn of_instance(name: &str, shown: &Value) -> Option<String> {
    let path = match name {
        "instance-id" => "/InstanceId",
        "instance-state-name" => "/State/Name",
        "platform" => "/Platform",
        "availability-zone" => "/Placement/AvailabilityZone",
        _ => return None,
    };
    shown.pointer(path).and_then(Value::as_str).map(str::to_owned)
}

fn status(machine: &Machine) -> Value {
    let (code, name) = state(machine);
    let (instance, system, storage) = checks(&machine.condition);
    let storage = (name == "running").then(|| summary(storage, machine));
    json!({
        "InstanceId": instance_id(machine.number),
        "AvailabilityZone": machine.zone,
        "InstanceState": { "Code": code, "Name": name },
        "InstanceStatus": summary(instance, machine),
        "SystemStatus": summary(system, machine),
        "AttachedEbsStatus": storage,
    })
}

/// What the checks of instance, system and storage say.
fn checks(condition: &Condition) -> (&'static str, &'static str, &'static str) {
    match condition {
        Condition::Well => ("ok", "ok", "ok"),
        Condition::BootLoop => ("impaired", "ok", "ok"),
        Condition::HostDown => ("impaired", "impaired", "ok"),
        Condition::StorageStuck => ("ok", "ok", "impaired"),
        Condition::Starting => ("initializing", "initializing", "initializing"),
        Condition::Stopped | Condition::Terminated => ("not-applicable", "not-applicable", "not-applicable"),
    }
}

fn summary(status: &str, machine: &Machine) -> Value {
    let reachability = match status {
        "ok" => "passed",
        "impaired" => "failed",
        "initializing" => "initializing",
        _ => return json!({ "Status": status }),
    };
    let since = (status == "impaired").then(|| stated(machine.since));
    json!({ "Status": status, "Details": [{ "Name": "reachability", "Status": reachability, "ImpairedSince": since }] })
}

fn state(machine: &Machine) -> (u8, &'static str) {
    match machine.condition {
        Condition::Stopped => (80, "stopped"),
        Condition::Terminated => (48, "terminated"),
        _ => (16, "running"),
    }
}

fn instance(machine: &Machine) -> Value {
    let (code, name) = state(machine);
    let windows = machine.os == Os::Windows;
    let stopped = (name != "running").then(|| {
        json!({ "Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated shutdown" })
    });
    json!({
        "InstanceId": instance_id(machine.number),
        "ImageId": "ami-0a1b2c3d4e5f60718",
        "State": { "Code": code, "Name": name },
        "StateTransitionReason": stopped.as_ref().map_or_else(String::new, |_| "User initiated".to_owned()),
        "StateReason": stopped,
        "Platform": windows.then_some("windows"),
        "PlatformDetails": if windows { "Windows" } else { "Linux/UNIX" },
        "Placement": { "AvailabilityZone": machine.zone, "Tenancy": "default" },
        "LaunchTime": DateTime::from_timestamp(LAUNCHED_S, 0).map(stated),
        "Tags": [{ "Key": "Name", "Value": machine.name }],
    })
}
