//! How much fits: many places in one payload, many devices in the ledger.

use std::collections::BTreeSet;

use entente_schemas::count::Quantity;
use entente_schemas::event::PAYLOAD_MAX;
use entente_sidecar::fleet::{Os, Progress, Seen};

use crate::picture::Log;
use crate::stage::*;

#[test]
fn a_hundred_regions_and_three_systems_fit_without_a_cut() {
    let mut stage = Stage::aws();
    let mut n = 0;
    for region in 0..100 {
        let region = format!("region-{region:03}-{}", "x".repeat(20));
        for (os, zone) in [Os::Windows, Os::Linux, Os::Unknown].into_iter().zip(["a", "b", "c"]) {
            for _ in 0..3 {
                n += 1;
                stage.see_as(&device(n), (&region, Some(&format!("{region}{zone}"))), os, Seen::Well);
                stage.see_as(&device(n), (&region, Some(&format!("{region}{zone}"))), os, DOWN);
            }
            for approach in ["aws-restart", "aws-rescue-instance"] {
                stage.repair(&device(n), approach, Progress::Running);
            }
            stage.see_as(&device(n), (&region, None), os, Seen::Well);
            stage.see_as(&device(n), (&region, None), os, DOWN);
            stage.see_as(&device(n - 1), (&region, None), os, Seen::Unknown);
        }
    }
    let items = stage.later();
    let hit = impact(&items, "/guest");
    assert_eq!(exact(hit, Quantity::Affected), Some(900));
    assert_eq!(exact(hit, Quantity::Relapsed), Some(300));
    assert_eq!(between(hit, Quantity::Remaining), (600, 900));
    let regions: BTreeSet<&String> = hit.blocks.iter().flat_map(|block| &block.regions).collect();
    assert_eq!(regions.len(), 100);
    let populations: BTreeSet<_> =
        hit.counts.iter().filter(|count| count.quantity == Quantity::Affected).map(|count| &count.population).collect();
    assert_eq!(populations.len(), hit.counts.iter().filter(|count| count.quantity == Quantity::Affected).count());
    assert_eq!(tally(run(&items, "aws-restart"))[..2], [300, 300]);
    let mut log = Log::new("acme", "aws-ec2");
    log.say(items, stage.now);
    for (bytes, trimmed) in log.sizes() {
        assert!(bytes <= PAYLOAD_MAX && trimmed.is_empty(), "{bytes} bytes, {trimmed:?}");
    }
    // The impact, two runs with their approaches, and that the feed is live.
    assert_eq!(log.sizes().len(), 6);
}

#[test]
fn many_devices_are_counted_and_none_is_kept_beside_the_ledger() {
    let mut stage = Stage::aws();
    for number in 0..60_000 {
        let region = ["us-east-1", "eu-west-1", "ap-south-1"][number % 3];
        stage.see(&device(number), region, if number % 5 == 0 { DOWN } else { Seen::Well });
    }
    let items = stage.items();
    assert_eq!(exact(impact(&items, "/guest"), Quantity::Affected), Some(12_000));
    let beside = std::fs::read(stage.path().join("incidents.json")).unwrap();
    assert!(beside.len() < 4_096, "{} bytes", beside.len());
    stage.kill();
    let again = stage.later();
    assert_eq!(again[0].native.digest, items[0].native.digest);
}
