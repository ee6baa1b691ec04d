//! Status checks: a fleet that breaks and is repaired, region by region.

use chrono::{TimeDelta, Utc};
use entente_exercise::{Condition, Fault, Fleet as Machines, Os};
use entente_schemas::block::{BlockState, Layer};
use entente_schemas::count::Quantity;
use entente_schemas::family::{ImpactKind, Phase};
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
async fn whoever_stands_where_nothing_can_be_is_counted_all_the_same() {
    let bench = Bench::new(machines(2).0).await;
    let odd = serde_json::json!({ "InstanceStatuses": [{
        "InstanceId": "i-0aaaaaaaaaaaaaaaa", "AvailabilityZone": "the far end",
        "InstanceState": { "Code": 16, "Name": "running" },
        "InstanceStatus": { "Status": "impaired" }, "SystemStatus": { "Status": "ok" } }] });
    bench.double.recorded().play("DescribeInstanceStatus", [odd]);
    let reading = ask(&mut bench.ec2(&["us-east-1"])).await.unwrap();
    assert_eq!(count(impact(&reading, "/guest"), Quantity::Remaining), 1);
    assert!(reading.unmapped.keys().any(|word| word.word == "the far end"), "{:?}", reading.unmapped);
}

#[tokio::test]
async fn a_customer_s_own_check_counts_and_may_be_unknown_to_a_region() {
    let bench = Bench::new(machines(2).0).await;
    let mut feed = bench.ec2(&["us-east-1"]);
    ask(&mut feed).await.unwrap();
    bench.double.without_own_checks();
    assert!(ask(&mut feed).await.is_ok());
    let before = bench.double.asked().len();
    ask(&mut feed).await.unwrap();
    let looks = bench.double.asked().len() - before;
    assert_eq!(looks, 3, "what is not known is not asked for again");

    let failing = serde_json::json!({ "InstanceStatuses": [{
        "InstanceId": "i-0aaaaaaaaaaaaaaaa", "AvailabilityZone": "us-east-1a",
        "InstanceState": { "Code": 16, "Name": "running" }, "InstanceStatus": { "Status": "ok" },
        "SystemStatus": { "Status": "ok" },
        "ApplicationStatus": { "Status": "impaired", "ImpairedSince": "2026-01-05T04:09:00Z" } }] });
    bench.double.recorded().play("DescribeInstanceStatus", [failing]);
    let reading = ask(&mut bench.ec2(&["us-east-1"])).await.unwrap();
    let guest = impact(&reading, "/guest");
    assert_eq!((count(guest, Quantity::Remaining), cause(guest)), (1, None), "nobody says why");
}

#[tokio::test]
async fn a_thousand_machines_that_are_stopped_for_their_repair_are_not_asked_for_by_the_hundred() {
    let (machines, all) = machines(1_000);
    let bench = Bench::new(machines).await;
    let mut feed = bench.ec2(&["us-east-1"]);
    bench.double.fleet().set(all.iter().copied(), &Condition::BootLoop, Utc::now());
    ask(&mut feed).await.unwrap();
    bench.double.fleet().set(all.iter().copied().take(900), &Condition::Stopped, Utc::now());
    bench.double.fleet().set(all.iter().copied().skip(900), &Condition::Well, Utc::now());
    let before = bench.double.asked().len();
    let reading = ask(&mut feed).await.unwrap();
    let guest = impact(&reading, "/guest");
    assert_eq!((count(guest, Quantity::Remaining), count(guest, Quantity::Restored)), (900, 100));
    let calls = bench.double.asked().split_off(before);
    assert_eq!(calls.len(), 5, "four looks and one page of all: {calls:?}");
}

#[tokio::test]
async fn a_region_that_is_read_no_longer_is_unknown_and_a_list_that_fails_is_told() {
    let (machines, all) = machines(6);
    let bench = Bench::new(machines).await;
    let named = |regions: &[&str]| {
        let regions: Vec<_> = regions.iter().map(|name| serde_json::json!({ "RegionName": name })).collect();
        serde_json::json!({ "Regions": regions })
    };
    bench.double.recorded().play("DescribeRegions", [named(&["us-east-1", "eu-west-1"]), named(&["eu-west-1"])]);
    bench.double.fleet().set(all.iter().copied().take(3), &Condition::BootLoop, Utc::now());
    let (mut feed, now) = (bench.ec2(&[]), Utc::now());
    let reading = ask_at(&mut feed, now).await.unwrap();
    assert_eq!(count(impact(&reading, "/guest"), Quantity::Remaining), 3);
    let reading = ask_at(&mut feed, now + TimeDelta::hours(2)).await.unwrap();
    let guest = impact(&reading, "/guest");
    assert!(guest.blocks.iter().all(|block| block.state == BlockState::Unknown), "{:?}", guest.blocks);
    assert_eq!(reading.lacks, None);

    bench.double.faults().keep("DescribeRegions", Fault::Forbidden);
    let reading = ask_at(&mut feed, now + TimeDelta::hours(4)).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert!(lacks.code == "forbidden" && lacks.text.contains("ec2:DescribeRegions"), "{lacks:?}");
}

