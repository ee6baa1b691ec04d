//! The one primitive of reading: a bounded question to a stream, a bounded answer, nothing kept on the server.
//!
//! Answers carry facts in headers that the server adds after the publisher's own, so only the last of equal names is
//! the server's. A publisher may even send a status line that looks like the end of an answer; what has a time stamp of
//! the server is a message all the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, Subscriber};
use chrono::{DateTime, Utc};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject::ClaimSubject;
use futures::StreamExt as _;
use serde::Serialize;

use crate::read::ReadError;

/// How many messages one answer has at most.
pub(crate) const BATCH: u32 = 1_000;
/// How many bytes one answer has at most, about.
const MAX_BYTES: u32 = 8 << 20;
/// How long to wait for a message of an answer before asking again.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// How often to look whether the connection that carried the question is gone.
const SLICE: Duration = Duration::from_millis(100);

/// Name of the header with the signer's public key.
pub(crate) const KEY: &str = "Entente-Key";
/// Name of the header with the signature.
pub(crate) const SIGNATURE: &str = "Entente-Signature";
const SEQUENCE: &str = "Nats-Sequence";
const SUBJECT: &str = "Nats-Subject";
const TIME: &str = "Nats-Time-Stamp";
const BEFORE: &str = "Nats-Last-Sequence";
const PENDING: &str = "Nats-Num-Pending";

/// What to ask a stream.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Question {
    /// From this sequence on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
    /// Only subjects that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_by_subj: Option<String>,
    /// Only the last of every subject that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) multi_last: Vec<String>,
    /// How many messages at most.
    pub(crate) batch: u32,
    /// How many bytes at most.
    max_bytes: u32,
}

impl Question {
    pub(crate) fn from(sequence: u64) -> Self {
        Self { seq: Some(sequence.max(1)), batch: BATCH, max_bytes: MAX_BYTES, ..Self::default() }
    }

    pub(crate) fn last_of(subjects: String) -> Self {
        Self { multi_last: vec![subjects], batch: 1_024, max_bytes: MAX_BYTES, ..Self::default() }
    }

    pub(crate) fn of(self, subjects: String) -> Self {
        Self { next_by_subj: Some(subjects), ..self }
    }

    pub(crate) fn at_most(self, batch: u32) -> Self {
        Self { batch, ..self }
    }
}

/// One message of an answer.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    logged: DateTime<Utc>,
    message: Message,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The messages, in order and without a hole that is not the stream's own.
    pub(crate) messages: Vec<Stored>,
    /// How many the stream has after these; 1 where the answer broke off.
    pub(crate) left: u64,
}

/// A question on its way.
pub(crate) struct Asked {
    token: u64,
    connects: u64,
}

/// Asks one stream.
pub(crate) struct Asker {
    client: Client,
    stream: Arc<str>,
    inbox: String,
    answers: Subscriber,
    asked: u64,
}

impl Asker {
    pub(crate) async fn new(client: &Client, stream: &str) -> Result<Self, ReadError> {
        let inbox = client.new_inbox();
        let closed = |_| ReadError::Closed { stream: stream.to_owned() };
        let answers = client.subscribe(format!("{inbox}.*")).await.map_err(closed)?;
        Ok(Self { client: client.clone(), stream: stream.into(), inbox, answers, asked: 0 })
    }

