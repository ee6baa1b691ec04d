//! Status checks: a fleet that breaks and is repaired, region by region.

use chrono::{TimeDelta, Utc};
use entente_exercise::{Condition, Fault, Fleet as Machines, Os};
use entente_schemas::block::{BlockState, Layer};
use entente_schemas::count::Quantity;
use entente_schemas::family::Phase;
use entente_sidecar::Ask as _;
use proptest::prelude::*;

use super::{Bench, ask, ask_at, count, impact};

/// So many Windows machines in two zones of one region, and some Linux ones in another.
fn machines(windows: usize) -> (Machines, Vec<usize>) {
    let (machines, since) = (Machines::new(), Utc::now() - TimeDelta::days(30));
    let mut all = machines.add(windows / 2, Os::Windows, ("us-east-1", "us-east-1a"), false, since);
    all.extend(machines.add(windows - windows / 2, Os::Windows, ("us-east-1", "us-east-1b"), false, since));
    machines.add(5, Os::Linux, ("eu-west-1", "eu-west-1a"), false, since);
    (machines, all)
}

fn cause(impact: &entente_schemas::family::Impact) -> Option<&str> {
    impact.suspected_cause.as_ref().and_then(|cause| cause.class.as_deref())
}

#[tokio::test]
async fn nothing_is_claimed_while_nothing_is_wrong() {
    let bench = Bench::new(machines(20).0).await;
    let mut feed = bench.ec2(&[]);
    let reading = ask(&mut feed).await.unwrap();
    assert_eq!((reading.items, reading.lacks), (Vec::new(), None));
    assert!(bench.double.asked().contains(&"ec2:DescribeRegions@us-east-1".to_owned()));
}

#[tokio::test]
async fn a_boot_loop_of_a_thousand_machines_is_seen_within_one_look() {
    let (machines, all) = machines(1_200);
    let bench = Bench::new(machines).await;
    let mut feed = bench.ec2(&[]);
    ask(&mut feed).await.unwrap();
    bench.double.fleet().set(all.iter().copied().take(1_100), &Condition::BootLoop, Utc::now());
    let reading = ask(&mut feed).await.unwrap();
    let guest = impact(&reading, "/guest");
    assert_eq!((count(guest, Quantity::Affected), count(guest, Quantity::Remaining)), (1_100, 1_100));
    assert_eq!(cause(guest), Some("correlated_guest_failure"));
    assert_eq!(guest.phase, Phase::Investigating);
    let block = guest.blocks.iter().find(|block| block.state == BlockState::AffectedUnavailable);
    let block = block.or(guest.blocks.first()).unwrap();
    assert_eq!((block.regions.as_slice(), block.layer), (["us-east-1".to_owned()].as_slice(), Some(Layer::Guest)));
    assert!(
        feed.pause().unwrap() < std::time::Duration::from_millis(20),
        "while something is wrong it looks more often"
    );
}

#[tokio::test]
async fn hosts_and_disks_are_the_platform_s_trouble() {
    let (machines, all) = machines(20);
    let bench = Bench::new(machines).await;
    bench.double.fleet().set(all.iter().copied().take(2), &Condition::HostDown, Utc::now());
    bench.double.fleet().set(all.iter().copied().skip(2).take(3), &Condition::StorageStuck, Utc::now());
    let reading = ask(&mut bench.ec2(&[])).await.unwrap();
    let (platform, storage) = (impact(&reading, "/platform"), impact(&reading, "/storage"));
    assert_eq!((count(platform, Quantity::Remaining), cause(platform)), (2, Some("provider_host")));
    assert_eq!((count(storage, Quantity::Remaining), cause(storage)), (3, Some("provider_storage")));
}

#[tokio::test]
async fn whoever_leaves_the_impaired_is_asked_for_until_it_is_well() {
    let (machines, all) = machines(20);
    let (bench, broken) = (Bench::new(machines).await, &all[..4]);
    let mut feed = bench.ec2(&["us-east-1"]);
    bench.double.fleet().set(broken.iter().copied(), &Condition::BootLoop, Utc::now());
    ask(&mut feed).await.unwrap();
    let fleet = bench.double.fleet();
    let mut remaining = Vec::new();
    for condition in [Condition::Stopped, Condition::Starting, Condition::Well] {
        fleet.set(broken[..3].iter().copied(), &condition, Utc::now());
        let reading = ask(&mut feed).await.unwrap();
        let guest = impact(&reading, "/guest");
        remaining.push((count(guest, Quantity::Remaining), count(guest, Quantity::Restored)));
    }
    assert_eq!(remaining, [(4, 0), (4, 0), (1, 3)]);
    // The last one was ended two hours ago, and EC2 has forgotten it.
    fleet.set([broken[3]], &Condition::Terminated, Utc::now() - TimeDelta::hours(2));
    let reading = ask(&mut feed).await.unwrap();
    let guest = impact(&reading, "/guest");
    assert_eq!((count(guest, Quantity::Affected), count(guest, Quantity::Remaining)), (4, 0));
    assert!(matches!(guest.phase, Phase::Monitoring | Phase::Resolved), "{:?}", guest.phase);
}

