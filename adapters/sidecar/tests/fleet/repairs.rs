//! Repairs: attempted until seen well, credited to what was tried, and never falling.

use entente_schemas::family::{ApproachKind, Automation, Body, Phase, RunState};
use entente_schemas::header::RefKind;
use entente_sidecar::fleet::{FleetError, Hint, Os, Progress, Repair, Seen};

use crate::stage::*;

const RESCUE: &str = "aws-ssm-start-ec2-rescue";

#[test]
fn a_workflow_that_succeeds_is_attempted_until_the_machine_is_seen_well() {
    let mut stage = Stage::aws();
    stage.see_all(0..10, DOWN);
    stage.repair_all(0..8, RESCUE, Progress::Targeted);
    let items = stage.later();
    assert_eq!(ids(&items), ["aws.ec2:main/guest", "aws.ec2:main/repair/aws-ssm-start-ec2-rescue"]);
    assert_eq!((tally(run(&items, RESCUE)), run(&items, RESCUE).state), ([8, 0, 0, 0, 0], RunState::Running));
    assert_eq!(impact(&items, "/guest").phase, Phase::Investigating);
    stage.repair_all(0..6, RESCUE, Progress::Running);
    let items = stage.later();
    assert_eq!(tally(run(&items, RESCUE)), [8, 6, 6, 0, 0]);
    assert_eq!(impact(&items, "/guest").phase, Phase::Mitigating);
    stage.repair_all(0..4, RESCUE, Progress::Ended);
    stage.repair_all(4..6, RESCUE, Progress::Failed);
    stage.repair_all(6..8, RESCUE, Progress::Cancelled);
    let items = stage.later();
    assert_eq!((tally(run(&items, RESCUE)), run(&items, RESCUE).state), ([8, 6, 0, 0, 2], RunState::Running));
    assert_eq!(run(&items, RESCUE).arms[0].tally.cancelled, Some(2));
    stage.see_all(0..3, Seen::Well);
    assert_eq!(tally(run(&stage.later(), RESCUE)), [8, 6, 0, 3, 2]);
    // Told again, by a poll that knows no better: nothing changes.
    let before = stage.items();
    stage.repair_all(0..4, RESCUE, Progress::Ended);
    stage.repair_all(4..6, RESCUE, Progress::Failed);
    stage.repair_all(0..8, RESCUE, Progress::Targeted);
    assert_eq!(stage.later()[1].native.digest, before[1].native.digest);
    // One that failed works after all, with no help of it; one relapses; the last is tried again and works.
    stage.see_all(4..5, Seen::Well);
    stage.see_all(0..1, DOWN);
    stage.see_all(3..4, Seen::Well);
    stage.repair_all(5..6, RESCUE, Progress::Running);
    assert_eq!(tally(run(&stage.later(), RESCUE)), [8, 6, 1, 3, 0]);
    stage.see_all(0..10, Seen::Well);
    let items = stage.later();
    assert_eq!((tally(run(&items, RESCUE)), run(&items, RESCUE).state), ([8, 6, 0, 4, 0], RunState::Done));
}

#[test]
fn the_approach_goes_along_and_both_lead_to_the_impact() {
    let mut stage = Stage::aws();
    stage.see_all(0..2, DOWN);
    stage.see_all(2..3, Seen::Affected(Hint::ProviderHost));
    stage.repair_all(0..3, "aws-restart", Progress::Running);
    stage.repair_all(0..1, "a-neighbours-own-way", Progress::Running);
    let items = stage.later();
    assert_eq!(
        ids(&items)[2..],
        [
            "aws.ec2:main/repair/a-neighbours-own-way",
            "aws.ec2:main/repair/aws-restart",
            "aws.ec2:main/repair/aws-restart/platform",
        ]
    );
    for (end, refs, kind, automation) in [
        ("own-way", &["aws.ec2:main/guest"][..], ApproachKind::Other, Automation::Scripted),
        ("aws-restart", &["aws.ec2:main/guest"], ApproachKind::SelfRecoveryReboot, Automation::Manual),
        ("restart/platform", &["aws.ec2:main/platform"], ApproachKind::SelfRecoveryReboot, Automation::Manual),
    ] {
        let item = item(&items, end);
        let to: Vec<&str> = item.refs.iter().map(|to| to.value.as_str()).collect();
        assert_eq!(to, refs);
        let [statement] = item.also.as_slice() else { panic!("{end}") };
        let Body::Approach(approach) = &statement.body else { panic!("{end}") };
        assert_eq!((approach.kind, approach.automation), (kind, automation));
        assert_eq!(run(&items, end).approach_id, statement.object_id);
        assert!(statement.refs.iter().all(|to| to.kind == RefKind::Incident) && statement.refs.len() >= refs.len());
        assert_eq!(
            (approach.applies_to.as_slice(), statement.object_id.split_once(':').unwrap().0),
            (&["aws".to_owned()][..], "acme")
        );
    }
    assert_eq!(stage.fleet.runs("aws.ec2", stage.now).unwrap().len(), 3);
    assert_eq!(stage.fleet.impacts(stage.now).unwrap().len(), 2);
}

