//! What all feeds that ask Azure have in common: who speaks, how often it is asked, and by whose clock.

use std::time::Duration;

use entente_sidecar::account::{Cadence, Skew};
use entente_sidecar::ask::{Ask, Clock, Told};
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;

/// What a feed asks.
pub(crate) trait Question: Send {
    /// Asks once.
    ///
    /// # Errors
    /// If nobody of those that were asked answered.
    fn put(&mut self, clock: Clock) -> impl Future<Output = Result<Reading, Failure>> + Send;

    /// Whether something is going on, so that it is asked more often.
    fn is_busy(&self) -> bool;
}

/// How a feed speaks and how often it asks.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) profile: FeedProfile,
    pub(crate) cadence: Cadence,
    /// ARM's clock beside ours.
    pub(crate) skew: Skew,
}

/// A feed.
pub(crate) struct Asking<Q> {
    manner: Manner,
    question: Q,
}

impl<Q: Question> Asking<Q> {
    pub(crate) fn new(manner: Manner, question: Q) -> Self {
        Self { manner, question }
    }
}

impl<Q: Question> Ask for Asking<Q> {
    fn profile(&self) -> &FeedProfile {
        &self.manner.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move { self.question.put(clock).await.map(Told::Reading) })
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.manner.cadence.pause(self.question.is_busy()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.manner.skew.offset_ms()
    }
}
