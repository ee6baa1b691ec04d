//! Virtual machines: a guest that boots over and over is seen through its agent, and only through it; what the platform says
//! of a machine goes before that.

use entente_schemas::block::{BlockState, Layer};
use entente_schemas::family::Phase;
use entente_schemas::header::Certainty;

use serde_json::json;

use super::*;

const GUEST: &str = "azure.vm:main/guest";

/// Machines with and without agents in two regions, all well and seen so.
async fn seen_well(trial: &Trial) -> (Asking<Machines>, Vec<usize>) {
    let mut windows = trial.add(30, Os::Windows, ("eastus", "1"), true);
    windows.extend(trial.add(30, Os::Windows, ("westeurope", "2"), true));
    trial.add(10, Os::Linux, ("eastus", "1"), true);
    let mut feed = trial.vm();
    assert!(reading(&mut feed).await.items.is_empty(), "nothing is wrong");
    (feed, windows)
}

#[tokio::test]
async fn a_boot_loop_is_seen_through_agents_and_its_end_too() {
    let trial = Trial::new().await;
    trial.double.page(7);
    let (mut feed, windows) = seen_well(&trial).await;
    let mut voice = Voice::of(&feed);
    voice.say(&mut feed).await;
    trial.set(&windows[..40], Condition::BootLoop);
    assert!(!voice.say(&mut feed).await.is_empty());
    let items = reading(&mut feed).await.items;
    let told = impact(&items, GUEST);
    assert_eq!((counted(told, Quantity::Affected), counted(told, Quantity::Remaining)), (40, 40));
    let cause = told.suspected_cause.as_ref().unwrap();
    assert_eq!(cause.class.as_deref(), Some("correlated_guest_failure"));
    assert!(told.blocks.iter().all(|block| block.layer == Some(Layer::Guest) && block.os_family() == Some("windows")));
    let regions: Vec<_> = told.blocks.iter().flat_map(|block| block.regions.clone()).collect();
    assert_eq!(regions, ["eastus", "westeurope"]);
    assert_eq!(feed.pause(), Some(CADENCE.incident));

    trial.set(&windows[..40], Condition::Well);
    let items = reading(&mut feed).await.items;
    let told = impact(&items, GUEST);
    assert_eq!((counted(told, Quantity::Restored), counted(told, Quantity::Remaining)), (40, 0));
    assert!(!told.phase.is_open() || told.phase == Phase::Monitoring, "{:?}", told.phase);
    assert_eq!(feed.pause(), Some(CADENCE.quiet));
}

#[tokio::test]
async fn without_an_agent_or_without_trust_in_it_guests_are_unknown_and_never_nought() {
    let trial = Trial::new().await;
    let machines = trial.add(20, Os::Windows, ("eastus", "1"), false);
    let mut feed = trial.vm();
    reading(&mut feed).await;
    trial.set(&machines, Condition::BootLoop);
    for item in reading(&mut feed).await.items {
        assert_eq!(counted(item.impact().unwrap(), Quantity::Affected), 0);
    }

    let mut sightless = Trial::new().await;
    sightless.fleet = Fleet::open(&sightless.folder.path().join("blind"), fleet(false)).unwrap();
    let machines = sightless.add(20, Os::Windows, ("eastus", "1"), true);
    let mut feed = sightless.vm_with(settings::Machines { guest_signal: false, ..settings::Machines::default() });
    sightless.set(&machines, Condition::BootLoop);
    let items = reading(&mut feed).await.items;
    let told = impact(&items, GUEST);
    assert!(told.blocks.iter().all(|block| block.state == BlockState::Unknown));
    assert_eq!(counted(told, Quantity::Unknown), 20);
    assert!(told.counts.iter().all(|count| count.quantity != Quantity::Affected), "{:?}", told.counts);
    assert_eq!(items[0].certainty, Certainty::Unknown);
}

#[tokio::test]
async fn what_fell_silent_is_known_after_a_restart_too() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    drop(feed);
    trial.set(&windows[..2], Condition::BootLoop);
    feed = trial.vm();
    assert_eq!(counted(impact(&reading(&mut feed).await.items, GUEST), Quantity::Affected), 2);
}