#[tokio::test]
async fn a_whole_listing_after_ten_minutes_finds_whoever_is_gone_and_a_restart_loses_nothing() {
    let (machines, all) = machines(12);
    let bench = Bench::new(machines).await;
    bench.double.fleet().set(all.iter().copied().take(6), &Condition::BootLoop, Utc::now());
    ask(&mut bench.ec2(&[])).await.unwrap();
    // Another process: it knows no ids, and begins with a whole listing.
    let mut feed = bench.ec2(&[]);
    bench.double.fleet().set(all.iter().copied().take(5), &Condition::Well, Utc::now());
    let reading = ask(&mut feed).await.unwrap();
    assert_eq!(count(impact(&reading, "/guest"), Quantity::Restored), 5);
    let before = bench.double.asked().len();
    ask(&mut feed).await.unwrap();
    ask_at(&mut feed, Utc::now() + TimeDelta::minutes(11)).await.unwrap();
    let listings = bench.double.asked().split_off(before);
    assert_eq!(listings.iter().filter(|call| call.starts_with("ec2:DescribeInstances@")).count(), 2, "{listings:?}");
}

#[tokio::test]
async fn a_region_that_fails_is_unknown_and_the_others_go_on() {
    let (machines, all) = machines(20);
    let bench = Bench::new(machines).await;
    let mut feed = bench.ec2(&[]);
    bench.double.fleet().set(all.iter().copied().take(6), &Condition::BootLoop, Utc::now());
    ask(&mut feed).await.unwrap();
    bench.double.faults().keep("@us-east-1", Fault::Forbidden);
    let reading = ask(&mut feed).await.unwrap();
    let lacks = reading.lacks.clone().unwrap();
    assert_eq!(lacks.error.code, "forbidden");
    assert!(
        lacks.error.text.starts_with("1 of 2 regions: us-east-1: ec2.DescribeInstanceStatus"),
        "{}",
        lacks.error.text
    );
    let guest = impact(&reading, "/guest");
    assert!(guest.blocks.iter().any(|block| block.state == BlockState::Unknown), "{:?}", guest.blocks);
    bench.double.faults().lift();
    let reading = ask(&mut feed).await.unwrap();
    assert_eq!(reading.lacks, None);
    assert_eq!(count(impact(&reading, "/guest"), Quantity::Remaining), 6);
}

#[tokio::test]
async fn the_start_is_not_before_the_machine_and_words_of_tomorrow_are_told() {
    let (machines, all) = machines(4);
    let bench = Bench::new(machines).await;
    // Impaired since its launch, and launched before it was ever seen.
    bench.double.fleet().set([all[0]], &Condition::BootLoop, "2020-01-01T00:00:00Z".parse().unwrap());
    let reading = ask(&mut bench.ec2(&["us-east-1"])).await.unwrap();
    let onset = reading.items[0].times.occurred_at.unwrap();
    assert!(onset >= "2024-01-08T08:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap(), "{onset}");

    let strange = serde_json::json!({ "InstanceStatuses": [{
        "InstanceId": "i-0aaaaaaaaaaaaaaaa", "AvailabilityZone": "us-east-1a",
        "InstanceState": { "Code": 16, "Name": "running" },
        "InstanceStatus": { "Status": "pondering" }, "SystemStatus": { "Status": "ok" } }] });
    bench.double.recorded().play("DescribeInstanceStatus", [strange]);
    let reading = ask(&mut bench.ec2(&["us-east-1"])).await.unwrap();
    let words: Vec<&str> = reading.unmapped.keys().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["pondering"]);
}

#[tokio::test]
async fn an_answer_that_ends_early_is_no_short_list() {
    let (machines, _) = machines(8);
    let bench = Bench::new(machines).await;
    let mut feed = bench.ec2(&["us-east-1"]);
    ask(&mut feed).await.unwrap();
    bench.double.faults().keep("ec2:", Fault::Truncated);
    assert_eq!(ask(&mut feed).await.unwrap_err().error.code, "truncated");
    bench.double.faults().lift();
    assert_eq!(ask(&mut feed).await.unwrap().items, Vec::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Whatever befalls the machines: the sums are those of the machines, and no id is heard.
    #[test]
    fn sums_are_those_of_the_machines(moves in proptest::collection::vec((0_usize..30, 0_u8..5), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (machines, all) = machines(30);
            let bench = Bench::new(machines).await;
            let mut feed = bench.ec2(&["us-east-1"]);
            ask(&mut feed).await.unwrap();
            let mut hit = std::collections::BTreeSet::new();
            let mut down = std::collections::BTreeSet::new();
            for step in moves.chunks(8) {
                for (machine, to) in step {
                    let condition = match to {
                        0 | 1 => Condition::BootLoop,
                        2 => Condition::Stopped,
                        3 => Condition::Starting,
                        _ => Condition::Well,
                    };
                    bench.double.fleet().set([all[*machine]], &condition, Utc::now());
                }
                for machine in bench.double.fleet().machines() {
                    if machine.condition == Condition::BootLoop {
                        hit.insert(machine.number);
                        down.insert(machine.number);
                    } else if machine.condition == Condition::Well {
                        down.remove(&machine.number);
                    }
                }
                let reading = ask(&mut feed).await.unwrap();
                if hit.is_empty() {
                    assert_eq!(reading.items, Vec::new());
                    continue;
                }
                let guest = impact(&reading, "/guest");
                let told = (count(guest, Quantity::Affected), count(guest, Quantity::Remaining));
                assert_eq!(told, (hit.len() as u64, down.len() as u64));
            }
        });
    }
}
