//! Whether we see through a feed. Live from its first good poll; blind after three failures in a row, or from the first
//! where no poll was ever good or where the next poll is further away than three failures. What was said of it last is
//! kept apart from what is so: a change that the outbox did not take is due until it does.

use chrono::{DateTime, Utc};
use entente_schemas::beat::BeatError;
use entente_schemas::family::{Coverage, Feed, FeedState};

/// Failures in a row that make a feed blind.
pub const BLIND_AFTER: u64 = 3;

/// The state of one feed.
#[derive(Clone, Debug)]
pub struct FeedHealth {
    slug: String,
    address: String,
    coverage: Coverage,
    said: Option<Feed>,
    said_live: bool,
    missed: bool,
    ever_good: bool,
    good_since: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    failures: u64,
    stopped: bool,
    last_good: Option<DateTime<Utc>>,
    last_poll: Option<DateTime<Utc>>,
    error: Option<BeatError>,
}

impl FeedHealth {
    /// A feed of which nothing is known yet.
    #[must_use]
    pub fn new(slug: &str, address: &str, coverage: Coverage) -> Self {
        Self {
            slug: slug.to_owned(),
            address: address.to_owned(),
            coverage,
            said: None,
            said_live: false,
            missed: false,
            ever_good: false,
            good_since: None,
            failing_since: None,
            failures: 0,
            stopped: false,
            last_good: None,
            last_poll: None,
            error: None,
        }
    }

    /// Remembers what was last said of the feed, by an earlier run.
    pub fn recall(&mut self, feed: &Feed) {
        self.ever_good |= feed.state == FeedState::Live || feed.last_good_poll.is_some();
        self.last_good = self.last_good.max(feed.last_good_poll);
        if feed.state == FeedState::Blind {
            self.failing_since = Some(feed.since);
        }
        self.said(feed.clone());
    }

    /// Whether the feed's first good poll is still to come, or was not told whole: until it is said to be live, what is
    /// closed already is backfill.
    #[must_use]
    pub fn first_reading(&self) -> bool {
        !self.said_live
    }

    /// Takes note of a good poll.
    pub fn good(&mut self, at: DateTime<Utc>) {
        if self.failures > 0 || self.good_since.is_none() {
            self.good_since = Some(at);
        }
        (self.failures, self.stopped, self.ever_good) = (0, false, true);
        (self.failing_since, self.error) = (None, None);
        (self.last_good, self.last_poll) = (Some(at), Some(at));
    }

