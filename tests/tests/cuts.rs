//! What looking back promises: the picture as of a position equals the one that was live at that position, whichever
//! milestones were kept on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_replay::{Archive, AsOf, Milestones};
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record};
use entente_tests::written::{Desk, STREAM, at, log, with};
use proptest::prelude::*;
use serde_json::json;

const ORGS: [&str; 4] = ["aws", "azure", "gcp", "crowdstrike"];

/// One publication: who, which of its objects, what kind.
type Step = (usize, usize, usize);

/// A log that these steps lead to: impacts whose times, phases and regions move, statements about them, requests,
/// people's words on joining.
fn written_log(steps: &[Step]) -> Vec<Record> {
    let mut desks: Vec<Desk> = ORGS.iter().map(|org| Desk::new(org, "desk")).collect();
    let mut events = Vec::new();
    for (count, (who, which, what)) in (0_i64..).zip(steps) {
        let (org, desk) = (ORGS[*who], &mut desks[*who]);
        let (own, recorded) = (format!("{org}:item-{which}"), at("04:00") + TimeDelta::seconds(count));
        events.push(match what {
            0 => {
                let text = json!({"about": own, "channel": "page", "audience_told": "public", "text": "We look into it."});
                desk.say(Family::Notice, &format!("{own}/1"), recorded, text)
            }
            1 => {
                let body = json!({"thread_id": format!("{org}:thread"), "kind": "request", "text": "Which repair works?",
                    "state": "open", "to": ["gcp"], "due_at": recorded + TimeDelta::minutes(5)});
                desk.say(Family::Message, &format!("{org}:message"), recorded, body)
            }
            2 => {
                let other = format!("{}:item-{which}", ORGS[(who + 1) % ORGS.len()]);
                let body = json!({"kind": "must_link", "objects": [own, other], "reason": "one machine room"});
                desk.say(Family::Constraint, &format!("{org}:constraint"), recorded, body)
            }
            _ => {
                let phase = ["investigating", "identified", "resolved"][what % 3];
                let started = recorded - TimeDelta::minutes(i64::try_from(*what).unwrap());
                let impact = json!({"kind": "incident", "phase": phase, "severity": "major", "title": "Windows VMs stop"});
                let block = json!({"provider": org, "service_class": "compute", "regions": ["us-east-1"], "state": "affected_unavailable"});
                let body = with(impact, json!({
                    "blocks": [block],
                    "times": {"occurred_at": started, "fidelity": "minute"},
                    "suspected_cause": {"vendor": "CrowdStrike", "product": "Falcon", "status": "identified"},
                }));
                desk.say(Family::Impact, &own, recorded, body)
            }
        });
    }
    log(&events, at("04:30"))
}

fn shown(state: &mut State, clock: &str) -> String {
    serde_json::to_string(&state.picture(at(clock), &Select::default())).unwrap()
}

/// Folds live, batch by batch, and notes the picture after each batch.
fn lived(records: &[Record], batch: usize, milestones: Milestones) -> (Archive, BTreeMap<u64, String>) {
    let model = Arc::new(Model::v1().unwrap());
    let mut live = State::new("actual", Arc::clone(&model));
    let mut archive = Archive::with_milestones("actual", model, milestones);
    let mut pictures = BTreeMap::new();
    for records in records.chunks(batch) {
        records.iter().cloned().for_each(|record| live.offer(record));
        let reached = records.last().unwrap().sequence;
        live.complete(&Position::of(STREAM, reached));
        archive.take(records.to_vec(), &live);
        pictures.insert(reached, shown(&mut live, "06:00"));
    }
    (archive, pictures)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..ORGS.len(), 0..3_usize, 0..9_usize), 1..70)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_picture_as_of_a_position_is_the_one_that_was_live_there(steps in steps(), batch in 1..7_usize, most in 1..5_usize) {
        let records = written_log(&steps);
        let (archive, pictures) = lived(&records, batch, Milestones::new(most, 5));
        for (sequence, live) in &pictures {
            let position = Position::of(STREAM, *sequence);
            let mut then = archive.cut(&position).fold();
            prop_assert_eq!(&shown(&mut then, "06:00"), live);
            let mut whole = State::new("actual", Arc::new(Model::v1().unwrap()));
            records.iter().cloned().for_each(|record| whole.offer(record));
            whole.complete(&position);
            prop_assert_eq!(&shown(&mut whole, "06:00"), live);
        }
    }
}

#[test]
fn fifty_cuts_of_a_long_log_are_folded_from_the_milestones() {
    let steps: Vec<Step> = (0..400_usize).map(|n| (n * 7 % 4, n * 5 % 3, n * 11 % 9)).collect();
    let records = written_log(&steps);
    let (archive, pictures) = lived(&records, 8, Milestones::new(4, 40));
    let cuts: Vec<(&u64, &String)> = pictures.iter().collect();
    assert_eq!(cuts.len(), 50);
    for (sequence, live) in cuts {
        assert_eq!(
            &shown(&mut archive.cut(&Position::of(STREAM, *sequence)).fold(), "06:00"),
            live,
            "as of {sequence}"
        );
    }
    let last = archive.cut(&Position::of(STREAM, 400));
    assert!(last.distance() <= 50, "{} records are folded again", last.distance());
}

#[test]
fn a_time_shows_what_was_logged_by_then() {
    let steps: Vec<Step> = (0..20).map(|n| (n % 4, 0, 3)).collect();
    let (archive, pictures) = lived(&written_log(&steps), 1, Milestones::default());
    // The log stores one record a second from 04:30:01 on.
    let as_of = AsOf::parse("2024-07-19T04:30:12Z", STREAM).unwrap();
    let position = as_of.position(archive.timeline());
    assert_eq!(position.sequence(STREAM), 12);
    assert_eq!(shown(&mut archive.cut(&position).fold(), "06:00"), pictures[&12]);
    let before = AsOf::parse("2024-07-19T04:29Z", STREAM).unwrap().position(archive.timeline());
    let mut nothing = archive.cut(&before).fold();
    assert_eq!(nothing.picture(at("04:29"), &Select::default()).totals.incidents, 0);
    assert_eq!(nothing.logged(), None);
}
