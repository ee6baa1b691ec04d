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
#[error("`{0}` is neither a position of the log, such as 120, nor a time, such as 2024-07-19T05:27Z")]
pub struct AsOfError(String);

impl AsOf {
    /// Reads a position or a time, which counts to the end of the second, minute or day that is written. A bare sequence is one of `single`, the only stream that is read.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str, single: &str) -> Result<Self, AsOfError> {
        if let Some(time) = end_of(text) {
            return Ok(Self::Time(time));
        }
        let position = Position::parse(text.trim(), single);
        position.map(Self::Position).map_err(|_| AsOfError(text.chars().take(80).collect()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_times_are_told_apart() {
        let position = |text| AsOf::parse(text, "A_actual_all");
        assert_eq!(position("120"), Ok(AsOf::Position(Position::of("A_actual_all", 120))));
        assert_eq!(position("A_actual_g1:7"), Ok(AsOf::Position(Position::of("A_actual_g1", 7))));
        assert_eq!(position("2024-07-19T05:27Z"), position("2024-07-19T05:27:59.999999999Z"));
        assert_eq!(position("2024-07-19T05:27:00Z"), position("2024-07-19T05:27:00.999999999Z"));
        // A year alone is a position: a log has one long before it has a year.
        assert_eq!(position("2024"), Ok(AsOf::Position(Position::of("A_actual_all", 2024))));
        for text in ["", "-1", "12a", "now", "A_actual_all:", "99999999999999999999"] {
            assert!(position(text).unwrap_err().to_string().contains("such as 120"), "{text}");
        }
    }
}
