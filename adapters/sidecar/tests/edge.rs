//! Answers in, drafts out: what the edge makes of items that no provider should send.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod acme;
mod played;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::event::{Event, PAYLOAD_MAX};
use entente_schemas::family::{Body, Family, FeedState, Impact, Notice, Phase};
use entente_sidecar::Normalize;
use entente_sidecar::edge::Surroundings;
use entente_sidecar::item::{FeedProfile, Item, Reading, Refusal, Statement, UnmappedWord};
use entente_sidecar::poll::Failure;
use proptest::prelude::*;

use acme::{Acme, answer};
use played::{Public, event, now};

/// A provider whose items are spoilt on their way.
struct Spoilt<F>(Acme, F);

impl<F: Fn(&mut Reading) + Send + Sync> Normalize for Spoilt<F> {
    fn profile(&self) -> &FeedProfile {
        self.0.profile()
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let mut reading = self.0.read(body, observed)?;
        (self.1)(&mut reading);
        Ok(reading)
    }
}

fn edge(spoil: impl Fn(&mut Reading) + Send + Sync + 'static) -> Public {
    Public::new(Arc::new(Spoilt(Acme::new(), spoil)))
}

fn impact(item: &mut Item) -> &mut Impact {
    let Body::Impact(impact) = &mut item.body else { panic!("no impact") };
    impact
}

fn notice(statement: &mut Statement) -> &mut Notice {
    let Body::Notice(notice) = &mut statement.body else { panic!("no notice") };
    notice
}

fn plain() -> Public {
    edge(|_| ())
}

/// The next poll by an outbox that takes everything; each draft as its event is read back.
fn poll(edge: &mut Public, body: &str) -> Vec<Event> {
    let outcome = edge.answered(body.as_bytes(), now());
    edge.taken(&outcome.drafts);
    outcome.drafts.iter().map(event).collect()
}

fn of(events: &[Event], family: Family) -> Vec<&Event> {
    events.iter().filter(|event| event.claim.family() == family).collect()
}

#[test]
fn of_several_copies_in_one_answer_the_newest_speaks_and_the_others_never() {
    let mut edge = plain();
    let body = answer(&[("a", "open", "Old", 1), ("a", "open", "New", 3), ("a", "open", "Older", 2)]);
    let events = poll(&mut edge, &body);
    let impacts = of(&events, Family::Impact);
    assert_eq!(impacts.len(), 1);
    assert_eq!(impacts[0].claim.impact().unwrap().summary.as_deref(), Some("New"));
    assert_eq!(poll(&mut edge, &body).len(), 0);
}

#[test]
fn two_statements_under_one_id_are_two_notices_and_one_twice_is_one() {
    let mut edge = edge(|reading| {
        for item in &mut reading.items {
            let mut other = item.also[0].clone();
            notice(&mut other).text = "Another text of that second".into();
            other.native.digest = "0".repeat(64);
            item.also.extend([item.also[0].clone(), other]);
        }
    });
    let body = answer(&[("a", "open", "One", 1)]);
    let events = poll(&mut edge, &body);
    let ids: Vec<&str> =
        of(&events, Family::Notice).iter().map(|event| event.claim.header.object_id.as_str()).collect();
    assert_eq!(ids, ["acme:a/One", "acme:a/One~2"]);
    assert_eq!(poll(&mut edge, &body).len(), 0);
}

#[test]
fn an_item_that_no_reader_would_take_is_rejected_alone_and_once() {
    let mut edge = edge(|reading| {
        let bad = reading.items.iter_mut().filter(|item| item.object_id == "acme:bad");
        bad.for_each(|item| item.times.occurred_at = Some(now() + TimeDelta::days(5_000)));
    });
    let body = answer(&[("bad", "open", "Never", 1), ("good", "open", "Fine", 1)]);
    let events = poll(&mut edge, &body);
    assert_eq!(of(&events, Family::Impact).len(), 1);
    let rejected = of(&events, Family::Rejected);
    let Body::Rejected(told) = &rejected[0].claim.body else { panic!() };
    assert_eq!((rejected.len(), told.position.as_deref()), (1, Some("acme:bad")));
    assert!(told.reason.contains("times.occurred_at"), "{}", told.reason);
    assert_eq!(poll(&mut edge, &body).len(), 0);
}