    /// Takes note of a failed poll.
    pub fn bad(&mut self, at: DateTime<Utc>, error: BeatError) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(at);
        self.last_poll = Some(at);
        self.error = Some(error);
    }

    /// Takes note of a failure that makes the feed blind at once: nothing can be said any more, for the outbox is full, or the
    /// provider sent us away for longer than three failures take.
    pub fn stopped(&mut self, at: DateTime<Utc>, error: BeatError) {
        self.bad(at, error);
        self.stopped = true;
    }

    /// Takes note that others may have said meanwhile that nobody reads this feed: its state is due again.
    pub fn missed(&mut self) {
        self.missed = true;
    }

    /// Whether anything was ever said of the feed.
    #[must_use]
    pub fn spoken(&self) -> bool {
        self.said.is_some()
    }

    /// Failed polls in a row.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Live or blind, as it is.
    #[must_use]
    pub fn state(&self) -> FeedState {
        let last_said = self.said.as_ref().map_or(FeedState::Blind, |said| said.state);
        if self.failures == 0 {
            return if self.good_since.is_some() { FeedState::Live } else { last_said };
        }
        let blind = self.stopped || self.failures >= BLIND_AFTER || !self.ever_good;
        match (blind, self.good_since) {
            (true, _) => FeedState::Blind,
            (false, Some(_)) => FeedState::Live,
            (false, None) => last_said,
        }
    }

    /// What is to be said of the feed now, if that is not what was said last.
    #[must_use]
    pub fn due(&self) -> Option<Feed> {
        self.last_poll?;
        let state = self.state();
        let reason = match &self.said {
            Some(said) if said.state == state && said.address.as_deref() != Some(&self.address) => {
                "the address that is read has changed".to_owned()
            }
            Some(said) if said.state == state && said.coverage != self.coverage => {
                "the coverage has changed".to_owned()
            }
            Some(said) if said.state == state && !self.missed => return None,
            Some(said) if said.state == state && state == FeedState::Live => "its adapter is heard again".to_owned(),
            said => self.reason(state, said.is_some()),
        };
        let since = if state == FeedState::Live { self.good_since } else { self.failing_since };
        Some(Feed {
            feed: self.slug.clone(),
            state,
            since: since.or(self.last_poll)?,
            reason,
            last_good_poll: self.last_good,
            address: Some(self.address.clone()),
            coverage: self.coverage.clone(),
        })
    }

    fn reason(&self, state: FeedState, spoken_of: bool) -> String {
        match (state, &self.error) {
            (FeedState::Blind, Some(error)) => error.text.clone(),
            (_, _) if spoken_of => "recovered".to_owned(),
            _ => "first poll".to_owned(),
        }
    }

    /// Takes note that this was said.
    pub fn said(&mut self, feed: Feed) {
        self.said_live |= feed.state == FeedState::Live || feed.last_good_poll.is_some();
        self.said = Some(feed);
        self.missed = false;
    }

    /// When the feed last answered as it should.
    #[must_use]
    pub fn last_good(&self) -> Option<DateTime<Utc>> {
        self.last_good
    }

    /// When the feed was last asked.
    #[must_use]
    pub fn last_poll(&self) -> Option<DateTime<Utc>> {
        self.last_poll
    }

    /// The last failure, if the last poll was one.
    #[must_use]
    pub fn error(&self) -> Option<&BeatError> {
        self.error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn refused() -> BeatError {
        BeatError { code: "http-503".into(), text: "the provider answered 503".into() }
    }

    fn health() -> FeedHealth {
        FeedHealth::new("x-public", "https://x.example/feed", Coverage::default())
    }

    fn say(health: &mut FeedHealth) -> Option<(FeedState, DateTime<Utc>, String)> {
        let feed = health.due()?;
        health.said(feed.clone());
        Some((feed.state, feed.since, feed.reason))
    }

    #[test]
    fn a_feed_is_live_from_its_first_good_poll_and_blind_after_three_failures() {
        let mut health = health();
        assert_eq!(say(&mut health), None);
        health.good(at(0));
        assert_eq!(say(&mut health), Some((FeedState::Live, at(0), "first poll".into())));
        health.good(at(1));
        assert_eq!(say(&mut health), None);
        for second in [2, 3] {
            health.bad(at(second), refused());
            assert_eq!((say(&mut health), health.state()), (None, FeedState::Live));
        }
        health.bad(at(4), refused());
        assert_eq!(say(&mut health), Some((FeedState::Blind, at(2), "the provider answered 503".into())));
        health.bad(at(5), refused());
        assert_eq!(say(&mut health), None);
        health.good(at(6));
        assert_eq!(say(&mut health), Some((FeedState::Live, at(6), "recovered".into())));
    }

    #[test]
    fn a_feed_that_never_answered_is_blind_from_its_first_failure() {
        let mut health = health();
        health.bad(at(0), refused());
        assert_eq!(say(&mut health).map(|said| (said.0, said.1)), Some((FeedState::Blind, at(0))));
    }

    #[test]
    fn after_others_took_it_for_gone_its_state_is_said_again_once() {
        let mut health = health();
        health.missed();
        assert_eq!(say(&mut health), None, "nothing is known yet");
        health.good(at(0));
        assert_eq!(say(&mut health).map(|said| said.2), Some("first poll".into()));
        health.missed();
        assert_eq!(say(&mut health), Some((FeedState::Live, at(0), "its adapter is heard again".into())));
        assert_eq!(say(&mut health), None);
        (1..4).for_each(|second| health.bad(at(second), refused()));
        assert!(say(&mut health).is_some());
        health.missed();
        assert_eq!(say(&mut health), Some((FeedState::Blind, at(1), "the provider answered 503".into())));
    }

    #[test]
    fn a_feed_that_is_sent_away_for_long_is_blind_at_once_and_live_after_a_good_poll() {
        let mut health = health();
        health.good(at(0));
        say(&mut health);
        health.stopped(at(1), BeatError { code: "away".into(), text: "until tomorrow".into() });
        assert_eq!(say(&mut health), Some((FeedState::Blind, at(1), "until tomorrow".into())));
        health.good(at(2));
        assert_eq!(say(&mut health), Some((FeedState::Live, at(2), "recovered".into())));
    }

    #[test]
    fn what_was_not_taken_is_due_again() {
        let mut health = health();
        health.good(at(0));
        assert!(health.due().is_some());
        assert!(health.due().is_some());
        say(&mut health);
        health.stopped(at(1), refused());
        assert_eq!(health.due().map(|feed| feed.state), Some(FeedState::Blind));
    }

    #[test]
    fn after_a_restart_nothing_is_said_that_was_said_before() {
        let mut earlier = health();
        earlier.good(at(0));
        let said = earlier.due().unwrap();
        let mut later = health();
        later.recall(&said);
        assert!(!later.first_reading());
        later.bad(at(10), refused());
        assert_eq!((later.due(), later.state()), (None, FeedState::Live));
        later.good(at(11));
        assert_eq!(later.due(), None);
        let mut moved = FeedHealth::new("x-public", "/tmp/feed.json", Coverage::default());
        moved.recall(&said);
        moved.good(at(12));
        assert!(moved.due().unwrap().reason.contains("address"));
    }
}
