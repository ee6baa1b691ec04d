//! The one thread that writes an outbox: gives sequence, predecessor and signature, and commits in groups. Where the disk
//! fails it tries again later and later, until it can write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entente_schemas::event::{Draft, Place, Source, chain_hash};
use tokio::sync::oneshot;

use super::desk::{Desk, Settled};
use super::keeper::Keeper;
use super::store::{Head, Opened, Parcel, Write};
use super::{OutboxError, Placed};
use crate::identity::Identity;
use crate::kill::{self, Point};
use crate::publish::Pause;
use crate::topology::Scope;

/// How many events share one commit at most: enough to hide the disk, few enough that the first are soon on their way.
const GROUP: usize = 1_024;
/// How long an acknowledgement may wait for a commit to share.
const SETTLE_AFTER: Duration = Duration::from_millis(200);

/// What the thread is asked to do.
pub(super) enum Command {
    /// Take events, all or none.
    Offer { drafts: Vec<Draft>, reply: Reply },
    /// Something was acknowledged, the first since the last commit; the desk knows what.
    Logged,
}

type Reply = oneshot::Sender<Result<Vec<Placed>, OutboxError>>;

pub(super) struct Writer {
    pub(super) source: Source,
    pub(super) scope: Scope,
    pub(super) identity: Identity,
    pub(super) capacity: u64,
    pub(super) head: Head,
    pub(super) keeper: Arc<Keeper>,
    pub(super) desk: Arc<Desk>,
    /// Set while the disk fails.
    pub(super) fault: Option<Fault>,
    pub(super) pause: Pause,
}

/// Why nothing can be written, and when that is tried again.
pub(super) struct Fault {
    error: OutboxError,
    again: Instant,
}

/// The offers of one commit.
#[derive(Default)]
struct Group {
    offers: Vec<(Vec<Draft>, Reply)>,
    events: usize,
}

/// What is staged for one commit.
struct Staged {
    head: Head,
    parcels: Vec<Parcel>,
    ids: BTreeMap<String, u64>,
    bytes: u64,
}

impl Writer {
    /// Works until every handle of the outbox is gone.
    pub(super) fn run(mut self, orders: &Receiver<Command>) {
        let mut since: Option<Instant> = None;
        loop {
            // Looked at before waiting: what was acknowledged during the last commit told nobody.
            since = (!self.desk.is_settled()).then(|| since.unwrap_or_else(Instant::now));
            let due = match &self.fault {
                Some(fault) => Some(fault.again),
                None => since.map(|since| since + SETTLE_AFTER),
            };
            let (group, open) = gather(orders, due.map(|due| due.saturating_duration_since(Instant::now())));
            let due = due.is_some_and(|due| due <= Instant::now());
            if group.events > 0 || due || (!open && !self.desk.is_settled()) {
                self.commit(group);
                since = None;
            }
            if !open {
                return;
            }
        }
    }

    fn commit(&mut self, group: Group) {
        let (drafts, replies): (Vec<_>, Vec<_>) = group.offers.into_iter().unzip();
        match self.try_write(&drafts) {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // Whoever gave up waiting finds the event taken when it offers it again.
                    let _ = reply.send(answer);
                }
            }
            Err(error) => {
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Writes, after a failure of the disk only once the file is open again, and not before the pause is over.
    fn try_write(&mut self, offers: &[Vec<Draft>]) -> Result<Vec<Result<Vec<Placed>, OutboxError>>, OutboxError> {
        if let Some(fault) = self.fault.as_ref().filter(|fault| Instant::now() < fault.again) {
            return Err(fault.error.clone());
        }
        let failed = self.fault.is_some();
        let opened = if failed { self.reopen() } else { Ok(()) };
        let written = opened.and_then(|()| self.write(offers));
        match &written {
            Ok(_) if failed => {
                (self.fault, self.pause) = (None, Pause::default());
                tracing::info!("outbox of {}: its disk can be written again", self.source.org_feed());
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "outbox of {}", self.source.org_feed());
                self.fault = Some(Fault { error: error.clone(), again: Instant::now() + self.pause.next() });
            }
        }
        written
    }

    /// Opens the file again and goes on from what it holds, which must be all that was ever taken.
    fn reopen(&mut self) -> Result<(), OutboxError> {
        let opened = self.keeper.reopen()?;
        self.compare(&opened)?;
        let store = self.keeper.store()?;
        for sequence in self.desk.reread(&opened) {
            let lost = || self.keeper.damaged(format!("event {sequence} waited in it and is gone"));
            self.desk.logged(sequence, store.logged_at(sequence).ok_or_else(lost)?);
        }
        self.head = opened.head;
        Ok(())
    }

    fn compare(&self, opened: &Opened) -> Result<(), OutboxError> {
        let (found, known) = (&opened.head, &self.head);
        if found.sequence < known.sequence || (found.sequence == known.sequence && found != known) {
            let (found, known) = (found.sequence, known.sequence);
            return Err(self
                .keeper
                .damaged(format!("its chain ends at {found}, and not as it was taken up to {known}")));
        }
        Ok(())
    }

