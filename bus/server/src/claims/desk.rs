//! The desk: where claims get their revision, enter the outbox and are awaited in the log and in the picture.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use entente_correlator::picture::Line;
use entente_correlator::{Place as LogPlace, Shared};
use entente_journal::{Bus, Clock, Outbox, OutboxError, Placed, name_target};
use entente_schemas::beat::Backlog;
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Claim, Family};
use entente_schemas::speaker::Role;
use entente_schemas::subject::AUDIENCE_ALL;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::prepare::{Place, Prepared, Preparing, said};
use super::published::{PublishError, Published};
use super::request::Request;
use super::{Mistake, ground, slugs};
use crate::options::Outboxes;
use crate::room::{Link, Moment, Room, Unanswered, When};
use crate::streams::Streams;

/// How long the log may take before the caller is told that the claim waits in the outbox.
const LOG_PATIENCE: Duration = Duration::from_secs(15);
/// How long the picture may take once the log has the claim.
const PICTURE_PATIENCE: Duration = Duration::from_secs(5);

/// The last revision that the outbox took of each object.
pub(super) type Revisions = BTreeMap<(Family, String), u64>;

/// The desk of this server's organisation.
pub(crate) struct Desk {
    /// Its place for everybody, which is there from the start.
    everybody: Arc<Counter>,
    /// Its places in sharing groups, each made when it is used first.
    groups: Mutex<BTreeMap<String, Arc<Counter>>>,
    outboxes: Outboxes,
    room: Arc<Room>,
    role: Role,
    clock: Clock,
    bus: Option<Bus>,
}

/// What a desk says into one audience.
struct Counter {
    outbox: Outbox,
    revisions: Arc<Mutex<Revisions>>,
}

impl Counter {
    /// Blocks: reads what the outbox said last.
    fn of(outbox: Outbox) -> Result<Self, OutboxError> {
        let said = outbox.said()?.into_iter().map(|said| ((said.family, said.object_id), said.rev));
        Ok(Self { revisions: Arc::new(Mutex::new(said.collect())), outbox })
    }

    fn audience(&self) -> &str {
        &self.outbox.scope().audience
    }
}

impl Desk {
    /// The desk of an outbox. Blocks: reads what the outbox said last.
    ///
    /// # Errors
    /// If the outbox cannot be read.
    pub(crate) fn open(
        outbox: Outbox,
        outboxes: Outboxes,
        room: Arc<Room>,
        role: Role,
        clock: Clock,
    ) -> Result<Self, OutboxError> {
        let everybody = Arc::new(Counter::of(outbox)?);
        Ok(Self { everybody, groups: Mutex::default(), outboxes, room, role, clock, bus: None })
    }

    /// The desk with the log at hand, which alone knows the signature of what is to be erased.
    pub(crate) fn beside(self, bus: Bus) -> Self {
        Self { bus: Some(bus), ..self }
    }

    /// Opens the outboxes that were used before: what they still hold is to reach the log. One that cannot be opened is
    /// told, and is tried again when it is used.
    pub(crate) async fn open_kept(&self) {
        for scope in self.outboxes.kept() {
            if let Err(error) = self.counter(&scope.audience).await {
                tracing::warn!("the desk's outbox for {}: {error}", self.room.streams().name(&scope.audience));
            }
        }
    }

    /// The organisation.
    pub(crate) fn org(&self) -> &str {
        &self.everybody.outbox.source().org
    }

    /// What it said and the log has not taken yet.
    pub(crate) async fn waiting(&self) -> Backlog {
        let groups = self.groups.lock().await;
        let all = groups.values().chain([&self.everybody]).map(|counter| counter.outbox.backlog());
        all.fold(Backlog::default(), |sum, one| Backlog {
            events: sum.events + one.events,
            bytes: sum.bytes + one.bytes,
        })
    }

