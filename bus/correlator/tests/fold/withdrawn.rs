//! What is withdrawn, what a retraction cannot withdraw, and what is left to see of what was erased.

use entente_correlator::State;
use entente_correlator::select::Select;
use entente_schemas::family::Family;
use entente_schemas::record::Record;
use serde_json::{Value, json};

use crate::written::{Desk, Log, Said, at, outage, with};

pub fn retraction(target: &Said, rev: u64, reason: &str) -> Value {
    json!({"target": target.id, "target_object": target.object, "target_rev": rev, "target_source": target.source,
        "target_sequence": target.sequence, "target_hash": target.hash, "target_signature": "A".repeat(86),
        "scope": "revision", "reason": reason})
}

/// What the fold tells of the retractions, by their object.
fn reasons(state: &mut State) -> Vec<String> {
    let picture = state.picture(at("07:00"), &Select::default());
    assert_eq!(picture.totals.held_back, picture.held_back.len());
    picture.held_back.into_iter().map(|held| held.reason).collect()
}

#[test]
fn a_retraction_without_effect_says_why() {
    let (mut log, mut aws, mut azure) = (Log::default(), Desk::new("aws"), Desk::new("azure"));
    let first = aws.say(&mut log, Family::Impact, "aws:1", outage("A", "aws", json!({})), None);
    let other = azure.say(&mut log, Family::Impact, "azure:1", outage("B", "azure", json!({})), None);
    aws.say(&mut log, Family::Retraction, "aws:r1", retraction(&first, 1, "wrong_fact"), None);
    assert!(reasons(&mut log.fold()).is_empty());
    aws.say(&mut log, Family::Retraction, "aws:r2", retraction(&first, 1, "wrong_fact"), None);
    aws.say(
        &mut log,
        Family::Retraction,
        "aws:r3",
        retraction(&Said { id: "no-such".into(), ..first }, 1, "duplicate"),
        None,
    );
    aws.say(&mut log, Family::Retraction, "aws:r4", retraction(&other, 1, "duplicate"), None);
    let mut state = log.fold();
    let told = reasons(&mut state);
    for (held, words) in told.iter().zip(["only the target's own", "not in the log", "withdrawn before"]) {
        assert!(held.starts_with("withdraws nothing: ") && held.contains(words), "{words} in {told:?}");
    }
    assert_eq!(told.len(), 3);
    let (line, _) = state.event("4").unwrap();
    assert!(line.says.contains("without effect: was withdrawn before, at 19 Jul 2024 06:02 by AWS"), "{}", line.says);
}

#[test]
fn an_affirmation_of_nothing_is_a_claim_like_any() {
    let mut log = Log::default();
    let body = with(outage("VMs stop", "aws", json!({})), json!({"cause": "still"}));
    Desk::new("aws").say(&mut log, Family::Impact, "aws:1", body, None);
    let incident = log.incident("aws:1", "07:00");
    assert_eq!((incident.changed.at, incident.changed.speaker.as_str()), (at("06:00"), "aws"));
    assert_eq!(incident.changed.what, "investigating, major: VMs stop");
}

/// Three revisions, the second erased; a fourth event of the source follows.
fn erased() -> (Log, Said) {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let revision = |rev: u64, title: &str| with(outage(title, "aws", json!({})), json!({"rev": rev}));
    aws.say(&mut log, Family::Impact, "aws:1", revision(1, "VMs stop"), None);
    let secret = aws.say(&mut log, Family::Impact, "aws:1", revision(2, "The secret"), None);
    aws.say(
        &mut log,
        Family::Message,
        "aws:n",
        json!({"thread_id": "aws:n", "kind": "note", "text": "x", "state": "open"}),
        None,
    );
    aws.say(&mut log, Family::Retraction, "aws:r", retraction(&secret, 2, "unauthorized"), None);
    (log, secret)
}

#[test]
fn who_starts_after_an_erasing_sees_what_who_saw_it_happen_sees() {
    let (whole, secret) = erased();
    let mut after = Log { records: whole.records.clone() };
    after.records.remove(1);
    let (mut live, mut late) = (whole.fold(), after.fold());
    assert_eq!(live.picture(at("07:00"), &Select::default()), late.picture(at("07:00"), &Select::default()));
    let incident = late.incident("aws:1", at("07:00")).unwrap();
    assert_eq!(incident, live.incident("aws:1", at("07:00")).unwrap());
    let shown: Vec<(&str, u64)> = incident.events.iter().map(|line| (line.says.as_str(), line.rev)).collect();
    assert_eq!(shown, [("withdrawn at 19 Jul 2024 06:03 by AWS and erased", 2), ("investigating, major: VMs stop", 1)]);
    let picture = late.picture(at("07:00"), &Select::default());
    assert_eq!((picture.feeds[0].gaps, picture.held_back.len()), (0, 0), "the chain is whole across what was erased");
    let (line, _) = late.event(&secret.id).unwrap();
    assert_eq!((line.object_id.as_str(), line.rev, line.withdrawn_by.as_deref()), ("aws:1", 2, Some("AWS")));
    assert!(!format!("{picture:?}{incident:?}").contains("secret"));
}

