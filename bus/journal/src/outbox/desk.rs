//! What an outbox keeps in memory: which events wait, which were acknowledged since the last commit, who waits for an
//! acknowledgement, and how long the last ones took.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entente_schemas::beat::{Backlog, Lag};
use tokio::sync::{oneshot, watch};

use super::store::{Opened, Parcel};

/// How many acknowledged events the lag is taken over.
const LAGS: usize = 1_000;
/// How many bytes of waiting events are kept in memory beside the file; what is beyond is read back when its turn comes.
const AT_HAND: u64 = 4 << 20;

pub(crate) struct Desk {
    state: Mutex<State>,
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<u64, Waiting>,
    bytes: u64,
    /// Of those that wait, what is kept in memory, and its bytes.
    at_hand: BTreeMap<u64, Arc<Parcel>>,
    at_hand_bytes: u64,
    /// Acknowledged, not yet written down: sequence to the log's sequence.
    acknowledged: BTreeMap<u64, u64>,
    waiters: BTreeMap<u64, Vec<oneshot::Sender<u64>>>,
    lags: VecDeque<u64>,
    floor: u64,
}

/// One event that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Its bytes with all headers.
    pub(crate) bytes: u64,
    /// When it entered, milliseconds of the wall clock.
    pub(crate) entered_ms: i64,
}

/// Where an awaited event stands.
pub(super) enum Wait {
    /// In the log, at this sequence.
    Logged(u64),
    /// Told when it is.
    Waiting(oneshot::Receiver<u64>),
    /// Neither waiting nor just acknowledged: the file knows.
    Settled,
}

/// What one commit writes down of acknowledgements.
#[derive(Default)]
pub(super) struct Settled {
    /// Sequence and the log's sequence.
    pub(super) acknowledged: Vec<(u64, u64)>,
    /// Every event that waits stands after this sequence of the log, if it is in the log at all.
    pub(super) floor: u64,
}

