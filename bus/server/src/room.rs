//! What the server knows: the live state, the archive that any earlier moment is folded from, and whether each stream of
//! the log answers. Everything that is shown is asked for here, and computed at most once per position and second.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use entente_correlator::picture::Picture;
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_journal::Batch;
use entente_replay::{Archive, AsOf};
use entente_schemas::record::Position;
use entente_schemas::subject::AUDIENCE_ALL;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, spawn_blocking};

use crate::streams::Streams;

/// Pictures that are kept: each view that is open needs one.
const PICTURES: usize = 16;
/// States of earlier moments that are kept, for whoever looks around in one. Each costs about 2 KB a record of the log.
const CUTS: usize = 2;
/// States of earlier moments that are folded at the same time: each takes a core, and memory as the live one does.
const FOLDS: usize = 2;
/// States of earlier moments that wait for being folded. Whoever asks for one more is told to come again.
const WAITING: usize = 16;

/// What the server knows.
pub(crate) struct Room {
    streams: watch::Sender<Arc<Streams>>,
    log: Mutex<Log>,
    position: watch::Sender<Position>,
    /// By stream.
    links: watch::Sender<BTreeMap<String, Link>>,
    pictures: Mutex<VecDeque<(Key, Arc<Picture>)>>,
    cuts: Mutex<Cuts>,
    folds: Arc<Semaphore>,
    /// A place for each state that is folded or waits for it.
    places: Arc<Semaphore>,
}

struct Log {
    live: State,
    archive: Archive,
}

/// An earlier state, folded for the first who asks; whoever asks meanwhile waits for the same one.
type Past = OnceCell<Mutex<State>>;

/// The earlier states that are kept, the one asked for last in front.
type Cuts = VecDeque<(Position, Arc<Past>)>;

type Key = (Position, DateTime<Utc>, Select);

/// Whether a stream of the log answers.
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

/// A sharing group whose stream does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// What the group is called here.
    pub(crate) name: String,
    /// Since when, by the server's clock.
    pub(crate) since: DateTime<Utc>,
    /// Why.
    pub(crate) reason: String,
}

/// The moment of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// How far the log counts; everything that is there, if none.
    pub(crate) position: Option<Position>,
    /// What the clock shows; for an earlier position without one, the last record's time.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What the server's clock shows.
    pub(crate) now: DateTime<Utc>,
}

impl When {
    /// The live picture.
    pub(crate) fn live(now: DateTime<Utc>) -> Self {
        Self { position: None, at: None, now }
    }

    fn at(&self, state: &State) -> DateTime<Utc> {
        let logged = || self.position.as_ref().and_then(|_| state.logged());
        self.at.or_else(logged).unwrap_or(self.now)
    }
}

/// The state at a moment, as long as it is looked at: nobody else sees it meanwhile.
pub(crate) struct Moment<'a> {
    room: &'a Room,
    /// What was folded.
    pub(crate) state: &'a mut State,
    /// What the clock shows there.
    pub(crate) at: DateTime<Utc>,
}

impl Moment<'_> {
    /// How far the log counts here.
    pub(crate) fn position(&self) -> Position {
        self.state.position().clone()
    }

    /// A key of a record with the name of its stream, where it is a place in one. What something is called on the log is
    /// no place, even if a sharing group has the name of its beginning.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.state.audiences(key).is_empty() { self.room.streams().key(key) } else { key.to_owned() }
    }

    /// The picture.
    pub(crate) fn picture(&mut self, select: &Select) -> Arc<Picture> {
        let key = (self.position(), self.at, select.clone());
        if let Some(found) = self.room.kept(&key) {
            return found;
        }
        let picture = Arc::new(self.state.picture(self.at, select));
        let mut pictures = lock(&self.room.pictures);
        pictures.push_front((key, Arc::clone(&picture)));
        pictures.truncate(PICTURES);
        picture
    }
}

/// A question was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Answering it failed.
    #[error("the picture could not be made: {0}")]
    Failed(#[from] JoinError),
    /// Too many others wait for other moments.
    #[error("{WAITING} other earlier moments are waited for already")]
    Busy,
}

impl Room {
    pub(crate) fn new(streams: Streams, model: Arc<Model>) -> Self {
        let live = State::new(streams.universe(), Arc::clone(&model));
        let archive = Archive::new(streams.universe(), model);
        let room = Self {
            streams: watch::Sender::new(Arc::new(streams.clone())),
            log: Mutex::new(Log { live, archive }),
            position: watch::Sender::new(Position::default()),
            links: watch::Sender::default(),
            pictures: Mutex::default(),
            cuts: Mutex::default(),
            folds: Arc::new(Semaphore::new(FOLDS)),
            places: Arc::new(Semaphore::new(FOLDS + WAITING)),
        };
        room.open(&streams);
        room
    }

