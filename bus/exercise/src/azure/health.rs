//! Resource Health and Service Health: how resources fare to the platform's eyes, events and whom they hit, and the page of
//! emerging issues.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{Answer, page};
use super::stage::{Script, set, stamp};
use crate::fleet::{Condition, Machine};

/// How the platform sees a machine: state, context, category, reason, summary.
pub(super) struct Seen {
    pub(super) state: &'static str,
    pub(super) context: &'static str,
    pub(super) category: &'static str,
    pub(super) reason: &'static str,
    pub(super) annotation: Option<&'static str>,
    pub(super) summary: &'static str,
    /// Since when the state is so, and when that happened which the annotation tells of.
    pub(super) since: DateTime<Utc>,
    pub(super) annotated: DateTime<Utc>,
}

/// How the platform sees a machine: as it was told to, else by its condition.
pub(super) fn seen(script: &Script, machine: &Machine) -> Seen {
    let by_condition = of_condition(&machine.condition, machine.since);
    match script.judged.get(&machine.number) {
        None => by_condition,
        Some(judged) => Seen {
            state: judged.state,
            context: judged.context,
            category: judged.category,
            reason: judged.category,
            annotation: judged.annotation,
            summary: "",
            since: judged.since,
            annotated: judged.annotated,
        },
    }
}

/// Who brought something about: context, category, reason.
type Who = (&'static str, &'static str, &'static str);

const PLATFORM: Who = ("Platform Initiated", "Unplanned", "Unplanned");
const CUSTOMER: Who = ("Customer Initiated", "Not Applicable", "UserInitiated");
const NOBODY: Who = ("", "", "");

/// A guest that boots over and over is available to the platform.
fn of_condition(condition: &Condition, since: DateTime<Utc>) -> Seen {
    let (state, (context, category, reason), annotation, summary) = match condition {
        Condition::HostDown => {
            let summary = "The host server that runs this virtual machine has failed unexpectedly.";
            ("Unavailable", PLATFORM, Some("VirtualMachineHostCrashed"), summary)
        }
        Condition::StorageStuck => {
            let summary = "Connection to one or more disks of this virtual machine was lost.";
            ("Degraded", PLATFORM, Some("VirtualMachineStorageOffline"), summary)
        }
        Condition::Stopped | Condition::Terminated => {
            let summary =
                "This virtual machine is stopped and deallocated as requested by an authorized user or process.";
            ("Unavailable", CUSTOMER, Some("VirtualMachineDeallocationInitiated"), summary)
        }
        Condition::Starting => {
            ("Unknown", NOBODY, None, "We are currently unable to determine the health of this virtual machine.")
        }
        Condition::Well | Condition::BootLoop => {
            let summary = "There aren't any known Azure platform problems affecting this virtual machine.";
            ("Available", NOBODY, None, summary)
        }
    };
    Seen { state, context, category, reason, annotation, summary, since, annotated: since }
}

/// The availability statuses of a subscription. The name of the list is misspelt in their ids, as it is at the original.
pub(super) fn statuses(script: &Script, fleet: &[Machine], subscription: &str, target: &str) -> Answer {
    let own = fleet.iter().filter(|machine| machine.condition != Condition::Terminated);
    let own = own.filter(|machine| script.subscription(machine).eq_ignore_ascii_case(subscription));
    let prefix = format!("/subscriptions/{subscription}/").to_lowercase();
    let in_it = |status: &&Value| status["id"].as_str().is_some_and(|id| id.to_lowercase().starts_with(&prefix));
    let others = script.statuses.iter().filter(in_it).cloned();
    page(own.map(|machine| status(script, machine)).chain(others).collect(), script, target)
}

fn status(script: &Script, machine: &Machine) -> Value {
    let seen = seen(script, machine);
    let mut properties = json!({
        "availabilityState": seen.state,
        "summary": seen.summary,
        "occuredTime": stamp(seen.since),
        "reasonChronicity": "Persistent",
        "reportedTime": stamp(seen.since),
        "title": seen.state,
    });
    for (name, word) in [("context", seen.context), ("category", seen.category), ("reasonType", seen.reason)] {
        if !word.is_empty() {
            set(&mut properties, name, word);
        }
    }
    json!({
        "id": format!("{}/providers/Microsoft.ResourceHealth/AvailabilityStatueses/current", script.vm_id(machine)),
        "name": "current",
        "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": machine.region,
        "properties": properties,
    })
}

/// The events of a subscription, or of the tenant.
pub(super) fn events(script: &Script, tenant: bool, target: &str) -> Answer {
    let events = if tenant { &script.tenant_events } else { &script.events };
    page(events.clone(), script, target)
}

/// What an event hit in a subscription, or in all of them.
pub(super) fn impacted(
    script: &Script,
    fleet: &[Machine],
    subscription: Option<&str>,
    tracking_id: &str,
    target: &str,
) -> Answer {
    let known = script.events.iter().chain(&script.tenant_events);
    if !known.into_iter().any(|event| event["name"] == tracking_id) {
        return Answer::not_found("event");
    }
    let numbers = script.impacted.get(tracking_id).cloned().unwrap_or_default();
    let machines = numbers.iter().filter_map(|number| fleet.iter().find(|machine| machine.number == *number));
    let own = |machine: &&Machine| {
        subscription.is_none_or(|subscription| script.subscription(machine).eq_ignore_ascii_case(subscription))
    };
    let told = machines.filter(own).map(|machine| {
        let under = subscription.map(|subscription| format!("/subscriptions/{subscription}")).unwrap_or_default();
        let name = format!("abc-{:06}-ghj", machine.number);
        json!({
            "name": name,
            "type": "Microsoft.ResourceHealth/events/impactedResources",
            "id": format!("{under}/providers/Microsoft.ResourceHealth/events/{tracking_id}/impactedResources/{name}"),
            "properties": {
                "targetRegion": machine.region,
                "targetResourceId": script.vm_id(machine),
                "targetResourceType": "Microsoft.Compute/VirtualMachines",
            },
        })
    });
    page(told.collect(), script, target)
}

/// The page of emerging issues.
pub(super) fn emerging(script: &Script, now: DateTime<Utc>) -> Answer {
    let quiet = || json!({ "refreshTimestamp": stamp(now), "statusBanners": [], "statusActiveEvents": [] });
    Answer::ok(json!({
        "id": "/providers/Microsoft.ResourceHealth/emergingIssues/default",
        "type": "/providers/Microsoft.ResourceHealth/emergingissues",
        "name": "default",
        "properties": script.emerging.clone().unwrap_or_else(quiet),
    }))
}
