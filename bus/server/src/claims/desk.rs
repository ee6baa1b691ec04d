//! The desk: where claims get their revision, enter the outbox and are awaited in the log and in the picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entente_journal::{Outbox, OutboxError, Placed, Said};
use entente_schemas::event::Draft;
use entente_schemas::family::Family;
use entente_schemas::speaker::Role;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use super::Mistake;
use super::complete::{Writer, complete};
use super::ground::{Ground, data};
use super::request::Request;
use crate::clock::Clock;
use crate::room::{Room, When};

/// How long the log may take before the caller is told that the claim waits in the outbox.
const LOG_PATIENCE: Duration = Duration::from_secs(15);
/// How long the picture may take once the log has the claim.
const PICTURE_PATIENCE: Duration = Duration::from_secs(5);

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Published {
    /// The event's id.
    pub(crate) id: String,
    /// The object.
    pub(crate) object_id: String,
    /// Its revision.
    pub(crate) rev: u64,
    /// Place in the log. Absent while the log does not answer: the claim is safe in the outbox and goes as soon as it does.
    pub(crate) position: Option<u64>,
    /// The same claim had been handed over before; nothing was added.
    pub(crate) repeated: bool,
}

/// Why a claim was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// It has mistakes.
    #[error("the claim is not as it should be")]
    Mistakes(Vec<Mistake>),
    /// What it names is not there.
    #[error("{0}")]
    Unknown(String),
    /// The outbox did not take it.
    #[error(transparent)]
    Outbox(OutboxError),
}

impl From<OutboxError> for PublishError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Refused { reason, .. } => Self::Mistakes(vec![Mistake::new("(claim)", reason)]),
            other => Self::Outbox(other),
        }
    }
}

/// The last revision that the outbox took of each object.
type Revisions = BTreeMap<(Family, String), u64>;

/// The desk of this server's organisation.
pub(crate) struct Desk {
    outbox: Outbox,
    room: Arc<Room>,
    role: Role,
    clock: Clock,
    revisions: Mutex<Revisions>,
}

impl Desk {
    /// The desk of an outbox. Blocks: reads what the outbox said last.
    ///
    /// # Errors
    /// If the outbox cannot be read.
    pub(crate) fn open(outbox: Outbox, room: Arc<Room>, role: Role, clock: Clock) -> Result<Self, OutboxError> {
        let said = outbox.said()?.into_iter().map(|said| ((said.family, said.object_id), said.rev));
        Ok(Self { revisions: Mutex::new(said.collect()), outbox, room, role, clock })
    }

    /// The organisation.
    pub(crate) fn org(&self) -> &str {
        &self.outbox.source().org
    }

    /// Publishes a claim: completes it, puts it on disk, and waits until the log and the picture have it.
    ///
    /// # Errors
    /// If it has mistakes, or the outbox does not take it. Then nothing was published.
    pub(crate) async fn publish(&self, request: Request) -> Result<Published, PublishError> {
        if let Some(before) = request.id.and_then(|id| self.in_log(&id.to_string())) {
            return Ok(before);
        }
        let (draft, placed) = self.place(request).await?;
        if placed.repeated {
            return self.repeated(&placed).await;
        }
        let header = draft.claim.header;
        let position = self.awaited(placed.sequence).await;
        Ok(Published { id: placed.id, object_id: header.object_id, rev: header.rev, position, repeated: false })
    }

    /// Puts an event into the outbox that the server itself has drafted.
    ///
    /// # Errors
    /// If the outbox does not take it.
    pub(crate) async fn say(&self, draft: Draft) -> Result<(), OutboxError> {
        self.outbox.offer(vec![draft]).await.map(|_| ())
    }

    /// One claim at a time gets its revision and its place, so that two never get the same.
    async fn place(&self, request: Request) -> Result<(Draft, Placed), PublishError> {
        let mut revisions = self.revisions.lock().await;
        let ground = self.ground(&request, &revisions)?;
        let writer = Writer {
            org: self.org(),
            role: self.role,
            now: self.clock.now(),
            event: Uuid::now_v7(),
            object: Uuid::now_v7(),
        };
        let draft = complete(request, &ground, &writer).map_err(PublishError::Mistakes)?;
        let placed = self.outbox.offer(vec![draft.clone()]).await?.pop();
        let placed = placed.ok_or(PublishError::Outbox(OutboxError::Closed))?;
        if !placed.repeated {
            let header = &draft.claim.header;
            revisions.insert((draft.claim.family(), header.object_id.clone()), header.rev);
        }
        Ok((draft, placed))
    }

    /// The outbox knows what has not reached the log yet; the log knows what an outbox before this one said.
    fn ground(&self, request: &Request, revisions: &Revisions) -> Result<Ground, PublishError> {
        let when = When::live(self.clock.second());
        let desk = self.outbox.source().org_feed();
        let mut ground = self.room.with(when, |state, _| Ground::of_log(state, request, &desk));
        let object = request.text("object_id").map(|id| (request.family, id.to_owned()));
        let own = object.as_ref().and_then(|object| revisions.get(object)).copied().unwrap_or(0);
        if own > ground.last_rev {
            ground.last_rev = own;
            if request.still {
                ground.last = self
                    .said(|said| Some((said.family, said.object_id.clone())) == object)?
                    .and_then(|said| data(&said.payload));
            }
        }
        Ok(ground)
    }

    fn said(&self, which: impl Fn(&Said) -> bool) -> Result<Option<Said>, OutboxError> {
        Ok(self.outbox.said()?.into_iter().find(|said| which(said)))
    }

    /// The log's sequence of an event of the outbox, once the picture has it; none if that takes too long.
    async fn awaited(&self, sequence: u64) -> Option<u64> {
        let logged = timeout(LOG_PATIENCE, self.outbox.acknowledged(sequence)).await.ok()??;
        if timeout(PICTURE_PATIENCE, self.room.reached(logged)).await.is_err() {
            tracing::warn!("the picture has not reached position {logged}, where a claim of this desk stands");
        }
        Some(logged)
    }

    async fn repeated(&self, placed: &Placed) -> Result<Published, PublishError> {
        let position = self.awaited(placed.sequence).await;
        if let Some(before) = self.in_log(&placed.id) {
            return Ok(before);
        }
        let said = self.said(|said| said.event_id == placed.id)?.ok_or_else(|| {
            PublishError::Unknown(format!(
                "event {} was taken before, but is not in the log yet; ask again later",
                placed.id
            ))
        })?;
        Ok(Published { id: said.event_id, object_id: said.object_id, rev: said.rev, position, repeated: true })
    }

    fn in_log(&self, id: &str) -> Option<Published> {
        let (line, _) = self.room.with(When::live(DateTime::<Utc>::UNIX_EPOCH), |state, _| state.event(id))?;
        let (object_id, rev, position) = (line.object_id, line.rev, Some(line.position));
        Some(Published { id: line.id, object_id, rev, position, repeated: true })
    }
}
