//! What cannot be seen: it is unknown, never absent, never nought.

use entente_schemas::block::{BlockState, Severity};
use entente_schemas::count::Quantity;
use entente_schemas::family::Phase;
use entente_schemas::header::Certainty;
use entente_sidecar::fleet::{Hint, Os, Progress, Seen};

use crate::stage::*;

#[test]
fn without_a_signal_from_inside_guests_are_unknown_and_never_nought() {
    let mut stage = Stage::new(profile("gcp", false));
    (0..30).for_each(|number| stage.see(&device(number), "europe-west1", Seen::Unknown));
    (30..50).for_each(|number| stage.see_as(&device(number), ("us-east1", None), Os::Linux, Seen::Unknown));
    let items = stage.items();
    assert_eq!(ids(&items), ["gcp.compute:main/guest"]);
    let unknown = impact(&items, "/guest");
    assert_eq!(
        (unknown.phase, unknown.severity, items[0].certainty),
        (Phase::Suspected, Severity::NotStated, Certainty::Unknown)
    );
    assert_eq!((items[0].times.occurred_at, items[0].times.occurred_end), (None, None));
    assert!(unknown.blocks.iter().all(|block| block.state == BlockState::Unknown) && unknown.blocks.len() == 2);
    assert!(unknown.counts.iter().all(|count| count.quantity == Quantity::Unknown));
    assert_eq!(exact(unknown, Quantity::Unknown), Some(50));
    assert_eq!(unknown.suspected_cause, None);
    // Nothing seen is nothing new, for as long as it lasts.
    stage.now = minute(3_000);
    (0..30).for_each(|number| stage.see(&device(number), "europe-west1", Seen::Unknown));
    assert_eq!(stage.items()[0].native.digest, items[0].native.digest);
    // One says affected: at least one is, at most all.
    stage.see(&device(0), "europe-west1", Seen::Affected(Hint::Unstated));
    (0..30).for_each(|number| stage.see(&device(number), "europe-west1", Seen::Unknown));
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((hit.phase, items[0].certainty), (Phase::Investigating, Certainty::Observed));
    assert_eq!((between(hit, Quantity::Affected), exact(hit, Quantity::Affected)), ((1, 30), None));
    assert_eq!(between(hit, Quantity::Remaining), (1, 30));
    assert_eq!((exact(hit, Quantity::Unknown), exact(hit, Quantity::Restored)), (Some(49), None));
    let states: Vec<BlockState> = hit.blocks.iter().map(|block| block.state).collect();
    assert_eq!(states, [BlockState::AffectedPartial, BlockState::Unknown]);
    // And well again: nobody can say that nothing remains.
    stage.see(&device(0), "europe-west1", Seen::Well);
    stage.now = minute(6_000);
    let items = stage.items();
    let hit = impact(&items, "/guest");
    assert!(hit.phase.is_open() && items[0].times.occurred_end.is_none());
    assert_eq!((between(hit, Quantity::Remaining), exact(hit, Quantity::Restored)), ((0, 29), Some(1)));
}

#[test]
fn hosts_can_be_seen_where_guests_cannot() {
    let stage = Stage::new(profile("gcp", false));
    (0..5).for_each(|number| stage.see(&device(number), "r", Seen::Unknown));
    (0..2).for_each(|number| stage.see(&device(number), "r", Seen::Affected(Hint::ProviderHost)));
    let items = stage.items();
    assert_eq!(ids(&items), ["gcp.compute:main/guest", "gcp.compute:main/platform"]);
    assert_eq!(exact(impact(&items, "/guest"), Quantity::Unknown), Some(3));
    let hosts = impact(&items, "/platform");
    assert_eq!((exact(hosts, Quantity::Affected), exact(hosts, Quantity::Remaining)), (Some(2), Some(2)));
    let populations: std::collections::BTreeSet<_> =
        items.iter().flat_map(|item| &item.impact().unwrap().counts).map(|count| &count.population).collect();
    assert_eq!(populations.len(), 2);
}

