//! When the log took what: from a time to the position that was reached then. A stream's clock may step back when its
//! leader changes; here it never does, as in the fold.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::record::{Position, Record};

/// The logged times of the records of each stream.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    streams: BTreeMap<Arc<str>, Vec<(u64, DateTime<Utc>)>>,
}

impl Timeline {
    /// Takes a record. Records of one stream come in the order of their sequences; one that is not newer than the last
    /// is left out.
    pub fn push(&mut self, record: &Record) {
        let stream = self.streams.entry(Arc::clone(&record.stream)).or_default();
        let logged = match stream.last() {
            Some((sequence, _)) if *sequence >= record.sequence => return,
            Some((_, last)) => record.logged.max(*last),
            None => record.logged,
        };
        stream.push((record.sequence, logged));
    }

    /// The position that the log had reached at a time: before its first record, nothing of a stream.
    #[must_use]
    pub fn position_at(&self, time: DateTime<Utc>) -> Position {
        let mut position = Position::default();
        for (stream, records) in &self.streams {
            let reached = records.partition_point(|(_, logged)| *logged <= time);
            let last = reached.checked_sub(1).and_then(|index| records.get(index));
            position.advance(stream, last.map_or(0, |(sequence, _)| *sequence));
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use entente_schemas::record::Verdict;
    use proptest::prelude::*;

    use super::*;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_361_600 + second, 0).unwrap()
    }

    fn record(stream: &str, sequence: u64, logged: i64) -> Record {
        Record {
            stream: stream.into(),
            sequence,
            logged: second(logged),
            subject: String::new(),
            key: String::new(),
            signature: String::new(),
            payload: Arc::from([].as_slice()),
            verdict: Verdict::Signed,
        }
    }

    #[test]
    fn a_time_between_records_means_the_earlier_one() {
        let mut timeline = Timeline::default();
        for (sequence, logged) in [(3, 10), (4, 20), (9, 20), (10, 30)] {
            timeline.push(&record("A", sequence, logged));
        }
        let at = |time| timeline.position_at(second(time)).sequence("A");
        assert_eq!([at(0), at(9), at(10), at(19), at(20), at(29), at(30), at(99)], [0, 0, 3, 3, 9, 9, 10, 10]);
    }

    #[test]
    fn each_stream_has_its_own_place() {
        let mut timeline = Timeline::default();
        timeline.push(&record("A", 1, 10));
        timeline.push(&record("B", 1, 5));
        timeline.push(&record("B", 2, 15));
        let position = timeline.position_at(second(12));
        assert_eq!((position.sequence("A"), position.sequence("B")), (1, 1));
    }

    proptest! {
        #[test]
        fn later_times_never_mean_earlier_positions(logged in prop::collection::vec(-50_i64..50, 1..40), a in -60_i64..60, b in -60_i64..60) {
            let mut timeline = Timeline::default();
            for (sequence, logged) in (1..).zip(&logged) {
                timeline.push(&record("A", sequence, *logged));
            }
            let (early, late) = (a.min(b), a.max(b));
            let at = |time| timeline.position_at(second(time)).sequence("A");
            prop_assert!(at(early) <= at(late));
            // The latest clock so far decides: what came after it cannot have been there before.
            let reached = at(late) as usize;
            prop_assert!(logged.iter().take(reached).all(|time| *time <= late));
            prop_assert!(logged.get(reached).is_none_or(|next| (*next).max(*logged.iter().take(reached).max().unwrap_or(next)) > late));
        }
    }
}