#[test]
fn a_statement_that_no_reader_would_take_is_rejected_alone_and_once() {
    let mut edge = edge(|reading| {
        for item in &mut reading.items {
            let mut other = item.also[0].clone();
            other.object_id = format!("{}/bad", item.object_id);
            other.times.occurred_at = Some(now() + TimeDelta::days(5_000));
            item.also.insert(0, other);
            item.refused.push(Refusal { reason: "no update".into(), position: None, input: b"7".to_vec() });
        }
    });
    let body = answer(&[("a", "open", "One", 1)]);
    let events = poll(&mut edge, &body);
    assert_eq!((of(&events, Family::Impact).len(), of(&events, Family::Notice).len()), (1, 1));
    let told: Vec<&str> = of(&events, Family::Rejected)
        .iter()
        .map(|event| if let Body::Rejected(told) = &event.claim.body { told.reason.as_str() } else { "" })
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told[0] == "no update" && told[1].contains("times.occurred_at"), "{told:?}");
    assert_eq!(poll(&mut edge, &body).len(), 0);
    assert_eq!((poll(&mut edge, "[]").len(), poll(&mut edge, "[]").len()), (0, 1), "what left the feed has ended");
}

/// Readers take more than publishers may say: a phase of planned work under an incident, a word that is none.
#[test]
fn an_adapter_is_held_to_what_publishers_may_say() {
    let planned: fn(&mut Item) = |item| impact(item).phase = Phase::Scheduled;
    let wordless: fn(&mut Item) = |item| impact(item).phase = Phase::Other;
    for (spoil, expected) in [(planned, "phase of kind maintenance"), (wordless, "unknown word `other`")] {
        let mut edge = edge(move |reading| reading.items.iter_mut().for_each(spoil));
        let body = answer(&[("a", "open", "One", 1)]);
        let events = poll(&mut edge, &body);
        assert_eq!(of(&events, Family::Impact).len(), 0);
        let Body::Rejected(told) = &of(&events, Family::Rejected)[0].claim.body else { panic!() };
        assert!(told.reason.contains(expected), "{}", told.reason);
        assert_eq!(poll(&mut edge, &body).len(), 0);
    }
}

/// With its changes alone asked for, an answer that stays as it is would never be seen again.
#[test]
fn while_refusals_are_still_to_be_told_the_answer_is_asked_for_whole() {
    let bad: Vec<String> = (0..150).map(|n| format!("[{n}]")).collect();
    let body = answer(&[("a", "open", "One", 1)]).replace('[', &format!("[{},", bad.join(",")));
    let mut edge = plain();
    let mut doubtful = || {
        let outcome = edge.answered(body.as_bytes(), now());
        edge.taken(&outcome.drafts);
        outcome.doubtful
    };
    assert_eq!([doubtful(), doubtful(), doubtful()], [true, false, false]);
}

#[test]
fn long_words_are_cut_and_the_cut_is_noted() {
    let mut edge = edge(|reading| {
        let item = &mut reading.items[0];
        impact(item).title = "ü".repeat(600);
        impact(item).summary = Some("long ".repeat(2_000));
        notice(&mut item.also[0]).text = "\u{1}é".repeat(20_000);
    });
    let events = poll(&mut edge, &answer(&[("a", "open", "One", 1)]));
    let impact = of(&events, Family::Impact)[0];
    assert_eq!(impact.claim.impact().unwrap().title.chars().count(), 500);
    assert_eq!(impact.claim.header.trimmed, ["title: 500 of 600 characters"]);
    let notice = of(&events, Family::Notice)[0];
    let Body::Notice(said) = &notice.claim.body else { panic!() };
    assert!(
        said.text.len() < PAYLOAD_MAX && notice.claim.header.trimmed.len() == 2,
        "{:?}",
        notice.claim.header.trimmed
    );
}

