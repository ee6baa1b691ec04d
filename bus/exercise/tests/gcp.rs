//! The double of Google Cloud as seen over HTTP: pages, scopes, words and refusals are shaped as Google's own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::gcp::{Gcp, Group, Job, Operation, Place, Progress};
use entente_exercise::{Condition, Fault, Fleet, Os, Served, secret};
use serde_json::{Value, json};

const PROJECT: &str = "acme-prod-417";

fn then() -> DateTime<Utc> {
    DateTime::from_timestamp(1_721_362_140, 0).unwrap()
}

async fn served() -> (Gcp, Fleet, Served) {
    let (gcp, fleet) = (Gcp::new(), Fleet::new());
    fleet.add(3, Os::Windows, ("us-central1", "us-central1-a"), true, then());
    fleet.add(2, Os::Linux, ("us-east1", "us-east1-b"), false, then());
    gcp.project(PROJECT, fleet.clone());
    gcp.clock(|| then() + TimeDelta::hours(1));
    let served = gcp.serve().await.unwrap();
    (gcp, fleet, served)
}

async fn get(served: &Served, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}", served.url())).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn list(served: &Served, query: &str) -> Value {
    get(served, &format!("/compute/v1/projects/{PROJECT}/aggregated/instances?{query}")).await.1
}

