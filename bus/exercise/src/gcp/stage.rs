//! What the double plays, shared by all its calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::project::Project;
use super::token::Tokens;
use crate::fleet::Fleet;
use crate::secret;

/// Gives the time.
pub(super) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The greatest page of any of the services.
const PAGE_MAX: usize = 500;

/// The script, shared.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<Mutex<Script>>);

/// What is played.
pub(super) struct Script {
    pub(super) projects: BTreeMap<String, Project>,
    /// By parent: `projects/ID` or `organizations/NUMBER`.
    pub(super) events: BTreeMap<String, Vec<Value>>,
    /// By organisation.
    pub(super) impacts: BTreeMap<String, Vec<Value>>,
    pub(super) unreachable: BTreeSet<String>,
    /// Whether there is no list over all zones while one of them cannot be reached.
    pub(super) all_or_nothing: bool,
    pub(super) page_limit: usize,
    pub(super) tokens: Tokens,
    replays: Vec<Replay>,
    clock: Clock,
}

struct Replay {
    call: String,
    recordings: Vec<Value>,
    played: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            projects: BTreeMap::new(),
            events: BTreeMap::new(),
            impacts: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            all_or_nothing: false,
            page_limit: PAGE_MAX,
            tokens: Tokens::default(),
            replays: Vec::new(),
            clock: Arc::new(Utc::now),
        }
    }
}

impl Stage {
    pub(super) fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_clock(&self, clock: Clock) {
        self.lock().clock = clock;
    }

    pub(super) fn add_project(&self, id: &str, fleet: Fleet) {
        let project = Project::new(id, fleet);
        self.lock().projects.insert(id.to_owned(), project);
    }

    pub(super) fn with_project<T>(&self, id: &str, then: impl FnOnce(&mut Project) -> T) -> Option<T> {
        self.lock().projects.get_mut(id).map(then)
    }

    pub(super) fn set_event(&self, parent: &str, event: Value) {
        put(self.lock().events.entry(parent.to_owned()).or_default(), event);
    }

    pub(super) fn set_impact(&self, organization: &str, impact: Value) {
        secret::serve(impact.pointer("/asset/assetName").and_then(Value::as_str).map(str::to_owned));
        put(self.lock().impacts.entry(organization.to_owned()).or_default(), impact);
    }

    pub(super) fn set_unreachable(&self, zones: &[&str]) {
        self.lock().unreachable = zones.iter().map(|zone| (*zone).to_owned()).collect();
    }

    pub(super) fn set_page_limit(&self, elements: usize) {
        self.lock().page_limit = elements.max(1);
    }

    pub(super) fn replay(&self, call: &str, recordings: Vec<Value>) {
        self.lock().replays.push(Replay { call: call.to_owned(), recordings, played: 0 });
    }
}

impl Script {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Whether lists over all zones fail for the sake of one.
    pub(super) fn refuses_lists(&self) -> bool {
        self.all_or_nothing && !self.unreachable.is_empty()
    }

    fn recorded(&mut self, call: &str) -> Option<Value> {
        let replay = self.replays.iter_mut().find(|replay| call.contains(&replay.call))?;
        let last = replay.recordings.len().checked_sub(1)?;
        let recording = replay.recordings.get(replay.played.min(last)).cloned();
        replay.played += 1;
        recording
    }
}

/// Adds an object, or replaces the one of its name.
fn put(list: &mut Vec<Value>, object: Value) {
    match list.iter_mut().find(|known| known.get("name") == object.get("name")) {
        Some(known) => *known = object,
        None => list.push(object),
    }
}

/// Answers with what was recorded of such a call, where there is a recording.
pub(super) async fn replayed(State(stage): State<Stage>, request: Request, next: Next) -> Response {
    let recording = stage.lock().recorded(request.uri().path());
    let Some(recording) = recording else { return next.run(request).await };
    let status = recording.pointer("/headers/status").and_then(Value::as_str).and_then(|status| status.parse().ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let mut response = (status, axum::Json(recording.get("body").cloned().unwrap_or_default())).into_response();
    let pause = recording.pointer("/headers/retry-after").and_then(Value::as_str);
    if let Some(pause) = pause.and_then(|pause| HeaderValue::from_str(pause).ok()) {
        response.headers_mut().insert(RETRY_AFTER, pause);
    }
    response
}
