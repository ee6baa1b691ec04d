//! A request is settled by its answer, from one who was asked, and by nothing else.

use entente_correlator::picture::Owed;
use entente_correlator::select::Select;
use entente_schemas::family::Family;
use serde_json::{Value, json};

use crate::written::{Desk, Log, at, heard_from, outage, with};

/// AWS has an incident and asks both vendors something that was due at 06:30; then others say something.
struct Asked {
    log: Log,
    aws: Desk,
    request: String,
}

fn asked(to: &[&str]) -> Asked {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    aws.say(&mut log, Family::Impact, "aws:1", outage("VMs stop", "aws", json!({})), None);
    let body =
        with(message("request", "open", "Which versions?"), json!({"to": to, "due_at": at("06:30"), "refs": about()}));
    let request = aws.say(&mut log, Family::Message, "aws:ask", body, None).id;
    Asked { log, aws, request }
}

fn about() -> Value {
    json!([{"kind": "incident", "value": "aws:1", "relation": "related"}])
}

fn message(kind: &str, state: &str, text: &str) -> Value {
    json!({"thread_id": "aws:ask", "kind": kind, "state": state, "text": text})
}

impl Asked {
    fn answer(&mut self, org: &str, kind: &str, state: &str) {
        let answers = self.request.clone();
        let object = format!("{org}:{}", self.log.records.len());
        Desk::new(org).say(&mut self.log, Family::Message, &object, message(kind, state, "Since 7.11"), Some(&answers));
    }

    /// The request as the incident shows it, whether the board lists it still, and how much is overdue there.
    fn shown(&self) -> (Owed, bool, usize) {
        let mut state = self.log.fold();
        let owed = state.incident("aws:1", at("07:00")).unwrap().owed;
        let request = owed.into_iter().find(|owed| owed.object_id == "aws:ask").unwrap();
        let picture = state.picture(at("07:00"), &Select::default());
        let listed = picture.owed.iter().any(|owed| owed.object_id == "aws:ask");
        (request, listed, picture.totals.overdue)
    }
}

fn said(owed: &Owed) -> (String, bool, Vec<&str>) {
    let state = owed.state.unwrap().to_string();
    (state, owed.overdue, owed.answers.iter().map(|reply| reply.speaker.as_str()).collect())
}

#[test]
fn without_an_answer_it_is_overdue() {
    let (request, listed, overdue) = asked(&["crowdstrike"]).shown();
    assert_eq!((said(&request), listed, overdue), (("open".into(), true, vec![]), true, 1));
}

#[test]
fn a_note_a_commitment_and_a_decline_each_settle_it() {
    for (kind, state, becomes) in
        [("note", "open", "fulfilled"), ("commitment", "committed", "committed"), ("note", "declined", "declined")]
    {
        let mut asked = asked(&["crowdstrike"]);
        asked.answer("crowdstrike", kind, state);
        let (request, listed, overdue) = asked.shown();
        assert_eq!(
            (said(&request), listed, overdue),
            ((becomes.into(), false, vec!["crowdstrike"]), false, 0),
            "{kind}"
        );
        assert!(request.settled && request.answers[0].text.contains("7.11"));
    }
}

#[test]
fn the_brief_says_what_became_of_it() {
    let mut asked = asked(&["crowdstrike"]);
    asked.answer("crowdstrike", "note", "open");
    let owes = asked.log.incident("aws:1", "07:00").brief.owes;
    assert_eq!(owes.lead, "Nothing is owed now");
    assert!(owes.detail.starts_with("request, fulfilled by CrowdStrike"), "{}", owes.detail);
}

#[test]
fn a_commitment_is_owed_in_its_place() {
    let mut asked = asked(&["crowdstrike"]);
    asked.answer("crowdstrike", "commitment", "committed");
    let owed = asked.log.fold().picture(at("07:00"), &Select::default()).owed;
    assert_eq!(
        owed.iter().map(|one| (one.kind.as_str(), one.by[0].as_str())).collect::<Vec<_>>(),
        [("commitment", "crowdstrike")]
    );
}

