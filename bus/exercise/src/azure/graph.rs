//! Resource Graph: one question for all subscriptions, answered page by page as objects or as a table.

use axum::http::HeaderName;
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::compute::{power_state, repair_source, repairer_id};
use super::health::seen;
use super::kql::Query;
use super::stage::{Script, group, os_type, set, stamp};
use crate::fleet::{Condition, Machine};

/// The greatest number of rows on a page.
const PAGE_MAX: usize = 1_000;

/// The table that a question reads, if it can be read at all.
pub(super) fn table(body: &Value) -> Option<String> {
    body["query"].as_str().and_then(|query| Query::read(query).ok()).map(|query| query.table)
}

/// Answers a question.
pub(super) fn ask(script: &Script, fleet: &[Machine], body: &Value) -> Answer {
    let query = match body["query"].as_str().map(Query::read) {
        Some(Ok(query)) => query,
        Some(Err(part)) => return Answer::bad("BadRequest", &format!("InvalidQuery: `{part}` is not understood.")),
        None => return Answer::bad("BadRequest", "The query is missing."),
    };
    let Some(rows) = rows(script, fleet, &query.table) else {
        return Answer::bad("BadRequest", &format!("InvalidQuery: there is no table `{}`.", query.table));
    };
    // What the caller may not read is left out without a word.
    let within = |row: &Value| {
        let of = row["subscriptionId"].as_str().unwrap_or_default();
        let asked = body["subscriptions"].as_array();
        !script.refused.contains(of) && asked.is_none_or(|asked| asked.iter().any(|id| id == of))
    };
    let found = query.over(rows.into_iter().filter(within).collect());
    page(script, found, body)
}

fn page(script: &Script, found: Vec<Value>, body: &Value) -> Answer {
    let options = &body["options"];
    let skip = options["$skipToken"].as_str().and_then(|token| token.strip_prefix("rows-")).map(str::parse);
    let skip = match skip {
        Some(Ok(skip)) => skip,
        Some(Err(_)) => return Answer::bad("BadRequest", "The skip token is invalid."),
        None => 0,
    };
    let asked = options["$top"].as_u64().and_then(|top| usize::try_from(top).ok()).unwrap_or(PAGE_MAX);
    let top = asked.min(PAGE_MAX).min(script.page);
    let total = found.len();
    let rows: Vec<Value> = found.into_iter().skip(skip).take(top).collect();
    let (count, end) = (rows.len(), skip + rows.len());
    let as_table = script.table || options["resultFormat"] == "table";
    let data = if as_table { in_columns(&rows) } else { Value::Array(rows) };
    let mut body = json!({
        "totalRecords": total, "count": count, "data": data, "facets": [], "resultTruncated": "false",
    });
    if end < total {
        set(&mut body, "$skipToken", format!("rows-{end}"));
    }
    Answer::ok(body)
        .with(HeaderName::from_static("x-ms-user-quota-remaining"), &script.share_left.to_string())
        .with(HeaderName::from_static("x-ms-user-quota-resets-after"), "00:00:05")
}

/// Columns and rows, as version 2019-04-01 writes them.
fn in_columns(rows: &[Value]) -> Value {
    let names: Vec<String> =
        rows.first().and_then(Value::as_object).map_or(Vec::new(), |row| row.keys().cloned().collect());
    let kind = |name: &String| match rows.first().and_then(|row| row.get(name)) {
        Some(Value::Object(_) | Value::Array(_)) => "object",
        _ => "string",
    };
    let columns: Vec<Value> = names.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect();
    let cells = |row: &Value| names.iter().map(|name| row.get(name).cloned()).collect::<Vec<_>>();
    json!({ "columns": columns, "rows": rows.iter().map(cells).collect::<Vec<_>>() })
}

/// The whole table of this name.
fn rows(script: &Script, fleet: &[Machine], table: &str) -> Option<Vec<Value>> {
    let there = || fleet.iter().filter(|machine| machine.condition != Condition::Terminated);
    match table {
        "resources" => {
            let repairers = script.repairers(fleet);
            let repairers = repairers.iter().map(|(name, group, whom)| repairer(script, name, group, whom));
            Some(there().map(|machine| script.spoil(machine, resource(script, machine))).chain(repairers).collect())
        }
        "healthresources" => {
            let statuses = there().map(|machine| status(script, machine));
            Some(statuses.chain(there().filter_map(|machine| annotation(script, machine))).collect())
        }
        "resourcecontainers" => Some(script.subscriptions.iter().map(|id| container(script, id)).collect()),
        "servicehealthresources" => Some(script.events.iter().flat_map(|event| events(script, event)).collect()),
        _ => None,
    }
}

