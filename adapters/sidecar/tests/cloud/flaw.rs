//! The ways in which the adapter breaks the contract, each where it is to: so that the contract is seen to find it out.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_sidecar::account::{Cadence, DeviceError, DeviceReport, DeviceSink, Feed, Site};
use entente_sidecar::item::Item;
use serde::Deserialize;

use super::adapter::{Machines, SLUG};

/// How the adapter breaks the contract, where it is to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It does not.
    #[default]
    None,
    /// It says the same again and again.
    Chatter,
    /// It says the same again after each start.
    Forgetful,
    /// It tells no next step.
    Curt,
    /// It never asks again what failed once.
    Sulky,
    /// It does not heed the time that is named.
    Impatient,
    /// It takes silence for health.
    Hopeful,
    /// It says that nobody is affected where it sees nothing.
    Blithe,
    /// It deletes what it has read at once.
    Hasty,
    /// Its checks check nothing.
    Credulous,
    /// It tells names.
    Garrulous,
    /// It stops machines.
    Meddling,
    /// It reads a feed that has no table, and so no sharing group.
    Secretive,
    /// It does not read a feed that has one.
    Absent,
    /// It passes over in silence what it cannot read.
    Dropping,
    /// It reads nothing where it cannot read one part.
    Brittle,
    /// It loses the memory of what its neighbours sent.
    Amnesiac,
    /// It loses what waits for the log.
    Losing,
    /// It counts no device that is reported.
    Innumerate,
    /// It takes the provider's name for itself.
    Posing,
}

impl Flaw {
    /// A feed that nobody wrote a table for.
    pub fn untold_feed(self) -> Option<Feed<Machines>> {
        let second = std::time::Duration::from_secs(1);
        let cadence = Cadence { quiet: second, incident: second };
        let feed = Feed { slug: SLUG.to_owned(), cadence, own: Machines { guest_signal: true } };
        (self == Self::Secretive).then_some(feed)
    }

    /// Removes of the sidecar's own files what the flaw removes.
    pub fn lose(self, site: &Site) {
        let data = &site.settings.data;
        match self {
            Self::Amnesiac => remove_within(&data.join("intake")),
            Self::Losing => remove_within(&data.join("outboxes")),
            _ => {}
        }
    }

    /// What counts the devices that neighbours report, if that is not the sidecar itself.
    pub fn devices(self) -> Option<Arc<dyn DeviceSink>> {
        (self == Self::Innumerate).then(|| Arc::new(Nobody) as Arc<dyn DeviceSink>)
    }
}

fn remove_within(folder: &Path) {
    for file in std::fs::read_dir(folder).into_iter().flatten() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// Takes every report and counts none.
struct Nobody;

impl DeviceSink for Nobody {
    fn count(&self, reports: &[DeviceReport], _: DateTime<Utc>) -> Vec<Result<(), DeviceError>> {
        reports.iter().map(|_| Ok(())).collect()
    }

    fn items(&self, _: DateTime<Utc>) -> Vec<Item> {
        Vec::new()
    }
}
