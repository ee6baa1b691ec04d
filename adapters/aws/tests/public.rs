//! The public feeds against captures of them, and against everything else that can come out of a socket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

#[path = "../../sidecar/tests/recorded/mod.rs"]
mod recorded;

#[path = "../../sidecar/tests/played/mod.rs"]
mod played;

use std::collections::{BTreeMap, BTreeSet};

use entente_aws::{current_events, data};
use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Family, Impact, Outcome, Phase};
use entente_schemas::header::Certainty;
use entente_sidecar::decode;
use entente_sidecar::mapping::Mapping;
use played::{Public, bytes, event as read_back, now, of, play, rejected};
use proptest::prelude::*;
use recorded::{all, lines, read};
use serde_json::Value;

fn current() -> Public {
    Public::new(current_events())
}

fn older() -> Public {
    Public::new(data())
}

fn impact(drafts: &[Draft]) -> Impact {
    of(drafts, Family::Impact)[0].claim.impact().unwrap().clone()
}

/// One event in the shape of the feed; `log` and `services` are members of an array and of an object.
fn event(log: &str, services: &str) -> String {
    format!(
        r#"{{"date":"1780000000","arn":"arn:aws:health:xy-east-1::event/MULTIPLE/AWS_X/1","region_name":"Nowhere",
        "status":"3","service":"multipleservices-us-east-1","service_name":"Multiple services",
        "summary":"Increased errors","event_log":[{log}],"impacted_services":{{{services}}}}}"#
    )
}

fn open_event() -> Vec<u8> {
    let log = r#"{"summary":"Increased errors","message":"We look","status":1,"timestamp":1780000000},
        {"summary":"Increased errors","message":"It is bad","status":2,"timestamp":1780003600}"#;
    let services = r#""ec2-us-east-1":{"service_name":"Compute cloud","current":"3","max":"3"},
        "lambda-us-east-1":{"service_name":"Functions","current":"0","max":"2"},
        "grafana":{"service_name":"Graphs","current":"2","max":"2"},
        "route53":{"service_name":"Names","current":"1","max":"1"}"#;
    format!("[{}]", event(log, services)).into_bytes()
}

/// One post in the shape of the older feed.
fn post(summary: &str) -> String {
    format!(
        r#"{{"service":"ec2-us-east-1","service_name":"Compute cloud (N. Virginia)","summary":"{summary}",
            "date":"1656000000","status":"2","details":"","description":"<div>9:00 AM PDT&nbsp;We look</div>"}}"#
    )
}

fn utf_16be(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}

#[test]
fn an_open_event_stands_as_its_newest_entry_says_and_each_service_by_itself() {
    let drafts = play(&mut current(), [&open_event()[..]]);
    let impact = impact(&drafts);
    assert_eq!((impact.phase, impact.severity), (Phase::Investigating, Severity::Major));
    assert_eq!(impact.title, "Multiple services (Nowhere): Increased errors");
    assert_eq!(impact.summary.as_deref(), Some("It is bad"));
    let blocks: BTreeMap<&str, _> = impact
        .blocks
        .iter()
        .map(|b| (b.services[0].as_str(), (b.service_class, b.regions.join("+"), b.state, b.severity)))
        .collect();
    let expected = BTreeMap::from([
        (
            "Compute cloud",
            (ServiceClass::Compute, "us-east-1".to_owned(), BlockState::AffectedUnavailable, Severity::Critical),
        ),
        ("Functions", (ServiceClass::Serverless, "us-east-1".to_owned(), BlockState::Restored, Severity::Major)),
        ("Graphs", (ServiceClass::Monitoring, String::new(), BlockState::AffectedDegraded, Severity::Major)),
        ("Names", (ServiceClass::Dns, "global".to_owned(), BlockState::Unknown, Severity::Info)),
    ]);
    assert_eq!(blocks, expected);
    let notices = of(&drafts, Family::Notice);
    assert_eq!(notices.len(), 2);
    let told = &notices[0].claim.header;
    assert_eq!(
        told.object_id,
        "aws.currentevents:arn:aws:health:xy-east-1::event/MULTIPLE/AWS_X/1/2026-05-28T20:26:40Z"
    );
}