    /// The streams that are read.
    pub(crate) fn streams(&self) -> Arc<Streams> {
        Arc::clone(&self.streams.borrow())
    }

    /// Other names, or more streams than before.
    pub(crate) fn read(&self, streams: Streams) {
        self.open(&streams);
        self.streams.send_replace(Arc::new(streams));
    }

    /// From now on a position names these streams too.
    fn open(&self, streams: &Streams) {
        let mut log = self.lock();
        let position = streams.whole(log.live.position().clone());
        log.live.complete(&position);
        drop(log);
        for audience in streams.audiences() {
            let of_audience = streams.of_audience(audience);
            self.links.send_modify(|links| {
                links.entry(of_audience).or_insert(Link::Catching);
            });
        }
        self.position.send_modify(|reached| *reached = streams.whole(reached.clone()));
    }

    /// The position up to which the log is folded.
    pub(crate) fn position(&self) -> Position {
        self.position.borrow().clone()
    }

    /// Tells of every position that is folded.
    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Whether the stream answers that everybody reads.
    pub(crate) fn link(&self) -> Link {
        self.link_of(AUDIENCE_ALL)
    }

    /// Whether the stream of an audience answers.
    pub(crate) fn link_of(&self, audience: &str) -> Link {
        let stream = self.streams().of_audience(audience);
        self.links.borrow().get(&stream).cloned().unwrap_or(Link::Catching)
    }

    /// The sharing groups whose streams do not answer.
    pub(crate) fn missing(&self) -> Vec<Missing> {
        let streams = self.streams();
        let groups = streams.audiences().filter(|audience| *audience != AUDIENCE_ALL);
        let lost = groups.filter_map(|audience| match self.link_of(audience) {
            Link::Lost { since, reason } => Some(Missing { name: streams.name(audience).to_owned(), since, reason }),
            _ => None,
        });
        lost.collect()
    }

    /// Waits until a stream has been read to its end once.
    pub(crate) async fn caught_up(&self, stream: &str) {
        // The sender lives as long as `self`, so that waiting ends with an answer.
        let _ = self.links.subscribe().wait_for(|links| links.get(stream) == Some(&Link::Live)).await;
    }

    /// Waits until each stream has been read to its end once, or does not answer.
    pub(crate) async fn first_read(&self) {
        let _ = self.links.subscribe().wait_for(|links| links.values().all(|link| *link != Link::Catching)).await;
    }

    /// Waits until a stream is folded up to a sequence.
    pub(crate) async fn reached(&self, stream: &str, sequence: u64) {
        let _ = self.watch().wait_for(|reached| reached.covers(stream, sequence)).await;
    }

    /// Folds what one asking of a stream brought; `whole` says that there was nothing more to ask for.
    pub(crate) fn take(&self, stream: &str, batch: Batch, whole: bool) {
        let before = self.position.borrow().sequence(stream);
        if !batch.records.is_empty() || batch.complete > before {
            let mut log = self.lock();
            let records: Vec<_> = batch.records.into_iter().filter(|record| record.sequence > before).collect();
            records.iter().cloned().for_each(|record| log.live.offer(record));
            log.live.complete(&Position::of(stream, batch.complete));
            let Log { live, archive } = &mut *log;
            archive.take(records, live);
        }
        let link = if whole { Link::Live } else { Link::Catching };
        self.position.send_if_modified(|position| {
            let moved = batch.complete > position.sequence(stream);
            position.advance(stream, batch.complete);
            moved
        });
        self.note(stream, |before| {
            // Who was live and reads on is not behind.
            let changed = *before != link && !(*before == Link::Live && link == Link::Catching);
            changed.then_some(link)
        });
    }

    /// Notes that a stream does not answer, or why it does not now.
    pub(crate) fn lost(&self, stream: &str, since: DateTime<Utc>, reason: String) {
        self.note(stream, |before| {
            let since = if let Link::Lost { since, .. } = before { *since } else { since };
            let lost = Link::Lost { since, reason };
            (*before != lost).then_some(lost)
        });
    }

    fn note(&self, stream: &str, change: impl FnOnce(&Link) -> Option<Link>) {
        self.links.send_if_modified(|links| {
            let link = links.entry(stream.to_owned()).or_insert(Link::Catching);
            let changed = change(link);
            changed.map(|changed| *link = changed).is_some()
        });
    }

    /// The position that is meant, in the log as it is now.
    ///
    /// # Errors
    /// If the answering failed.
    pub(crate) async fn resolve(self: &Arc<Self>, as_of: &AsOf) -> Result<Position, Unanswered> {
        let position = match as_of {
            AsOf::Position(position) => position.clone(),
            AsOf::Time(_) => {
                let (room, as_of) = (Arc::clone(self), as_of.clone());
                spawn_blocking(move || as_of.position(room.lock().archive.timeline())).await?
            }
        };
        Ok(self.streams().whole(position))
    }

