use entente_correlator::picture::Reply;
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::MessageKind;

use super::*;
use crate::fixture;

fn shown(one: &Incident) -> String {
    let mut frame = fixture::frame();
    frame.path = format!("/incidents/{}", one.id);
    incident(&frame, one, &fixture::picture())
}

#[test]
fn the_eight_answers_stand_first_and_lead_to_their_proof() {
    let html = shown(&fixture::incident());
    for question in ["affected", "count", "cause", "working", "owes", "told", "unknown", "fresh"] {
        let (_, answer) = html.split_once(&format!("data-q=\"{question}\"")).unwrap();
        let lead = answer.split_once("<bdi>").unwrap().1.split_once("</bdi>").unwrap().0;
        assert!(!lead.trim().is_empty(), "{question}");
    }
    for proof in
        ["lanes", "numbers", "cause", "approaches", "asks", "told", "disagree", "unknown", "why", "events", "time"]
    {
        assert_eq!(html.matches(&format!("<section class=\"panel\" id=\"{proof}\"")).count(), 1, "{proof}");
    }
    assert_eq!(html.matches("<h1").count(), 1);
}

#[test]
fn each_lane_keeps_its_own_words_and_how_they_came() {
    let html = shown(&fixture::incident());
    for part in [
        "SERVICE_INFORMATION",
        "as told by GCP",
        "public page",
        "no status word",
        "BLIND",
        "SILENT",
        "overdue",
        "restated",
        "beside, as told by AWS",
        "not shared",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn figures_carry_interval_regime_speaker_and_moment() {
    let html = shown(&fixture::incident());
    for part in [
        "870\u{202f}000 to 1.72\u{202f}M",
        "range",
        "interval not given",
        "exact enumeration",
        "telemetry extrapolation",
        "as of",
        "invented",
        "below 1.0 % of its population",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn repairs_show_intervals_and_harm_on_top() {
    let html = shown(&fixture::incident());
    for part in [
        "97.1 %",
        "96.9 to 97.2",
        "too early, n below 30",
        "17 of 19",
        "duplicate disk GUIDs",
        "Harm reported: 3",
        "n/a",
        "no claim",
        "CrowdStrike says 80.0 %",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let lower = html.to_lowercase();
    for word in ["recommended", "best "] {
        assert!(!lower.contains(word), "{word}");
    }
    assert!(html.find("Harm reported").unwrap() < html.find("96.9 to 97.2").unwrap());
}

#[test]
fn provider_addresses_are_links_only_to_listed_hosts() {
    let mut one = fixture::incident();
    one.told[0].url = Some("javascript:alert(1)".into());
    one.told[1].url = Some("https://evil.example/x".into());
    one.lanes[2].claim.as_mut().unwrap().native.as_mut().unwrap().url =
        Some("https://status.cloud.google.com/incidents/DK".into());
    let html = shown(&one);
    assert!(!html.contains("href=\"javascript") && !html.contains("href=\"https://evil"));
    assert!(html.contains("href=\"https://status.cloud.google.com/incidents/DK\" rel=\"noopener noreferrer\""));
}

#[test]
fn hostile_text_in_every_panel_stays_text() {
    let hostile = "<script>alert(1)</script>\u{202e}".to_owned();
    let mut one = fixture::incident();
    one.name = hostile.clone();
    one.brief.cause.lead = hostile.clone();
    one.unknowns[0].text = hostile.clone();
    one.disagreements[0].positions[0].says = hostile.clone();
    one.decisions[0].text = hostile.clone();
    one.why[0].reasons[0] = hostile.clone();
    one.near[0].other = hostile.clone();
    one.constraints[0].reason = hostile.clone();
    one.events[0].says = hostile.clone();
    one.approaches[0].name = hostile.clone();
    one.approaches[0].cautions[0].text = hostile.clone();
    one.causes[0].product = Some(hostile.clone());
    one.told[0].text = hostile.clone();
    one.counts[0].figures[0].population = Some(hostile.clone());
    let claim = one.lanes[0].claim.as_mut().unwrap();
    claim.title = hostile.clone();
    claim.words = Some(hostile.clone());
    claim.native.as_mut().unwrap().status = Some(hostile.clone());
    claim.blocks[0].services = vec![hostile.clone()];
    claim.blocks[0].regions = vec![hostile.clone()];
    let html = shown(&one);
    assert!(!html.contains("<script>alert"));
    assert!(!html.contains('\u{202e}'));
    assert!(html.matches("&lt;script&gt;").count() > 15);
}

#[test]
fn an_incident_of_one_claim_says_what_is_missing() {
    let html = shown(&fixture::bare());
    for part in [
        "no hypothesis claimed",
        "No speaker has given a figure. That is not zero.",
        "Nobody has described or run a repair.",
        "Nothing is asked or promised.",
        "Nothing was joined",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn an_affirmation_that_was_refused_says_why_beside_the_claim_as_it_stands() {
    let mut one = fixture::incident();
    one.lanes[0].claim.as_mut().unwrap().native = None;
    let sent = [("kind", "impact"), ("still", "1"), ("object_id", "aws:1"), ("incident", one.id.as_str())];
    let form = crate::Form::read(sent.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect()).unwrap();
    let problem = crate::FormProblem { path: "object_id".into(), what: "nothing was said of it".into() };
    let mut frame = fixture::frame();
    (frame.org, frame.form) = ("aws".into(), Some(form.refused(vec![problem])));
    let html = incident(&frame, &one, &fixture::picture());
    assert!(html.contains("nothing was said of it"));
    assert!(html.contains("value=\"Windows instances fail their status check\""));
}

#[test]
fn a_closed_incident_says_how_long_it_lasted_and_does_not_go_on() {
    let mut one = fixture::incident();
    one.open = false;
    one.lanes[2].claim.as_mut().unwrap().occurred_end = Some(fixture::time("2024-07-19T06:09:00Z"));
    let html = shown(&one);
    assert!(html.contains("lasted 2 h "));
    assert!(!html.contains("Elapsed since"));
}

#[test]
fn every_attribute_stands_once_in_its_tag() {
    let html = shown(&fixture::incident());
    for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
        assert!(tag.matches(" class=\"").count() <= 1 && tag.matches(" id=\"").count() <= 1, "{tag}");
    }
    assert!(html.contains("class=\"s-major is-stale\""), "a lane that cannot be seen keeps its colour and is hatched");
}

#[test]
fn ids_stand_once_and_nothing_is_inline() {
    let html = shown(&fixture::incident());
    assert!(!html.contains(" style="));
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn forms_stand_on_a_live_page_only_and_offer_to_revise_ones_own_claim() {
    let one = fixture::incident();
    let mut frame = fixture::frame();
    frame.org = "aws".into();
    let html = incident(&frame, &one, &fixture::picture());
    for kind in ["impact", "note", "request", "commitment"] {
        assert!(html.contains(&format!("id=\"say-{kind}\"")), "{kind}");
    }
    assert!(html.contains("name=\"incident\" value=\"inc-7q2mhx4d3k\""));
    frame.live = false;
    assert!(!incident(&frame, &one, &fixture::picture()).contains("action=\"/claims\""));
}

#[test]
fn ones_own_claim_is_revised_whole() {
    let mut one = fixture::incident();
    let claim = one.lanes[0].claim.as_mut().unwrap();
    claim.native = None;
    claim.position = 4_801.into();
    let mut frame = fixture::frame();
    frame.org = "aws".into();
    let html = incident(&frame, &one, &fixture::picture());
    for part in [
        "Revise your claim",
        "Our claim still holds",
        "value=\"us-east-1, eu-west-1, ap-south-1, sa-east-1\"",
        "name=\"counts.0.value\" value=\"610000\"",
        "value=\"2024-07-19T04:11\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn an_id_that_is_cut_leads_to_its_record_and_a_code_says_what_it_is_read_as() {
    let mut one = fixture::incident();
    let claim = one.lanes[2].claim.as_mut().unwrap();
    let native = claim.native.as_mut().unwrap();
    (native.id, native.status) = (format!("issues-connecting-{}", "x".repeat(40)), Some("3".into()));
    let html = shown(&one);
    let (_, id) = html.split_once("href=\"/events/4790\" title=\"issues-connecting-").unwrap();
    assert!(id.starts_with(&"x".repeat(40)), "whole");
    assert!(html.contains("<bdi>status 3</bdi>") && html.contains("read as mitigating, information"));
}

#[test]
fn many_places_are_told_as_classes_and_regions() {
    let mut one = fixture::incident();
    let claim = one.lanes[0].claim.as_mut().unwrap();
    claim.blocks = (0..28).map(|_| claim.blocks[0].clone()).collect();
    let html = shown(&one);
    assert!(
        html.contains("Windows VMs</span><span class=\"sub\">28 places, us-east-1, eu-west-1, ap-south-1 and 1 more")
    );
}

#[test]
fn the_head_names_who_told_of_the_worst() {
    assert!(shown(&fixture::incident()).contains("CrowdStrike, as told by AWS"));
}

#[test]
fn a_request_that_was_answered_says_how_and_by_whom() {
    let mut one = fixture::incident();
    one.owed[0].settled = true;
    one.owed[0].answers = vec![Reply {
        object_id: "crowdstrike:a".into(),
        speaker: "crowdstrike".into(),
        kind: MessageKind::Note,
        state: MessageState::Declined,
        text: "Not before the tally".into(),
        logged: fixture::at(),
        position: 4_820.into(),
    }];
    let html = shown(&one);
    assert!(html.contains("CrowdStrike, declined") && html.contains("Not before the tally"));
    assert!(html.contains("<span class=\"tag ok\">settled</span>"));
    let mut picture = fixture::picture();
    picture.owed = one.owed.clone();
    assert!(
        !crate::text::board(&fixture::frame(), &picture, &crate::Filters::default())
            .contains("Which builds took the file?")
    );
    assert!(
        crate::text::incident(&fixture::frame(), &one)
            .contains("    CrowdStrike, 12:40, declined: Not before the tally")
    );
}

#[test]
fn a_lane_without_a_claim_says_whether_it_spoke_at_all() {
    let mut one = fixture::incident();
    assert!(shown(&one).contains("not shared: named here by others"));
    one.lanes[4].heard = Some(fixture::at());
    assert!(shown(&one).contains("not shared: said other things here"));
}

#[test]
fn the_severity_stands_first_and_the_state_below_unless_it_is_over() {
    let mut one = fixture::incident();
    let claim = one.lanes[0].claim.as_mut().unwrap();
    (claim.severity, claim.state) = (Severity::Major, BlockState::AffectedUnavailable);
    assert!(shown(&one).contains("</svg>major</span><span class=\"sub\">unavailable</span>"));
    one.lanes[0].claim.as_mut().unwrap().state = BlockState::Restored;
    assert!(shown(&one).contains("</svg>restored</span><span class=\"sub\">severity major</span>"));
}

#[test]
fn what_is_kept_apart_is_called_by_its_title() {
    let (mut one, mut picture) = (fixture::incident(), fixture::picture());
    let other = &mut picture.incidents[1];
    (one.near[0].other, one.near[0].other_incident) = (other.members[0].object_id.clone(), Some(other.id.clone()));
    other.members[0].title = "Storage in one region".into();
    let html = incident(&fixture::frame(), &one, &picture);
    let (_, kept) = html.split_once("Kept apart: ").unwrap();
    let kept = kept.split_once("</h3>").unwrap().0;
    assert!(kept.contains("Storage in one region") && !kept.contains("class=\"mono\""), "{kept}");
}
