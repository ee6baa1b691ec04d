//! Reading an event as every reader must: what a later minor version adds is passed over, what breaks the envelope's
//! rules is refused with its place. Signature, chain, key and subject of the record are judged by others.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{PAYLOAD_MAX, Source, fits_audience, is_id};
use crate::check::{Problems, in_century};
use crate::count::COUNT_MAX;
use crate::digest::is_hash;
use crate::exact::{self, Skipped};
use crate::family::{Claim, Family};
use crate::subject::{ClaimSubject, SubjectError, is_audience, is_universe};
use crate::tlp::Tlp;

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
    /// No JSON of the right shape; line and column count in the payload.
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
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    id: String,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    // For readers that know CloudEvents only: the claim says it better.
    #[serde(default, rename = "time")]
    _time: Option<DateTime<Utc>>,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(borrow)]
    dataschema: Cow<'a, str>,
    recordedtime: DateTime<Utc>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
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
    /// Reads an event as readers do: unknown members are ignored, unknown words are read as `other`; duplicate keys,
    /// lists in the place of objects and numbers out of range are refused.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn read(payload: &[u8]) -> Result<Self, EventError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(EventError::TooLarge(payload.len()));
        }
        let json = std::str::from_utf8(payload)?;
        let read: Read<'_> = exact::from_str(json, Skipped::Checked)?;
        let family = family_of_type(&read.r#type).ok_or_else(|| attribute("type", &read.r#type))?;
        read.check(family)?;
        let data = read.data.get();
        let claim = Claim::read(family, data).map_err(|error| exact::within(error, json, data))?;
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
    fn check(&self, family: Family) -> Result<(), EventError> {
        let causation = self.causationid.as_deref().unwrap_or("none");
        let attributes: [(_, bool, &str); 10] = [
            ("specversion", self.specversion == "1.0", &self.specversion),
            ("id", is_id(&self.id), &self.id),
            ("datacontenttype", self.datacontenttype == "application/json", &self.datacontenttype),
            ("dataschema", is_schema(family, &self.dataschema), &self.dataschema),
            ("recordedtime", in_century(self.recordedtime), "a time before 2000 or after 2099"),
            ("prevhash", is_hash(&self.prevhash), &self.prevhash),
            ("causationid", is_id(causation), causation),
            ("universe", is_universe(&self.universe), &self.universe),
            ("audience", is_audience(&self.audience), &self.audience),
            ("tlp", fits_audience(self.tlp, &self.audience), self.tlp.as_str()),
        ];
        match attributes.into_iter().find(|(_, fits, _)| !fits) {
            Some((name, _, value)) => Err(attribute(name, value)),
            None => Ok(()),
        }
    }

    fn into_event(self, family: Family, claim: Claim) -> Result<Event, EventError> {
        let object = self.subject.strip_prefix(family.token()).and_then(|rest| rest.strip_prefix('/'));
        if object != Some(claim.header.object_id.as_str()) {
            return Err(attribute("subject", &self.subject));
        }
        Ok(Event {
            source: Source::parse(&self.source).ok_or_else(|| attribute("source", &self.source))?,
            id: self.id,
            recorded: self.recordedtime,
            sequence: read_sequence(&self.sequence).ok_or_else(|| attribute("sequence", &self.sequence))?,
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

fn family_of_type(kind: &str) -> Option<Family> {
    Family::from_token(kind.strip_prefix("io.entente.")?.strip_suffix(".v1")?)
}

/// Any minor of version 1: what a later one adds is passed over.
fn is_schema(family: Family, urn: &str) -> bool {
    let rest = urn.strip_prefix("urn:entente:schema:").and_then(|rest| rest.strip_prefix(family.token()));
    let minor = rest.and_then(|rest| rest.strip_prefix(":1.")).unwrap_or_default();
    !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit())
}

fn read_sequence(text: &str) -> Option<u64> {
    // A number's own reader would take a plus sign for the first digit.
    let digits = text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok().filter(|number| (1..=COUNT_MAX).contains(number)) } else { None }
}
