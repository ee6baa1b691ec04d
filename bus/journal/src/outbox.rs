//! What stands before the bus: every event is fixed here, byte for byte, chained, signed and on disk, before anything
//! is sent, and stays until the log has acknowledged it.
//!
//! One file per feed and scope, held by one process at a time. One thread writes it, so that all events offered while
//! a commit is on its way to the disk share the next one. Where the disk fails, it closes the file and opens it again
//! until it can be written; nothing that was taken is lost by that, and nothing is taken meanwhile.

mod desk;
mod keeper;
mod store;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use entente_schemas::beat::{Backlog, Lag};
use entente_schemas::event::{Draft, Source};
use entente_schemas::family::Family;
use tokio::sync::{oneshot, watch};

use crate::identity::Identity;
use crate::publish::Pause;
use crate::topology::Scope;

pub(crate) use desk::Desk;
use keeper::Keeper;
pub(crate) use store::Parcel;
use writer::Command;

/// What an outbox is for and where it lies.
#[derive(Clone, Debug)]
pub struct OutboxOptions {
    /// The folder of all outboxes; made if absent. The file is `<org>.<feed>.<universe>.<audience>.redb`.
    pub dir: PathBuf,
    /// The transmitting organisation.
    pub org: String,
    /// The feed, `desk` for people.
    pub feed: String,
    /// Universe and audience.
    pub scope: Scope,
    /// Who signs. An outbox stays with the key that it began with.
    pub identity: Identity,
    /// How many bytes of events may wait for the log; [`OutboxOptions::CAPACITY`] if nothing speaks against it.
    pub capacity_bytes: u64,
}

impl OutboxOptions {
    /// The usual capacity: 1 GiB.
    pub const CAPACITY: u64 = 1 << 30;

    /// The file of the outbox.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        let scope = &self.scope;
        self.dir.join(format!("{}.{}.{}.{}.redb", self.org, self.feed, scope.universe, scope.audience))
    }
}

/// The outbox of one feed in one scope. Clones share it; the file is given free when the last is dropped.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    scope: Scope,
    public_key: String,
    desk: Arc<Desk>,
    keeper: Arc<Keeper>,
    commands: Option<mpsc::Sender<Command>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Where an event stands after it was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The event id.
    pub id: String,
    /// Its sequence within the source.
    pub sequence: u64,
    /// Whether an event of that id was already taken: then nothing was added, and the sequence is that one's.
    pub repeated: bool,
}

/// The last revision of an object that an outbox took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The family.
    pub family: Family,
    /// The object.
    pub object_id: String,
    /// Its revision.
    pub rev: u64,
    /// The event.
    pub event_id: String,
    /// `native.digest`, where the claim has a native item.
    pub digest: Option<String>,
    /// The provider's stamp of that version.
    pub published_at: Option<DateTime<Utc>>,
    /// The event's bytes.
    pub payload: Arc<[u8]>,
}

/// Why an outbox cannot be opened, or did not take an event. Nothing of a refused offer was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// A name that does not fit the grammar of subjects.
    #[error("`{name}` cannot be used as {place}: expected {expected}")]
    Name {
        /// Which part.
        place: &'static str,
        /// What was given.
        name: String,
        /// What would fit.
        expected: &'static str,
    },
    /// Another process, or this one, has it open.
    #[error("the outbox {0} is in use by another process; stop that process, or hand the claim to the running server")]
    Held(PathBuf),
    /// The file is not what an outbox wrote.
    #[error(
        "the outbox {path} is damaged ({reason}); move the file away: a new one begins a new chain at 1, and events that had \
         not reached the log are lost with the old file"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file belongs to somebody else.
    #[error("the outbox {path} belongs to {whose}; restore that, or move the file away to begin a new chain")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// To whom, by its own record.
        whose: String,
    },
    /// The disk did not do it.
    #[error("the outbox {path} cannot be written: {reason}; free space or mend the disk, then offer again")]
    Disk {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Too much waits.
    #[error(
        "the outbox is full: {waiting} bytes wait for the log and {capacity} may; it takes new events once the log is \
         reached again"
    )]
    Full {
        /// Bytes that wait.
        waiting: u64,
        /// Bytes that may.
        capacity: u64,
    },
    /// An event that may not travel.
    #[error("event {id} is refused: {reason}; mend the claim and offer it again")]
    Refused {
        /// The event id.
        id: String,
        /// Every mistake.
        reason: String,
    },
    /// The outbox was closed.
    #[error("the outbox is closed; open it again")]
    Closed,
}