    /// One transaction: the offers that may be taken, and what was acknowledged meanwhile.
    fn write(&mut self, offers: &[Vec<Draft>]) -> Result<Vec<Result<Vec<Placed>, OutboxError>>, OutboxError> {
        let store = self.keeper.store()?;
        let write = store.write()?;
        let settled = self.desk.to_settle();
        let head = self.head.clone();
        let mut staged = Staged { head, parcels: Vec::new(), ids: BTreeMap::new(), bytes: self.desk.bytes() };
        let mut answers = Vec::with_capacity(offers.len());
        for drafts in offers {
            answers.push(self.stage(&write, drafts, &mut staged)?);
        }
        let parcels = crate::cores::map(staged.parcels, |mut parcel| {
            parcel.signature = self.identity.sign(&parcel.payload);
            parcel
        });
        let entered_ms = chrono::Utc::now().timestamp_millis();
        write.settle(&settled)?;
        write.enter(&parcels, entered_ms, &staged.head)?;
        write.commit()?;
        self.head = staged.head;
        self.committed(parcels, entered_ms, &settled);
        Ok(answers)
    }

    fn committed(&self, parcels: Vec<Parcel>, entered_ms: i64, settled: &Settled) {
        if !parcels.is_empty() {
            kill::pass(Point::OutboxWritten);
        }
        if !settled.acknowledged.is_empty() {
            kill::pass(Point::Committed);
        }
        self.desk.settled(settled);
        self.desk.entered(parcels, entered_ms);
    }

    /// Stages one offer, or leaves everything as it was and says why. The outer error is the disk's.
    fn stage(
        &self,
        write: &Write<'_>,
        drafts: &[Draft],
        staged: &mut Staged,
    ) -> Result<Result<Vec<Placed>, OutboxError>, OutboxError> {
        let (head, bytes, count) = (staged.head.clone(), staged.bytes, staged.parcels.len());
        let mut placed = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let taken = staged.ids.get(&draft.id).copied();
            let taken = if taken.is_some() { taken } else { write.sequence_of(&draft.id)? };
            let one = match taken {
                Some(sequence) => Ok(Placed { id: draft.id.clone(), sequence, repeated: true }),
                None => self.seal(draft, staged),
            };
            match one {
                Ok(one) => placed.push(one),
                Err(error) => {
                    for parcel in staged.parcels.drain(count..) {
                        staged.ids.remove(&parcel.id);
                    }
                    (staged.head, staged.bytes) = (head, bytes);
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(placed))
    }

    fn seal(&self, draft: &Draft, staged: &mut Staged) -> Result<Placed, OutboxError> {
        let sequence = staged.head.sequence + 1;
        let place = Place {
            source: &self.source,
            universe: &self.scope.universe,
            audience: &self.scope.audience,
            sequence,
            prevhash: &staged.head.prevhash,
        };
        let refused = |reason: String| OutboxError::Refused { id: draft.id.clone(), reason };
        self.check(draft).map_err(refused)?;
        let payload = draft.seal(place).map_err(|error| refused(error.to_string()))?;
        let subject = draft.subject(place).map_err(|error| refused(error.to_string()))?.to_string();
        let prevhash = chain_hash(&payload);
        let parcel = Parcel {
            sequence,
            id: draft.id.clone(),
            family: draft.claim.family().token(),
            object_id: draft.claim.header.object_id.clone(),
            rev: draft.claim.header.rev,
            subject,
            signature: [0; 64],
            payload: Bytes::from(payload),
        };
        let waiting = staged.bytes;
        if waiting + parcel.bytes() > self.capacity {
            return Err(OutboxError::Full { waiting, capacity: self.capacity });
        }
        staged.bytes += parcel.bytes();
        staged.head = Head { sequence, prevhash };
        staged.ids.insert(parcel.id.clone(), sequence);
        staged.parcels.push(parcel);
        Ok(Placed { id: draft.id.clone(), sequence, repeated: false })
    }

    /// What every reader would refuse never enters the chain.
    fn check(&self, draft: &Draft) -> Result<(), String> {
        if draft.id.is_empty() || draft.id.len() > 64 || !draft.id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("the event id must be 1 to 64 printable characters".to_owned());
        }
        if self.scope.audience == "all" && !draft.tlp.fits_all() {
            return Err(format!(
                "TLP {} needs a sharing group; audience all takes clear and green",
                draft.tlp.as_str()
            ));
        }
        draft.claim.check().map_err(|problems| problems.to_string())
    }
}

/// Waits for work, at most `wait` where something is to be settled, and takes what lies ready. False at the end.
fn gather(orders: &Receiver<Command>, wait: Option<Duration>) -> (Group, bool) {
    let mut group = Group::default();
    let first = match wait {
        None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(wait) => orders.recv_timeout(wait),
    };
    match first {
        Ok(command) => group.take(command),
        Err(RecvTimeoutError::Timeout) => return (group, true),
        Err(RecvTimeoutError::Disconnected) => return (group, false),
    }
    while group.events < GROUP {
        let Ok(command) = orders.try_recv() else { break };
        group.take(command);
    }
    (group, true)
}

impl Group {
    fn take(&mut self, command: Command) {
        if let Command::Offer { drafts, reply } = command {
            self.events += drafts.len().max(1);
            self.offers.push((drafts, reply));
        }
    }
}
