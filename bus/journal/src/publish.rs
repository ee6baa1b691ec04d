//! The pump.

use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::outbox::Outbox;

/// Carries events from the outbox into the log, in order, until stopped.
pub async fn pump(_outbox: Outbox, _bus: Bus, stop: CancellationToken) {
    stop.cancelled().await;
}
