//! What is said of machines, by the signals that are there.

use entente_exercise::gcp::{Group, Place};
use entente_exercise::{Condition, Os};
use entente_schemas::block::{BlockState, Layer};
use entente_schemas::count::Quantity;
use entente_schemas::family::{Impact, Phase};

use serde_json::{Value, json};

use super::*;

const GUEST: &str = "gcp.compute:web/guest";
const PLATFORM: &str = "gcp.compute:web/platform";

/// A hundred machines in two regions, each zone with a group that a health check watches.
async fn hundred(guest: Guest) -> Trial {
    let trial = Trial::start(guest).await;
    let long_ago = onset() - TimeDelta::days(30);
    for (region, zone, os, group) in [
        ("us-central1", "us-central1-a", Os::Windows, Place::Zone("us-central1-a".into())),
        ("europe-west4", "europe-west4-b", Os::Windows, Place::Region("europe-west4".into())),
        ("europe-west4", "europe-west4-c", Os::Linux, Place::Zone("europe-west4-c".into())),
    ] {
        let count = if os == Os::Windows { 40 } else { 20 };
        let machines = trial.machines.add(count, os, (region, zone), true, long_ago);
        trial.gcp.group(PROJECT, Group { name: format!("g-{zone}"), place: group, machines, health_check: true });
    }
    trial
}

fn windows(trial: &Trial) -> Vec<usize> {
    trial.machines.machines().iter().filter(|m| m.os == Os::Windows).map(|m| m.number).collect()
}

fn figure(impact: &Impact, quantity: Quantity) -> u64 {
    impact.counts.iter().filter(|count| count.quantity == quantity).filter_map(|count| count.value).sum()
}

#[tokio::test]
async fn machines_that_are_well_make_no_claim() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    for minutes in [0, 1] {
        let reading = trial.at(minutes).ask(&mut feed).await.unwrap();
        assert_eq!((reading.items, reading.lacks, reading.refused), (vec![], None, vec![]));
    }
    assert_eq!(feed.pause(), Some(CADENCE.quiet));
}

#[tokio::test]
async fn a_boot_loop_is_affected_by_what_the_health_checks_say_and_restored_when_they_do() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.ask(&mut feed).await.unwrap();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Affected), figure(&told, Quantity::Remaining)), (80, 80));
    let cause = told.suspected_cause.as_ref().and_then(|cause| cause.class.as_deref());
    assert_eq!(cause, Some("correlated_guest_failure"), "all at once, in two regions, their hosts in order");
    let hit: Vec<_> = told.blocks.iter().filter(|block| block.state == BlockState::AffectedUnavailable).collect();
    let regions: Vec<_> = hit.iter().flat_map(|block| &block.regions).collect();
    assert_eq!(regions, ["europe-west4", "us-central1"]);
    assert!(hit.iter().all(|block| block.layer == Some(Layer::Guest) && block.os_family() == Some("windows")));
    assert_eq!(feed.pause(), Some(CADENCE.incident));

    trial.machines.set(windows(&trial).into_iter().take(30), &Condition::Well, after(8));
    let reading = trial.at(9).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    let figures = [Quantity::Affected, Quantity::Remaining, Quantity::Restored].map(|q| figure(&told, q));
    assert_eq!(figures, [80, 50, 30]);

    trial.machines.set(windows(&trial), &Condition::Well, after(10));
    trial.at(11).ask(&mut feed).await.unwrap();
    let reading = trial.at(40).ask(&mut feed).await.unwrap();
    assert_eq!(impact(&reading.items, GUEST).unwrap().phase, Phase::Resolved);
}

#[tokio::test]
async fn without_a_signal_the_guests_are_unknown_and_never_nought() {
    let mut trial = hundred(NO_SIGNAL).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert!(told.blocks.iter().all(|block| block.state == BlockState::Unknown), "{:?}", told.blocks);
    assert!(told.counts.iter().all(|count| count.quantity == Quantity::Unknown), "{:?}", told.counts);
    assert_eq!(figure(&told, Quantity::Unknown), 100);
}

