//! July 2024, folded: two incidents and never one, and the eight answers at three moments of the night.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Incident, Picture};
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_schemas::record::Position;
use entente_tests::july::{self, STORAGE, WINDOWS, moment};
use entente_tests::written::{Desk, STREAM, record};

fn state_at(until: DateTime<Utc>) -> State {
    let mut desks: BTreeMap<&str, Desk> = BTreeMap::new();
    let mut state = State::new("actual", Arc::new(Model::v1().unwrap()));
    let steps = july::known_by(until);
    for (step, sequence) in steps.iter().zip(1..) {
        let desk = desks.entry(step.org).or_insert_with(|| Desk::new(step.org, "desk"));
        let event = desk.say(step.family, step.object, july::observed(step), step.claim.clone());
        state.offer(record(&event, sequence, step.known));
    }
    state.complete(&Position::of(STREAM, steps.len() as u64));
    state
}

fn picture_at(clock: &str) -> (Picture, Incident, Incident) {
    let at = moment(clock);
    let mut state = state_at(at);
    let picture = state.picture(at, &Select::default());
    let storage = state.incident(STORAGE, at).expect("the storage outage");
    let windows = state.incident(WINDOWS, at).expect("the Windows incident");
    (picture, storage, windows)
}

#[test]
fn two_incidents_and_never_one() {
    for clock in ["19T05:27", "19T07:15", "19T09:45", "19T11:56", "19T12:00"] {
        let (picture, storage, windows) = picture_at(clock);
        assert_ne!(storage.id, windows.id, "{clock}");
        assert_eq!(picture.held_back, [], "{clock}");
    }
    let (picture, storage, windows) = picture_at("19T12:00");
    let names: Vec<(&str, usize)> = picture.incidents.iter().map(|i| (i.name.as_str(), i.members.len())).collect();
    assert_eq!(picture.totals.incidents, 2, "{names:#?}");
    let members = |incident: &Incident| incident.members.iter().map(|m| m.object_id.clone()).collect::<Vec<_>>();
    assert!(members(&storage).contains(&"statuspage.codehost:ch1".to_owned()), "{:?}", members(&storage));
    let expected = [
        "aws:windows-instances",
        "aws:heard-from-crowdstrike",
        "gcp.public:windows-vms",
        "crowdstrike:291",
        "azure.rss:1VT1-LX0",
        "gcp:rescue-vm",
        "crowdstrike:revert",
    ];
    for object in expected {
        assert!(members(&windows).contains(&object.to_owned()), "{object} in {:?}", members(&windows));
    }
}

#[test]
fn the_eight_questions_are_answered_at_every_moment() {
    for clock in ["19T05:27", "19T07:15", "19T12:00"] {
        let (_, _, windows) = picture_at(clock);
        let brief = &windows.brief;
        let answers = [
            ("affected", &brief.affected),
            ("count", &brief.count),
            ("cause", &brief.cause),
            ("working", &brief.working),
            ("owes", &brief.owes),
            ("told", &brief.told),
            ("unknown", &brief.unknown),
            ("fresh", &brief.fresh),
        ];
        for (question, answer) in answers {
            println!("{clock} {question}: {} | {}", answer.lead, answer.detail);
            assert!(!answer.lead.trim().is_empty(), "{clock} {question}");
        }
    }
}

#[test]
fn what_the_sources_disagree_about_is_shown() {
    let (_, _, windows) = picture_at("19T12:00");
    let kinds: Vec<&str> = windows.disagreements.iter().map(|d| d.kind.as_str()).collect();
    assert!(kinds.contains(&"start"), "04:09, 04:30 and 06:48 are claimed: {kinds:?}");
    assert!(kinds.contains(&"severity"), "critical and information are claimed: {kinds:?}");
    let azure = windows.lanes.iter().find(|lane| lane.speaker == "azure").expect("a lane");
    assert_eq!(azure.claim.as_ref().map(|claim| (claim.occurred_at, claim.blocks[0].regions.len())), Some((None, 0)));
    assert!(windows.unknowns.iter().any(|gap| gap.speaker.as_deref() == Some("azure") && gap.kind == "region"));
    let told_by_phone = picture_at("19T05:27").2;
    let vendor = told_by_phone.lanes.iter().find(|lane| lane.speaker == "crowdstrike").expect("a lane");
    assert_eq!(vendor.claim.as_ref().and_then(|claim| claim.told_by.clone()).as_deref(), Some("liaison, AWS"));
    println!("{}", windows.name);
}
