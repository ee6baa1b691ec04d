//! Sentences on how a provider is asked, and on what becomes of its troubles.

use std::collections::BTreeMap;
use std::time::Duration;

use entente_schemas::event::Event;
use entente_schemas::family::{Body, FeedState};
use serde_json::Value;

use super::super::preflight::Found;
use super::beginning::is_change;
use super::stage::{Stage, claims, code, feed, summary};
use super::subject::{Fault, Subject};

/// Each fault, and the codes that it may be shown under.
const FAULTS: [(Fault, &[&str]); 6] = [
    (Fault::Throttled(None), &["throttled"]),
    (Fault::Stalled, &["stalled"]),
    (Fault::Truncated, &["truncated", "unreadable"]),
    (Fault::Expired, &["expired", "unauthenticated"]),
    (Fault::Forbidden, &["forbidden"]),
    (Fault::ClockOff, &["clock", "expired"]),
];
/// Answers that are looked at where nothing is new.
const AGAIN: u64 = 20;
/// Revisions that time alone may make due of one object meanwhile.
const BY_TIME: usize = 3;

pub(super) async fn asks_again<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let before = stage.troubled().await.len();
    stage.answered(AGAIN).await;
    let log = stage.log().await;
    let mut revisions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in claims(&log[before..]) {
        assert!(is_change(&log, event), "the same again: {:#?}", summary(std::slice::from_ref(event)));
        *revisions.entry((event.claim.family().token(), &event.claim.header.object_id)).or_default() += 1;
    }
    assert!(revisions.values().all(|count| *count <= BY_TIME), "after {AGAIN} answers: {revisions:#?}");
    stage.calm().await;
}

pub(super) async fn shows_trouble<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    for (fault, codes) in FAULTS {
        println!("   {fault:?}");
        let before = stage.log().await.len();
        stage.subject.play(fault);
        if fault == Fault::ClockOff {
            shows_the_clock(stage, codes).await;
        } else {
            shows_in_all_places(stage, codes, before).await;
        }
        stage.calm().await;
    }
}

async fn shows_in_all_places<S: Subject>(stage: &mut Stage<S>, codes: &[&str], before: usize) {
    let asking = stage.subject.asking();
    let shown = |ready: &Value, slug: &String| {
        feed(ready, slug)["state"] == "blind" && code(ready, slug).is_some_and(|code| codes.contains(&code))
    };
    let ready = stage.ready_with(|ready| asking.iter().all(|slug| shown(ready, slug))).await;
    for slug in &asking {
        let text = feed(&ready, slug)["text"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains("; "), "{slug} tells no next step: {text}");
    }
    let in_beat = |beats: &BTreeMap<String, entente_schemas::beat::Beat>, slug: &String| {
        let beat = beats.get(slug).filter(|beat| beat.state == FeedState::Blind);
        beat.and_then(|beat| beat.error.as_ref()).is_some_and(|error| codes.contains(&error.code.as_str()))
    };
    stage.beats_with("the beat tells of it", |beats| asking.iter().all(|slug| in_beat(beats, slug))).await;
    let told = |log: &[Event], slug: &String| {
        log[before.min(log.len())..].iter().any(|event| {
            let Body::Feed(told) = &event.claim.body else { return false };
            told.feed == *slug && told.state == FeedState::Blind && told.reason.contains("; ")
        })
    };
    stage.log_with("the log tells that the feed is blind", |log| asking.iter().all(|slug| told(log, slug))).await;
}

/// A provider that signs by time refuses, another only dates its answers: either is shown.
async fn shows_the_clock<S: Subject>(stage: &mut Stage<S>, codes: &[&str]) {
    let asking = stage.subject.asking();
    let refused = |ready: &Value| asking.iter().all(|slug| code(ready, slug).is_some_and(|code| codes.contains(&code)));
    let offset = |beats: &BTreeMap<String, entente_schemas::beat::Beat>| {
        let off =
            |slug: &String| beats.get(slug).and_then(|beat| beat.clock_offset_ms).is_some_and(|ms| ms.abs() > 500_000);
        asking.iter().all(off)
    };
    let began = tokio::time::Instant::now();
    loop {
        let ready: Value = serde_json::from_str(&stage.get("/readyz").await.1).unwrap_or_default();
        if refused(&ready) {
            let named = |slug: &String| feed(&ready, slug)["text"].as_str().is_some_and(|text| text.contains("clock"));
            return assert!(asking.iter().all(named), "the clock is not named: {ready}");
        }
        if offset(&stage.beats().await) {
            return;
        }
        assert!(began.elapsed() < stage.patience, "a clock that is off is not shown: {ready}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn recovers<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.subject.play(Fault::Expired);
    let asking = stage.subject.asking();
    stage.ready_with(|ready| asking.iter().all(|slug| feed(ready, slug)["state"] == "blind")).await;
    let before = stage.log().await.len();
    stage.subject.lift();
    let live = |log: &[Event], slug: &String| {
        log[before.min(log.len())..].iter().any(|event| {
            matches!(&event.claim.body, Body::Feed(told) if told.feed == *slug && told.state == FeedState::Live)
        })
    };
    stage.log_with("the feed is said to be live again", |log| asking.iter().all(|slug| live(log, slug))).await;
    stage.troubled().await;
    stage.calm().await;
}

pub(super) async fn waits_as_named<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let wish = Duration::from_secs(5);
    stage.subject.play(Fault::Throttled(Some(wish)));
    let asking = stage.subject.asking();
    let waits = |beat: &entente_schemas::beat::Beat| {
        let throttled = beat.error.as_ref().is_some_and(|error| error.code == "throttled");
        let (Some(asked), Some(next)) = (beat.last_poll, beat.next_try) else { return false };
        throttled && (next - asked).num_milliseconds() >= 4_990
    };
    let all = |beats: &BTreeMap<_, _>| asking.iter().all(|slug| beats.get(slug).is_some_and(waits));
    stage.beats_with("the next try is not before the time that was named", all).await;
    stage.calm().await;
}

pub(super) async fn deletes_late<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.troubled().await;
    stage.calm().await;
    let deletions = |stage: &Stage<S>| stage.subject.calls().iter().filter(|call| call.acknowledges).count();
    let ever = deletions(stage) > 0;
    stage.freeze();
    let before = deletions(stage);
    stage.subject.trouble();
    let asking = stage.subject.asking();
    let holds = |ready: &Value| asking.iter().any(|slug| feed(ready, slug)["waiting"].as_u64().unwrap_or(0) > 0);
    stage.ready_with(holds).await;
    let early = deletions(stage) - before;
    stage.thaw();
    assert_eq!(early, 0, "something was deleted that the log does not have");
    stage.calm().await;
    if ever {
        let began = tokio::time::Instant::now();
        while deletions(stage) == before {
            assert!(began.elapsed() < stage.patience, "what the log has is never deleted");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(super) async fn names_permissions<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.subject.play(Fault::Forbidden);
    let found = stage.preflight().await;
    let asking = stage.subject.asking();
    for slug in &asking {
        let rows: Vec<_> = found.checks.iter().filter(|row| row.feed == *slug).collect();
        assert!(!rows.is_empty(), "the preflight makes no call of feed {slug}:\n{found}");
        for row in rows {
            let named = !row.permission.is_empty() && row.text.contains(&row.permission);
            assert!(row.found == Found::Missing && named, "{row:?}");
        }
    }
    assert!(!found.ok);
    stage.calm().await;
    let found = stage.preflight().await;
    assert!(found.ok, "all is permitted:\n{found}");
}
