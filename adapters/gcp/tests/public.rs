//! The public feed against captures of it, and against everything else that can come out of a socket.
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

use entente_gcp::public;
use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Family, FeedState, Impact, Outcome, Phase};
use entente_schemas::header::Fidelity;
use entente_sidecar::mapping::Mapping;
use played::{Public, bytes, now, of, play, rejected};
use proptest::prelude::*;
use recorded::{all, lines, read};

fn edge() -> Public {
    Public::new(public())
}

fn count(drafts: &[Draft], family: Family) -> (usize, usize) {
    let of = drafts.iter().filter(|draft| draft.claim.family() == family);
    let objects: BTreeSet<&str> = of.clone().map(|draft| draft.claim.header.object_id.as_str()).collect();
    (objects.len(), of.count())
}

/// One incident in the shape of the feed, with what a test varies.
fn incident(members: &str) -> Vec<u8> {
    format!(
        r#"[{{"id":"Abc123","begin":"2026-07-01T10:00:00+00:00","created":"2026-07-01T10:05:00+00:00",
        "modified":"2026-07-01T10:05:00+00:00","external_desc":"Disks answer slowly","severity":"medium",
        "status_impact":"SERVICE_DISRUPTION","service_name":"Multiple Products",
        "affected_products":[{{"title":"Persistent Disk","id":"p1"}},{{"title":"Google Compute Engine","id":"p2"}}],
        "uri":"incidents/Abc123"{members}}}]"#
    )
    .into_bytes()
}

const OPEN: &str = r#","updates":[
    {"when":"2026-07-01T11:00:30+00:00","status":"SERVICE_OUTAGE","text":"Worse"},
    {"when":"2026-07-01T10:05:00+00:00","status":"SERVICE_INFORMATION","text":"We look"}],
    "currently_affected_locations":[{"id":"us-east1","title":"South Carolina (us-east1)"},{"id":"us-west1-b"}],
    "previously_affected_locations":[{"id":"us-east4"},{"id":"us-east1"}]"#;

fn only_impact(body: &[u8]) -> (Draft, Impact) {
    let drafts = play(&mut edge(), [body]);
    let draft = drafts.into_iter().find(|draft| draft.claim.family() == Family::Impact).unwrap();
    let impact = draft.claim.impact().unwrap().clone();
    (draft, impact)
}

#[test]
fn an_open_incident_takes_its_newest_update_s_word() {
    let (draft, impact) = only_impact(&incident(OPEN));
    assert_eq!((impact.phase, impact.severity), (Phase::Investigating, Severity::Critical));
    assert_eq!(impact.summary.as_deref(), Some("Worse"));
    let header = &draft.claim.header;
    assert_eq!(header.object_id, "gcp.public:Abc123");
    assert_eq!(header.times.fidelity, Some(Fidelity::Minute));
    let native = header.native.as_ref().unwrap();
    assert_eq!(native.url.as_deref(), Some("https://status.cloud.google.com/incidents/Abc123"));
    assert_eq!(
        (native.status.as_deref(), native.severity.as_deref(), native.category.as_deref()),
        (Some("SERVICE_OUTAGE"), Some("medium"), Some("SERVICE_DISRUPTION"))
    );
    let seen: Vec<_> = impact.blocks.iter().map(|b| (b.service_class, b.state, b.regions.join("+"))).collect();
    let (down, up) = (BlockState::AffectedUnavailable, BlockState::Restored);
    assert_eq!(
        seen,
        [
            (ServiceClass::Compute, down, "us-east1+us-west1".to_owned()),
            (ServiceClass::BlockStorage, down, "us-east1+us-west1".to_owned()),
            (ServiceClass::Compute, up, "us-east4".to_owned()),
            (ServiceClass::BlockStorage, up, "us-east4".to_owned()),
        ]
    );
    assert_eq!(impact.blocks[0].zones, ["us-west1-b"]);
    assert_eq!(impact.blocks[0].services, ["Google Compute Engine"]);
}

/// Digests are written for ever: these were computed by another program after EVENTS 3. A table that gives others would
/// say every incident anew.
#[test]
fn digests_are_the_ones_that_stand_in_logs() {
    let drafts = play(&mut edge(), [&incident(OPEN)[..]]);
    let digest = |id: &str| {
        let draft = drafts.iter().find(|draft| draft.claim.header.object_id == id).unwrap();
        draft.claim.header.native.as_ref().unwrap().digest.clone()
    };
    assert_eq!(digest("gcp.public:Abc123"), "4b0cf29457eb44d7430bc9595d6d29c3ba052f4aa3801a53a8e3c856f9dda438");
    assert_eq!(
        digest("gcp.public:Abc123/2026-07-01T11:00:30Z"),
        "8665648e0dcabf2ab8a5cfad3f9d18a560faa6f2916b02badce0604dd7892744"
    );
}

