//! Which objects there are, when they begin and end, and when what is said of them.

use chrono::TimeDelta;
use entente_schemas::block::{BlockState, Effect, Layer, ServiceClass, Severity};
use entente_schemas::count::Quantity;
use entente_schemas::family::{CauseStatus, Outcome, Phase};
use entente_schemas::header::Certainty;
use entente_sidecar::fleet::{Fleet, FleetError, Hint, Os, Place, Seen, Sighting};

use crate::stage::*;

#[test]
fn with_sight_and_nothing_affected_nothing_is_claimed() {
    let mut stage = Stage::aws();
    assert_eq!(ids(&stage.items()), [""; 0]);
    stage.see_all(0..100, Seen::Well);
    stage.see("new", "us-east-1", Seen::Starting);
    stage.see("off", "us-east-1", Seen::Stopped);
    stage.see("odd", "us-east-1", Seen::Unknown);
    stage.see_all(90..95, Seen::Gone);
    assert_eq!(ids(&stage.later()), [""; 0]);
    assert!(!stage.fleet.is_hit());
}

#[test]
fn a_boot_loop_is_one_impact_from_its_first_machine_to_its_last() {
    let mut stage = Stage::aws();
    stage.see_all(0..120, Seen::Well);
    stage.now = minute(14);
    for number in 0..100 {
        let observed = stage.now;
        let zone = if number % 2 == 0 { "us-east-1a" } else { "us-east-1b" };
        let since = Some(minute(9 + i64::try_from(number).unwrap() / 30));
        let place = Place { region: "us-east-1", zone: Some(zone) };
        let device = device(number);
        let sighting = Sighting {
            device: &device,
            place,
            os: Os::Windows,
            seen: DOWN,
            since,
            launched: Some(at(-9_000)),
            observed,
        };
        stage.fleet.see(sighting).unwrap();
    }
    let items = stage.items();
    assert_eq!(ids(&items), ["aws.ec2:main/guest"]);
    let (whole, hit) = (&items[0], impact(&items, "/guest"));
    assert_eq!(
        (hit.phase, hit.severity, whole.certainty),
        (Phase::Investigating, Severity::Critical, Certainty::Observed)
    );
    let cause = hit.suspected_cause.as_ref().unwrap();
    assert_eq!((cause.class.as_deref(), cause.status), (Some("correlated_guest_failure"), CauseStatus::Hypothesis));
    assert_eq!(hit.effect, [Effect::Unavailable]);
    assert_eq!(hit.symptoms.len(), 2);
    assert_eq!((whole.times.occurred_at, whole.times.occurred_end), (Some(minute(9)), None));
    let [block] = hit.blocks.as_slice() else { panic!("{:?}", hit.blocks) };
    assert_eq!((block.state, block.layer), (BlockState::AffectedPartial, Some(Layer::Guest)));
    assert_eq!((block.regions.as_slice(), block.zones.len()), (&["us-east-1".to_owned()][..], 2));
    assert_eq!((block.os_family(), block.services.as_slice()), (Some("windows"), &["VM".to_owned()][..]));
    assert_eq!(exact(hit, Quantity::Affected), Some(100));
    assert_eq!(exact(hit, Quantity::Remaining), Some(100));
    assert_eq!(exact(hit, Quantity::Restored), Some(0));
    assert_eq!((exact(hit, Quantity::Relapsed), exact(hit, Quantity::Unknown)), (None, None));
    assert_eq!(hit.counts[0].population.as_deref(), Some("fleet:aws/main/us-east-1/windows"));

    stage.see_all(0..60, Seen::Well);
    stage.see_all(0..2, DOWN);
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!((hit.phase, exact(hit, Quantity::Remaining)), (Phase::Investigating, Some(42)));
    assert_eq!((exact(hit, Quantity::Restored), exact(hit, Quantity::Relapsed)), (Some(58), Some(2)));
    assert!(hit.symptoms.iter().any(|symptom| symptom.contains("failed again") && symptom.contains(": 2 vm")));

    stage.now = minute(60);
    stage.see_all(0..100, Seen::Well);
    stage.now = minute(62);
    let items = stage.items();
    let hit = impact(&items, "/guest");
    assert_eq!((hit.phase, hit.outcome, hit.blocks[0].state), (Phase::Monitoring, None, BlockState::Restored));
    assert_eq!(items[0].times.occurred_end, Some(minute(60)));
    stage.now = minute(70);
    let items = stage.items();
    let hit = impact(&items, "/guest");
    assert_eq!((hit.phase, hit.outcome), (Phase::Resolved, Some(Outcome::Restored)));
    assert_eq!((hit.severity, exact(hit, Quantity::Affected)), (Severity::Critical, Some(100)));
    assert!(!stage.fleet.is_hit());
}

