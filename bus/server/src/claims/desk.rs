//! The desk: where claims get their revision, enter the outbox and are awaited in the log and in the picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Bus, Clock, Outbox, OutboxError, Placed, Scope, name_target};
use entente_schemas::beat::Backlog;
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Claim, Family};
use entente_schemas::speaker::Role;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::prepare::{Prepared, Preparing, said};
use super::published::{PublishError, Published};
use super::request::Request;
use crate::room::{Link, Moment, Room, Unanswered, When};

/// How long the log may take before the caller is told that the claim waits in the outbox.
const LOG_PATIENCE: Duration = Duration::from_secs(15);
/// How long the picture may take once the log has the claim.
const PICTURE_PATIENCE: Duration = Duration::from_secs(5);

/// The last revision that the outbox took of each object.
pub(super) type Revisions = BTreeMap<(Family, String), u64>;

/// The desk of this server's organisation.
pub(crate) struct Desk {
    outbox: Outbox,
    room: Arc<Room>,
    role: Role,
    clock: Clock,
    revisions: Arc<Mutex<Revisions>>,
    log: Option<(Bus, Scope)>,
}

impl Desk {
    /// The desk of an outbox. Blocks: reads what the outbox said last.
    ///
    /// # Errors
    /// If the outbox cannot be read.
    pub(crate) fn open(outbox: Outbox, room: Arc<Room>, role: Role, clock: Clock) -> Result<Self, OutboxError> {
        let said = outbox.said()?.into_iter().map(|said| ((said.family, said.object_id), said.rev));
        Ok(Self { revisions: Arc::new(Mutex::new(said.collect())), outbox, room, role, clock, log: None })
    }

    /// The desk with the log at hand, which alone knows the signature of what is to be erased.
    pub(crate) fn beside(self, bus: Bus, scope: Scope) -> Self {
        Self { log: Some((bus, scope)), ..self }
    }

    /// The organisation.
    pub(crate) fn org(&self) -> &str {
        &self.outbox.source().org
    }

    /// What it said and the log has not taken yet.
    pub(crate) fn waiting(&self) -> Backlog {
        self.outbox.backlog()
    }

    /// Publishes a claim: completes it, puts it on disk, and waits until the log and the picture have it. Of a dry run it
    /// tells what would be published.
    ///
    /// # Errors
    /// If it has mistakes, would do nothing, or the outbox does not take it. Then nothing was published.
    pub(crate) async fn publish(self: &Arc<Self>, request: Request) -> Result<Published, PublishError> {
        if let Some(id) = request.id.filter(|_| !request.dry_run)
            && let Some(before) = self.in_log(id.to_string()).await?
        {
            return Ok(before);
        }
        if request.dry_run {
            let Prepared { draft, remarks, .. } = self.prepare(request).await?;
            return Ok(Published::of_dry_run(draft, remarks));
        }
        let desk = Arc::clone(self);
        // Whoever goes away leaves no claim half taken: the outbox may have it, and then its revision must count.
        let placing = tokio::spawn(async move { desk.place(request).await });
        let (draft, placed, mut remarks) = placing.await.map_err(Unanswered::from)??;
        if placed.repeated {
            return self.repeated(&placed).await;
        }
        let position = self.awaited(placed.sequence).await;
        remarks.extend(self.reach(&draft.claim).await?);
        let (object_id, rev) = (draft.claim.header.object_id, draft.claim.header.rev);
        Ok(Published { id: placed.id, object_id, rev, position, repeated: false, remarks, dry_run: None })
    }

    /// Puts an event into the outbox that the server itself has drafted.
    ///
    /// # Errors
    /// If the outbox does not take it.
    pub(crate) async fn say(&self, draft: Draft) -> Result<(), OutboxError> {
        self.outbox.offer(vec![draft]).await.map(|_| ())
    }

    /// One claim at a time gets its revision and its place, so that two never get the same.
    async fn place(&self, request: Request) -> Result<(Draft, Placed, Vec<String>), PublishError> {
        let Prepared { draft, remarks, mut revisions } = self.prepare(request).await?;
        let placed = self.outbox.offer(vec![draft.clone()]).await?.pop();
        let placed = placed.ok_or(PublishError::Outbox(OutboxError::Closed))?;
        if !placed.repeated {
            let header = &draft.claim.header;
            revisions.insert((draft.claim.family(), header.object_id.clone()), header.rev);
        }
        Ok((draft, placed, remarks))
    }

