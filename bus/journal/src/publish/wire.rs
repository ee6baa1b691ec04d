//! The headers that travel with an event, and the answers that come back.

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message};
use data_encoding::BASE64URL_NOPAD;
use entente_schemas::event::{CONTENT_TYPE, message_id};
use serde::Deserialize;
use ulid::Ulid;

use crate::ask::{KEY, SIGNATURE};
use crate::outbox::Parcel;
use crate::topology::ApiError;

/// The headers of an event: the same at every try.
pub(super) fn headers(parcel: &Parcel, key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let all = [
        ("Content-Type", CONTENT_TYPE.to_owned()),
        (KEY, key.to_owned()),
        (SIGNATURE, BASE64URL_NOPAD.encode(&parcel.signature)),
        ("Nats-Msg-Id", message_id(&parcel.signature)),
    ];
    for (name, value) in all {
        add(&mut headers, name, &value);
    }
    headers
}

/// The name of a batch, told apart from every other for ever.
pub(super) fn batch_name() -> String {
    Ulid::new().to_string()
}

/// Makes a message one of an atomic batch.
pub(super) fn add_batch(headers: &mut HeaderMap, name: &str, number: usize, last: bool) {
    add(headers, "Nats-Batch-Id", name);
    add(headers, "Nats-Batch-Sequence", &number.to_string());
    if last {
        add(headers, "Nats-Batch-Commit", "1");
    }
}

/// `HeaderMap::insert` panics on what is no header; all that is written here is letters, digits, `-`, `_`, `+`, `/`.
fn add(headers: &mut HeaderMap, name: &'static str, value: &str) {
    match value.parse::<HeaderValue>() {
        Ok(value) => headers.insert(HeaderName::from_static(name), value),
        Err(error) => tracing::error!(%error, "header {name}"),
    }
}

/// What an answer is about: the last token of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// One event.
    Single(u64),
    /// The first message of a batch.
    Opening(u64),
    /// A whole batch.
    Batch(u64),
}

impl Token {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = text.get(1..)?.parse().ok()?;
        match text.as_bytes().first()? {
            b's' => Some(Self::Single(number)),
            b'o' => Some(Self::Opening(number)),
            b'b' => Some(Self::Batch(number)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Single(number) => write!(f, "s{number}"),
            Self::Opening(number) => write!(f, "o{number}"),
            Self::Batch(number) => write!(f, "b{number}"),
        }
    }
}

/// What the log says.
#[derive(Debug)]
pub(super) enum Answer {
    /// Stored, at this sequence.
    Stored { log: u64, duplicate: bool, count: u64 },
    /// A batch was begun.
    Opened,
    /// Not stored, or not known, and why.
    Refused(String),
}

#[derive(Deserialize)]
struct PubAck {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    #[serde(default)]
    count: u64,
    error: Option<ApiError>,
}

pub(super) fn answer_of(message: &Message) -> Answer {
    if let Some(status) = message.status {
        return Answer::Refused(format!("nobody takes it just now ({status})"));
    }
    if message.payload.is_empty() {
        return Answer::Opened;
    }
    match serde_json::from_slice::<PubAck>(&message.payload) {
        Ok(PubAck { error: Some(error), .. }) => Answer::Refused(format!("{} ({})", error.description, error.code)),
        Ok(PubAck { seq, duplicate, count, error: None }) if seq > 0 => Answer::Stored { log: seq, duplicate, count },
        _ => Answer::Refused("the answer cannot be read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_are_read_as_written() {
        for token in [Token::Single(1), Token::Opening(u64::MAX), Token::Batch(0)] {
            assert_eq!(Token::parse(&token.to_string()), Some(token));
        }
        assert!(Token::parse("").is_none() && Token::parse("x1").is_none() && Token::parse("s").is_none());
    }
}
