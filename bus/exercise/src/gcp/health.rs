//! Personalized Service Health: the events of a project, those of an organisation, and what these hit.

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Paging, listed};
use super::stage::Stage;
use super::{refusal, words};

/// Elements of a page unless told otherwise.
const PAGE: usize = 10;
/// Elements of a page at most.
const PAGE_MAX: usize = 100;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    view: String,
}

pub(super) fn routes() -> Router<Stage> {
    Router::new()
        .route("/v1/projects/{project}/locations/global/events", get(project_events))
        .route("/v1/organizations/{organization}/locations/global/organizationEvents", get(organization_events))
        .route("/v1/organizations/{organization}/locations/global/organizationImpacts", get(impacts))
}

async fn project_events(
    stage: State<Stage>,
    Path(project): Path<String>,
    asked: Query<Asked>,
    paging: Query<Paging>,
    query: RawQuery,
) -> Response {
    events(stage, &format!("projects/{project}"), "events", asked, paging, query)
}

async fn organization_events(
    stage: State<Stage>,
    Path(organization): Path<String>,
    asked: Query<Asked>,
    paging: Query<Paging>,
    query: RawQuery,
) -> Response {
    events(stage, &format!("organizations/{organization}"), "organizationEvents", asked, paging, query)
}

fn events(
    State(stage): State<Stage>,
    parent: &str,
    member: &str,
    Query(asked): Query<Asked>,
    Query(paging): Query<Paging>,
    RawQuery(query): RawQuery,
) -> Response {
    let script = stage.lock();
    let known = parent.strip_prefix("projects/").is_none_or(|id| script.projects.contains_key(id));
    if !known {
        return refusal::not_found("/v1/", &format!("Resource '{parent}' was not found"));
    }
    let mut list = Vec::new();
    for event in script.events.get(parent).into_iter().flatten() {
        match fits(event, &asked.filter) {
            Some(true) => list.push(shown(event.clone(), &asked.view, query.as_deref().unwrap_or_default())),
            Some(false) => {}
            None => return refusal::bad_request("/v1/", "invalid filter"),
        }
    }
    listed(member, list, &paging, PAGE, PAGE_MAX.min(script.page_limit))
}

async fn impacts(
    State(stage): State<Stage>,
    Path(organization): Path<String>,
    Query(paging): Query<Paging>,
) -> Response {
    let script = stage.lock();
    let list = script.impacts.get(&format!("organizations/{organization}")).cloned().unwrap_or_default();
    listed("organizationImpacts", list, &paging, PAGE, PAGE_MAX.min(script.page_limit))
}

/// Without its updates unless the full view was asked for; 0 stands for the usual, which is the basic one.
fn shown(mut event: Value, view: &str, query: &str) -> Value {
    let full = matches!(view, "2" | "EVENT_VIEW_FULL" | "ORGANIZATION_EVENT_VIEW_FULL");
    if let Some(event) = event.as_object_mut().filter(|_| !full) {
        event.remove("updates");
    }
    if words::as_numbers(query) {
        words::number_health(&mut event);
    }
    event
}

/// Whether an event fits a filter of comparisons joined by AND; none if the filter cannot be read.
fn fits(event: &Value, filter: &str) -> Option<bool> {
    let mut fits = true;
    for comparison in filter.split(" AND ").map(str::trim).filter(|part| !part.is_empty()) {
        fits &= holds(event, comparison)?;
    }
    Some(fits)
}

fn holds(event: &Value, comparison: &str) -> Option<bool> {
    let unquoted = |text: &str| text.trim().trim_matches('"').to_owned();
    if let Some((field, value)) = comparison.split_once(">=") {
        let member = (field.trim() == "update_time").then(|| event.get("updateTime"))?;
        let at = member.and_then(Value::as_str).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let than = DateTime::parse_from_rfc3339(&unquoted(value)).ok()?;
        return Some(at.is_some_and(|at| at >= than));
    }
    let (field, value) = comparison.split_once('=')?;
    let value = unquoted(value);
    match field.trim() {
        "category" => Some(event.get("category") == Some(&json!(value))),
        "state" => Some(event.get("state") == Some(&json!(value))),
        "event_impacts.product.product_name" => {
            let impacts = event.get("eventImpacts").and_then(Value::as_array).into_iter().flatten();
            let mut names = impacts.filter_map(|impact| impact.pointer("/product/productName").and_then(Value::as_str));
            Some(names.any(|name| name == value))
        }
        _ => None,
    }
}
