//! Several streams make one log: however their records are delivered, one stream long after another, the picture is that of
//! the log merged by logged time, stream and sequence; and what was live at a position is what is found there later.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test ends at what it did not expect"
)]

mod choice;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_correlator::select::{EventFilter, Select};
use entente_correlator::{Model, Place, Span, State};
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record};
use entente_schemas::tlp::Tlp;
use serde_json::json;

use choice::Choice;
use said::{ALL, BANKS, CLOUDS, Desk, Log, at, impact, stream_of};

fn model() -> Arc<Model> {
    Arc::new(Model::v1().unwrap())
}

/// Everything that a state shows, in bytes.
fn shown(state: &mut State) -> String {
    let picture = state.picture(at("12:00"), &Select::default());
    let incidents: Vec<_> = picture.incidents.iter().map(|one| state.incident(&one.id, at("12:00"))).collect();
    let events = state.events(None, usize::MAX, &EventFilter::default());
    let erasures: Vec<_> = state.erasures().iter().map(|entry| entry.event.id.clone()).collect();
    serde_json::to_string_pretty(&json!([picture, incidents, events, erasures])).unwrap()
}

/// The log up to a position, folded at once.
fn fold(model: &Arc<Model>, records: &[Record], upto: &Position) -> State {
    let mut state = State::new("actual", Arc::clone(model));
    let counted = records.iter().filter(|record| upto.covers(&record.stream, record.sequence));
    counted.cloned().for_each(|record| state.offer(record));
    state.complete(upto);
    state
}

fn end(records: &[Record]) -> Position {
    let mut end = Position::default();
    [ALL, BANKS, CLOUDS].into_iter().for_each(|audience| end.advance(&stream_of(audience), 0));
    records.iter().for_each(|record| end.advance(&record.stream, record.sequence));
    end
}

/// Where two texts part, for whoever has to find out why.
fn parted(a: &str, b: &str) -> String {
    let line = a.lines().zip(b.lines()).position(|(a, b)| a != b).unwrap_or(0);
    let around = |text: &str| text.lines().skip(line.saturating_sub(12)).take(18).collect::<Vec<_>>().join("\n");
    format!("--- expected\n{}\n--- found\n{}", around(a), around(b))
}

/// Delivers each stream at its own pace, shuffled and doubled, and completes now and then what has arrived without a hole.
/// At some positions on the way what is live is held against what is found there later.
fn deliver(model: &Arc<Model>, records: &[Record], choice: &mut Choice, seed: u64) -> State {
    let mut delivery: Vec<&Record> = records.iter().chain(records.iter().filter(|r| r.sequence % 3 == 0)).collect();
    choice.shuffle(&mut delivery);
    if choice.below(2) == 0 {
        // One stream whole before another.
        let first = choice.below(3);
        delivery.sort_by_key(|record| (streams().iter().position(|s| **s == *record.stream).unwrap() + first) % 3);
    }
    let mut state = State::new("actual", Arc::clone(model));
    let mut arrived: BTreeMap<Arc<str>, BTreeSet<u64>> = BTreeMap::new();
    for stream in streams() {
        state.complete(&Position::of(&stream, 0));
    }
    for record in delivery {
        arrived.entry(Arc::clone(&record.stream)).or_default().insert(record.sequence);
        state.offer(record.clone());
        if choice.below(4) == 0 {
            let there = &arrived[&record.stream];
            let whole = (1..).take_while(|sequence| there.contains(sequence)).last().unwrap_or(0);
            state.complete(&Position::of(&record.stream, whole));
        }
        if choice.below(30) == 0 {
            let position = state.position().clone();
            let (live, later) = (shown(&mut state), shown(&mut fold(model, records, &position)));
            assert!(live == later, "seed {seed}, at {position}:\n{}", parted(&later, &live));
        }
    }
    state.complete(&end(records));
    state
}

/// Words by which a picture tells what went wrong in a log.
const TROUBLE: [&str; 7] = [
    "than the one logged at",
    "another predecessor than the one logged. Start",
    "signed with another key",
    "was used before, by another event",
    "and erased",
    "Withdraw it there",
    "under the same revision",
];

fn streams() -> [String; 3] {
    [ALL, BANKS, CLOUDS].map(stream_of)
}

