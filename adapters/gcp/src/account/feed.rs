//! What all feeds of an account share in being asked: beside the answer Google's clock is looked at, and while something goes
//! on they are asked more often. Each brings only how it reads.

use std::time::Duration;

use entente_schemas::block::ServiceClass;
use entente_schemas::speaker::Speaker;
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Vanishing};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;

use super::google::Google;

/// How one feed reads.
pub(crate) trait Read: Send {
    /// What does not change about it.
    fn profile(&self) -> &FeedProfile;

    /// Reads all that is to be read now.
    fn read(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>>;

    /// Whether something goes on.
    fn is_hit(&self) -> bool;
}

/// A feed.
pub(crate) struct Feed<R> {
    reader: R,
    google: Google,
    cadence: Cadence,
}

impl<R: Read> Feed<R> {
    /// The feed of a reader that calls Google.
    pub(crate) fn new(reader: R, google: Google, cadence: Cadence) -> Self {
        Self { reader, google, cadence }
    }
}

impl<R: Read> Ask for Feed<R> {
    fn profile(&self) -> &FeedProfile {
        self.reader.profile()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let (told, ()) = tokio::join!(self.reader.read(clock), self.google.look_at_clock());
            told
        })
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.cadence.pause(self.reader.is_hit()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.google.skew().offset_ms()
    }
}

/// The profile of a feed that tells of the organisation's own machines.
pub(crate) fn own_profile(slug: &str, system: &str, address: &str, speaker: &Speaker, version: u32) -> FeedProfile {
    FeedProfile {
        slug: slug.to_owned(),
        system: system.to_owned(),
        speaker: Speaker { channel: None, ..speaker.clone() },
        address: address.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: vec![ServiceClass::Compute],
        mapping_version: version,
    }
}
