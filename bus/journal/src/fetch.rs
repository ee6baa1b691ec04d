//! Fetching nats-server.

/// Why nats-server could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not yet.
    #[error("nats-server could not be fetched")]
    Failed,
}
