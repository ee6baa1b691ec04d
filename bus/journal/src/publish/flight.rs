//! What is under way: which events were sent and not answered, since when, and after which place of the log they are.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// Before the server's ten minutes of remembering message ids are over.
const OLD: Duration = Duration::from_secs(9 * 60);
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses between tries: 50 ms doubling to 5 s, each shortened by up to a half at random.
#[derive(Debug, Default)]
pub(crate) struct Pause(u32);

impl Pause {
    pub(crate) fn next(&mut self) -> Duration {
        let whole = SHORTEST.saturating_mul(1 << self.0.min(10)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        let thousandths = u32::try_from(RandomState::new().hash_one(self.0) % 501).unwrap_or(0);
        whole - whole * thousandths / 1_000
    }
}

/// One event that was sent at least once and is not answered.
#[derive(Clone, Copy, Debug)]
struct Sent {
    first: Instant,
    last: Instant,
    /// The greatest sequence of the log that was known when it was first sent.
    floor: u64,
    times: u32,
    /// Sent, and not yet given up for lost.
    out: bool,
}

#[derive(Debug)]
pub(super) struct Flights {
    cursor: u64,
    sent: BTreeMap<u64, Sent>,
    batches: BTreeMap<u64, Vec<u64>>,
    batch: u64,
    out: usize,
    high: u64,
}

impl Flights {
    pub(super) fn new(high: u64) -> Self {
        Self { cursor: 0, sent: BTreeMap::new(), batches: BTreeMap::new(), batch: 0, out: 0, high }
    }

    /// Events after this sequence are to be sent next.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    pub(super) fn unanswered(&self) -> usize {
        self.out
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out == 0
    }

    /// An event is sent now.
    pub(super) fn depart(&mut self, sequence: u64, now: Instant) {
        let new = Sent { first: now, last: now, floor: self.high, times: 0, out: false };
        let sent = self.sent.entry(sequence).or_insert(new);
        sent.last = now;
        sent.times += 1;
        if !sent.out {
            sent.out = true;
            self.out += 1;
        }
        self.cursor = self.cursor.max(sequence);
    }

    /// Events are sent now as one batch. Gives the batch's number.
    pub(super) fn depart_together(&mut self, sequences: Vec<u64>, now: Instant) -> u64 {
        for sequence in &sequences {
            self.depart(*sequence, now);
        }
        self.batch += 1;
        self.batches.insert(self.batch, sequences);
        self.batch
    }

    /// The log has an event.
    pub(super) fn arrive(&mut self, sequence: u64, log: u64) {
        self.high = self.high.max(log);
        if self.sent.remove(&sequence).is_some_and(|sent| sent.out) {
            self.out -= 1;
        }
    }

    /// The events of a batch that is not answered.
    pub(super) fn batch(&self, batch: u64) -> Option<Vec<u64>> {
        self.batches.get(&batch).cloned()
    }

    pub(super) fn forget_batch(&mut self, batch: u64) {
        self.batches.remove(&batch);
    }

    /// Whether an event was sent once only.
    pub(super) fn is_first(&self, sequence: u64) -> bool {
        self.sent.get(&sequence).is_some_and(|sent| sent.times == 1)
    }

    /// Everything from a sequence on is to be sent again.
    pub(super) fn back_to(&mut self, sequence: u64) {
        for sent in self.sent.range_mut(sequence..).map(|(_, sent)| sent).filter(|sent| sent.out) {
            sent.out = false;
            self.out -= 1;
        }
        self.cursor = self.cursor.min(sequence.saturating_sub(1));
        self.batches.retain(|_, sequences| sequences.last().is_some_and(|last| *last < sequence));
    }

    /// Everything unanswered is to be sent again.
    pub(super) fn all_back(&mut self) {
        self.back_to(1);
    }

    /// When the longest unanswered event was last sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.values().filter(|sent| sent.out).map(|sent| sent.last).min()
    }

    /// Whether the server may have forgotten the message id of an event that was sent.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        self.sent.values().any(|sent| now.duration_since(sent.first) > OLD)
    }

    /// The log was read: what is left was not there, and is as if it had never been sent.
    pub(super) fn looked(&mut self) {
        self.sent.clear();
        self.batches.clear();
        (self.cursor, self.out) = (0, 0);
    }

    /// No event that waits stands at or before this sequence of the log.
    pub(super) fn floor(&self) -> u64 {
        self.sent.values().map(|sent| sent.floor).min().unwrap_or(self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_floor_stays_below_everything_unanswered() {
        let mut flights = Flights::new(10);
        flights.depart(1, Instant::now());
        flights.depart(2, Instant::now());
        flights.arrive(2, 12);
        assert_eq!(flights.floor(), 10, "event 1 may stand at 11");
        flights.arrive(1, 11);
        assert_eq!((flights.floor(), flights.unanswered()), (12, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_called_back_is_sent_again_and_counts_as_old_by_its_first_departure() {
        let mut flights = Flights::new(0);
        let batch = flights.depart_together(vec![1, 2, 3], Instant::now());
        assert_eq!(flights.batch(batch), Some(vec![1, 2, 3]));
        tokio::time::advance(OLD).await;
        flights.all_back();
        assert_eq!((flights.cursor(), flights.unanswered(), flights.batch(batch)), (0, 0, None));
        flights.depart(1, Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(flights.is_old(Instant::now()) && !flights.is_first(1) && flights.is_first(2));
        flights.looked();
        assert!(!flights.is_old(Instant::now()));
    }

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let mut pause = Pause::default();
        for step in 0..40 {
            let whole = SHORTEST.saturating_mul(1 << step.min(10)).min(LONGEST);
            let next = pause.next();
            assert!(next <= whole && next >= whole / 2 - Duration::from_millis(1), "step {step}: {next:?}");
        }
    }
}