#[tokio::test]
async fn machines_come_in_pages_and_an_empty_token_is_the_first() {
    let (_gcp, fleet, served) = served().await;
    let first = list(&served, "maxResults=2&pageToken=&$alt=json").await;
    assert_eq!(first, list(&served, "maxResults=2").await);
    assert_eq!(first["items"]["zones/us-central1-a"]["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["items"]["zones/us-east1-b"]["warning"]["code"], "NO_RESULTS_ON_PAGE");
    let token = first["nextPageToken"].as_str().unwrap();
    let last = list(&served, &format!("maxResults=3&pageToken={token}")).await;
    assert_eq!(last["items"]["zones/us-east1-b"]["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(last.get("nextPageToken"), None);
    assert_eq!(list(&served, "pageToken=mine").await["error"]["errors"][0]["reason"], "invalid");

    fleet.set([0], &Condition::HostDown, then());
    fleet.set([1], &Condition::Terminated, then());
    let machines = &list(&served, "").await["items"]["zones/us-central1-a"]["instances"];
    assert_eq!((machines[0]["status"].as_str(), machines.as_array().map(Vec::len)), (Some("REPAIRING"), Some(2)));
    let spoken = machines.to_string();
    assert!(spoken.contains("-07:00") && !secret::found_in(spoken.as_bytes()).is_empty());
}

#[tokio::test]
async fn a_zone_that_cannot_be_reached_is_named_as_such() {
    let (gcp, _fleet, served) = served().await;
    gcp.unreachable(&["us-east1-b"]);
    let answer = list(&served, "").await;
    assert_eq!(answer["unreachables"], json!(["zones/us-east1-b"]));
    assert_eq!(answer["items"]["zones/us-east1-b"]["warning"]["code"], "UNREACHABLE");
}

#[tokio::test]
async fn for_the_sake_of_one_zone_there_may_be_no_list_of_all_but_one_of_each_other() {
    let (gcp, fleet, served) = served().await;
    gcp.unreachable(&["us-east1-b"]);
    gcp.all_or_nothing(true);
    let path = |rest: &str| format!("/compute/v1/projects/{PROJECT}/{rest}");
    for refused in ["aggregated/instances", "aggregated/instanceGroupManagers", "zones/us-east1-b/instances"] {
        let (status, body) = get(&served, &path(refused)).await;
        assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (503, Some("backendError")), "{refused}");
    }
    let (status, first) = get(&served, &path("zones/us-central1-a/instances?maxResults=2")).await;
    assert_eq!((status, first["items"].as_array().map(Vec::len)), (200, Some(2)));
    let next = format!("zones/us-central1-a/instances?pageToken={}", first["nextPageToken"].as_str().unwrap());
    assert_eq!(get(&served, &path(&next)).await.1["items"].as_array().map(Vec::len), Some(1));
    gcp.unreachable(&["us-central1"]);
    gcp.all_or_nothing(false);
    let answer = list(&served, "").await;
    assert_eq!(answer["unreachables"], json!(["regions/us-central1"]));
    assert_eq!(answer["items"]["zones/us-central1-a"]["warning"]["code"], "NO_RESULTS_ON_PAGE");
    gcp.unreachable(&[]);
    fleet.set(0..3, &Condition::Terminated, then());
    let emptied = &list(&served, "").await["items"]["zones/us-central1-a"];
    assert_eq!(emptied["warning"]["code"], "NO_RESULTS_ON_PAGE", "a zone is named though nothing is left in it");
}

#[tokio::test]
async fn refusals_have_the_shape_of_their_service() {
    let (gcp, _fleet, served) = served().await;
    let path = format!("/compute/v1/projects/{PROJECT}/aggregated/instances");
    gcp.faults().play("aggregated", Fault::Throttled { retry_after: None }, 1);
    let (status, body) = get(&served, &path).await;
    assert_eq!((status, body["error"]["errors"][0]["reason"].as_str()), (403, Some("rateLimitExceeded")));

    gcp.faults().play("events", Fault::Throttled { retry_after: Some(Duration::from_secs(7)) }, 1);
    let events = format!("{}/v1/projects/{PROJECT}/locations/global/events", served.url());
    let response = reqwest::get(events).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["status"], "RESOURCE_EXHAUSTED");

    gcp.faults().play("", Fault::Truncated, 1);
    assert!(reqwest::get(format!("{}{path}", served.url())).await.unwrap().bytes().await.is_err());
    gcp.faults().play("", Fault::ClockOff(600), 1);
    let response = reqwest::get(format!("{}{path}", served.url())).await.unwrap();
    let date = DateTime::parse_from_rfc2822(response.headers()["date"].to_str().unwrap()).unwrap();
    assert_eq!((response.status().as_u16(), (date.to_utc() - Utc::now()).num_minutes() >= 9), (401, true));
    assert_eq!(get(&served, &path).await.0, 200);
}

#[tokio::test]
async fn events_have_numbers_for_words_and_updates_in_the_full_view_only() {
    let (gcp, _fleet, served) = served().await;
    let event = |name: &str, state: &str| {
        json!({"name": format!("projects/{PROJECT}/locations/global/events/{name}"), "state": state,
               "detailedState": "CONFIRMED", "category": "INCIDENT", "updateTime": "2024-07-19T07:00:00Z",
               "updates": [{"title": "T"}]})
    };
    let parent = format!("projects/{PROJECT}");
    gcp.event(&parent, event("one", "ACTIVE"));
    gcp.event(&parent, event("one", "CLOSED"));
    gcp.event(&parent, event("two", "ACTIVE"));
    let path = format!("/v1/projects/{PROJECT}/locations/global/events");
    let (_, basic) = get(&served, &format!("{path}?view=0&$alt=json;enum-encoding=int")).await;
    assert_eq!((basic["events"][0].get("updates"), &basic["events"][0]["state"]), (None, &json!(2)));
    let (_, full) = get(&served, &format!("{path}?view=2&filter=category%3DINCIDENT%20AND%20state%3DACTIVE")).await;
    assert_eq!(
        (full["events"].as_array().map(Vec::len), &full["events"][0]["updates"][0]["title"]),
        (Some(1), &json!("T"))
    );
    assert_eq!(full["events"][0]["state"], "ACTIVE");
    let (_, none) = get(&served, &format!("{path}?filter=update_time%3E%3D%222024-07-20T00:00:00Z%22")).await;
    assert_eq!(none, json!({}));
    assert_eq!(get(&served, &format!("{path}?filter=colour%3Dred")).await.0, 400);
}

#[tokio::test]
async fn a_boot_loop_shows_in_health_in_silence_and_at_the_serial_port() {
    let (gcp, fleet, served) = served().await;
    let region = Place::Region("us-central1".to_owned());
    gcp.group(PROJECT, Group { name: "web".into(), place: region, machines: vec![0, 1, 2], health_check: true });
    fleet.set([1], &Condition::BootLoop, then());
    let groups = get(&served, &format!("/compute/v1/projects/{PROJECT}/aggregated/instanceGroupManagers")).await.1;
    assert_eq!(groups["items"]["regions/us-central1"]["instanceGroupManagers"][0]["name"], "web");
    let path =
        format!("/compute/v1/projects/{PROJECT}/regions/us-central1/instanceGroupManagers/web/listManagedInstances");
    let managed: Value =
        reqwest::Client::new().post(format!("{}{path}", served.url())).send().await.unwrap().json().await.unwrap();
    let health = |index: usize| managed["managedInstances"][index]["instanceHealth"][0]["detailedHealthState"].clone();
    assert_eq!([health(0), health(1)], [json!("HEALTHY"), json!("UNHEALTHY")]);
    gcp.ungroup(PROJECT, "web");
    let gone = reqwest::Client::new().post(format!("{}{path}", served.url())).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 404);

    let path = format!("/v1/projects/{PROJECT}/locations/us-central1-a/instances/-/inventories");
    let inventories = get(&served, &path).await.1;
    let told = |index: usize| inventories["inventories"][index]["updateTime"].clone();
    assert_eq!([told(0), told(1)], [json!("2024-07-19T05:08:00Z"), json!("2024-07-19T04:09:00Z")]);

    let name = &fleet.machines()[1].name;
    let path = format!("/compute/v1/projects/{PROJECT}/zones/us-central1-a/instances/{name}/serialPort");
    let first = get(&served, &path).await.1;
    assert!(first["contents"].as_str().unwrap().contains("csagent.sys"));
    let second = get(&served, &format!("{path}?port=1&start={}", first["next"].as_str().unwrap())).await.1;
    assert_eq!(second["start"], first["next"]);
    assert!(second["contents"].as_str().unwrap().starts_with("UEFI"));
}

#[tokio::test]
async fn operations_and_patch_jobs_tell_how_far_they_are() {
    let (gcp, _fleet, served) = served().await;
    let operation = |kind: &str, after: i64| Operation {
        machine: 0,
        kind: kind.into(),
        user: "ops@acme.example".into(),
        at: then() + TimeDelta::minutes(after),
    };
    let stop = gcp.operate(PROJECT, operation("stop", 0)).unwrap();
    gcp.operate(PROJECT, operation("detachDisk", 5)).unwrap();
    gcp.progress(PROJECT, stop, Progress::Failed("RESOURCE_NOT_READY".into()), then());
    let path = format!("/compute/v1/projects/{PROJECT}/zones/us-central1-a/operations?orderBy=creationTimestamp+desc");
    let operations = get(&served, &path).await.1;
    let kinds = [&operations["items"][0]["operationType"], &operations["items"][1]["operationType"]];
    assert_eq!(kinds, [&json!("detachDisk"), &json!("stop")]);
    assert_eq!(operations["items"][1]["error"]["errors"][0]["code"], "RESOURCE_NOT_READY");

    let machines = BTreeMap::from([(0, "SUCCEEDED".to_owned()), (1, "FAILED".to_owned()), (2, "REBOOTING".to_owned())]);
    let job = Job {
        name: "8f1b".into(),
        display_name: "night".into(),
        state: "PATCHING".into(),
        dry_run: false,
        created: then(),
        updated: then(),
        machines,
    };
    gcp.patch_job(PROJECT, job);
    let jobs = get(&served, &format!("/v1/projects/{PROJECT}/patchJobs?$alt=json;enum-encoding=int")).await.1;
    let summary = &jobs["patchJobs"][0]["instanceDetailsSummary"];
    assert_eq!((&summary["rebootingInstanceCount"], &jobs["patchJobs"][0]["state"]), (&json!("1"), &json!(3)));
    let details = get(&served, &format!("/v1/projects/{PROJECT}/patchJobs/8f1b/instanceDetails")).await.1;
    assert_eq!(details["patchJobInstanceDetails"][1]["state"], "FAILED");
}

#[tokio::test]
async fn recorded_calls_are_played_in_order_and_the_last_stays() {
    let (gcp, _fleet, served) = served().await;
    let recordings = [1, 2].map(|n| json!({"headers": {"status": "200"}, "body": {"n": n}}));
    gcp.replay("/aggregated/instances", recordings.to_vec());
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(list(&served, "").await["n"].clone());
    }
    assert_eq!(told, [json!(1), json!(2), json!(2)]);
}

#[tokio::test]
async fn where_calls_are_guarded_only_those_pass_that_show_a_token() {
    let (gcp, _fleet, served) = served().await;
    gcp.guard();
    let client = reqwest::Client::new();
    let url = format!("{}/compute/v1/projects/{PROJECT}/aggregated/instances", served.url());
    let status = async |token: &str| client.get(&url).bearer_auth(token).send().await.unwrap().status().as_u16();
    let given = async || client.post(format!("{}/token", served.url())).send().await.unwrap();
    let token = given().await.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    assert_eq!((status(&token).await, status("mine").await), (200, 401));
    gcp.revoke();
    assert_eq!(status(&token).await, 401);
    gcp.withhold(true);
    assert_eq!(given().await.status().as_u16(), 400);
}

#[tokio::test]
async fn a_machine_without_an_id_is_shown_among_the_others() {
    let (gcp, _fleet, served) = served().await;
    gcp.nameless(PROJECT, true);
    let machines = &list(&served, "").await["items"]["zones/us-central1-a"]["instances"];
    assert_eq!((machines.as_array().map(Vec::len), machines[0].get("id")), (Some(4), None));
}
