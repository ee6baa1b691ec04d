//! What the server's clock shows: the wall clock, or one that is shifted so that a recorded feed can be played.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// A clock. Where ages, overdue and silent come from in the live picture, and the stamps of claims made here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    shift: TimeDelta,
}

impl Clock {
    /// The wall clock.
    #[must_use]
    pub fn wall() -> Self {
        Self::default()
    }

    /// The wall clock, ahead by `shift`; behind if it is negative.
    #[must_use]
    pub fn shifted(shift: TimeDelta) -> Self {
        Self { shift }
    }

    /// A clock that shows `time` now and runs on from there.
    #[must_use]
    pub fn starting_at(time: DateTime<Utc>) -> Self {
        Self { shift: time - Utc::now() }
    }

    /// By how much it is ahead of the wall clock.
    #[must_use]
    pub fn shift(self) -> TimeDelta {
        self.shift
    }

    /// What it shows.
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        let wall = Utc::now();
        wall.checked_add_signed(self.shift).unwrap_or(wall)
    }

    /// What it shows, rounded down to the second: the time of the live picture.
    #[must_use]
    pub fn second(self) -> DateTime<Utc> {
        let now = self.now();
        now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_runs_on_from_where_it_was_set() {
        let set: DateTime<Utc> = "2024-07-19T04:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(set);
        let shown = clock.now();
        assert!(shown >= set && shown < set + TimeDelta::hours(1));
        assert!(clock.now() >= shown);
        assert_eq!(clock.second().timestamp_subsec_nanos(), 0);
        assert_eq!(Clock::wall().shift(), TimeDelta::zero());
    }
}