impl Outbox {
    /// Opens the outbox of a feed, or creates it with a new instance. Blocks: reads what waits and checks it.
    ///
    /// # Errors
    /// If a name does not fit, another process holds the file, or it is damaged or another's.
    pub fn open(options: OutboxOptions) -> Result<Self, OutboxError> {
        let (keeper, opened) = Keeper::new(options.clone())?;
        let keeper = Arc::new(keeper);
        let path = options.file();
        let source = Source { org: options.org, feed: options.feed, instance: opened.instance.clone() };
        let desk = Arc::new(Desk::new(&opened));
        let (commands, orders) = mpsc::channel();
        let writer = writer::Writer {
            source: source.clone(),
            scope: options.scope.clone(),
            identity: options.identity.clone(),
            capacity: options.capacity_bytes,
            head: opened.head,
            keeper: Arc::clone(&keeper),
            desk: Arc::clone(&desk),
            fault: None,
            pause: Pause::default(),
        };
        let thread = std::thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || writer.run(&orders))
            .map_err(|error| OutboxError::Disk { path, reason: error.to_string() })?;
        let inner = Inner {
            source,
            scope: options.scope,
            public_key: options.identity.public().to_owned(),
            desk,
            keeper,
            commands: Some(commands),
            writer: Mutex::new(Some(thread)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who transmits: the source of every event of this outbox.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.inner.source
    }

    /// Takes events, all or none, in order. When it returns they are on disk.
    ///
    /// # Errors
    /// If an event may not travel, too much waits, or the disk fails. After that it is taken again as soon as the disk
    /// can be written.
    pub async fn offer(&self, drafts: Vec<Draft>) -> Result<Vec<Placed>, OutboxError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Offer { drafts, reply })?;
        answer.await.unwrap_or(Err(OutboxError::Closed))
    }

    /// What waits for the log.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.inner.desk.backlog()
    }

    /// The last revision of each object that was ever taken, acknowledged or not, in the order of families and ids.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn said(&self) -> Result<Vec<Said>, OutboxError> {
        self.inner.keeper.store()?.said()
    }

    /// Waits until the event of a sequence is in the log, and says at which of the log's sequences. `None` if this
    /// outbox never gave that sequence, or is closed.
    pub async fn acknowledged(&self, sequence: u64) -> Option<u64> {
        match self.inner.desk.wait_for(sequence) {
            desk::Wait::Logged(log) => Some(log),
            desk::Wait::Waiting(told) => told.await.ok(),
            desk::Wait::Settled => self.inner.keeper.store().ok()?.logged_at(sequence),
        }
    }

    /// How long the last thousand acknowledged events took from the outbox to the log.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.inner.desk.lag()
    }

    /// Which universe and audience it transmits into.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.inner.scope
    }

    pub(crate) fn public_key(&self) -> &str {
        &self.inner.public_key
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// Tells of every new event: the last sequence on disk.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.inner.desk.news()
    }

    /// The events after a sequence that wait, oldest first, at most `limit`.
    pub(crate) fn waiting_after(&self, sequence: u64, limit: usize) -> Result<Vec<Arc<Parcel>>, OutboxError> {
        let waiting = self.inner.desk.waiting_after(sequence, limit);
        let elsewhere: Vec<u64> =
            waiting.iter().filter(|(_, here)| here.is_none()).map(|(sequence, _)| *sequence).collect();
        let mut parcels: Vec<Arc<Parcel>> = waiting.into_iter().filter_map(|(_, here)| here).collect();
        if !elsewhere.is_empty() {
            parcels.extend(self.inner.keeper.store()?.parcels(&elsewhere)?.into_iter().map(Arc::new));
            parcels.sort_by_key(|parcel| parcel.sequence);
        }
        Ok(parcels)
    }

    /// The event that stands last in the log, as far as was acknowledged: its sequence and the log's.
    pub(crate) fn last_logged(&self) -> Result<Option<(u64, u64)>, OutboxError> {
        self.inner.keeper.store()?.last_logged()
    }

    /// Lets everything wait again that the outbox still has and `present` does not name; gives how much that is.
    pub(crate) fn send_again(&self, present: &BTreeSet<u64>) -> Result<usize, OutboxError> {
        let store = self.inner.keeper.store()?;
        let write = store.write()?;
        let again = write.wait_again(present, chrono::Utc::now().timestamp_millis())?;
        write.commit()?;
        let count = again.len();
        self.inner.desk.wait_again(again);
        Ok(count)
    }

    /// Writes down that the log has an event.
    pub(crate) fn logged(&self, sequence: u64, log: u64) {
        crate::kill::pass(crate::kill::Point::Acknowledged);
        let first = self.inner.desk.logged(sequence, log);
        if first && self.command(Command::Logged).is_err() {
            tracing::debug!("an acknowledgement after the outbox was closed; it is found again at the next start");
        }
    }

    fn command(&self, command: Command) -> Result<(), OutboxError> {
        let commands = self.inner.commands.as_ref().ok_or(OutboxError::Closed)?;
        commands.send(command).map_err(|_| OutboxError::Closed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Without senders the writer commits what it has and ends; then the file is free for the next process.
        self.commands = None;
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of outbox {} ended badly", self.source);
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("source", &self.inner.source.to_string()).finish()
    }
}