#[tokio::test]
async fn an_agent_that_falls_silent_is_affected_since_it_last_spoke() {
    let mut trial = hundred(INVENTORY).await;
    let mut feed = trial.compute();
    trial.ask(&mut feed).await.unwrap();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(1));
    assert_eq!(trial.at(20).ask(&mut feed).await.unwrap().items, [], "silence is not long enough yet");
    let reading = trial.at(32).ask(&mut feed).await.unwrap();
    let item = reading.items.iter().find(|item| item.object_id == GUEST).unwrap();
    assert_eq!(figure(item.impact().unwrap(), Quantity::Affected), 80);
    assert_eq!(item.times.occurred_at, Some(after(1)));
    // A week later it still does not speak: it was heard of before, so nobody switched it off.
    let reading = trial.at(10 * 24 * 60).ask(&mut feed).await.unwrap();
    assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Remaining), 80);
}

#[tokio::test]
async fn the_serial_port_of_some_machines_tells_a_boot_loop() {
    let mut trial = hundred(SERIAL).await;
    let mut feed = trial.compute();
    trial.ask(&mut feed).await.unwrap();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(1));
    for minutes in 2..5 {
        trial.at(minutes).ask(&mut feed).await.unwrap();
    }
    let reading = trial.at(6).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!(figure(&told, Quantity::Affected), 20, "of those that are looked at: {:?}", told.counts);
    let shown = ["bugcheck 0x50 PAGE_FAULT_IN_NONPAGED_AREA", "csagent.sys"];
    assert!(shown.iter().all(|symptom| told.symptoms.iter().any(|told| told == symptom)), "{:?}", told.symptoms);
    let digest = reading.items[0].native.digest.clone();
    assert_eq!(trial.ask(&mut feed).await.unwrap().items[0].native.digest, digest, "no news");
    assert_eq!(trial.ask(&mut trial.compute()).await.unwrap().items[0].native.digest, digest, "nor by another start");
    trial.machines.set(windows(&trial), &Condition::Well, after(7));
    let reading = trial.at(8).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!(figure(&told, Quantity::Restored), 20);
    // They print no more: that they came up stands, and how they do now nobody knows.
    trial.gcp.replay("/serialPort", vec![json!({"headers": {"status": "200"}, "body": {"contents": ""}})]);
    let reading = trial.at(90).ask(&mut feed).await.unwrap();
    let later = impact(&reading.items, GUEST).unwrap();
    assert_eq!(
        (figure(&later, Quantity::Restored), figure(&later, Quantity::Remaining)),
        (20, 0),
        "{:?}",
        later.counts
    );
    let unknown = [&told, &later].map(|impact| figure(impact, Quantity::Unknown));
    assert_eq!(unknown[1], unknown[0] + 20, "{:?}", later.counts);
}

#[tokio::test]
async fn a_host_that_failed_is_the_platforms_and_running_again_restores_it() {
    for guest in [GROUPS, NO_SIGNAL] {
        let mut trial = hundred(guest).await;
        let mut feed = trial.compute();
        trial.ask(&mut feed).await.unwrap();
        trial.machines.set([0, 1, 2], &Condition::HostDown, after(1));
        let reading = trial.at(2).ask(&mut feed).await.unwrap();
        let told = impact(&reading.items, PLATFORM).unwrap();
        assert_eq!(figure(&told, Quantity::Affected), 3);
        assert!(told.blocks.iter().all(|block| block.layer == Some(Layer::Platform)));
        trial.machines.set([0, 1, 2], &Condition::Well, after(4));
        let reading = trial.at(5).ask(&mut feed).await.unwrap();
        assert_eq!(figure(&impact(&reading.items, PLATFORM).unwrap(), Quantity::Restored), 3, "{guest:?}");
    }
}

#[tokio::test]
async fn a_zone_that_cannot_be_reached_is_unknown_and_not_empty() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.unreachable(&["us-central1-a"]);
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert_eq!(lacks.code, "zone-unreachable");
    assert!(lacks.text.contains("us-central1-a"), "{}", lacks.text);
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!(figure(&told, Quantity::Remaining), 40, "what is seen: {:?}", told.counts);
    assert_eq!(figure(&told, Quantity::Unknown), 40, "and nobody is gone: {:?}", told.counts);
    let dark: Vec<_> = told.blocks.iter().filter(|block| block.regions == ["us-central1"]).collect();
    assert!(dark.iter().all(|block| block.state == BlockState::Unknown), "{dark:?}");

    trial.gcp.unreachable(&[]);
    let reading = trial.at(3).ask(&mut feed).await.unwrap();
    assert_eq!(reading.lacks, None);
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!(figure(&told, Quantity::Remaining), 80);
    assert!(told.blocks.iter().any(|b| b.regions == ["us-central1"] && b.state == BlockState::AffectedUnavailable));
}

