//! Reports of devices on their way into the ledger: what is repeated is counted once, also across restarts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::devices::{DeviceError, DeviceReport, DeviceSink};
use super::inbox::{Receipt, Sender};
use super::seen::Seen;

type Counted = (usize, String, Result<Receipt, DeviceError>);

/// Counts reports, each with its index and its sender. What is told as taken is on disk. Blocks.
pub(super) fn count(
    devices: &dyn DeviceSink,
    seen: &Seen,
    reports: Vec<(usize, Sender, DeviceReport)>,
    now: DateTime<Utc>,
) -> Vec<Counted> {
    let (mut counted, mut fresh, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (index, sender, report) in reports {
        match seen.knows(sender.name()) {
            Ok(known) if known || !names.insert(sender.name()) => {
                counted.push((index, sender.id, Ok(Receipt::Repeated)))
            }
            Ok(_) => fresh.push((index, sender, report)),
            Err(error) => counted.push((index, sender.id, Err(DeviceError::NotKept(error.to_string())))),
        }
    }
    let reports: Vec<DeviceReport> = fresh.iter().map(|(_, _, report)| report.clone()).collect();
    let mut outcomes = devices.count(&reports, now).into_iter();
    let mut taken = Vec::new();
    for (index, sender, _) in fresh {
        let missing = || Err(DeviceError::NotKept("the ledger gave no answer".to_owned()));
        let outcome = outcomes.next().unwrap_or_else(missing);
        if outcome.is_ok() {
            taken.push(sender.name());
        }
        counted.push((index, sender.id, outcome.map(|()| Receipt::Taken)));
    }
    // A report whose id is forgotten is counted again if it is repeated, and then says what the ledger knows already.
    if let Err(error) = seen.note(&taken, &[]) {
        tracing::error!(%error, "the ids of reports of devices cannot be remembered");
    }
    counted
}