#[test]
fn an_end_closes_whatever_the_newest_update_says() {
    let (draft, impact) = only_impact(&incident(&format!(r#"{OPEN},"end":"2026-07-01T12:00:01+00:00""#)));
    assert_eq!((impact.phase, impact.outcome), (Phase::Resolved, Some(Outcome::Restored)));
    assert_eq!(impact.severity, Severity::Major, "the item's own when closed");
    assert!(impact.blocks.iter().all(|block| block.state == BlockState::Restored));
    assert_eq!(impact.blocks[0].regions, ["us-east1", "us-west1", "us-east4"]);
    assert!(draft.claim.header.times.occurred_end.is_some());
    assert!(draft.claim.header.backfill, "closed at the first good poll");
}

#[test]
fn an_edited_statement_is_a_revision_of_the_same_notice() {
    let mut edge = edge();
    let first = play(&mut edge, [&incident(OPEN)[..]]);
    assert_eq!(count(&first, Family::Notice), (2, 2));
    let edited = String::from_utf8(incident(OPEN)).unwrap().replace("We look", "We look into it");
    let second = play(&mut edge, [edited.as_bytes()]);
    let ids: Vec<&str> = second.iter().map(|draft| draft.claim.header.object_id.as_str()).collect();
    assert_eq!(ids, ["gcp.public:Abc123/2026-07-01T10:05:00Z"], "the newest update is as it was: no impact revision");
    assert_eq!(second[0].claim.header.rev, 2);
    // An older copy from a cache changes nothing.
    let newer =
        edited.replace(r#""modified":"2026-07-01T10:05"#, r#""modified":"2026-07-01T10:09"#).replace("Worse", "X");
    assert_eq!(play(&mut edge, [newer.as_bytes()]).len(), 2);
    assert_eq!(play(&mut edge, [edited.as_bytes(), &incident(OPEN)]).len(), 0);
}

#[test]
fn the_revision_file_gives_each_real_change_once() {
    let Some(lines) = lines("gcp/poll-revisions-before-2022-07-02.jsonl") else { return };
    let polls = || lines.iter().map(Vec::as_slice);
    let mut edge = edge();
    let first = play(&mut edge, polls());
    assert_eq!(count(&first, Family::Impact).1, 438);
    assert_eq!(count(&first, Family::Notice), (1_192, 1_221));
    assert_eq!(play(&mut edge, polls()).len(), 0, "a second pass");
    let payloads: Vec<Vec<u8>> = first.iter().map(bytes).collect();
    assert_eq!(payloads.iter().collect::<BTreeSet<_>>().len(), payloads.len());
    let mut restarted = self::edge();
    let events: Vec<Event> = payloads.iter().rev().map(|payload| Event::read(payload).unwrap()).collect();
    restarted.recall(&events);
    assert_eq!(play(&mut restarted, polls()).len(), 0, "a pass after a restart, by what the log holds");
}

#[test]
fn a_whole_feed_gives_every_incident_and_statement() {
    let Some(body) = read("gcp/incidents-2022-07.json") else { return };
    let drafts = play(&mut edge(), [&body[..]]);
    assert_eq!(count(&drafts, Family::Impact), (157, 157));
    assert_eq!(count(&drafts, Family::Notice), (770, 770));
    assert!(drafts.iter().all(|d| d.claim.family() == Family::Feed || d.claim.header.backfill), "all were closed");
    let feed = drafts.last().unwrap();
    let Body::Feed(live) = &feed.claim.body else { panic!("the feed's own state comes last") };
    assert_eq!((live.state, live.reason.as_str()), (FeedState::Live, "first poll"));
    assert_eq!(live.coverage.speakers, ["gcp"]);
    for draft in &drafts {
        Event::read(&bytes(draft)).unwrap();
    }
}

#[test]
fn the_widest_incident_fits_one_payload_with_every_product_and_place() {
    let Some(body) = read("gcp/incident-2025-06-12-service-control.json") else { return };
    let (draft, impact) = only_impact(&body);
    let size = bytes(&draft).len();
    let services: BTreeSet<&String> = impact.blocks.iter().flat_map(|block| &block.services).collect();
    let regions: BTreeSet<&String> = impact.blocks.iter().flat_map(|block| &block.regions).collect();
    println!("{} blocks, {size} bytes", impact.blocks.len());
    assert_eq!((services.len(), regions.len()), (55, 61));
    assert!(size < 32 * 1024 && draft.claim.header.trimmed.is_empty(), "{size} bytes");
}

#[test]
fn the_older_schema_is_read_too() {
    let Some(lines) = lines("gcp/legacy-2016-2018.jsonl") else { return };
    let mut edge = edge();
    let drafts = play(&mut edge, lines.iter().map(Vec::as_slice));
    let expected: BTreeSet<String> = lines
        .iter()
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["created"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(count(&drafts, Family::Impact).0, expected.len());
    assert_eq!(count(&drafts, Family::Rejected).0, 0);
    let known = drafts.iter().filter_map(|draft| draft.claim.impact());
    assert!(known.clone().all(|impact| impact.severity != Severity::NotStated && !impact.blocks.is_empty()));
    assert_eq!(play(&mut edge, lines.iter().map(Vec::as_slice)).len(), 0, "a second pass");
}

#[test]
fn every_product_in_the_captures_has_a_class() {
    let mut names = BTreeSet::new();
    let files = [
        "gcp/incidents-2022-07.json",
        "gcp/incident-2025-06-12-service-control.json",
        "gcp/poll-revisions-before-2022-07-02.jsonl",
        "gcp/legacy-2016-2018.jsonl",
    ];
    for file in files {
        let answers = if file.ends_with(".jsonl") { lines(file) } else { read(file).map(|body| vec![body]) };
        let Some(answers) = answers else { return };
        for answer in answers {
            let reading = public().read(&answer, now()).unwrap();
            let blocks = reading.items.into_iter().flat_map(|item| item.impact().unwrap().blocks.clone());
            names.extend(blocks.flat_map(|block| block.services));
        }
    }
    let mapping = Mapping::parse(include_str!("../mapping.toml")).unwrap();
    let coverage = mapping.coverage(names.iter().map(String::as_str));
    println!("{coverage:?}");
    assert_eq!(coverage.unknown, Vec::<String>::new());
    assert!(coverage.names > 100);
}

#[test]
fn half_of_whatever_capture_is_no_answer() {
    let Some(files) = all() else { return };
    let mut seen: BTreeMap<bool, usize> = BTreeMap::new();
    for path in files {
        let whole = std::fs::read(&path).unwrap();
        let read = public().read(&whole, now()).is_ok_and(|reading| reading.refused.is_empty());
        *seen.entry(read).or_default() += 1;
        let half = public().read(&whole[..whole.len() / 2], now());
        assert!(half.is_err() || half.is_ok_and(|r| r.items.is_empty()), "half of {}", path.display());
    }
    println!("read whole: {seen:?}");
    assert!(seen[&true] >= 2 && seen[&false] > 50);
}

#[test]
fn one_bad_incident_costs_only_itself() {
    let good = String::from_utf8(incident(OPEN)).unwrap();
    let good = good.trim_start_matches('[').trim_end_matches(']');
    let bad = [
        good.replace("2026-07-01T10:00:00", "1999-07-01T10:00:00"),
        good.replace("2026-07-01T10:00:00", "2099-07-01T10:00:00"),
        good.replace(r#""modified":"2026-07-01T10:05:00+00:00""#, r#""modified":"yesterday""#),
        good.replace(r#""Abc123","begin""#, r#"-17,"begin""#),
        good.replace(r#""title":"Persistent Disk""#, r#""title":1e999"#),
        good.replace(r#""id":"Abc123","#, r#""id":"","#).replace("created", "made"),
        r#"{"id":"<html>"}"#.to_owned(),
        "7".to_owned(),
    ];
    let body = format!("[{},{good}]", bad.join(","));
    // 1e999 is no number of JSON at all, so the whole answer falls with it.
    assert!(public().read(body.as_bytes(), now()).is_err() || body.contains("1e999"));
    let bad: Vec<&String> = bad.iter().filter(|item| !item.contains("1e999")).collect();
    let body = format!("[{},{good}]", bad.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(","));
    let mut edge = edge();
    let drafts = play(&mut edge, [body.as_bytes()]);
    assert_eq!(count(&drafts, Family::Impact), (1, 1));
    assert_eq!(count(&drafts, Family::Rejected), (bad.len(), bad.len()));
    for draft in drafts.iter().filter(|draft| draft.claim.family() == Family::Rejected) {
        let Body::Rejected(rejected) = &draft.claim.body else { panic!() };
        assert!(rejected.feed == "gcp-public" && rejected.bytes > 0 && rejected.position.is_some(), "{rejected:?}");
    }
    assert_eq!(play(&mut edge, [body.as_bytes()]).len(), 0, "said once a digest");
}

#[test]
fn one_bad_update_costs_only_itself() {
    let updates = r#","updates":[7,null,{"when":"yesterday","status":"SERVICE_OUTAGE","text":"Worse"},
        {"when":"2026-07-01T11:00:00Z","text":"\ud83d half a sign"},{"text":"Never"},
        {"created":"2026-07-01T10:20:00Z","when":null,"status":"SERVICE_INFORMATION","text":"Entered"},
        {"when":"2026-07-01T10:05:00Z","status":"SERVICE_DISRUPTION","text":"We look"}]"#;
    let mut edge = edge();
    let drafts = play(&mut edge, [&incident(updates)[..]]);
    let texts: Vec<&str> = of(&drafts, Family::Notice)
        .iter()
        .map(|draft| if let Body::Notice(notice) = &draft.claim.body { notice.text.as_str() } else { "" })
        .collect();
    assert_eq!(texts, ["We look", "Entered"]);
    let impact = of(&drafts, Family::Impact)[0].claim.impact().unwrap();
    assert_eq!((impact.summary.as_deref(), impact.severity), (Some("Entered"), Severity::Info));
    let told = rejected(&drafts);
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|told| told.position.as_deref().is_some_and(|place| place.starts_with("Abc123, update "))));
    assert!(told[2].reason.contains("`yesterday` is no time"), "{}", told[2].reason);
    assert!(told[4].reason.contains("neither `when` nor `created`"), "{}", told[4].reason);
    assert_eq!(play(&mut edge, [&incident(updates)[..]]).len(), 0, "said once a digest");
}

#[test]
fn what_other_years_leave_out_is_not_stated() {
    let whole = String::from_utf8(incident(OPEN)).unwrap();
    for (without, with) in [
        (r#""begin":"2026-07-01T10:00:00+00:00","#, ""),
        (r#""begin":"2026-07-01T10:00:00+00:00""#, r#""begin":null"#),
        (r#""title":"Persistent Disk""#, r#""title":null"#),
        (r#""status_impact":"SERVICE_DISRUPTION","#, ""),
        (r#""id":"Abc123","#, ""),
        ("2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00.123456+0000"),
        (r#"[{"id":"p"#, r#"[{"new":[{"deep":{}}],"id":"p"#),
    ] {
        let body = whole.replace(without, with).replace('\n', "\r\n");
        let drafts = play(&mut edge(), [format!("\u{feff}{body}").as_bytes()]);
        assert_eq!((count(&drafts, Family::Impact).1, rejected(&drafts)), (1, vec![]), "without {without}");
        assert_eq!(count(&drafts, Family::Notice).1, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes: no panic, and what is taken is what every reader of the bus takes.
    #[test]
    fn whatever_comes_is_read_or_refused(
        cut in 0usize..2_000, byte in any::<u8>(), at in 0usize..2_000, junk in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut body = incident(OPEN);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        body.truncate(cut.max(1));
        for answer in [&body, &junk] {
            let outcome = edge().answered(answer, now());
            for draft in &outcome.drafts {
                prop_assert!(Event::read(&bytes(draft)).is_ok());
            }
        }
    }

    #[test]
    fn odd_members_are_read_or_refused(text in "\\PC{0,600}", time in "[0-9TZ:+-]{0,25}", number in any::<i64>()) {
        let text = serde_json::to_string(&text).unwrap();
        for members in [
            format!(r#","updates":[{{"when":"2026-07-01T10:00:00Z","text":{text},"status":{text}}}]"#),
            format!(r#","end":"{time}""#),
            format!(r#","end":{number}"#),
            format!(r#","currently_affected_locations":[{{"id":{text}}}],"updates":[{{"when":"{time}"}}]"#),
        ] {
            let outcome = edge().answered(&incident(&members), now());
            prop_assert!(!outcome.drafts.is_empty());
            for draft in &outcome.drafts {
                prop_assert!(Event::read(&bytes(draft)).is_ok());
            }
        }
    }
}
