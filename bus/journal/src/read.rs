//! Following the log: bounded asks by sequence, woken by republished headers, never trusting a wake to come.
//!
//! A publisher can store a message that the client cannot take in: bytes in subject or headers that are no UTF-8, or no
//! headers at all. It would end the connection of every reader, for ever, at the same place. Such a place is found by
//! asking for one message at a time, and stepped over with a refused record.

use std::time::Duration;

use async_nats::Subscriber;
use chrono::DateTime;
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject;
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, sleep, timeout};

use crate::ask::{ANSWER, Answer, Asked, Asker, Question, told_of};
use crate::bus::Bus;
use crate::judge::Verdicts;
use crate::origin::{Occasion, Origin};
use crate::topology::Scope;
use crate::walk::breaks_at;

/// The longest time between two asks.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before asking again after a refusal that came at once.
const AGAIN: Duration = Duration::from_millis(250);
/// From this many records on, signatures are verified on threads of their own.
const MANY: usize = 16;

/// What one asking brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The records, in the order of the log, each with its verdict. At most 1,000.
    pub records: Vec<Record>,
    /// The stream has been read completely up to this sequence.
    pub complete: u64,
}

/// Follows one stream of the log.
pub struct Reader {
    bus: Bus,
    stream: String,
    cursor: u64,
    lines: Option<Lines>,
    origin: Origin,
}

struct Lines {
    asker: Asker,
    wakes: Subscriber,
    /// A question that was sent ahead.
    ahead: Option<(u64, Asked)>,
    /// Whether the stream was known to have more when last asked.
    more: bool,
}

/// Why the log could not be read. Asking again is always right.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No answer within 5 s.
    #[error("stream {stream} does not answer; it is asked again as long as the connection lives")]
    Silent {
        /// The stream.
        stream: String,
    },
    /// The connection ended under the question.
    #[error("the connection ended while stream {stream} answered; it is asked again")]
    Dropped {
        /// The stream.
        stream: String,
    },
    /// There is no such stream, or nobody who answers for it just now.
    #[error(
        "nobody answers for stream {stream}: it does not exist here, or its server is starting; `entente doctor` tells which"
    )]
    Missing {
        /// The stream.
        stream: String,
    },
    /// The stream is not the one that was followed: it was deleted and made again, or lost its end.
    #[error(
        "stream {stream} was made anew or lost its end: it was read up to {cursor}, and ends at {ends} now; what was read of it is shown, what comes is not; start the server anew to read it from its beginning"
    )]
    Anew {
        /// The stream.
        stream: String,
        /// Up to where it was read.
        cursor: u64,
        /// Where it ends.
        ends: u64,
    },
    /// More subjects fit than the server looks up at once.
    #[error("stream {stream} holds too many subjects to be asked for the last of each; it is read from its beginning")]
    TooMany {
        /// The stream.
        stream: String,
    },
    /// The question was refused.
    #[error("stream {stream} refuses to be read: {reason}; check the rights of this user")]
    Refused {
        /// The stream.
        stream: String,
        /// The server's words.
        reason: String,
    },
    /// The connection was closed by this process.
    #[error("the connection is closed; connect again to read stream {stream}")]
    Closed {
        /// The stream.
        stream: String,
    },
    /// A message is not what its stream holds.
    #[error("stream {stream}, sequence {sequence}: {reason}")]
    Content {
        /// The stream.
        stream: String,
        /// The message.
        sequence: u64,
        /// What is wrong.
        reason: String,
    },
}

impl Reader {
    /// A reader of a scope's log that begins after a sequence; 0 begins at the first record.
    #[must_use]
    pub fn new(bus: &Bus, scope: &Scope, after: u64) -> Self {
        Self { bus: bus.clone(), stream: scope.log_stream(), cursor: after, lines: None, origin: Origin::default() }
    }

