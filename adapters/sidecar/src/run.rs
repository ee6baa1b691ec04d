//! The loop of one feed: remember, ask, take what is news into the outbox, pause, until it is told to stop. What it says is
//! carried into the log by the outbox's own pump, which whoever opened the outbox runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_journal::{Bus, Clock, Outbox, OutboxError, Scope, last_of_feed};
use entente_schemas::beat::BeatError;
use entente_schemas::event::{Draft, Event};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::tlp::Tlp;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::ask::{Ask, Open, OpenError, Told};
use crate::beating::Beating;
use crate::edge::{Edge, Surroundings};
use crate::feed::FeedHealth;
use crate::pause::pause;
use crate::poll::{Pace, Settled, roll};

/// Events that are offered to the outbox at once.
const OFFER: usize = 256;
/// The pause before the log is asked again for what was said before.
const REMEMBER_AGAIN: Duration = Duration::from_secs(1);
/// How long a feed may take note of what became of its last answer once it is to stop.
const SETTLING: Duration = Duration::from_secs(5);

/// One feed to read.
#[derive(Clone)]
pub struct FeedTask {
    /// What is asked.
    pub open: Open,
    /// The pause between good polls.
    pub every: Duration,
    /// Where the events go; opened for this feed and scope, and pumped by whoever opened it.
    pub outbox: Outbox,
    /// For beats, and for what was said before.
    pub bus: Bus,
    /// Universe and audience.
    pub scope: Scope,
    /// How what is said is marked for onward sharing, where that is not the audience's own marking.
    pub tlp: Option<Tlp>,
    /// The clock that observations are stamped with.
    pub clock: Clock,
}

/// Why a feed cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is nothing to ask.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The outbox does not tell what was said before.
    #[error("what this feed said before cannot be read: {0}")]
    Outbox(#[from] OutboxError),
}

/// Reads a feed until `stop`.
///
/// # Errors
/// If the feed cannot be read at all. A feed that fails is no error: it is said to be blind, and is asked again.
pub async fn run(task: FeedTask, stop: CancellationToken) -> Result<(), RunError> {
    run_shown(task, |_| {}, stop).await
}

/// The same; whatever comes to be known of the feed's health is shown, before whoever sent what was read is told what became
/// of it.
pub(crate) async fn run_shown(
    task: FeedTask,
    show: impl Fn(&FeedHealth) + Sync,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let mut feed = (task.open)()?;
    let Some(past) = remember(&task, &stop).await? else { return Ok(()) };
    let source = task.outbox.source().clone();
    let (universe, audience) = (&task.scope.universe, &task.scope.audience);
    let mut edge = Edge::new(feed.profile().clone(), source.clone(), universe, audience, &feed.shown());
    task.tlp.into_iter().for_each(|tlp| edge.mark(tlp));
    edge.recall(&past);
    drop(past);
    let station = Station { edge: Mutex::new(edge), around: Mutex::default(), show: &show };
    let (tell, changed) = watch::channel(0);
    let spoke = station.edge().health().spoken();
    let beating = Beating { bus: &task.bus, scope: &task.scope, org: &source.org, feed: &source.feed, spoke };
    let reading = reading(&task, &station, feed.as_mut(), &tell, &stop);
    let beats = beating.go(|| station.beat(&task), || station.edge().missed(), changed, &stop);
    tokio::join!(reading, beats);
    Ok(())
}

/// What the loop and the heartbeat share.
struct Station<'a> {
    edge: Mutex<Edge>,
    around: Mutex<Around>,
    show: &'a (dyn Fn(&FeedHealth) + Sync),
}

#[derive(Default)]
struct Around {
    /// The greatest sequence that the outbox gave.
    offered: Option<u64>,
    next_try: Option<DateTime<Utc>>,
    clock_offset_ms: Option<i64>,
    /// Why the outbox took nothing when it was last tried, and how many bytes then waited in it.
    full: Option<(OutboxError, u64)>,
}

impl Station<'_> {
    /// Shows how the feed does.
    fn shown(&self) {
        (self.show)(self.edge().health());
    }

    /// Why the outbox would still take nothing: it holds no less than when it was full. Who has nothing to say must not take
    /// that for a sign that he could.
    fn still_full(&self, outbox: &Outbox) -> Option<OutboxError> {
        let (error, waited) = self.around().full.clone()?;
        let waits = outbox.backlog().bytes;
        let full = matches!(error, OutboxError::Full { .. }) && waits > 0 && waits >= waited;
        full.then_some(error)
    }

    fn edge(&self) -> MutexGuard<'_, Edge> {
        self.edge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn around(&self) -> MutexGuard<'_, Around> {
        self.around.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self, task: &FeedTask) -> entente_schemas::beat::Beat {
        let around = self.around();
        let surroundings = Surroundings {
            next_try: around.next_try,
            lag: task.outbox.lag(),
            outbox: task.outbox.backlog(),
            clock_offset_ms: around.clock_offset_ms,
        };
        drop(around);
        self.edge().beat(surroundings, task.clock.now())
    }
}