#[test]
fn a_thousand_bad_items_are_told_a_hundred_a_poll() {
    let mut edge = plain();
    let bad: Vec<String> = (0..250).map(|n| format!("[{n}]")).collect();
    let body = answer(&[("a", "open", "One", 1)]).replace('[', &format!("[{},", bad.join(",")));
    let told: Vec<usize> = (0..4).map(|_| of(&poll(&mut edge, &body), Family::Rejected).len()).collect();
    assert_eq!(told, [100, 100, 50, 0]);
    assert_eq!(edge.health().state(), FeedState::Live);
}

#[test]
fn an_answer_of_which_nothing_can_be_read_is_no_good_poll() {
    let mut edge = plain();
    let events = poll(&mut edge, r#"{"message":"Internal error"}"#);
    assert_eq!((of(&events, Family::Rejected).len(), edge.health().state()), (1, FeedState::Blind));
    assert_eq!(poll(&mut edge, "[]").len(), 1, "live, with nothing going on");
}

#[test]
fn a_first_reading_that_was_cut_short_goes_on_as_such() {
    let mut edge = plain();
    let body = answer(&[("a", "closed", "One", 1), ("b", "closed", "Two", 1)]);
    let outcome = edge.answered(body.as_bytes(), now());
    edge.taken(&outcome.drafts[..2]);
    let mut restarted = plain();
    let log: Vec<Event> = outcome.drafts[..2].iter().map(event).collect();
    restarted.recall(&log);
    let rest = poll(&mut restarted, &body);
    let seen: Vec<_> = rest.iter().map(|event| (event.claim.family(), event.claim.header.backfill)).collect();
    assert_eq!(seen, [(Family::Impact, true), (Family::Notice, true), (Family::Feed, false)]);
}

#[test]
fn backfill_lasts_as_long_as_the_item_stays_closed() {
    let mut edge = plain();
    let mut backfill = |state, text, stamp| {
        let events = poll(&mut edge, &answer(&[("a", state, text, stamp)]));
        of(&events, Family::Impact)[0].claim.header.backfill
    };
    assert!(backfill("closed", "One", 1));
    assert!(backfill("closed", "Edited", 2));
    assert!(!backfill("open", "Again", 3));
    assert!(!backfill("closed", "Over", 4));
}

#[test]
fn words_that_the_table_does_not_know_stand_in_the_beat() {
    let mut edge = edge(|reading| {
        let word = UnmappedWord { field: "status".into(), word: "odd".into(), read_as: "unknown".into() };
        reading.unmapped.insert(word, 7);
    });
    poll(&mut edge, "[]");
    poll(&mut edge, "[]");
    let beat = edge.beat(entente_sidecar::edge::Surroundings::default(), now());
    assert_eq!((beat.unknown_words.len(), beat.unknown_words[0].count, beat.state), (1, 7, FeedState::Live));
}

/// One poll of a made-up feed: for each of three items, whether it is there, open, and its version.
type Polls = Vec<Vec<(bool, bool, i64)>>;

fn bodies(polls: &Polls) -> Vec<String> {
    let ids = ["a", "b", "c"];
    let body = |poll: &Vec<(bool, bool, i64)>| {
        let texts: Vec<String> = poll.iter().map(|(_, _, version)| format!("Word {version}")).collect();
        let items = poll.iter().zip(ids).zip(&texts).filter(|((item, _), _)| item.0);
        let items: Vec<_> = items
            .map(|((item, id), text)| (id, if item.1 { "open" } else { "closed" }, text.as_str(), item.2))
            .collect();
        answer(&items)
    };
    polls.iter().map(body).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a feed does and wherever a restart falls: revisions count up by one, stamps never step back, no digest is
    /// said twice in a row, and an adapter that remembers only the log says what one says that never stopped.
    #[test]
    fn a_restart_anywhere_changes_nothing(
        polls in prop::collection::vec(prop::collection::vec((any::<bool>(), any::<bool>(), 0i64..5), 3), 1..20),
        cut in 0usize..20,
    ) {
        let bodies = bodies(&polls);
        let (mut through, mut before) = (plain(), Vec::new());
        let mut stopped = plain();
        let mut all = Vec::new();
        for (index, body) in bodies.iter().enumerate() {
            if index == cut {
                before.reverse();
                stopped = plain();
                stopped.recall(&before);
            }
            let (one, two) = (poll(&mut through, body), poll(&mut stopped, body));
            // How often an item was missing is not in the log, so that an end may come a poll later.
            let said = |events: &[Event]| events.iter().filter(|e| e.claim.header.cause.is_none()).cloned().collect::<Vec<_>>();
            if index < cut || polls.iter().all(|poll| poll.iter().all(|item| item.0)) {
                prop_assert_eq!(said(&one), said(&two));
            }
            before.extend(two);
            all.extend(one);
        }
        for object in ["acme:a", "acme:b", "acme:c"] {
            let lives = |events: &[Event]| events.iter().filter(|event| {
                event.claim.header.object_id == object && event.claim.family() == Family::Impact
            }).cloned().collect::<Vec<Event>>();
            for mut life in [lives(&all), lives(&before)] {
                life.sort_by_key(|event| event.claim.header.rev);
                for (rev, event) in (1..).zip(&life) {
                    prop_assert_eq!(event.claim.header.rev, rev);
                }
                for pair in life.windows(2) {
                    let stamp = |event: &Event| event.claim.header.times.published_at;
                    let digest = |event: &Event| event.claim.header.native.as_ref().map(|native| native.digest.clone());
                    prop_assert!(stamp(&pair[0]) <= stamp(&pair[1]));
                    prop_assert_ne!(digest(&pair[0]), digest(&pair[1]));
                }
            }
        }
        let mut ended = of(&all, Family::Impact).into_iter().filter(|event| event.claim.header.cause.is_some());
        let resolved = ended.all(|event| event.claim.impact().unwrap().phase == Phase::Resolved);
        prop_assert!(resolved);
    }
}

#[test]
fn an_item_s_stamp_is_the_provider_s() {
    let reading = Acme::new().read(answer(&[("a", "open", "One", 5)]).as_bytes(), now()).unwrap();
    assert_eq!(
        reading.items.iter().filter_map(Item::stamp).map(|t| t.timestamp()).collect::<Vec<_>>(),
        [1_700_000_005]
    );
}

#[test]
fn a_stamp_from_the_future_hides_no_correction_also_after_a_restart() {
    let here = (now() - DateTime::from_timestamp(1_700_000_000, 0).unwrap()).num_seconds();
    let far = here + 40 * 86_400;
    let said = |edge: &mut Public, items: &[(&str, &str, &str, i64)]| {
        let events = poll(edge, &answer(items));
        let impacts = of(&events, Family::Impact).into_iter();
        let said =
            impacts.map(|event| (event.claim.header.rev, event.claim.impact().unwrap().summary.clone().unwrap()));
        (said.collect::<Vec<_>>(), events)
    };
    let news = |rev, text: &str| vec![(rev, text.to_owned())];
    let mut edge = plain();
    assert_eq!(said(&mut edge, &[("a", "open", "Right", here - 60)]).0, news(1, "Right"));
    let (wrong, log) = said(&mut edge, &[("a", "open", "Wrong", far)]);
    assert_eq!(wrong, news(2, "Wrong"), "it is told all the same");
    assert_eq!(said(&mut edge, &[("a", "open", "Wrong", far)]).0, []);
    let mut restarted = plain();
    restarted.recall(&log);
    // Even where both stand in one answer.
    let corrected = [("a", "open", "Corrected", here - 30), ("a", "open", "Wrong", far)];
    for edge in [&mut edge, &mut restarted] {
        assert_eq!(said(edge, &corrected).0, news(3, "Corrected"));
        assert_eq!(said(edge, &corrected).0, []);
        assert_eq!(said(edge, &[("a", "open", "Right", here - 60)]).0, [], "a stale cache");
    }
}

/// A provider that stamps nothing.
fn unstamped() -> Public {
    edge(|reading| {
        for item in &mut reading.items {
            item.times.published_at = None;
            // One statement that is rewritten in place.
            item.also[0].object_id = format!("{}/text", item.object_id);
            item.also[0].times.published_at = None;
        }
    })
}

#[test]
fn without_stamps_an_old_copy_changes_nothing_and_an_old_word_that_stands_is_said_again() {
    let mut edge = unstamped();
    let said = |edge: &mut Public, text| {
        let outcome = edge.answered(answer(&[("a", "open", text, 0)]).as_bytes(), now());
        edge.taken(&outcome.drafts);
        let revs = outcome.drafts.iter().filter(|draft| draft.claim.family() != Family::Feed);
        (revs.map(|draft| (draft.claim.family(), draft.claim.header.rev)).collect::<Vec<_>>(), outcome.doubtful)
    };
    let both = |rev| vec![(Family::Impact, rev), (Family::Notice, rev)];
    assert_eq!(said(&mut edge, "One"), (both(1), false));
    assert_eq!(said(&mut edge, "Two"), (both(2), false));
    assert_eq!(said(&mut edge, "One"), (vec![], true), "out of some cache, or meant");
    assert_eq!(said(&mut edge, "Two"), (vec![], false), "it was a cache");
    assert_eq!(said(&mut edge, "One"), (vec![], true));
    assert_eq!(said(&mut edge, "One"), (both(3), false), "it is meant");
    assert_eq!(said(&mut edge, "One"), (vec![], false));
    assert_eq!(said(&mut edge, "Three"), (both(4), false));
}

#[test]
fn a_second_pass_without_stamps_adds_nothing_also_after_a_restart() {
    let texts = ["One", "Two", "Other", "Three"];
    let pass = |edge: &mut Public| -> Vec<Event> {
        let bodies = texts.iter().map(|text| {
            let id = if *text == "Other" { "b" } else { "a" };
            answer(&[(id, "closed", text, 0)])
        });
        bodies.flat_map(|body| poll(edge, &body)).collect()
    };
    let mut edge = unstamped();
    let mut log = pass(&mut edge);
    assert_eq!(of(&log, Family::Impact).iter().filter(|event| event.claim.header.object_id == "acme:a").count(), 3);
    log.reverse();
    let mut restarted = unstamped();
    restarted.recall(&log);
    assert_eq!((pass(&mut edge).len(), pass(&mut restarted).len()), (0, 0));
}

#[test]
fn an_adapter_that_was_missed_says_its_state_again_with_a_later_observation() {
    let mut edge = plain();
    assert_eq!(of(&poll(&mut edge, "[]"), Family::Feed).len(), 1);
    edge.missed();
    let later = now() + TimeDelta::minutes(5);
    let outcome = edge.unchanged(later);
    edge.taken(&outcome.drafts);
    let told = &outcome.drafts[0].claim;
    let Body::Feed(feed) = &told.body else { panic!() };
    assert_eq!((feed.state, told.header.rev, told.header.times.observed_at), (FeedState::Live, 2, later));
    assert!(edge.unchanged(later).drafts.is_empty());
}

#[test]
fn what_one_place_lacks_is_told_beside_what_the_others_said() {
    let mut edge = edge(|reading| {
        reading.lacks = Some(Box::new(Failure::new("forbidden", "project 2: the call is not permitted")));
    });
    let events = poll(&mut edge, &answer(&[("a", "open", "Down", 1)]));
    assert!(events.iter().any(|event| event.claim.family() == Family::Impact));
    for _ in 0..5 {
        assert_eq!(poll(&mut edge, "[]"), [], "nothing is gone, and the feed sees");
    }
    let beat = edge.beat(Surroundings::default(), now());
    assert_eq!((beat.state, beat.failures), (FeedState::Live, 1));
    assert_eq!(beat.error.map(|error| error.code).as_deref(), Some("forbidden"));
}
