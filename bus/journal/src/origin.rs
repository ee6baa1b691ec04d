//! Whether a stream is still the one that is followed. One that was deleted and made again under its name counts anew, and
//! so does one that lost its end: whoever goes on from its old sequence would miss what stands before it, in silence.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bus::Bus;
use crate::read::ReadError;

/// Why a stream is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Something comes, as expected.
    News,
    /// Nothing comes.
    Idle,
    /// What came last is said to stand where the stream was read before. Mostly it was read meanwhile.
    Old,
}

impl Occasion {
    /// How long the last look is good enough.
    fn pause(self) -> Duration {
        match self {
            Self::News => Duration::from_secs(60),
            Self::Idle => Duration::from_secs(5),
            Self::Old => Duration::ZERO,
        }
    }
}

/// How long a stream may end too early: one of several servers that has just taken it over may be behind for a moment.
const BEHIND: Duration = Duration::from_secs(5);

/// When a stream was made, as it was first found, and when that was looked at.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    made: Option<Value>,
    looked: Option<Instant>,
    /// Since when it ends too early.
    short: Option<Instant>,
    /// It is another for good: where that ended when it was found.
    other: Option<u64>,
}

impl Origin {
    /// Looks at the stream again if that is due; one that does not tell is asked again next time.
    ///
    /// # Errors
    /// If it is not the one that was followed up to `cursor`.
    pub(crate) async fn look(
        &mut self,
        bus: &Bus,
        stream: &str,
        cursor: u64,
        occasion: Occasion,
    ) -> Result<(), ReadError> {
        let anew = |ends| Err(ReadError::Anew { stream: stream.to_owned(), cursor, ends });
        if let Some(ends) = self.other {
            return anew(ends);
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < occasion.pause()) {
            return Ok(());
        }
        let answer = bus.api(&format!("STREAM.INFO.{stream}"), &json!({}), "asking when the stream was made").await;
        let Ok(Ok(info)) = answer else { return Ok(()) };
        let ends = info.pointer("/state/last_seq").and_then(Value::as_u64).unwrap_or(cursor);
        let made = info.get("created").cloned();
        if self.is_other(made, ends < cursor) {
            self.other = Some(ends);
        }
        if self.short.is_some() || self.other.is_some() {
            return anew(ends);
        }
        self.looked = Some(Instant::now());
        Ok(())
    }

    fn is_other(&mut self, made: Option<Value>, short: bool) -> bool {
        let same = made.is_none_or(|made| *self.made.get_or_insert_with(|| made.clone()) == made);
        self.short = if short { self.short.or_else(|| Some(Instant::now())) } else { None };
        !same || self.short.is_some_and(|since| since.elapsed() >= BEHIND)
    }

    /// Has it looked at before the next question: something may have happened to it.
    pub(crate) fn doubt(&mut self) {
        self.looked = None;
    }
}