async fn reading(
    task: &FeedTask,
    station: &Station<'_>,
    feed: &mut dyn Ask,
    tell: &watch::Sender<u64>,
    stop: &CancellationToken,
) {
    let pace = Pace { every: task.every, recorded: feed.recorded() };
    let mut before = None;
    loop {
        let Some(length) = poll(task, station, feed, pace, stop).await else { return };
        let next_try = TimeDelta::from_std(length).ok().and_then(|length| task.clock.now().checked_add_signed(length));
        {
            let mut around = station.around();
            (around.next_try, around.clock_offset_ms) = (next_try, feed.clock_offset_ms());
        }
        let now = {
            let edge = station.edge();
            (edge.health().state(), edge.health().failures().min(1))
        };
        if before.replace(now) != Some(now) {
            tell.send_modify(|changes| *changes = changes.wrapping_add(1));
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = pause(length) => {}
        }
    }
}

/// Asks once, takes what is news, and gives the pause before the next time. `stop` ends the asking, never the taking: an
/// answer that came is told.
async fn poll(
    task: &FeedTask,
    station: &Station<'_>,
    feed: &mut dyn Ask,
    pace: Pace,
    stop: &CancellationToken,
) -> Option<Duration> {
    let told = stop.run_until_cancelled(feed.ask(task.clock)).await?;
    let now = task.clock.now();
    let idle = told == Ok(Told::Unchanged);
    let (drafts, settled, retry_after) = match told {
        Ok(Told::Reading(reading)) => {
            let retry_after = reading.lacks.as_ref().and_then(|failure| failure.retry_after);
            let outcome = station.edge().answered(Ok(reading), now);
            let settled = match (outcome.read, outcome.doubtful) {
                (false, _) => Settled::Refused,
                (true, true) => Settled::Doubtful,
                (true, false) => Settled::Read,
            };
            (outcome.drafts, settled, retry_after)
        }
        Ok(Told::Unchanged) => (station.edge().unchanged(now).drafts, Settled::Read, None),
        Err(failure) => {
            let refused = failure.refusal.as_deref().map_or(&[][..], std::slice::from_ref);
            let away = pace.away(failure.retry_after).and_then(|away| TimeDelta::from_std(away).ok());
            let until = away.and_then(|away| now.checked_add_signed(away));
            let drafts = station.edge().failed(failure.error.clone(), refused, until, now);
            (drafts, Settled::Refused, failure.retry_after)
        }
    };
    let taken = match station.still_full(&task.outbox) {
        Some(error) if drafts.is_empty() => Err(error),
        _ => take(&task.outbox, station, drafts, now).await,
    };
    station.around().full = taken.as_ref().err().map(|error| (error.clone(), task.outbox.backlog().bytes));
    if let Err(error) = &taken {
        tracing::warn!(feed = %task.outbox.source().feed, %error, "the outbox took nothing");
        station.edge().stopped(untaken(error), now);
    }
    station.shown();
    let Ok(last) = taken else {
        settle(feed, Settled::NotTaken, stop).await;
        return Some(pace.untaken(retry_after));
    };
    let there = !feed.settles_in_log() || stop.run_until_cancelled(in_log(task, station, last)).await == Some(true);
    settle(feed, if there { settled } else { Settled::NotTaken }, stop).await;
    let failures = station.edge().health().failures();
    let pace = Pace { every: feed.pause().unwrap_or(pace.every), ..pace };
    Some(if idle && pace.recorded { pace.idle() } else { pace.pause(failures, retry_after, roll()) })
}

/// What beats tell where the outbox took nothing. Where it lies on this machine is nobody else's business.
fn untaken(error: &OutboxError) -> BeatError {
    let text = match error {
        OutboxError::Full { .. } | OutboxError::Closed => error.to_string(),
        _ => "the outbox cannot be written; look into the log of this program, and free space or mend the disk"
            .to_owned(),
    };
    BeatError { code: "outbox".to_owned(), text }
}