#[test]
fn how_long_a_repair_takes_is_counted_from_the_beginning_of_the_failure_also_over_a_kill() {
    let mut stage = Stage::aws();
    stage.see_all(0..10, DOWN);
    stage.repair_all(0..10, RESCUE, Progress::Ended);
    let ttr = |items: &[entente_sidecar::item::Item]| {
        run(items, RESCUE).ttr.as_ref().map(|ttr| (ttr.p50_s.unwrap(), ttr.p90_s.unwrap(), ttr.n))
    };
    assert_eq!(ttr(&stage.items()), None);
    stage.now = minute(12);
    stage.see_all(0..6, Seen::Well);
    stage.items();
    stage.kill();
    stage.now = minute(25);
    stage.see_all(6..9, Seen::Well);
    // Over regions together: this one is one run.
    stage.see("far", "eu-west-1", DOWN);
    stage.repair("far", RESCUE, Progress::Running);
    stage.now = minute(85);
    stage.see("far", "eu-west-1", Seen::Well);
    assert_eq!(ttr(&stage.later()), Some((12 * 60, 25 * 60, 10)));
    // A relapse takes a machine out until it is back, and then counts for itself.
    stage.see_all(0..9, DOWN);
    assert_eq!(ttr(&stage.later()), Some((61 * 60, 61 * 60, 1)));
    // Whose machine comes back without it is none of its.
    stage.now = minute(90);
    stage.see_all(0..9, Seen::Well);
    assert_eq!(ttr(&stage.later()), Some((61 * 60, 61 * 60, 1)));
}

#[test]
fn credit_goes_to_what_was_tried_last_and_to_what_is_named() {
    let mut stage = Stage::aws();
    stage.see_all(0..5, DOWN);
    stage.repair_all(0..4, "aws-restart", Progress::Ended);
    stage.repair_all(1..2, RESCUE, Progress::Running);
    stage.repair_all(2..3, RESCUE, Progress::Targeted);
    stage.see_all(0..3, Seen::Well);
    stage.see_all(3..4, Seen::Restored { by: Some("backup") });
    stage.see_all(4..5, Seen::Restored { by: None });
    let items = stage.later();
    assert_eq!(tally(run(&items, "aws-restart")), [4, 4, 0, 2, 0]);
    assert_eq!(tally(run(&items, RESCUE)), [2, 1, 0, 1, 0]);
    assert_eq!(tally(run(&items, "backup")), [1, 1, 0, 1, 0]);
}

