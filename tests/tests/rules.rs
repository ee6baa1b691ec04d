//! The rules of the fold, one by one, on small logs: what joins and what never does, how far people's words reach, what
//! the door refuses, and what clock and feeds decide.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::{Cell, Incident, Picture};
use entente_correlator::select::{EventFilter, Select};
use entente_correlator::{Model, State, incident_id};
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record, Verdict};
use entente_tests::written::{Desk, STREAM, Sealed, at, block, impact, log, record, with};
use serde_json::{Value, json};

fn fold(records: Vec<Record>) -> State {
    let last = records.iter().map(|record| record.sequence).max().unwrap_or(0);
    let mut state = State::new("actual", Arc::new(Model::v1().unwrap()));
    records.into_iter().for_each(|record| state.offer(record));
    state.complete(&Position::of(STREAM, last));
    state
}

fn picture(events: &[Sealed], now: DateTime<Utc>) -> Picture {
    fold(log(events, at("06:00"))).picture(now, &Select::default())
}

fn began(clock: &str) -> Value {
    json!({"times": {"occurred_at": at(clock), "fidelity": "minute"}})
}

fn outage(title: &str, clock: &str, more: Value) -> Value {
    with(with(impact(title, "investigating", "major"), began(clock)), more)
}

/// Two impacts of two organisations; how many incidents they make.
fn joined(a: (&str, Value), b: (&str, Value)) -> Picture {
    let mut events = Vec::new();
    for (index, (org, body)) in [a, b].into_iter().enumerate() {
        events.push(Desk::new(org, "desk").say(Family::Impact, &format!("{org}:{index}"), at("05:00"), body));
    }
    picture(&events, at("06:10"))
}

#[test]
fn one_tracking_id_joins() {
    let cites = json!({"refs": [{"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"}]});
    let found = joined(("azure", outage("Disks", "04:00", cites.clone())), ("acme", outage("Logins", "05:30", cites)));
    assert_eq!(found.totals.incidents, 1);
    assert!(found.incidents[0].why[0].reasons[0].contains("tracking id 1K80-N_8"), "{:?}", found.incidents[0].why);
}

#[test]
fn one_support_link_joins_nobody() {
    let text = json!({"summary": "If you have questions, see https://cloud.google.com/support or https://support.google.com/a/answer/1047213"});
    let found = joined(("gcp", outage("Mail", "04:00", text.clone())), ("acme", outage("Chat", "04:10", text)));
    assert_eq!(found.totals.incidents, 2);
}

#[test]
fn one_item_page_joins() {
    let text = json!({"summary": "Details: https://status.cloud.google.com/incidents/DK3LfKowzJPpZq4Q9YqP"});
    let found = joined(("gcp", outage("VMs", "04:00", text.clone())), ("acme", outage("Jobs", "05:50", text)));
    assert_eq!(found.totals.incidents, 1);
}

#[test]
fn one_product_joins_within_a_day_only() {
    let cause = json!({"suspected_cause": {"vendor": "Acme Shield", "product": "Agent", "status": "identified"}});
    let near =
        joined(("aws", outage("Hosts", "04:00", cause.clone())), ("azure", outage("Hosts", "11:00", cause.clone())));
    assert_eq!(near.totals.incidents, 1);
    let late = json!({"times": {"occurred_at": at("04:00") - TimeDelta::hours(25)}});
    let far = joined(
        ("aws", outage("Hosts", "04:00", cause.clone())),
        ("azure", with(outage("Hosts", "04:00", cause), late)),
    );
    assert_eq!(far.totals.incidents, 2);
}

#[test]
fn one_service_in_one_region_joins_within_an_hour_only() {
    let ec2 = json!({"blocks": [{"provider": "aws", "service_class": "compute", "services": ["EC2"], "regions": ["us-east-1"], "state": "affected_degraded"}]});
    assert_eq!(
        joined(("aws", outage("A", "04:00", ec2.clone())), ("acme", outage("B", "04:40", ec2.clone())))
            .totals
            .incidents,
        1
    );
    assert_eq!(
        joined(("aws", outage("A", "04:00", ec2.clone())), ("acme", outage("B", "05:20", ec2.clone())))
            .totals
            .incidents,
        2
    );
    let elsewhere = json!({"blocks": [{"provider": "aws", "service_class": "compute", "services": ["EC2"], "regions": ["eu-west-1"], "state": "affected_degraded"}]});
    assert_eq!(
        joined(("aws", outage("A", "04:00", ec2)), ("acme", outage("B", "04:10", elsewhere))).totals.incidents,
        2
    );
}

