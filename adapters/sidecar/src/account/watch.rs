//! What is known of a feed while it runs: each answer is looked at on its way from the adapter to the loop, so that health,
//! readiness and figures can be told without asking the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entente_journal::{Clock, Outbox};
use entente_schemas::beat::{Backlog, BeatError, Lag};
use entente_schemas::family::{Coverage, FeedState};
use futures::future::BoxFuture;

use crate::ask::{Ask, Open, Told};
use crate::feed::FeedHealth;
use crate::item::{FeedProfile, Reading};
use crate::poll::{Failure, Settled};

/// One feed, as it is watched. Clones are one.
#[derive(Clone)]
pub(super) struct Watch {
    slug: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    health: FeedHealth,
    answers: u64,
    failed: BTreeMap<String, u64>,
    clock_offset_ms: Option<i64>,
    outbox: Option<Outbox>,
    /// Why the feed does not run.
    down: Option<String>,
}

/// What is known of a feed at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Its slug.
    pub(super) slug: String,
    /// Whether it was asked, or something was tried.
    pub(super) asked: bool,
    /// Live or blind.
    pub(super) state: FeedState,
    /// Failures in a row.
    pub(super) failures: u64,
    /// The last failure, if the last answer was one.
    pub(super) error: Option<BeatError>,
    /// When it last answered as it should.
    pub(super) last_good: Option<DateTime<Utc>>,
    /// Good answers so far.
    pub(super) answers: u64,
    /// Failures so far, by code.
    pub(super) failed: BTreeMap<String, u64>,
    /// The provider's clock minus ours.
    pub(super) clock_offset_ms: Option<i64>,
    /// What waits for the log; none if its outbox is not open.
    pub(super) waiting: Option<Backlog>,
    /// How long events took to the log.
    pub(super) lag: Lag,
    /// Why the feed does not run.
    pub(super) down: Option<String>,
}

impl Watch {
    pub(super) fn new(slug: &str) -> Self {
        let inner = Inner {
            health: FeedHealth::new(slug, "", Coverage::default()),
            answers: 0,
            failed: BTreeMap::new(),
            clock_offset_ms: None,
            outbox: None,
            down: None,
        };
        Self { slug: slug.to_owned(), inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at everything that passes between what `open` makes and its loop.
    pub(super) fn over(&self, open: Open) -> Open {
        let watch = self.clone();
        Arc::new(move || {
            let ask = open()?;
            Ok(Box::new(Watched { ask, watch: watch.clone(), told: None }))
        })
    }

    /// Takes note of the outbox that the feed speaks into.
    pub(super) fn runs(&self, outbox: &Outbox) {
        let mut inner = self.lock();
        (inner.outbox, inner.down) = (Some(outbox.clone()), None);
    }

    /// Takes note of why the feed does not run.
    pub(super) fn is_down(&self, reason: &str) {
        self.lock().down = Some(reason.to_owned());
    }

    /// Gives the outbox free.
    pub(super) fn ended(&self) {
        self.lock().outbox = None;
    }

    /// What is known now.
    pub(super) fn seen(&self) -> Seen {
        let inner = self.lock();
        Seen {
            slug: self.slug.clone(),
            asked: inner.health.last_poll().is_some() || inner.down.is_some(),
            state: if inner.down.is_some() { FeedState::Blind } else { inner.health.state() },
            failures: inner.health.failures(),
            error: inner.health.error().cloned(),
            last_good: inner.health.last_good(),
            answers: inner.answers,
            failed: inner.failed.clone(),
            clock_offset_ms: inner.clock_offset_ms,
            waiting: inner.outbox.as_ref().map(Outbox::backlog),
            lag: inner.outbox.as_ref().map(Outbox::lag).unwrap_or_default(),
            down: inner.down.clone(),
        }
    }

    /// Takes note of how the feed does, as its loop has it.
    pub(super) fn shows(&self, health: &FeedHealth) {
        let mut inner = self.lock();
        let known = inner.health.last_poll().is_some() && inner.down.is_none();
        let before = known.then(|| inner.health.state());
        inner.health.clone_from(health);
        inner.down = None;
        drop(inner);
        if health.last_poll().is_some() && before != Some(health.state()) {
            self.tell(health);
        }
    }

    /// Says that the feed sees now, or sees no more. The texts are those that beats carry: no ids stand in them.
    fn tell(&self, health: &FeedHealth) {
        let feed = &self.slug;
        match (health.state(), health.error()) {
            (FeedState::Live, _) => tracing::info!(%feed, "the feed is live"),
            (state, None) => tracing::warn!(%feed, "the feed is {state}"),
            (state, Some(error)) => tracing::warn!(%feed, code = %error.code, "the feed is {state}: {}", error.text),
        }
    }

    fn count_failed(&self, code: &str) {
        *self.lock().failed.entry(code.to_owned()).or_default() += 1;
    }

    fn settled(&self, settled: Settled) {
        match settled {
            Settled::Read | Settled::Doubtful => self.lock().answers += 1,
            Settled::Refused => self.count_failed("unreadable"),
            Settled::NotTaken => self.count_failed("outbox"),
        }
    }
}

/// The code of what failed where an answer holds a part of what was asked for.
fn lack(told: &Told) -> Option<String> {
    let Told::Reading(Reading { lacks, .. }) = told else { return None };
    lacks.as_ref().map(|failure| failure.error.code.clone())
}

struct Watched {
    ask: Box<dyn Ask>,
    watch: Watch,
    /// An answer that is not settled yet, with the code of what failed of it.
    told: Option<Option<String>>,
}

impl Ask for Watched {
    fn profile(&self) -> &FeedProfile {
        self.ask.profile()
    }

    fn shown(&self) -> String {
        self.ask.shown()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let answer = self.ask.ask(clock).await;
            self.watch.lock().clock_offset_ms = self.ask.clock_offset_ms();
            match &answer {
                Ok(told) => self.told = Some(lack(told)),
                Err(failure) => self.watch.count_failed(&failure.error.code),
            }
            answer
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        if let Some(lack) = self.told.take() {
            self.watch.settled(settled);
            lack.iter().for_each(|code| self.watch.count_failed(code));
        }
        self.ask.settle(settled)
    }

    fn settles_in_log(&self) -> bool {
        self.ask.settles_in_log()
    }

    fn recorded(&self) -> bool {
        self.ask.recorded()
    }

    fn pause(&self) -> Option<Duration> {
        self.ask.pause()
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.ask.clock_offset_ms()
    }
}
