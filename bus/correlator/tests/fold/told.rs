//! What nobody said at first hand says who passed it on, wherever it is shown; and no title blames whom nobody blamed.

use entente_correlator::picture::Cell;
use entente_correlator::select::Select;
use entente_schemas::family::Family;
use serde_json::json;

use crate::written::{Desk, Log, at, heard_from, outage, with};

const BY: Option<&str> = Some("liaison, AWS");

#[test]
fn a_lane_heard_by_phone_says_so_in_every_view() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let cause = json!({"suspected_cause": {"vendor": "crowdstrike", "product": "falcon", "status": "identified"},
        "counts": [{"unit": "device", "quantity": "affected", "value": 7, "method": "vendor_statement", "as_of": at("05:30")}]});
    let body = with(outage("Hosts stop", "crowdstrike", cause), heard_from("crowdstrike"));
    aws.say(&mut log, Family::Impact, "aws:heard", body, None);
    let mut state = log.fold();
    let incident = state.incident("aws:heard", at("07:00")).unwrap();
    let lane = &incident.lanes[0];
    assert_eq!((lane.speaker.as_str(), lane.told_by.as_deref()), ("crowdstrike", BY));
    assert_eq!(incident.causes[0].told_by.as_deref(), BY);
    assert_eq!(incident.counts[0].figures[0].told_by.as_deref(), BY);
    let brief = &incident.brief;
    for answer in [&brief.affected.lead, &brief.count.detail, &brief.cause.lead, &brief.fresh.lead] {
        assert!(answer.contains("as told by liaison, AWS"), "{answer}");
    }
    let picture = state.picture(at("07:00"), &Select::default());
    let row = picture.matrix.rows.iter().find(|row| row.speaker == "crowdstrike").unwrap();
    assert!(matches!(&row.cells[0], Cell::Claim(claim) if claim.told_by.as_deref() == BY), "{row:?}");
}

#[test]
fn own_words_beside_told_ones_are_first_hand() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let shared = || {
        outage(
            "Hosts stop",
            "crowdstrike",
            json!({"refs": [{"kind": "tracking_id", "value": "1K80-N_8", "relation": "same"}]}),
        )
    };
    aws.say(&mut log, Family::Impact, "aws:heard", with(shared(), heard_from("crowdstrike")), None);
    Desk::new("crowdstrike").say(&mut log, Family::Impact, "crowdstrike:1", shared(), None);
    let incident = log.incident("aws:heard", "07:00");
    let lane = incident.lanes.iter().find(|lane| lane.speaker == "crowdstrike").unwrap();
    assert_eq!(lane.told_by, None);
    assert_eq!(incident.brief.affected.lead, "CrowdStrike: compute unavailable");
}

fn named(more: serde_json::Value) -> String {
    let mut log = Log::default();
    Desk::new("aws").say(&mut log, Family::Impact, "aws:1", outage("csagent.sys stops VMs", "aws", more), None);
    let mut azure = Desk::new("azure");
    azure.say(&mut log, Family::Impact, "azure:1", outage("csagent.sys stops machines", "azure", json!({})), None);
    let incident = log.incident("aws:1", "07:00");
    assert_eq!(incident.members.len(), 2, "one artifact joins");
    incident.name
}

#[test]
fn a_title_names_the_artifact_and_no_vendor_that_nobody_claimed() {
    assert_eq!(named(json!({})), "csagent.sys: compute at AWS and Azure");
    let cause =
        |status: &str| json!({"suspected_cause": {"vendor": "crowdstrike", "product": "falcon", "status": status}});
    assert!(named(cause("hypothesis")).starts_with("CrowdStrike "), "{}", named(cause("hypothesis")));
    assert!(named(cause("ruled_out")).starts_with("csagent.sys"), "{}", named(cause("ruled_out")));
}