#[test]
fn that_nothing_can_be_seen_is_taken_back_once_something_can() {
    let mut stage = Stage::new(profile("azure", false));
    stage.see("a", "westeurope", Seen::Unknown);
    assert_eq!(impact(&stage.items(), "/guest").phase, Phase::Suspected);
    stage.profile.guest_signal = true;
    stage.restart();
    stage.see("a", "westeurope", Seen::Well);
    let items = stage.later();
    assert_eq!((impact(&items, "/guest").phase, impact(&items, "/guest").counts.len()), (Phase::Resolved, 0));
    stage.see("a", "westeurope", Seen::Affected(Hint::GuestAgentLost));
    let items = stage.later();
    assert_eq!(impact(&items, "/guest").phase, Phase::Investigating);
    assert_eq!(impact(&items, "/guest").blocks[0].state, BlockState::AffectedDegraded);
}

#[test]
fn a_region_that_cannot_be_asked_is_unknown_until_it_can() {
    let mut stage = Stage::aws();
    for region in ["eu-west-1", "us-east-1", "us-west-2"] {
        (0..10).for_each(|number| stage.see(&format!("{region}-{number}"), region, Seen::Well));
    }
    (0..4).for_each(|number| stage.see(&format!("eu-west-1-{number}"), "eu-west-1", DOWN));
    (0..2).for_each(|number| stage.see(&format!("us-west-2-{number}"), "us-west-2", DOWN));
    let seen = stage.items();
    assert_eq!(exact(impact(&seen, "/guest"), Quantity::Remaining), Some(6));
    stage.fleet.unseen("eu-west-1", stage.now);
    stage.fleet.unseen("us-east-1", stage.now);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    let states: Vec<BlockState> = hit.blocks.iter().map(|block| block.state).collect();
    assert_eq!(states, [BlockState::Unknown, BlockState::Unknown, BlockState::AffectedPartial]);
    assert_eq!((between(hit, Quantity::Affected), between(hit, Quantity::Remaining)), ((6, 12), (2, 12)));
    assert_eq!(exact(hit, Quantity::Unknown), Some(20));
    assert!(stage.fleet.is_hit());
    stage.fleet.unseen("us-west-2", stage.now);
    let items = stage.later();
    assert_eq!((items[0].certainty, items[0].impact().unwrap().phase), (Certainty::Unknown, Phase::Monitoring));
    assert_eq!(items[0].times.occurred_end, None);
    for region in ["eu-west-1", "us-east-1", "us-west-2"] {
        stage.fleet.reached(region, &[], stage.now);
    }
    assert_eq!(stage.later()[0].native.digest, seen[0].native.digest);
}

#[test]
fn a_whole_listing_shows_who_is_gone_and_a_broken_one_nobody() {
    let mut stage = Stage::aws();
    stage.see_all(0..10, DOWN);
    (0..5).for_each(|number| stage.see(&format!("far-{number}"), "eu-west-1", DOWN));
    stage.items();
    // Not whole: the next begins anew.
    stage.fleet.sweep("us-east-1");
    stage.see_all(0..2, DOWN);
    stage.fleet.sweep("us-east-1");
    stage.see_all(2..8, DOWN);
    stage.see_all(8..9, Seen::Stopped);
    // Out of sight or not, who has no word is not gone yet.
    assert_eq!(exact(impact(&stage.later(), "/guest"), Quantity::Remaining), Some(15));
    assert_eq!(stage.fleet.swept("us-east-1", &[], stage.now).unwrap(), 3);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((exact(hit, Quantity::Affected), exact(hit, Quantity::Remaining)), (Some(15), Some(12)));
    assert!(hit.symptoms.iter().any(|symptom| symptom.contains("removed") && symptom.contains(": 3 vm")));
    // A listing that was never begun ends nothing.
    assert_eq!(stage.fleet.swept("us-east-1", &[], stage.now).unwrap(), 0);
    stage.fleet.sweep("us-east-1");
    stage.fleet.unseen("us-east-1", stage.now);
    assert_eq!(stage.fleet.swept("us-east-1", &[], stage.now).unwrap(), 0);
    // Zones that could not be asked are left alone.
    stage.fleet.sweep("us-east-1");
    assert_eq!(stage.fleet.swept("us-east-1", &["us-east-1a"], stage.now).unwrap(), 3);
    let items = stage.later();
    assert_eq!(between(impact(&items, "/guest"), Quantity::Remaining), (5, 9));
}

#[test]
fn the_incident_ends_when_the_last_machine_is_gone() {
    let mut stage = Stage::aws();
    stage.see_all(0..3, DOWN);
    stage.items();
    stage.fleet.sweep("us-east-1");
    stage.now = minute(5);
    stage.fleet.swept("us-east-1", &[], stage.now).unwrap();
    stage.now = minute(20);
    let items = stage.items();
    assert_eq!((items[0].impact().unwrap().phase, items[0].times.occurred_end), (Phase::Resolved, Some(minute(5))));
    assert_eq!(items[0].impact().unwrap().outcome, None);
}

