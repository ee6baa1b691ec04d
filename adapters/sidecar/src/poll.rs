//! What asking a feed gives, and when to ask again: at an even pace with jitter, later and later after failures, never
//! before the time that the provider named. Recordings are played at their pace.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use entente_schemas::beat::BeatError;

use crate::feed::BLIND_AFTER;
use crate::item::Refusal;

/// The longest pause that failures alone lead to.
const BACK_OFF_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest that a provider may send us away for.
const AWAY_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The pause where a recording has nothing new, or nothing can be said.
const IDLE: Duration = Duration::from_secs(1);
/// Parts per million by which a pause is shorter or longer.
const JITTER_PPM: u32 = 100_000;
const MILLION: u32 = 1_000_000;

/// What a feed answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Bytes.
    Body(Arc<[u8]>),
    /// The same as before.
    Unchanged,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What beats and the feed's state tell.
    pub error: BeatError,
    /// The input, where there was one.
    pub refusal: Option<Box<Refusal>>,
    /// The provider's own wish.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure with a stable short code and words.
    #[must_use]
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        let error = BeatError { code: code.into(), text: text.into() };
        Self { error, refusal: None, retry_after: None }
    }

    /// An answer that has bytes and cannot be taken.
    #[must_use]
    pub fn refused(code: &str, refusal: Refusal) -> Self {
        Self { refusal: Some(Box::new(refusal.clone())), ..Self::new(code, refusal.reason) }
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was read, and what it said is on disk.
    Read,
    /// It was read, but is to be seen whole once more before all of it is said.
    Doubtful,
    /// It could not be read.
    Refused,
    /// It was read, but the outbox did not take what it said: it is to be answered again.
    NotTaken,
}

/// The pace at which a feed is asked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause between good polls.
    pub every: Duration,
    /// Whether a recording is played.
    pub recorded: bool,
}

impl Pace {
    /// The pause after a poll: `failures` in a row, the provider's own wish, and a roll of 0 to 1,000,000 for the jitter.
    #[must_use]
    pub fn pause(&self, failures: u64, retry_after: Option<Duration>, roll: u32) -> Duration {
        if self.recorded {
            return self.every;
        }
        let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        let longest = self.every.max(BACK_OFF_MAX);
        let backed_off = self.every.saturating_mul(1 << doublings).min(longest);
        let away = retry_after.unwrap_or_default().min(AWAY_MAX);
        let spread = MILLION - JITTER_PPM + (roll.min(MILLION) / (MILLION / (2 * JITTER_PPM)));
        // Jitter never brings a poll before the time that the provider named.
        (backed_off.saturating_mul(spread) / MILLION).max(away)
    }

    /// For how long the provider sends us away, if that is longer than the failures take that make a feed blind.
    #[must_use]
    pub fn away(&self, retry_after: Option<Duration>) -> Option<Duration> {
        let blind_after: Duration = (1..BLIND_AFTER).map(|failures| self.pause(failures, None, MILLION)).sum();
        let away = retry_after?.min(AWAY_MAX);
        (!self.recorded && away > blind_after).then_some(away)
    }

    /// The pause where nothing can be said of what was answered: the outbox will be tried soon again, but the provider not before
    /// the time that it named.
    #[must_use]
    pub fn untaken(&self, retry_after: Option<Duration>) -> Duration {
        self.idle().max(retry_after.unwrap_or_default().min(AWAY_MAX))
    }

    /// The pause where there is nothing to do: a recording at its end is looked at now and then.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.every.max(IDLE)
    }
}

/// A roll of 0 to 1,000,000: seeds of the standard hasher are random.
#[must_use]
pub fn roll() -> u32 {
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random % u64::from(MILLION + 1)).unwrap_or(MILLION / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn pauses_grow_with_failures_up_to_a_limit() {
        let pace = Pace { every: MINUTE, recorded: false };
        let middle = |failures| pace.pause(failures, None, MILLION / 2);
        assert_eq!([middle(0), middle(1), middle(2), middle(3)], [MINUTE, MINUTE, MINUTE * 2, MINUTE * 4]);
        assert_eq!(middle(5), BACK_OFF_MAX);
        assert_eq!(middle(u64::MAX), BACK_OFF_MAX);
        let slow = Pace { every: BACK_OFF_MAX * 2, recorded: false };
        assert_eq!(slow.pause(9, None, MILLION / 2), BACK_OFF_MAX * 2);
    }

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let pace = Pace { every: MINUTE, recorded: false };
        assert_eq!(pace.pause(0, None, 0), Duration::from_secs(54));
        assert_eq!(pace.pause(0, None, MILLION), Duration::from_secs(66));
        assert!((0..100).map(|_| roll()).all(|roll| roll <= MILLION));
    }

    #[test]
    fn nobody_is_asked_before_the_time_that_they_named() {
        let pace = Pace { every: MINUTE, recorded: false };
        let hour = Duration::from_secs(3_600);
        assert_eq!(pace.pause(1, Some(hour), 0), hour);
        assert_eq!(pace.pause(1, Some(Duration::from_secs(1)), 0), Duration::from_secs(54));
        assert_eq!(pace.pause(1, Some(Duration::MAX), 0), AWAY_MAX);
        assert_eq!([pace.untaken(Some(hour)), pace.untaken(None)], [hour, MINUTE], "nor where the outbox is full");
    }

    #[test]
    fn only_a_wait_that_outlasts_three_failures_is_one_away() {
        let pace = Pace { every: MINUTE, recorded: false };
        assert_eq!(pace.away(None), None);
        assert_eq!(pace.away(Some(MINUTE * 3)), None);
        assert_eq!(pace.away(Some(MINUTE * 4)), Some(MINUTE * 4));
        assert_eq!(pace.away(Some(Duration::MAX)), Some(AWAY_MAX));
        assert_eq!(Pace { recorded: true, ..pace }.away(Some(AWAY_MAX)), None);
    }

    #[test]
    fn a_recording_is_played_at_its_pace() {
        let pace = Pace { every: Duration::ZERO, recorded: true };
        assert_eq!((pace.pause(7, None, 0), pace.idle()), (Duration::ZERO, IDLE));
    }
}