#[test]
fn equal_texts_join_nobody() {
    let body = outage(
        "Increased API error rates",
        "04:00",
        json!({"summary": "We are investigating increased API error rates."}),
    );
    assert_eq!(joined(("aws", body.clone()), ("azure", body)).totals.incidents, 2);
}

#[test]
fn a_vendor_that_blames_a_cloud_is_part_of_its_outage_as_a_leaf() {
    let storage = json!({"blocks": [block("azure", "block_storage", "centralus", "affected_unavailable")]});
    let victim = json!({"summary": "Our service is down because of an outage of Microsoft Azure in Central US."});
    let found =
        joined(("azure", outage("Storage", "04:00", storage.clone())), ("acme", outage("Jobs", "04:30", victim)));
    assert_eq!(found.totals.incidents, 1);
    assert_eq!(found.incidents[0].why[0].relation.to_string(), "part_of");
    let elsewhere = json!({"summary": "Our service is down because of an outage of Microsoft Azure in West Europe."});
    let apart = joined(("azure", outage("Storage", "04:00", storage)), ("acme", outage("Jobs", "04:30", elsewhere)));
    assert_eq!(apart.totals.incidents, 2);
}

#[test]
fn an_express_distinction_keeps_apart_and_says_so() {
    let cites = json!({"refs": [{"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"}]});
    let denies = with(
        cites.clone(),
        json!({"refs": [
        {"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"},
        {"kind": "incident", "value": "azure:0", "relation": "distinct_from"}]}),
    );
    let block = json!({"blocks": [block("azure", "compute", "centralus", "affected_degraded")]});
    let (a, b) = (with(cites, block.clone()), with(denies, block));
    let found = joined(("azure", outage("Disks", "04:00", a)), ("acme", outage("Logins", "04:30", b)));
    assert_eq!(found.totals.incidents, 2);
    assert!(found.incidents[0].near[0].speaks_against.contains("expressly"), "{:?}", found.incidents[0].near);
}

struct Three {
    aws: Desk,
    azure: Desk,
    other: Desk,
    events: Vec<Sealed>,
}

/// Two impacts that the rules join, and desks that can speak about it.
fn three(other: &str) -> Three {
    let (mut aws, mut azure) = (Desk::new("aws", "desk"), Desk::new("azure", "desk"));
    let cites = json!({"refs": [{"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"}]});
    let events = vec![
        aws.say(Family::Impact, "aws:a", at("05:00"), outage("A", "04:00", cites.clone())),
        azure.say(Family::Impact, "azure:b", at("05:00"), outage("B", "04:10", cites)),
    ];
    Three { aws, azure, other: Desk::new(other, "desk"), events }
}

fn apart(reason: &str) -> Value {
    json!({"kind": "cannot_link", "objects": ["aws:a", "azure:b"], "reason": reason})
}

#[test]
fn a_strangers_word_is_an_opinion_and_the_coordinators_binds() {
    let mut stranger = three("acme");
    stranger.events.push(stranger.other.say(Family::Constraint, "acme:c", at("05:10"), apart("they look different")));
    let found = picture(&stranger.events, at("06:10"));
    assert_eq!(found.totals.incidents, 1);
    assert_eq!(
        found.incidents[0].constraints.iter().map(|o| (o.org.as_str(), o.binds)).collect::<Vec<_>>(),
        [("acme", false)]
    );
    let mut coordinator = three("cisa");
    coordinator.events.push(coordinator.other.say(Family::Constraint, "cisa:c", at("05:10"), apart("two causes")));
    assert_eq!(picture(&coordinator.events, at("06:10")).totals.incidents, 2);
}

#[test]
fn a_speakers_word_binds_for_its_own_object_and_two_organisations_bind_together() {
    let mut speaker = three("acme");
    speaker.events.push(speaker.aws.say(Family::Constraint, "aws:c", at("05:10"), apart("ours is another")));
    assert_eq!(picture(&speaker.events, at("06:10")).totals.incidents, 2);
    let mut two = three("acme");
    two.events.push(two.other.say(Family::Constraint, "acme:c", at("05:10"), apart("seen")));
    two.events.push(Desk::new("observer", "desk").say(
        Family::Constraint,
        "observer:c",
        at("05:10"),
        apart("seen too"),
    ));
    assert_eq!(picture(&two.events, at("06:10")).totals.incidents, 2);
}

