//! An outbox of this machine together with its pump, which carries what is in it into the log.

use std::time::Duration;

use entente_journal::{Bus, Outbox, OutboxError, OutboxOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::log::Log;
use crate::settings::Settings;

/// Bytes that may wait in an outbox: 1 GiB.
const OUTBOX_BYTES: u64 = 1 << 30;
/// How long outboxes may take to reach the log at the end; what is left waits on disk for the next start.
const DRAIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An outbox that is being carried.
pub struct Carrier {
    /// The outbox.
    pub outbox: Outbox,
    pump: JoinHandle<()>,
    stop: CancellationToken,
}

impl Carrier {
    /// Opens the outbox of a feed and starts to carry it.
    ///
    /// # Errors
    /// If it is in use, damaged, or belongs to somebody else.
    pub async fn start(folder: &Folder, settings: &Settings, log: &Log, feed: &str) -> Result<Self, Failure> {
        let options = options(folder, settings, log, feed);
        Self::carry(options, &log.bus).await.map_err(|error| not_opened(&error))
    }

    /// Opens an outbox and starts to carry it.
    ///
    /// # Errors
    /// If it is in use, damaged, or belongs to somebody else.
    pub async fn carry(options: OutboxOptions, bus: &Bus) -> Result<Self, OutboxError> {
        let opened = tokio::task::spawn_blocking(move || Outbox::open(options)).await;
        let outbox = opened.map_err(|_| OutboxError::Closed)??;
        let stop = CancellationToken::new();
        let pump = tokio::spawn(entente_journal::pump(outbox.clone(), bus.clone(), stop.clone()));
        Ok(Self { outbox, pump, stop })
    }

    /// Stops carrying.
    pub async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.pump.await {
            tracing::error!(%error, "a pump");
        }
    }
}

/// The outbox of a feed for everybody.
pub fn options(folder: &Folder, settings: &Settings, log: &Log, feed: &str) -> OutboxOptions {
    OutboxOptions {
        dir: folder.outboxes(),
        org: settings.org.clone(),
        feed: feed.to_owned(),
        scope: log.scope.clone(),
        identity: log.identity.clone(),
        capacity_bytes: OUTBOX_BYTES,
    }
}

fn not_opened(error: &OutboxError) -> Failure {
    let held = matches!(error, OutboxError::Held(_));
    Failure::of(if held { Exit::Unreachable } else { Exit::Failed }, error)
}

/// Waits until these outboxes are empty, but no longer than a few seconds. Gives what is left.
pub async fn drain(carriers: &[Carrier]) -> u64 {
    let left = || carriers.iter().map(|carrier| carrier.outbox.backlog().events).sum::<u64>();
    let emptied = async {
        while left() > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(DRAIN, emptied).await.is_ok() { 0 } else { left() }
}
