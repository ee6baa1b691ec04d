//! The pure half of the loop: what came of asking a feed in, drafts of events out. No I/O and no clock, so that recordings
//! are read by the very code that reads the live feed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::beat::{self, Beat, BeatError};
use entente_schemas::event::{Draft, Event, Source};
use entente_schemas::family::{Body, Coverage, Family};
use entente_schemas::tlp::Tlp;

use crate::draft::{Drafter, Occasion};
use crate::feed::FeedHealth;
use crate::item::{FeedProfile, Item, Reading, Refusal, UnmappedWord};
use crate::memory::Memory;
use crate::vanish::Vanish;

/// Inputs that are told as rejected after one poll; the next poll tells of further ones.
const REFUSALS_PER_POLL: usize = 100;
/// Unknown words that a beat lists.
const WORDS_IN_BEAT: usize = 100;
/// Unknown words that are remembered; a feed that makes up new ones at each poll is not remembered whole.
const WORDS_KEPT: usize = 1_000;

/// What one feed's adapter knows.
pub struct Edge {
    mapping_version: u32,
    drafter: Drafter,
    memory: Memory,
    vanish: Vanish,
    health: FeedHealth,
    present: BTreeSet<String>,
    whole: bool,
    unknown_words: BTreeMap<UnmappedWord, (u64, DateTime<Utc>)>,
    untold: Untold,
}

/// What could last not be told of each kind of claim, and why: a clock that is wrong by years spoils every one of them.
#[derive(Default)]
struct Untold(BTreeMap<&'static str, String>);

/// What came of one poll.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Events to offer, in this order.
    pub drafts: Vec<Draft>,
    /// Whether the answer was read, so that asking for changes only is right next time.
    pub read: bool,
    /// Whether not all of it was said yet, so that the next answer is to be asked for whole: what counts only if it stands
    /// in two answers, and refusals beyond those of one poll.
    pub doubtful: bool,
}

/// What a beat tells beside the feed's own state.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// When the feed is asked next.
    pub next_try: Option<DateTime<Utc>>,
    /// From the edge to the log.
    pub lag: beat::Lag,
    /// What waits to be published.
    pub outbox: beat::Backlog,
    /// The provider's clock minus ours.
    pub clock_offset_ms: Option<i64>,
}

impl Edge {
    /// An adapter that knows nothing yet, transmitting as `source` into one universe and audience. `address` is what is
    /// shown as read.
    #[must_use]
    pub fn new(profile: FeedProfile, source: Source, universe: &str, audience: &str, address: &str) -> Self {
        let coverage = Coverage {
            speakers: vec![profile.speaker.org.clone()],
            service_classes: profile.covers.clone(),
            regions: Vec::new(),
        };
        Self {
            memory: Memory::default(),
            vanish: Vanish::new(profile.vanishing),
            health: FeedHealth::new(&profile.slug, address, coverage),
            mapping_version: profile.mapping_version,
            drafter: Drafter::new(source, universe, audience, profile),
            present: BTreeSet::new(),
            whole: false,
            unknown_words: BTreeMap::new(),
            untold: Untold::default(),
        }
    }

