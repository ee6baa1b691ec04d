//! Which part of the double a call is for: by its method and path, in whatever case they are written.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::answer::{Answer, forbidden, play};
use super::replay::Recorded;
use super::stage::{Script, Stage};
use super::{compute, graph, health, token};
use crate::Fault;
use crate::fleet::Machine;

/// Bytes of a request that are taken.
const REQUEST_MAX: usize = 8 * 1024 * 1024;

/// One call, taken apart.
struct Asked<'a> {
    method: &'a str,
    /// Path and query.
    target: &'a str,
    /// The parts of the path, in lower case.
    parts: Vec<String>,
    query: BTreeMap<String, String>,
    body: Value,
    now: DateTime<Utc>,
}

pub(super) async fn answer(State(stage): State<Stage>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, REQUEST_MAX).await.unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut asked = asked(&parts, target, &body, Utc::now());
    let call = match graph::table(&asked.body) {
        Some(table) => format!("{} {} {table}", asked.method, parts.uri.path()),
        None => format!("{} {}", asked.method, parts.uri.path()),
    };
    let fault = stage.faults.take(&call);
    if let Some(Fault::ClockOff(seconds)) = fault {
        let off = TimeDelta::try_seconds(seconds).and_then(|off| asked.now.checked_add_signed(off));
        asked.now = off.unwrap_or(asked.now);
    }
    let now = asked.now;
    let machines = stage.fleet.machines();
    let answer = given(&mut stage.script(), &machines, &parts.headers, &asked, &body);
    match fault {
        Some(fault) => play(fault, answer, parts.uri.path(), now).await,
        None => answer.respond(now),
    }
}

fn asked<'a>(parts: &'a Parts, target: &'a str, body: &Bytes, now: DateTime<Utc>) -> Asked<'a> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.replace("%24", "$").to_lowercase(), value.to_owned())
    };
    Asked {
        method: parts.method.as_str(),
        target,
        parts: parts.uri.path().split('/').skip(1).map(str::to_lowercase).collect(),
        query: parts.uri.query().into_iter().flat_map(|query| query.split('&')).map(pair).collect(),
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
        now,
    }
}

fn given(script: &mut Script, machines: &[Machine], headers: &HeaderMap, asked: &Asked<'_>, body: &Bytes) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let path: Vec<&str> = asked.parts.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["msi", "token"] => return token::identity(script, text("x-identity-header"), asked.now),
        [_, "oauth2", "v2.0", "token"] => {
            return token::application(script, &String::from_utf8_lossy(body), asked.now);
        }
        _ => {}
    }
    if let Some(refused) = token::turned_away(script, text(header::AUTHORIZATION.as_str())) {
        return refused;
    }
    if !asked.query.contains_key("api-version") {
        return Answer::bad(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required.",
        );
    }
    if let Some(recorded) = replayed(script, asked) {
        return recorded;
    }
    arm(script, machines, asked, &path)
}

fn arm(script: &Script, machines: &[Machine], asked: &Asked<'_>, path: &[&str]) -> Answer {
    if let Some(unknown) = foreign(script, path) {
        return unknown;
    }
    let (target, now) = (asked.target, asked.now);
    let expand = asked.query.get("$expand").is_some_and(|expand| expand.eq_ignore_ascii_case("instanceview"));
    match (asked.method, path) {
        ("POST", ["providers", "microsoft.resourcegraph", "resources"]) => graph::ask(script, machines, &asked.body),
        ("GET", ["subscriptions"]) => subscriptions(script),
        ("GET", ["subscriptions", subscription, "providers", "microsoft.compute", "virtualmachines"]) => {
            let status = asked.query.get("statusonly").is_some_and(|status| status.eq_ignore_ascii_case("true"));
            compute::machines(script, machines, subscription, status, target, now)
        }
        (
            "GET",
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.compute",
                "virtualmachines",
                name,
                "runcommands",
                rest @ ..,
            ],
        ) => compute::run_commands(script, machines, name, rest.first().copied(), expand, target),
        ("GET", ["subscriptions", subscription, "providers", "microsoft.resourcehealth", "availabilitystatuses"]) => {
            health::statuses(script, machines, subscription, target)
        }
        ("GET", ["subscriptions", _, "providers", "microsoft.resourcehealth", "events"]) => {
            health::events(script, false, target)
        }
        ("GET", ["providers", "microsoft.resourcehealth", "events"]) => health::events(script, true, target),
        (
            "GET",
            ["subscriptions", subscription, "providers", "microsoft.resourcehealth", "events", _, "impactedresources"],
        ) => health::impacted(script, machines, Some(subscription), named(asked, 5), target),
        ("GET", ["providers", "microsoft.resourcehealth", "events", _, "impactedresources"]) => {
            health::impacted(script, machines, None, named(asked, 3), target)
        }
        ("GET", ["providers", "microsoft.resourcehealth", "emergingissues", "default"]) => {
            health::emerging(script, now)
        }
        _ => Answer::not_found("resource"),
    }
}

/// A part of the path as it was written.
fn named<'a>(asked: &Asked<'a>, part: usize) -> &'a str {
    let path = asked.target.split('?').next().unwrap_or_default();
    path.split('/').nth(part + 1).unwrap_or_default()
}

/// The refusal of a subscription that is not there, or that the caller may not read.
fn foreign(script: &Script, path: &[&str]) -> Option<Answer> {
    let ["subscriptions", subscription, ..] = path else { return None };
    let known = script.subscriptions.iter().any(|known| known.eq_ignore_ascii_case(subscription));
    if script.refused.iter().any(|refused| refused.eq_ignore_ascii_case(subscription)) {
        return Some(forbidden(&format!("/subscriptions/{subscription}")));
    }
    let message = format!("The subscription '{subscription}' could not be found.");
    (!known).then(|| Answer::refused(StatusCode::NOT_FOUND, "SubscriptionNotFound", &message))
}

fn subscriptions(script: &Script) -> Answer {
    let told = |id: &String| {
        json!({ "id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": script.tenant,
                "displayName": "Production Finance", "state": "Enabled" })
    };
    Answer::ok(
        json!({ "value": script.subscriptions.iter().filter(|id| !script.refused.contains(*id)).map(told).collect::<Vec<_>>() }),
    )
}

fn replayed(script: &mut Script, asked: &Asked<'_>) -> Option<Answer> {
    let path = format!("/{}", asked.parts.join("/"));
    let expanded = asked.query.get("$expand").is_some_and(|expand| expand.eq_ignore_ascii_case("instanceview"));
    let same =
        |recorded: &Recorded| recorded.method == asked.method && recorded.path == path && recorded.expanded == expanded;
    if asked.query.get("$skiptoken").is_some_and(|token| token == "end") {
        return Some(Answer::ok(json!({ "value": [] })));
    }
    let at = script.recorded.iter().position(same)?;
    let last = script.recorded.iter().filter(|recorded| same(recorded)).count() == 1;
    let recorded = if last { script.recorded.get(at)?.clone() } else { script.recorded.remove(at) };
    let status = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some(Answer::raw(status, recorded.body))
}
