//! Sentences on how a provider is asked, and on what becomes of its troubles.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use entente_schemas::beat::Beat;
use entente_schemas::event::Event;
use entente_schemas::family::{Body, FeedState};
use serde_json::Value;
use tokio::time::Instant;

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
/// Revisions that time alone may make due of one object at once, further ones of it every so often, and how many of those.
const BY_TIME: usize = 3;
const BY_TIME_EVERY: Duration = Duration::from_secs(10);
const BY_TIME_MAX: usize = 12;
/// Failures in a row after which the pause is long of itself.
const TELLING: u64 = 5;

pub(super) async fn asks_again<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let before = stage.troubled().await.len();
    let began = Instant::now();
    stage.answered(AGAIN).await;
    stage.emptied().await;
    let log = stage.log().await;
    let mut revisions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in claims(&log[before..]) {
        assert!(is_change(&log, event), "the same again: {:#?}", summary(std::slice::from_ref(event)));
        *revisions.entry((event.claim.family().token(), &event.claim.header.object_id)).or_default() += 1;
    }
    let by_time = usize::try_from(began.elapsed().as_secs() / BY_TIME_EVERY.as_secs()).unwrap_or(usize::MAX);
    let most = BY_TIME.saturating_add(by_time).min(BY_TIME_MAX);
    assert!(revisions.values().all(|count| *count <= most), "after {AGAIN} answers: {revisions:#?}");
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
    let every = |ready: &Value| asking.iter().all(|slug| shown(ready, slug));
    let ready = stage.ready_with("readiness tells of the trouble", every).await;
    for slug in &asking {
        let text = feed(&ready, slug)["text"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains("; "), "{slug} tells no next step: {text}");
    }
    let in_beat = |beats: &BTreeMap<String, Beat>, slug: &String| {
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
    let offset = |beats: &BTreeMap<String, Beat>| {
        let off =
            |slug: &String| beats.get(slug).and_then(|beat| beat.clock_offset_ms).is_some_and(|ms| ms.abs() > 500_000);
        asking.iter().all(off)
    };
    let began = Instant::now();
    loop {
        let ready: Value = serde_json::from_str(&stage.get("/readyz").await.1).unwrap_or_default();
        if refused(&ready) {
            let named = |slug: &String| feed(&ready, slug)["text"].as_str().is_some_and(|text| text.contains("clock"));
            return assert!(asking.iter().all(named), "the clock is not named: {ready}");
        }
        if offset(&stage.beats().await) {
            return;
        }
        assert!(began.elapsed() < stage.patience.fact, "a clock that is off is not shown: {ready}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn recovers<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.subject.play(Fault::Expired);
    let asking = stage.subject.asking();
    let blind = |ready: &Value| asking.iter().all(|slug| feed(ready, slug)["state"] == "blind");
    stage.ready_with("every feed is blind", blind).await;
    let before = stage.log().await.len();
    stage.subject.lift();
    stage.told("the feed is said to be live again", before, FeedState::Live).await;
    stage.troubled().await;
    stage.calm().await;
}

pub(super) async fn waits_as_named<S: Subject>(stage: &mut Stage<S>) {
    let began = tokio::time::Instant::now();
    while !is_seen_to_wait(stage).await {
        assert!(began.elapsed() < stage.patience.fact, "no feed is seen soon enough to tell how long it waits");
    }
    stage.calm().await;
}

/// Sends every feed away for a while, and looks for how long it goes. Whether that could be told: a beat that came late tells
/// of pauses that failures alone make long, and then it is to be looked at anew.
async fn is_seen_to_wait<S: Subject>(stage: &mut Stage<S>) -> bool {
    let (wish, rounding, soon) = (Duration::from_secs(5), Duration::from_millis(10), Duration::from_secs(1));
    let asking = stage.subject.asking();
    stage.calm().await;
    let began = Utc::now();
    stage.subject.play(Fault::Throttled(Some(wish)));
    let throttled = |beat: &Beat| {
        // One that is live goes on where it is not sent away.
        let since = beat.last_poll.is_some_and(|asked| asked >= began) && beat.state == FeedState::Blind;
        since && beat.error.as_ref().is_some_and(|error| error.code == "throttled")
    };
    let all = |beats: &BTreeMap<_, _>| asking.iter().all(|slug| beats.get(slug).is_some_and(throttled));
    stage.beats_with("the beat tells that the provider takes no more calls", all).await;
    let beats = stage.beats().await;
    let beats: Vec<&Beat> = asking.iter().filter_map(|slug| beats.get(slug)).collect();
    if !beats.iter().all(|beat| throttled(beat) && beat.failures <= TELLING) {
        return false;
    }
    let is_late = |beat: &Beat| beat.last_poll.is_some_and(|asked| asked >= began + soon);
    let waits = |beat: &Beat| {
        let (Some(asked), Some(next)) = (beat.last_poll, beat.next_try) else { return false };
        // A feed that asks in several places may have been sent away from the first of them a moment before.
        let since = if is_late(beat) { asked } else { began };
        (next - since).to_std().is_ok_and(|pause| pause >= wish - rounding)
    };
    let patient = beats.iter().all(|beat| waits(beat) || is_late(beat));
    assert!(patient, "the next try is not before the time that was named: {beats:#?}");
    beats.into_iter().all(waits)
}

pub(super) async fn deletes_late<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.troubled().await;
    stage.calm().await;
    // Each feed has asked since the trouble ended, and has deleted by now what it then read.
    stage.answered(3).await;
    stage.emptied().await;
    let deletions = |subject: &S| subject.calls().iter().filter(|call| call.acknowledges).count();
    let ever = deletions(&stage.subject) > 0;
    stage.freeze().await;
    let before = deletions(&stage.subject);
    stage.subject.trouble();
    let asking = stage.subject.asking();
    let holds = |ready: &Value| asking.iter().any(|slug| feed(ready, slug)["waiting"].as_u64().unwrap_or(0) > 0);
    stage.ready_with("the trouble waits for the log", holds).await;
    let deleted = |subject: &S| deletions(subject) > before;
    stage.never("something was deleted that the log does not have", deleted).await;
    stage.thaw();
    stage.calm().await;
    if ever {
        stage.called_with("what the log has is deleted", deleted).await;
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