    /// Completes a claim and holds it to everything, while no other claim of this desk moves on.
    async fn prepare(&self, request: Request) -> Result<Prepared, PublishError> {
        let revisions = Arc::clone(&self.revisions).lock_owned().await;
        let (whole, desk) = (self.room.link() == Link::Live, self.outbox.source().org_feed());
        let look = move |moment: &mut Moment<'_>| Preparing::look(moment, request, revisions, &desk, whole);
        let (role, now, outbox) = (self.role, self.clock.now(), self.outbox.clone());
        let finish = move |preparing: Preparing| preparing.finish(&outbox, role, now);
        let mut prepared = self.room.ask(When::live(self.clock.second()), look, finish).await??;
        if let (Body::Retraction(retraction), Some((bus, scope))) = (&mut prepared.draft.claim.body, &self.log) {
            name_target(bus, scope, retraction).await?;
        }
        Ok(prepared)
    }

    /// A word on correlation that does not reach is shown and moves nothing; its author is told.
    async fn reach(&self, claim: &Claim) -> Result<Option<String>, PublishError> {
        let Body::Constraint(constraint) = &claim.body else { return Ok(None) };
        let (own, objects) = (claim.header.object_id.clone(), constraint.objects.clone());
        let binds = self.room.look(When::live(self.clock.second()), move |moment| {
            let named = objects.iter().find_map(|object| moment.state.incident(object, moment.at))?;
            named.constraints.iter().find(|opinion| opinion.object_id == own).map(|opinion| opinion.binds)
        });
        let org = self.org();
        Ok((binds.await? == Some(false)).then(|| {
            format!("This is an opinion, shown and not applied: {org} speaks for none of its objects. It binds once a coordinator or another organisation says the same.")
        }))
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
        if let Some(before) = self.in_log(placed.id.clone()).await? {
            return Ok(before);
        }
        let (outbox, id) = (self.outbox.clone(), placed.id.clone());
        let said =
            spawn_blocking(move || said(&outbox, |said| said.event_id == id)).await.map_err(Unanswered::from)??;
        let said = said.ok_or_else(|| {
            PublishError::Unknown(format!(
                "event {} was taken before, but is not in the log yet; ask again later",
                placed.id
            ))
        })?;
        Ok(Published::before(said.event_id, said.object_id, said.rev, position))
    }

    async fn in_log(&self, id: String) -> Result<Option<Published>, PublishError> {
        let found = self.room.look(When::live(self.clock.second()), move |moment| moment.state.event(&id)).await?;
        Ok(found.map(|(line, _)| Published::before(line.id, line.object_id, line.rev, Some(line.position))))
    }
}

#[cfg(test)]
mod tests {
    use entente_correlator::Model;
    use entente_journal::{Batch, Identity, OutboxOptions, Scope};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn who_goes_away_leaves_no_revision_that_is_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(OutboxOptions {
            dir: folder.path().join("outbox"),
            org: "aws".into(),
            feed: "desk".into(),
            scope: Scope::actual(),
            identity: Identity::open(&folder.path().join("key")).unwrap(),
            capacity_bytes: OutboxOptions::CAPACITY,
        });
        let outbox = outbox.unwrap();
        let room = Arc::new(Room::new(&Scope::actual(), Arc::new(Model::v1().unwrap())));
        room.take(Batch { records: Vec::new(), complete: 0 }, true);
        let desk = Arc::new(Desk::open(outbox.clone(), room, Role::Provider, Clock::wall()).unwrap());
        let note = json!({"object_id": "aws:1", "kind": "note", "text": "x"});
        let request = || Request::new(Family::Message, note.as_object().unwrap().clone());
        for patience in (0..40).map(|round| round % 5) {
            let mut publishing = Box::pin(desk.publish(request()));
            for _ in 0..patience {
                let _ = futures::poll!(&mut publishing);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        // Whoever is still on the way holds the desk.
        let (last, _, _) = desk.place(request()).await.unwrap();
        assert_eq!(last.claim.header.rev, outbox.backlog().events);
        assert!(last.claim.header.rev > 1);
    }
}