#[test]
fn a_bystanders_word_and_one_in_the_thread_alone_answer_nothing() {
    let mut asked = asked(&["crowdstrike"]);
    asked.answer("azure", "note", "open");
    Desk::new("crowdstrike").say(
        &mut asked.log,
        Family::Message,
        "crowdstrike:x",
        message("note", "open", "Hello"),
        None,
    );
    let (request, listed, overdue) = asked.shown();
    assert_eq!((said(&request), listed, overdue), (("open".into(), true, vec![]), true, 1));
}

#[test]
fn who_has_seen_it_or_says_yes_without_a_commitment_owes_it_still() {
    for state in ["acknowledged", "committed"] {
        let mut asked = asked(&["crowdstrike"]);
        asked.answer("crowdstrike", "note", state);
        let (request, listed, overdue) = asked.shown();
        assert_eq!((said(&request), listed, overdue), ((state.into(), true, vec!["crowdstrike"]), true, 1));
    }
}

#[test]
fn of_several_only_those_who_have_not_answered_owe_it() {
    let mut asked = asked(&["crowdstrike", "microsoft"]);
    asked.answer("crowdstrike", "note", "open");
    let (request, ..) = asked.shown();
    assert_eq!((request.by.as_slice(), request.overdue), (["microsoft".to_owned()].as_slice(), true));
    asked.answer("microsoft", "note", "declined");
    let (request, listed, overdue) = asked.shown();
    assert_eq!((request.settled, request.by.len(), listed, overdue), (true, 2, false, 0));
}

#[test]
fn an_answer_may_be_revised_heard_by_phone_and_withdrawn() {
    let mut asked = asked(&["crowdstrike"]);
    let body = with(message("commitment", "committed", "By eight"), heard_from("crowdstrike"));
    let answers = asked.request.clone();
    let answer = asked.aws.say(&mut asked.log, Family::Message, "aws:heard", body.clone(), Some(&answers));
    assert!(asked.shown().0.answers[0].text.ends_with("(as told by liaison, AWS)"));
    let done = with(body, json!({"rev": 2, "state": "fulfilled"}));
    asked.aws.say(&mut asked.log, Family::Message, "aws:heard", done, None);
    assert!(asked.shown().0.settled, "a revision need not name the request again");
    let body = json!({"target": answer.id, "target_object": "aws:heard", "target_rev": 9, "target_source": answer.source,
        "scope": "object", "reason": "wrong_fact"});
    asked.aws.say(&mut asked.log, Family::Retraction, "aws:r", body, None);
    assert!(asked.shown().0.overdue, "what is withdrawn answers nothing");
}

/// The view that follows the log step by step is the one that is folded at once, wherever the answer stands.
#[test]
fn an_answer_before_its_request_counts_as_one_after() {
    let mut asked = asked(&["crowdstrike"]);
    asked.answer("crowdstrike", "note", "open");
    let expected = asked.shown().0.answers[0].speaker.clone();
    let mut early = Log { records: asked.log.records.clone() };
    early.records.rotate_right(1);
    for (record, sequence) in early.records.iter_mut().zip(1..) {
        (record.sequence, record.logged) = (sequence, at("06:10"));
    }
    let found = Asked { log: early, aws: Desk::new("aws"), request: String::new() }.shown().0;
    assert!(found.settled && found.answers[0].speaker == expected);
}

#[test]
fn what_is_asked_about_no_incident_is_overdue_too() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let asks = json!({"thread_id": "aws:ask", "kind": "request", "text": "Who is on the bridge?", "state": "open",
        "to": ["gcp"], "due_at": "2024-07-19T06:30:00Z"});
    aws.say(&mut log, Family::Message, "aws:ask", asks, None);
    let picture = log.fold().picture(at("07:00"), &Select::default());
    assert_eq!((picture.totals.incidents, picture.totals.overdue, picture.owed.len()), (0, 1, 1));
    assert_eq!(log.fold().picture(at("06:20"), &Select::default()).totals.overdue, 0);
}
