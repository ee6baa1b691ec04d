//! What is said of repairs: a disk that is repaired on a rescue machine, restarts, patch jobs.

use std::collections::BTreeMap;

use entente_exercise::gcp::{Group, Job, Operation, Place, Progress};
use entente_exercise::{Condition, Os};
use entente_schemas::family::{RunState, Tally};

use super::*;

const RESCUE: &str = "gcp-rescue-vm";

/// Ten Windows machines in a boot loop, a rescue machine that is well, and the feeds that look at them.
async fn ten() -> (Trial, Feed<compute::Machines>, Feed<operations::Repairs>) {
    let trial = Trial::start(GROUPS).await;
    let machines =
        trial.machines.add(11, Os::Windows, ("us-central1", "us-central1-a"), true, onset() - TimeDelta::days(9));
    let place = Place::Zone("us-central1-a".into());
    trial.gcp.group(PROJECT, Group { name: "g".into(), place, machines, health_check: true });
    trial.machines.set(0..10, &Condition::BootLoop, onset());
    let (mut compute, operations) = (trial.compute(), trial.operations());
    trial.ask(&mut compute).await.unwrap();
    (trial, compute, operations)
}

/// An operation that is done at once.
fn did(trial: &Trial, machine: usize, kind: &str, minute: i64) {
    let user = "ops@acme.example".to_owned();
    let operation = Operation { machine, kind: kind.to_owned(), user, at: after(minute) };
    let number = trial.gcp.operate(PROJECT, operation).unwrap();
    trial.gcp.progress(PROJECT, number, Progress::Done, after(minute));
}

fn tally(items: &[Item], approach: &str) -> Option<(RunState, Tally)> {
    let (_, run) = runs(items).into_iter().find(|(id, _)| id.ends_with(approach))?;
    let mut sum = Tally::default();
    for arm in &run.arms {
        let add = |into: &mut Option<u64>, from: Option<u64>| {
            if let Some(from) = from {
                *into = Some(into.unwrap_or(0) + from);
            }
        };
        add(&mut sum.targeted, arm.tally.targeted);
        add(&mut sum.attempted, arm.tally.attempted);
        add(&mut sum.in_progress, arm.tally.in_progress);
        add(&mut sum.succeeded, arm.tally.succeeded);
        add(&mut sum.failed, arm.tally.failed);
    }
    Some((run.state, sum))
}

fn figures(items: &[Item], approach: &str) -> [Option<u64>; 3] {
    let (_, tally) = tally(items, approach).unwrap();
    [tally.attempted, tally.in_progress.filter(|n| *n > 0), tally.succeeded.filter(|n| *n > 0)]
}

#[tokio::test]
async fn a_rescue_is_attempted_until_the_machine_is_seen_well() {
    let (mut trial, mut compute, mut operations) = ten().await;
    let reading = trial.at(1).ask(&mut operations).await.unwrap();
    assert_eq!(reading.items, [], "nobody repairs yet");
    for machine in 0..4 {
        did(&trial, machine, "stop", 2);
        did(&trial, machine, "detachDisk", 3);
        did(&trial, 10, "attachDisk", 4);
    }
    trial.machines.set(0..4, &Condition::Stopped, after(2));
    trial.at(5).ask(&mut compute).await.unwrap();
    let reading = trial.ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, RESCUE), [Some(4), Some(4), None]);

    for machine in 0..3 {
        did(&trial, 10, "detachDisk", 6);
        did(&trial, machine, "attachDisk", 7);
        did(&trial, machine, "start", 8);
    }
    trial.machines.set(0..3, &Condition::Starting, after(8));
    trial.at(9).ask(&mut compute).await.unwrap();
    let reading = trial.ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, RESCUE)[2], None, "started is not well");

    trial.machines.set(0..2, &Condition::Well, after(10));
    trial.machines.set([2], &Condition::BootLoop, after(10));
    trial.at(11).ask(&mut compute).await.unwrap();
    let reading = trial.ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, RESCUE)[2], Some(2), "{:?}", tally(&reading.items, RESCUE));
    let [(id, run)] = runs(&reading.items).try_into().unwrap();
    assert_eq!((id.as_str(), run.approach_id.as_str()), ("gcp.compute:web/repair/gcp-rescue-vm", "acme:gcp-rescue-vm"));
    let arm = run.arms.iter().find_map(|arm| arm.block.as_ref()).unwrap();
    assert_eq!((arm.regions.as_slice(), arm.os_family()), (&["us-central1".to_owned()][..], Some("windows")));
}

