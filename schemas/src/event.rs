//! The envelope: CloudEvents 1.0 JSON, structured mode. Bytes are fixed once, when an event enters an outbox; they are
//! signed, sent, stored and read as they are and never made again.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::digest::{SHORT, base32, hex, is_hash, length_prefixed, sha256};
use crate::family::{Claim, Family};
use crate::subject::{AUDIENCE_ALL, ClaimSubject, SubjectError, is_audience, is_feed, is_slug, is_universe};
use crate::tlp::Tlp;

mod read;

pub use read::{Event, EventError};

/// The greatest size of a payload in bytes.
pub const PAYLOAD_MAX: usize = 64 * 1024;
/// The content type in the NATS header; without it the CloudEvents binding reads binary mode.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The hash before a source's first event.
pub const CHAIN_START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Who transmits and signs: `//<org>/<feed>/<instance>`. With the audience, the scope of sequence and chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The transmitting organisation.
    pub org: String,
    /// The feed, `desk` for people.
    pub feed: String,
    /// A ULID minted when the outbox was created, in capitals.
    pub instance: String,
}

impl Source {
    /// Reads `//<org>/<feed>/<instance>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("//")?.split('/');
        let (org, feed, instance) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = parts.next().is_none() && is_slug(org) && is_feed(feed) && is_ulid(instance);
        fits.then(|| Self { org: org.to_owned(), feed: feed.to_owned(), instance: instance.to_owned() })
    }

    /// `<org>/<feed>`: the scope of revisions.
    #[must_use]
    pub fn org_feed(&self) -> String {
        format!("{}/{}", self.org, self.feed)
    }
}

/// 128 bits in 26 characters of Crockford's base32, which has no I, L, O and U.
fn is_ulid(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U'));
    text.len() == 26 && text.starts_with(|first| ('0'..='7').contains(&first)) && text.bytes().all(digit)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "//{}/{}/{}", self.org, self.feed, self.instance)
    }
}

/// The id of a machine's event: equal whoever computes it, so that a retry is harmless.
#[must_use]
pub fn machine_id(universe: &str, org_feed: &str, family: Family, object_id: &str, rev: u64, digest: &str) -> String {
    let (kind, rev) = (event_type(family), rev.to_string());
    base32(&length_prefixed(["entente.id.v1", universe, org_feed, &kind, object_id, &rev, digest]), SHORT)
}

/// The CloudEvents type of a family.
#[must_use]
pub fn event_type(family: Family) -> String {
    format!("io.entente.{}.v1", family.token())
}

/// The bytes that are signed: DSSE's pre-authentication encoding of the payload exactly as sent.
#[must_use]
pub fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {CONTENT_TYPE} {} ", CONTENT_TYPE.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The message id for the bus: a hash of the signature, which no rival can compute ahead.
#[must_use]
pub fn message_id(signature: &[u8]) -> String {
    base32(&sha256(signature), SHORT)
}

/// An event before it enters an outbox, which gives it instance, sequence and predecessor.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The event id: [`machine_id`], or a UUIDv7 that a person's tool minted once.
    pub id: String,
    /// When the event was made.
    pub recorded: DateTime<Utc>,
    /// The event that this one answers.
    pub causation: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The marking.
    pub tlp: Tlp,
    /// The claim.
    pub claim: Claim,
}

/// The place of a draft in its outbox.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Who transmits.
    pub source: &'a Source,
    /// The universe.
    pub universe: &'a str,
    /// The audience.
    pub audience: &'a str,
    /// One more than the source's last in this audience.
    pub sequence: u64,
    /// Lower-case hex SHA-256 of the source's previous payload in this audience, or [`CHAIN_START`].
    pub prevhash: &'a str,
}

#[derive(Serialize)]
struct Written<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    r#type: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    datacontenttype: &'static str,
    dataschema: String,
    recordedtime: String,
    sequence: String,
    prevhash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    universe: &'a str,
    audience: &'a str,
    tlp: Tlp,
    data: &'a Claim,
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Draft {
    /// The final bytes of the event at its place.
    ///
    /// # Errors
    /// If an attribute is not as readers ask, the claim cannot be written as JSON, or the payload is above
    /// [`PAYLOAD_MAX`]; see [`crate::trim`]. The claim itself is checked by [`Claim::check`].
    pub fn seal(&self, place: Place<'_>) -> Result<Vec<u8>, SealError> {
        self.check_attributes(place)?;
        let family = self.claim.family();
        let written = Written {
            specversion: "1.0",
            id: &self.id,
            source: place.source.to_string(),
            r#type: event_type(family),
            subject: format!("{}/{}", family.token(), self.claim.header.object_id),
            time: self.claim.header.times.occurred_at.map(stamp),
            datacontenttype: "application/json",
            dataschema: format!("urn:entente:schema:{}:1.0", family.token()),
            recordedtime: stamp(self.recorded),
            sequence: format!("{:020}", place.sequence),
            prevhash: place.prevhash,
            causationid: self.causation.as_deref(),
            traceparent: self.traceparent.as_deref(),
            universe: place.universe,
            audience: place.audience,
            tlp: self.tlp,
            data: &self.claim,
        };
        let bytes = serde_json::to_vec(&written)?;
        if bytes.len() > PAYLOAD_MAX {
            return Err(SealError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    fn check_attributes(&self, place: Place<'_>) -> Result<(), SealError> {
        let causation = self.causation.as_deref().unwrap_or("none");
        let trace = self.traceparent.as_deref().is_none_or(is_traceparent);
        let attributes = [
            ("id", is_id(&self.id), "1 to 64 printable ASCII characters"),
            ("causationid", is_id(causation), "1 to 64 printable ASCII characters"),
            ("traceparent", trace, "W3C trace context: 00-<32 digits>-<16 digits>-<2 digits>, lower-case hexadecimal"),
            ("universe", is_universe(place.universe), "actual, exercise, test or exercise-<slug>"),
            ("audience", is_audience(place.audience), "all, or g and 16 characters of base32"),
            ("tlp", fits_audience(self.tlp, place.audience), "clear or green for all, another marking in a group"),
            ("sequence", place.sequence > 0, "a count from 1"),
            ("prevhash", is_hash(place.prevhash), "64 lower-case hexadecimal digits"),
        ];
        match attributes.into_iter().find(|(_, fits, _)| !fits) {
            Some((name, _, expected)) => Err(SealError::Attribute { name, expected }),
            None => Ok(()),
        }
    }

    /// The subject under which the event is published.
    ///
    /// # Errors
    /// If a part does not fit the grammar of subjects.
    pub fn subject(&self, place: Place<'_>) -> Result<ClaimSubject, SubjectError> {
        let (source, object) = (place.source, &self.claim.header.object_id);
        ClaimSubject::new(place.universe, place.audience, &source.org, &source.feed, self.claim.family(), object)
    }
}

/// Why an event could not be given its final bytes.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The claim cannot be written.
    #[error("the claim cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The payload is above its limit.
    #[error("the payload has {0} bytes; at most 65536 travel on the bus")]
    TooLarge(usize),
    /// An attribute is one that every reader would refuse.
    #[error("attribute `{name}`: expected {expected}")]
    Attribute {
        /// The attribute.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_traceparent(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2]) && parts.into_iter().all(digits)
}

fn fits_audience(tlp: Tlp, audience: &str) -> bool {
    tlp.fits_all() == (audience == AUDIENCE_ALL)
}

/// The hash that the source's next event names as its predecessor.
#[must_use]
pub fn chain_hash(payload: &[u8]) -> String {
    hex(&sha256(payload))
}
