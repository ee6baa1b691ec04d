//! How far repairs have come: arms by place, figures that fall, and what several speakers' runs are together.

use std::sync::Arc;

use entente_correlator::picture::{Approach, Reach};
use entente_correlator::{Model, State};
use entente_schemas::family::Family;
use entente_schemas::record::Position;
use entente_schemas::speaker::Role;
use serde_json::{Value, json};

use crate::withdrawn::retraction;
use crate::written::{Desk, Log, STREAM, at, outage, with};

/// A log with one incident, of which `aws:1` is the first member.
fn begun() -> Log {
    let mut log = Log::default();
    Desk::new("globex").say(&mut log, Family::Impact, "aws:1", outage("VMs stop", "aws", json!({})), None);
    log
}

fn arm(provider: &str, region: &str, tally: Value) -> Value {
    let block = json!({"provider": provider, "service_class": "compute", "regions": [region], "state": "restoring"});
    json!({"block": block, "device_class": "cloud_vm", "tally": tally})
}

/// A run of the approach that all of them run.
fn run(arms: Value) -> Value {
    json!({"approach_id": "acme:rescue", "state": "running", "arms": arms,
        "refs": [{"kind": "incident", "value": "aws:1", "relation": "related"}]})
}

fn tally(targeted: u64, attempted: u64, succeeded: u64) -> Value {
    json!({"targeted": targeted, "attempted": attempted, "succeeded": succeeded})
}

fn approach(log: &Log) -> Approach {
    let mut approaches = log.incident("aws:1", "09:00").approaches;
    assert_eq!(approaches.len(), 1);
    approaches.remove(0)
}

fn figures(reach: &Reach) -> [(Option<u64>, Option<u64>); 3] {
    let (lo, hi) = (&reach.lo, &reach.hi);
    [(lo.targeted, hi.targeted), (lo.attempted, hi.attempted), (lo.succeeded, hi.succeeded)]
}

fn exact(figures: [u64; 3]) -> [(Option<u64>, Option<u64>); 3] {
    figures.map(|figure| (Some(figure), Some(figure)))
}

#[test]
fn arms_rise_place_by_place_and_together() {
    let (mut log, mut desk) = (begun(), Desk::new("acme"));
    let mut said = Vec::new();
    for (rev, done) in [(1, 0), (2, 30), (3, 58)] {
        let arms = json!([arm("aws", "r2", tally(60, done, done)), arm("aws", "r1", tally(40, 40, 10))]);
        desk.say(&mut log, Family::Remediation, "acme.ssm:1", with(run(arms), json!({"rev": rev})), None);
        let found = approach(&log);
        let own = &found.runs[0];
        assert_eq!((own.arms[0].regions[0].as_str(), own.arms[1].regions[0].as_str()), ("r1", "r2"));
        assert_eq!(figures(&own.arms[1].reach), exact([60, done, done]));
        assert_eq!(own.arms[0].success.succeeded, 10);
        assert_eq!((found.reach.as_ref(), own.fallen.len()), (Some(&own.reach), 0));
        assert_eq!(own.reach.regime, "one speaker");
        said.push(figures(&own.reach));
    }
    assert_eq!(said, [exact([100, 40, 10]), exact([100, 70, 40]), exact([100, 98, 68])]);
    let brief = log.incident("aws:1", "09:00").brief.working;
    assert!(brief.detail.ends_with("98 of 100 attempted, 68 work again"), "{brief:?}");
}

#[test]
fn an_arm_of_one_place_is_no_list_and_what_is_not_told_is_no_zero() {
    let (mut log, mut desk) = (begun(), Desk::new("acme"));
    let arms = json!([arm("aws", "r1", json!({"targeted": 9, "attempted": 4}))]);
    desk.say(&mut log, Family::Remediation, "acme.ssm:1", run(arms), None);
    let found = approach(&log);
    assert_eq!((found.runs[0].arms.len(), found.pooled), (0, None));
    assert_eq!(found.runs[0].reach.lo.succeeded, None);
    let detail = log.incident("aws:1", "09:00").brief.working.detail;
    assert_eq!(detail, "4 of 9 attempted, outcome not told; too early: fewer than 30 known outcomes");
}

