//! Sentences on all that was said while the others were checked.

use entente_journal::{beats, verify};
use entente_schemas::event::Event;
use entente_schemas::family::Claim;
use entente_schemas::speaker::Relay;

use super::stage::{ORG, Stage, summary};
use super::subject::Subject;

/// Secrets that are shorter would be found by chance.
const SECRET_MIN: usize = 4;

pub(super) async fn hides<S: Subject>(stage: &mut Stage<S>) {
    let secrets: Vec<String> =
        stage.subject.secrets().union(&stage.hidden).map(|secret| secret.to_lowercase()).collect();
    assert!(!secrets.is_empty() && secrets.iter().all(|secret| secret.len() >= SECRET_MIN), "{secrets:?}");
    let mut texts: Vec<String> = stage.told.clone();
    for scope in stage.scopes() {
        texts.extend(stage.records(&scope).await.iter().map(|r| String::from_utf8_lossy(&r.payload).into_owned()));
        texts.extend(stage.records(&scope).await.iter().map(|record| record.subject.clone()));
        let beats = beats(&stage.bus, &scope).await.expect("beats can be read");
        texts.extend(beats.iter().map(|(org, feed, beat)| format!("{org} {feed} {beat:?}")));
    }
    for text in texts {
        let text = text.to_lowercase();
        let found = secrets.iter().find(|secret| text.contains(secret.as_str()));
        assert!(found.is_none(), "`{}` is told in {text:.2000}", found.map_or("", String::as_str));
    }
}

pub(super) async fn keeps_words_apart<S: Subject>(stage: &mut Stage<S>) {
    for event in all(stage).await {
        let speaker = &event.claim.header.speaker;
        let own = speaker.org == ORG && speaker.relay == Relay::Own;
        let polled = speaker.org != ORG && speaker.relay == Relay::Polled && speaker.channel.is_some();
        assert!(own || polled, "{speaker:?} in {:#?}", summary(std::slice::from_ref(&event)));
    }
}

pub(super) async fn stays_in_the_group<S: Subject>(stage: &mut Stage<S>) {
    for scope in stage.scopes() {
        for event in stage.log_of(&scope).await {
            let marked = event.audience == scope.audience && !event.tlp.fits_all();
            assert!(marked, "{} {} {:#?}", event.audience, event.tlp, summary(std::slice::from_ref(&event)));
        }
        let public = entente_journal::Scope { audience: "all".to_owned(), ..scope };
        let events = stage.bus.events_of(&public).await.expect("the bus answers");
        assert_eq!(events.unwrap_or(0), 0, "something was said to everybody");
    }
}

pub(super) async fn is_taken<S: Subject>(stage: &mut Stage<S>) {
    for event in all(stage).await {
        let written = serde_json::to_string(&event.claim).expect("a claim can be written");
        let read = Claim::read_strict(event.claim.family(), &written);
        assert!(read.is_ok(), "{} in {:#?}", read.err().map(|p| p.to_string()).unwrap_or_default(), summary(&[event]));
    }
    for scope in stage.scopes() {
        let report = verify(&stage.bus, &scope).await.expect("the log can be verified");
        assert!(report.problems.is_empty(), "{report:?}");
    }
}

pub(super) fn changes_nothing<S: Subject>(stage: &Stage<S>) {
    let calls = stage.subject.calls();
    assert!(!calls.is_empty(), "the double was never asked");
    let changed: Vec<&str> = calls.iter().filter(|call| call.changes).map(|call| call.name.as_str()).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

async fn all<S: Subject>(stage: &Stage<S>) -> Vec<Event> {
    let mut events = Vec::new();
    for scope in stage.scopes() {
        events.extend(stage.log_of(&scope).await);
    }
    events
}
