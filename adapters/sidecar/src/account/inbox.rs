//! What others send us, on its way to a feed: an inbox takes items, the feed that belongs to it says them like any other,
//! and whoever pushed is answered only once they are on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::devices::DeviceSink;
use super::post::{Post, Reader};
use super::seen::{Name, Seen, name};
use crate::ask::Open;
use crate::item::{FeedProfile, Item};

/// Parcels that may wait for the feed.
const WAITING: usize = 256;
/// How long a sender waits until it is told to send again.
const ANSWER: Duration = Duration::from_secs(10);

/// Who sent a parcel, and under which id: what is repeated is taken once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sender {
    /// The sender, as CloudEvents' `source`.
    pub source: String,
    /// Its id for what it sends, as CloudEvents' `id`.
    pub id: String,
}

impl Sender {
    pub(super) fn name(&self) -> Name {
        name(["sender", &self.source, &self.id])
    }
}

/// What is pushed: taken whole or not at all. Items without a stamp (`times.published_at`) get that of their arrival.
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
    /// Something newer was said of its object before; nothing was added.
    Stale,
}

/// Why a parcel was not taken, or an inbox not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// What was taken before cannot be read.
    #[error("what the intake took before cannot be opened in {path}: {reason}; end what uses it, or mend the folder")]
    Memory {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
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
    post: Arc<Mutex<Post>>,
    seen: Arc<Seen>,
    counted: Arc<Notify>,
}

/// A parcel whose sender waits.
pub(super) struct Delivery {
    pub(super) parcel: Parcel,
    pub(super) answer: oneshot::Sender<Result<Receipt, InboxError>>,
}

impl Inbox {
    /// Opens the inbox of a feed; what it took before is remembered below `state`.
    ///
    /// # Errors
    /// If that cannot be read.
    pub(super) fn open(state: &Path, profile: FeedProfile) -> Result<Self, InboxError> {
        let path = state.join(format!("{}.redb", profile.slug));
        let failed = |reason: String| InboxError::Memory { path: path.display().to_string(), reason };
        let seen = Seen::open(&path).map_err(|error| failed(error.to_string()))?;
        let (parcels, received) = mpsc::channel(WAITING);
        Ok(Self {
            profile: Arc::new(profile),
            parcels,
            post: Arc::new(Mutex::new(Post::new(received))),
            seen: Arc::new(seen),
            counted: Arc::default(),
        })
    }

    /// Hands over a parcel and waits until it is on disk.
    ///
    /// # Errors
    /// If it was not taken, or nobody knows; then it is to be sent again, under the same id.
    pub async fn push(&self, parcel: Parcel) -> Result<Receipt, InboxError> {
        let (answer, answered) = oneshot::channel();
        let pushed = async {
            self.parcels.send(Delivery { parcel, answer }).await.ok()?;
            answered.await.ok()
        };
        timeout(ANSWER, pushed).await.ok().flatten().unwrap_or(Err(InboxError::NotTaken))
    }

    /// The feed that reads the inbox; with the sums of devices, where some are counted.
    pub(super) fn feed(&self, devices: Option<Arc<dyn DeviceSink>>) -> Open {
        let inbox = self.clone();
        Arc::new(move || {
            let (profile, post, seen) = (Arc::clone(&inbox.profile), Arc::clone(&inbox.post), Arc::clone(&inbox.seen));
            Ok(Box::new(Reader::new(profile, post, seen, devices.clone(), Arc::clone(&inbox.counted))))
        })
    }

    /// Takes note that devices were counted, so that the sums are said.
    pub(super) fn counted(&self) {
        self.counted.notify_one();
    }

    pub(super) fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }
}
