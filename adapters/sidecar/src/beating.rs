//! The heartbeat of one feed: every 30 seconds, and at once when the feed's state changes. A beat that is lost is made up
//! for by the next.

use std::time::Duration;

use entente_journal::{Bus, Scope, beat};
use entente_schemas::beat::{BEAT_SECONDS, Beat};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const SENDING: Duration = Duration::from_secs(5);

/// Sends beats, each made by `pulse`, until `stop`; `changed` says that one should not wait.
pub(crate) async fn beating(
    bus: &Bus,
    scope: &Scope,
    (org, feed): (&str, &str),
    pulse: impl Fn() -> Beat,
    mut changed: watch::Receiver<u64>,
    stop: &CancellationToken,
) {
    let mut ticks = interval(Duration::from_secs(BEAT_SECONDS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
            told = changed.changed() => if told.is_err() { return },
        }
        match timeout(SENDING, beat(bus, scope, org, feed, &pulse())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(feed, %error, "a beat was lost"),
            Err(_) => tracing::debug!(feed, "a beat was lost: the bus did not answer in time"),
        }
    }
}
