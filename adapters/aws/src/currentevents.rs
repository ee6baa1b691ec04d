//! One event of `currentevents` into an impact and its notices. Pure. The newest log entry says how it stands; the event's
//! own status is the peak and does not come down. A hundred and more services make a few blocks, never a hundred events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, Severity};
use entente_schemas::family::{Body, Impact, Notice, Outcome, Phase};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use entente_sidecar::decode::{List, Part, json_item, json_items, refuse_item};
use entente_sidecar::item::{Item, Reading, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Meaning, Member};
use entente_sidecar::reading::{gather, updates};
use entente_sidecar::stamp::{MemberError, only_observed, since_epoch, utc_seconds};
use entente_sidecar::written::{Written, said};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::public::PAGE;
use crate::service::{Hit, blocks};

/// The native system.
pub(crate) const SYSTEM: &str = "aws.currentevents";

/// The greatest number of characters in an event's name, which each of its statements repeats.
const ID_MAX: usize = 400;

#[derive(Debug, Deserialize)]
struct Event {
    arn: String,
    date: Written,
    end_time: Option<Written>,
    status: Option<Written>,
    region_name: Option<String>,
    service: Option<String>,
    service_name: Option<String>,
    summary: Option<String>,
    event_log: Option<List<Part<Entry>>>,
    impacted_services: Option<BTreeMap<String, Impacted>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    timestamp: Written,
    status: Option<Written>,
    summary: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Impacted {
    service_name: Option<String>,
    current: Option<Written>,
    max: Option<Written>,
}

/// What an event lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("`{member}` is `{text}`; expected whole seconds since 1970")]
    Seconds { member: &'static str, text: String },
    #[error(transparent)]
    Stamp(#[from] MemberError),
    #[error("`arn` is empty: the event cannot be told from others")]
    Nameless,
    #[error("`arn` has over {ID_MAX} characters; no event has such a name")]
    LongName,
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// An entry and when it was made.
type Told<'a> = (DateTime<Utc>, &'a Entry);

/// What all parts of one event need.
struct Reader<'a, 'm> {
    observed: DateTime<Utc>,
    lookup: &'a mut Lookup<'m>,
    /// The entries of its log that could be read, oldest first.
    told: Vec<Told<'a>>,
}

/// Reads an answer: a list of open events, empty when all is quiet.
pub(crate) fn items(body: &[u8], observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Reading, Refusal> {
    let mut read = |index: usize, raw: &RawValue| {
        let event = json_item::<Event>(raw, index)?;
        let position: String = event.arn.chars().take(ID_MAX).collect();
        event.item(observed, lookup).map_err(|fault| refuse_item(fault, position, raw.get().as_bytes()))
    };
    Ok(gather(json_items(body)?.iter().enumerate().map(|(index, raw)| read(index, raw))))
}

impl Event {
    fn item(&self, observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Item, Fault> {
        if self.arn.trim().is_empty() {
            return Err(Fault::Nameless);
        }
        if self.arn.chars().count() > ID_MAX {
            return Err(Fault::LongName);
        }
        let began = seconds("date", &self.date, observed)?;
        let ended = self.end_time.as_ref().filter(|_| said(&self.end_time).is_some());
        let ended = ended.map(|end| seconds("end_time", end, observed)).transpose()?;
        let log = self.event_log.iter().flatten();
        let (mut told, refused) = updates(&self.arn, log, |entry: &Entry| {
            Ok::<_, Fault>((seconds("timestamp", &entry.timestamp, observed)?, entry))
        });
        told.sort_by_key(|(when, _)| *when);
        let reader = &mut Reader { observed, lookup, told };
        Ok(Item {
            object_id: format!("{SYSTEM}:{}", self.arn),
            native: self.native(reader)?,
            times: Times {
                occurred_at: Some(began),
                occurred_end: ended,
                fidelity: Some(Fidelity::Second),
                ..reader.times()
            },
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(self.impact(ended.is_some(), reader)),
            also: self.notices(reader)?,
            refused,
        })
    }

    fn native(&self, reader: &Reader<'_, '_>) -> Result<Native, MappingError> {
        let mapping = reader.lookup.mapping();
        Ok(Native {
            status: reader.newest().and_then(|entry| said(&entry.status)).map(str::to_owned),
            severity: said(&self.status).map(str::to_owned),
            category: Some(self.service().to_owned()).filter(|service| !service.is_empty()),
            digest: mapping.digest("currentevents_impact", |name| self.member(name, reader.newest()))?,
            ..mapping.native(SYSTEM, self.arn.clone(), Some(PAGE))
        })
    }

    fn member(&self, name: &str, newest: Option<&Entry>) -> Member {
        match name {
            "date" => self.date.as_str().into(),
            "end_time" => said(&self.end_time).into(),
            "status" => said(&self.status).into(),
            "service" => self.service().into(),
            "summary" => self.summary.as_deref().into(),
            "impacted_services" => self.standings().into(),
            "newest.timestamp" => newest.map(|entry| entry.timestamp.as_str()).into(),
            "newest.status" => newest.and_then(|entry| said(&entry.status)).into(),
            "newest.message" => newest.and_then(|entry| entry.message.as_deref()).into(),
            _ => Member::Absent,
        }
    }

    fn standings(&self) -> Vec<String> {
        let services = self.impacted_services.iter().flatten();
        let word = |word| said(word).unwrap_or_default();
        services.map(|(key, hit)| format!("{key} {} {}", word(&hit.current), word(&hit.max))).collect()
    }

    fn impact(&self, ended: bool, reader: &mut Reader<'_, '_>) -> Impact {
        let entry = reader.newest();
        let newest = reader.lookup.status(entry.and_then(|entry| said(&entry.status)));
        let peak = reader.lookup.status(said(&self.status));
        let marked = self.summary.as_deref().is_some_and(crate::data::says_resolved);
        let closed = ended || marked || newest.phase == Some(Phase::Resolved);
        let severity = newest.severity.filter(|_| !closed).or(peak.severity).unwrap_or(Severity::NotStated);
        Impact {
            phase: if closed { Phase::Resolved } else { Phase::Investigating },
            outcome: closed.then_some(Outcome::Restored),
            severity,
            blocks: self.blocks(closed, &newest, severity, reader.lookup),
            summary: entry.and_then(|entry| entry.message.clone()),
            ..incident(self.title())
        }
    }

    /// The service's key; empty where it is not stated.
    fn service(&self) -> &str {
        self.service.as_deref().unwrap_or_default()
    }

    /// The feed's own words: a summary alone tells neither service nor place.
    fn title(&self) -> String {
        let service = self.service_name.as_deref().unwrap_or(self.service());
        let summary = crate::data::without_mark(self.summary.as_deref().unwrap_or_default());
        let place = self.region_name.as_deref().filter(|name| !name.trim().is_empty());
        let place = place.map(|name| format!(" ({})", name.trim())).unwrap_or_default();
        let separator = if summary.is_empty() { "" } else { ": " };
        let title = format!("{}{place}{separator}{summary}", service.trim());
        if title.trim().is_empty() { self.arn.clone() } else { title }
    }

    fn blocks(&self, closed: bool, newest: &Meaning, severity: Severity, lookup: &mut Lookup<'_>) -> Vec<Block> {
        let own = [(self.service(), self.service_name.as_deref(), newest.state, Some(severity))];
        let mut hits = Vec::new();
        for (key, hit) in self.impacted_services.iter().flatten() {
            let (state, severity) = (lookup.status(said(&hit.current)).state, lookup.status(said(&hit.max)).severity);
            hits.push((key.as_str(), hit.service_name.as_deref(), state, severity));
        }
        let named = if hits.is_empty() { own.to_vec() } else { hits };
        let hits = named.into_iter().map(|(key, name, state, severity)| Hit {
            key,
            name: name.unwrap_or_default(),
            state: if closed { BlockState::Restored } else { state.unwrap_or(BlockState::Unknown) },
            severity: severity.unwrap_or(Severity::NotStated),
        });
        blocks(hits, lookup)
    }

    fn notices(&self, reader: &Reader<'_, '_>) -> Result<Vec<Statement>, MappingError> {
        reader.told.iter().map(|(when, entry)| entry.statement(&self.arn, *when, reader)).collect()
    }
}

impl Entry {
    fn statement(&self, arn: &str, when: DateTime<Utc>, reader: &Reader<'_, '_>) -> Result<Statement, MappingError> {
        let (id, status) = (format!("{arn}/{}", utc_seconds(when)), said(&self.status));
        let mapping = reader.lookup.mapping();
        let digest = mapping.digest("currentevents_notice", |name| match name {
            "timestamp" => self.timestamp.as_str().into(),
            "status" => status.into(),
            "message" => self.message.as_deref().into(),
            _ => Member::Absent,
        })?;
        Ok(Statement {
            object_id: format!("{SYSTEM}:{id}"),
            native: Native {
                status: status.map(str::to_owned),
                category: self.summary.clone(),
                digest,
                ..mapping.native(SYSTEM, id, Some(PAGE))
            },
            times: Times { occurred_at: Some(when), fidelity: Some(Fidelity::Second), ..reader.times() },
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about: format!("{SYSTEM}:{arn}"),
                channel: PAGE.to_owned(),
                url: Some(PAGE.to_owned()),
                audience_told: "public".to_owned(),
                native_status: status.map(str::to_owned),
                text: self.message.clone().unwrap_or_default(),
            }),
        })
    }
}

impl<'a> Reader<'a, '_> {
    /// The entry with the greatest time, the last of several.
    fn newest(&self) -> Option<&'a Entry> {
        self.told.last().map(|(_, entry)| *entry)
    }

    /// The clocks of a claim that was read from this version of the event.
    fn times(&self) -> Times {
        Times { published_at: self.told.last().map(|(when, _)| *when), ..only_observed(self.observed) }
    }
}

fn seconds(member: &'static str, written: &Written, observed: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let Some(value) = written.value() else {
        return Err(Fault::Seconds { member, text: written.as_str().chars().take(60).collect() });
    };
    Ok(since_epoch(value, observed).map_err(|error| MemberError { member, error })?)
}
