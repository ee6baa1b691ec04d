//! Which places could be asked last, and when something was seen there. In memory only: after a restart everything is asked
//! anew.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::cell::PlaceId;

/// What can be seen of a fleet's places.
#[derive(Debug, Default)]
pub(super) struct Sights {
    /// Regions, and zones of regions (else empty), that could not be asked, since when.
    dark: BTreeMap<(String, String), DateTime<Utc>>,
    seen: BTreeMap<PlaceId, DateTime<Utc>>,
}

impl Sights {
    /// A region, or a zone of one, could not be asked.
    pub(super) fn lose(&mut self, region: &str, zone: &str, now: DateTime<Utc>) {
        self.dark.entry((region.to_owned(), zone.to_owned())).or_insert(now);
    }

    /// A region was asked, but for these zones.
    pub(super) fn find(&mut self, region: &str, but: &[String]) {
        self.dark.retain(|(of, zone), _| of != region || but.contains(zone));
    }

    /// Something was seen there.
    pub(super) fn note(&mut self, place: PlaceId, at: DateTime<Utc>) {
        let last = self.seen.entry(place).or_insert(at);
        *last = (*last).max(at);
    }

    /// Since when nothing can be seen of a place; none if something can.
    pub(super) fn dark_since(&self, (region, zone): (&str, &str)) -> Option<DateTime<Utc>> {
        let of = |zone: &str| self.dark.get(&(region.to_owned(), zone.to_owned())).copied();
        [of(""), of(zone)].into_iter().flatten().min()
    }

    /// When something was last seen of a place.
    pub(super) fn last(&self, place: PlaceId) -> Option<DateTime<Utc>> {
        self.seen.get(&place).copied()
    }
}
