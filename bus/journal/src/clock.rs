//! The clock that dates what is said: the wall's, or one shifted against it, so that recorded feeds are played as if it
//! were then.

use chrono::{DateTime, DurationRound, SubsecRound, TimeDelta, Utc};

mod legs;
mod tip;

pub use legs::{Legs, LegsError, Tips};
pub use tip::{Tip, tip};

/// A clock that runs as fast as the wall's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    shift_ms: i64,
}

impl Clock {
    /// The wall's clock.
    #[must_use]
    pub fn wall() -> Self {
        Self::default()
    }

    /// The wall's clock, ahead by `shift`, behind if it is negative; to the millisecond.
    #[must_use]
    pub fn shifted(shift: TimeDelta) -> Self {
        Self { shift_ms: shift.num_milliseconds() }
    }

    /// A clock that shows this time now.
    #[must_use]
    pub fn showing(time: DateTime<Utc>) -> Self {
        Self::shifted(time - Self::wall().now())
    }

    /// Whether it is the wall's.
    #[must_use]
    pub fn is_wall(self) -> bool {
        self.shift_ms == 0
    }

    /// What it shows now, to the millisecond: more is noise in claims that people read.
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        self.at(Utc::now()).trunc_subsecs(3)
    }

    /// What it shows, rounded down to the second: the time of the live picture.
    #[must_use]
    pub fn second(self) -> DateTime<Utc> {
        let now = self.now();
        now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now)
    }

    /// What it shows when the wall's shows this. A shift out of the calendar is none.
    fn at(self, wall: DateTime<Utc>) -> DateTime<Utc> {
        let shift = TimeDelta::try_milliseconds(self.shift_ms);
        shift.and_then(|shift| wall.checked_add_signed(shift)).unwrap_or(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_on_from_where_it_was_set() {
        let set: DateTime<Utc> = "2024-07-19T04:00:00Z".parse().unwrap();
        let clock = Clock::showing(set);
        let shown = clock.now();
        assert!(shown >= set && shown < set + TimeDelta::hours(1), "{shown}");
        assert!(clock.now() >= shown && !clock.is_wall());
        assert_eq!((shown.timestamp_subsec_nanos() % 1_000_000, clock.second().timestamp_subsec_nanos()), (0, 0));
    }

    #[test]
    fn a_shifted_clock_runs_beside_the_wall_s() {
        let before = Utc::now() - TimeDelta::days(700);
        let shifted = Clock::shifted(TimeDelta::days(-700)).now();
        assert!(before - TimeDelta::milliseconds(1) <= shifted && shifted <= Utc::now() - TimeDelta::days(700));
        assert!(Clock::shifted(TimeDelta::MAX).now() > shifted, "a shift out of the calendar is none");
        assert!(Clock::wall().is_wall());
    }
}
