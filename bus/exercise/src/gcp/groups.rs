//! Managed instance groups: the list of them, and how the machines of one fare by its health check.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::answer::{BadToken, Paging};
use super::compute::{Aggregated, PAGE};
use super::project::{LINKS, Project};
use super::refusal;
use super::stage::Stage;
use crate::fleet::{Condition, Machine};

/// Where a group's machines stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In one zone.
    Zone(String),
    /// Over the zones of a region.
    Region(String),
}

/// A managed instance group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Where.
    pub place: Place,
    /// The numbers of its machines.
    pub machines: Vec<usize>,
    /// Whether a health check watches them; without one nothing is said of their health.
    pub health_check: bool,
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Self::Zone(name) | Self::Region(name) => name,
        }
    }

    fn scope(&self) -> String {
        match self {
            Self::Zone(zone) => format!("zones/{zone}"),
            Self::Region(region) => format!("regions/{region}"),
        }
    }
}

pub(super) fn routes() -> Router<Stage> {
    const MANAGERS: &str = "instanceGroupManagers/{group}/listManagedInstances";
    Router::new()
        .route("/compute/v1/projects/{project}/aggregated/instanceGroupManagers", get(groups))
        .route(&format!("/compute/v1/projects/{{project}}/{{kind}}/{{place}}/{MANAGERS}"), post(managed))
}

async fn groups(State(stage): State<Stage>, Path(project): Path<String>, Query(paging): Query<Paging>) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/compute/", &format!("The resource 'projects/{project}' was not found"));
    };
    if script.refuses_lists() {
        return refusal::internal("/compute/");
    }
    let reached = known.groups.iter().filter(|group| !script.unreachable.contains(group.place.name()));
    let groups = reached.map(|group| (group.place.scope(), shown(known, group))).collect();
    let page = match paging.cut(groups, PAGE, script.page_limit) {
        Ok(page) => page,
        Err(BadToken) => return refusal::bad_token("/compute/"),
    };
    let scopes = known.groups.iter().map(|group| (group.place.scope(), Vec::new())).collect::<BTreeMap<_, _>>();
    let list = Aggregated {
        kind: "compute#instanceGroupManagerAggregatedList",
        member: "instanceGroupManagers",
        scopes,
        first: paging.is_first(),
    };
    axum::Json(list.answer(page, &script)).into_response()
}

fn shown(project: &Project, group: &Group) -> Value {
    let link = format!("{LINKS}/{}/{}/instanceGroupManagers/{}", project.id, group.place.scope(), group.name);
    let check = format!("{LINKS}/{}/global/healthChecks/check-of-{}", project.id, group.name);
    let place = format!("{LINKS}/{}/{}", project.id, group.place.scope());
    let mut shown = json!({
        "kind": "compute#instanceGroupManager",
        "name": group.name,
        "selfLink": link,
        "baseInstanceName": group.name,
        "targetSize": group.machines.len(),
        "autoHealingPolicies": if group.health_check { json!([{"healthCheck": check, "initialDelaySec": 300}]) } else { json!([]) },
    });
    if let Some(shown) = shown.as_object_mut() {
        let member = if matches!(group.place, Place::Zone(_)) { "zone" } else { "region" };
        shown.insert(member.to_owned(), Value::from(place));
    }
    shown
}

async fn managed(
    State(stage): State<Stage>,
    Path((project, kind, place, name)): Path<(String, String, String, String)>,
    Query(paging): Query<Paging>,
) -> Response {
    let script = stage.lock();
    let scope = format!("{kind}/{place}");
    let found = script.projects.get(&project).and_then(|known| {
        let group = known.groups.iter().find(|group| group.name == name && group.place.scope() == scope)?;
        Some((known, group))
    });
    let Some((known, group)) = found else {
        let resource = format!("projects/{project}/{scope}/instanceGroupManagers/{name}");
        return refusal::not_found("/compute/", &format!("The resource '{resource}' was not found"));
    };
    if script.unreachable.contains(group.place.name()) {
        return refusal::internal("/compute/");
    }
    let machines = known.machines().into_iter().filter(|machine| group.machines.contains(&machine.number));
    let managed = machines.map(|machine| instance(known, group, &machine)).collect();
    match paging.cut(managed, PAGE, script.page_limit) {
        Ok(page) => axum::Json(json!({"managedInstances": page.elements, "nextPageToken": page.next})).into_response(),
        Err(BadToken) => refusal::bad_token("/compute/"),
    }
}

fn instance(project: &Project, group: &Group, machine: &Machine) -> Value {
    let check = format!("{LINKS}/{}/global/healthChecks/check-of-{}", project.id, group.name);
    let mut instance = json!({
        "instance": project.link(machine),
        "id": project.machine_id(machine.number),
        "name": machine.name,
        "instanceStatus": if running(&machine.condition) { "RUNNING" } else { "STOPPED" },
        "currentAction": "NONE",
    });
    if let Some(instance) = instance.as_object_mut().filter(|_| group.health_check) {
        let health = json!([{"healthCheck": check, "detailedHealthState": health(&machine.condition)}]);
        instance.insert("instanceHealth".to_owned(), health);
    }
    instance
}

fn running(condition: &Condition) -> bool {
    matches!(condition, Condition::Well | Condition::BootLoop | Condition::StorageStuck)
}

fn health(condition: &Condition) -> &'static str {
    match condition {
        Condition::Well => "HEALTHY",
        Condition::BootLoop => "UNHEALTHY",
        Condition::StorageStuck | Condition::HostDown => "TIMEOUT",
        Condition::Starting | Condition::Stopped | Condition::Terminated => "UNKNOWN",
    }
}
