//! What neighbours report of single devices through the intake.

use entente_schemas::count::Quantity;
use entente_sidecar::account::{DeviceError, DeviceReport, DeviceSink, DeviceState};
use entente_sidecar::fleet::Counter;

use crate::stage::*;

fn report(device: &str, state: DeviceState, approach: Option<&str>) -> DeviceReport {
    DeviceReport {
        device: device.into(),
        state,
        approach: approach.map(str::to_owned),
        region: Some("dc-1".into()),
        zone: None,
        os: Some("Windows".into()),
        at: None,
    }
}

#[test]
fn a_tool_next_door_counts_devices_and_repairs() {
    let mut stage = Stage::new(profile("azure", false));
    let reports = [
        report("pc-1", DeviceState::Affected, None),
        report("pc-2", DeviceState::Affected, Some("usb-stick")),
        report("pc-3", DeviceState::Restored, Some("usb-stick")),
        report("pc-4", DeviceState::Well, None),
        report("pc-5", DeviceState::Unknown, None),
    ];
    assert!(stage.fleet.count(&reports, stage.now).iter().all(Result::is_ok));
    let items = DeviceSink::items(&stage.fleet, stage.now);
    let hit = impact(&items, "/guest");
    assert_eq!((between(hit, Quantity::Affected), between(hit, Quantity::Remaining)), ((3, 4), (2, 3)));
    assert_eq!((exact(hit, Quantity::Restored), exact(hit, Quantity::Unknown)), (Some(1), Some(1)));
    assert_eq!(tally(run(&items, "usb-stick")), [2, 2, 0, 1, 0]);
    // Reported again, nothing changes; what was counted survives a kill at once.
    assert!(stage.fleet.count(&reports[..3], stage.now).iter().all(Result::is_ok));
    stage.kill();
    assert_eq!(stage.later()[0].native.digest, items[0].native.digest);
    let counter = Counter(stage.fleet.clone());
    assert!(counter.count(&[report("pc-2", DeviceState::Well, None)], stage.now)[0].is_ok());
    assert!(counter.items(stage.now).is_empty());
    assert_eq!(tally(run(&stage.later(), "usb-stick")), [2, 2, 0, 2, 0]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_was_expected_and_the_rest_is_counted() {
    let stage = Stage::new(profile("azure", false));
    let long = "x".repeat(5_000);
    let no_place =
        DeviceReport { region: Some("a region / no code".into()), ..report("pc-2", DeviceState::Affected, None) };
    let reports = [
        report("", DeviceState::Affected, None),
        report(&long, DeviceState::Affected, None),
        no_place,
        report("pc-1", DeviceState::Affected, Some("Not A Slug")),
        report("pc-3", DeviceState::Affected, None),
    ];
    let counted = stage.fleet.count(&reports, stage.now);
    for (refused, expected) in counted.iter().zip(["1 to 4096", "1 to 4096", "letters, digits", "lower-case"]) {
        let Err(DeviceError::Refused(reason)) = refused else { panic!("{refused:?}") };
        assert!(reason.contains(expected) && !reason.contains("pc-") && !reason.contains(" / "), "{reason}");
    }
    assert!(counted[4].is_ok());
}

#[test]
fn a_disk_that_takes_nothing_is_told_and_the_report_counts_when_it_is_sent_again() {
    let mut stage = Stage::new(profile("azure", false));
    let in_the_way = stage.path().join("incidents.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let reports = [report("pc-1", DeviceState::Affected, None)];
    let counted = stage.fleet.count(&reports, stage.now);
    assert!(matches!(&counted[0], Err(DeviceError::NotKept(reason)) if reason.contains("free space")), "{counted:?}");
    assert!(stage.fleet.items(stage.now).is_err());
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(stage.fleet.count(&reports, stage.now)[0].is_ok());
    assert_eq!(between(impact(&stage.later(), "/guest"), Quantity::Affected), (1, 1));
}
