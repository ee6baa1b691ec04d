//! The feed `aws-health`: events of the account, or of the whole organisation, that were written since the last time, with
//! their texts and what they hit; now and then all that are open.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Events that are open.
    open: BTreeSet<String>,
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
        let mut listed = self.source.written_since(from).await?;
        if whole {
            listed.extend(self.source.open().await?);
        }
        let newest = newest(listed);
        let mut next = self.progress.after(&newest, from, whole, now);
        let due: Vec<HealthEvent> = newest.into_values().filter(|event| self.is_due(event, whole)).collect();
        let whole_events = self.source.filled(due).await?;
        next.note(&whole_events);
        self.progress.next = Some(Box::new(next));
        Ok(self.told(&whole_events, now))
    }

    /// Whether an event has to be looked at: it was written anew, or what it hits may have changed.
    fn is_due(&self, event: &HealthEvent, whole: bool) -> bool {
        let told = self.progress.told.get(&event.arn);
        told.is_none_or(|told| *told < event.updated) || (whole && event.status.as_deref() != Some("closed"))
    }

    fn told(&self, events: &[HealthEvent], observed: DateTime<Utc>) -> Reading {
        let mut lookup = Lookup::new(&self.mapping);
        let Manner { scheduled, notifications, .. } = self.manner;
        let telling = Telling { secret: &self.secret, scheduled, notifications, observed };
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
    /// What is known after this list, except what its events look like.
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
            if event.status.as_deref() == Some("open") && event.category.as_deref() == Some("issue") {
                next.open.insert(event.arn.clone());
            } else {
                next.open.remove(&event.arn);
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

    fn shown(&self) -> String {
        self.profile.address.clone()
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
        Some(self.manner.cadence.pause(!self.progress.open.is_empty()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.source.clock_offset_ms()
    }
}
