//! What the server's clock shows: the wall clock, or one that is shifted so that a recorded feed can be played.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use entente_schemas::record::Record;
use serde::Deserialize;

/// By how much a transmitter's clock may be ahead of the one that plays.
const AHEAD: TimeDelta = TimeDelta::seconds(5);

/// When a claim was made, of all that an event carries.
#[derive(Deserialize)]
struct Made {
    recordedtime: DateTime<Utc>,
}

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

    /// A record with the time at which the log took it as this clock showed it. A log that is filled by a shifted clock is
    /// stamped by another one, the wall's: its records count as taken when they were made, by the clock of that start.
    pub(crate) fn read(self, mut record: Record) -> Record {
        if self.shift.is_zero() {
            return record;
        }
        let made = serde_json::from_slice::<Made>(&record.payload).ok().map(|made| made.recordedtime);
        let shifted = || record.logged.checked_add_signed(self.shift).unwrap_or(record.logged);
        record.logged = made.filter(|made| *made <= self.now() + AHEAD).unwrap_or_else(shifted);
        record
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
    use entente_schemas::record::Verdict;

    use super::*;

    fn starting_at(time: DateTime<Utc>) -> Clock {
        Clock::shifted(time - Utc::now())
    }

    fn record(payload: &str) -> Record {
        let (stream, logged) = ("A_actual_all".into(), "2026-01-01T00:00:00Z".parse().unwrap());
        let (subject, key, signature) = (String::new(), String::new(), String::new());
        let (payload, verdict) = (payload.as_bytes().into(), Verdict::Signed);
        Record { stream, sequence: 1, logged, subject, key, signature, payload, verdict }
    }

    #[test]
    fn a_played_log_is_dated_by_the_clock_that_plays_it() {
        let made = record(r#"{"recordedtime": "2024-07-19T05:10:00Z", "data": {}}"#);
        let played = starting_at("2024-07-19T12:00:00Z".parse().unwrap());
        assert_eq!(Clock::wall().read(made.clone()).logged, made.logged);
        assert_eq!(played.read(made).logged, "2024-07-19T05:10:00Z".parse::<DateTime<Utc>>().unwrap());
        for told in [r#"{"recordedtime": "2093-07-19T05:10:00Z"}"#, "no event"] {
            let unread = record(told);
            assert_eq!(played.read(unread.clone()).logged, unread.logged + played.shift(), "{told}");
        }
    }

    #[test]
    fn a_shifted_clock_runs_on_from_where_it_was_set() {
        let set: DateTime<Utc> = "2024-07-19T04:00:00Z".parse().unwrap();
        let clock = starting_at(set);
        let shown = clock.now();
        assert!(shown >= set && shown < set + TimeDelta::hours(1));
        assert!(clock.now() >= shown);
        assert_eq!(clock.second().timestamp_subsec_nanos(), 0);
        assert_eq!(Clock::wall().shift(), TimeDelta::zero());
    }
}