#[test]
fn any_delivery_of_several_streams_gives_the_same_bytes_at_every_position() {
    let model = model();
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let mut choice = Choice(seed);
        let records = said::log(&mut choice, 160);
        let expected = shown(&mut fold(&model, &records, &end(&records)));
        for trouble in TROUBLE {
            *met.entry(trouble).or_default() += expected.matches(trouble).count();
        }
        for _ in 0..2 {
            let found = shown(&mut deliver(&model, &records, &mut choice, seed));
            assert!(expected == found, "seed {seed}:\n{}", parted(&expected, &found));
        }
    }
    assert!(met.values().all(|times| *times > 20), "these logs have too little of the trouble that logs have: {met:?}");
}

#[test]
fn records_stand_in_the_order_in_which_they_were_logged_whatever_their_stream() {
    let mut log = Log::default();
    let (mut public, mut group) = (Desk::new("aws", "desk", ALL), Desk::new("gcp", "desk", BANKS));
    for (clock, in_group) in [("06:00", false), ("06:01", true), ("06:02", false), ("06:02", true), ("06:03", true)] {
        let desk = if in_group { &mut group } else { &mut public };
        let object = format!("{}:{clock}", desk.org());
        let said = desk.say(Family::Impact, &object, at(clock), impact("VMs stop", "aws"));
        log.take(said, at(clock));
    }
    let mut state = fold(&model(), &log.records, &end(&log.records));
    let told = |state: &State, before: Option<&Position>, limit| {
        let span = Span { before: before.cloned(), after: None };
        let page = state.page(&span, limit, &EventFilter::default());
        let places: Vec<String> = page.lines.iter().map(|line| line.position.to_string()).collect();
        (places, page.rest)
    };
    let group = |sequence| format!("{}:{sequence}", stream_of(BANKS));
    let all = [group(3), group(2), "2".into(), group(1), "1".into()];
    assert_eq!(told(&state, None, 9).0, all);
    let mut paged = Vec::new();
    let mut before = None;
    for _ in 0..3 {
        let (places, rest) = told(&state, before.as_ref(), 2);
        paged.extend(places);
        before = Some(rest);
    }
    assert_eq!(paged, all);
    assert_eq!(told(&state, before.as_ref(), 2).0, Vec::<String>::new());
    // A position of one stream alone counts nothing of the others.
    assert_eq!(told(&state, Some(&Position::of(&stream_of(ALL), 3)), 9).0, ["2", "1"]);
    let mut known = Position::of(&stream_of(BANKS), 1);
    known.advance(&stream_of(ALL), 2);
    let since = Span { after: Some(known), before: None };
    let since: Vec<String> =
        state.page(&since, 9, &EventFilter::default()).lines.iter().map(|line| line.position.to_string()).collect();
    assert_eq!(since, [group(3), group(2)], "what came late is found however old it is");
    let line = |key: &str| state.event(key).map(|(line, _)| (line.object_id, line.shared.map(|shared| shared.tlp)));
    assert_eq!(line("2"), Some(("aws:06:02".into(), None)));
    assert_eq!(line(&group(2)), Some(("gcp:06:02".into(), Some(Tlp::Amber))));
    assert_eq!((line("3"), line(&group(4)), line("A_actual_all:9")), (None, None, None));
    let picture = state.picture(at("07:00"), &Select::default());
    assert_eq!(picture.as_of, format!("A_actual_all:2,{}:3,{}:0", stream_of(BANKS), stream_of(CLOUDS)));
    assert_eq!(picture.tlp, Some(Tlp::Amber));
}

#[test]
fn what_everybody_may_read_is_told_as_if_there_were_no_groups() {
    let mut log = Log::default();
    let mut public = Desk::new("aws", "desk", ALL);
    log.take(public.say(Family::Impact, "aws:1", at("06:00"), impact("VMs stop", "aws")), at("06:00"));
    let mut state = fold(&model(), &log.records, &Position::of(&stream_of(ALL), 1));
    let picture = state.picture(at("07:00"), &Select::default());
    assert_eq!((picture.as_of.as_str(), picture.tlp), ("1", None));
    let json = serde_json::to_string(&(&picture, state.incident("aws:1", at("07:00")))).unwrap();
    for word in ["audience", "tlp", "A_actual"] {
        assert!(!json.contains(word), "{word}: {json}");
    }
    assert_eq!(serde_json::to_value(Place::default()).unwrap(), json!(0));
}

