//! What the server knows: the live state, the archive that any earlier moment is folded from, and whether the log
//! answers. Everything that is shown is asked for here, and computed at most once per position and second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use entente_correlator::picture::Picture;
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_journal::{Batch, Scope};
use entente_replay::{Archive, AsOf};
use entente_schemas::record::Position;
use tokio::sync::watch;

/// Pictures that are kept: each view that is open needs one.
const PICTURES: usize = 16;
/// States of earlier moments that are kept, for whoever looks around in one. Each costs about 2 KB a record of the log.
const CUTS: usize = 2;

/// What the server knows.
pub(crate) struct Room {
    stream: String,
    log: Mutex<Log>,
    sequence: watch::Sender<u64>,
    link: watch::Sender<Link>,
    pictures: Mutex<VecDeque<(Key, Arc<Picture>)>>,
    cuts: Mutex<VecDeque<(u64, Arc<Past>)>>,
}

struct Log {
    live: State,
    archive: Archive,
}

/// An earlier state, folded by the first who asks.
type Past = OnceLock<Mutex<State>>;

type Key = (u64, DateTime<Utc>, Select);

/// Whether the log answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not asked yet, or not yet read to its end.
    Catching,
    /// It does, and has been read to its end.
    Live,
    /// It does not.
    Lost {
        /// Since when, by the server's clock.
        since: DateTime<Utc>,
        /// Why.
        reason: String,
    },
}

/// The moment of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// How far the log counts; everything that is there, if none.
    pub(crate) sequence: Option<u64>,
    /// What the clock shows; for an earlier position without one, the last record's time.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What the server's clock shows.
    pub(crate) now: DateTime<Utc>,
}

impl When {
    /// The live picture.
    pub(crate) fn live(now: DateTime<Utc>) -> Self {
        Self { sequence: None, at: None, now }
    }

    fn at(&self, state: &State) -> DateTime<Utc> {
        let logged = || self.sequence.and_then(|_| state.logged());
        self.at.or_else(logged).unwrap_or(self.now)
    }
}

impl Room {
    pub(crate) fn new(scope: &Scope, model: Arc<Model>) -> Self {
        let live = State::new(&scope.universe, Arc::clone(&model));
        let archive = Archive::new(&scope.universe, model);
        Self {
            stream: scope.log_stream(),
            log: Mutex::new(Log { live, archive }),
            sequence: watch::Sender::new(0),
            link: watch::Sender::new(Link::Catching),
            pictures: Mutex::default(),
            cuts: Mutex::default(),
        }
    }

    /// The stream that is read.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// The sequence up to which the log is folded.
    pub(crate) fn sequence(&self) -> u64 {
        *self.sequence.borrow()
    }

    /// Tells of every sequence that is folded.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.sequence.subscribe()
    }

    /// Whether the log answers.
    pub(crate) fn link(&self) -> Link {
        self.link.borrow().clone()
    }

    /// Waits until the log has been read to its end once.
    pub(crate) async fn caught_up(&self) {
        // The sender lives as long as `self`, so that waiting ends with an answer.
        let _ = self.link.subscribe().wait_for(|link| *link == Link::Live).await;
    }

    /// Waits until the log is folded up to a sequence.
    pub(crate) async fn reached(&self, sequence: u64) {
        let _ = self.watch().wait_for(|reached| *reached >= sequence).await;
    }

    /// Folds what one asking of the log brought; `whole` says that there was nothing more to ask for.
    pub(crate) fn take(&self, batch: Batch, whole: bool) {
        let before = self.sequence();
        if !batch.records.is_empty() || batch.complete > before {
            let mut log = self.lock();
            let records: Vec<_> = batch.records.into_iter().filter(|record| record.sequence > before).collect();
            records.iter().cloned().for_each(|record| log.live.offer(record));
            log.live.complete(&Position::of(&self.stream, batch.complete));
            let Log { live, archive } = &mut *log;
            archive.take(records, live);
        }
        let link = if whole { Link::Live } else { Link::Catching };
        self.sequence.send_if_modified(|sequence| {
            let moved = batch.complete > *sequence;
            *sequence = batch.complete.max(*sequence);
            moved
        });
        self.link.send_if_modified(|before| {
            // Who was live and reads on is not behind.
            let changed = *before != link && !(*before == Link::Live && link == Link::Catching);
            if changed {
                *before = link;
            }
            changed
        });
    }

    /// Notes that the log does not answer.
    pub(crate) fn lost(&self, since: DateTime<Utc>, reason: String) {
        self.link.send_if_modified(|link| {
            let first = !matches!(link, Link::Lost { .. });
            if first {
                *link = Link::Lost { since, reason };
            }
            first
        });
    }

    /// The sequence that is meant, in the log as it is now.
    pub(crate) fn resolve(&self, as_of: &AsOf) -> u64 {
        as_of.position(self.lock().archive.timeline()).sequence(&self.stream)
    }

    /// The picture of a moment.
    pub(crate) fn picture(&self, when: When, select: &Select) -> Arc<Picture> {
        self.with(when, |state, at| {
            let key = (state.position().sequence(&self.stream), at, select.clone());
            if let Some(found) = self.kept(&key) {
                return found;
            }
            let picture = Arc::new(state.picture(at, select));
            let mut pictures = lock(&self.pictures);
            pictures.push_front((key, Arc::clone(&picture)));
            pictures.truncate(PICTURES);
            picture
        })
    }

    fn kept(&self, key: &Key) -> Option<Arc<Picture>> {
        let pictures = lock(&self.pictures);
        pictures.iter().find(|(kept, _)| kept == key).map(|(_, picture)| Arc::clone(picture))
    }

    /// Asks the state of a moment, and says what the clock shows there.
    pub(crate) fn with<R>(&self, when: When, ask: impl FnOnce(&mut State, DateTime<Utc>) -> R) -> R {
        let mut log = self.lock();
        let Some(sequence) = when.sequence.filter(|wanted| *wanted != log.live.position().sequence(&self.stream))
        else {
            let at = when.at(&log.live);
            return ask(&mut log.live, at);
        };
        drop(log);
        let past = self.past(sequence);
        let state = past.get_or_init(|| {
            let cut = self.lock().archive.cut(&Position::of(&self.stream, sequence));
            Mutex::new(cut.fold())
        });
        let mut state = lock(state);
        let at = when.at(&state);
        ask(&mut state, at)
    }

    fn past(&self, sequence: u64) -> Arc<Past> {
        let mut cuts = lock(&self.cuts);
        let found = cuts.iter().position(|(kept, _)| *kept == sequence);
        let cut = found.and_then(|index| cuts.remove(index)).unwrap_or_else(|| (sequence, Arc::default()));
        let past = Arc::clone(&cut.1);
        cuts.push_front(cut);
        cuts.truncate(CUTS);
        past
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
