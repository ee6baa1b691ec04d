//! The clock by which an adapter says when it saw something: the wall's, or one shifted against it, so that recorded feeds
//! are played as if it were then.

use chrono::{DateTime, TimeDelta, Utc};

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

    /// What it shows now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let wall = Utc::now();
        wall.checked_add_signed(self.shift).unwrap_or(wall)
    }
}