#[test]
fn a_figure_that_fell_says_what_it_was_unless_that_was_withdrawn() {
    let (mut log, mut desk) = (begun(), Desk::new("acme"));
    let mut say = |log: &mut Log, rev: u64, tally: Value| {
        let body = with(run(json!([arm("aws", "r1", tally)])), json!({"rev": rev}));
        desk.say(log, Family::Remediation, "acme.ssm:1", body, None)
    };
    say(&mut log, 1, tally(100, 60, 40));
    let highest = say(&mut log, 2, tally(100, 80, 70));
    say(&mut log, 3, tally(100, 80, 55));
    let fallen = |log: &Log| {
        let fallen = approach(log).runs.remove(0).fallen;
        fallen.into_iter().map(|fall| (fall.member, fall.from)).collect::<Vec<_>>()
    };
    assert_eq!(fallen(&log), [("succeeded".to_owned(), 70)]);
    desk.say(&mut log, Family::Retraction, "acme.desk:r1", retraction(&highest, 2, "wrong_fact"), None);
    assert_eq!(fallen(&log), []);
}

#[test]
fn runs_of_several_speakers_add_only_if_each_repairs_its_own_fleet() {
    let say = |log: &mut Log, org: &str, provider: &str, counts: Value| {
        let arms = json!([arm(provider, "r1", counts)]);
        Desk::new(org).say(log, Family::Remediation, &format!("{org}.tool:1"), run(arms), None);
    };
    let mut own = begun();
    say(&mut own, "aws", "aws", tally(100, 60, 50));
    say(&mut own, "gcp", "gcp", tally(30, 20, 10));
    let both = approach(&own).reach.unwrap();
    assert_eq!((both.regime.as_str(), figures(&both)), ("disjoint", exact([130, 80, 60])));

    // A customer's machines at AWS may be among those that AWS repairs.
    say(&mut own, "acme", "aws", tally(40, 40, 40));
    let all = approach(&own).reach.unwrap();
    let told = [(Some(100), Some(170)), (Some(60), Some(120)), (Some(50), Some(100))];
    assert_eq!((all.regime.as_str(), figures(&all)), ("range", told));
    let said = entente_correlator::words::reached(&all);
    assert_eq!(said, "60 to 120 of 100 to 170 attempted, 50 to 100 work again");
}

#[test]
fn outcomes_that_are_not_told_are_shown_and_leave_no_rate() {
    let success = |counts: Value| {
        let (mut log, arms) = (begun(), json!([arm("aws", "r1", counts)]));
        Desk::new("acme").say(&mut log, Family::Remediation, "acme.ssm:1", run(arms), None);
        let found = approach(&log);
        assert_eq!(found.pooled, Some(found.runs[0].success));
        (found.runs[0].success, log.incident("aws:1", "09:00").brief.working.lead)
    };
    let (silent, said) = success(tally(1_000, 240, 198));
    assert_eq!((silent.n, silent.succeeded, silent.untold, silent.ppm, silent.hi_ppm), (198, 198, 42, None, None));
    assert!(said.ends_with(": no rate, 42 outcomes not told"), "{said}");
    // Who counts what is under way, or failures, has told of all.
    for more in [json!({"in_progress": 42}), json!({"in_progress": 0}), json!({"failed": 0})] {
        let (told, said) = success(with(tally(1_000, 240, 198), more));
        assert_eq!((told.untold, told.ppm), (0, Some(1_000_000)));
        assert!(said.ends_with(" %"), "{said}");
    }
    let (lost, _) = success(with(tally(1_000, 240, 198), json!({"lost_to_followup": 40, "cancelled": 2})));
    assert_eq!((lost.untold, lost.ppm), (0, Some(1_000_000)));
}

/// An outage of acme's own, beside that of `aws:1`, that no rule ties to it.
fn other() -> Value {
    let block =
        json!({"provider": "acme", "service_class": "identity", "regions": ["r9"], "state": "affected_unavailable"});
    with(outage("Logins fail", "acme", json!({})), json!({"blocks": [block]}))
}

fn runs_of(log: &Log, incident: &str) -> Vec<(String, String, Vec<String>)> {
    let approaches = log.incident(incident, "09:00").approaches.into_iter();
    let runs = |one: &Approach| one.runs.iter().map(|run| format!("{} {}", run.speaker, run.success.n)).collect();
    approaches.map(|one| (one.object_id.clone(), one.name.clone(), runs(&one))).collect()
}

