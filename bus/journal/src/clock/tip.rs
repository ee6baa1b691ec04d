//! How far a log has come, and how its clock and this machine's agree.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::bus::Bus;
use crate::topology::{Scope, TopologyError};

/// The end of a log as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The last sequence that was given; 0 in a log that never held anything.
    pub sequence: u64,
    /// The stamp of the last record.
    pub logged: Option<DateTime<Utc>>,
    /// What the clock of the log's server showed when it was asked.
    pub server: DateTime<Utc>,
    /// What this machine's clock showed then.
    pub machine: DateTime<Utc>,
}

impl Tip {
    /// The log's clock minus this machine's. The log's is that of its server, and never before its last stamp.
    #[must_use]
    pub fn offset(&self) -> TimeDelta {
        self.logged.map_or(self.server, |logged| logged.max(self.server)) - self.machine
    }
}

#[derive(Deserialize)]
struct Info {
    state: Reached,
    ts: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Reached {
    last_seq: u64,
    last_ts: DateTime<Utc>,
}

/// Asks a log for its end. No message is read, so that one which no client can take in is in nobody's way.
///
/// # Errors
/// If NATS does not answer within 2 s, or refuses.
pub async fn tip(bus: &Bus, scope: &Scope) -> Result<Tip, TopologyError> {
    let stream = scope.log_stream();
    let step = format!("asking how far {stream} has come");
    let failed = |reason: String| TopologyError::Api { step: step.clone(), reason };
    let before = Utc::now();
    let answer = bus.api(&format!("STREAM.INFO.{stream}"), &json!({}), &step).await?;
    let machine = before + (Utc::now() - before) / 2;
    let answer = answer.map_err(|error| failed(error.description))?;
    let info: Info = serde_json::from_value(answer).map_err(|error| failed(error.to_string()))?;
    // A stream that never held anything has a stamp of the year 1.
    let logged = Some(info.state.last_ts).filter(|stamp| stamp.timestamp() > 0);
    Ok(Tip { sequence: info.state.last_seq, logged, server: info.ts.unwrap_or(machine), machine })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_s_clock_is_its_server_s_and_never_before_its_last_stamp() {
        let machine: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let later = |seconds| machine + TimeDelta::seconds(seconds);
        let of = |logged, server| Tip { sequence: 9, logged, server, machine }.offset().num_seconds();
        assert_eq!((of(None, later(3)), of(Some(later(-60)), later(-8))), (3, -8));
        assert_eq!(of(Some(later(7)), machine), 7, "the clock was set back since");
    }
}