    /// Returns as soon as there is news, or after a second without any (then without records). May be dropped at any
    /// await and called again: nothing is lost.
    ///
    /// # Errors
    /// If the log has not answered for 5 s; call again, the reader goes on where it stands. If the stream is not the one
    /// that was followed: that stays so.
    pub async fn next(&mut self) -> Result<Batch, ReadError> {
        let until = Instant::now() + ANSWER;
        loop {
            match self.once().await {
                Ok(batch) => return Ok(batch),
                Err(error) => {
                    self.origin.doubt();
                    // A refusal comes at once; whoever asks for ever must not ask without pause.
                    sleep(AGAIN).await;
                    let passing = matches!(error, ReadError::Dropped { .. } | ReadError::Missing { .. });
                    if !passing || Instant::now() >= until {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Whether the stream had nothing more when it was last asked.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.lines.as_ref().is_some_and(|lines| !lines.more)
    }

    async fn once(&mut self) -> Result<Batch, ReadError> {
        let (stream, cursor) = (self.stream.clone(), self.cursor);
        let (lines, occasion) = match &mut self.lines {
            Some(lines) => {
                let occasion = lines.wait(cursor).await;
                (lines, occasion)
            }
            None => (self.lines.insert(Lines::open(&self.bus, &stream).await?), Occasion::News),
        };
        self.origin.look(&self.bus, &stream, cursor, occasion).await?;
        let answer = match lines.ask(cursor).await {
            Err(ReadError::Dropped { .. }) if breaks_at(&mut lines.asker, cursor).await => {
                tracing::error!("{stream} {}: no client can take this message in; it is stepped over", cursor + 1);
                self.cursor += 1;
                let record = unreadable(lines.asker.stream(), self.cursor);
                return Ok(Batch { records: vec![record], complete: self.cursor });
            }
            other => other?,
        };
        lines.more = answer.left > 0;
        if let (true, Some(last)) = (lines.more, answer.messages.last()) {
            lines.send_ahead(last.sequence).await?;
        }
        let stream = lines.asker.stream().clone();
        let records = answer.messages.into_iter().map(|stored| stored.record(&stream)).collect();
        let records = judged(&self.bus.verdicts, records).await;
        self.cursor = records.last().map_or(cursor, |record| record.sequence);
        Ok(Batch { records, complete: self.cursor })
    }
}

impl Lines {
    async fn open(bus: &Bus, stream: &str) -> Result<Self, ReadError> {
        let closed = |_| ReadError::Closed { stream: stream.to_owned() };
        let wakes = bus.client.subscribe(subject::wake(stream)).await.map_err(closed)?;
        Ok(Self { asker: Asker::new(&bus.client, stream).await?, wakes, ahead: None, more: true })
    }

    /// Waits for a wake, a second at most, and takes all that came: one ask answers them all. What came, for one who has
    /// read up to `cursor`.
    async fn wait(&mut self, cursor: u64) -> Occasion {
        if self.more {
            return Occasion::News;
        }
        let mut wake = timeout(ASK_EVERY, self.wakes.next()).await.ok().flatten();
        let mut occasion = Occasion::Idle;
        while let Some(told) = wake {
            let is_old = told_of(&told).is_some_and(|sequence| sequence <= cursor);
            occasion = if is_old { Occasion::Old } else { Occasion::News };
            wake = self.wakes.next().now_or_never().flatten();
        }
        // Until an answer says otherwise: the call after a failed ask asks at once.
        self.more = true;
        occasion
    }

    async fn ask(&mut self, cursor: u64) -> Result<Answer, ReadError> {
        if let Some((after, asked)) = self.ahead.take()
            && after == cursor
        {
            return self.asker.collect(asked).await;
        }
        self.asker.ask(&Question::from(cursor + 1)).await
    }

    /// Asks for the next batch while this one is judged.
    async fn send_ahead(&mut self, cursor: u64) -> Result<(), ReadError> {
        self.ahead = Some((cursor, self.asker.send(&Question::from(cursor + 1)).await?));
        Ok(())
    }
}

fn unreadable(stream: &std::sync::Arc<str>, sequence: u64) -> Record {
    Record {
        stream: stream.clone(),
        sequence,
        // Nobody can read its time; the log's clock never steps back, so it counts as that of the record before.
        logged: DateTime::UNIX_EPOCH,
        subject: String::new(),
        key: String::new(),
        signature: String::new(),
        payload: std::sync::Arc::from([].as_slice()),
        verdict: Verdict::Refused("the message cannot be taken in: its subject or headers are malformed".to_owned()),
    }
}

/// Gives records their verdicts, many of them on threads of their own.
pub(crate) async fn judged(verdicts: &Verdicts, records: Vec<Record>) -> Vec<Record> {
    if records.len() < MANY {
        return verdicts.judge_all(records);
    }
    let verdicts = verdicts.clone();
    match tokio::task::spawn_blocking(move || verdicts.judge_all(records)).await {
        Ok(records) => records,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
