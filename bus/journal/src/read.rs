//! Reading.

use chrono::{DateTime, Utc};
use entente_schemas::record::Record;

use crate::bus::Bus;
use crate::topology::Scope;

/// What one asking brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The records, in the order of the log.
    pub records: Vec<Record>,
    /// The stream has been read completely up to this sequence.
    pub complete: u64,
}

/// Follows one stream of the log.
pub struct Reader;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No answer.
    #[error("the log does not answer; it is asked again")]
    Silent,
}

impl Reader {
    /// A reader that begins after a sequence.
    #[must_use]
    pub fn new(_bus: &Bus, _scope: &Scope, _after: u64) -> Self {
        Self
    }

    /// The next records, or none after a second without news.
    ///
    /// # Errors
    /// If the log does not answer.
    #[allow(clippy::unused_async)]
    pub async fn next(&mut self) -> Result<Batch, ReadError> {
        Err(ReadError::Silent)
    }
}

/// The last sequence that was logged at or before a time; 0 if none was.
///
/// # Errors
/// If the log does not answer.
#[allow(clippy::unused_async)]
pub async fn sequence_at(_bus: &Bus, _scope: &Scope, _time: DateTime<Utc>) -> Result<u64, ReadError> {
    Err(ReadError::Silent)
}

/// Every record under a feed's own subjects, in the order of the log.
///
/// # Errors
/// If the log does not answer.
#[allow(clippy::unused_async)]
pub async fn last_of_feed(_bus: &Bus, _scope: &Scope, _org: &str, _feed: &str) -> Result<Vec<Record>, ReadError> {
    Err(ReadError::Silent)
}
