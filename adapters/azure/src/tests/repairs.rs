//! Repairs by their traces: a machine with a tag, a script on it, a disk that is swapped.

use entente_exercise::azure::{Repair, Run};
use entente_schemas::family::Tally;

use super::*;

const VM_REPAIR: &str = "azure.vm:main/repair/azure-vm-repair";
const SCRIPT: &str = "azure.vm:main/repair/azure-run-command";

/// Twenty machines that boot over and over, and were seen well before.
async fn broken(trial: &Trial) -> (Asking<Machines>, Vec<usize>) {
    let machines = trial.add(20, Os::Windows, ("eastus", "1"), true);
    let mut feed = trial.vm();
    reading(&mut feed).await;
    trial.set(&machines, Condition::BootLoop);
    reading(&mut feed).await;
    (feed, machines)
}

fn repair(machine: bool, run: Option<&str>, swapped: bool) -> Option<Repair> {
    let run = run.map(|state| Run { state: state.to_owned(), start: Utc::now(), end: None });
    Some(Repair { machine, run, swapped })
}

fn tally(items: &[Item], object: &str) -> Tally {
    run(items, object).arms[0].tally.clone()
}

#[tokio::test]
async fn a_repair_counts_as_success_only_once_its_machine_is_seen_well() {
    let trial = Trial::new().await;
    let (mut machines, broken) = broken(&trial).await;
    let mut feed = trial.repairs();
    let mut voice = Voice::of(&feed);
    for machine in &broken[..6] {
        trial.double.repair(*machine, repair(true, Some("Running"), false));
    }
    assert!(!voice.say(&mut feed).await.is_empty());
    let items = reading(&mut feed).await.items;
    let told = tally(&items, VM_REPAIR);
    assert_eq!((told.targeted, told.attempted, told.succeeded.unwrap_or(0)), (Some(6), Some(6), 0));
    // What runs now is the script.
    assert_eq!(tally(&items, SCRIPT).in_progress, Some(6));
    assert_eq!(feed.pause(), Some(CADENCE.incident));

    for machine in &broken[..4] {
        trial.double.repair(*machine, repair(true, Some("Succeeded"), true));
    }
    trial.double.repair(broken[4], repair(true, Some("Failed"), false));
    let items = reading(&mut feed).await.items;
    let told = tally(&items, VM_REPAIR);
    assert_eq!((told.attempted, told.succeeded.unwrap_or(0)), (Some(6), 0), "{told:?}");
    let scripts = tally(&items, SCRIPT);
    assert_eq!((scripts.attempted, scripts.failed), (Some(6), Some(1)), "{scripts:?}");

    trial.set(&broken[..3], Condition::Well);
    reading(&mut machines).await;
    let items = reading(&mut feed).await.items;
    assert_eq!(tally(&items, VM_REPAIR).succeeded, Some(3));
    voice.say(&mut feed).await;
}

#[tokio::test]
async fn a_swap_that_nobody_saw_is_noticed_after_a_restart() {
    let trial = Trial::new().await;
    let (mut machines, broken) = broken(&trial).await;
    trial.double.repair(broken[0], repair(true, None, false));
    let mut feed = trial.repairs();
    reading(&mut feed).await;
    drop(feed);
    trial.double.repair(broken[0], repair(false, None, true));
    let mut feed = trial.repairs();
    reading(&mut feed).await;
    assert_eq!(feed.pause(), Some(CADENCE.quiet), "it is over");
    trial.set(&broken[..1], Condition::Well);
    reading(&mut machines).await;
    assert_eq!(tally(&reading(&mut feed).await.items, VM_REPAIR).succeeded, Some(1));
}

#[tokio::test]
async fn a_machine_that_is_gone_is_not_found() {
    let trial = Trial::new().await;
    let (_, broken) = broken(&trial).await;
    let mut feed = trial.repairs();
    trial.double.repair(broken[0], repair(true, None, false));
    reading(&mut feed).await;
    trial.set(&broken[..1], Condition::Terminated);
    let items = reading(&mut feed).await.items;
    assert_eq!(tally(&items, VM_REPAIR).not_found, Some(1), "{:?}", run(&items, VM_REPAIR));
}

#[tokio::test]
async fn repairs_in_a_subscription_that_is_left_out_go_on() {
    let trial = Trial::new().await;
    let (_, broken) = broken(&trial).await;
    let mut feed = trial.repairs();
    for machine in &broken[..4] {
        trial.double.repair(*machine, repair(true, None, false));
    }
    reading(&mut feed).await;
    trial.double.refuse(&trial.double.subscriptions()[1], true);
    let told = reading(&mut feed).await;
    let (left, lacks) = (tally(&told.items, VM_REPAIR), told.lacks.unwrap());
    assert_eq!((left.in_progress, left.not_found.unwrap_or(0)), (Some(4), 0), "{left:?}");
    assert_eq!(lacks.error.code, "forbidden");
    trial.double.refuse(&trial.double.subscriptions()[1], false);
    for machine in &broken[..4] {
        trial.double.repair(*machine, repair(true, None, true));
    }
    assert_eq!(reading(&mut feed).await.lacks, None);
    assert_eq!(feed.pause(), Some(CADENCE.quiet), "all are over");
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_ends_no_repair() {
    let trial = Trial::new().await;
    let (_, broken) = broken(&trial).await;
    let mut feed = trial.repairs();
    trial.double.repair(broken[0], repair(true, None, false));
    reading(&mut feed).await;
    trial.double.spoil(broken[0], Some(("/properties/storageProfile/osDisk/name", serde_json::Value::Null)));
    let told = reading(&mut feed).await;
    assert_eq!((told.refused.len(), tally(&told.items, VM_REPAIR).in_progress), (1, Some(1)));
    trial.double.spoil(broken[0], None);
    assert!(reading(&mut feed).await.refused.is_empty());
    assert_eq!(feed.pause(), Some(CADENCE.incident), "it goes on");
}

#[tokio::test]
async fn a_repairer_that_resource_graph_still_knows_is_no_trouble() {
    let trial = Trial::new().await;
    let (_, broken) = broken(&trial).await;
    let mut feed = trial.repairs();
    trial.double.repair(broken[0], repair(true, Some("Running"), false));
    reading(&mut feed).await;
    trial.double.lag(broken[0]);
    let told = reading(&mut feed).await;
    assert_eq!(told.lacks, None);
    assert_eq!(tally(&told.items, SCRIPT).attempted, Some(1));
}

#[tokio::test]
async fn no_kept_file_holds_an_id() {
    let trial = Trial::new().await;
    let (_, broken) = broken(&trial).await;
    trial.set(&broken[1..3], Condition::HostDown);
    reading(&mut trial.resources(false)).await;
    trial.double.repair(broken[0], repair(true, None, false));
    reading(&mut trial.repairs()).await;
    for file in ["repairs.json", "availability.json"] {
        let kept = std::fs::read(trial.folder.path().join(file)).unwrap();
        assert_eq!(secret::found_in(&kept), Vec::<String>::new(), "{file}");
    }
}