/// Digests are written for ever: these were computed by another program after EVENTS 3. A table that gives others would
/// say every event anew.
#[test]
fn digests_are_the_ones_that_stand_in_logs() {
    let digest = |drafts: &[Draft], family| {
        of(drafts, family)[0].claim.header.native.as_ref().map(|native| native.digest.clone()).unwrap()
    };
    let drafts = play(&mut current(), [&open_event()[..]]);
    let (impact, notice) = (digest(&drafts, Family::Impact), digest(&drafts, Family::Notice));
    assert_eq!(impact, "c5c068afe68284c5a4524e82519553ad4a834e18521f9068bbc6d14b0455d9aa");
    assert_eq!(notice, "8fad7c2d81aeeac9ab34579b5b3b72f8240ea74cf4a233b506448eb916bbea0e");
    let drafts = play(&mut older(), [post("Errors").as_bytes()]);
    assert_eq!(digest(&drafts, Family::Impact), "12972a1c8654e351a626132c437987b44e2bb3e839e84a6a83df1c95e15fa303");
}

#[test]
fn the_feed_is_the_same_in_utf_16() {
    let plain = play(&mut current(), [&open_event()[..]]);
    let wide = play(&mut current(), [&utf_16be(std::str::from_utf8(&open_event()).unwrap())[..]]);
    assert_eq!(plain, wide);
}

#[test]
fn an_event_missing_in_two_good_polls_has_ended_and_may_return() {
    let mut edge = current();
    play(&mut edge, [&open_event()[..]]);
    assert_eq!(play(&mut edge, [&b"[]"[..]]).len(), 0, "missing once");
    assert_eq!(play(&mut edge, [&open_event()[..], b"[]"]).len(), 0, "there again, missing once");
    let gone = edge.unchanged(now()).drafts;
    edge.taken(&gone);
    let closing = impact(&gone);
    assert_eq!((closing.phase, closing.outcome), (Phase::Resolved, Some(Outcome::Vanished)));
    let header = &gone[0].claim.header;
    assert_eq!((header.rev, header.certainty, header.cause.as_deref()), (2, Certainty::Likely, Some("vanished")));
    assert!(closing.blocks.iter().all(|block| block.state == BlockState::Restored));
    assert_eq!(play(&mut edge, [&b"[]"[..]]).len(), 0, "said once");
    let returned = play(&mut edge, [&open_event()[..]]);
    assert_eq!((returned.len(), returned[0].claim.header.rev), (1, 3));
    assert!(impact(&returned).phase.is_open());
    // Every event is one that readers take, so a restart finds its way back from the log alone.
    let mut restarted = current();
    let log: Vec<Event> = returned.iter().chain(&gone).map(read_back).collect();
    restarted.recall(&log);
    assert_eq!(of(&play(&mut restarted, [&b"[]"[..], b"[]"]), Family::Impact)[0].claim.header.rev, 4);
}

#[test]
fn a_poll_with_an_unreadable_event_ends_none() {
    let mut edge = current();
    play(&mut edge, [&open_event()[..]]);
    let other = String::from_utf8(open_event()).unwrap().replace("AWS_X/1", "AWS_X/2");
    let garbled = r#"[{"arn":"arn:aws:health:xy-east-1::event/MULTIPLE/AWS_X/1","date":"soon"},{"#;
    let garbled = other.replacen("[{", garbled, 1).into_bytes();
    let drafts = play(&mut edge, [&garbled[..], &garbled, &garbled]);
    assert_eq!((of(&drafts, Family::Rejected).len(), of(&drafts, Family::Impact).len()), (1, 1));
    assert_eq!(
        of(&play(&mut edge, [other.as_bytes(), other.as_bytes()]), Family::Impact).len(),
        1,
        "two good polls do"
    );
}

#[test]
fn the_recorded_event_has_all_its_services_and_statements() {
    let Some(body) = read("aws/currentevents-uae-only.utf16be.json") else { return };
    let expected: Value = serde_json::from_str(&decode::text(&body).unwrap()).unwrap();
    let drafts = play(&mut current(), [&body[..]]);
    let impact = impact(&drafts);
    let services: BTreeSet<&String> = impact.blocks.iter().flat_map(|block| &block.services).collect();
    let size = bytes(of(&drafts, Family::Impact)[0]).len();
    println!("{} services in {} blocks, {size} bytes", services.len(), impact.blocks.len());
    assert_eq!(services.len(), 140);
    assert_eq!(services.len(), expected[0]["impacted_services"].as_object().unwrap().len());
    assert_eq!(of(&drafts, Family::Notice).len(), 23);
    assert!(size < 32 * 1024, "{size} bytes");
    assert_eq!((impact.phase, impact.severity), (Phase::Investigating, Severity::Critical));
    let restored = impact.blocks.iter().filter(|block| block.state == BlockState::Restored);
    assert_eq!(restored.map(|block| block.services.len()).sum::<usize>(), 5);
}