#[tokio::test]
async fn a_step_that_fails_shows_as_failed() {
    let (mut trial, _compute, mut operations) = ten().await;
    did(&trial, 0, "stop", 1);
    did(&trial, 0, "detachDisk", 2);
    let attach = Operation { machine: 0, kind: "attachDisk".into(), user: "ops@acme.example".into(), at: after(3) };
    let number = trial.gcp.operate(PROJECT, attach).unwrap();
    trial.gcp.progress(PROJECT, number, Progress::Failed("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE".into()), after(4));
    let reading = trial.at(5).ask(&mut operations).await.unwrap();
    let (_, tally) = tally(&reading.items, RESCUE).unwrap();
    assert_eq!((tally.attempted, tally.failed), (Some(1), Some(1)), "{tally:?}");
}

#[tokio::test]
async fn a_restart_of_who_is_well_is_no_repair() {
    let (mut trial, _compute, mut operations) = ten().await;
    did(&trial, 10, "reset", 1);
    assert_eq!(trial.at(2).ask(&mut operations).await.unwrap().items, []);
    did(&trial, 0, "reset", 3);
    let reading = trial.at(4).ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, "gcp-restart")[0], Some(1));
}

#[tokio::test]
async fn operations_are_read_page_by_page_back_to_what_is_known() {
    let (mut trial, _compute, mut operations) = ten().await;
    trial.gcp.page_limit(5);
    for machine in 0..10 {
        for (kind, minute) in [("stop", 1), ("detachDisk", 2)] {
            did(&trial, machine, kind, minute);
        }
    }
    let reading = trial.at(5).ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, RESCUE)[0], Some(10));
    let pages = |trial: &Trial| trial.paths().iter().filter(|path| path.contains("/operations?")).count();
    let before = pages(&trial);
    assert_eq!(before, 4);
    for machine in 0..10 {
        did(&trial, machine, "setLabels", 60);
    }
    trial.at(61).ask(&mut operations).await.unwrap();
    let before = pages(&trial);
    trial.at(62).ask(&mut operations).await.unwrap();
    assert_eq!(pages(&trial) - before, 3, "two pages that may have grown, and one that is old");
}

#[tokio::test]
async fn after_a_restart_nothing_is_counted_twice() {
    let (mut trial, _compute, mut operations) = ten().await;
    for (kind, minute) in [("stop", 1), ("detachDisk", 2), ("attachDisk", 3), ("start", 4)] {
        did(&trial, 0, kind, minute);
    }
    let before = trial.at(5).ask(&mut operations).await.unwrap();
    let mut started_again = trial.operations();
    let again = trial.at(6).ask(&mut started_again).await.unwrap();
    assert_eq!(figures(&again.items, RESCUE), figures(&before.items, RESCUE));
}

#[tokio::test]
async fn what_was_told_before_a_restart_is_no_attempt_on_a_later_failure() {
    let (mut trial, mut compute, mut operations) = ten().await;
    let mut jobs = trial.osconfig(&[]);
    for (kind, minute) in [("stop", 1), ("detachDisk", 2), ("attachDisk", 3), ("start", 4)] {
        did(&trial, 0, kind, minute);
    }
    trial.gcp.patch_job(PROJECT, job("fix", "SUCCEEDED", &[(1, "SUCCEEDED")]));
    trial.at(5).ask(&mut operations).await.unwrap();
    trial.ask(&mut jobs).await.unwrap();
    trial.machines.set(0..2, &Condition::Well, after(6));
    trial.at(7).ask(&mut compute).await.unwrap();
    trial.machines.set(0..2, &Condition::BootLoop, after(8));
    trial.at(9).ask(&mut compute).await.unwrap();
    let (mut operations, mut jobs) = (trial.operations(), trial.osconfig(&[]));
    let (told, patched) = (trial.ask(&mut operations).await.unwrap(), trial.ask(&mut jobs).await.unwrap());
    // What stands now is another failure, on which nothing was tried: that it ends is to nobody's credit.
    let again = [told.items, patched.items].map(|items| runs(&items).len());
    assert_eq!(again, [1, 1]);
    trial.machines.set(0..2, &Condition::Well, after(10));
    trial.at(11).ask(&mut compute).await.unwrap();
    let (told, patched) = (trial.ask(&mut operations).await.unwrap(), trial.ask(&mut jobs).await.unwrap());
    for (items, approach) in [(&told.items, RESCUE), (&patched.items, "gcp-patch-job")] {
        assert_eq!(figures(items, approach), [Some(1), None, None], "{approach}");
    }
    did(&trial, 0, "reset", 12);
    trial.machines.set([0], &Condition::BootLoop, after(12));
    trial.at(13).ask(&mut compute).await.unwrap();
    let told = trial.ask(&mut operations).await.unwrap();
    assert_eq!(figures(&told.items, "gcp-restart")[0], Some(1), "what is new is told");
}

#[tokio::test]
async fn until_machines_were_listed_no_zone_is_known() {
    let trial = Trial::start(GROUPS).await;
    let failure = trial.ask(&mut trial.operations()).await.unwrap_err();
    assert_eq!(failure.error.code, "waiting");
}

