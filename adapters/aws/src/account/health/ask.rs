//! The feed `aws-health`: events of the account, or of the whole organisation, that were written since the last time, with
//! their texts and what they hit; now and then all that are open.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::account::{Cadence, Secret, Trouble};
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::reading::gather;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;

use super::event::{HealthEvent, Telling, item};
use super::source::Source;
use crate::account::call::Denied;

/// What is asked for again, since events are not always written in the order of their times.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// How often all that is open is asked for, and with it what it hits by now.
const WHOLE: TimeDelta = TimeDelta::minutes(15);
/// Events whose texts and resources are asked for in one go: a first look finds hundreds, and what is known of some of them
/// is told while the others wait.
const AT_ONCE: usize = 50;
/// For how long a plan without the API is left in peace.
const PLAN_AGAIN: Duration = Duration::from_secs(6 * 3_600);

/// How the feed is read.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// How often it is asked.
    pub(crate) cadence: Cadence,
    /// How far back the first answer reaches.
    pub(crate) lookback: TimeDelta,
    /// Whether planned work is told.
    pub(crate) scheduled: bool,
    /// Whether notifications of an account are told.
    pub(crate) notifications: bool,
}

/// The feed.
pub(crate) struct HealthAsk {
    pub(crate) profile: FeedProfile,
    pub(crate) mapping: Mapping,
    pub(crate) source: Source,
    pub(crate) secret: Secret,
    pub(crate) manner: Manner,
    pub(crate) progress: Progress,
}

/// What was told already, as far as it is safe on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Up to when events were asked for.
    cursor: Option<DateTime<Utc>>,
    /// When all that is open was last asked for.
    whole: Option<DateTime<Utc>>,
    /// Which version of each event was told; the older ones are forgotten with the look back.
    told: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Events that are not closed, and whether each is an issue that goes on.
    open: BTreeMap<String, bool>,
    /// Events that are still to be asked for in full.
    behind: BTreeMap<String, HealthEvent>,
    /// All this, with what is being told.
    next: Option<Box<Progress>>,
}

impl HealthAsk {
    async fn read(&mut self, now: DateTime<Utc>) -> Result<Reading, Denied> {
        let whole = self.progress.whole.is_none_or(|whole| now - whole >= WHOLE);
        let from = match self.progress.cursor {
            Some(cursor) if !self.progress.told.is_empty() || !whole => cursor - OVERLAP,
            _ => now - self.manner.lookback,
        };
        let mut newest = self.listed(from, whole).await?;
        let telling = self.telling(now);
        newest.retain(|_, event| telling.wants(event, &self.mapping));
        let mut next = self.progress.after(&newest, from, whole, now);
        let mut due: Vec<HealthEvent> = newest.into_values().filter(|event| self.is_due(event, whole)).collect();
        // What goes on comes first, then what is newest.
        due.sort_by_key(|event| std::cmp::Reverse((goes_on(event), event.updated)));
        let later = due.split_off(due.len().min(AT_ONCE));
        next.behind = later.into_iter().map(|event| (event.arn.clone(), event)).collect();
        let filled = self.source.filled(due).await?;
        next.note(&filled);
        self.progress.next = Some(Box::new(next));
        Ok(self.told(&filled, now))
    }

    /// The events that are to be looked at: written since then, left from before, and now and then all that are open.
    async fn listed(&mut self, from: DateTime<Utc>, whole: bool) -> Result<BTreeMap<String, HealthEvent>, Denied> {
        let mut listed: Vec<HealthEvent> = self.progress.behind.values().cloned().collect();
        listed.extend(self.source.written_since(from).await?);
        if !whole {
            return Ok(newest(listed));
        }
        listed.extend(self.source.open().await?);
        let mut found = newest(listed);
        // An end that comes by the clock is no new version: whoever is no longer among the open is asked for by name.
        let missing: Vec<String> = self.progress.open.keys().filter(|arn| !found.contains_key(*arn)).cloned().collect();
        found.extend(newest(self.source.named(&missing).await?));
        Ok(found)
    }