#[tokio::test]
async fn a_machine_that_is_listed_no_more_is_gone() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.machines.set([0, 1], &Condition::Terminated, after(1));
    trial.machines.set([2], &Condition::Stopped, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Affected), figure(&told, Quantity::Remaining)), (80, 78), "{:?}", told.counts);
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let mut trial = hundred(GROUPS).await;
    trial.gcp.page_limit(7);
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    let reading = trial.ask(&mut feed).await.unwrap();
    assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Affected), 80);
    let paths = trial.paths();
    let pages = paths.iter().filter(|path| path.contains("/aggregated/instances?")).count();
    assert_eq!(pages, 15, "100 machines in pages of 7: {paths:?}");
    // The last page is known only by its having no successor, and nothing was counted twice or gone.
    let again = trial.at(2).ask(&mut feed).await.unwrap();
    assert_eq!(impact(&again.items, GUEST).map(|told| figure(&told, Quantity::Remaining)), Some(80));
}

#[tokio::test]
async fn a_project_that_is_refused_is_lacking_and_the_other_is_told() {
    let mut trial = hundred(GROUPS).await;
    let other = Machines::new();
    other.add(10, Os::Windows, ("asia-south1", "asia-south1-a"), true, onset() - TimeDelta::days(1));
    trial.gcp.project("acme-test-218", other.clone());
    let mut feed = trial.compute_of(&[PROJECT, "acme-test-218"]);
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.faults().keep("acme-test-218", entente_exercise::Fault::Forbidden);
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert_eq!(lacks.code, "forbidden");
    assert!(
        lacks.text.starts_with("1 of 2 (project) did not answer; compute.instances.aggregatedList"),
        "{}",
        lacks.text
    );
    assert!(!lacks.text.contains("acme"), "{}", lacks.text);
    assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Remaining), 80);
    trial.gcp.faults().lift();
    assert_eq!(trial.at(3).ask(&mut feed).await.unwrap().lacks, None);
}

/// Beside the hundred, ten machines of another project in a zone where that one has machines too.
async fn with_neighbours(guest: Guest) -> (Trial, Machines) {
    let (trial, other) = (hundred(guest).await, Machines::new());
    let place = ("us-central1", "us-central1-a");
    let machines = other.add(10, Os::Windows, place, true, onset() - TimeDelta::days(1));
    trial.gcp.project(OTHER, other.clone());
    let place = Place::Zone(place.1.into());
    trial.gcp.group(OTHER, Group { name: "g".into(), place, machines, health_check: true });
    (trial, other)
}

const OTHER: &str = "acme-test-218";

#[tokio::test]
async fn a_project_that_does_not_answer_hides_nothing_of_its_neighbours_in_the_same_zones() {
    let (mut trial, other) = with_neighbours(GROUPS).await;
    let mut feed = trial.compute_of(&[PROJECT, OTHER]);
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    other.set(0..10, &Condition::BootLoop, after(-1));
    let reading = trial.ask(&mut feed).await.unwrap();
    assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Remaining), 90);
    trial.gcp.faults().keep(OTHER, entente_exercise::Fault::Forbidden);
    trial.machines.set([0, 1], &Condition::Terminated, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    let here = |quantity| {
        let counts = told.counts.iter().filter(|count| count.quantity == quantity);
        counts.map(|count| (count.value, count.lo, count.hi)).collect::<Vec<_>>()
    };
    let exact = |value| (Some(value), None, None);
    assert_eq!(here(Quantity::Remaining), [exact(40), (None, Some(38), Some(48))], "two are gone, ten out of sight");
    assert_eq!(here(Quantity::Unknown), [exact(10)]);
    assert!(told.blocks.iter().all(|block| block.state != BlockState::Unknown), "{:?}", told.blocks);
    trial.gcp.faults().lift();
    let reading = trial.at(3).ask(&mut feed).await.unwrap();
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Affected), figure(&told, Quantity::Remaining)), (90, 88));
}