#[test]
fn a_moment_before_an_erasing_does_not_show_it_either() {
    let (whole, secret) = erased();
    let later = whole.fold().erasures();
    let mut before = Log { records: whole.records[..3].to_vec() }.fold();
    assert!(format!("{:?}", before.incident("aws:1", at("07:00"))).contains("The secret"));
    before.erase(&later);
    let incident = before.incident("aws:1", at("07:00")).unwrap();
    assert!(!format!("{incident:?}").contains("The secret"));
    assert_eq!(incident.lanes[0].claim.as_ref().unwrap().rev, 1);
    assert!(before.event(&secret.id).unwrap().0.says.starts_with("withdrawn at"));
}

#[test]
fn an_erased_statement_leaves_its_incident() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    aws.say(&mut log, Family::Impact, "aws:1", outage("VMs stop", "aws", json!({})), None);
    let notice = json!({"about": "aws:1", "channel": "page", "audience_told": "public", "text": "The secret"});
    let said = aws.say(&mut log, Family::Notice, "aws:1/1", notice, None);
    assert_eq!(log.incident("aws:1", "07:00").told.len(), 1);
    aws.say(&mut log, Family::Retraction, "aws:r", retraction(&said, 1, "legal"), None);
    let mut state = log.fold();
    let incident = state.incident("aws:1", at("07:00")).unwrap();
    assert!(incident.told.is_empty() && !format!("{incident:?}").contains("secret"), "{incident:?}");
}

#[test]
fn a_stranger_s_retraction_takes_no_place_in_a_chain_and_erases_nothing() {
    let (mut log, mut aws, mut eve) = (Log::default(), Desk::new("aws"), Desk::new("eve"));
    let first = aws.say(&mut log, Family::Impact, "aws:1", outage("A", "aws", json!({})), None);
    let coordinates = json!({"author": {"org": "eve", "role": "coordinator"}});
    for sequence in [2, 3, 8_999_999_999_999_999] {
        let named = Said { id: format!("aws-{sequence}"), sequence, object: "aws:9".into(), ..first.clone() };
        let body = with(retraction(&named, 1, "legal"), coordinates.clone());
        eve.say(&mut log, Family::Retraction, &format!("eve:{sequence}"), body, None);
    }
    for object in ["aws:2", "aws:3"] {
        aws.say(&mut log, Family::Impact, object, outage("B", "aws", json!({})), None);
    }
    let picture = log.fold().picture(at("07:00"), &Select::default());
    let aws = picture.feeds.iter().find(|feed| feed.org == "aws").unwrap();
    assert_eq!(
        (aws.gaps, aws.claims, picture.held_back.iter().filter(|held| held.subject.contains(".aws.")).count()),
        (0, 3, 0)
    );
    assert!(log.fold().erasures().is_empty());
}

#[test]
fn a_retraction_is_never_erased() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let first = aws.say(&mut log, Family::Impact, "aws:1", outage("The secret", "aws", json!({})), None);
    let gone = aws.say(&mut log, Family::Retraction, "aws:r1", retraction(&first, 1, "legal"), None);
    aws.say(&mut log, Family::Retraction, "aws:r2", retraction(&gone, 1, "legal"), None);
    let mut state = log.fold();
    assert!(state.event(&gone.id).unwrap().0.says.starts_with("withdraws and erases"));
    assert!(state.event(&first.id).unwrap().0.says.contains("and erased"));
    assert!(state.incident("aws:1", at("07:00")).is_none());
}

/// A retraction whose chain is found broken counts for nothing, also where it was folded before the break was known.
#[test]
fn what_a_broken_retraction_erased_counts_again() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let first = aws.say(&mut log, Family::Impact, "aws:1", outage("VMs stop", "aws", json!({})), None);
    let mut other = Log { records: log.records.clone() };
    let mut twin = aws.clone();
    aws.say(&mut log, Family::Impact, "aws:2", outage("One", "azure", json!({})), None);
    aws.say(&mut log, Family::Retraction, "aws:r", retraction(&first, 1, "legal"), None);
    twin.say(&mut other, Family::Impact, "aws:2", outage("Another", "azure", json!({})), None);
    let (late, retraction) = (other.records.pop().unwrap(), log.records.pop().unwrap());
    let shows = |order: [&Record; 3]| {
        let numbered = order.into_iter().zip(1..).map(|(record, sequence)| Record { sequence, ..record.clone() });
        let mut state = Log { records: numbered.collect() }.fold();
        (state.incident("aws:1", at("07:00")).is_some(), reasons(&mut state).len(), state.erasures().len())
    };
    let first = &log.records[0];
    assert_eq!(shows([first, &late, &retraction]), (true, 1, 0));
    assert_eq!(shows([first, &retraction, &late]), (true, 1, 0));
}

#[test]
fn a_retraction_that_names_other_bytes_stands_in_no_other_s_way() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let first = aws.say(&mut log, Family::Impact, "aws:1", outage("The secret", "aws", json!({})), None);
    let mistaken = Said { hash: "0123456789abcdef".repeat(4), ..first.clone() };
    aws.say(&mut log, Family::Retraction, "aws:r1", retraction(&mistaken, 1, "legal"), None);
    aws.say(&mut log, Family::Retraction, "aws:r2", retraction(&first, 1, "legal"), None);
    let erasures = log.fold().erasures();
    let named: Vec<&str> = erasures.iter().map(|entry| entry.header().object_id.as_str()).collect();
    assert_eq!(named.len(), 2, "who erases what they name must be told of both: {named:?}");
}
