//! The clock by which an adapter says when it saw something: the wall's, or one shifted against it, so that recorded feeds
//! are played as if it were then.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A clock that runs as fast as the wall's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    shift: TimeDelta,
}

impl Clock {
    /// The wall's clock.
    #[must_use]
    pub fn wall() -> Self {
        Self::default()
    }

    /// The wall's clock, moved by `shift`.
    #[must_use]
    pub fn shifted(shift: TimeDelta) -> Self {
        Self { shift }
    }

    /// What it shows now, to the millisecond: more is noise in claims that people read.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let wall = Utc::now();
        wall.checked_add_signed(self.shift).unwrap_or(wall).trunc_subsecs(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_runs_beside_the_wall_s() {
        let before = Utc::now() - TimeDelta::days(700);
        let shifted = Clock::shifted(TimeDelta::days(-700)).now();
        let after = Utc::now() - TimeDelta::days(700);
        assert!(before - TimeDelta::milliseconds(1) <= shifted && shifted <= after);
        assert_eq!(shifted.timestamp_subsec_nanos() % 1_000_000, 0);
        // A shift out of the calendar is none.
        assert!(Clock::shifted(TimeDelta::MAX).now() >= after);
    }
}