#[test]
fn who_fails_again_soon_reopens_the_incident_and_long_after_it_is_another() {
    let mut stage = Stage::aws();
    stage.see_all(0..20, Seen::Well);
    stage.see_all(0..5, DOWN);
    stage.later();
    stage.see_all(0..5, Seen::Well);
    stage.later();
    stage.now += TimeDelta::hours(1);
    assert_eq!(impact(&stage.items(), "/guest").phase, Phase::Resolved);
    stage.see_all(4..6, DOWN);
    let items = stage.later();
    let hit = impact(&items, "main/guest");
    assert_eq!(
        (hit.phase, items[0].times.occurred_at, items[0].times.occurred_end),
        (Phase::Investigating, Some(at(0)), None)
    );
    assert_eq!((exact(hit, Quantity::Affected), exact(hit, Quantity::Relapsed)), (Some(6), Some(1)));
    stage.see_all(4..6, Seen::Well);
    stage.later();
    stage.now += TimeDelta::hours(1);
    stage.items();

    stage.restart();
    stage.now += TimeDelta::hours(24);
    let began = stage.now;
    stage.see_all(0..3, DOWN);
    let items = stage.items();
    assert_eq!(ids(&items), ["aws.ec2:main/guest/2"]);
    let hit = impact(&items, "/2");
    assert_eq!((exact(hit, Quantity::Affected), exact(hit, Quantity::Relapsed)), (Some(3), None));
    assert_eq!(items[0].times.occurred_at, Some(began));
    stage.kill();
    assert_eq!(ids(&stage.items()), ["aws.ec2:main/guest/2"]);
}

#[test]
fn hosts_and_disks_have_objects_of_their_own() {
    let mut stage = Stage::aws();
    stage.see_all(0..10, Seen::Well);
    stage.see_all(0..1, DOWN);
    stage.see_all(1..4, Seen::Affected(Hint::ProviderHost));
    stage.see_all(4..6, Seen::Affected(Hint::ProviderStorage));
    let items = stage.items();
    assert_eq!(ids(&items), ["aws.ec2:main/guest", "aws.ec2:main/platform", "aws.ec2:main/storage"]);
    for (end, class, service, affected) in [
        ("/guest", "guest_os_unreachable", ServiceClass::Compute, 1),
        ("/platform", "provider_host", ServiceClass::Compute, 3),
        ("/storage", "provider_storage", ServiceClass::BlockStorage, 2),
    ] {
        let hit = impact(&items, end);
        assert_eq!(hit.suspected_cause.as_ref().unwrap().class.as_deref(), Some(class));
        assert_eq!((hit.blocks[0].service_class, exact(hit, Quantity::Affected)), (service, Some(affected)));
        let layer = if end == "/guest" { Layer::Guest } else { Layer::Platform };
        assert_eq!(hit.blocks[0].layer, Some(layer));
    }
    // The host was the reason after all.
    stage.see_all(0..1, Seen::Affected(Hint::ProviderHost));
    let items = stage.later();
    assert_eq!(ids(&items), ["aws.ec2:main/platform", "aws.ec2:main/storage"]);
    assert_eq!(exact(impact(&items, "/platform"), Quantity::Affected), Some(4));
}

#[test]
fn a_sign_without_a_name_takes_nothing_from_one_that_has() {
    let mut stage = Stage::aws();
    stage.see_all(0..3, Seen::Affected(Hint::ProviderHost));
    stage.see_all(0..4, Seen::Affected(Hint::Unstated));
    let items = stage.later();
    assert_eq!(exact(impact(&items, "/platform"), Quantity::Affected), Some(3));
    let guest = impact(&items, "/guest");
    assert_eq!((exact(guest, Quantity::Affected), &guest.suspected_cause), (Some(1), &None));
}

#[test]
fn windows_machines_fail_together_if_so_many_do_in_so_short_a_time_in_two_places() {
    let class = |machines: usize, zones: usize, apart: i64, os: Os, hint: Hint| {
        let mut stage = Stage::aws();
        for number in 0..machines {
            stage.now = at(apart * i64::try_from(number).unwrap());
            let zone = format!("z{}", number % zones);
            stage.see_as(&device(number), ("r", Some(&zone)), os, Seen::Affected(hint));
        }
        let items = stage.later();
        let cause = items[0].impact().unwrap().suspected_cause.clone().unwrap();
        cause.class.unwrap()
    };
    let (windows, guest) = (Os::Windows, Hint::GuestOsUnreachable);
    assert_eq!(class(10, 2, 60, windows, guest), "correlated_guest_failure");
    assert_eq!(class(10, 2, 60, windows, Hint::GuestAgentLost), "correlated_guest_failure");
    assert_eq!(class(9, 2, 0, windows, guest), "guest_os_unreachable");
    assert_eq!(class(40, 1, 0, windows, guest), "guest_os_unreachable");
    assert_eq!(class(40, 2, 200, windows, guest), "guest_os_unreachable");
    assert_eq!(class(40, 2, 0, Os::Linux, guest), "guest_os_unreachable");
    assert_eq!(class(40, 2, 0, windows, Hint::ProviderHost), "provider_host");
    assert_eq!(class(40, 2, 200, windows, Hint::GuestAgentLost), "guest_agent_lost");
}