#[tokio::test]
async fn what_the_platform_says_of_a_machine_goes_before_its_agent() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    let silent = trial.add(1, Os::Linux, ("eastus", "1"), false)[0];
    let mut resources = trial.resources(false);
    reading(&mut resources).await;
    reading(&mut feed).await;
    trial.set(&[windows[0], silent], Condition::HostDown);
    trial.set(&windows[1..3], Condition::StorageStuck);
    trial.set(&windows[3..4], Condition::Stopped);
    reading(&mut resources).await;
    let items = reading(&mut feed).await.items;
    assert_eq!(counted(impact(&items, "azure.vm:main/platform"), Quantity::Affected), 2);
    assert_eq!(counted(impact(&items, "azure.vm:main/storage"), Quantity::Affected), 2);
    assert_eq!(objects(&items).len(), 2, "a machine that was stopped is none");

    trial.set(&[windows[0], silent, windows[1], windows[2]], Condition::Well);
    // While the platform is not asked again it has not taken its word back.
    reading(&mut feed).await;
    reading(&mut resources).await;
    let items = reading(&mut feed).await.items;
    assert_eq!(counted(impact(&items, "azure.vm:main/platform"), Quantity::Remaining), 0);
    assert_eq!(counted(impact(&items, "azure.vm:main/storage"), Quantity::Remaining), 0);
    let again = reading(&mut feed).await.items;
    assert!(again.iter().all(|item| item.object_id != GUEST), "who never spoke has not fallen silent");
}

#[tokio::test]
async fn who_is_gone_is_counted_no_more_and_who_cannot_be_asked_is_not_gone() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    trial.set(&windows[..5], Condition::BootLoop);
    reading(&mut feed).await;
    trial.faults.keep("virtualMachines", entente_exercise::Fault::Internal);
    failure(&mut feed).await;
    let dark = trial.fleet.impacts(Utc::now()).unwrap();
    assert!(counted(impact(&dark, GUEST), Quantity::Remaining) <= 5);
    assert_ne!(impact(&dark, GUEST).phase, Phase::Resolved);
    trial.faults.lift();
    trial.set(&windows[..2], Condition::Terminated);
    trial.set(&windows[2..5], Condition::Starting);
    let items = reading(&mut feed).await.items;
    assert_eq!(counted(impact(&items, GUEST), Quantity::Remaining), 3, "whoever starts is not well yet");
}

#[tokio::test]
async fn a_machine_that_is_none_costs_only_itself() {
    let trial = Trial::new().await;
    trial.machines.add(1, Os::Linux, ("not a code!", ""), true, Utc::now());
    let fine = trial.add(3, Os::Windows, ("eastus", "1"), true);
    let mut feed = trial.vm();
    let told = reading(&mut feed).await;
    assert_eq!(told.refused.len(), 1, "{:?}", told.refused);
    assert!(secret::found_in(told.refused[0].reason.as_bytes()).is_empty());
    trial.set(&fine, Condition::BootLoop);
    assert_eq!(counted(impact(&reading(&mut feed).await.items, GUEST), Quantity::Affected), 3);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_once_and_counts_as_unknown_where_its_place_is_known() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    trial.set(&windows[..4], Condition::BootLoop);
    assert_eq!(counted(impact(&reading(&mut feed).await.items, GUEST), Quantity::Remaining), 4);
    trial.double.spoil(windows[0], Some(("/properties/instanceView/statuses", json!("none"))));
    trial.double.spoil(windows[1], Some(("/location", json!(null))));
    trial.double.spoil(windows[59], Some(("/location", json!(null))));
    let first = reading(&mut feed).await;
    // What the agents said last moves on from second to second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let second = reading(&mut feed).await;
    let inputs = |told: &Reading| told.refused.iter().map(|refusal| refusal.input.clone()).collect::<BTreeSet<_>>();
    assert_eq!((inputs(&first).len(), inputs(&first)), (3, inputs(&second)));
    assert!(inputs(&first).iter().all(|input| secret::found_in(input).is_empty()));
    let told = impact(&second.items, GUEST);
    assert_eq!((counted(told, Quantity::Unknown), counted(told, Quantity::Restored)), (2, 0), "{:?}", told.counts);
    let remaining = told.counts.iter().find(|count| count.quantity == Quantity::Remaining).unwrap();
    assert_eq!((remaining.lo, remaining.hi), (Some(2), Some(4)));
}

