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

/// Three incidents' members by one product; what a person says is said about the one that was logged first, by its
/// incident's id.
fn withdrawn_anchor() -> (Vec<Sealed>, Desk) {
    let cause = json!({"suspected_cause": {"vendor": "Acme Shield", "product": "Agent", "status": "identified"}});
    let (mut aws, mut azure, mut gcp) =
        (Desk::new("aws", "desk"), Desk::new("azure", "desk"), Desk::new("gcp", "desk"));
    let old = incident_id("aws:a");
    let about = json!({"refs": [{"kind": "incident", "value": old, "relation": "related"}]});
    let asked =
        json!({"thread_id": "gcp:m", "kind": "request", "text": "Which repair works?", "state": "open", "to": ["aws"]});
    let figure =
        json!({"quantity": "affected", "unit": "vm", "lo": 10, "hi": 20, "method": "sketch", "as_of": at("05:20")});
    let told = json!({"about": "aws:a", "channel": "page", "audience_told": "public", "text": "We look into it."});
    let name = json!({"kind": "declare", "objects": [old], "name": "Blue Friday", "reason": "said on the bridge"});
    let mut events = vec![
        aws.say(Family::Impact, "aws:a", at("05:00"), outage("Hosts stop", "04:00", cause.clone())),
        azure.say(Family::Impact, "azure:b", at("05:00"), outage("Hosts stop", "04:20", cause.clone())),
        gcp.say(Family::Impact, "gcp:c", at("05:00"), outage("Hosts stop", "04:10", cause)),
        gcp.say(Family::Message, "gcp:m", at("05:10"), with(asked, about.clone())),
        gcp.say(Family::Estimate, "gcp:e", at("05:20"), with(figure, about)),
        aws.say(Family::Notice, "aws:a/1", at("05:20"), told),
        aws.say(Family::Constraint, "aws:name", at("05:20"), name),
    ];
    let (id, source) = (events[0].id.clone(), events[0].source.clone());
    let target = json!({"target": id, "target_object": "aws:a", "target_rev": 1, "target_source": source, "scope": "revision", "reason": "wrong_fact"});
    events.push(aws.say(Family::Retraction, "aws:r", at("05:30"), target));
    (events, aws)
}

#[test]
fn what_was_said_about_a_withdrawn_first_claim_stays_with_its_incident() {
    let (mut events, mut aws) = withdrawn_anchor();
    let mut state = fold(log(&events, at("06:00")));
    let old = incident_id("aws:a");
    for key in [old.as_str(), "aws:a", "blue friday", "azure:b", "gcp:m"] {
        let found = state.incident(key, at("06:10")).unwrap_or_else(|| panic!("{key}"));
        assert_eq!((found.id.as_str(), found.name.as_str()), (incident_id("azure:b").as_str(), "Blue Friday"), "{key}");
        assert!(found.aliases.contains(&old), "{:?}", found.aliases);
        assert_eq!((found.owed.len(), found.counts.len(), found.told.len()), (1, 1, 1), "{key}");
        assert!(found.members.iter().all(|member| member.object_id != "aws:a"));
        assert!(found.lanes.iter().all(|lane| lane.speaker != "aws" || lane.claim.is_none()), "{:?}", found.lanes);
    }
    let close = json!({"kind": "close", "objects": [old], "reason": "over"});
    events.push(aws.say(Family::Constraint, "aws:close", at("05:40"), close));
    let mut state = fold(log(&events, at("06:00")));
    assert!(!state.incident(&old, at("06:10")).unwrap().open, "a close by the old id counts");
    let apart = json!({"kind": "cannot_link", "objects": [old, "azure:b", "gcp:c"], "reason": "ours is another"});
    events.push(aws.say(Family::Constraint, "aws:apart", at("05:45"), apart));
    let mut state = fold(log(&events, at("06:00")));
    assert_eq!(state.picture(at("06:10"), &Select::default()).totals.incidents, 1, "its prohibition parts no others");
    assert!(state.incident(&old, at("06:10")).is_none(), "and it has no heir among those it is kept apart from");
    events.push(aws.say(Family::Impact, "aws:a", at("05:50"), outage("Hosts stop again", "04:00", json!({}))));
    let mut state = fold(log(&events, at("06:00")));
    assert_eq!(state.incident("aws:a", at("06:10")).unwrap().id, old, "what is said anew stands again");
}

