//! What neighbours report of single devices, on its way into the sums: the id ends here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::item::Item;

/// What is said of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// It does not work.
    Affected,
    /// It works again, by the approach that is named.
    Restored,
    /// Nothing can be said of it.
    Unknown,
    /// It works.
    Well,
    /// It is no more.
    Gone,
}

/// One report: the data of an event `io.entente.device.v1`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// The device, by any name that is always the same. It is hashed and forgotten.
    pub device: String,
    /// How it fares.
    pub state: DeviceState,
    /// What repaired it, or was tried: the slug of an approach.
    #[serde(default)]
    pub approach: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub region: Option<String>,
    /// Where within.
    #[serde(default)]
    pub zone: Option<String>,
    /// Its operating system.
    #[serde(default)]
    pub os: Option<String>,
    /// When it was so, if the event says.
    #[serde(skip)]
    pub at: Option<DateTime<Utc>>,
}

/// The id must not stand in a log line either.
impl std::fmt::Debug for DeviceReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceReport").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Why reports were not counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// A report that cannot be meant; the others of its batch were counted.
    #[error("{0}")]
    Refused(String),
    /// The ledger cannot write; the report is to be sent again.
    #[error("the count of devices cannot be kept: {0}; free space or mend the disk, then send it again")]
    NotKept(String),
}

/// Where devices are counted.
pub trait DeviceSink: Send + Sync {
    /// Counts reports, in order, each with its own outcome. What was counted is on disk when this returns. Blocks.
    fn count(&self, reports: &[DeviceReport], now: DateTime<Utc>) -> Vec<Result<(), DeviceError>>;

    /// What is to be said of the sums now: every object that the fleet has, as it stands. Blocks.
    fn items(&self, now: DateTime<Utc>) -> Vec<Item>;

    /// How long after a change the sums may be said again.
    fn at_most_every(&self) -> Duration {
        Duration::from_secs(10)
    }
}