#[test]
fn every_post_of_the_older_feed_is_read() {
    let Some(body) = read("aws/data-2022-07.json") else { return };
    let expected: Value = serde_json::from_slice(&body).unwrap();
    let mut edge = older();
    let drafts = play(&mut edge, [&body[..]]);
    let posts = expected["archive"].as_array().unwrap().len();
    assert_eq!((of(&drafts, Family::Impact).len(), of(&drafts, Family::Notice).len()), (posts, posts));
    assert!(of(&drafts, Family::Impact).iter().all(|draft| draft.claim.impact().unwrap().phase == Phase::Resolved));
    assert_eq!(play(&mut edge, [&body[..]]).len(), 0, "a second poll");
}

#[test]
fn the_archive_of_posts_is_read_a_line_a_poll() {
    let Some(lines) = lines("aws/data-archive-2016-2019.jsonl") else { return };
    let mut edge = older();
    let drafts = play(&mut edge, lines.iter().map(Vec::as_slice));
    // Posts carry no stamp, and 15 of them stand there in two versions: neither is news when it comes by again.
    assert_eq!(play(&mut edge, lines.iter().map(Vec::as_slice)).len(), 0, "a second pass");
    let mut restarted = older();
    restarted.recall(&drafts.iter().rev().map(read_back).collect::<Vec<_>>());
    assert_eq!(of(&play(&mut restarted, lines.iter().map(Vec::as_slice)), Family::Impact).len(), 0, "after a restart");
    let ids: BTreeSet<(String, String)> = lines
        .iter()
        .map(|line| serde_json::from_slice::<Value>(line).unwrap())
        .map(|post| (post["service"].to_string(), post["date"].to_string()))
        .collect();
    let objects: BTreeSet<&str> =
        of(&drafts, Family::Impact).iter().map(|draft| draft.claim.header.object_id.as_str()).collect();
    assert_eq!((objects.len(), of(&drafts, Family::Rejected).len()), (ids.len(), 0));
}

