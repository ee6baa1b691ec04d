//! A double of Google Cloud: Compute Engine, Personalized Service Health and OS Config, as the REST endpoints that Google's
//! own clients call. It plays fleets, events, operations and patch jobs, answers recorded calls with what was recorded, and
//! fails in Google's words. All three services share one address.

mod answer;
mod compute;
mod groups;
mod health;
mod operation;
mod patch;
mod project;
mod refusal;
mod serial;
mod stage;
mod token;
mod words;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use chrono::{DateTime, Utc};
use serde_json::Value;

pub use groups::{Group, Place};
pub use operation::{Operation, Progress};
pub use patch::Job;

use crate::fault::Faults;
use crate::fleet::Fleet;
use crate::served::Served;
use project::Project;
use stage::Stage;

/// The double. Clones play one script.
#[derive(Clone, Default)]
pub struct Gcp {
    stage: Stage,
    faults: Faults,
}

impl Gcp {
    /// A double that knows no project yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The faults that it plays; a call's name is its path.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Sets the clock by which it tells what is fresh; the wall clock otherwise.
    pub fn clock(&self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) {
        self.stage.set_clock(Arc::new(clock));
    }

    /// Adds a project that holds the machines of a fleet.
    pub fn project(&self, id: &str, fleet: Fleet) {
        self.stage.add_project(id, fleet);
    }

    /// Shows a machine among those of a project that has no id, which nobody can count; or no longer.
    pub fn nameless(&self, project: &str, shown: bool) {
        self.stage.with_project(project, |project| project.nameless = shown);
    }

    /// Adds a managed instance group to a project.
    pub fn group(&self, project: &str, group: Group) {
        self.stage.with_project(project, |project| project.groups.push(group));
    }

    /// Starts an operation on a machine of a project; its number is what [`progress`](Gcp::progress) takes. None if there is
    /// no such project or machine.
    pub fn operate(&self, project: &str, operation: Operation) -> Option<usize> {
        self.stage.with_project(project, |project| project.operate(operation)).flatten()
    }

    /// Moves an operation on.
    pub fn progress(&self, project: &str, number: usize, progress: Progress, at: DateTime<Utc>) {
        self.stage.with_project(project, |project| project.progress(number, progress, at));
    }

    /// Adds a patch job to a project, or replaces the one of that name.
    pub fn patch_job(&self, project: &str, job: Job) {
        self.stage.with_project(project, |project| project.set_job(job));
    }

    /// Adds an event of Personalized Service Health, or replaces the one of that `name`; as the API's reference writes it,
    /// with the names of enum words. `parent` is `projects/ID` or `organizations/NUMBER`.
    pub fn event(&self, parent: &str, event: Value) {
        self.stage.set_event(parent, event);
    }

    /// Adds what an organisation's event hits, or replaces the one of that `name`.
    pub fn impact(&self, organization: &str, impact: Value) {
        self.stage.set_impact(organization, impact);
    }

    /// Lets only calls pass that show a token, which `POST /token` gives for any refresh token.
    pub fn guard(&self) {
        self.stage.lock().tokens.guarded = true;
    }

    /// Takes back every token that was given.
    pub fn revoke(&self) {
        self.stage.lock().tokens.revoke();
    }

    /// Gives no more tokens, or gives them again.
    pub fn withhold(&self, withheld: bool) {
        self.stage.lock().tokens.withheld = withheld;
    }

    /// Names the zones, or regions, that cannot be reached; what stands in them is not told of.
    pub fn unreachable(&self, zones: &[&str]) {
        self.stage.set_unreachable(zones);
    }

    /// Gives no list over all zones while one of them cannot be reached, which is what the API does unless it is asked for
    /// partial success; or gives them without it.
    pub fn all_or_nothing(&self, held: bool) {
        self.stage.lock().all_or_nothing = held;
    }

    /// Takes a managed instance group away.
    pub fn ungroup(&self, project: &str, name: &str) {
        self.stage.with_project(project, |project| project.groups.retain(|group| group.name != name));
    }

    /// Cuts pages at so many elements, whatever was asked for.
    pub fn page_limit(&self, elements: usize) {
        self.stage.set_page_limit(elements);
    }

    /// Answers calls whose path contains `call` with recorded ones, in order, the last again and again. A recording is
    /// `{"headers": {"status": "200"}, "body": {...}}`.
    pub fn replay(&self, call: &str, recordings: Vec<Value>) {
        self.stage.replay(call, recordings);
    }

    /// Everything that it gives out by which a project, a machine, a run or a person is known.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        self.stage.lock().projects.values().flat_map(Project::secrets).collect()
    }

    /// Starts listening.
    ///
    /// # Errors
    /// If no port of loopback is free.
    pub async fn serve(&self) -> io::Result<Served> {
        let routes = Router::new()
            .merge(compute::routes())
            .merge(groups::routes())
            .merge(operation::routes())
            .merge(serial::routes())
            .merge(health::routes())
            .merge(patch::routes())
            .merge(token::routes())
            .fallback(refusal::unknown_path)
            .with_state(self.stage.clone())
            .layer(from_fn_with_state(self.stage.clone(), stage::replayed))
            .layer(from_fn_with_state(self.stage.clone(), token::guarded))
            .layer(from_fn_with_state(self.faults.clone(), refusal::faulty));
        Served::start(routes).await
    }
}