#[test]
fn an_incident_is_found_by_its_id_its_alias_a_members_id_and_its_declared_name() {
    let mut three = three("cisa");
    let declare = json!({"kind": "declare", "objects": [incident_id("aws:a")], "name": "Blue Friday", "reason": "said on the bridge"});
    three.events.push(three.other.say(Family::Constraint, "cisa:name", at("05:20"), declare));
    let mut state = fold(log(&three.events, at("06:00")));
    let ids: Vec<String> = ["inc", "alias", "aws:a", "azure:b", "blue friday"]
        .into_iter()
        .map(|key| match key {
            "inc" => incident_id("aws:a"),
            "alias" => incident_id("azure:b"),
            key => key.to_owned(),
        })
        .collect();
    for key in ids {
        let found: Incident = state.incident(&key, at("06:10")).unwrap_or_else(|| panic!("{key}"));
        assert_eq!((found.id.as_str(), found.name.as_str()), (incident_id("aws:a").as_str(), "Blue Friday"), "{key}");
    }
    assert!(state.incident("no such thing", at("06:10")).is_none());
}

#[test]
fn a_withdrawn_revision_makes_the_one_before_it_current_again() {
    let mut three = three("acme");
    let first = three.events[0].clone();
    let worse = three.aws.say(
        Family::Impact,
        "aws:a",
        at("05:05"),
        with(outage("A", "04:00", json!({})), json!({"severity": "critical"})),
    );
    let target = json!({"target": worse.id, "target_object": "aws:a", "target_rev": 2, "target_source": worse.source, "scope": "revision", "reason": "wrong_fact"});
    let foreign = three.azure.say(Family::Retraction, "azure:r", at("05:06"), target.clone());
    let own = three.aws.say(Family::Retraction, "aws:r", at("05:07"), target);
    let severity = |events: &[Sealed]| {
        let mut state = fold(log(events, at("06:00")));
        let incident = state.incident("aws:a", at("06:10")).unwrap();
        let lane =
            incident.lanes.iter().find(|lane| lane.speaker == "aws").and_then(|lane| lane.claim.clone()).unwrap();
        (lane.rev, lane.severity.to_string())
    };
    assert_eq!(
        severity(&[first.clone(), worse.clone(), foreign.clone()]),
        (2, "critical".to_owned()),
        "only the own word withdraws"
    );
    assert_eq!(severity(&[first, worse, foreign, own]), (1, "major".to_owned()));
}

#[test]
fn the_door_holds_back_what_does_not_fit_and_takes_the_rest() {
    let mut desk = Desk::new("aws", "desk");
    let say =
        |desk: &mut Desk, object: &str| desk.say(Family::Impact, object, at("05:00"), outage("A", "04:00", json!({})));
    let events: Vec<Sealed> = (0..6).map(|index| say(&mut desk, &format!("aws:{index}"))).collect();
    let mut records = log(&events, at("06:00"));
    records[1].verdict = Verdict::Refused("the signature is not that of its key".into());
    records[2].key = "UANOTHER".into();
    records[3].subject = records[4].subject.clone();
    let mut early = log(&events[5..], at("06:00"));
    early[0].sequence = 6;
    early[0].logged = at("04:00");
    records[5] = early.remove(0);
    records.push(Record { sequence: 7, payload: Arc::from(&b"{\"not\": \"an event\"}"[..]), ..records[0].clone() });
    let found = fold(records).picture(at("06:10"), &Select::default());
    let reasons: Vec<&str> = found.held_back.iter().map(|held| held.reason.as_str()).collect();
    assert_eq!(found.totals.claims, 3, "{reasons:#?}");
    for word in ["signature", "another key", "subject", "cannot be read"] {
        assert!(reasons.iter().any(|reason| reason.contains(word)), "{word} in {reasons:#?}");
    }
    let desk = found.feeds.iter().find(|feed| feed.feed == "desk").unwrap();
    assert_eq!((desk.held_back, desk.gaps), (4, 3), "what is held back is missing from its chain");
}