    /// Remembers what was said before, from outbox and log, in any order and any number of times.
    pub fn recall(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.memory.recall(event));
        for event in events {
            if !self.is_current(event) {
                continue;
            }
            self.vanish.learn(&event.claim);
            if let Body::Feed(feed) = &event.claim.body
                && event.claim.header.object_id == self.drafter.feed_object()
            {
                self.health.recall(feed);
            }
        }
    }

    fn is_current(&self, event: &Event) -> bool {
        let last = self.memory.last(event.claim.family(), &event.claim.header.object_id);
        last.is_some_and(|last| last.is(event))
    }

    /// Sets how what is said is marked for onward sharing.
    pub fn mark(&mut self, tlp: Tlp) {
        self.drafter.mark(tlp);
    }

    /// Takes note of an answer. One in which there are items and not one can be read is no good poll: the feed has another
    /// shape, or an error stands where the feed should. Not so where only what is new is told.
    pub fn answered(&mut self, reading: Result<Reading, Refusal>, now: DateTime<Utc>) -> Outcome {
        let refused = match reading {
            Ok(reading) if reading.items.is_empty() && !reading.refused.is_empty() && !reading.increment => {
                reading.refused
            }
            Ok(reading) => return self.read(reading, now),
            Err(refusal) => vec![refusal],
        };
        let reason = refused.first().map(|refusal| refusal.reason.clone()).unwrap_or_default();
        let error = BeatError { code: "unreadable".to_owned(), text: reason };
        Outcome { drafts: self.failed(error, &refused, None, now), ..Outcome::default() }
    }

    /// Takes note that the feed answered as before.
    pub fn unchanged(&mut self, now: DateTime<Utc>) -> Outcome {
        self.health.good(now);
        let mut drafts = self.gone(now);
        drafts.extend(self.change_of_state(now));
        Outcome { drafts, read: true, doubtful: false }
    }

    /// Takes note that the feed did not answer as it should; with the inputs, where there are some to name. Where the
    /// provider is not to be asked before `away`, too far away to wait for three failures, the feed is blind at once.
    pub fn failed(
        &mut self,
        error: BeatError,
        refused: &[Refusal],
        away: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Vec<Draft> {
        match away {
            Some(until) => {
                let until = until.format("%Y-%m-%d %H:%M:%S UTC");
                let text = format!("{}; it is not to be asked before {until}", error.text);
                self.health.stopped(now, BeatError { code: error.code, text });
            }
            None => self.health.bad(now, error),
        }
        let mut drafts = self.rejections(refused, now);
        drafts.extend(self.change_of_state(now));
        drafts
    }

    /// Takes note that the outbox takes nothing more: the feed is blind at once, and what was to be said is due again.
    pub fn stopped(&mut self, error: BeatError, now: DateTime<Utc>) {
        self.health.stopped(now, error);
    }

    /// Takes note that others may have taken this adapter for gone, and said so: it says its state again.
    pub fn missed(&mut self) {
        self.health.missed();
    }

    /// Takes note of a draft that the outbox will never take, and gives the event that tells so; none if it was told
    /// already, or if what is left out is such an event itself.
    pub fn left_out(&mut self, draft: &Draft, reason: &str, now: DateTime<Utc>) -> Option<Draft> {
        if matches!(draft.claim.family(), Family::Rejected | Family::Feed) {
            return None;
        }
        self.rejections(&[Drafter::left_out(draft, reason)], now).pop()
    }

    /// Takes note of drafts that the outbox has taken.
    pub fn taken(&mut self, drafts: &[Draft]) {
        for draft in drafts {
            self.memory.learn(draft);
            self.vanish.learn(&draft.claim);
            if let Body::Feed(feed) = &draft.claim.body {
                self.health.said(feed.clone());
            }
        }
    }

    /// The feed's state.
    #[must_use]
    pub fn health(&self) -> &FeedHealth {
        &self.health
    }

    /// What the feed last said of its objects.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The heartbeat at this moment.
    #[must_use]
    pub fn beat(&self, around: Surroundings, now: DateTime<Utc>) -> Beat {
        let words = self.unknown_words.iter().take(WORDS_IN_BEAT);
        Beat {
            state: self.health.state(),
            last_good: self.health.last_good(),
            last_poll: self.health.last_poll(),
            next_try: around.next_try,
            failures: self.health.failures(),
            error: self.health.error().cloned(),
            lag: around.lag,
            outbox: around.outbox,
            unknown_words: words.map(|(word, (count, first))| in_beat(word, *count, *first)).collect(),
            mapping_version: self.mapping_version,
            clock_offset_ms: around.clock_offset_ms,
            beat_at: now,
        }
    }

    fn read(&mut self, reading: Reading, now: DateTime<Utc>) -> Outcome {
        let Reading { mut items, mut refused, unmapped, lacks, .. } = reading;
        let occasion = Occasion { now, first_good: self.health.first_reading() };
        self.health.good(now);
        if let Some(failure) = &lacks {
            self.health.bad(now, failure.error.clone());
        }
        self.note_words(unmapped, now);
        self.present = items.iter().map(|item: &Item| item.object_id.clone()).collect();
        self.whole = refused.is_empty() && lacks.is_none();
        refused.extend(items.iter_mut().flat_map(|item| std::mem::take(&mut item.refused)));
        let drafted = self.drafter.items(items, &self.memory, occasion);
        let mut doubtful = !drafted.again.is_empty();
        self.memory.stands(drafted.again);
        let mut drafts = drafted.drafts;
        refused.extend(drafted.refused);
        drafts.extend(self.gone(now));
        let rejections = self.rejections(&refused, now);
        // There may be further ones, which an answer of changes only would not hold.
        doubtful |= rejections.len() == REFUSALS_PER_POLL;
        drafts.extend(rejections);
        // Last, so that a first reading which was cut short is continued as such.
        drafts.extend(self.change_of_state(now));
        Outcome { drafts, read: true, doubtful }
    }

    fn gone(&mut self, now: DateTime<Utc>) -> Vec<Draft> {
        let gone = self.vanish.poll(&self.present, self.whole);
        let closing = gone.iter().map(|claim| self.drafter.vanished(claim, &self.memory, now));
        closing.filter_map(|draft| self.untold.told("the end of an item", draft)).collect()
    }

    fn rejections(&mut self, refused: &[Refusal], now: DateTime<Utc>) -> Vec<Draft> {
        let rejected = refused.iter().map(|refusal| self.drafter.rejected(refusal, &self.memory, now));
        let news = rejected.filter_map(|draft| self.untold.told("a rejected input", draft).flatten());
        // One input twice in an answer is one event.
        let mut told = BTreeSet::new();
        news.filter(|draft| told.insert(draft.id.clone())).take(REFUSALS_PER_POLL).collect()
    }

    fn change_of_state(&mut self, now: DateTime<Utc>) -> Option<Draft> {
        let due = self.health.due()?;
        self.untold.told("the feed's state", self.drafter.feed(due, &self.memory, now))
    }

    fn note_words(&mut self, unmapped: BTreeMap<UnmappedWord, u64>, now: DateTime<Utc>) {
        for (word, count) in unmapped {
            if self.unknown_words.len() < WORDS_KEPT || self.unknown_words.contains_key(&word) {
                self.unknown_words.entry(word).or_insert((0, now)).0 = count;
            }
        }
    }
}

impl Untold {
    /// Claims of the adapter itself are made of parts that were checked, so one that is refused is worth a line, not an end.
    fn told<T>(&mut self, what: &'static str, draft: Result<T, Refusal>) -> Option<T> {
        let refusal = match draft {
            Ok(draft) => return Some(draft),
            Err(refusal) => refusal,
        };
        if self.is_news(what, &refusal.reason) {
            tracing::error!(reason = %refusal.reason, "{what} could not be told; more of them for this reason are not named");
        }
        None
    }

    fn is_news(&mut self, what: &'static str, reason: &str) -> bool {
        self.0.insert(what, reason.to_owned()).is_none_or(|before| before != reason)
    }
}

fn in_beat(word: &UnmappedWord, count: u64, first: DateTime<Utc>) -> beat::UnmappedWord {
    beat::UnmappedWord {
        field: word.field.clone(),
        word: word.word.clone(),
        read_as: word.read_as.clone(),
        count,
        first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_for_one_reason_is_a_line_once() {
        let mut untold = Untold::default();
        let mut news = |what, reason| untold.is_news(what, reason);
        assert!(news("a", "the clock") && news("b", "the clock"));
        assert!(!news("a", "the clock") && news("a", "its size") && !news("b", "the clock"));
    }
}
