//! What was asked for with `as_of=POSITION|TIME`.

use chrono::{DateTime, Utc};
use entente_schemas::record::Position;

use crate::moment::end_of;
use crate::timeline::Timeline;

/// How far the log is to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Up to this position.
    Position(Position),
    /// Up to the last record that was logged at or before this time.
    Time(DateTime<Utc>),
}

/// A text that is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a position of this log, such as 120, nor a time with its day, such as 2024-07-19T05:27Z")]
pub struct AsOfError(String);

impl AsOf {
    /// Reads a position or a time, which counts to the end of the second, minute or day that is written. A bare sequence
    /// is one of `single`, the only stream that is read: a position in any other would count nothing.
    ///
    /// # Errors
    /// If the text is neither, or names another stream. `04:57` is such a text: a time of the day means another moment
    /// tomorrow.
    pub fn parse(text: &str, single: &str) -> Result<Self, AsOfError> {
        Self::parse_in(text, |key| (key.is_empty() || key == single).then(|| single.to_owned()))
    }

    /// The same in a log of several streams: `stream` tells which one is named, by nothing the one that everybody reads.
    /// A stream that the text does not name counts nothing.
    ///
    /// # Errors
    /// If the text is neither, or names another stream.
    pub fn parse_in(text: &str, stream: impl Fn(&str) -> Option<String>) -> Result<Self, AsOfError> {
        if let Some(time) = end_of(text) {
            return Ok(Self::Time(time));
        }
        let position = position(text.trim(), stream).map(Self::Position);
        position.ok_or_else(|| AsOfError(text.chars().take(80).collect()))
    }

    /// The position that is meant, in a log of these times.
    #[must_use]
    pub fn position(&self, timeline: &Timeline) -> Position {
        match self {
            Self::Position(position) => position.clone(),
            Self::Time(time) => timeline.position_at(*time),
        }
    }
}

/// A position as it is written: a bare sequence, or a sequence after the name of each stream.
pub fn position(text: &str, stream: impl Fn(&str) -> Option<String>) -> Option<Position> {
    let mut position = Position::default();
    for part in text.split(',') {
        let (key, sequence) = part.rsplit_once(':').unwrap_or(("", part));
        let named = if part.starts_with(':') { None } else { stream(key) };
        position.advance(&named?, sequence.parse().ok()?);
    }
    Some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_times_are_told_apart() {
        let position = |text| AsOf::parse(text, "A_actual_all");
        assert_eq!(position("120"), Ok(AsOf::Position(Position::of("A_actual_all", 120))));
        assert_eq!(position("A_actual_all:7"), Ok(AsOf::Position(Position::of("A_actual_all", 7))));
        assert_eq!(position("2024-07-19T05:27Z"), position("2024-07-19T05:27:59.999999999Z"));
        assert_eq!(position("2024-07-19T05:27:00Z"), position("2024-07-19T05:27:00.999999999Z"));
        // A year alone is a position: a log has one long before it has a year.
        assert_eq!(position("2024"), Ok(AsOf::Position(Position::of("A_actual_all", 2024))));
        for text in ["", "-1", "12a", "now", "A_actual_all:", "99999999999999999999"] {
            assert!(position(text).unwrap_err().to_string().contains("such as 120"), "{text}");
        }
    }

    #[test]
    fn positions_of_several_streams_name_each_by_whatever_names_it() {
        let stream = |key: &str| match key {
            "" | "A_actual_all" => Some("A_actual_all".to_owned()),
            "banks" | "A_actual_g1" => Some("A_actual_g1".to_owned()),
            _ => None,
        };
        let mut both = Position::of("A_actual_all", 120);
        both.advance("A_actual_g1", 7);
        for text in ["A_actual_all:120,A_actual_g1:7", "120,banks:7", "banks:7,120"] {
            assert_eq!(AsOf::parse_in(text, stream), Ok(AsOf::Position(both.clone())), "{text}");
        }
        assert_eq!(AsOf::parse_in("120", stream), Ok(AsOf::Position(Position::of("A_actual_all", 120))));
        for text in ["bank:7", "120,:7", "120,", ",", "banks:", "banks:-1", "04:57"] {
            assert!(AsOf::parse_in(text, stream).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_of_the_day_and_a_stream_that_is_not_read_are_no_positions() {
        for text in ["04:57", "04:57:30", " 04:57", "04:57Z", "A_actual_g1:7", "A_actual_all:7,A_actual_g1:7", ":7"] {
            let told = AsOf::parse(text, "A_actual_all").unwrap_err().to_string();
            assert!(told.contains("a time with its day, such as 2024-07-19T05:27Z"), "{text}: {told}");
        }
    }
}
