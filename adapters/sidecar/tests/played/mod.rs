//! An edge without its loop: answers in, and out what an outbox that takes everything would send. For the tests of all
//! adapters.
#![allow(dead_code, reason = "no test uses all of it")]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::event::{CHAIN_START, Draft, Event, Place, Source};
use entente_schemas::family::{Body, Family, Rejected};
use entente_sidecar::Normalize;
use entente_sidecar::edge::{Edge, Outcome};

/// The player's clock.
pub fn now() -> DateTime<Utc> {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

/// Who transmits a feed.
pub fn source(feed: &str) -> Source {
    Source { org: "local".into(), feed: feed.into(), instance: "01HZZZZZZZZZZZZZZZZZZZZZZZ".into() }
}

/// A public feed's edge, and what reads its answers.
pub struct Public {
    edge: Edge,
    normalize: Arc<dyn Normalize>,
}

impl Public {
    /// One that knows nothing yet, in front of everybody.
    pub fn new(normalize: Arc<dyn Normalize>) -> Self {
        let profile = normalize.profile().clone();
        let (feed, address) = (source(&profile.slug), profile.address.clone());
        Self { edge: Edge::new(profile, feed, "actual", "all", &address), normalize }
    }

    /// Takes note of an answer.
    pub fn answered(&mut self, body: &[u8], now: DateTime<Utc>) -> Outcome {
        self.edge.answered(self.normalize.read(body, now), now)
    }
}

impl Deref for Public {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

impl DerefMut for Public {
    fn deref_mut(&mut self) -> &mut Edge {
        &mut self.edge
    }
}

/// Plays good answers.
pub fn play<'a>(edge: &mut Public, answers: impl IntoIterator<Item = &'a [u8]>) -> Vec<Draft> {
    let mut all = Vec::new();
    for answer in answers {
        let outcome = edge.answered(answer, now());
        assert!(outcome.read, "{:?}", edge.health().error());
        edge.taken(&outcome.drafts);
        all.extend(outcome.drafts);
    }
    all
}

/// A draft as the greatest payload that it can be.
pub fn bytes(draft: &Draft) -> Vec<u8> {
    let source = source("any-feed");
    let place = Place {
        source: &source,
        universe: "actual",
        audience: "all",
        sequence: entente_schemas::count::COUNT_MAX,
        prevhash: CHAIN_START,
    };
    draft.seal(place).unwrap()
}

/// A draft as its readers read it.
pub fn event(draft: &Draft) -> Event {
    Event::read(&bytes(draft)).unwrap()
}

/// The drafts of one family.
pub fn of(drafts: &[Draft], family: Family) -> Vec<&Draft> {
    drafts.iter().filter(|draft| draft.claim.family() == family).collect()
}

/// What was told as rejected.
pub fn rejected(drafts: &[Draft]) -> Vec<Rejected> {
    let told =
        |draft: &'_ Draft| if let Body::Rejected(rejected) = &draft.claim.body { Some(rejected.clone()) } else { None };
    drafts.iter().filter_map(told).collect()
}
