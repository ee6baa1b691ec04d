//! Failures that come together: how many Windows machines began to fail in which minute and where, and whether so many in so
//! short a time in several places cannot be chance.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Minutes that are remembered.
const MINUTES: i64 = 24 * 60;
/// Minutes with their places that are remembered at most.
const ENTRIES: usize = 4_096;

/// Beginnings by minute (since 1970) and place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Burst {
    minutes: BTreeMap<i64, BTreeMap<String, u64>>,
}

impl Burst {
    /// Takes note that a machine began to fail.
    pub(super) fn add(&mut self, since: DateTime<Utc>, region: &str, zone: &str) {
        let minute = since.timestamp().div_euclid(60);
        *self.minutes.entry(minute).or_default().entry(format!("{region}/{zone}")).or_default() += 1;
        let newest = self.minutes.last_key_value().map_or(minute, |(newest, _)| *newest);
        while let Some(oldest) = self.minutes.first_entry() {
            if newest - oldest.key() < MINUTES && self.entries() <= ENTRIES {
                break;
            }
            self.minutes.pop_first();
        }
    }

    fn entries(&self) -> usize {
        self.minutes.values().map(BTreeMap::len).sum()
    }

    /// The first minute of so many beginnings within this time, in two places or more, of which one fell into the minute of
    /// `around`.
    pub(super) fn together(&self, around: DateTime<Utc>, machines: u64, within: TimeDelta) -> Option<DateTime<Utc>> {
        let minute = around.timestamp().div_euclid(60);
        let length = within.num_minutes().max(1);
        let starts = self.minutes.range(minute - length + 1..=minute).map(|(start, _)| *start);
        let mut windows = starts.filter(|start| {
            let window = || self.minutes.range(*start..*start + length).flat_map(|(_, places)| places);
            window().map(|(_, count)| count).sum::<u64>() >= machines && is_spread(window().map(|(place, _)| place))
        });
        windows.next().and_then(|start| DateTime::from_timestamp(start * 60, 0))
    }
}

/// Two regions, or two zones of one region; a zone that is not known is not another.
fn is_spread<'a>(places: impl Iterator<Item = &'a String> + Clone) -> bool {
    let named = places.filter_map(|place| place.split_once('/'));
    let regions: BTreeSet<&str> = named.clone().map(|(region, _)| region).collect();
    let zones: BTreeSet<&str> = named.map(|(_, zone)| zone).filter(|zone| !zone.is_empty()).collect();
    regions.len() > 1 || zones.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_361_600 + minute * 60 + 7, 0).unwrap()
    }

    fn found(beginnings: &[(i64, &str, &str)]) -> Option<i64> {
        let mut burst = Burst::default();
        let mut found = None;
        for (at, region, zone) in beginnings {
            burst.add(minute(*at), region, zone);
            found = found.or(burst.together(minute(*at), 4, TimeDelta::minutes(3)));
        }
        found.map(|start| (start - minute(0) + TimeDelta::seconds(7)).num_minutes())
    }

    #[test]
    fn so_many_in_so_short_a_time_in_two_places() {
        let (a, b, c) = (("r", "1"), ("r", "2"), ("s", ""));
        let at = |minute, (region, zone)| (minute, region, zone);
        for (beginnings, expected) in [
            (vec![at(0, a), at(0, a), at(1, b), at(2, b)], Some(0)),
            (vec![at(2, a), at(0, a), at(1, b), at(1, b)], Some(0)),
            (vec![at(0, a), at(1, a), at(2, a), at(2, c)], Some(0)),
            (vec![at(0, a), at(0, a), at(1, b), at(3, b)], None),
            (vec![at(0, a), at(5, a), at(6, b), at(6, b), at(7, a)], Some(5)),
            (vec![at(0, a), at(0, a), at(0, a), at(0, a), at(0, a)], None),
            (vec![at(0, ("r", "")), at(0, a), at(0, a), at(0, a)], None),
            (vec![at(0, a), at(0, b), at(0, c)], None),
        ] {
            assert_eq!(found(&beginnings), expected, "{beginnings:?}");
        }
    }

    #[test]
    fn it_keeps_a_day_and_never_more_than_it_may() {
        let mut burst = Burst::default();
        (0..3 * MINUTES).for_each(|at| burst.add(minute(at), "r", "1"));
        assert_eq!(i64::try_from(burst.minutes.len()).unwrap(), MINUTES);
        (0..9_000).for_each(|zone| burst.add(minute(3 * MINUTES + zone % 2), "r", &zone.to_string()));
        assert!(burst.entries() <= ENTRIES + 4_500, "{}", burst.entries());
        assert!(burst.minutes.len() <= 2);
    }
}
