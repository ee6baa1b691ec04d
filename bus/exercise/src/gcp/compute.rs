//! Compute Engine's list of all machines of a project, over all its zones, in pages.

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
    Router::new().route("/compute/v1/projects/{project}/aggregated/instances", get(instances))
}

async fn instances(State(stage): State<Stage>, Path(project): Path<String>, Query(paging): Query<Paging>) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/compute/", &format!("The resource 'projects/{project}' was not found"));
    };
    let mut machines = known.machines();
    machines.retain(|machine| !script.unreachable.contains(&machine.zone));
    machines.sort_by(|a, b| (&a.zone, a.number).cmp(&(&b.zone, b.number)));
    let scoped = machines.iter().map(|machine| (format!("zones/{}", machine.zone), known.instance(machine)));
    let nameless = machines.first().filter(|_| known.nameless);
    let nameless = nameless.map(|machine| (format!("zones/{}", machine.zone), known.without_id(machine)));
    let page = match paging.cut(nameless.into_iter().chain(scoped).collect(), PAGE, script.page_limit) {
        Ok(page) => page,
        Err(BadToken) => return refusal::bad_token("/compute/"),
    };
    let zones = known.machines().into_iter().map(|machine| format!("zones/{}", machine.zone));
    let scopes = zones.map(|zone| (zone, Vec::new())).collect();
    let list =
        Aggregated { kind: "compute#instanceAggregatedList", member: "instances", scopes, first: paging.is_first() };
    axum::Json(list.answer(page, &script)).into_response()
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
            let unreachable = scope.strip_prefix("zones/").is_some_and(|zone| script.unreachable.contains(zone));
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
                let zones = script.unreachable.iter().map(|zone| Value::from(format!("zones/{zone}"))).collect();
                answer.insert("unreachables".to_owned(), zones);
            }
        }
        answer
    }
}

fn warning(code: &str, message: &str, scope: &str) -> Value {
    json!({"warning": {"code": code, "message": message, "data": [{"key": "scope", "value": scope}]}})
}