#[test]
fn a_withdrawn_claim_is_looked_for_through_those_that_were_withdrawn_after_it() {
    let product =
        |product: &str| json!({"suspected_cause": {"vendor": "acme", "product": product, "status": "identified"}});
    let cites = |id: &str| json!({"refs": [{"kind": "tracking_id", "value": id, "relation": "same"}]});
    let (mut aws, mut azure, mut gcp) =
        (Desk::new("aws", "desk"), Desk::new("azure", "desk"), Desk::new("gcp", "desk"));
    let mut events = vec![
        aws.say(Family::Impact, "aws:a", at("05:00"), outage("A", "04:00", product("agent"))),
        azure.say(Family::Impact, "azure:b", at("05:00"), outage("B", "04:00", with(product("agent"), cites("X-1")))),
        gcp.say(Family::Impact, "gcp:c", at("05:00"), outage("C", "04:00", cites("X-1"))),
    ];
    for (desk, at_place, object) in [(&mut aws, 0, "aws:a"), (&mut azure, 1, "azure:b")] {
        let (id, source) = (events[at_place].id.clone(), events[at_place].source.clone());
        let target = json!({"target": id, "target_object": object, "target_rev": 1, "target_source": source, "scope": "object", "reason": "duplicate"});
        events.push(desk.say(Family::Retraction, &format!("{object}-r"), at("05:10"), target));
    }
    let mut state = fold(log(&events, at("06:00")));
    assert_eq!(state.incident(&incident_id("aws:a"), at("06:10")).unwrap().id, incident_id("gcp:c"));
}

/// Whether a vendor's words make its trouble part of an outage of AWS that is going on.
fn is_part_of_aws(words: &str) -> bool {
    let blocks = json!({"blocks": [block("aws", "compute", "eu-west-2", "affected_unavailable")]});
    let victim = outage("Jobs are delayed", "04:30", json!({"summary": words}));
    let found = joined(("aws", outage("Instances", "04:00", blocks)), ("acme", victim));
    found.totals.incidents == 1
}

#[test]
fn who_denies_that_a_cloud_is_the_cause_is_no_part_of_its_outage() {
    for words in [
        "This is not caused by the AWS outage in eu-west-2.",
        "This isn't caused by the AWS outage.",
        "This issue wasn\u{2019}t a result of the AWS outage.",
        "The delays are unrelated to the AWS outage.",
        "We are not affected by the AWS outage",
        "Our services are currently not impacted by the ongoing AWS incident.",
        "We aren't affected by the AWS outage.",
        "No AWS outage is involved.",
        "There is no known AWS issue at this time.",
        "Follow-up to the AWS outage of last week: the report is out.",
        "Report on the previous AWS outage.",
        "We do not believe this is related to the AWS outage.",
        "The AWS outage did not cause this.",
        "The AWS outage is not the cause of these delays.",
        "The AWS outage is not related to our delays.",
        "The AWS outage, which began at 10:00, does not affect our service.",
        "AWS is not to blame for this outage.",
        "An outage at AWS was ruled out as the cause.",
        "We have ruled out an AWS outage.",
        "This happened independently of the AWS outage.",
        "Our job queue overflowed rather than an AWS outage.",
        "This is a bug of ours, not an AWS outage.",
        "It is not an upstream AWS issue.",
        "Contrary to reports of an AWS outage, this is our own change.",
        "AWS has an outage in eu-west-2. We are not affected.",
        "AWS has an outage in eu-west-2, but we are currently not impacted by it.",
        "The delays have nothing to do with the AWS outage.",
        "The AWS outage has no impact on our service.",
        "There is no evidence of an AWS outage.",
        "We are not aware of any AWS outage.",
        "Neither caused by the AWS outage nor related to it.",
        "Jobs run without any AWS dependency.",
    ] {
        assert!(!is_part_of_aws(words), "joined: {words}");
    }
}

#[test]
fn who_says_that_a_cloud_is_the_cause_is_part_of_its_outage_whatever_else_is_denied() {
    for words in [
        "This is caused by the AWS outage in eu-west-2.",
        "Customers cannot log in due to the AWS outage.",
        "We are not able to process payments because of an AWS outage.",
        "Our API is not responding as a result of the AWS outage.",
        "We do not have an ETA for the AWS outage.",
        "There is no update yet on the AWS outage.",
        "Not all customers are affected by the AWS outage.",
        "Not only our service is affected by the AWS outage.",
        "This is not caused by our release, but by an outage at AWS.",
        "This is an outage at AWS rather than a fault of ours.",
        "This is not related to our deployment. The cause is the AWS outage.",
        "Our EU region is not affected. US customers are, due to the AWS outage.",
        "An AWS outage hit us at 04:10 and is not related to our maintenance.",
        "No data was lost in the AWS outage.",
        "We cannot rule out that the AWS outage causes this.",
        "The AWS outage has not been ruled out as the cause.",
        "Jobs fail without warning because of an AWS incident.",
        "Jobs are delayed because of the AWS outage; no customer data is impacted by this.",
        "We are no longer able to reach our provider: AWS outage.",
        "AWS has an outage. Our upstream provider is working on it. No action is needed.",
        "An upstream incident at AWS delays jobs, it is not resolved yet.",
    ] {
        assert!(is_part_of_aws(words), "not joined: {words}");
    }
}

