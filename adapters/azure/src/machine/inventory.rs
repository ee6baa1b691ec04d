//! What the list of machines' states may leave out: which system each runs, and in which zone. By fingerprints of ids, a few
//! bytes a machine, asked for only while something is missing.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use entente_sidecar::fleet::Os;
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use tokio::time::Instant;

use crate::arm::Graph;
use crate::resource::resource;

/// How long an inventory is good for.
const GOOD_FOR: Duration = Duration::from_secs(600);

const MACHINES: &str = "resources \
    | where type =~ 'microsoft.compute/virtualmachines' \
    | order by id asc \
    | project id, os = tostring(properties.storageProfile.osDisk.osType), zones";

#[derive(Deserialize)]
struct Row {
    id: String,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    zones: Option<Vec<String>>,
}

/// What is known of one machine.
#[derive(Clone, Copy, Default)]
pub(super) struct Kind {
    pub(super) os: Os,
    zone: u8,
}

impl Kind {
    /// Its zone's number.
    pub(super) fn zone(self) -> Option<String> {
        (self.zone > 0).then(|| self.zone.to_string())
    }
}

/// The inventory.
#[derive(Default)]
pub(super) struct Inventory {
    hasher: RandomState,
    kinds: HashMap<u64, Kind>,
    asked: Option<Instant>,
    wanted: bool,
}

impl Inventory {
    /// What is known of a machine; what is not known is asked for next time.
    pub(super) fn of(&mut self, machine: &str) -> Kind {
        let known = self.kinds.get(&self.hasher.hash_one(machine)).copied();
        self.wanted |= known.is_none();
        known.unwrap_or_default()
    }

    /// Asks, if something is missing and it was not asked for lately.
    pub(super) async fn refresh(&mut self, graph: &Graph) -> Result<(), Failure> {
        let due = self.asked.is_none_or(|at| at.elapsed() >= GOOD_FOR);
        if !self.wanted || !due {
            return Ok(());
        }
        let mut kinds = HashMap::new();
        let hasher = &self.hasher;
        graph
            .rows(MACHINES, |row: Result<Row, String>| {
                if let Ok(row) = row {
                    let zone = row.zones.iter().flatten().next().and_then(|zone| zone.parse().ok()).unwrap_or(0);
                    let os = row.os.as_deref().map(Os::named).unwrap_or_default();
                    kinds.insert(hasher.hash_one(resource(&row.id)), Kind { os, zone });
                }
            })
            .await?;
        (self.kinds, self.asked, self.wanted) = (kinds, Some(Instant::now()), false);
        Ok(())
    }

    /// Whether it was never asked for, and is wanted from the start.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }
}
