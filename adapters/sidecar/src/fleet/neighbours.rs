//! What neighbours report of single devices, as sightings of the fleet.

use chrono::{DateTime, Utc};
use entente_ledger::LedgerError;

use super::error::FleetError;
use super::sighting::{Hint, Os, Place, Progress, Repair, Seen, Sighting};
use super::{Fleet, course};
use crate::account::{DeviceError, DeviceReport, DeviceSink, DeviceState};
use crate::item::Item;

/// Counts what neighbours report and says it in the intake's own feed: for a fleet of which no other feed tells.
impl DeviceSink for Fleet {
    fn count(&self, reports: &[DeviceReport], now: DateTime<Utc>) -> Vec<Result<(), DeviceError>> {
        let counted: Vec<_> = reports.iter().map(|report| self.take(report, now).map_err(told)).collect();
        match self.keep() {
            Ok(()) => counted,
            Err(error) => {
                let lost = DeviceError::NotKept(error.to_string());
                counted.into_iter().map(|counted| counted.and(Err(lost.clone()))).collect()
            }
        }
    }

    fn items(&self, now: DateTime<Utc>) -> Vec<Item> {
        Fleet::items(self, now).unwrap_or_else(|error| {
            tracing::error!(%error, "the sums of devices are not said");
            Vec::new()
        })
    }
}

/// Counts what neighbours report and leaves it to another feed to say it, one that tells of the fleet anyway.
#[derive(Clone)]
pub struct Counter(pub Fleet);

impl DeviceSink for Counter {
    fn count(&self, reports: &[DeviceReport], now: DateTime<Utc>) -> Vec<Result<(), DeviceError>> {
        self.0.count(reports, now)
    }

    fn items(&self, _: DateTime<Utc>) -> Vec<Item> {
        Vec::new()
    }
}

impl Fleet {
    fn take(&self, report: &DeviceReport, now: DateTime<Utc>) -> Result<(), FleetError> {
        let observed = report.at.map_or(now, |at| at.min(now));
        let approach = report.approach.as_deref();
        // Before anything is noted.
        approach.map_or(Ok(()), course::check)?;
        let seen = match (report.state, approach) {
            (DeviceState::Affected, _) => Seen::Affected(Hint::Unstated),
            (DeviceState::Restored, by) | (DeviceState::Well, by @ Some(_)) => Seen::Restored { by },
            (DeviceState::Well, None) => Seen::Well,
            (DeviceState::Unknown, _) => Seen::Unknown,
            (DeviceState::Gone, _) => Seen::Gone,
        };
        self.see(Sighting {
            device: &report.device,
            place: Place { region: report.region.as_deref().unwrap_or_default(), zone: report.zone.as_deref() },
            os: report.os.as_deref().map(Os::named).unwrap_or_default(),
            seen,
            since: None,
            launched: None,
            observed,
        })?;
        match (report.state, approach) {
            // It was tried, and that is all that is known.
            (DeviceState::Affected | DeviceState::Unknown, Some(approach)) => {
                self.repair(Repair { device: &report.device, approach, progress: Progress::Ended, observed })
            }
            _ => Ok(()),
        }
    }
}

/// What the sender can mend is refused; what this machine must is to be sent again.
fn told(error: FleetError) -> DeviceError {
    match error {
        FleetError::Diary { .. }
        | FleetError::Ledger(LedgerError::Disk { .. } | LedgerError::File { .. } | LedgerError::Shorten { .. }) => {
            DeviceError::NotKept(error.to_string())
        }
        other => DeviceError::Refused(other.to_string()),
    }
}