    pub(crate) fn stream(&self) -> &Arc<str> {
        &self.stream
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Answer, ReadError> {
        let asked = self.send(question).await?;
        self.collect(asked).await
    }

    /// Sends a question; its answer is taken by [`Asker::collect`]. A later question makes an earlier answer void.
    pub(crate) async fn send(&mut self, question: &Question) -> Result<Asked, ReadError> {
        self.asked += 1;
        let asked = Asked { token: self.asked, connects: self.connects() };
        let body = serde_json::to_vec(question).map_err(|error| self.refused(error.to_string()))?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let reply = format!("{}.{}", self.inbox, asked.token);
        let sent = self.client.publish_with_reply(subject, reply, body.into()).await;
        sent.map_err(|_| ReadError::Closed { stream: self.stream.to_string() })?;
        Ok(asked)
    }

    pub(crate) async fn collect(&mut self, asked: Asked) -> Result<Answer, ReadError> {
        let suffix = format!(".{}", asked.token);
        let mut messages: Vec<Stored> = Vec::new();
        let mut quiet = Duration::ZERO;
        loop {
            let Ok(next) = tokio::time::timeout(SLICE, self.answers.next()).await else {
                quiet += SLICE;
                let dropped = self.connects() != asked.connects;
                if dropped || quiet >= ANSWER {
                    return self.broken_off(messages, dropped);
                }
                continue;
            };
            let message = next.ok_or_else(|| ReadError::Closed { stream: self.stream.to_string() })?;
            if !message.subject.ends_with(&suffix) {
                continue;
            }
            quiet = Duration::ZERO;
            match stored(message) {
                Ok(one) if follows(&one, messages.last()) => messages.push(one),
                // A part of the answer went down with the old connection.
                Ok(_) => return self.broken_off(messages, true),
                Err(status) => return self.ended(&status, messages),
            }
        }
    }

    fn broken_off(&self, messages: Vec<Stored>, dropped: bool) -> Result<Answer, ReadError> {
        match (messages.is_empty(), dropped) {
            (false, _) => Ok(Answer { messages, left: 1 }),
            (true, true) => Err(ReadError::Dropped { stream: self.stream.to_string() }),
            (true, false) => Err(ReadError::Silent { stream: self.stream.to_string() }),
        }
    }

    fn ended(&self, status: &Message, messages: Vec<Stored>) -> Result<Answer, ReadError> {
        let code = status.status.map_or(0, |status| status.as_u16());
        match code {
            204 => {
                let left = status.headers.as_ref().and_then(|headers| number(headers, PENDING)).unwrap_or(0);
                Ok(Answer { messages, left })
            }
            404 => Ok(Answer { messages, left: 0 }),
            413 => Err(ReadError::TooMany { stream: self.stream.to_string() }),
            503 => Err(ReadError::Missing { stream: self.stream.to_string() }),
            _ => Err(self.refused(format!("{code} {}", status.description.as_deref().unwrap_or_default()))),
        }
    }

    fn refused(&self, reason: String) -> ReadError {
        ReadError::Refused { stream: self.stream.to_string(), reason }
    }

    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }
}

fn follows(one: &Stored, previous: Option<&Stored>) -> bool {
    let before = one.message.headers.as_ref().and_then(|headers| number(headers, BEFORE));
    before.is_none_or(|before| before == previous.map_or(0, |previous| previous.sequence))
}

/// At which sequence a message stands that was told of when it was stored.
pub(crate) fn told_of(message: &Message) -> Option<u64> {
    number(message.headers.as_ref()?, SEQUENCE)
}

/// The message as stored, or the status that it is.
pub(crate) fn stored(message: Message) -> Result<Stored, Box<Message>> {
    let facts = message.headers.as_ref().and_then(|headers| {
        let logged = DateTime::parse_from_rfc3339(last(headers, TIME)?).ok()?.with_timezone(&Utc);
        Some((number(headers, SEQUENCE)?, last(headers, SUBJECT).unwrap_or_default().to_owned(), logged))
    });
    match facts {
        Some((sequence, subject, logged)) => Ok(Stored { sequence, subject, logged, message }),
        None => Err(Box::new(message)),
    }
}

impl Stored {
    /// The message's bytes.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.message.payload
    }

    /// The record, with verdict `Signed` where nothing but the signature remains to be judged.
    pub(crate) fn record(self, stream: &Arc<str>) -> Record {
        let headers = self.message.headers.unwrap_or_default();
        let verdict = match objection(&headers, &self.subject) {
            Some(reason) => Verdict::Refused(reason),
            None => Verdict::Signed,
        };
        Record {
            stream: Arc::clone(stream),
            sequence: self.sequence,
            logged: self.logged,
            subject: self.subject,
            key: last(&headers, KEY).unwrap_or_default().to_owned(),
            signature: last(&headers, SIGNATURE).unwrap_or_default().to_owned(),
            payload: Arc::from(self.message.payload.as_ref()),
            verdict,
        }
    }
}

fn objection(headers: &HeaderMap, subject: &str) -> Option<String> {
    if let Err(error) = ClaimSubject::parse(subject) {
        return Some(format!("subject: {error}"));
    }
    let twice: BTreeSet<&str> =
        [KEY, SIGNATURE].into_iter().filter(|name| headers.get_all(*name).count() > 1).collect();
    twice.first().map(|name| format!("header {name} stands twice"))
}

fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_last(name).map(async_nats::HeaderValue::as_str)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    last(headers, name)?.parse().ok()
}