#[tokio::test]
async fn who_starts_while_a_project_does_not_answer_takes_none_of_its_machines_for_gone() {
    let (mut trial, other) = with_neighbours(GROUPS).await;
    other.set(0..10, &Condition::BootLoop, after(-1));
    trial.ask(&mut trial.compute_of(&[PROJECT, OTHER])).await.unwrap();
    trial.gcp.faults().keep(OTHER, entente_exercise::Fault::Internal);
    let mut again = trial.compute_of(&[PROJECT, OTHER]);
    for minute in [1, 2] {
        let reading = trial.at(minute).ask(&mut again).await.unwrap();
        assert_eq!(reading.lacks.unwrap().error.code, "provider-error");
        assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Remaining), 10);
    }
}

#[tokio::test]
async fn where_one_zone_keeps_back_the_list_of_all_the_others_are_listed_one_by_one() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.gcp.all_or_nothing(true);
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.unreachable(&["us-central1-a"]);
    trial.machines.set([40, 41], &Condition::Well, after(1));
    trial.machines.set([42], &Condition::Terminated, after(1));
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert!(lacks.code == "zone-unreachable" && lacks.text.contains("us-central1-a"), "{lacks:?}");
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!(figure(&told, Quantity::Remaining), 37, "seen in the other zones: {:?}", told.counts);
    assert_eq!(figure(&told, Quantity::Unknown), 40, "{:?}", told.counts);
    // Whoever does not know yet where there are machines has no sight of any.
    let failure = trial.ask(&mut trial.compute()).await.unwrap_err();
    assert_eq!(failure.error.code, "provider-error");
    trial.gcp.unreachable(&[]);
    let reading = trial.at(3).ask(&mut feed).await.unwrap();
    assert_eq!((reading.lacks, figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Remaining)), (None, 77));
}

#[tokio::test]
async fn a_region_that_cannot_be_reached_is_unknown_with_all_its_zones() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.unreachable(&["us-central1"]);
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert!(lacks.code == "zone-unreachable" && lacks.text.contains("us-central1"), "{lacks:?}");
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Remaining), figure(&told, Quantity::Unknown)), (40, 40), "{:?}", told.counts);
}

/// A page of a list, warned of as a whole and at one zone.
async fn warned(warning: Value, of_zone: Value) -> Reading {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    let path = format!("{}/compute/v1/projects/{PROJECT}/aggregated/instances", trial.served.url());
    let mut page: Value = reqwest::get(path).await.unwrap().json().await.unwrap();
    page["warning"] = warning;
    page["items"]["zones/us-central1-a"] = of_zone;
    trial.gcp.replay("/aggregated/instances", vec![json!({"headers": {"status": "200"}, "body": page})]);
    trial.at(2).ask(&mut feed).await.unwrap()
}

#[tokio::test]
async fn a_list_that_says_it_is_not_whole_makes_nobody_gone() {
    let empty = json!({"warning": {"code": "NO_RESULTS_ON_PAGE"}});
    let unnamed = json!({"code": "UNREACHABLE"});
    let named = json!({"code": "UNREACHABLE", "data": [{"key": "scope", "value": "zones/us-central1-a"}]});
    let partial = json!({"warning": {"code": "PARTIAL_SUCCESS"}});
    for (warning, of_zone) in [(unnamed, empty.clone()), (named, empty.clone()), (Value::Null, partial)] {
        let reading = warned(warning, of_zone).await;
        assert_eq!(reading.lacks.unwrap().error.code, "zone-unreachable");
        assert_eq!(figure(&impact(&reading.items, GUEST).unwrap(), Quantity::Unknown), 40);
    }
    let reading = warned(json!({"code": "NO_RESULTS_ON_PAGE"}), empty).await;
    assert_eq!(reading.lacks, None);
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Remaining), figure(&told, Quantity::Unknown)), (40, 0), "gone indeed");
}

