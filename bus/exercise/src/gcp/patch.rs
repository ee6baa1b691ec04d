//! OS Config: what its agent last told of each machine, and patch jobs with the state of each machine in them.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::answer::{Paging, listed};
use super::project::{Project, zulu};
use super::stage::Stage;
use super::{refusal, words};
use crate::fleet::{Condition, Machine, Os};

/// Elements of a page unless told otherwise, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;
/// How old the newest report of an agent is that works.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// A patch job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id, such as a UUID.
    pub name: String,
    /// What its owner calls it.
    pub display_name: String,
    /// `PATCHING`, `SUCCEEDED`, ...
    pub state: String,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
    /// The state of each machine, by number: `PENDING`, `REBOOTING`, `SUCCEEDED`, ...
    pub machines: BTreeMap<usize, String>,
}

pub(super) fn routes() -> Router<Stage> {
    Router::new()
        .route("/v1/projects/{project}/locations/{zone}/instances/{instance}/inventories", get(inventories))
        .route("/v1/projects/{project}/patchJobs", get(jobs))
        .route("/v1/projects/{project}/patchJobs/{job}/instanceDetails", get(details))
}

async fn inventories(
    State(stage): State<Stage>,
    Path((project, zone, instance)): Path<(String, String, String)>,
    Query(paging): Query<Paging>,
) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project).filter(|_| instance == "-") else {
        return refusal::not_found("/v1/", &format!("Resource 'projects/{project}' was not found"));
    };
    if script.unreachable.contains(&zone) {
        return refusal::internal("/v1/");
    }
    let machines = known.machines().into_iter().filter(|machine| machine.agent && machine.zone == zone);
    let list = machines.map(|machine| inventory(known, &machine, script.now())).collect();
    listed("inventories", list, &paging, PAGE, PAGE_MAX.min(script.page_limit))
}

fn inventory(project: &Project, machine: &Machine, now: DateTime<Utc>) -> Value {
    let (id, number) = (project.machine_id(machine.number), project.number);
    let well = machine.condition == Condition::Well;
    let told = if well { (now - FRESH).max(machine.since.min(now)) } else { machine.since };
    let (short, long) = match machine.os {
        Os::Windows => ("windows", "Microsoft Windows Server 2022 Datacenter"),
        Os::Linux => ("debian", "Debian GNU/Linux 12 (bookworm)"),
    };
    json!({
        "name": format!("projects/{number}/locations/{}/instances/{id}/inventory", machine.zone),
        "osInfo": {"hostname": machine.name, "shortName": short, "longName": long, "osconfigAgentVersion": "20240501.03"},
        "updateTime": zulu(told),
    })
}

async fn jobs(
    State(stage): State<Stage>,
    Path(project): Path<String>,
    Query(paging): Query<Paging>,
    RawQuery(query): RawQuery,
) -> Response {
    let script = stage.lock();
    let Some(known) = script.projects.get(&project) else {
        return refusal::not_found("/v1/", &format!("Resource 'projects/{project}' was not found"));
    };
    let numbers = words::as_numbers(query.as_deref().unwrap_or_default());
    let mut jobs: Vec<&Job> = known.jobs.iter().collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
    listed(
        "patchJobs",
        jobs.iter().map(|job| shown(known, job, numbers)).collect(),
        &paging,
        PAGE,
        PAGE_MAX.min(script.page_limit),
    )
}

fn shown(project: &Project, job: &Job, numbers: bool) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for state in job.machines.values() {
        let counted = words::PATCH.iter().find(|(word, _, _)| word == state);
        counted.into_iter().for_each(|(_, _, member)| *counts.entry(member).or_default() += 1);
    }
    let ended =
        job.machines.values().filter(|state| matches!(state.as_str(), "SUCCEEDED" | "FAILED" | "TIMED_OUT")).count();
    let state = Value::from(job.state.clone());
    json!({
        "name": format!("projects/{}/patchJobs/{}", project.id, job.name),
        "displayName": job.display_name,
        "createTime": zulu(job.created),
        "updateTime": zulu(job.updated),
        "state": if numbers { words::numbered(&state, words::JOB.into_iter()) } else { state },
        "dryRun": job.dry_run,
        "instanceFilter": {"all": true},
        "instanceDetailsSummary": counts.iter().map(|(member, count)| ((*member).to_owned(), Value::from(count.to_string()))).collect::<Map<_, _>>(),
        "percentComplete": ended * 100 / job.machines.len().max(1),
    })
}

async fn details(
    State(stage): State<Stage>,
    Path((project, job)): Path<(String, String)>,
    Query(paging): Query<Paging>,
    RawQuery(query): RawQuery,
) -> Response {
    let script = stage.lock();
    let found = script.projects.get(&project).and_then(|known| {
        let job = known.jobs.iter().find(|known| known.name == job)?;
        Some((known, job))
    });
    let Some((known, job)) = found else {
        return refusal::not_found("/v1/", &format!("Resource 'projects/{project}/patchJobs/{job}' was not found"));
    };
    let numbers = words::as_numbers(query.as_deref().unwrap_or_default());
    let machines = job.machines.iter().filter_map(|(number, state)| Some((known.machine(*number)?, state)));
    let list = machines.map(|(machine, state)| detail(known, &machine, state, numbers)).collect();
    listed("patchJobInstanceDetails", list, &paging, PAGE, PAGE_MAX.min(script.page_limit))
}

fn detail(project: &Project, machine: &Machine, state: &str, numbers: bool) -> Value {
    let word = Value::from(state);
    let known = words::PATCH.into_iter().map(|(word, number, _)| (word, number));
    json!({
        "name": format!("projects/{}/zones/{}/instances/{}", project.id, machine.zone, machine.name),
        "instanceSystemId": project.machine_id(machine.number),
        "state": if numbers { words::numbered(&word, known) } else { word },
        "failureReason": if state == "FAILED" { format!("{} did not start again", machine.name) } else { String::new() },
        "attemptCount": "1",
    })
}
