//! How an incident ends: what was seen well is restored, what was removed is not, and no repair makes it worse.

use entente_schemas::block::{BlockState, Severity};
use entente_schemas::count::Quantity;
use entente_schemas::family::Phase;
use entente_schemas::header::Certainty;
use entente_sidecar::fleet::{Hint, Progress, Seen};

use crate::stage::*;

#[test]
fn who_was_removed_before_it_was_seen_well_is_not_restored() {
    let mut stage = Stage::aws();
    stage.see_all(0..12, Seen::Well);
    stage.see_all(0..5, DOWN);
    stage.see("far", "eu-west-1", DOWN);
    stage.repair_all(0..5, "aws-restart", Progress::Failed);
    stage.items();
    stage.see_all(0..5, Seen::Gone);
    stage.see("far", "eu-west-1", Seen::Well);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    let states: Vec<BlockState> = hit.blocks.iter().map(|block| block.state).collect();
    assert_eq!(states, [BlockState::Restored, BlockState::Unknown]);
    assert_eq!((exact(hit, Quantity::Restored), exact(hit, Quantity::Remaining)), (Some(1), Some(0)));
    let arms = &run(&items, "aws-restart").arms;
    assert!(arms.iter().all(|arm| arm.block.as_ref().unwrap().state == BlockState::Unknown), "{arms:?}");
    let told = hit.symptoms.iter().any(|symptom| symptom == "was removed before it was seen well again: 5 vm");
    assert!(told, "{:?}", hit.symptoms);
}

#[test]
fn who_is_restored_and_cannot_be_seen_any_more_may_be_affected_again() {
    let mut stage = Stage::aws();
    stage.see_all(0..15, Seen::Well);
    stage.see_all(0..10, DOWN);
    stage.see_all(0..10, Seen::Well);
    stage.see_all(0..4, Seen::Unknown);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((between(hit, Quantity::Remaining), between(hit, Quantity::Restored)), ((0, 4), (10, 10)));
    assert_eq!((exact(hit, Quantity::Affected), hit.blocks[0].state), (Some(10), BlockState::Restored));
    stage.see_all(4..10, Seen::Unknown);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((between(hit, Quantity::Remaining), exact(hit, Quantity::Restored)), ((0, 10), Some(10)));
    assert_eq!((hit.blocks[0].state, items[0].certainty), (BlockState::Unknown, Certainty::Unknown));
}

#[test]
fn in_the_dark_no_more_can_be_affected_than_there_are_and_were() {
    let mut stage = Stage::aws();
    stage.see_all(0..15, Seen::Well);
    stage.see_all(0..10, DOWN);
    stage.see_all(0..10, Seen::Well);
    stage.items();
    stage.fleet.unseen("us-east-1", stage.now);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!(between(hit, Quantity::Affected), (10, 15));
    assert_eq!((between(hit, Quantity::Remaining), between(hit, Quantity::Restored)), ((0, 15), (0, 10)));
    // Two of them go, one fails again, one is out of sight already: fifteen remain the most.
    stage.fleet.reached("us-east-1", &[], stage.now);
    stage.see_all(0..2, Seen::Gone);
    stage.see_all(2..3, DOWN);
    stage.see_all(3..4, Seen::Unknown);
    stage.fleet.unseen("us-east-1", stage.now);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!(between(hit, Quantity::Affected), (10, 15));
    assert_eq!((between(hit, Quantity::Remaining), between(hit, Quantity::Restored)), ((0, 13), (2, 10)));
}

#[test]
fn no_repair_and_no_removal_makes_it_worse() {
    let mut stage = Stage::aws();
    stage.see_all(0..50, Seen::Well);
    stage.see_all(0..24, Seen::Affected(Hint::GuestAgentLost));
    let severity = |stage: &mut Stage| impact(&stage.later(), "/guest").severity;
    assert_eq!(severity(&mut stage), Severity::Major);
    stage.see_all(0..2, Seen::Gone);
    assert_eq!(severity(&mut stage), Severity::Major);
    for healed in [3, 22, 23, 24] {
        stage.see_all(2..healed, Seen::Well);
        assert_eq!(severity(&mut stage), Severity::Major, "{healed} healed");
    }
    stage.see_all(24..45, Seen::Gone);
    stage.kill();
    stage.now += stage.profile.rules.watch;
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((hit.phase, hit.severity), (Phase::Resolved, Severity::Major));
    // More of them at once is worse.
    stage.see_all(0..29, Seen::Affected(Hint::GuestAgentLost));
    assert_eq!(severity(&mut stage), Severity::Critical);
}

#[test]
fn nobody_s_hosts_are_called_in_order_who_was_only_said_not_to_work() {
    let mut stage = Stage::aws();
    stage.see_all(0..60, Seen::Affected(Hint::Unstated));
    let told = |stage: &mut Stage| {
        let hit = impact(&stage.later(), "/guest").clone();
        assert_eq!(hit.suspected_cause.unwrap().class.as_deref(), Some("correlated_guest_failure"));
        hit.symptoms.iter().any(|symptom| symptom.contains("host"))
    };
    assert!(!told(&mut stage));
    stage.see_all(60..61, DOWN);
    assert!(told(&mut stage));
}
