//! Which feed says which objects of the fleet that all of them count in: each object belongs into one feed.

use chrono::{DateTime, Utc};
use entente_schemas::family::Body;
use entente_sidecar::fleet::Fleet;
use entente_sidecar::item::Item;
use entente_sidecar::poll::Failure;

/// A feed's share of what is said of the fleet.
#[derive(Clone)]
pub(crate) struct Share {
    fleet: Fleet,
    part: Part,
}

/// What a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Runs of repairs that are seen in one native system.
    Runs(&'static str),
    /// Everything but those runs, where another feed says them.
    AllBut(Option<&'static str>),
}

impl Share {
    pub(crate) fn new(fleet: Fleet, part: Part) -> Self {
        Self { fleet, part }
    }

    /// The fleet.
    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The objects as they stand.
    pub(crate) fn items(&self, now: DateTime<Utc>) -> Result<Vec<Item>, Failure> {
        let items = self.fleet.items(now).map_err(|error| Failure::new("fleet", error.to_string()))?;
        Ok(items.into_iter().filter(|item| self.part.holds(item)).collect())
    }
}

impl Part {
    fn holds(self, item: &Item) -> bool {
        let run_of = |system: &str| matches!(item.body, Body::Remediation(_)) && item.native.system == system;
        match self {
            Self::Runs(system) => run_of(system),
            Self::AllBut(system) => !system.is_some_and(run_of),
        }
    }
}
