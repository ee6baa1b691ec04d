//! Figures add over speakers' populations only, never over what one speaker typed twice.

use entente_correlator::picture::CountGroup;
use entente_schemas::family::Family;
use serde_json::{Value, json};

use crate::written::{Desk, Log, at, outage, with};

fn count(value: Value, more: Value) -> Value {
    let count = json!({"unit": "vm", "quantity": "affected", "method": "exact_enumeration", "as_of": at("05:30")});
    json!({"counts": [with(with(count, value), more)]})
}

fn joined(body: Value) -> Value {
    with(body, json!({"refs": [{"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"}]}))
}

/// One incident of these impacts, each by the organisation that it names.
fn group(claims: &[(&str, Value)]) -> CountGroup {
    let mut log = Log::default();
    let mut desks = std::collections::BTreeMap::new();
    for (index, (org, body)) in claims.iter().enumerate() {
        let desk = desks.entry(*org).or_insert_with(|| Desk::new(org));
        desk.say(&mut log, Family::Impact, &format!("{org}:{index}"), joined(outage("VMs", org, body.clone())), None);
    }
    let mut counts = log.incident(&format!("{}:0", claims[0].0), "07:00").counts;
    assert_eq!(counts.len(), 1);
    counts.remove(0)
}

fn shown(group: &CountGroup) -> (&str, Option<u64>, Option<u64>, usize) {
    (group.regime.as_str(), group.lo, group.hi, group.figures.len())
}

#[test]
fn an_equal_claim_typed_twice_is_one_figure() {
    let hundred = || count(json!({"value": 100}), json!({}));
    assert_eq!(shown(&group(&[("aws", hundred()), ("aws", hundred())])), ("one speaker", Some(100), Some(100), 1));
    let beside = group(&[("aws", hundred()), ("aws", hundred()), ("azure", count(json!({"value": 40}), json!({})))]);
    assert_eq!(shown(&beside), ("range", Some(100), Some(140), 2));
}

#[test]
fn of_one_population_the_newest_figure_of_a_speaker_counts() {
    let fleet = |value: u64, clock: &str| {
        count(json!({"value": value}), json!({"population": "fleet:aws", "as_of": at(clock)}))
    };
    let found = group(&[("aws", fleet(100, "05:30")), ("aws", fleet(70, "05:40"))]);
    assert_eq!(shown(&found), ("one speaker", Some(70), Some(70), 1));
}

#[test]
fn populations_of_one_speaker_that_differ_may_add_up() {
    let region = |region: &str, value: u64| {
        let block = json!({"provider": "aws", "service_class": "compute", "regions": [region], "state": "affected_unavailable"});
        with(count(json!({"value": value}), json!({})), json!({"blocks": [block]}))
    };
    assert_eq!(
        shown(&group(&[("aws", region("r1", 100)), ("aws", region("r2", 30))])),
        ("range", Some(100), Some(130), 2)
    );
}

#[test]
fn fleets_of_two_clouds_add_and_their_units_are_one_or_many() {
    let fleet = |org: &str, value: u64| count(json!({"value": value}), json!({"population": format!("fleet:{org}")}));
    let found = group(&[("aws", fleet("aws", 100)), ("azure", fleet("azure", 40))]);
    assert_eq!(shown(&found), ("disjoint", Some(140), Some(140), 2));
}

#[test]
fn without_an_upper_end_of_each_there_is_none_of_all() {
    let found =
        group(&[("aws", count(json!({"lo": 50}), json!({}))), ("azure", count(json!({"value": 40}), json!({})))]);
    assert_eq!(shown(&found), ("range", Some(50), None, 2));
}

#[test]
fn the_brief_counts_one_machine_as_one() {
    let mut log = Log::default();
    let body = outage("VM", "aws", count(json!({"value": 1}), json!({})));
    Desk::new("aws").say(&mut log, Family::Impact, "aws:1", body, None);
    assert_eq!(log.incident("aws:1", "07:00").brief.count.lead, "1 VM affected");
}
