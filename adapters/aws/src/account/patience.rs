//! Regions that fail are left in peace for longer and longer, each for itself, and told together.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::poll::Failure;

/// The longest that failures alone lead to.
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// Doublings that are counted.
const DOUBLINGS: u32 = 10;

/// How often in a row a region failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    failures: u32,
    away: Option<DateTime<Utc>>,
    last: Option<Failure>,
}

impl Patience {
    /// Why it is not asked now, if it is left in peace; with what is left of its wish, if it had one.
    pub(crate) fn spares(&self, now: DateTime<Utc>) -> Option<Failure> {
        let left = (self.away? - now).to_std().ok().filter(|left| !left.is_zero())?;
        let last = self.last.clone()?;
        Some(Failure { retry_after: last.retry_after.map(|_| left), ..last })
    }

    /// It answered.
    pub(crate) fn good(&mut self) {
        *self = Self::default();
    }

    /// It failed, at a pace of so long. Gives the failure with the region's name.
    pub(crate) fn failed(&mut self, region: &str, failure: Failure, pace: TimeDelta, now: DateTime<Utc>) -> Failure {
        let text = format!("{region}: {}", failure.error.text);
        let failure = Failure { retry_after: failure.retry_after, ..Failure::new(failure.error.code, text) };
        let doublings = self.failures.min(DOUBLINGS);
        // The pace itself is what the first failure costs.
        let wait = if doublings == 0 { TimeDelta::zero() } else { (pace * (1 << doublings)).min(LONGEST) };
        let wish = failure.retry_after.and_then(|after| TimeDelta::from_std(after).ok()).unwrap_or_default();
        self.away = now.checked_add_signed(wait.max(wish));
        self.failures = self.failures.saturating_add(1);
        self.last = Some(failure.clone());
        failure
    }
}

/// One failure for all that failed `of` so many regions: the first in the order of their words. Their wish is that of the
/// soonest; there is none if one of them has none.
pub(crate) fn together(failures: &[Failure], of: usize) -> Option<Failure> {
    let first = failures.iter().min_by(|a, b| a.error.text.cmp(&b.error.text))?;
    let wishes: Option<Vec<Duration>> = failures.iter().map(|failure| failure.retry_after).collect();
    let text = first.error.text.clone();
    let text = if of == 1 { text } else { format!("{} of {of} regions: {text}", failures.len()) };
    let retry_after = wishes.and_then(|wishes| wishes.into_iter().min());
    Some(Failure { retry_after, ..Failure::new(first.error.code.clone(), text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_region_is_spared_for_longer_and_longer_until_it_answers() {
        let (mut patience, pace) = (Patience::default(), TimeDelta::seconds(60));
        let fail = |patience: &mut Patience, now| patience.failed("r", Failure::new("x", "down"), pace, at(now));
        assert_eq!(fail(&mut patience, 0).error.text, "r: down");
        assert_eq!(patience.spares(at(0)), None, "the pace is enough for a first failure");
        fail(&mut patience, 60);
        assert!(patience.spares(at(179)).is_some() && patience.spares(at(180)).is_none());
        (0..40).for_each(|_| drop(fail(&mut patience, 200)));
        assert!(patience.spares(at(200 + 899)).is_some() && patience.spares(at(200 + 900)).is_none());
        patience.good();
        assert_eq!(patience.spares(at(201)), None);
    }

    #[test]
    fn whoever_is_sent_away_stays_away() {
        let mut patience = Patience::default();
        let failure = Failure { retry_after: Some(Duration::from_secs(3_600)), ..Failure::new("throttled", "x") };
        patience.failed("r", failure, TimeDelta::seconds(1), at(0));
        let left = |now| patience.spares(at(now)).map(|failure| failure.retry_after);
        assert_eq!(left(600), Some(Some(Duration::from_secs(3_000))));
        assert_eq!((left(3_599), left(3_600)), (Some(Some(Duration::from_secs(1))), None));
    }

    #[test]
    fn failures_are_told_together() {
        let wishing = |seconds| Some(Duration::from_secs(seconds));
        let b = Failure { retry_after: wishing(90), ..Failure::new("b", "us-east-1: b") };
        let a = Failure { retry_after: wishing(60), ..Failure::new("a", "eu-west-1: a") };
        let told = together(&[b.clone(), a], 3).unwrap();
        assert_eq!((told.error.code.as_str(), told.error.text.as_str()), ("a", "2 of 3 regions: eu-west-1: a"));
        assert_eq!(told.retry_after, wishing(60));
        let told = together(&[b, Failure::new("a", "eu-west-1: a")], 2).unwrap();
        assert_eq!(told.retry_after, None, "one of them may be asked at once");
        assert_eq!(together(&[], 3), None);
    }
}
