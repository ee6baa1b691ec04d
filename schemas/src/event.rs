//! The envelope: CloudEvents 1.0 JSON, structured mode. Bytes are fixed once, when an event enters an outbox; they are
//! signed, sent, stored and read as they are and never made again.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::check::Problems;
use crate::digest::{SHORT, base32, hex, length_prefixed, sha256};
use crate::family::{Claim, Family};
use crate::subject::{ClaimSubject, SubjectError, is_feed, is_slug};
use crate::tlp::Tlp;

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
    /// A ULID minted when the outbox was created.
    pub instance: String,
}

impl Source {
    /// Reads `//<org>/<feed>/<instance>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("//")?.split('/');
        let (org, feed, instance) = (parts.next()?, parts.next()?, parts.next()?);
        let ulid = instance.len() == 26 && instance.bytes().all(|b| b.is_ascii_alphanumeric());
        let fits = parts.next().is_none() && is_slug(org) && is_feed(feed) && ulid;
        fits.then(|| Self { org: org.to_owned(), feed: feed.to_owned(), instance: instance.to_owned() })
    }

    /// `<org>/<feed>`: the scope of revisions.
    #[must_use]
    pub fn org_feed(&self) -> String {
        format!("{}/{}", self.org, self.feed)
    }
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

fn family_of_type(kind: &str) -> Option<Family> {
    Family::from_token(kind.strip_prefix("io.entente.")?.strip_suffix(".v1")?)
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
    /// If the claim cannot be written as JSON, or the payload is above [`PAYLOAD_MAX`]; see [`crate::trim`].
    pub fn seal(&self, place: Place<'_>) -> Result<Vec<u8>, SealError> {
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
}

/// An event as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The event id.
    pub id: String,
    /// Who transmitted it.
    pub source: Source,
    /// When it was made.
    pub recorded: DateTime<Utc>,
    /// Counts up from 1 within source and audience.
    pub sequence: u64,
    /// Hash of the previous payload.
    pub prevhash: String,
    /// The event that this one answers.
    pub causation: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The universe.
    pub universe: String,
    /// The audience.
    pub audience: String,
    /// The marking.
    pub tlp: Tlp,
    /// The claim.
    pub claim: Claim,
}

/// Why bytes are no event of ours.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Larger than any event.
    #[error("{0} bytes; a payload has at most 65536")]
    TooLarge(usize),
    /// No UTF-8.
    #[error("not UTF-8: {0}")]
    Encoding(#[from] std::str::Utf8Error),
    /// No JSON of the right shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// An envelope attribute is not as it should be.
    #[error("attribute `{name}`: {what}")]
    Attribute {
        /// The attribute.
        name: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The claim breaks a limit.
    #[error("{0}")]
    Claim(Problems),
}

#[derive(Deserialize)]
struct Read<'a> {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
    subject: String,
    recordedtime: DateTime<Utc>,
    sequence: String,
    prevhash: String,
    #[serde(default)]
    causationid: Option<String>,
    #[serde(default)]
    traceparent: Option<String>,
    universe: String,
    audience: String,
    tlp: Tlp,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Event {
    /// Reads an event as readers do: unknown members are ignored, unknown words are read as `other`; duplicate keys and
    /// numbers out of range are refused.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn read(payload: &[u8]) -> Result<Self, EventError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(EventError::TooLarge(payload.len()));
        }
        let json = std::str::from_utf8(payload)?;
        crate::strict::duplicate_free(json)?;
        let read: Read<'_> = serde_json::from_str(json)?;
        let family = family_of_type(&read.r#type).ok_or_else(|| attribute("type", &read.r#type))?;
        let claim = Claim::read(family, read.data.get())?;
        let event = read.into_event(family, claim)?;
        event.claim.check().map_err(EventError::Claim)?;
        Ok(event)
    }

    /// The subject that the event must have been published under.
    ///
    /// # Errors
    /// If a part does not fit the grammar of subjects.
    pub fn expected_subject(&self) -> Result<ClaimSubject, SubjectError> {
        let (source, object) = (&self.source, &self.claim.header.object_id);
        ClaimSubject::new(&self.universe, &self.audience, &source.org, &source.feed, self.claim.family(), object)
    }
}

impl Read<'_> {
    fn into_event(self, family: Family, claim: Claim) -> Result<Event, EventError> {
        if self.specversion != "1.0" {
            return Err(attribute("specversion", &self.specversion));
        }
        let sequence = read_sequence(&self.sequence).ok_or_else(|| attribute("sequence", &self.sequence))?;
        if self.prevhash.len() != 64 || !self.prevhash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(attribute("prevhash", &self.prevhash));
        }
        let object = self.subject.strip_prefix(family.token()).and_then(|rest| rest.strip_prefix('/'));
        if object != Some(claim.header.object_id.as_str()) {
            return Err(attribute("subject", &self.subject));
        }
        if self.audience == "all" && !self.tlp.fits_all() {
            return Err(attribute("tlp", self.tlp.as_str()));
        }
        Ok(Event {
            source: Source::parse(&self.source).ok_or_else(|| attribute("source", &self.source))?,
            id: self.id,
            recorded: self.recordedtime,
            sequence,
            prevhash: self.prevhash,
            causation: self.causationid,
            traceparent: self.traceparent,
            universe: self.universe,
            audience: self.audience,
            tlp: self.tlp,
            claim,
        })
    }
}

fn attribute(name: &'static str, value: &str) -> EventError {
    let shown: String = value.chars().take(80).collect();
    EventError::Attribute { name, what: format!("`{shown}` is not as EVENTS 2 asks") }
}

fn read_sequence(text: &str) -> Option<u64> {
    if text.len() != 20 { None } else { text.parse().ok().filter(|n| *n > 0) }
}

/// The hash that the source's next event names as its predecessor.
#[must_use]
pub fn chain_hash(payload: &[u8]) -> String {
    hex(&sha256(payload))
}