#[test]
fn arms_are_by_place_and_never_fall_nor_after_a_kill() {
    let mut stage = Stage::aws();
    for (number, region) in ["us-east-1", "eu-west-1"].into_iter().cycle().take(20).enumerate() {
        stage.see_as(&device(number), (region, None), Os::Unknown, DOWN);
    }
    stage.repair_all(0..10, RESCUE, Progress::Ended);
    let items = stage.later();
    let arms = |items: &[entente_sidecar::item::Item]| -> Vec<(String, Option<String>, u64)> {
        let arms = run(items, RESCUE).arms.iter().map(|arm| {
            let block = arm.block.as_ref().unwrap();
            assert_eq!(arm.device_class.as_deref(), Some("cloud_vm"));
            (block.regions[0].clone(), block.os_family().map(str::to_owned), arm.tally.attempted.unwrap())
        });
        arms.collect()
    };
    assert_eq!(arms(&items), [("eu-west-1".into(), None, 5), ("us-east-1".into(), None, 5)]);
    // Now it is known what they run, and two are somewhere else: what was said of the arms stands.
    for number in 0..10 {
        let region = if number % 2 == 0 || number < 5 { "us-east-1" } else { "eu-west-1" };
        stage.see(&device(number), region, DOWN);
    }
    stage.kill();
    for number in 0..10 {
        let region = if number % 2 == 0 || number < 5 { "us-east-1" } else { "eu-west-1" };
        stage.see(&device(number), region, Seen::Well);
    }
    stage.kill();
    let before = arms(&items);
    let after = arms(&stage.later());
    for (region, os, attempted) in before {
        assert!(after.iter().any(|arm| arm.0 == region && arm.1 == os && arm.2 >= attempted), "{after:?}");
    }
}

#[test]
fn a_repair_that_is_told_before_the_machine_is_seen_counts_once_it_is() {
    let mut stage = Stage::aws();
    stage.repair_all(0..2, RESCUE, Progress::Running);
    assert_eq!(ids(&stage.later()), [""; 0]);
    stage.see_all(0..3, DOWN);
    assert_eq!(tally(run(&stage.later(), RESCUE)), [2, 2, 2, 0, 0]);
    assert_eq!(run(&stage.items(), RESCUE).arms.len(), 1);
}

#[test]
fn work_on_machines_that_are_well_is_no_repair() {
    let mut stage = Stage::aws();
    stage.see_all(0..10, Seen::Well);
    stage.repair_all(0..10, "gcp-patch-job", Progress::Ended);
    stage.see_all(0..1, DOWN);
    assert_eq!(ids(&stage.later()), ["aws.ec2:main/guest"]);
}

#[test]
fn what_was_tried_in_an_earlier_incident_is_none_of_the_next() {
    let mut stage = Stage::aws();
    stage.see_all(0..4, DOWN);
    stage.repair_all(0..4, RESCUE, Progress::Ended);
    stage.see_all(0..4, Seen::Well);
    stage.later();
    stage.now = minute(60);
    stage.items();
    stage.now = minute(3_000);
    stage.see_all(0..6, DOWN);
    stage.repair_all(0..1, RESCUE, Progress::Running);
    let items = stage.items();
    assert_eq!(ids(&items), ["aws.ec2:main/guest/2", "aws.ec2:main/repair/aws-ssm-start-ec2-rescue/2"]);
    assert_eq!(tally(run(&items, "rescue/2")), [1, 1, 1, 0, 0]);
    assert_eq!(items[1].refs[0].value, "aws.ec2:main/guest/2");
}

#[test]
fn where_nothing_can_be_seen_repairs_rise_and_success_is_no_figure_until_somebody_saw_it() {
    let mut stage = Stage::new(profile("gcp", false));
    (0..9).for_each(|number| stage.see(&device(number), "europe-west1", Seen::Unknown));
    stage.repair_all(0..5, "gcp-rescue-vm", Progress::Running);
    stage.repair_all(0..3, "gcp-rescue-vm", Progress::Ended);
    let items = stage.later();
    let rescue = run(&items, "gcp-rescue-vm");
    assert_eq!((tally(rescue), rescue.arms[0].tally.succeeded), ([5, 5, 2, 0, 0], None));
    stage.see(&device(0), "europe-west1", Seen::Restored { by: Some("gcp-rescue-vm") });
    let items = stage.later();
    assert_eq!(run(&items, "gcp-rescue-vm").arms[0].tally.succeeded, Some(1));
}

#[test]
fn a_slug_that_is_none_is_refused_and_nothing_is_noted() {
    let mut stage = Stage::aws();
    stage.see_all(0..1, DOWN);
    let long = "x".repeat(61);
    for approach in ["", "With Space", "arn:aws:ssm:us-east-1:123456789012:x", "é", &long] {
        let repair = Repair { device: &device(0), approach, progress: Progress::Running, observed: stage.now };
        assert!(matches!(stage.fleet.repair(repair), Err(FleetError::Approach(_))), "{approach}");
    }
    assert_eq!(ids(&stage.later()), ["aws.ec2:main/guest"]);
}
