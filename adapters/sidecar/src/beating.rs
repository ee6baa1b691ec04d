//! The heartbeat of one feed: every 30 seconds, and at once when the feed's state changes. A beat that is lost is made up
//! for by the next. Where so many were lost that others must have taken the adapter for gone, it is told so.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_journal::{Bus, Scope, beat, beats};
use entente_schemas::beat::{BEAT_SECONDS, Beat};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const SENDING: Duration = Duration::from_secs(5);

/// Whose heart it is.
pub(crate) struct Beating<'a> {
    pub(crate) bus: &'a Bus,
    pub(crate) scope: &'a Scope,
    pub(crate) org: &'a str,
    pub(crate) feed: &'a str,
    /// Whether an earlier run said anything of the feed.
    pub(crate) spoke: bool,
}

impl Beating<'_> {
    /// Sends beats, each made by `pulse`, until `stop`; `changed` says that one should not wait. Calls `missed` where
    /// whoever watches will have said that the adapter is gone.
    pub(crate) async fn go(
        &self,
        pulse: impl Fn() -> Beat,
        missed: impl Fn(),
        mut changed: watch::Receiver<u64>,
        stop: &CancellationToken,
    ) {
        let mut ticks = interval(Duration::from_secs(BEAT_SECONDS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                told = changed.changed() => if told.is_err() { return },
            }
            match timeout(SENDING, self.send(&mut last, &pulse())).await {
                Ok(Ok(true)) => missed(),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::debug!(feed = self.feed, %error, "a beat was lost"),
                Err(_) => tracing::debug!(feed = self.feed, "a beat was lost: the bus did not answer in time"),
            }
        }
    }

    /// Sends a beat and gives whether it comes so late that the feed counts as left. Before the first one the beat of the
    /// run before is read, since the bus keeps one only.
    async fn send(&self, last: &mut Option<DateTime<Utc>>, now: &Beat) -> Result<bool, String> {
        let before = match *last {
            Some(before) => before,
            None => self.earlier(now.beat_at).await?,
        };
        *last = Some(before);
        beat(self.bus, self.scope, self.org, self.feed, now).await.map_err(|error| error.to_string())?;
        *last = Some(now.beat_at);
        Ok(is_gap(before, now.beat_at))
    }

    /// When an earlier run last beat. The bus forgets beats after an hour; a feed that never spoke has missed nothing.
    async fn earlier(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
        let all = beats(self.bus, self.scope).await.map_err(|error| error.to_string())?;
        let own = all.into_iter().find(|(org, feed, _)| org == self.org && feed == self.feed);
        let unknown = if self.spoke { DateTime::UNIX_EPOCH } else { now };
        Ok(own.map_or(unknown, |(_, _, beat)| beat.beat_at))
    }
}

/// Whether two beats that follow each other lie more than two and a half apart: with one lost they lie two apart, and who
/// watches gives up after three.
fn is_gap(before: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let patience = i64::try_from(BEAT_SECONDS * 5 / 2).map_or(TimeDelta::MAX, TimeDelta::seconds);
    (now - before).abs() > patience
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_beat_is_no_gap_and_two_are() {
        let now = DateTime::from_timestamp(1_721_361_600, 0).unwrap();
        let beats = |count: i64| now + TimeDelta::seconds(30 * count);
        assert!(!is_gap(now, beats(1)) && !is_gap(now, beats(2)));
        assert!(is_gap(now, beats(3)) && is_gap(DateTime::UNIX_EPOCH, now));
        assert!(is_gap(beats(200), now), "a clock that was set back tells nothing");
    }
}
