//! One look at all projects: which regions were listed whole, which zones could not be reached, and which regions nothing is
//! known of since a project with machines there did not answer. A zone that cannot be reached is unknown, never empty.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_sidecar::fleet::{Fleet, FleetError};

use crate::normalize::region_of_zone;

/// Where machines may be, as one look showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Zones that answered, by region.
    reached: BTreeMap<String, BTreeSet<String>>,
    /// Zones that did not.
    dark: BTreeMap<String, BTreeSet<String>>,
    /// Regions of which a part of the machines was not listed.
    missed: BTreeSet<String>,
}

impl Round {
    /// A zone was listed.
    pub(super) fn reach(&mut self, zone: &str) {
        note(&mut self.reached, zone);
    }

    /// A zone could not be reached.
    pub(super) fn lose(&mut self, zone: &str) {
        note(&mut self.dark, zone);
    }

    /// A project did not answer that had machines in these regions.
    pub(super) fn miss(&mut self, regions: impl IntoIterator<Item = String>) {
        self.missed.extend(regions);
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

    /// The zones that could not be reached.
    pub(super) fn dark_zones(&self) -> impl Iterator<Item = &str> {
        self.dark.values().flatten().map(String::as_str)
    }

    /// Every region that was listed begins a sweep.
    pub(super) fn begin(&self, fleet: &Fleet) {
        self.reached.keys().for_each(|region| fleet.sweep(region));
    }

    /// Tells the fleet what was seen whole and what was not.
    ///
    /// # Errors
    /// If the fleet's disk takes no more.
    pub(super) fn end(&self, fleet: &Fleet, now: DateTime<Utc>) -> Result<(), FleetError> {
        for (region, zones) in &self.reached {
            let dark: Vec<&str> = self.dark.get(region).into_iter().flatten().map(String::as_str).collect();
            if self.missed.contains(region) || zones.iter().all(|zone| dark.contains(&zone.as_str())) {
                fleet.unseen(region, now);
            } else {
                fleet.swept(region, &dark, now)?;
            }
        }
        let unlisted = self.dark.keys().chain(&self.missed).filter(|region| !self.reached.contains_key(*region));
        unlisted.for_each(|region| fleet.unseen(region, now));
        Ok(())
    }
}

fn note(zones: &mut BTreeMap<String, BTreeSet<String>>, zone: &str) {
    zones.entry(region_of_zone(zone).unwrap_or(zone).to_owned()).or_default().insert(zone.to_owned());
}