/// Tells the feed what became of its answer; one that does not come back from that does not hold up the end.
async fn settle(feed: &mut dyn Ask, settled: Settled, stop: &CancellationToken) {
    let late = async {
        stop.cancelled().await;
        sleep(SETTLING).await;
    };
    tokio::select! {
        () = feed.settle(settled) => {}
        () = late => tracing::warn!("a feed does not come back from what became of its answer, and is left"),
    }
}

/// Waits until the log has all that the feed ever said: what an answer repeats may still be on its way from an earlier one.
/// It has not, if the outbox is closed before.
async fn in_log(task: &FeedTask, station: &Station<'_>, last: Option<u64>) -> bool {
    let offered = {
        let mut around = station.around();
        around.offered = around.offered.max(last);
        around.offered
    };
    match offered {
        Some(sequence) => task.outbox.acknowledged(sequence).await.is_some(),
        None => true,
    }
}

/// Offers drafts in order. One that the outbox will never take is left out, so that it does not hold up the others, and an
/// event that tells so stands in its place.
async fn take(
    outbox: &Outbox,
    station: &Station<'_>,
    mut rest: Vec<Draft>,
    now: DateTime<Utc>,
) -> Result<Option<u64>, OutboxError> {
    let mut last = None;
    while !rest.is_empty() {
        let later = rest.split_off(rest.len().min(OFFER));
        let mut offer = std::mem::replace(&mut rest, later);
        while !offer.is_empty() {
            match outbox.offer(offer.clone()).await {
                Ok(placed) => {
                    last = last.max(placed.iter().map(|placed| placed.sequence).max());
                    break;
                }
                Err(OutboxError::Refused { id, reason }) if offer.iter().any(|draft| draft.id == id) => {
                    tracing::error!(%id, %reason, "an event is left out");
                    let told = |draft: Draft| {
                        if draft.id == id { station.edge().left_out(&draft, &reason, now) } else { Some(draft) }
                    };
                    offer = offer.into_iter().filter_map(told).collect();
                }
                Err(error) => return Err(error),
            }
        }
        station.edge().taken(&offer);
    }
    Ok(last)
}

