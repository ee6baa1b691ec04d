//! The feed of an inbox: it waits for parcels instead of asking somebody, and answers their senders once what they brought
//! is on disk. It is live while it listens.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_journal::Clock;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::devices::DeviceSink;
use super::inbox::{Delivery, InboxError, Receipt};
use super::seen::{Name, Seen, SeenError, name};
use crate::ask::{Ask, Told};
use crate::item::{FeedProfile, Item, Reading};
use crate::poll::{Failure, Settled};
use crate::stamp::orders;

/// Parcels of one answer: what they bring is written to disk together.
const TOGETHER: usize = 64;
/// How often the feed says that it still listens, and looks whether time has changed what is to be said of devices.
const IDLE: Duration = Duration::from_secs(30);

/// What has come and was not read yet.
pub(super) struct Post {
    received: mpsc::Receiver<Delivery>,
    /// What must not be read together with what was read last.
    held: VecDeque<Delivery>,
}

impl Post {
    pub(super) fn new(received: mpsc::Receiver<Delivery>) -> Self {
        Self { received, held: VecDeque::new() }
    }

    /// The next parcel; never one if nobody sends.
    async fn next(&mut self) -> Delivery {
        if let Some(held) = self.held.pop_front() {
            return held;
        }
        match self.received.recv().await {
            Some(delivery) => delivery,
            None => std::future::pending().await,
        }
    }

    /// The next parcel if it is there and may be read together with what names these.
    fn also(&mut self, together: &BTreeSet<Name>) -> Option<Delivery> {
        let next = self.held.pop_front().or_else(|| self.received.try_recv().ok())?;
        if names(&next).iter().any(|name| together.contains(name)) {
            self.held.push_front(next);
            return None;
        }
        Some(next)
    }
}

/// What a parcel names: its sender's id and its objects. Two that name one thing are read one after the other, since of two
/// states of one object in an answer only the newer would be said.
fn names(delivery: &Delivery) -> Vec<Name> {
    let sender = delivery.parcel.sender.iter().map(super::inbox::Sender::name);
    sender.chain(delivery.parcel.items.iter().map(object)).collect()
}

fn object(item: &Item) -> Name {
    name(["object", item.body.family().token(), &item.object_id])
}

/// A parcel that was read, until it is known what became of it.
struct InHand {
    answer: oneshot::Sender<Result<Receipt, InboxError>>,
    id: Option<Name>,
    stamps: Vec<(Name, DateTime<Utc>)>,
}

pub(super) struct Reader {
    profile: Arc<FeedProfile>,
    post: Arc<Mutex<Post>>,
    seen: Arc<Seen>,
    devices: Option<Arc<dyn DeviceSink>>,
    counted: Arc<Notify>,
    began: bool,
    /// Whether devices were counted since the sums were said.
    owed: bool,
    /// When the sums may be said again.
    next_sums: Instant,
    in_hand: Vec<InHand>,
}

/// What a feed woke up for.
enum Woken {
    Parcel(Box<Delivery>),
    Counted,
    Idle,
}

impl Reader {
    pub(super) fn new(
        profile: Arc<FeedProfile>,
        post: Arc<Mutex<Post>>,
        seen: Arc<Seen>,
        devices: Option<Arc<dyn DeviceSink>>,
        counted: Arc<Notify>,
    ) -> Self {
        let next_sums = Instant::now();
        Self { profile, post, seen, devices, counted, began: false, owed: false, next_sums, in_hand: Vec::new() }
    }

    async fn woken(&mut self) -> Woken {
        let post = Arc::clone(&self.post);
        let mut post = post.lock().await;
        let idle = Instant::now() + IDLE;
        loop {
            let due = if self.owed { self.next_sums } else { idle };
            tokio::select! {
                delivery = post.next() => return Woken::Parcel(Box::new(delivery)),
                () = self.counted.notified(), if !self.owed => self.owed = true,
                () = sleep_until(due) => return if self.owed { Woken::Counted } else { Woken::Idle },
            }
        }
    }

    /// What the parcels say that are there, the first of them in hand already.
    async fn parcels(&mut self, first: Delivery, now: DateTime<Utc>) -> Vec<Item> {
        let post = Arc::clone(&self.post);
        let mut post = post.lock().await;
        let mut together: BTreeSet<Name> = names(&first).into_iter().collect();
        let mut items = self.open(first, now);
        while self.in_hand.len() < TOGETHER {
            let Some(next) = post.also(&together) else { break };
            together.extend(names(&next));
            items.extend(self.open(next, now));
        }
        items
    }

