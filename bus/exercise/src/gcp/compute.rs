//! Compute Engine's lists of machines, in pages: of all zones of a project, and of one zone.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::answer::{BadToken, Page, Paging};
use super::refusal;
use super::stage::{Script, Stage};

/// Elements of a page unless told otherwise, and at most.
pub(super) const PAGE: usize = 500;

pub(super) fn routes() -> Router<Stage> {
    Router::new()
        .route("/compute/v1/projects/{project}/aggregated/instances", get(instances))
        .route("/compute/v1/projects/{project}/zones/{zone}/instances", get(zone_instances))
}

async fn instances(State(stage): State<Stage>, Path(project): Path<String>, Query(paging): Query<Paging>) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/compute/", &format!("The resource 'projects/{project}' was not found"));
    };
    if script.refuses_lists() {
        return refusal::internal("/compute/");
    }
    let mut machines = known.machines();
    machines
        .retain(|machine| ![&machine.zone, &machine.region].iter().any(|place| script.unreachable.contains(*place)));
    machines.sort_by(|a, b| (&a.zone, a.number).cmp(&(&b.zone, b.number)));
    let scoped = machines.iter().map(|machine| (format!("zones/{}", machine.zone), known.instance(machine)));
    let nameless = machines.first().filter(|_| known.nameless);
    let nameless = nameless.map(|machine| (format!("zones/{}", machine.zone), known.without_id(machine)));
    let page = match paging.cut(nameless.into_iter().chain(scoped).collect(), PAGE, script.page_limit) {
        Ok(page) => page,
        Err(BadToken) => return refusal::bad_token("/compute/"),
    };
    // A zone is named though no machine is left in it.
    let zones = known.fleet.machines().into_iter().map(|machine| format!("zones/{}", machine.zone));
    let scopes = zones.map(|zone| (zone, Vec::new())).collect();
    let list =
        Aggregated { kind: "compute#instanceAggregatedList", member: "instances", scopes, first: paging.is_first() };
    axum::Json(list.answer(page, &script)).into_response()
}

async fn zone_instances(
    State(stage): State<Stage>,
    Path((project, zone)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/compute/", &format!("The resource 'projects/{project}' was not found"));
    };
    if script.unreachable.contains(&zone) {
        return refusal::internal("/compute/");
    }
    let machines = known.machines().into_iter().filter(|machine| machine.zone == zone);
    match paging.cut(machines.map(|machine| known.instance(&machine)).collect(), PAGE, script.page_limit) {
        Ok(page) => {
            let list = json!({"kind": "compute#instanceList", "items": page.elements, "nextPageToken": page.next});
            axum::Json(list).into_response()
        }
        Err(BadToken) => refusal::bad_token("/compute/"),
    }
}

/// A list over scopes: zones, and regions.
pub(super) struct Aggregated {
    pub(super) kind: &'static str,
    /// What a scope's elements are called.
    pub(super) member: &'static str,
    /// Every scope that the answer names, empty.
    pub(super) scopes: BTreeMap<String, Vec<Value>>,
    pub(super) first: bool,
}

impl Aggregated {
    /// The answer that holds a page: scopes without an element on it say so, and those that cannot be reached too.
    pub(super) fn answer(mut self, page: Page<(String, Value)>, script: &Script) -> Value {
        for (scope, element) in page.elements {
            self.scopes.entry(scope).or_default().push(element);
        }
        let mut items = Map::new();
        for (scope, elements) in std::mem::take(&mut self.scopes) {
            let place = scope.split_once('/').map_or(scope.as_str(), |(_, place)| place);
            let unreachable = script.unreachable.contains(place);
            let list = match (unreachable, elements.is_empty()) {
                (true, _) => warning("UNREACHABLE", "The zone cannot be reached.", &scope),
                (false, true) => warning(
                    "NO_RESULTS_ON_PAGE",
                    &format!("There are no results for scope '{scope}' on this page."),
                    &scope,
                ),
                (false, false) => json!({self.member: elements}),
            };
            items.insert(scope, list);
        }
        let mut answer = json!({"kind": self.kind, "items": items});
        if let Some(answer) = answer.as_object_mut() {
            answer.extend(page.next.map(|next| ("nextPageToken".to_owned(), Value::from(next))));
            if self.first && !script.unreachable.is_empty() {
                let scopes = script.unreachable.iter().map(|place| Value::from(scope_of(place))).collect();
                answer.insert("unreachables".to_owned(), scopes);
            }
        }
        answer
    }
}

/// A zone's name ends in a letter, a region's in a number.
fn scope_of(place: &str) -> String {
    let kind = if place.ends_with(|c: char| c.is_ascii_digit()) { "regions" } else { "zones" };
    format!("{kind}/{place}")
}

fn warning(code: &str, message: &str, scope: &str) -> Value {
    json!({"warning": {"code": code, "message": message, "data": [{"key": "scope", "value": scope}]}})
}
