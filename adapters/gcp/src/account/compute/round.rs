//! One look at all projects: which zones were listed, and which places could not be. A place that cannot be reached is
//! unknown, never empty.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_sidecar::fleet::{Fleet, FleetError};

use crate::account::psh::last_part;
use crate::normalize::region_of_zone;

/// Where machines may be, as one look showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Zones that are there, by region.
    reached: BTreeMap<String, BTreeSet<String>>,
    /// Those of them that could not be asked.
    dark: BTreeMap<String, BTreeSet<String>>,
    /// Regions that could not be asked as a whole.
    missed: BTreeSet<String>,
}

impl Round {
    /// A zone was listed.
    pub(super) fn reach(&mut self, zone: &str) {
        note(&mut self.reached, zone);
    }

    /// A zone could not be reached.
    pub(super) fn lose(&mut self, zone: &str) {
        note(&mut self.reached, zone);
        note(&mut self.dark, zone);
    }

    /// A scope could not be reached: `zones/us-central1-a` or `regions/us-central1`, as a part of an address or alone.
    pub(super) fn lose_scope(&mut self, scope: &str) {
        let place = last_part(scope);
        if scope.trim_end_matches('/').rsplit('/').nth(1) == Some("regions") {
            self.missed.insert(place);
        } else {
            self.lose(&place);
        }
    }

    /// Joins what another project's list showed.
    pub(super) fn join(&mut self, other: &Self) {
        for (into, from) in [(&mut self.reached, &other.reached), (&mut self.dark, &other.dark)] {
            for (region, zones) in from {
                into.entry(region.clone()).or_default().extend(zones.iter().cloned());
            }
        }
        self.missed.extend(other.missed.iter().cloned());
    }

    /// The zones and regions that could not be reached.
    pub(super) fn dark(&self) -> impl Iterator<Item = &str> {
        self.missed.iter().chain(self.dark.values().flatten()).map(String::as_str)
    }

    /// Whether nobody could look into a zone.
    pub(super) fn is_dark(&self, zone: &str) -> bool {
        let region = region_of_zone(zone).unwrap_or(zone);
        self.missed.contains(region) || self.dark.get(region).is_some_and(|zones| zones.contains(zone))
    }

    /// Every region that was listed begins a sweep.
    pub(super) fn begin(&self, fleet: &Fleet) {
        self.reached.keys().for_each(|region| fleet.sweep(region));
    }

    /// Tells the fleet what was seen and what was not. Only if every project answered were regions seen `whole`, and who was
    /// not listed there is gone.
    ///
    /// # Errors
    /// If the fleet's disk takes no more.
    pub(super) fn end(&self, fleet: &Fleet, whole: bool, now: DateTime<Utc>) -> Result<(), FleetError> {
        for (region, zones) in &self.reached {
            let dark: Vec<&str> = self.dark.get(region).into_iter().flatten().map(String::as_str).collect();
            if self.missed.contains(region) || zones.iter().all(|zone| dark.contains(&zone.as_str())) {
                fleet.unseen(region, now);
            } else if whole {
                fleet.swept(region, &dark, now)?;
            } else {
                fleet.reached(region, &dark, now);
            }
        }
        let unlisted = self.missed.iter().filter(|region| !self.reached.contains_key(*region));
        unlisted.for_each(|region| fleet.unseen(region, now));
        Ok(())
    }
}

fn note(zones: &mut BTreeMap<String, BTreeSet<String>>, zone: &str) {
    zones.entry(region_of_zone(zone).unwrap_or(zone).to_owned()).or_default().insert(zone.to_owned());
}
