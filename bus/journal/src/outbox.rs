//! The outbox.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::beat::{Backlog, Lag};
use entente_schemas::event::{Draft, Source};
use entente_schemas::family::Family;

use crate::identity::Identity;
use crate::topology::Scope;

/// What an outbox is for and where it lies.
#[derive(Clone, Debug)]
pub struct OutboxOptions {
    /// The folder of all outboxes.
    pub dir: PathBuf,
    /// The transmitting organisation.
    pub org: String,
    /// The feed, `desk` for people.
    pub feed: String,
    /// Universe and audience.
    pub scope: Scope,
    /// Who signs.
    pub identity: Identity,
    /// Bytes that may wait; 1 GiB by default.
    pub capacity_bytes: u64,
}

/// The outbox of one feed in one scope.
#[derive(Clone)]
pub struct Outbox {
    source: Arc<Source>,
}

/// Where an event stands after it was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The event id.
    pub id: String,
    /// Its sequence within the source.
    pub sequence: u64,
    /// Whether an event of that id was already taken.
    pub repeated: bool,
}

/// The last revision of an object that an outbox took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The family.
    pub family: Family,
    /// The object.
    pub object_id: String,
    /// Its revision.
    pub rev: u64,
    /// The event.
    pub event_id: String,
    /// `native.digest`, where the claim has one.
    pub digest: Option<String>,
    /// The provider's stamp of that version.
    pub published_at: Option<DateTime<Utc>>,
    /// The event's bytes.
    pub payload: Arc<[u8]>,
}

/// Why the outbox did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Closed.
    #[error("the outbox is closed")]
    Closed,
}

impl Outbox {
    /// Opens.
    ///
    /// # Errors
    /// If it cannot.
    pub fn open(_options: OutboxOptions) -> Result<Self, OutboxError> {
        Err(OutboxError::Closed)
    }

    /// Who transmits.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Takes events.
    ///
    /// # Errors
    /// If it cannot.
    #[allow(clippy::unused_async)]
    pub async fn offer(&self, _drafts: Vec<Draft>) -> Result<Vec<Placed>, OutboxError> {
        Err(OutboxError::Closed)
    }

    /// What waits.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        Backlog::default()
    }

    /// The last revision of each object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn said(&self) -> Result<Vec<Said>, OutboxError> {
        Err(OutboxError::Closed)
    }

    /// Waits for the log.
    #[allow(clippy::unused_async)]
    pub async fn acknowledged(&self, _sequence: u64) -> Option<u64> {
        None
    }

    /// From the outbox to the log.
    #[must_use]
    pub fn lag(&self) -> Lag {
        Lag::default()
    }
}