fn container(script: &Script, subscription: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}"),
        "name": "Production Finance",
        "type": "microsoft.resources/subscriptions",
        "subscriptionId": subscription,
        "tenantId": script.tenant,
        "properties": { "state": "Enabled" },
    })
}

/// Resource Graph writes the resource group in lower case, and the rest as it was created.
fn id(script: &Script, machine: &Machine) -> String {
    let id = script.vm_id(machine);
    let group = group(machine);
    id.replace(&group.to_uppercase(), &group)
}

fn resource(script: &Script, machine: &Machine) -> Value {
    json!({
        "id": id(script, machine),
        "name": machine.name,
        "type": "microsoft.compute/virtualmachines",
        "location": machine.region,
        "resourceGroup": group(machine),
        "subscriptionId": script.subscription(machine),
        "tenantId": script.tenant,
        "tags": null,
        "zones": if machine.zone.is_empty() { Value::Null } else { json!([machine.zone]) },
        "properties": {
            "storageProfile": { "osDisk": { "osType": os_type(machine.os), "name": script.os_disk(machine) } },
            "extended": { "instanceView": { "powerState": { "code": power_state(&machine.condition) } } },
        },
    })
}

fn repairer(script: &Script, name: &str, group: &str, whom: &Machine) -> Value {
    json!({
        "id": repairer_id(script, name, group, whom),
        "name": name,
        "type": "microsoft.compute/virtualmachines",
        "location": whom.region,
        "resourceGroup": group,
        "subscriptionId": script.subscription(whom),
        "tenantId": script.tenant,
        "tags": { "repair_source": repair_source(script, whom) },
        "zones": null,
        "properties": { "storageProfile": { "osDisk": { "osType": os_type(whom.os), "name": format!("{name}_OsDisk_1") } } },
    })
}

fn status(script: &Script, machine: &Machine) -> Value {
    let seen = seen(script, machine);
    health(
        script,
        machine,
        "availabilitystatuses",
        json!({
            "targetResourceId": id(script, machine),
            "targetResourceType": "Microsoft.Compute/virtualMachines",
            "occurredTime": stamp(seen.since),
            "availabilityState": seen.state,
            "previousAvailabilityState": "Available",
        }),
    )
}

fn annotation(script: &Script, machine: &Machine) -> Option<Value> {
    let seen = seen(script, machine);
    Some(health(
        script,
        machine,
        "resourceannotations",
        json!({
            "targetResourceId": id(script, machine),
            "targetResourceType": "Microsoft.Compute/virtualMachines",
            "annotationName": seen.annotation?,
            "occurredTime": stamp(seen.annotated),
            "reason": seen.reason,
            "summary": seen.summary,
            "context": seen.context,
            "category": seen.category,
        }),
    ))
}

fn health(script: &Script, machine: &Machine, kind: &str, properties: Value) -> Value {
    json!({
        "id": format!("{}/providers/microsoft.resourcehealth/{kind}/current", id(script, machine)),
        "name": "current",
        "type": format!("microsoft.resourcehealth/{kind}"),
        "location": machine.region,
        "subscriptionId": script.subscription(machine),
        "tenantId": script.tenant,
        "properties": properties,
    })
}

/// An event in each subscription, its members in Pascal's case.
fn events(script: &Script, event: &Value) -> Vec<Value> {
    let told = |subscription: &String| {
        let name = event["name"].as_str().unwrap_or_default();
        json!({
            "id": format!("/subscriptions/{subscription}/providers/Microsoft.ResourceHealth/events/{name}"),
            "name": name,
            "type": "microsoft.resourcehealth/events",
            "location": "global",
            "subscriptionId": subscription,
            "tenantId": script.tenant,
            "properties": pascal(&event["properties"], name),
        })
    };
    script.subscriptions.iter().map(told).collect()
}

fn pascal(properties: &Value, name: &str) -> Value {
    let upper = |name: &str| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    fn deep(value: &Value, upper: &dyn Fn(&str) -> String) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (upper(name), deep(value, upper))).collect::<Map<_, _>>(),
            ),
            Value::Array(list) => Value::Array(list.iter().map(|value| deep(value, upper)).collect()),
            other => other.clone(),
        }
    }
    let mut told = deep(properties, &upper);
    set(&mut told, "TrackingId", name);
    for time in ["ImpactStartTime", "ImpactMitigationTime", "LastUpdateTime"] {
        if let Some(ticks) = told.get(time).and_then(Value::as_str).and_then(ticks) {
            set(&mut told, time, ticks);
        }
    }
    told
}

/// A time as Resource Graph keeps those of events: ticks of 100 ns since the year 1, as a text.
fn ticks(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let fraction = i64::from(time.timestamp_subsec_nanos() / 100);
    Some((621_355_968_000_000_000 + time.timestamp() * 10_000_000 + fraction).to_string())
}