#[test]
fn who_is_stopped_or_starts_counts_only_if_it_was_affected_and_then_until_it_is_well() {
    let mut stage = Stage::aws();
    stage.see_all(0..3, Seen::Well);
    stage.see_all(0..2, DOWN);
    stage.see_all(0..3, Seen::Stopped);
    stage.see("never", "us-east-1", Seen::Stopped);
    let remaining = |stage: &mut Stage| exact(impact(&stage.later(), "/guest"), Quantity::Remaining);
    assert_eq!(remaining(&mut stage), Some(2));
    stage.see_all(0..2, Seen::Starting);
    assert_eq!(remaining(&mut stage), Some(2));
    stage.see_all(0..1, Seen::Well);
    assert_eq!(remaining(&mut stage), Some(1));
    // A lost sign is not a good one.
    stage.see_all(1..2, Seen::Unknown);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((between(hit, Quantity::Remaining), exact(hit, Quantity::Affected)), ((0, 1), Some(2)));
    assert_eq!((hit.phase, items[0].times.occurred_end), (Phase::Monitoring, None));
    stage.repair(&device(1), "reboot", Progress::Ended);
    stage.see_all(1..2, Seen::Well);
    assert!(stage.later()[0].times.occurred_end.is_some());
}

#[test]
fn who_is_restored_and_then_stopped_stays_restored() {
    let mut stage = Stage::aws();
    stage.see_all(0..3, DOWN);
    stage.see_all(0..2, Seen::Well);
    stage.see_all(0..1, Seen::Stopped);
    let restored = |stage: &mut Stage| {
        let items = stage.later();
        let hit = impact(&items, "/guest");
        (exact(hit, Quantity::Restored), exact(hit, Quantity::Relapsed), exact(hit, Quantity::Remaining))
    };
    assert_eq!(restored(&mut stage), (Some(2), None, Some(1)));
    stage.see_all(0..1, DOWN);
    assert_eq!(restored(&mut stage), (Some(1), Some(1), Some(2)));
}

#[test]
fn what_no_sum_will_tell_any_more_is_let_go() {
    let mut stage = Stage::aws();
    let lasting = 0..20;
    let mut sizes = Vec::new();
    for incident in 1..=9_usize {
        // A fleet that renews itself: some stay, others come, fail and go.
        let passing = 100 * incident..100 * incident + 30;
        stage.fleet.sweep("us-east-1");
        stage.see_all(lasting.clone(), Seen::Well);
        stage.see_all(passing.clone(), DOWN);
        stage.see_all(lasting.clone(), DOWN);
        stage.fleet.swept("us-east-1", &[], stage.now).unwrap();
        stage.repair_all(passing.clone(), "own-way", Progress::Running);
        let end = if incident == 1 { "main/guest".to_owned() } else { format!("main/guest/{incident}") };
        assert_eq!(exact(impact(&stage.later(), &end), Quantity::Affected), Some(50));
        stage.see_all(passing, Seen::Well);
        stage.see_all(lasting.clone(), Seen::Well);
        stage.later();
        stage.now += chrono::TimeDelta::hours(1);
        assert_eq!(impact(&stage.items(), &end).phase, Phase::Resolved);
        stage.now += chrono::TimeDelta::days(20);
        stage.fleet.sweep("us-east-1");
        stage.see_all(lasting.clone(), Seen::Well);
        stage.fleet.swept("us-east-1", &[], stage.now).unwrap();
        stage.later();
        let kept = std::fs::metadata(stage.path().join("incidents.json")).unwrap().len();
        sizes.push((stage.held(), kept));
    }
    // Those of the last incident are held, and in its blocks alone; of earlier ones not even an object is remembered.
    let [.., (before, kept_before), (last, kept_last)] = sizes.as_slice() else { panic!("{sizes:?}") };
    assert_eq!((*before, *last), ((50, 2), (50, 2)), "{sizes:?}");
    assert!(kept_last.abs_diff(*kept_before) < 20, "{sizes:?}");
    stage.kill();
    assert_eq!(exact(impact(&stage.later(), "main/guest/9"), Quantity::Affected), Some(50));
}