/// What this feed said before, from its outbox and from the log. Without any word in the outbox the log must answer first:
/// else objects would get revisions that they had already. `None` if told to stop meanwhile.
async fn remember(task: &FeedTask, stop: &CancellationToken) -> Result<Option<Vec<Event>>, RunError> {
    let outbox = task.outbox.clone();
    let said = tokio::task::spawn_blocking(move || outbox.said()).await.unwrap_or(Err(OutboxError::Closed))?;
    let mut past: Vec<Event> = said.iter().filter_map(|said| own(task, &said.payload)).collect();
    let source = task.outbox.source();
    loop {
        match last_of_feed(&task.bus, &task.scope, &source.org, &source.feed).await {
            Ok(records) => {
                past.extend(records.iter().filter(|record| is_signed(record)).filter_map(|r| own(task, &r.payload)));
                return Ok(Some(past));
            }
            Err(error) if !past.is_empty() => {
                tracing::warn!(feed = %source.feed, %error, "the log does not answer; the outbox alone is remembered");
                return Ok(Some(past));
            }
            Err(error) => tracing::debug!(feed = %source.feed, %error, "waiting for the log"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = sleep(REMEMBER_AGAIN) => {}
        }
    }
}

fn is_signed(record: &Record) -> bool {
    record.verdict == Verdict::Signed
}

fn own(task: &FeedTask, payload: &[u8]) -> Option<Event> {
    let event = Event::read(payload).inspect_err(|error| tracing::warn!(%error, "an event of the past is unreadable"));
    event.ok().filter(|event| event.source.org_feed() == task.outbox.source().org_feed())
}

#[cfg(test)]
mod tests {
    use entente_journal::{Identity, OutboxOptions};
    use entente_schemas::family::Family;
    use entente_schemas::speaker::{Relay, Role, Speaker};
    use futures::future::BoxFuture;

    use super::*;
    use crate::item::{FeedProfile, Normalize, Reading, Refusal, Vanishing};
    use crate::poll::Failure;
    use crate::reading::tests::item;

    struct Two(FeedProfile);

    impl Normalize for Two {
        fn profile(&self) -> &FeedProfile {
            &self.0
        }

        fn read(&self, _: &[u8], _: DateTime<Utc>) -> Result<Reading, Refusal> {
            Ok(Reading { items: vec![item(1, 0), item(2, 0)], ..Reading::default() })
        }
    }

    fn two() -> Two {
        Two(FeedProfile {
            slug: "acme-status".into(),
            system: "acme".into(),
            speaker: Speaker {
                org: "acme".into(),
                role: Role::Vendor,
                channel: Some("https://status.acme.example".into()),
                relay: Relay::Polled,
            },
            address: "https://status.acme.example".into(),
            vanishing: Vanishing::Nothing,
            covers: Vec::new(),
            mapping_version: 1,
        })
    }

    fn options(folder: &std::path::Path) -> OutboxOptions {
        OutboxOptions {
            dir: folder.join("outbox"),
            org: "local".to_owned(),
            feed: "acme-status".to_owned(),
            scope: Scope::actual(),
            identity: Identity::open(&folder.join("key")).unwrap(),
            capacity_bytes: OutboxOptions::CAPACITY,
        }
    }

    #[tokio::test]
    async fn what_the_outbox_refuses_is_told_in_its_place_and_holds_up_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(options(folder.path())).unwrap();
        let edge = Edge::new(two().0, outbox.source().clone(), "actual", "all", "x");
        let station = Station { edge: Mutex::new(edge), around: Mutex::default(), show: &|_| {} };
        let now = "2026-08-01T12:00:00Z".parse().unwrap();
        let mut families = Vec::new();
        for _ in 0..2 {
            let mut drafts = station.edge().answered(two().read(b"", now), now).drafts;
            // What an audience of all may not read.
            drafts.iter_mut().filter(|d| d.claim.header.object_id == "acme:1").for_each(|d| d.tlp = Tlp::Amber);
            take(&outbox, &station, drafts, now).await.unwrap();
            families.push(outbox.said().unwrap().iter().map(|said| said.family).collect::<Vec<_>>());
        }
        assert_eq!(families[0].len(), 3, "{families:?}");
        assert_eq!(families[0], families[1], "said once");
        let said = outbox.said().unwrap();
        let told = said.iter().map(|said| Event::read(&said.payload).unwrap());
        let told = told.filter(|event| event.claim.family() == Family::Rejected).collect::<Vec<_>>();
        let entente_schemas::family::Body::Rejected(rejected) = &told[0].claim.body else { panic!() };
        assert_eq!((told.len(), rejected.position.as_deref()), (1, Some("acme:1")));
        assert!(rejected.reason.contains("TLP amber"), "{}", rejected.reason);
    }

    #[tokio::test]
    async fn a_full_outbox_stays_full_for_who_has_nothing_to_say() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(OutboxOptions { capacity_bytes: 6_000, ..options(folder.path()) }).unwrap();
        let edge = Edge::new(two().0, outbox.source().clone(), "actual", "all", "x");
        let station = Station { edge: Mutex::new(edge), around: Mutex::default(), show: &|_| {} };
        assert_eq!(station.still_full(&outbox), None);
        let now = "2026-08-01T12:00:00Z".parse().unwrap();
        let drafts = |items| station.edge().answered(Ok(Reading { items, ..Reading::default() }), now).drafts;
        take(&outbox, &station, drafts(vec![item(1, 1)]), now).await.unwrap();
        let full = take(&outbox, &station, drafts((2..20).map(|id| item(id, 1)).collect()), now).await.unwrap_err();
        let waits = outbox.backlog().bytes;
        station.around().full = Some((full.clone(), waits));
        assert_eq!(station.still_full(&outbox), Some(full.clone()));
        // It was fuller before: there may be room by now.
        station.around().full = Some((full, waits + 1));
        assert_eq!(station.still_full(&outbox), None);
    }

    /// A feed that never comes back from what became of its answer.
    struct Lost(FeedProfile);

    impl Ask for Lost {
        fn profile(&self) -> &FeedProfile {
            &self.0
        }

        fn ask(&mut self, _: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
            Box::pin(std::future::pending())
        }

        fn settle(&mut self, _: Settled) -> BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_that_does_not_come_back_is_left_only_at_the_end() {
        let (stop, mut feed) = (CancellationToken::new(), Lost(two().0));
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, settle(&mut feed, Settled::Read, &stop)).await.is_err());
        stop.cancel();
        assert!(tokio::time::timeout(hour, settle(&mut feed, Settled::Read, &stop)).await.is_ok());
    }

    #[test]
    fn a_beat_tells_that_the_outbox_fails_and_not_where_it_lies() {
        let disk = OutboxError::Disk { path: "/home/somebody/outbox.redb".into(), reason: "no space".to_owned() };
        let told = untaken(&disk);
        assert!(told.code == "outbox" && told.text.contains("; ") && !told.text.contains("somebody"), "{told:?}");
        assert!(untaken(&OutboxError::Full { waiting: 9, capacity: 10 }).text.contains("9 bytes wait"));
    }
}
