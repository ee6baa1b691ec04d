//! Reading what stands under certain subjects, and stepping over what no client can take in.
//!
//! An answer about subjects does not tell where the message stands that ends the connection. So from the last good place on
//! everything is read until that message is met, and then only what fits again.

use std::sync::Arc;

use crate::ask::{Answer, Asker, Question, Stored};
use crate::bus::Bus;
use crate::read::ReadError;

/// How often a place must end the connection, with a good answer elsewhere in between, to be stepped over.
const TRIES: u32 = 3;

/// The messages of a stream whose subjects fit a filter, in the order of the stream, in bounded answers.
pub(crate) struct Walk {
    asker: Asker,
    filter: String,
    cursor: u64,
    /// Everything is asked for, for a message that ends the connection lies ahead.
    whole: bool,
    ended: bool,
}

impl Walk {
    /// Begins after a sequence; 0 is the beginning of the stream.
    pub(crate) async fn new(bus: &Bus, stream: &str, filter: String, after: u64) -> Result<Self, ReadError> {
        let asker = Asker::new(&bus.client, stream).await?;
        Ok(Self { asker, filter, cursor: after, whole: false, ended: false })
    }

    /// The stream.
    pub(crate) fn stream(&self) -> &Arc<str> {
        self.asker.stream()
    }

    /// The next messages, which may be none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Stored>>, ReadError> {
        while !self.ended {
            match self.asker.ask(&self.question()).await {
                Ok(answer) => return Ok(Some(self.take(answer))),
                Err(ReadError::Dropped { .. }) if !self.whole => self.whole = self.drops_again().await,
                Err(ReadError::Dropped { .. }) if breaks_at(&mut self.asker, self.cursor).await => {
                    self.cursor += 1;
                    tracing::error!(
                        "{} {}: no client can take this message in; it is stepped over",
                        self.stream(),
                        self.cursor
                    );
                    self.whole = false;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn question(&self) -> Question {
        let next = Question::from(self.cursor + 1);
        if self.whole { next } else { next.of(self.filter.clone()) }
    }

    async fn drops_again(&mut self) -> bool {
        let one = self.question().at_most(1);
        matches!(self.asker.ask(&one).await, Err(ReadError::Dropped { .. }))
    }

    fn take(&mut self, answer: Answer) -> Vec<Stored> {
        self.ended = answer.left == 0;
        self.cursor = answer.messages.last().map_or(self.cursor, |last| last.sequence);
        answer.messages.into_iter().filter(|one| fits(&self.filter, &one.subject)).collect()
    }
}

/// Whether the message after a cursor ends every connection that asks for it, while other questions are answered.
pub(crate) async fn breaks_at(asker: &mut Asker, cursor: u64) -> bool {
    for _ in 0..TRIES {
        let elsewhere = Question::from(u64::MAX).at_most(1);
        if asker.ask(&elsewhere).await.is_err() {
            return false;
        }
        let there = Question::from(cursor + 1).at_most(1);
        if !matches!(asker.ask(&there).await, Err(ReadError::Dropped { .. })) {
            return false;
        }
    }
    true
}

/// Whether a subject fits a filter: `*` stands for one token, `>` at the end for one or more.
fn fits(filter: &str, subject: &str) -> bool {
    let (mut wanted, mut found) = (filter.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), found.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(token), Some(other)) if token == "*" || token == other => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_filter_fits_as_the_server_says_it_does() {
        for (filter, subject, expected) in [
            ("a.b.>", "a.b.c", true),
            ("a.b.>", "a.b.c.d", true),
            ("a.b.>", "a.b", false),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.c.d", false),
            ("a.*", "a", false),
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
        ] {
            assert_eq!(fits(filter, subject), expected, "{filter} {subject}");
        }
    }
}
