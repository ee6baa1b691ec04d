//! Under which clocks a log was filled: a small table in the data folder. The log itself is stamped by the wall's clock;
//! what a clock showed when a record was taken is that stamp and the shift of the leg that the record lies in. The times
//! that are shown never step back. Each stream of the log ends a leg where it stood when the next began.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entente_schemas::record::Record;
use serde::{Deserialize, Serialize};

use super::{Clock, Tip};
use crate::replace::replace;

/// A stretch of the log that was filled under one clock; it ends where the next begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leg {
    /// The last sequence before it, in the stream that everybody reads.
    after: u64,
    /// The same in the streams of sharing groups; one that is not named held nothing yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    also: BTreeMap<String, u64>,
    /// By how much its clock was ahead of the wall's, milliseconds.
    shift_ms: i64,
}

impl Leg {
    fn at(tips: &Tips, clock: Clock) -> Self {
        let mut leg = Self { after: 0, also: BTreeMap::new(), shift_ms: clock.shift_ms };
        for (stream, tip) in tips {
            if is_everybodys(stream) {
                leg.after = tip.sequence;
            } else if tip.sequence > 0 {
                leg.also.insert(stream.clone(), tip.sequence);
            }
        }
        leg
    }

    fn after(&self, stream: &str) -> u64 {
        if is_everybodys(stream) { self.after } else { self.also.get(stream).copied().unwrap_or(0) }
    }

    /// Whether it began after another, in no stream before it.
    fn follows(&self, before: &Self) -> bool {
        let further = |(stream, after): (&String, &u64)| before.also.get(stream).is_none_or(|known| known < after);
        let not_before = before.also.iter().all(|(stream, after)| self.after(stream) >= *after);
        not_before && self.after >= before.after && (self.after > before.after || self.also.iter().any(further))
    }
}

fn is_everybodys(stream: &str) -> bool {
    stream.ends_with("_all")
}

/// The ends of the streams of a log, by their names.
pub type Tips = BTreeMap<String, Tip>;

/// The legs of a log, in its order. What lies before the first was filled under the wall's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legs(Vec<Leg>);

/// Why a log cannot be filled under a clock.
#[derive(Debug, thiserror::Error)]
pub enum LegsError {
    /// The table cannot be read.
    #[error(
        "{path} does not tell under which clocks the log was filled: {reason}; bring it back from a copy of the folder, or remove it if no recorded feeds were ever played there"
    )]
    Read {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        reason: io::Error,
    },
    /// The table cannot be written.
    #[error("{path} cannot be written: {reason}; free the disk, or mend the permissions of the data folder")]
    Write {
        /// The table.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The times of the log would step back.
    #[error(
        "the clock would show {shown}, which is before the log's last record, of {last}; let it start there or later, with --clock-from {next}, or keep another log with --data DIR"
    )]
    Back {
        /// What the clock shows.
        shown: String,
        /// When the last record was taken, as shown.
        last: String,
        /// The first whole second that does.
        next: String,
    },
}

impl Legs {
    /// Reads a table; one that is not there says that the log was filled under the wall's clock.
    ///
    /// # Errors
    /// If it is there and says something else.
    pub fn read(path: &Path) -> Result<Self, LegsError> {
        let failed = |reason| LegsError::Read { path: path.to_owned(), reason };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let legs: Result<Vec<Leg>, _> = text.lines().map(serde_json::from_str).collect();
        let legs = legs.map_err(|error| failed(error.into()))?;
        if legs.is_sorted_by(|before, after| after.follows(before)) {
            return Ok(Self(legs));
        }
        Err(failed(io::Error::new(io::ErrorKind::InvalidData, "its legs are not in the order of the log")))
    }