#[test]
fn a_clock_that_runs_ahead_is_flagged_then_refused() {
    let mut desk = Desk::new("aws", "desk");
    let events = [
        desk.say(Family::Impact, "aws:a", at("06:00") + TimeDelta::seconds(30), outage("A", "04:00", json!({}))),
        desk.say(Family::Impact, "aws:b", at("06:10"), outage("B", "04:00", json!({}))),
    ];
    let found = picture(&events, at("06:10"));
    assert_eq!((found.totals.claims, found.totals.held_back), (1, 1));
    assert!(found.incidents[0].lanes[0].claim.as_ref().unwrap().clock_suspect);
}

fn feed_event(desk: &mut Desk, state: &str, since: &str) -> Sealed {
    let body = json!({"feed": "gcp-public", "state": state, "since": at(since), "reason": "connection refused",
        "coverage": {"speakers": ["gcp"], "service_classes": ["compute", "network"]}});
    desk.say(Family::Feed, "feed:local/gcp-public", at(since), body)
}

#[test]
fn blind_silent_overdue_and_confirmed_follow_from_feeds_and_clock() {
    let mut local = Desk::new("local", "gcp-public");
    let polled = json!({"speaker": {"org": "gcp", "role": "provider", "relay": "polled", "channel": "page"},
        "blocks": [block("gcp", "compute", "us-central1", "affected_degraded")], "next_update_by": at("06:30")});
    let events = [
        feed_event(&mut local, "live", "05:00"),
        local.say(Family::Impact, "gcp.public:1", at("05:00"), outage("VMs", "04:00", polled)),
    ];
    let mut state = fold(log(&events, at("06:00")));
    let lane = |state: &mut State, clock: &str| state.incident("gcp.public:1", at(clock)).unwrap().lanes.remove(0);
    let soon = lane(&mut state, "06:10");
    assert_eq!((soon.overdue_since, soon.silent_since, soon.sight.live), (None, None, 1));
    assert_eq!(soon.claim.and_then(|claim| claim.confirmed), Some(at("06:10")), "a live feed confirms");
    let later = lane(&mut state, "08:30");
    assert_eq!(later.overdue_since, Some(at("06:30")));
    assert!(later.silent_since.is_some(), "the feed works and nothing was said for two hours");
    let mut records = log(&events, at("06:00"));
    records.push(record(&feed_event(&mut local, "blind", "06:20"), 3, at("06:20")));
    let mut state = fold(records);
    let unseen = lane(&mut state, "08:30");
    assert_eq!((unseen.sight.blind_since, unseen.silent_since), (Some(at("06:20")), None), "blind is not silent");
    let picture = state.picture(at("08:30"), &Select::default());
    assert_eq!((picture.totals.blind, picture.totals.overdue), (1, 1));
    assert!(matches!(&picture.matrix.rows[0].cells[0], Cell::Claim(claim) if claim.stale), "{:?}", picture.matrix);
}

#[test]
fn an_empty_cell_says_why_it_is_empty() {
    let mut local = Desk::new("local", "gcp-public");
    let mut aws = Desk::new("aws", "desk");
    let blocks = json!({"blocks": [block("aws", "compute", "us-east-1", "affected_degraded"), block("aws", "database", "us-east-1", "affected_degraded")]});
    let events = [
        feed_event(&mut local, "live", "05:00"),
        aws.say(Family::Impact, "aws:a", at("05:00"), outage("A", "04:00", blocks)),
    ];
    let picture = picture(&events, at("06:10"));
    let gcp = picture.matrix.rows.iter().find(|row| row.speaker == "gcp").unwrap();
    assert_eq!(
        gcp.cells,
        [Cell::NotShared, Cell::NotTheirs],
        "compute is covered and was not said; databases are not covered"
    );
}

#[test]
fn as_of_equals_the_live_picture_at_every_cut() {
    let mut three = three("cisa");
    three.events.push(three.other.say(Family::Constraint, "cisa:c", at("05:10"), apart("two causes")));
    let records = log(&three.events, at("06:00"));
    let mut live = State::new("actual", Arc::new(Model::v1().unwrap()));
    for cut in 1..=records.len() {
        live.offer(records[cut - 1].clone());
        live.complete(&Position::of(STREAM, cut as u64));
        let then = fold(records[..cut].to_vec()).picture(at("07:00"), &Select::default());
        assert_eq!(live.picture(at("07:00"), &Select::default()), then, "cut {cut}");
    }
    assert_eq!(
        live.events(None, 10, &EventFilter { family: Some(Family::Constraint), ..EventFilter::default() }).len(),
        1
    );
}
