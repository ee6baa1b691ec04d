//! What the server knows: the live state, the archive that any earlier moment is folded from, and whether the log
//! answers. Everything that is shown is asked for here, and computed at most once per position and second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use entente_correlator::picture::Picture;
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_journal::{Batch, Scope};
use entente_replay::{Archive, AsOf};
use entente_schemas::record::Position;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, spawn_blocking};

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
    stream: String,
    log: Mutex<Log>,
    sequence: watch::Sender<u64>,
    link: watch::Sender<Link>,
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
type Cuts = VecDeque<(u64, Arc<Past>)>;

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
    pub(crate) fn sequence(&self) -> u64 {
        self.state.position().sequence(&self.room.stream)
    }

    /// The picture.
    pub(crate) fn picture(&mut self, select: &Select) -> Arc<Picture> {
        let key = (self.sequence(), self.at, select.clone());
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
            folds: Arc::new(Semaphore::new(FOLDS)),
            places: Arc::new(Semaphore::new(FOLDS + WAITING)),
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
    ///
    /// # Errors
    /// If the answering failed.
    pub(crate) async fn resolve(self: &Arc<Self>, as_of: &AsOf) -> Result<u64, Unanswered> {
        match as_of {
            AsOf::Position(position) => Ok(position.sequence(&self.stream)),
            AsOf::Time(_) => {
                let (room, as_of) = (Arc::clone(self), as_of.clone());
                let found = move || as_of.position(room.lock().archive.timeline()).sequence(&room.stream);
                Ok(spawn_blocking(found).await?)
            }
        }
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
            let (room, past) = (Arc::clone(self), self.past(when).await?);
            match spawn_blocking(move || room.answer(when, past.as_deref(), question)).await? {
                Ok(answer) => return Ok(answer),
                Err(unasked) => question = unasked,
            }
        }
    }

    /// The answer, or the question again if the live state has left the moment meanwhile.
    fn answer<F, R, L, M>(&self, when: When, past: Option<&Past>, (look, finish): (L, M)) -> Result<R, (L, M)>
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
            if when.sequence.is_some_and(|wanted| wanted != live.position().sequence(&self.stream)) {
                return Err((look, finish));
            }
            look_at(live, look)
        };
        Ok(finish(found))
    }

    /// The state of an earlier moment; none for the live one.
    async fn past(self: &Arc<Self>, when: When) -> Result<Option<Arc<Past>>, Unanswered> {
        let Some(sequence) = when.sequence.filter(|wanted| *wanted != self.sequence()) else { return Ok(None) };
        let (past, dropped) = self.cut(sequence);
        if !dropped.is_empty() {
            spawn_blocking(move || drop(dropped));
        }
        past.get_or_try_init(|| Arc::clone(self).fold(sequence)).await?;
        Ok(Some(past))
    }

    /// Whoever goes away while waiting leaves nothing to fold: then another who asks for the same moment takes over.
    async fn fold(self: Arc<Self>, sequence: u64) -> Result<Mutex<State>, Unanswered> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Unanswered::Busy)?;
        let turn = Arc::clone(&self.folds).acquire_owned().await.map_err(|_| Unanswered::Busy)?;
        Ok(spawn_blocking(move || self.folded(sequence, [turn, place])).await?)
    }

    /// The places go with the fold: whoever goes away must not make room for another while this one goes on.
    fn folded(&self, sequence: u64, places: [OwnedSemaphorePermit; 2]) -> Mutex<State> {
        let cut = self.lock().archive.cut(&Position::of(&self.stream, sequence));
        let state = Mutex::new(cut.fold());
        drop(places);
        state
    }

    /// The place of an earlier state, and those that are not kept any longer: freeing one takes a while.
    fn cut(&self, sequence: u64) -> (Arc<Past>, Cuts) {
        let mut cuts = lock(&self.cuts);
        let found = cuts.iter().position(|(kept, _)| *kept == sequence);
        let cut = found.and_then(|index| cuts.remove(index)).unwrap_or_else(|| (sequence, Arc::default()));
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(reached: u64) -> Arc<Room> {
        let room = Room::new(&Scope::actual(), Arc::new(Model::v1().unwrap()));
        room.take(Batch { records: Vec::new(), complete: reached }, true);
        Arc::new(room)
    }

    fn at(sequence: Option<u64>) -> When {
        When { sequence, at: None, now: DateTime::UNIX_EPOCH }
    }

    /// Lets whatever can go on go on.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn earlier_moments_are_folded_two_at_a_time_and_nobody_else_waits() {
        let room = room(9);
        let all = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await.unwrap();
        let asking = |sequence| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.look(at(Some(sequence)), |moment| moment.sequence()).await })
        };
        let (waiting, gone) = (asking(3), asking(4));
        settle().await;
        gone.abort();
        for sequence in [None, Some(9)] {
            assert_eq!(room.look(at(sequence), |moment| moment.sequence()).await.unwrap(), 9);
        }
        assert!(!waiting.is_finished());
        drop(all);
        assert_eq!(waiting.await.unwrap().unwrap(), 3);
        // Whoever went away meanwhile keeps no place.
        assert_eq!(room.look(at(Some(5)), |moment| moment.sequence()).await.unwrap(), 5);
        let places = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await;
        assert_eq!(places.unwrap().num_permits(), FOLDS);
    }

    #[tokio::test]
    async fn who_waits_is_bounded_and_who_went_away_is_not_folded_for() {
        let room = room(99);
        let all = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await.unwrap();
        let asking = |sequence| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.look(at(Some(sequence)), |moment| moment.sequence()).await })
        };
        let most = u64::try_from(FOLDS + WAITING).unwrap();
        let waiting: Vec<_> = (1..=most).map(asking).collect();
        settle().await;
        let refused = asking(50).await.unwrap();
        assert!(matches!(refused, Err(Unanswered::Busy)), "{refused:?}");
        assert_eq!(room.look(at(None), |moment| moment.sequence()).await.unwrap(), 99);
        // One who waits for the same moment as another needs no place, and takes over when that one goes away.
        let (first, same) = (waiting.last().unwrap(), asking(most));
        settle().await;
        assert_eq!(room.places.available_permits(), 0);
        first.abort();
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        settle().await;
        assert_eq!(room.places.available_permits(), FOLDS + WAITING - 1);
        drop(all);
        assert_eq!(same.await.unwrap().unwrap(), most);
        assert_eq!(room.places.available_permits(), FOLDS + WAITING);
        assert_eq!(asking(50).await.unwrap().unwrap(), 50);
    }

    #[tokio::test]
    async fn who_asks_for_one_moment_gets_one_fold() {
        let room = room(9);
        let place = room.folds.acquire_many(u32::try_from(FOLDS).unwrap() - 1).await.unwrap();
        let asked = (0..8).map(|_| room.look(at(Some(3)), |moment| std::ptr::from_ref(moment.state) as usize));
        let found = futures::future::try_join_all(asked).await.unwrap();
        assert!(found.iter().all(|state| *state == found[0]));
        drop(place);
    }

    #[tokio::test]
    async fn a_moment_that_was_live_is_answered_when_the_log_has_gone_on() {
        let room = room(9);
        let past = room.past(at(Some(9))).await.unwrap();
        assert!(past.is_none());
        room.take(Batch { records: Vec::new(), complete: 10 }, true);
        let (look, finish) = (|moment: &mut Moment<'_>| moment.sequence(), |found: u64| found);
        assert!(room.answer(at(Some(9)), None, (look, finish)).is_err());
        assert_eq!(room.look(at(Some(9)), |moment| moment.sequence()).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn a_question_that_panics_leaves_the_room_whole() {
        let room = room(1);
        let failed = room.look(at(None), |_| panic!("a mistake in a view")).await;
        assert!(failed.is_err_and(|error: Unanswered| error.to_string().contains("could not be made")));
        assert_eq!(room.look(at(None), |moment| moment.sequence()).await.unwrap(), 1);
    }
}