#[test]
fn a_post_is_over_by_its_mark_or_its_list() {
    for (body, phase) in [
        (post("Errors"), Phase::Investigating),
        (post(" [RESOLVED] Errors"), Phase::Resolved),
        (post("[OVER] Fehler | [RESOLVED] Errors"), Phase::Resolved),
        (format!(r#"{{"archive":[{}],"current":[]}}"#, post("Errors")), Phase::Resolved),
        (format!(r#"{{"archive":[],"current":[{}]}}"#, post("Errors")), Phase::Investigating),
        (format!("[{}]", post("Errors")), Phase::Investigating),
    ] {
        let drafts = play(&mut older(), [body.as_bytes()]);
        let impact = impact(&drafts);
        assert_eq!(impact.phase, phase, "{body}");
        assert_eq!((impact.blocks[0].services.join(""), impact.severity), ("Compute cloud".into(), Severity::Major));
        let notice = of(&drafts, Family::Notice)[0];
        assert_eq!(notice.claim.header.object_id, "aws.data:ec2-us-east-1@1656000000/text");
        let Body::Notice(said) = &notice.claim.body else { panic!() };
        assert_eq!(said.text, "<div>9:00 AM PDT&nbsp;We look</div>", "markup stays text");
    }
}

#[test]
fn every_service_in_the_captures_has_a_class() {
    let mut keys = BTreeSet::new();
    let Some(body) = read("aws/currentevents-uae-only.utf16be.json") else { return };
    let events: Value = serde_json::from_str(&decode::text(&body).unwrap()).unwrap();
    keys.extend(events[0]["impacted_services"].as_object().unwrap().keys().cloned());
    let Some(archive) = lines("aws/data-archive-2016-2019.jsonl") else { return };
    let mut posts: Vec<Value> = archive.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    let Some(body) = read("aws/data-2022-07.json") else { return };
    let whole: Value = serde_json::from_slice(&body).unwrap();
    posts.extend(whole["archive"].as_array().unwrap().iter().cloned());
    keys.extend(posts.iter().map(|post| post["service"].as_str().unwrap().to_owned()));
    let regions = [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "sa-east-1",
        "ca-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "ap-south-1",
        "ap-east-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "af-south-1",
        "me-central-1",
    ];
    let stems: BTreeSet<&str> =
        keys.iter().map(|key| regions.iter().find_map(|r| key.strip_suffix(&format!("-{r}"))).unwrap_or(key)).collect();
    let mapping = Mapping::parse(include_str!("../mapping.toml")).unwrap();
    let coverage = mapping.coverage(stems.iter().copied());
    println!("{coverage:?}");
    assert_eq!(coverage.unknown, Vec::<String>::new());
    assert!(coverage.names > 150);
}

#[test]
fn half_of_whatever_capture_is_no_answer() {
    let Some(files) = all() else { return };
    for path in files {
        let whole = std::fs::read(&path).unwrap();
        for feed in [current_events(), data()] {
            let half = feed.read(&whole[..whole.len() / 2], now());
            assert!(half.is_err() || half.is_ok_and(|r| r.items.is_empty()), "half of {}", path.display());
        }
    }
}

#[test]
fn one_bad_entry_of_a_log_costs_only_itself_and_ends_no_event() {
    let mut edge = current();
    let good = r#"{"summary":"S","message":"We look","status":1,"timestamp":1780000000}"#;
    let bad = ["7", r#"{"message":"No time","status":3}"#, r#"{"message":"Old","timestamp":"915148800","status":3}"#];
    let body = format!("[{}]", event(&format!("{},{good}", bad.join(",")), ""));
    let drafts = play(&mut edge, [body.as_bytes()]);
    assert_eq!((of(&drafts, Family::Impact).len(), of(&drafts, Family::Notice).len()), (1, 1));
    assert_eq!(impact(&drafts).summary.as_deref(), Some("We look"));
    let told = rejected(&drafts);
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|told| told.feed == "aws-currentevents" && told.bytes < 60), "{told:?}");
    assert!(told[1].position.as_deref().is_some_and(|position| position.ends_with("AWS_X/1, update 2")));
    assert_eq!(play(&mut edge, [body.as_bytes()]).len(), 0, "said once a digest");
    let other = body.replace("AWS_X/1", "AWS_X/2");
    let closed = play(&mut edge, [other.as_bytes(), other.as_bytes()]);
    let ended = of(&closed, Family::Impact).iter().filter(|draft| draft.claim.header.cause.is_some()).count();
    assert_eq!(ended, 1, "the polls were whole");
}

#[test]
fn what_other_years_leave_out_is_not_stated() {
    let bare = r#"[{"arn":"arn:aws:health:::event/X","date":1780000000,"status":null,"service":null,
        "end_time":"","impacted_services":{"ec2-us-east-1":{},"s3-us-east-1":{"current":null,"max":2}},"event_log":null}]"#;
    for body in [bare.to_owned(), bare.replace(r#","status":null,"service":null"#, "")] {
        let drafts = play(&mut current(), [body.as_bytes()]);
        let impact = impact(&drafts);
        assert_eq!(
            (impact.phase, impact.severity, impact.blocks.len()),
            (Phase::Investigating, Severity::NotStated, 2)
        );
        assert_eq!(rejected(&drafts), []);
    }
    let post = post("Errors").replace(r#""status":"2""#, r#""status":null"#);
    let drafts = play(&mut older(), [format!("\u{feff}{}", post.replace('\n', "\r\n")).as_bytes()]);
    assert_eq!(impact(&drafts).severity, Severity::NotStated);
}

#[test]
fn numbers_that_cannot_be_meant_cost_one_event() {
    let good = String::from_utf8(open_event()).unwrap();
    let good = good.trim_start_matches('[').trim_end_matches(']');
    for bad in ["\"-1\"", "-1780000000", "99999999999999999999", "\"1e9\"", "915148800", "4102444800", "null", "1.5"] {
        let body = format!("[{},{good}]", good.replace("\"1780000000\"", bad));
        let drafts = play(&mut current(), [body.as_bytes()]);
        assert_eq!((of(&drafts, Family::Impact).len(), of(&drafts, Family::Rejected).len()), (1, 1), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes: no panic, and what is taken is what every reader of the bus takes.
    #[test]
    fn whatever_comes_is_read_or_refused(
        cut in 1usize..1_500, byte in any::<u8>(), at in 0usize..1_500, wide in any::<bool>(),
        junk in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,300}", key in "[a-z0-9é-]{0,40}",
    ) {
        let mut body = open_event();
        if wide {
            body = utf_16be(std::str::from_utf8(&body).unwrap());
        }
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        body.truncate(cut);
        let text = serde_json::to_string(&text).unwrap();
        let log = format!(r#"{{"message":{text},"status":{text},"timestamp":"1780000000"}}"#);
        let odd = event(&log, &format!(r#""{key}":{{"service_name":{text},"current":{text},"max":7}}"#));
        for answer in [&body, &junk, &odd.into_bytes()] {
            for mut edge in [current(), older()] {
                let outcome = edge.answered(answer, now());
                edge.taken(&outcome.drafts);
                for draft in &outcome.drafts {
                    prop_assert!(Event::read(&bytes(draft)).is_ok());
                }
            }
        }
    }
}