    /// The clock under which the log was filled last.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.last().map_or_else(Clock::wall, |leg| Clock { shift_ms: leg.shift_ms })
    }

    /// What the clock showed when a stream took the record of this sequence, which it stamped `logged`.
    #[must_use]
    pub fn shown(&self, stream: &str, sequence: u64, logged: DateTime<Utc>) -> DateTime<Utc> {
        let leg = self.0.iter().rev().find(|leg| leg.after(stream) < sequence);
        leg.map_or(logged, |leg| Clock { shift_ms: leg.shift_ms }.at(logged))
    }

    /// A record as it is shown.
    #[must_use]
    pub fn dated(&self, record: Record) -> Record {
        Record { logged: self.shown(&record.stream, record.sequence, record.logged), ..record }
    }

    /// The legs of a log that is filled under this clock from now on, in the table before anything is said. A leg of
    /// which the log holds nothing is dropped.
    ///
    /// # Errors
    /// If times would step back, or the table cannot be read or written.
    pub fn begin(path: &Path, tips: &Tips, clock: Clock) -> Result<Self, LegsError> {
        let before = Self::read(path)?;
        let legs = before.clone().under(tips, clock)?;
        if legs != before {
            legs.write(path).map_err(|reason| LegsError::Write { path: path.to_owned(), reason })?;
        }
        Ok(legs)
    }

    fn under(mut self, tips: &Tips, clock: Clock) -> Result<Self, LegsError> {
        self.0.retain(|leg| tips.iter().any(|(stream, tip)| leg.after(stream) < tip.sequence));
        if self.clock() == clock {
            return Ok(self);
        }
        let shown = clock.now();
        let last = tips.iter().filter_map(|(stream, tip)| Some(self.shown(stream, tip.sequence, tip.logged?))).max();
        if let Some(last) = last.filter(|last| *last > shown) {
            return Err(back(shown, last));
        }
        self.0.push(Leg::at(tips, clock));
        Ok(self)
    }

    /// Writes the table whole or not at all, and for good.
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = String::new();
        for leg in &self.0 {
            text.push_str(&serde_json::to_string(leg)?);
            text.push('\n');
        }
        replace(path, text.as_bytes())
    }
}