    /// The desk's place in an audience.
    async fn counter(&self, audience: &str) -> Result<Arc<Counter>, OutboxError> {
        if audience == AUDIENCE_ALL {
            return Ok(Arc::clone(&self.everybody));
        }
        let mut groups = self.groups.lock().await;
        if let Some(counter) = groups.get(audience) {
            return Ok(Arc::clone(counter));
        }
        let outbox = self.outboxes.open(self.room.streams().scope(audience)).await?;
        let counter = spawn_blocking(move || Counter::of(outbox)).await.map_err(|_| OutboxError::Closed)??;
        let counter = Arc::new(counter);
        groups.insert(audience.to_owned(), Arc::clone(&counter));
        Ok(counter)
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
        let (audience, inferred) = self.audience_of(&request).await?;
        let counter = self.counter(&audience).await?;
        if request.dry_run {
            let Prepared { draft, remarks, .. } = self.prepare(&counter, request).await?;
            let shared = shared(&audience, &draft);
            return Ok(Published::of_dry_run(draft, shared, remarks));
        }
        let (desk, placed_at) = (Arc::clone(self), Arc::clone(&counter));
        // Whoever goes away leaves no claim half taken: the outbox may have it, and then its revision must count.
        let placing = tokio::spawn(async move { desk.place(&placed_at, request).await });
        let (draft, placed, mut remarks) = placing.await.map_err(Unanswered::from)??;
        if placed.repeated {
            return self.repeated(&counter, &placed).await;
        }
        let position = self.awaited(&counter, placed.sequence).await;
        remarks.extend(self.reach(&draft.claim).await?);
        remarks.extend(inferred);
        remarks.extend(self.unread(&audience));
        let shared = shared(&audience, &draft);
        let (object_id, rev) = (draft.claim.header.object_id, draft.claim.header.rev);
        Ok(Published { id: placed.id, object_id, rev, shared, position, repeated: false, remarks, dry_run: None })
    }