#[tokio::test]
async fn recorded_machines_are_read_as_they_are() {
    for file in ["VMTest.virtual_machine_instance", "VMTest.virtual_machine"] {
        let Some(bytes) = recorded::read(&format!("captures/azure/c7n__{file}.json")) else { return };
        let trial = Trial::new().await;
        let cassette: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        trial.double.replay(&cassette).unwrap();
        let uri = cassette["interactions"][0]["request"]["uri"].as_str().unwrap();
        let subscription = crate::resource::subscription(uri).unwrap().to_owned();
        let named = Subscriptions::new(trial.arm.clone(), &[subscription], Duration::ZERO);
        let trial = Trial { subscriptions: named, ..trial };
        let told = reading(&mut trial.vm()).await;
        assert_eq!((told.refused, told.lacks), (Vec::new(), None));
    }
}

/// Machines are dealt out to the subscriptions by turns.
fn of(subscription: usize, machines: &[usize]) -> Vec<usize> {
    machines.iter().copied().filter(|machine| machine % 2 == subscription).collect()
}

#[tokio::test]
async fn a_machine_that_is_deleted_is_gone_though_another_subscription_is_refused() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    trial.set(&windows[..6], Condition::BootLoop);
    assert_eq!(counted(impact(&reading(&mut feed).await.items, GUEST), Quantity::Remaining), 6);
    trial.double.refuse(&trial.double.subscriptions()[1], true);
    trial.set(&windows[..2], Condition::Terminated);
    let told = reading(&mut feed).await;
    assert_eq!(told.lacks.as_ref().map(|lacks| lacks.error.code.as_str()), Some("forbidden"));
    assert_eq!(counted(impact(&told.items, GUEST), Quantity::Remaining), 5, "that of the other may be there still");
    trial.double.refuse(&trial.double.subscriptions()[1], false);
    let told = reading(&mut feed).await;
    assert_eq!((told.lacks, counted(impact(&told.items, GUEST), Quantity::Remaining)), (None, 4));
}

#[tokio::test]
async fn regions_of_a_subscription_that_is_refused_are_unknown_and_never_empty() {
    let mut trial = Trial::new().await;
    // The subscriptions are looked up: what is not listed any more is not gone for that.
    trial.subscriptions = Subscriptions::new(trial.arm.clone(), &[], Duration::ZERO);
    let mut east = Vec::new();
    for _ in 0..10 {
        east.extend(trial.add(1, Os::Windows, ("eastus", "1"), true));
        trial.add(1, Os::Windows, ("westus", "1"), true);
    }
    assert_eq!(of(0, &east), east, "each subscription has a region of its own");
    let mut feed = trial.vm();
    reading(&mut feed).await;
    trial.set(&(0..20).collect::<Vec<_>>(), Condition::BootLoop);
    reading(&mut feed).await;
    trial.double.refuse(&trial.double.subscriptions()[1], true);
    let told = reading(&mut feed).await;
    assert_eq!(told.lacks.as_ref().map(|lacks| lacks.error.code.as_str()), Some("forbidden"));
    let guest = impact(&told.items, GUEST);
    assert_eq!(guest.counts.iter().filter(|count| count.quantity == Quantity::Remaining).count(), 2);
    let west = guest.blocks.iter().find(|block| block.regions == ["westus"]).unwrap();
    assert_eq!(west.state, BlockState::Unknown);
    assert!(!matches!(guest.phase, Phase::Resolved | Phase::Monitoring));
}

#[tokio::test]
async fn a_guest_that_crashed_is_no_fault_of_the_platform() {
    let trial = Trial::new().await;
    let (mut feed, windows) = seen_well(&trial).await;
    let mute = trial.add(1, Os::Windows, ("eastus", "1"), false)[0];
    let mut resources = trial.resources(false);
    let since = Utc::now() - TimeDelta::minutes(5);
    for machine in [windows[0], mute] {
        let judged = judged("Unavailable", since, "VirtualMachineCrashed", since, "VM Initiated");
        trial.double.judge(machine, Some(judged));
    }
    assert!(reading(&mut resources).await.items.is_empty(), "the platform works");
    let items = reading(&mut feed).await.items;
    assert_eq!(objects(&items), [GUEST]);
    assert_eq!(counted(impact(&items, GUEST), Quantity::Affected), 2, "also of whom no agent tells");
    trial.double.judge(windows[0], None);
    trial.double.judge(mute, None);
    reading(&mut resources).await;
    let items = reading(&mut feed).await.items;
    let told = impact(&items, GUEST);
    assert_eq!(counted(told, Quantity::Restored), 1, "whose agent speaks");
    assert_ne!(told.phase, Phase::Resolved, "of the other nobody says that it works");
}
