//! Streams as data.

use entente_schemas::subject;

/// What one stream is for: a universe and an audience.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// `actual`, `exercise`, `test` or `exercise-<slug>`.
    pub universe: String,
    /// `all`, or the opaque id of a sharing group.
    pub audience: String,
}

impl Scope {
    /// The real world, everybody.
    #[must_use]
    pub fn actual() -> Self {
        Self { universe: "actual".to_owned(), audience: "all".to_owned() }
    }

    /// The name of the log's stream.
    #[must_use]
    pub fn log_stream(&self) -> String {
        subject::log_stream(&self.universe, &self.audience)
    }

    /// The name of the heartbeats' stream.
    #[must_use]
    pub fn beat_stream(&self) -> String {
        subject::beat_stream(&self.universe, &self.audience)
    }
}

/// Why the streams are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// NATS did not do it.
    #[error("{0}")]
    Api(String),
}

impl crate::Bus {
    /// Creates or widens the streams of a scope; refuses to shrink them.
    ///
    /// # Errors
    /// If NATS does not do it.
    pub async fn apply(&self, _scope: &Scope) -> Result<(), TopologyError> {
        Err(TopologyError::Api("not yet".to_owned()))
    }
}