    /// The audience that a request is for, and what its author should know if it was not named.
    async fn audience_of(&self, request: &Request) -> Result<(String, Option<String>), PublishError> {
        let streams = self.room.streams();
        if let Some(key) = &request.audience {
            let known = streams.audience(key).map(|audience| (audience.to_owned(), None));
            return known.ok_or_else(|| PublishError::Mistakes(vec![unknown_audience(key, &streams)]));
        }
        if !streams.has_groups() {
            return Ok((AUDIENCE_ALL.to_owned(), None));
        }
        let object = request.text("object_id").map(|id| (request.family, id.to_owned()));
        let unlogged = object.map(|object| self.group_that_took(object));
        let unlogged = if let Some(group) = unlogged { group.await } else { None };
        let (mut asked, desk) = (request.clone(), self.everybody.outbox.source().org_feed());
        let look = move |moment: &mut Moment<'_>| {
            asked.settle_keys(moment);
            ground::home(moment.state, &asked, &desk)
        };
        let logged = self.room.look(When::live(self.clock.second()), look).await?;
        let home = logged.or(unlogged).filter(|home| home != AUDIENCE_ALL);
        let told = home.as_ref().map(|group| {
            let group = streams.name(group);
            format!("It went to sharing group {group}, where what it goes on with stands.")
        });
        Ok((home.unwrap_or_else(|| AUDIENCE_ALL.to_owned()), told))
    }

    async fn group_that_took(&self, object: (Family, String)) -> Option<String> {
        for (group, counter) in &*self.groups.lock().await {
            if counter.revisions.lock().await.contains_key(&object) {
                return Some(group.clone());
            }
        }
        None
    }

    /// Objects that the desk has said in sharing groups other than this audience, each with the group.
    async fn said_elsewhere(&self, audience: &str) -> BTreeSet<(String, String)> {
        let mut said = BTreeSet::new();
        for (group, counter) in self.groups.lock().await.iter().filter(|(group, _)| *group != audience) {
            let revisions = counter.revisions.lock().await;
            said.extend(revisions.keys().map(|(_, object)| (object.clone(), group.clone())));
        }
        said
    }

    /// Puts an event into the outbox of an audience that the server itself has drafted.
    ///
    /// # Errors
    /// If the outbox does not take it.
    pub(crate) async fn say(&self, draft: Draft, audience: &str) -> Result<(), OutboxError> {
        self.counter(audience).await?.outbox.offer(vec![draft]).await.map(|_| ())
    }

    /// One claim at a time gets its revision and its place, so that two never get the same.
    async fn place(&self, at: &Counter, request: Request) -> Result<(Draft, Placed, Vec<String>), PublishError> {
        let Prepared { draft, remarks, mut revisions } = self.prepare(at, request).await?;
        let placed = at.outbox.offer(vec![draft.clone()]).await?.pop();
        let placed = placed.ok_or(PublishError::Outbox(OutboxError::Closed))?;
        if !placed.repeated {
            let header = &draft.claim.header;
            revisions.insert((draft.claim.family(), header.object_id.clone()), header.rev);
        }
        Ok((draft, placed, remarks))
    }

    /// Completes a claim and holds it to everything, while no other claim of this desk moves on.
    async fn prepare(&self, at: &Counter, request: Request) -> Result<Prepared, PublishError> {
        let audience = at.audience().to_owned();
        let unlogged = self.said_elsewhere(&audience).await;
        let revisions = Arc::clone(&at.revisions).lock_owned().await;
        let read = [AUDIENCE_ALL, &audience].iter().all(|named| self.room.link_of(named) == Link::Live);
        let (desk, streams) = (at.outbox.source().org_feed(), self.room.streams());
        let place = Place { desk, audience, streams, unlogged, whole: read };
        let look = move |moment: &mut Moment<'_>| Preparing::look(moment, request, revisions, place);
        let (role, now, outbox) = (self.role, self.clock.now(), at.outbox.clone());
        let finish = move |preparing: Preparing| preparing.finish(&outbox, role, now);
        let mut prepared = self.room.ask(When::live(self.clock.second()), look, finish).await??;
        if let (Body::Retraction(retraction), Some(bus)) = (&mut prepared.draft.claim.body, &self.bus) {
            name_target(bus, at.outbox.scope(), retraction).await?;
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

    /// What stands in a stream that is not read just now is not seen here, whoever else sees it; its author is told.
    fn unread(&self, audience: &str) -> Option<String> {
        let Link::Lost { reason, .. } = self.room.link_of(audience) else { return None };
        let name = self.room.streams().name(audience).to_owned();
        Some(format!("Audience {name} is not read here just now, so that nothing here shows this claim: {reason}."))
    }

    /// The log's place of an event of the outbox, once the picture has it; none if that takes too long.
    async fn awaited(&self, at: &Counter, sequence: u64) -> Option<LogPlace> {
        let logged = timeout(LOG_PATIENCE, at.outbox.acknowledged(sequence)).await.ok()??;
        let place = LogPlace { stream: at.outbox.scope().log_stream().into(), sequence: logged };
        if timeout(PICTURE_PATIENCE, self.room.reached(&place.stream, logged)).await.is_err() {
            tracing::warn!("the picture has not reached position {place}, where a claim of this desk stands");
        }
        Some(place)
    }

    async fn repeated(&self, at: &Counter, placed: &Placed) -> Result<Published, PublishError> {
        let position = self.awaited(at, placed.sequence).await;
        if let Some(before) = self.in_log(placed.id.clone()).await? {
            return Ok(before);
        }
        let (outbox, id) = (at.outbox.clone(), placed.id.clone());
        let said =
            spawn_blocking(move || said(&outbox, |said| said.event_id == id)).await.map_err(Unanswered::from)??;
        let said = said.ok_or_else(|| {
            PublishError::Unknown(format!(
                "event {} was taken before, but is not in the log yet; ask again later",
                placed.id
            ))
        })?;
        let event = Event::read(&said.payload).ok();
        let shared = event.as_ref().and_then(Shared::of);
        Ok(Published::before(said.event_id, (said.object_id, said.rev), position, shared))
    }

    async fn in_log(&self, id: String) -> Result<Option<Published>, PublishError> {
        let found = self.room.look(When::live(self.clock.second()), move |moment| moment.state.event(&id)).await?;
        let before =
            |line: Line| Published::before(line.id, (line.object_id, line.rev), Some(line.position), line.shared);
        Ok(found.map(|(line, _)| before(line)))
    }
}

/// The sharing group of a draft, with its marking.
fn shared(audience: &str, draft: &Draft) -> Option<Shared> {
    (audience != AUDIENCE_ALL).then(|| Shared { audience: audience.to_owned(), tlp: draft.tlp })
}

fn unknown_audience(key: &str, streams: &Streams) -> Mistake {
    let shown: String = key.chars().take(40).collect();
    let known: Vec<&str> = std::iter::once(AUDIENCE_ALL).chain(streams.names().map(|(_, name)| name)).collect();
    let meant = known.iter().find(|name| slugs::is_near(key, name));
    let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let what = format!(
        "`{shown}` is no audience that is read here{meant}; expected one of: {}; `entente audience create NAME` makes one",
        known.join(", ")
    );
    Mistake::new("(request).audience", what)
}

#[cfg(test)]
mod tests {
    use entente_correlator::Model;
    use entente_journal::{Audiences, Batch, Identity, OutboxOptions, Scope};
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
        let streams = Streams::of("actual", Audiences::default());
        let room = Arc::new(Room::new(streams, Arc::new(Model::v1().unwrap())));
        room.take("A_actual_all", Batch { records: Vec::new(), complete: 0 }, true);
        let none = Outboxes::by(Vec::new(), |_| unreachable!());
        let desk = Arc::new(Desk::open(outbox.clone(), none, room, Role::Provider, Clock::wall()).unwrap());
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
        let (last, _, _) = desk.place(&desk.everybody, request()).await.unwrap();
        assert_eq!(last.claim.header.rev, outbox.backlog().events);
        assert!(last.claim.header.rev > 1);
    }
}
