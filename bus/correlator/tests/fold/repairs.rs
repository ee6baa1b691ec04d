//! How far repairs have come: arms by place, figures that fall, and what several speakers' runs are together.

use entente_correlator::picture::{Approach, Reach};
use entente_schemas::family::Family;
use serde_json::{Value, json};

use crate::withdrawn::retraction;
use crate::written::{Desk, Log, outage, with};

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