#[test]
fn a_claim_of_a_group_is_marked_wherever_it_is_shown() {
    let mut log = Log::default();
    let (mut public, mut group) = (Desk::new("aws", "desk", ALL), Desk::new("gcp", "gcp-compute", BANKS));
    log.take(public.say(Family::Impact, "aws:1", at("06:00"), impact("VMs stop", "aws")), at("06:00"));
    let counted = json!({"counts": [{"unit": "vm", "quantity": "affected", "value": 7, "method": "exact_enumeration", "as_of": at("06:00")}]});
    let body = said::with(impact("VMs stop", "aws"), counted);
    log.take(group.say(Family::Impact, "gcp:fleet/guest", at("06:00"), body), at("06:01"));
    let mut state = fold(&model(), &log.records, &end(&log.records));
    let incident = state.incident("aws:1", at("07:00")).unwrap();
    assert_eq!(incident.lanes.len(), 2);
    let marks: Vec<_> = incident
        .lanes
        .iter()
        .map(|lane| lane.claim.as_ref().unwrap().shared.as_ref().map(|shared| (shared.audience.as_str(), shared.tlp)))
        .collect();
    assert_eq!(marks, [None, Some((BANKS, Tlp::Amber))]);
    assert_eq!(incident.counts[0].figures[0].shared.as_ref().unwrap().audience, BANKS);
    assert_eq!(incident.tlp, Some(Tlp::Amber));
    let picture = state.picture(at("07:00"), &Select::default());
    let feeds: Vec<_> = picture.feeds.iter().map(|f| (f.feed.as_str(), f.shared.as_ref().map(|s| s.tlp))).collect();
    assert_eq!(feeds, [("desk", None), ("gcp-compute", Some(Tlp::Amber))]);
    assert_eq!(picture.recent[0].shared.as_ref().unwrap().audience, BANKS);
}

#[test]
fn a_retraction_counts_in_its_own_audience_alone() {
    for (audience, stands) in [(ALL, false), (BANKS, true)] {
        let mut log = Log::default();
        let (mut public, mut desk) = (Desk::new("aws", "desk", ALL), Desk::new("aws", "desk", audience));
        let said = public.say(Family::Impact, "aws:1", at("06:00"), impact("VMs stop", "aws"));
        log.take(said.clone(), at("06:00"));
        if audience == ALL {
            desk = public;
        }
        let body = said.withdrawn("legal");
        log.take(desk.say(Family::Retraction, "aws:r", at("06:01"), body), at("06:01"));
        let mut state = fold(&model(), &log.records, &end(&log.records));
        assert_eq!(state.incident("aws:1", at("07:00")).is_some(), stands, "{audience}");
        let held = state.picture(at("07:00"), &Select::default()).held_back;
        let told = held.iter().any(|one| one.reason.contains("another audience. Withdraw it there"));
        assert_eq!(told, stands, "{held:?}");
    }
}

#[test]
fn a_feed_that_moved_to_another_group_is_heard_there() {
    let mut log = Log::default();
    let (mut before, mut after) = (Desk::new("aws", "aws-ec2", BANKS), Desk::new("aws", "aws-ec2", CLOUDS));
    for _ in 0..5 {
        log.take(before.say(Family::Impact, "aws.ec2:f/guest", at("06:00"), impact("VMs stop", "aws")), at("06:00"));
    }
    let over = said::with(impact("VMs stop", "aws"), json!({"phase": "resolved"}));
    log.take(after.say(Family::Impact, "aws.ec2:f/guest", at("06:30"), over), at("06:30"));
    let mut state = fold(&model(), &log.records, &end(&log.records));
    let incident = state.incident("aws.ec2:f/guest", at("07:00")).unwrap();
    let claim = incident.lanes[0].claim.as_ref().unwrap();
    assert_eq!((claim.rev, claim.shared.as_ref().unwrap().audience.as_str()), (1, CLOUDS), "the later word speaks");
    let feeds = state.picture(at("07:00"), &Select::default()).feeds;
    assert_eq!(feeds.iter().map(|feed| (feed.claims, feed.instances)).collect::<Vec<_>>(), [(5, 1), (1, 1)]);
    assert_eq!(state.audiences("aws.ec2:f/guest").into_iter().collect::<Vec<_>>(), [BANKS, CLOUDS]);
}