fn job(name: &str, state: &str, machines: &[(usize, &str)]) -> Job {
    Job {
        name: name.into(),
        display_name: format!("{name}-of-acme"),
        state: state.into(),
        dry_run: name.starts_with("dry"),
        created: after(1),
        updated: after(2),
        machines: machines.iter().map(|(machine, state)| (*machine, (*state).to_owned())).collect::<BTreeMap<_, _>>(),
    }
}

#[tokio::test]
async fn a_patch_job_counts_machines_and_success_waits_for_sight() {
    let (mut trial, mut compute, _) = ten().await;
    let mut jobs = trial.osconfig(&["fix"]);
    let running = [(0, "SUCCEEDED"), (1, "REBOOTING"), (2, "FAILED"), (3, "PENDING"), (10, "SUCCEEDED")];
    trial.gcp.patch_job(PROJECT, job("fix-1", "PATCHING", &running));
    trial.gcp.patch_job(PROJECT, job("monthly", "PATCHING", &[(4, "REBOOTING")]));
    trial.gcp.patch_job(PROJECT, job("dry-fix", "PATCHING", &[(5, "REBOOTING")]));
    trial.gcp.page_limit(2);
    let reading = trial.at(3).ask(&mut jobs).await.unwrap();
    let (state, told) = tally(&reading.items, "gcp-patch-job").unwrap();
    assert_eq!(state, RunState::Running);
    assert_eq!((told.targeted, told.attempted, told.failed), (Some(4), Some(3), Some(1)), "{told:?}");
    assert_eq!(told.succeeded.unwrap_or(0), 0, "a workflow that ended is not a machine that works");

    trial.machines.set([0], &Condition::Well, after(4));
    trial.at(5).ask(&mut compute).await.unwrap();
    trial.gcp.patch_job(PROJECT, job("fix-1", "CANCELED", &running));
    let reading = trial.at(6).ask(&mut jobs).await.unwrap();
    let (_, told) = tally(&reading.items, "gcp-patch-job").unwrap();
    assert_eq!(told.succeeded, Some(1), "{told:?}");

    let calls = trial.paths().len();
    trial.at(7).ask(&mut jobs).await.unwrap();
    let asked = trial.paths();
    let details = asked.iter().skip(calls).filter(|path| path.contains("instanceDetails")).count();
    assert_eq!(details, 0, "a job that has ended is read once more and then no more");
}

#[tokio::test]
async fn each_of_several_jobs_that_ended_before_they_were_seen_is_told() {
    let (mut trial, _compute, _) = ten().await;
    for (name, machine, minute) in [("fix-1", 0, 2), ("fix-2", 1, 4), ("fix-3", 2, 3)] {
        let ended = job(name, "SUCCEEDED", &[(machine, "SUCCEEDED")]);
        trial.gcp.patch_job(PROJECT, Job { updated: after(minute), ..ended });
    }
    let mut jobs = trial.osconfig(&[]);
    let reading = trial.at(5).ask(&mut jobs).await.unwrap();
    assert_eq!(figures(&reading.items, "gcp-patch-job")[0], Some(3), "whichever ended last");
}

#[tokio::test]
async fn what_a_zone_tells_late_is_told_though_another_told_later_things() {
    let (mut trial, mut compute, mut operations) = ten().await;
    let place = ("europe-west4", "europe-west4-b");
    let machines = trial.machines.add(1, Os::Windows, place, true, onset() - TimeDelta::days(9));
    let place = Place::Zone(place.1.into());
    trial.gcp.group(PROJECT, Group { name: "h".into(), place, machines: machines.clone(), health_check: true });
    trial.machines.set(machines.clone(), &Condition::BootLoop, onset());
    trial.at(1).ask(&mut compute).await.unwrap();
    trial.at(2).ask(&mut operations).await.unwrap();
    did(&trial, machines[0], "reset", 3);
    did(&trial, 0, "reset", 4);
    trial.gcp.faults().keep("/zones/europe-west4-b/operations", entente_exercise::Fault::Expired);
    let reading = trial.at(5).ask(&mut operations).await.unwrap();
    assert!(reading.lacks.is_some());
    assert_eq!(figures(&reading.items, "gcp-restart")[0], Some(1));
    trial.gcp.faults().lift();
    let reading = trial.at(6).ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, "gcp-restart")[0], Some(2));
    // Long after, what is still listed is not told of the next failure.
    trial.at(49 * 60).ask(&mut operations).await.unwrap();
    trial.machines.set([0], &Condition::Well, after(49 * 60));
    trial.at(49 * 60 + 1).ask(&mut compute).await.unwrap();
    trial.machines.set([0], &Condition::BootLoop, after(49 * 60 + 2));
    trial.at(49 * 60 + 3).ask(&mut compute).await.unwrap();
    let reading = trial.at(49 * 60 + 4).ask(&mut operations).await.unwrap();
    assert_eq!(figures(&reading.items, "gcp-restart")[0], Some(2));
}
