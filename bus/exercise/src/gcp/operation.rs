//! Operations on machines, as the list of a zone's operations tells of them for some days.

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{BadToken, Paging, parameter};
use super::compute::PAGE;
use super::project::{LINKS, Project, digest, pacific};
use super::refusal;
use super::stage::Stage;
use crate::fleet::Machine;
use crate::secret;

/// Something that is begun on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The machine's number.
    pub machine: usize,
    /// `stop`, `start`, `reset`, `detachDisk`, `attachDisk`, ...
    pub kind: String,
    /// Who asked for it; an address.
    pub user: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How far an operation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Waits.
    Pending,
    /// Is under way.
    Running,
    /// Ended well.
    Done,
    /// Ended with an error of this code.
    Failed(String),
}

/// An operation with all that is shown of it.
pub(super) struct Kept {
    id: u64,
    name: String,
    zone: String,
    target: String,
    target_id: String,
    told: Operation,
    progress: Progress,
    began: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
}

impl Kept {
    pub(super) fn new(project: &Project, machine: &Machine, told: Operation, number: usize) -> Self {
        let id = 1_000_000_000_000_000_000
            + digest(&format!("{}/operation/{number}", project.id)) % 8_000_000_000_000_000_000;
        let name = format!("operation-{}-{number:013x}", told.at.timestamp_millis());
        secret::serve([id.to_string(), name.clone(), told.user.clone()]);
        Self {
            id,
            name,
            zone: machine.zone.clone(),
            target: project.link(machine),
            target_id: project.machine_id(machine.number),
            told,
            progress: Progress::Pending,
            began: None,
            ended: None,
        }
    }

    pub(super) fn secrets(&self) -> [String; 3] {
        [self.id.to_string(), self.name.clone(), self.told.user.clone()]
    }

    pub(super) fn progress(&mut self, progress: Progress, at: DateTime<Utc>) {
        if !matches!(progress, Progress::Pending) {
            self.began.get_or_insert(at);
        }
        if matches!(progress, Progress::Done | Progress::Failed(_)) {
            self.ended = Some(at);
        }
        self.progress = progress;
    }

    fn shown(&self, project: &str) -> Value {
        let zone = format!("{LINKS}/{project}/zones/{}", self.zone);
        let (status, percent) = match self.progress {
            Progress::Pending => ("PENDING", 0),
            Progress::Running => ("RUNNING", 50),
            Progress::Done | Progress::Failed(_) => ("DONE", 100),
        };
        let mut shown = json!({
            "kind": "compute#operation",
            "id": self.id.to_string(),
            "name": self.name,
            "zone": zone,
            "selfLink": format!("{zone}/operations/{}", self.name),
            "operationType": self.told.kind,
            "targetLink": self.target,
            "targetId": self.target_id,
            "status": status,
            "progress": percent,
            "user": self.told.user,
            "insertTime": pacific(self.told.at),
        });
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(self.began.map(|time| ("startTime".to_owned(), Value::from(pacific(time)))));
            shown.extend(self.ended.map(|time| ("endTime".to_owned(), Value::from(pacific(time)))));
            if let Progress::Failed(code) = &self.progress {
                let message = format!("The resource '{}' is not ready", self.target);
                shown.insert("error".to_owned(), json!({"errors": [{"code": code, "message": message}]}));
                shown.insert("httpErrorStatusCode".to_owned(), json!(400));
                shown.insert("httpErrorMessage".to_owned(), json!("BAD REQUEST"));
            }
        }
        shown
    }
}

pub(super) fn routes() -> Router<Stage> {
    Router::new().route("/compute/v1/projects/{project}/zones/{zone}/operations", get(operations))
}

/// In the order of their names unless the newest are to come first.
async fn operations(
    State(stage): State<Stage>,
    Path((project, zone)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Query(paging): Query<Paging>,
) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/compute/", &format!("The resource 'projects/{project}' was not found"));
    };
    if script.unreachable.contains(&zone) {
        return refusal::internal("/compute/");
    }
    let mut operations: Vec<&Kept> = known.operations.iter().filter(|operation| operation.zone == zone).collect();
    match parameter(query.as_deref().unwrap_or_default(), "orderBy") {
        Some("creationTimestamp+desc" | "creationTimestamp%20desc") => {
            operations.sort_by_key(|operation| std::cmp::Reverse(operation.told.at));
        }
        Some(_) => return refusal::bad_request("/compute/", "Invalid value for field 'orderBy'"),
        None => operations.sort_by(|a, b| a.name.cmp(&b.name)),
    }
    let shown = operations.iter().map(|operation| operation.shown(&project)).collect();
    match paging.cut(shown, PAGE, script.page_limit) {
        Ok(page) => {
            let list = json!({"kind": "compute#operationList", "items": page.elements, "nextPageToken": page.next});
            axum::Json(list).into_response()
        }
        Err(BadToken) => refusal::bad_token("/compute/"),
    }
}