/// What is kept of incidents between records is the same as what follows from all records at once.
fn looked_at_after_each_record(log: &Log) {
    let mut state = State::new("actual", Arc::new(Model::v1().unwrap()));
    for (place, record) in (1_u64..).zip(&log.records) {
        state.offer(record.clone());
        state.complete(&Position::of(STREAM, place));
        let so_far = Log { records: log.records.iter().take(place.try_into().unwrap()).cloned().collect() };
        for object in ["aws:1", "acme:2"] {
            let seen = state.incident(object, at("09:00")).map(|incident| incident.approaches);
            assert_eq!(
                seen,
                so_far.fold().incident(object, at("09:00")).map(|incident| incident.approaches),
                "{place}"
            );
        }
    }
}

#[test]
fn a_run_counts_in_the_incident_that_it_names_and_not_where_its_approach_is_known() {
    let refers = |to: &str, relation: &str| json!({"refs": [{"kind": "incident", "value": to, "relation": relation}]});
    let rescue = json!({"name": "Rescue disk", "kind": "offline_disk_repair", "automation": "scripted"});
    let ran = |counts: Value, more: Value| with(run(json!([arm("aws", "r1", counts)])), more);
    let told = |failed: u64| json!({"targeted": 100, "attempted": 100, "succeeded": 100 - failed, "failed": failed});
    let (there, unnamed) = (refers("acme:2", "part_of"), json!({"refs": []}));
    let here =
        ("acme:rescue".to_owned(), "Rescue disk".to_owned(), vec!["bank 100".to_owned(), "initech 100".to_owned()]);
    let elsewhere = vec![("acme:rescue".to_owned(), "Rescue disk".to_owned(), vec!["acme 100".to_owned()])];
    for impact_is_late in [false, true] {
        let (mut log, mut acme) = (begun(), Desk::new("acme"));
        if !impact_is_late {
            acme.say(&mut log, Family::Impact, "acme:2", other(), None);
        }
        let approach = with(rescue.clone(), refers("aws:1", "related"));
        acme.say(&mut log, Family::Approach, "acme:rescue", approach, None);
        Desk::new("initech").say(&mut log, Family::Remediation, "initech.x:1", ran(told(1), unnamed.clone()), None);
        Desk::new("bank").say(&mut log, Family::Remediation, "bank.x:1", ran(told(1), json!({})), None);
        acme.say(&mut log, Family::Remediation, "acme.x:1", ran(told(93), there.clone()), None);
        if impact_is_late {
            // Until the incident is known, the run stands with its approach.
            assert_eq!(runs_of(&log, "aws:1")[0].2.len(), 3);
            acme.say(&mut log, Family::Impact, "acme:2", other(), None);
        }
        assert_eq!(runs_of(&log, "aws:1"), std::slice::from_ref(&here), "late: {impact_is_late}");
        assert_eq!(runs_of(&log, "acme:2"), elsewhere, "late: {impact_is_late}");
        let renamed = json!({"name": "Rescue the disk", "rev": 2});
        let renamed = with(with(rescue.clone(), refers("aws:1", "related")), renamed);
        acme.say(&mut log, Family::Approach, "acme:rescue", renamed, None);
        assert_eq!(runs_of(&log, "acme:2")[0].1, "Rescue the disk");
        looked_at_after_each_record(&log);
    }
}

#[test]
fn what_a_speaker_says_that_it_is_goes_before_what_is_said_of_it() {
    let mut log = begun();
    let refs = json!({"refs": [{"kind": "incident", "value": "aws:1", "relation": "same"}]});
    let of_bank = |role: &str, relay: &str| {
        let speaker = json!({"speaker": {"org": "bank", "role": role, "relay": relay}, "certainty": "likely"});
        with(with(outage("VMs stop", "aws", json!({})), refs.clone()), speaker)
    };
    let mut hearsay = of_bank("vendor", "relayed");
    hearsay["author"] = json!({"org": "acme"});
    Desk::new("acme").say(&mut log, Family::Impact, "acme.bank:1", hearsay, None);
    Desk::new("bank").say(&mut log, Family::Impact, "bank:1", of_bank("customer", "own"), None);
    let lanes = log.incident("aws:1", "09:00").lanes;
    let bank: Vec<Role> = lanes.iter().filter(|lane| lane.speaker == "bank").map(|lane| lane.role).collect();
    assert_eq!(bank, [Role::Customer]);
}