#[test]
fn what_is_ruled_out_or_denied_joins_nobody_and_names_nothing() {
    let cause = |status: &str| json!({"suspected_cause": {"vendor": "acme", "product": "shield", "status": status}});
    let found = joined(
        ("aws", outage("Hosts stop", "04:00", cause("identified"))),
        ("azure", outage("Disks fail", "04:30", cause("ruled_out"))),
    );
    assert_eq!(found.totals.incidents, 2);
    let name = |picture: &Picture, org: &str| {
        picture.incidents.iter().find(|incident| incident.lanes[0].speaker == org).unwrap().name.clone()
    };
    assert!(name(&found, "aws").contains("shield") && !name(&found, "azure").contains("shield"));
    for words in
        ["Not related to CrowdStrike Falcon", "Hosts stop, unrelated to csagent.sys", "We do not use CrowdStrike"]
    {
        let falcon = outage("CrowdStrike Falcon stops hosts", "04:00", json!({}));
        let found = joined(("aws", falcon), ("azure", outage(words, "04:30", json!({}))));
        assert_eq!(found.totals.incidents, 2, "{words}");
    }
}

#[test]
fn ids_are_equal_that_differ_in_case_only_and_a_page_joins_wherever_it_is_cited() {
    let cites = |id: &str| json!({"refs": [{"kind": "tracking_id", "value": id, "relation": "same"}]});
    let found = joined(
        ("azure", outage("Disks", "04:00", cites("1K80-N_8"))),
        ("acme", outage("Logins", "05:30", cites("1k80-n_8"))),
    );
    assert_eq!(found.totals.incidents, 1);
    assert!(found.incidents[0].why[0].reasons[0].contains("tracking id 1K80-N_8"), "{:?}", found.incidents[0].why);
    for (kind, value) in [("url", "https://status.acme.example/incidents/abc124"), ("cve", "CVE-2024-1234")] {
        let says = |relation: &str| json!({"refs": [{"kind": kind, "value": value, "relation": relation}]});
        let with = |a: &str, b: &str| {
            let (a, b) = (outage("A", "04:00", says(a)), outage("B", "05:30", says(b)));
            joined(("aws", a), ("acme", b)).totals.incidents
        };
        assert_eq!((with("related", "related"), with("related", "distinct_from")), (1, 2), "{kind}");
    }
}

#[test]
fn a_region_is_one_place_by_its_name_and_by_its_code() {
    let ec2 = |region: &str| json!({"blocks": [{"provider": "aws", "service_class": "compute", "services": ["EC2"], "regions": [region], "state": "affected_degraded"}]});
    for (name, incidents) in [("N. Virginia", 1), ("US East (N. Virginia)", 1), ("us-east-1", 1), ("Ohio", 2)] {
        let found = joined(("aws", outage("A", "04:00", ec2("us-east-1"))), ("acme", outage("B", "04:30", ec2(name))));
        assert_eq!(found.totals.incidents, incidents, "{name}");
    }
}

#[test]
fn a_prohibition_of_very_many_is_an_opinion() {
    let mut three = three("cisa");
    let mut objects: Vec<String> = (0..2_000).map(|index| format!("acme:{index}")).collect();
    objects.extend(["aws:a".to_owned(), "azure:b".to_owned()]);
    let body = json!({"kind": "cannot_link", "objects": objects, "reason": "all of them"});
    three.events.push(three.other.say(Family::Constraint, "cisa:c", at("05:10"), body));
    let found = picture(&three.events, at("06:10"));
    assert_eq!(found.totals.incidents, 1);
    assert!(!found.incidents[0].constraints[0].binds);
}

#[test]
fn who_claims_nothing_is_told_apart_by_why_it_has_a_lane() {
    let mut local = Desk::new("local", "desk");
    let mut aws = Desk::new("aws", "desk");
    let run = json!({"approach_id": "local:reboot", "state": "running", "arms": [{"tally": {"attempted": 40, "succeeded": 20}}],
        "refs": [{"kind": "incident", "value": "aws:a", "relation": "related"}]});
    let events = [
        aws.say(Family::Impact, "aws:a", at("05:00"), outage("csagent.sys stops hosts", "04:00", json!({}))),
        local.say(Family::Remediation, "local:run", at("05:10"), run),
    ];
    let texts: Vec<String> =
        picture(&events, at("06:10")).incidents[0].unknowns.iter().map(|gap| gap.text.clone()).collect();
    for words in ["A part of what CrowdStrike makes is named", "Local has spoken here and has claimed no impact"] {
        assert!(texts.iter().any(|text| text.starts_with(words)), "{words} in {texts:?}");
    }
}

#[test]
fn the_answer_to_what_is_affected_begins_with_the_worst() {
    let blocks = json!({"blocks": [block("aws", "cdn_edge", "us-east-1", "restored"),
        block("aws", "compute", "us-east-1", "affected_unavailable"), block("aws", "ai_ml", "us-east-1", "affected_degraded")]});
    let found = picture(
        &[Desk::new("aws", "desk").say(Family::Impact, "aws:a", at("05:00"), outage("A", "04:00", blocks))],
        at("06:10"),
    );
    assert_eq!(found.incidents[0].brief.affected.lead, "AWS: compute unavailable, AI degraded and 1 more");
}