#[tokio::test]
async fn a_group_that_is_taken_away_costs_the_others_nothing() {
    let mut trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.machines.set(windows(&trial), &Condition::BootLoop, after(-1));
    trial.ask(&mut feed).await.unwrap();
    trial.gcp.ungroup(PROJECT, "g-europe-west4-b");
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    assert_eq!(reading.lacks, None, "it is no mistake of the settings");
    let told = impact(&reading.items, GUEST).unwrap();
    assert_eq!((figure(&told, Quantity::Unknown), figure(&told, Quantity::Affected)), (40, 80), "{:?}", told.counts);
    trial.gcp.faults().keep("g-europe-west4-c", entente_exercise::Fault::Internal);
    let reading = trial.at(3).ask(&mut feed).await.unwrap();
    assert_eq!(reading.lacks.unwrap().error.code, "provider-error");
    let told = impact(&reading.items, GUEST).unwrap();
    let lit: Vec<_> = told.blocks.iter().filter(|block| block.state == BlockState::AffectedUnavailable).collect();
    assert!(lit.iter().any(|block| block.regions == ["us-central1"]), "{:?}", told.blocks);
}

#[tokio::test]
async fn a_machine_that_is_deleted_between_list_and_look_is_no_trouble() {
    let mut trial = hundred(SERIAL).await;
    let mut feed = trial.compute();
    trial.ask(&mut feed).await.unwrap();
    let gone = json!({"headers": {"status": "404"}, "body": {"error": {"code": 404, "message": "not found",
        "errors": [{"message": "not found", "domain": "global", "reason": "notFound"}]}}});
    trial.gcp.replay("/serialPort", vec![gone]);
    let reading = trial.at(2).ask(&mut feed).await.unwrap();
    assert_eq!((reading.lacks, reading.items), (None, vec![]));
}

#[tokio::test]
async fn a_machine_that_cannot_be_counted_is_refused_alike_at_every_look() {
    let mut trial = hundred(NO_SIGNAL).await;
    trial.gcp.nameless(PROJECT, true);
    let mut feed = trial.compute();
    let mut inputs = std::collections::BTreeSet::new();
    for minute in 0..8 {
        let refused = trial.at(minute).ask(&mut feed).await.unwrap().refused;
        inputs.extend(refused.into_iter().map(|refusal| refusal.input));
    }
    assert_eq!(inputs.len(), 1);
}

/// What is said of one machine of a group that fails its health check while the group does this with it.
async fn while_it_is(action: &str) -> Vec<Item> {
    let trial = hundred(GROUPS).await;
    let mut feed = trial.compute();
    trial.ask(&mut feed).await.unwrap();
    let path = format!("/compute/v1/projects/{PROJECT}/zones/us-central1-a/instanceGroupManagers/g-us-central1-a");
    let asked = reqwest::Client::new().post(format!("{}{path}/listManagedInstances", trial.served.url())).send();
    let mut managed: Value = asked.await.unwrap().json().await.unwrap();
    managed["managedInstances"][0]["currentAction"] = json!(action);
    managed["managedInstances"][0]["instanceHealth"][0]["detailedHealthState"] = json!("UNHEALTHY");
    trial.gcp.replay("g-us-central1-a", vec![json!({"headers": {"status": "200"}, "body": managed})]);
    trial.ask(&mut feed).await.unwrap().items
}

#[tokio::test]
async fn a_check_that_fails_while_its_group_starts_or_takes_away_the_machine_says_nothing() {
    for action in ["CREATING", "VERIFYING", "RESTARTING", "DELETING", "SUSPENDING"] {
        assert_eq!(while_it_is(action).await, [], "{action}");
    }
    for action in ["NONE", "RECREATING", "DREAMING"] {
        let told = impact(&while_it_is(action).await, GUEST).unwrap();
        assert_eq!(figure(&told, Quantity::Affected), 1, "{action}");
    }
}

#[tokio::test]
async fn a_list_that_does_not_end_is_none() {
    let trial = hundred(GROUPS).await;
    let page = json!({"items": {}, "nextPageToken": "again"});
    trial.gcp.replay("/aggregated/instanceGroupManagers", vec![json!({"headers": {"status": "200"}, "body": page})]);
    let reading = trial.ask(&mut trial.compute()).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert!(lacks.code == "too-many" && lacks.text.contains("instanceGroupManagers"), "{lacks:?}");
}