impl Desk {
    pub(super) fn new(opened: &Opened) -> Self {
        let state = State {
            bytes: opened.waiting.values().map(|waiting| waiting.bytes).sum(),
            waiting: opened.waiting.clone(),
            floor: opened.floor,
            ..State::default()
        };
        Self { state: Mutex::new(state), news: watch::Sender::new(opened.head.sequence) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn backlog(&self) -> Backlog {
        let state = self.lock();
        Backlog { events: state.waiting.len() as u64, bytes: state.bytes }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Enters events that are on disk now.
    pub(super) fn entered(&self, parcels: Vec<Parcel>, entered_ms: i64) {
        let mut state = self.lock();
        let mut last = 0;
        for parcel in parcels {
            let (sequence, bytes) = (parcel.sequence, parcel.bytes());
            state.bytes += bytes;
            state.waiting.insert(sequence, Waiting { bytes, entered_ms });
            if state.at_hand_bytes + bytes <= AT_HAND {
                state.at_hand_bytes += bytes;
                state.at_hand.insert(sequence, Arc::new(parcel));
            }
            last = sequence;
        }
        drop(state);
        if last > 0 {
            self.news.send_replace(last);
        }
    }

    /// Lets events wait again that count as acknowledged, and forgets how far the log was.
    pub(super) fn wait_again(&self, events: BTreeMap<u64, Waiting>) {
        let mut state = self.lock();
        state.bytes += events.values().map(|waiting| waiting.bytes).sum::<u64>();
        state.waiting.extend(events);
        state.floor = 0;
    }

    /// Takes in what the file holds after it was opened again. A commit that failed may be on disk nevertheless, and another
    /// process may have held the file meanwhile: what waits there and is not known here waits from now on. Gives what
    /// waited here and waits there no more.
    pub(super) fn reread(&self, opened: &Opened) -> Vec<u64> {
        let mut state = self.lock();
        for (sequence, waiting) in &opened.waiting {
            if !state.acknowledged.contains_key(sequence) && state.waiting.insert(*sequence, *waiting).is_none() {
                state.bytes += waiting.bytes;
            }
        }
        let gone = state.waiting.keys().filter(|sequence| !opened.waiting.contains_key(sequence)).copied().collect();
        drop(state);
        self.news.send_replace(opened.head.sequence);
        gone
    }

    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The events after a sequence that wait, oldest first, each with its bytes where they are kept in memory.
    pub(super) fn waiting_after(&self, sequence: u64, limit: usize) -> Vec<(u64, Option<Arc<Parcel>>)> {
        let state = self.lock();
        let waiting = state.waiting.range(sequence + 1..).take(limit);
        waiting.map(|(sequence, _)| (*sequence, state.at_hand.get(sequence).cloned())).collect()
    }

    /// How many events after a sequence wait, counted up to `limit`.
    pub(crate) fn count_after(&self, sequence: u64, limit: usize) -> usize {
        self.lock().waiting.range(sequence + 1..).take(limit).count()
    }

    /// Notes that the log has an event. True if nothing else was to be written down yet.
    pub(super) fn logged(&self, sequence: u64, log: u64) -> bool {
        let mut state = self.lock();
        let Some(waiting) = state.waiting.remove(&sequence) else { return false };
        state.bytes = state.bytes.saturating_sub(waiting.bytes);
        if state.at_hand.remove(&sequence).is_some() {
            state.at_hand_bytes = state.at_hand_bytes.saturating_sub(waiting.bytes);
        }
        let first = state.acknowledged.is_empty();
        state.acknowledged.insert(sequence, log);
        let lag = u64::try_from(chrono::Utc::now().timestamp_millis() - waiting.entered_ms).unwrap_or(0);
        if state.lags.len() == LAGS {
            state.lags.pop_front();
        }
        state.lags.push_back(lag);
        for waiter in state.waiters.remove(&sequence).unwrap_or_default() {
            // Whoever stopped waiting need not be told.
            let _ = waiter.send(log);
        }
        first
    }

    pub(super) fn wait_for(&self, sequence: u64) -> Wait {
        let mut state = self.lock();
        if let Some(log) = state.acknowledged.get(&sequence) {
            return Wait::Logged(*log);
        }
        if !state.waiting.contains_key(&sequence) {
            return Wait::Settled;
        }
        let (tell, told) = oneshot::channel();
        state.waiters.entry(sequence).or_default().push(tell);
        Wait::Waiting(told)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.lock().acknowledged.is_empty()
    }

    pub(super) fn to_settle(&self) -> Settled {
        let state = self.lock();
        let acknowledged = state.acknowledged.iter().map(|(sequence, log)| (*sequence, *log)).collect();
        Settled { acknowledged, floor: state.floor }
    }

    pub(super) fn settled(&self, settled: &Settled) {
        let mut state = self.lock();
        for (sequence, _) in &settled.acknowledged {
            state.acknowledged.remove(sequence);
        }
    }

    pub(super) fn lag(&self) -> Lag {
        let mut lags: Vec<u64> = self.lock().lags.iter().copied().collect();
        lags.sort_unstable();
        let at = |percent: usize| lags.get((lags.len() * percent / 100).min(lags.len().saturating_sub(1))).copied();
        Lag { p50_ms: at(50), p99_ms: at(99) }
    }

    /// After which of the log's sequences to look for events that may have been sent.
    pub(crate) fn floor(&self) -> u64 {
        self.lock().floor
    }

    /// Raises the floor: nothing that waits stands at or before it in the log.
    pub(crate) fn raise_floor(&self, floor: u64) {
        let mut state = self.lock();
        state.floor = state.floor.max(floor);
    }

    /// Whether an event waits still.
    pub(crate) fn is_waiting(&self, sequence: u64) -> bool {
        self.lock().waiting.contains_key(&sequence)
    }
}
