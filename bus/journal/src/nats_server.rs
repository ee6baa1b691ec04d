//! The private nats-server.

use std::path::PathBuf;

use crate::fetch::FetchError;

/// How to run nats-server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The data folder.
    pub data: PathBuf,
    /// The program, where it is not to be looked for.
    pub binary: Option<PathBuf>,
    /// Where a fetched program is kept.
    pub cache: PathBuf,
    /// Whether it may be fetched.
    pub fetch: bool,
    /// Sync every write to disk.
    pub durable: bool,
    /// Public NKeys of the users of the account HUB.
    pub users: Vec<String>,
}

/// A running nats-server.
pub struct NatsServer;

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It could not be brought.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl NatsServer {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot.
    #[allow(clippy::unused_async)]
    pub async fn start(_options: ServerOptions, _say: &(dyn Fn(&str) + Sync)) -> Result<Self, ServerError> {
        Err(FetchError::Failed.into())
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        String::new()
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        None
    }

    /// Stops it.
    #[allow(clippy::unused_async)]
    pub async fn stop(self) {}
}
