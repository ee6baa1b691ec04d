//! What others send us, on its way to a feed: an inbox takes items, the feed that belongs to it says them like any other,
//! and whoever pushed is answered only once they are on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::Clock;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use super::devices::DeviceSink;
use crate::ask::{Ask, Open, Told};
use crate::item::{FeedProfile, Item, Reading};
use crate::poll::{Failure, Settled};

/// Parcels that may wait for the feed.
const WAITING: usize = 256;
/// How long a sender waits until it is told to send again.
const ANSWER: Duration = Duration::from_secs(10);
/// How often the feed says that it still listens.
const IDLE: Duration = Duration::from_secs(30);

/// Who sent a parcel, and under which id: what is repeated is taken once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sender {
    /// The sender, as CloudEvents' `source`.
    pub source: String,
    /// Its id for what it sends, as CloudEvents' `id`.
    pub id: String,
}

/// What is pushed: taken whole or not at all.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Who sent it; none where the content alone tells what is repeated.
    pub sender: Option<Sender>,
    /// What it says.
    pub items: Vec<Item>,
}

/// What became of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is on disk. Whether it is news was decided like any other answer's.
    Taken,
    /// It was taken before; nothing was added.
    Repeated,
}

/// Why a parcel was not taken, or an inbox not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// What was taken before cannot be read.
    #[error("what was taken before cannot be read in {0}; mend the folder's permissions")]
    Memory(String),
    /// The outbox is full or cannot be written, or its feed does not run.
    #[error(
        "nothing can be taken now: the outbox is full, cannot be written, or waits for the bus; send it again later"
    )]
    NotTaken,
}

/// Clones are one inbox.
#[derive(Clone)]
pub struct Inbox {
    profile: Arc<FeedProfile>,
    parcels: mpsc::Sender<Delivery>,
    received: Arc<Mutex<mpsc::Receiver<Delivery>>>,
}

struct Delivery {
    parcel: Parcel,
    answer: oneshot::Sender<Result<Receipt, InboxError>>,
}

impl Inbox {
    /// Opens the inbox of a feed; what it took before is remembered below `state`.
    ///
    /// # Errors
    /// If that cannot be read.
    pub(super) fn open(_state: &Path, profile: FeedProfile) -> Result<Self, InboxError> {
        let (parcels, received) = mpsc::channel(WAITING);
        Ok(Self { profile: Arc::new(profile), parcels, received: Arc::new(Mutex::new(received)) })
    }

    /// Hands over a parcel and waits until it is on disk.
    ///
    /// # Errors
    /// If it was not taken; then it is to be sent again, under the same id.
    pub async fn push(&self, parcel: Parcel) -> Result<Receipt, InboxError> {
        let (answer, answered) = oneshot::channel();
        let pushed = async {
            self.parcels.send(Delivery { parcel, answer }).await.ok()?;
            answered.await.ok()
        };
        timeout(ANSWER, pushed).await.ok().flatten().unwrap_or(Err(InboxError::NotTaken))
    }

    /// The feed that reads the inbox; with the sums of devices, where some are counted.
    pub(super) fn feed(&self, _devices: Option<Arc<dyn DeviceSink>>) -> Open {
        let (profile, received) = (Arc::clone(&self.profile), Arc::clone(&self.received));
        Arc::new(move || {
            let (profile, received) = (Arc::clone(&profile), Arc::clone(&received));
            Ok(Box::new(Reader { profile, received, began: false, in_hand: Vec::new() }))
        })
    }
}

struct Reader {
    profile: Arc<FeedProfile>,
    received: Arc<Mutex<mpsc::Receiver<Delivery>>>,
    began: bool,
    in_hand: Vec<Delivery>,
}

impl Ask for Reader {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        self.profile.address.clone()
    }

    fn ask(&mut self, _: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            if !std::mem::replace(&mut self.began, true) {
                return Ok(Told::Reading(Reading::default()));
            }
            let mut received = self.received.lock().await;
            let Ok(Some(delivery)) = timeout(IDLE, received.recv()).await else { return Ok(Told::Unchanged) };
            let items = delivery.parcel.items.clone();
            self.in_hand.push(delivery);
            Ok(Told::Reading(Reading { items, ..Reading::default() }))
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        let taken = matches!(settled, Settled::Read | Settled::Doubtful);
        for delivery in self.in_hand.drain(..) {
            let answer = if taken { Ok(Receipt::Taken) } else { Err(InboxError::NotTaken) };
            // Whoever no longer waits sends it again.
            delivery.answer.send(answer).ok();
        }
        Box::pin(std::future::ready(()))
    }

    fn pause(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}
