//! Lists that are not as they should be: that never end, that hold what no client of Google's can read.

use entente_exercise::gcp::{Group, Place};
use entente_exercise::{Condition, Os};
use entente_schemas::count::Quantity;
use serde_json::{Value, json};

use super::*;

fn recorded(body: Value) -> Vec<Value> {
    vec![json!({"headers": {"status": "200"}, "body": body})]
}

fn source(number: &str) -> [psh::Source; 1] {
    [if number == PROJECT { psh::Source::Project(number.into()) } else { psh::Source::Organization(number.into()) }]
}

/// A trial with machines in two zones, each a group's.
async fn two_zones(guest: Guest) -> Trial {
    let trial = Trial::start(guest).await;
    for (region, zone) in [("us-central1", "us-central1-a"), ("europe-west4", "europe-west4-b")] {
        let machines = trial.machines.add(2, Os::Windows, (region, zone), true, onset() - TimeDelta::days(30));
        let place = Place::Zone(zone.into());
        trial.gcp.group(PROJECT, Group { name: format!("g-{zone}"), place, machines, health_check: true });
    }
    trial
}

/// How often such a call was made.
fn calls(trial: &Trial, call: &str) -> usize {
    trial.paths().iter().filter(|path| path.contains(call)).count()
}

fn assert_endless(failure: &Failure, api: &str) {
    let (code, text) = (&failure.error.code, &failure.error.text);
    assert!(code == "too-many" && text.contains(api) && text.contains("never ends"), "{failure:?}");
    assert!(!text.contains("acme") && !text.contains(ORGANIZATION), "{text}");
}

#[tokio::test]
async fn a_list_whose_page_token_comes_again_ends_and_says_so() {
    for (call, api) in [
        ("/aggregated/instances", "compute.instances.aggregatedList"),
        ("/operations", "compute.zoneOperations.list"),
        ("/patchJobs", "osconfig.patchJobs.list"),
        ("/events", "servicehealth.events.list"),
        ("/organizationEvents", "servicehealth.organizationEvents.list"),
    ] {
        let trial = two_zones(NO_SIGNAL).await;
        trial.ask(&mut trial.compute()).await.unwrap();
        trial.gcp.replay(call, recorded(json!({"nextPageToken": "again"})));
        let before = calls(&trial, call);
        let failure = match call {
            "/operations" => trial.ask(&mut trial.operations()).await,
            "/patchJobs" => trial.ask(&mut trial.osconfig(&[])).await,
            "/events" => trial.ask(&mut trial.psh(&source(PROJECT))).await,
            "/organizationEvents" => trial.ask(&mut trial.psh(&source(ORGANIZATION))).await,
            _ => trial.ask(&mut trial.compute()).await,
        };
        assert_endless(&failure.unwrap_err(), api);
        let lists = if call == "/operations" { 2 } else { 1 };
        assert_eq!(calls(&trial, call) - before, 2 * lists, "the second page shows it: {api}");
    }
}

#[tokio::test]
async fn a_signal_whose_list_never_ends_is_lacking_beside_the_machines() {
    for (guest, call, api) in [
        (GROUPS, "/aggregated/instanceGroupManagers", "compute.instanceGroupManagers.aggregatedList"),
        (GROUPS, "/listManagedInstances", "compute.instanceGroupManagers.listManagedInstances"),
        (INVENTORY, "/inventories", "osconfig.inventories.list"),
    ] {
        let trial = two_zones(guest).await;
        trial.gcp.replay(call, recorded(json!({"nextPageToken": "again"})));
        let reading = trial.ask(&mut trial.compute()).await.unwrap();
        assert_endless(&reading.lacks.unwrap(), api);
    }
}

#[tokio::test]
async fn a_list_of_ever_new_tokens_ends_where_no_list_does() {
    let trial = Trial::start(NO_SIGNAL).await;
    let page = |number: usize| recorded(json!({"nextPageToken": format!("page-{number}")}));
    trial.gcp.replay("/events", (0..500).flat_map(page).collect());
    let failure = trial.ask(&mut trial.psh(&source(PROJECT))).await.unwrap_err();
    assert_endless(&failure, "servicehealth.events.list");
    assert!(failure.error.text.contains("more after 100 pages"), "{}", failure.error.text);
}

/// A page with a machine whose fingerprint is no base64.
fn odd() -> Value {
    json!({"items": [{"id": "1", "name": "odd", "tags": {"fingerprint": "%%%"}}]})
}

#[tokio::test]
async fn a_machine_that_cannot_be_read_blinds_its_zone_alone() {
    let mut trial = two_zones(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(0..4, &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.replay(
        "/aggregated/instances",
        recorded(json!({"items": {"zones/europe-west4-b": {"instances": odd()["items"]}}})),
    );
    trial.gcp.replay("/zones/europe-west4-b/instances", recorded(odd()));
    trial.machines.set([0], &Condition::Well, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, "gcp.compute:web/guest").unwrap();
    let figure = |quantity| {
        let counts = told.counts.iter().filter(move |count| count.quantity == quantity);
        counts.filter_map(|count| count.value).sum::<u64>()
    };
    let figures = (figure(Quantity::Remaining), figure(Quantity::Unknown));
    assert_eq!(figures, (1, 2), "{:?}", told.counts);
    let lacks = reading.lacks.unwrap().error;
    assert!(lacks.code == "unreadable" && lacks.text.contains("compute.instances.list"), "{lacks:?}");
}