fn back(shown: DateTime<Utc>, last: DateTime<Utc>) -> LegsError {
    let words = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let next = last.trunc_subsecs(0).checked_add_signed(TimeDelta::seconds(1)).unwrap_or(last);
    LegsError::Back { shown: words(shown), last: words(last), next: next.format("%Y-%m-%dT%H:%M:%SZ").to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const ALL: &str = "A_actual_all";
    const GROUP: &str = "A_actual_gaaaaaaaaaaaaaaaa";

    fn reached(sequence: u64, logged: DateTime<Utc>) -> Tips {
        Tips::from([(ALL.to_owned(), tip(sequence, logged))])
    }

    fn tip(sequence: u64, logged: DateTime<Utc>) -> Tip {
        Tip { sequence, logged: Some(logged).filter(|_| sequence > 0), server: logged, machine: logged }
    }

    #[test]
    fn each_stream_ends_its_legs_where_it_stood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let wall = Utc::now();
        let (one, two) = (Clock::shifted(TimeDelta::days(-9)), Clock::shifted(TimeDelta::days(-8)));
        let both = |all, group| {
            let mut tips = reached(all, wall);
            tips.insert(GROUP.to_owned(), tip(group, wall));
            tips
        };
        Legs::begin(&path, &reached(0, wall), one).unwrap();
        // The group was made while the first leg lasted, and grew alone before the third.
        Legs::begin(&path, &both(7, 2), two).unwrap();
        let legs = Legs::begin(&path, &both(7, 5), Clock::wall()).unwrap();
        assert_eq!(Legs::read(&path).unwrap(), legs);
        let shown = |stream: &str, sequence| legs.shown(stream, sequence, wall);
        assert_eq!([1, 7, 8].map(|sequence| shown(ALL, sequence)), [one.at(wall), one.at(wall), wall]);
        assert_eq!(
            [1, 2, 3, 5, 6].map(|sequence| shown(GROUP, sequence)),
            [one, one, two, two, Clock::wall()].map(|clock| clock.at(wall))
        );
        assert_eq!(shown("A_actual_gbbbbbbbbbbbbbbbb", 1), wall, "a group that was made since");
        let early = Clock::showing(one.at(wall) - TimeDelta::hours(1));
        assert!(matches!(Legs::begin(&path, &both(7, 5), early), Err(LegsError::Back { .. })));
        fs::write(&path, format!("{{\"after\":4,\"also\":{{\"{GROUP}\":3}},\"shift_ms\":-5}}\n{{\"after\":5,\"also\":{{\"{GROUP}\":2}},\"shift_ms\":-5}}\n")).unwrap();
        assert!(matches!(Legs::read(&path), Err(LegsError::Read { .. })), "a leg begins before the one before it");
    }

    #[test]
    fn each_record_is_dated_by_the_clock_of_its_leg() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let wall = Utc::now();
        let began = Clock::showing(at("2024-07-19T04:00:00Z"));
        assert_eq!(Legs::begin(&path, &reached(0, wall), began).unwrap().clock(), began);
        let later = Clock::showing(at("2024-07-19T12:00:00Z"));
        Legs::begin(&path, &reached(7, wall), later).unwrap();
        Legs::begin(&path, &reached(9, wall), Clock::wall()).unwrap();
        let legs = Legs::read(&path).unwrap();
        let shown = |sequence| legs.shown(ALL, sequence, wall);
        assert_eq!((shown(1), shown(7)), (began.at(wall), began.at(wall)));
        assert_eq!((shown(8), shown(9)), (later.at(wall), later.at(wall)));
        assert_eq!((shown(10), legs.clock()), (wall, Clock::wall()));
    }

    #[test]
    fn what_was_never_played_is_dated_as_it_is_stamped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let wall = Utc::now();
        let legs = Legs::begin(&path, &reached(7, wall + TimeDelta::hours(1)), Clock::wall()).unwrap();
        assert_eq!((legs.shown(ALL, 3, wall), legs.clock(), path.exists()), (wall, Clock::wall(), false));
    }

    #[test]
    fn times_never_step_back_and_it_is_said_from_when_on_they_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let wall = Utc::now();
        let played = Clock::shifted(at("2024-07-19T04:00:00.5Z") - wall);
        Legs::begin(&path, &reached(0, wall), played).unwrap();
        let before = fs::read(&path).unwrap();
        let told = Legs::begin(&path, &reached(3, wall), Clock::showing(at("2024-07-19T03:59:59Z"))).unwrap_err();
        for part in ["before the log's last record, of 2024-07-19 04:00:00 UTC", "--clock-from 2024-07-19T04:00:01Z"] {
            assert!(told.to_string().contains(part), "{told}");
        }
        assert_eq!(fs::read(&path).unwrap(), before, "what is refused changes nothing");
        Legs::begin(&path, &reached(3, wall), Clock::showing(at("2024-07-19T04:00:01Z"))).unwrap();
        let ahead = Clock::shifted(TimeDelta::days(1));
        Legs::begin(&path, &reached(4, wall), ahead).unwrap();
        let home = Legs::begin(&path, &reached(5, wall), Clock::wall());
        assert!(matches!(home, Err(LegsError::Back { .. })), "the wall is behind what was played: {home:?}");
    }

    #[test]
    fn a_leg_of_which_the_log_holds_nothing_is_dropped() {
        let wall = Utc::now();
        let (one, two) = (Clock::shifted(TimeDelta::days(-9)), Clock::shifted(TimeDelta::days(-8)));
        let legs = Legs::default().under(&reached(0, wall), one).unwrap().under(&reached(8, wall), two).unwrap();
        // The log lost its end: what is logged next has sequences of the first leg.
        let after = legs.clone().under(&reached(6, wall), two).unwrap();
        assert_eq!((after.shown(ALL, 6, wall), after.shown(ALL, 7, wall)), (one.at(wall), two.at(wall)));
        assert_eq!(legs.under(&reached(8, wall), one).unwrap().0.len(), 1, "as if the second had not been");
    }

    #[test]
    fn a_table_that_says_something_else_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let line = |after| format!("{{\"after\":{after},\"shift_ms\":-5}}\n");
        for text in ["-86400\n".to_owned(), "{}".to_owned(), line(4) + &line(4), line(4) + &line(3)] {
            fs::write(&path, &text).unwrap();
            assert!(matches!(Legs::read(&path), Err(LegsError::Read { .. })), "{text}");
        }
        fs::write(&path, line(3) + &line(4)).unwrap();
        assert_eq!(Legs::read(&path).unwrap().clock(), Clock::shifted(TimeDelta::milliseconds(-5)));
    }
}
