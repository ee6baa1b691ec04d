//! How long machines took that a repair has restored: few numbers for many machines, from which quantiles come.

use std::collections::BTreeMap;

use entente_schemas::family::TimeToRestore;

/// Machines by the minutes from when they began to fail to when they were seen well, as the ledger rounds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(BTreeMap<u32, u64>);

impl Spans {
    pub(super) fn add(&mut self, spans: impl IntoIterator<Item = (u32, u64)>) {
        for (minutes, machines) in spans {
            *self.0.entry(minutes).or_default() += machines;
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.add(other.0.iter().map(|(minutes, machines)| (*minutes, *machines)));
    }

    /// Median and ninth decile, and of how many; none of none.
    pub(super) fn time_to_restore(&self) -> Option<TimeToRestore> {
        let n = self.0.values().sum();
        let seconds = |percent| self.quantile(percent, n).map(|minutes| 60 * u64::from(minutes));
        (n > 0).then(|| TimeToRestore { p50_s: seconds(50), p90_s: seconds(90), n })
    }

    /// The least minutes in which so many of a hundred were back.
    fn quantile(&self, percent: u64, n: u64) -> Option<u32> {
        let rank = n.saturating_mul(percent).div_ceil(100);
        let mut back = 0;
        self.0.iter().find_map(|(minutes, machines)| {
            back += machines;
            (back >= rank).then_some(*minutes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(spans: &[(u32, u64)]) -> Option<(Option<u64>, Option<u64>, u64)> {
        let mut all = Spans::default();
        all.add(spans.iter().copied());
        all.time_to_restore().map(|ttr| (ttr.p50_s, ttr.p90_s, ttr.n))
    }

    #[test]
    fn quantiles_are_minutes_that_some_machine_took() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(7, 1)]), Some((Some(420), Some(420), 1)));
        assert_eq!(of(&[(1, 1), (2, 1)]), Some((Some(60), Some(120), 2)));
        assert_eq!(of(&[(1, 5), (2, 4), (60, 1)]), Some((Some(60), Some(120), 10)));
        assert_eq!(of(&[(1, 5), (60, 6)]), Some((Some(3_600), Some(3_600), 11)));
        assert_eq!(of(&[(3, 1), (1, 1), (3, 8)]), Some((Some(180), Some(180), 10)));
    }
}
