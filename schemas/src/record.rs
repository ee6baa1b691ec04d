//! What the log holds: records, their verdicts, and positions in it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// What the journal found when it first read a record. Whether the fold takes a record depends on more: on its subject,
/// its chain, its clock and the key that its source began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is that of the key in the header over these bytes.
    Signed,
    /// It is not, and why.
    Refused(String),
}

/// One message of the log as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The stream's name.
    pub stream: Arc<str>,
    /// The message's sequence in the stream.
    pub sequence: u64,
    /// When the log took it, by the clock of the stream's leader.
    pub logged: DateTime<Utc>,
    /// The subject it was published under.
    pub subject: String,
    /// The key named in the header, `U…`; empty if none was.
    pub key: String,
    /// The signature in the header, base64url without padding; empty if none was.
    pub signature: String,
    /// The payload, byte for byte.
    pub payload: Arc<[u8]>,
    /// The journal's verdict.
    pub verdict: Verdict,
}

/// How far the log has been read: one sequence per stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(BTreeMap<String, u64>);

impl Position {
    /// The position in a log of one stream.
    #[must_use]
    pub fn of(stream: &str, sequence: u64) -> Self {
        Self(BTreeMap::from([(stream.to_owned(), sequence)]))
    }

    /// The sequence reached in a stream; 0 before its first.
    #[must_use]
    pub fn sequence(&self, stream: &str) -> u64 {
        self.0.get(stream).copied().unwrap_or(0)
    }

    /// Moves the position of one stream forward; never back.
    pub fn advance(&mut self, stream: &str, sequence: u64) {
        let place = self.0.entry(stream.to_owned()).or_default();
        *place = sequence.max(*place);
    }

    /// Whether the record of this stream and sequence stands at or before the position.
    #[must_use]
    pub fn covers(&self, stream: &str, sequence: u64) -> bool {
        sequence <= self.sequence(stream)
    }

    /// Whether everything that `other` counts is counted here as well.
    #[must_use]
    pub fn reaches(&self, other: &Self) -> bool {
        other.iter().all(|(stream, sequence)| self.covers(stream, sequence))
    }

    /// How many sequences are counted here and not by `other`.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> u64 {
        self.iter().map(|(stream, sequence)| sequence.saturating_sub(other.sequence(stream))).sum()
    }

    /// Streams and sequences, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(stream, sequence)| (stream.as_str(), *sequence))
    }

    /// Reads a position: a bare sequence of `single` where one stream is read, else `stream:seq,…`.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str, single: &str) -> Result<Self, PositionError> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::of(single, sequence));
        }
        let mut position = Self::default();
        for part in text.split(',') {
            let (stream, sequence) = part.split_once(':').ok_or_else(|| PositionError(text.to_owned()))?;
            let sequence = u64::from_str(sequence).map_err(|_| PositionError(text.to_owned()))?;
            position.advance(stream, sequence);
        }
        Ok(position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= 1 {
            return write!(f, "{}", self.0.values().next().copied().unwrap_or(0));
        }
        for (index, (stream, sequence)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{stream}:{sequence}")?;
        }
        Ok(())
    }
}

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no position; expected a sequence, such as 120")]
pub struct PositionError(String);

/// The cut of a view: how far the log counts, and what the clock shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How far the log counts.
    pub position: Position,
    /// What the clock shows: ages, overdue and silent depend on it and on nothing else.
    pub time: DateTime<Utc>,
}