    /// Asks the state of a moment.
    ///
    /// # Errors
    /// As [`Room::ask`].
    pub(crate) async fn look<R: Send + 'static>(
        self: &Arc<Self>,
        when: When,
        look: impl FnOnce(&mut Moment<'_>) -> R + Send + 'static,
    ) -> Result<R, Unanswered> {
        self.ask(when, look, |found| found).await
    }

    /// Asks the state of a moment, and makes an answer of what was found. Only `look` keeps others from the state; both
    /// run where no other task waits for them.
    ///
    /// # Errors
    /// If the answering failed, or too many other moments are waited for.
    pub(crate) async fn ask<F, R: Send + 'static>(
        self: &Arc<Self>,
        when: When,
        look: impl FnOnce(&mut Moment<'_>) -> F + Send + 'static,
        finish: impl FnOnce(F) -> R + Send + 'static,
    ) -> Result<R, Unanswered> {
        let mut question = (look, finish);
        loop {
            let (room, past, when) = (Arc::clone(self), self.past(&when).await?, when.clone());
            match spawn_blocking(move || room.answer(&when, past.as_deref(), question)).await? {
                Ok(answer) => return Ok(answer),
                Err(unasked) => question = unasked,
            }
        }
    }

    /// The answer, or the question again if the live state has left the moment meanwhile.
    fn answer<F, R, L, M>(&self, when: &When, past: Option<&Past>, (look, finish): (L, M)) -> Result<R, (L, M)>
    where
        L: FnOnce(&mut Moment<'_>) -> F,
        M: FnOnce(F) -> R,
    {
        let look_at = |state: &mut State, look: L| {
            let at = when.at(state);
            look(&mut Moment { room: self, state, at })
        };
        let found = if let Some(state) = past.and_then(OnceCell::get) {
            look_at(&mut lock(state), look)
        } else {
            let live = &mut self.lock().live;
            if when.position.as_ref().is_some_and(|wanted| !counts_as(wanted, live.position())) {
                return Err((look, finish));
            }
            look_at(live, look)
        };
        Ok(finish(found))
    }

    /// The state of an earlier moment; none for the live one.
    async fn past(self: &Arc<Self>, when: &When) -> Result<Option<Arc<Past>>, Unanswered> {
        let reached = self.position();
        let Some(position) = when.position.as_ref().filter(|wanted| !counts_as(wanted, &reached)) else {
            return Ok(None);
        };
        let position = self.streams().whole(position.clone());
        let (past, dropped) = self.cut(&position);
        if !dropped.is_empty() {
            spawn_blocking(move || drop(dropped));
        }
        past.get_or_try_init(|| Arc::clone(self).fold(position)).await?;
        Ok(Some(past))
    }

    /// Whoever goes away while waiting leaves nothing to fold: then another who asks for the same moment takes over.
    async fn fold(self: Arc<Self>, position: Position) -> Result<Mutex<State>, Unanswered> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Unanswered::Busy)?;
        let turn = Arc::clone(&self.folds).acquire_owned().await.map_err(|_| Unanswered::Busy)?;
        Ok(spawn_blocking(move || self.folded(&position, [turn, place])).await?)
    }

    /// The places go with the fold: whoever goes away must not make room for another while this one goes on.
    fn folded(&self, position: &Position, places: [OwnedSemaphorePermit; 2]) -> Mutex<State> {
        let cut = self.lock().archive.cut(position);
        let state = Mutex::new(cut.fold());
        drop(places);
        state
    }

    /// The place of an earlier state, and those that are not kept any longer: freeing one takes a while.
    fn cut(&self, position: &Position) -> (Arc<Past>, Cuts) {
        let mut cuts = lock(&self.cuts);
        let found = cuts.iter().position(|(kept, _)| kept == position);
        let cut = found.and_then(|index| cuts.remove(index)).unwrap_or_else(|| (position.clone(), Arc::default()));
        let past = Arc::clone(&cut.1);
        cuts.push_front(cut);
        let kept = cuts.len().min(CUTS);
        (past, cuts.split_off(kept))
    }

    fn kept(&self, key: &Key) -> Option<Arc<Picture>> {
        let pictures = lock(&self.pictures);
        pictures.iter().find(|(kept, _)| kept == key).map(|(_, picture)| Arc::clone(picture))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

/// Whether two positions count the same.
fn counts_as(a: &Position, b: &Position) -> bool {
    a.reaches(b) && b.reaches(a)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