#[tokio::test]
async fn a_region_that_left_while_the_program_did_not_run_is_unknown() {
    let (machines, all) = machines(6);
    let mut bench = Bench::new(machines).await;
    let named = |regions: &[&str]| {
        let regions: Vec<_> = regions.iter().map(|name| serde_json::json!({ "RegionName": name })).collect();
        serde_json::json!({ "Regions": regions })
    };
    let (both, one) = (named(&["us-east-1", "eu-west-1"]), named(&["eu-west-1"]));
    bench.double.recorded().play("DescribeRegions", [both, one.clone(), one]);
    bench.double.fleet().set(all.iter().copied().take(3), &Condition::BootLoop, Utc::now());
    let now = Utc::now();
    let reading = ask_at(&mut bench.ec2(&[]), now).await.unwrap();
    assert_eq!(count(impact(&reading, "/guest"), Quantity::Remaining), 3);
    for later in [2, 4] {
        bench = bench.restarted();
        let reading = ask_at(&mut bench.ec2(&[]), now + TimeDelta::hours(later)).await.unwrap();
        let guest = impact(&reading, "/guest");
        assert!(guest.blocks.iter().all(|block| block.state == BlockState::Unknown), "{later}: {:?}", guest.blocks);
    }
}

#[tokio::test]
async fn whoever_starts_while_the_home_region_fails_reads_the_regions_that_were_known() {
    let (machines, _) = machines(2);
    let bench = Bench::new(machines).await;
    bench.double.faults().keep("@us-east-1", Fault::Internal);
    assert_eq!(ask(&mut bench.ec2(&[])).await.unwrap_err().error.code, "provider-error", "none is known");
    bench.double.faults().lift();
    ask(&mut bench.ec2(&[])).await.unwrap();
    bench.double.faults().keep("@us-east-1", Fault::Internal);
    let reading = ask(&mut bench.ec2(&[])).await.unwrap();
    let lacks = reading.lacks.unwrap().error.text;
    assert!(lacks.starts_with("1 of 2 regions: us-east-1"), "eu-west-1 is read: {lacks}");
}

#[tokio::test]
async fn work_that_is_planned_is_told_as_a_sum_until_it_is_done() {
    let (machines, all) = machines(6);
    let (bench, now) = (Bench::new(machines).await, Utc::now());
    let (from, to) = (now + TimeDelta::days(3), now + TimeDelta::days(4));
    bench.double.plan(&all[..4], "instance-retirement", (from, to), "The instance runs on degraded hardware");
    bench.double.plan(&all[4..], "system-reboot", (from, to), "[Completed] scheduled reboot");
    let mut feed = bench.ec2(&[]);
    let reading = ask_at(&mut feed, now).await.unwrap();
    let ids: Vec<&str> = reading.items.iter().map(|item| item.object_id.as_str()).collect();
    assert_eq!(ids, ["aws.ec2:main/planned/instance-retirement"], "what is done is not ahead");
    let work = impact(&reading, "/instance-retirement");
    assert_eq!((work.kind, work.phase), (ImpactKind::Maintenance, Phase::Scheduled));
    assert_eq!(
        (count(work, Quantity::AtRisk), work.blocks[0].regions.as_slice()),
        (4, ["us-east-1".to_owned()].as_slice())
    );
    assert_eq!(reading.items[0].times.occurred_at.map(|at| at.timestamp()), Some(from.timestamp()));

    bench.double.plan(&all[..1], "levitation", (from, to), "");
    let begun = ask_at(&mut feed, from + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(impact(&begun, "/instance-retirement").phase, Phase::InProgress);
    assert_eq!(count(impact(&begun, "/instance-retirement"), Quantity::AtRisk), 3, "one of them has other work now");
    assert_eq!(count(impact(&begun, "/planned/other"), Quantity::AtRisk), 1);
    assert!(begun.unmapped.keys().any(|word| word.word == "levitation"), "{:?}", begun.unmapped);

    // Another run of the program closes what this one told. While a region is not seen, nothing falls and nothing ends.
    bench.double.unplan();
    bench.double.plan(&[6], "instance-retirement", (from, to), "");
    let mut next = bench.ec2(&[]);
    bench.double.faults().keep("@us-east-1", Fault::Internal);
    assert_eq!(ask_at(&mut next, to).await.unwrap().items, Vec::new());
    bench.double.faults().lift();
    bench.double.unplan();
    let over = ask_at(&mut next, to + TimeDelta::minutes(30)).await.unwrap();
    let closed = impact(&over, "/instance-retirement");
    assert_eq!((closed.phase, closed.counts.len()), (Phase::Resolved, 0));
    assert_eq!(ask_at(&mut next, to + TimeDelta::minutes(60)).await.unwrap().items, Vec::new(), "once");
}

#[tokio::test]
async fn a_list_of_no_region_is_a_failure() {
    let bench = Bench::new(machines(2).0).await;
    bench.double.recorded().play("DescribeRegions", [serde_json::json!({ "Regions": [] })]);
    let failure = ask(&mut bench.ec2(&[])).await.unwrap_err();
    assert!(failure.error.text.contains("name those to read"), "{}", failure.error.text);
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