#[test]
fn few_that_fail_over_and_over_do_not_fail_together() {
    let mut stage = Stage::aws();
    for second in 0..20 {
        stage.now = at(30 * second);
        stage.see_all(0..4, DOWN);
        stage.see_all(0..4, Seen::Well);
    }
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!(hit.suspected_cause.as_ref().unwrap().class.as_deref(), Some("guest_os_unreachable"));
    assert_eq!(exact(hit, Quantity::Relapsed), Some(4));
}

#[test]
fn that_they_fail_together_survives_a_kill_between_them() {
    let mut stage = Stage::aws();
    stage.see_all(0..6, DOWN);
    assert_eq!(
        impact(&stage.items(), "/guest").suspected_cause.as_ref().unwrap().class.as_deref(),
        Some("guest_os_unreachable")
    );
    stage.kill();
    stage.see_all(0..10, DOWN);
    let class = |stage: &mut Stage| impact(&stage.later(), "/guest").suspected_cause.clone().unwrap().class.unwrap();
    assert_eq!(class(&mut stage), "correlated_guest_failure");
    stage.kill();
    assert_eq!(class(&mut stage), "correlated_guest_failure");
}

#[test]
fn since_is_taken_between_the_start_of_the_machine_and_its_first_sighting() {
    for (since, launched, expected) in [
        (None, None, minute(30)),
        (Some(minute(10)), None, minute(10)),
        (Some(minute(10)), Some(minute(5)), minute(10)),
        (Some(minute(10)), Some(minute(20)), minute(20)),
        (Some(minute(50)), Some(minute(20)), minute(30)),
        (Some(minute(10)), Some(minute(50)), minute(30)),
    ] {
        let mut stage = Stage::aws();
        let see = |stage: &Stage, seen, since, launched| {
            let place = Place { region: "r", zone: None };
            let observed = stage.now;
            stage.fleet.see(Sighting { device: "d", place, os: Os::Linux, seen, since, launched, observed }).unwrap();
        };
        stage.now = minute(30);
        see(&stage, DOWN, since, launched);
        // What is told of it later changes nothing.
        stage.now = minute(40);
        see(&stage, DOWN, Some(minute(1)), None);
        assert_eq!(stage.items()[0].times.occurred_at, Some(expected), "{since:?} {launched:?}");
    }
}

#[test]
fn what_failed_long_before_is_not_how_it_began() {
    let mut stage = Stage::aws();
    let place = Place { region: "r", zone: Some("a") };
    let since = Some(at(-90 * 86_400));
    let observed = stage.now;
    stage
        .fleet
        .see(Sighting { device: "old", place, os: Os::Windows, seen: DOWN, since, launched: None, observed })
        .unwrap();
    assert_eq!(stage.items()[0].times.occurred_at, since);
    stage.now = minute(100);
    stage.see_all(0..40, DOWN);
    assert_eq!(stage.items()[0].times.occurred_at, Some(minute(100)));
}

#[test]
fn an_object_changes_at_most_so_often_and_its_stamp_is_that_of_the_change() {
    let mut stage = Stage::aws();
    stage.see_all(0..5, DOWN);
    let first = stage.items();
    assert_eq!(first[0].times.published_at, Some(at(0)));
    stage.now = at(4);
    stage.see_all(0..1, Seen::Well);
    // Too early: as it was.
    assert_eq!(stage.items(), first);
    stage.now = at(10);
    let second = stage.items();
    assert_eq!(
        (exact(impact(&second, "/guest"), Quantity::Remaining), second[0].times.published_at),
        (Some(4), Some(at(10)))
    );
    // Nothing changed: the same stamp and digest, whatever the time.
    stage.now = at(100);
    stage.see_all(0..1, Seen::Well);
    stage.see_all(1..5, DOWN);
    let third = stage.items();
    assert_eq!((&third[0].native.digest, third[0].times.published_at), (&second[0].native.digest, Some(at(10))));
    // 5, 4 and 5 again are three revisions, each later than the one before.
    stage.see_all(0..1, DOWN);
    let fourth = stage.items();
    assert_eq!(fourth[0].times.published_at, Some(at(100)));
    stage.kill();
    stage.now = at(300);
    let again = stage.items();
    assert_eq!((&again[0].native.digest, again[0].times.published_at), (&fourth[0].native.digest, Some(at(100))));
}

#[test]
fn a_profile_that_cannot_be_said_on_the_bus_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut entente_sidecar::fleet::FleetProfile)| {
        let mut profile = profile("aws", true);
        change(&mut profile);
        match Fleet::open(folder.path(), profile) {
            Err(error @ FleetError::Profile { .. }) => error.to_string(),
            other => panic!("{:?}", other.err()),
        }
    };
    assert!(refused(&|profile| profile.fleet = "123456789012".into()).contains("not the number of an account"));
    assert!(refused(&|profile| profile.fleet = "Main Fleet".into()).contains("lower-case"));
    assert!(refused(&|profile| profile.org = String::new()).contains("org"));
    assert!(refused(&|profile| profile.system = "aws ec2".into()).contains("aws.ec2"));
    let fleet = Fleet::open(folder.path(), profile("aws", true)).unwrap();
    let second = Fleet::open(folder.path(), profile("aws", true)).err().unwrap();
    assert!(second.to_string().contains("in use"), "{second}");
    drop(fleet);
}
