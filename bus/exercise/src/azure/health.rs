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
}

/// A guest that boots over and over is available to the platform.
pub(super) fn seen(condition: &Condition) -> Seen {
    let platform = |state, annotation, summary| Seen {
        state,
        context: "Platform Initiated",
        category: "Unplanned",
        reason: "Unplanned",
        annotation: Some(annotation),
        summary,
    };
    match condition {
        Condition::HostDown => platform(
            "Unavailable",
            "VirtualMachineHostCrashed",
            "The host server that runs this virtual machine has failed unexpectedly.",
        ),
        Condition::StorageStuck => platform(
            "Degraded",
            "VirtualMachineStorageOffline",
            "Connection to one or more disks of this virtual machine was lost.",
        ),
        Condition::Stopped | Condition::Terminated => Seen {
            state: "Unavailable",
            context: "Customer Initiated",
            category: "Not Applicable",
            reason: "UserInitiated",
            annotation: Some("VirtualMachineDeallocationInitiated"),
            summary: "This virtual machine is stopped and deallocated as requested by an authorized user or process.",
        },
        Condition::Starting => Seen {
            state: "Unknown",
            context: "",
            category: "",
            reason: "",
            annotation: None,
            summary: "We are currently unable to determine the health of this virtual machine.",
        },
        Condition::Well | Condition::BootLoop => Seen {
            state: "Available",
            context: "",
            category: "",
            reason: "",
            annotation: None,
            summary: "There aren't any known Azure platform problems affecting this virtual machine.",
        },
    }
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
    let seen = seen(&machine.condition);
    let mut properties = json!({
        "availabilityState": seen.state,
        "summary": seen.summary,
        "occuredTime": stamp(machine.since),
        "reasonChronicity": "Persistent",
        "reportedTime": stamp(machine.since),
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