    /// Whether an event has to be looked at: it was written anew, it has ended, or what it hits may have changed.
    fn is_due(&self, event: &HealthEvent, whole: bool) -> bool {
        let Progress { told, open, behind, .. } = &self.progress;
        let anew = told.get(&event.arn).is_none_or(|told| *told < event.updated);
        let again = if is_closed(event) { open.contains_key(&event.arn) } else { whole };
        anew || again || behind.contains_key(&event.arn)
    }

    fn telling(&self, observed: DateTime<Utc>) -> Telling<'_> {
        let Manner { scheduled, notifications, .. } = self.manner;
        Telling { secret: &self.secret, scheduled, notifications, observed }
    }

    fn told(&self, events: &[HealthEvent], observed: DateTime<Utc>) -> Reading {
        let (mut lookup, telling) = (Lookup::new(&self.mapping), self.telling(observed));
        let items: Vec<_> = events.iter().filter_map(|event| item(event, &telling, &mut lookup).transpose()).collect();
        Reading { increment: true, unmapped: lookup.into_unmapped(), ..gather(items) }
    }

    fn failure(&self, denied: Denied) -> Failure {
        match denied.trouble {
            Trouble::NotInPlan => {
                let text =
                    format!("{}; the queue of EventBridge (feed aws-events) needs no plan", denied.failure.error.text);
                Failure { retry_after: Some(PLAN_AGAIN), ..Failure::new(denied.failure.error.code, text) }
            }
            _ => denied.into(),
        }
    }
}

impl Progress {
    /// What is known after this list, except what its events look like and which of them wait.
    fn after(
        &self,
        newest: &BTreeMap<String, HealthEvent>,
        from: DateTime<Utc>,
        whole: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let mut next = Self { next: None, ..self.clone() };
        next.cursor = Some(now);
        if whole {
            next.whole = Some(now);
            next.open.clear();
        }
        for event in newest.values() {
            if is_closed(event) {
                next.open.remove(&event.arn);
            } else {
                next.open.insert(event.arn.clone(), goes_on(event));
            }
        }
        // What is neither listed nor could be listed again needs no memory.
        next.told.retain(|arn, updated| {
            newest.contains_key(arn) || updated.is_some_and(|updated| updated >= from) || !whole
        });
        next
    }

    fn note(&mut self, events: &[HealthEvent]) {
        self.told.extend(events.iter().map(|event| (event.arn.clone(), event.updated)));
    }
}

fn is_closed(event: &HealthEvent) -> bool {
    event.status.as_deref() == Some("closed")
}

/// Whether an event is an issue that goes on.
fn goes_on(event: &HealthEvent) -> bool {
    (event.status.as_deref(), event.category.as_deref()) == (Some("open"), Some("issue"))
}

/// One event of each name: the newest.
fn newest(listed: Vec<HealthEvent>) -> BTreeMap<String, HealthEvent> {
    let mut newest: BTreeMap<String, HealthEvent> = BTreeMap::new();
    for event in listed {
        let kept = newest.get(&event.arn).is_some_and(|kept| kept.updated >= event.updated);
        if !kept {
            newest.insert(event.arn.clone(), event);
        }
    }
    newest
}

impl Ask for HealthAsk {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let read = self.read(clock.now()).await;
            read.map(Told::Reading).map_err(|denied| self.failure(denied))
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        let next = self.progress.next.take();
        if let (Settled::Read, Some(next)) = (settled, next) {
            self.progress = *next;
        }
        Box::pin(std::future::ready(()))
    }

    fn pause(&self) -> Option<Duration> {
        let Progress { open, behind, .. } = &self.progress;
        Some(self.manner.cadence.pause(!behind.is_empty() || open.values().any(|goes_on| *goes_on)))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.source.clock_offset_ms()
    }
}