    /// What one parcel says, if that is to be said; else its sender is answered.
    fn open(&mut self, delivery: Delivery, now: DateTime<Utc>) -> Vec<Item> {
        let Delivery { mut parcel, answer } = delivery;
        let id = parcel.sender.as_ref().map(super::inbox::Sender::name);
        let outcome = match self.judge(id, &mut parcel.items, now) {
            Ok(Judged::Taken(stamps)) => {
                self.in_hand.push(InHand { answer, id, stamps });
                return parcel.items;
            }
            Ok(Judged::Not(receipt)) => Ok(receipt),
            Err(error) => {
                tracing::error!(feed = %self.profile.slug, %error, "what was taken before cannot be read");
                Err(InboxError::NotTaken)
            }
        };
        // Whoever no longer waits sends it again.
        answer.send(outcome).ok();
        Vec::new()
    }

    fn judge(&self, id: Option<Name>, items: &mut [Item], now: DateTime<Utc>) -> Result<Judged, SeenError> {
        if let Some(id) = id
            && self.seen.knows(id)?
        {
            return Ok(Judged::Not(Receipt::Repeated));
        }
        let mut stamps = Vec::new();
        for item in items {
            let last = self.seen.stamp(object(item))?;
            let stamp = match (orders(item.times.published_at, now), last) {
                (Some(stamp), Some(last)) if stamp < last => return Ok(Judged::Not(Receipt::Stale)),
                (Some(stamp), _) => stamp,
                // A clock that was set back must not make news look old.
                (None, last) => now.max(last.map_or(now, |last| last + TimeDelta::milliseconds(1))),
            };
            item.times.published_at.get_or_insert(stamp);
            stamps.push((object(item), stamp));
        }
        Ok(Judged::Taken(stamps))
    }

    /// What is to be said of the devices.
    async fn sums(&mut self, now: DateTime<Utc>) -> Vec<Item> {
        let Some(devices) = self.devices.clone() else { return Vec::new() };
        self.owed = false;
        self.next_sums = Instant::now() + devices.at_most_every();
        let items = tokio::task::spawn_blocking(move || devices.items(now)).await;
        items.unwrap_or_else(|error| {
            tracing::error!(%error, "the sums of devices");
            Vec::new()
        })
    }

    /// Remembers what was taken, and answers its senders.
    async fn taken(&mut self) {
        let in_hand = std::mem::take(&mut self.in_hand);
        if in_hand.is_empty() {
            return;
        }
        let ids: Vec<Name> = in_hand.iter().filter_map(|parcel| parcel.id).collect();
        let stamps: Vec<_> = in_hand.iter().flat_map(|parcel| parcel.stamps.iter().copied()).collect();
        let seen = Arc::clone(&self.seen);
        let noted = tokio::task::spawn_blocking(move || seen.note(&ids, &stamps)).await;
        match noted {
            Ok(Ok(())) => {}
            // What was said stands in the outbox; that it was said by this id is forgotten.
            Ok(Err(error)) => tracing::error!(feed = %self.profile.slug, %error, "what was taken cannot be remembered"),
            Err(error) => tracing::error!(feed = %self.profile.slug, %error, "what was taken cannot be remembered"),
        }
        for parcel in in_hand {
            parcel.answer.send(Ok(Receipt::Taken)).ok();
        }
    }
}

enum Judged {
    Taken(Vec<(Name, DateTime<Utc>)>),
    Not(Receipt),
}

impl Ask for Reader {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            // It listens from now on, and says so.
            let woken = if std::mem::replace(&mut self.began, true) { self.woken().await } else { Woken::Counted };
            let items = match woken {
                Woken::Parcel(first) => self.parcels(*first, clock.now()).await,
                Woken::Counted => self.sums(clock.now()).await,
                Woken::Idle => match self.sums(clock.now()).await {
                    items if items.is_empty() => return Ok(Told::Unchanged),
                    items => items,
                },
            };
            Ok(Told::Reading(Reading { items, increment: true, ..Reading::default() }))
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if matches!(settled, Settled::Read | Settled::Doubtful) {
                return self.taken().await;
            }
            for parcel in self.in_hand.drain(..) {
                parcel.answer.send(Err(InboxError::NotTaken)).ok();
            }
        })
    }

    fn pause(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}
