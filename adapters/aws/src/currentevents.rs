//! One event of `currentevents` into an impact and its notices. Pure. The newest log entry says how it stands; the event's
//! own status is the peak and does not come down. A hundred and more services make a few blocks, never a hundred events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, Severity};
use entente_schemas::family::{Impact, ImpactKind, Notice, Outcome, Phase};
use entente_schemas::header::{Fidelity, Native, Times};
use entente_sidecar::decode::{List, json_item, json_items, refuse_item};
use entente_sidecar::item::{Item, Reading, Refusal, Statement};
use entente_sidecar::mapping::{Lookup, MappingError, Meaning, Member};
use entente_sidecar::reading::gather;
use entente_sidecar::stamp::{MemberError, epoch_seconds, only_observed, utc_seconds};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::number::Written;
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
    status: Written,
    region_name: Option<String>,
    service: String,
    service_name: Option<String>,
    summary: Option<String>,
    event_log: Option<List<Entry>>,
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
    current: Written,
    max: Written,
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

/// What all parts of one event need.
struct Reader<'a, 'm> {
    observed: DateTime<Utc>,
    lookup: &'a mut Lookup<'m>,
    published: Option<DateTime<Utc>>,
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
        let ended = self.end_time.as_ref().map(|end| seconds("end_time", end, observed)).transpose()?;
        let stamps = self.entries().map(|entry| seconds("timestamp", &entry.timestamp, observed));
        let published = stamps.collect::<Result<Vec<_>, _>>()?.into_iter().max();
        let reader = &mut Reader { observed, lookup, published };
        let digest = reader.lookup.mapping().digest("currentevents_impact", |name| self.member(name))?;
        Ok(Item {
            object_id: format!("{SYSTEM}:{}", self.arn),
            native: Native {
                status: self.newest().and_then(|entry| entry.status.as_ref()).map(text),
                severity: Some(text(&self.status)),
                category: Some(self.service.clone()),
                digest,
                ..reader.native(self.arn.clone())
            },
            times: Times {
                occurred_at: Some(began),
                occurred_end: ended,
                fidelity: Some(Fidelity::Second),
                ..reader.times()
            },
            refs: Vec::new(),
            impact: self.impact(ended.is_some(), reader),
            notices: self.notices(reader)?,
        })
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.event_log.iter().flatten()
    }

    /// The entry with the greatest time, the last of several.
    fn newest(&self) -> Option<&Entry> {
        self.entries().max_by_key(|entry| entry.timestamp.value())
    }

    fn member(&self, name: &str) -> Member {
        let newest = self.newest();
        match name {
            "date" => self.date.as_str().into(),
            "end_time" => self.end_time.as_ref().map(Written::as_str).into(),
            "status" => self.status.as_str().into(),
            "service" => self.service.as_str().into(),
            "summary" => self.summary.as_deref().into(),
            "impacted_services" => self.standings().into(),
            "newest.timestamp" => newest.map(|entry| entry.timestamp.as_str()).into(),
            "newest.status" => newest.and_then(|entry| entry.status.as_ref()).map(Written::as_str).into(),
            "newest.message" => newest.and_then(|entry| entry.message.as_deref()).into(),
            _ => Member::Absent,
        }
    }

    fn standings(&self) -> Vec<String> {
        let services = self.impacted_services.iter().flatten();
        services.map(|(key, hit)| format!("{key} {} {}", hit.current.as_str(), hit.max.as_str())).collect()
    }

    fn impact(&self, ended: bool, reader: &mut Reader<'_, '_>) -> Impact {
        let newest = reader.status(self.newest().and_then(|entry| entry.status.as_ref()));
        let peak = reader.status(Some(&self.status));
        let marked = self.summary.as_deref().is_some_and(crate::data::says_resolved);
        let closed = ended || marked || newest.phase == Some(Phase::Resolved);
        let severity = newest.severity.filter(|_| !closed).or(peak.severity).unwrap_or(Severity::NotStated);
        Impact {
            kind: ImpactKind::Incident,
            phase: if closed { Phase::Resolved } else { Phase::Investigating },
            outcome: closed.then_some(Outcome::Restored),
            severity,
            effect: Vec::new(),
            blocks: self.blocks(closed, &newest, severity, reader),
            title: self.title(),
            summary: self.newest().and_then(|entry| entry.message.clone()),
            symptoms: Vec::new(),
            suspected_cause: None,
            counts: Vec::new(),
            next_update_by: None,
        }
    }

    /// The feed's own words: a summary alone tells neither service nor place.
    fn title(&self) -> String {
        let service = self.service_name.as_deref().unwrap_or(&self.service);
        let summary = crate::data::without_mark(self.summary.as_deref().unwrap_or_default());
        let place = self.region_name.as_deref().filter(|name| !name.trim().is_empty());
        let place = place.map(|name| format!(" ({})", name.trim())).unwrap_or_default();
        let separator = if summary.is_empty() { "" } else { ": " };
        let title = format!("{}{place}{separator}{summary}", service.trim());
        if title.trim().is_empty() { self.arn.clone() } else { title }
    }

    fn blocks(&self, closed: bool, newest: &Meaning, severity: Severity, reader: &mut Reader<'_, '_>) -> Vec<Block> {
        let own = [(self.service.as_str(), self.service_name.as_deref(), newest.state, Some(severity))];
        let mut hits = Vec::new();
        for (key, hit) in self.impacted_services.iter().flatten() {
            let (state, severity) = (reader.status(Some(&hit.current)).state, reader.status(Some(&hit.max)).severity);
            hits.push((key.as_str(), hit.service_name.as_deref(), state, severity));
        }
        let named = if hits.is_empty() { own.to_vec() } else { hits };
        let hits = named.into_iter().map(|(key, name, state, severity)| Hit {
            key,
            name: name.unwrap_or_default(),
            state: if closed { BlockState::Restored } else { state.unwrap_or(BlockState::Unknown) },
            severity: severity.unwrap_or(Severity::NotStated),
        });
        blocks(hits, reader.lookup)
    }

    fn notices(&self, reader: &Reader<'_, '_>) -> Result<Vec<Statement>, Fault> {
        let statements = self.entries().map(|entry| entry.statement(&self.arn, reader));
        let mut notices = statements.collect::<Result<Vec<_>, _>>()?;
        notices.sort_by_key(|statement| statement.times.occurred_at);
        Ok(notices)
    }
}

impl Entry {
    fn statement(&self, arn: &str, reader: &Reader<'_, '_>) -> Result<Statement, Fault> {
        let when = seconds("timestamp", &self.timestamp, reader.observed)?;
        let id = format!("{arn}/{}", utc_seconds(when));
        let status = self.status.as_ref().map(text);
        let digest = reader.lookup.mapping().digest("currentevents_notice", |name| match name {
            "timestamp" => self.timestamp.as_str().into(),
            "status" => status.as_deref().into(),
            "message" => self.message.as_deref().into(),
            _ => Member::Absent,
        })?;
        let native = Native { status: status.clone(), category: self.summary.clone(), digest, ..reader.native(id) };
        Ok(Statement {
            object_id: format!("{SYSTEM}:{}", native.id),
            native,
            times: Times { occurred_at: Some(when), fidelity: Some(Fidelity::Second), ..reader.times() },
            notice: Notice {
                about: format!("{SYSTEM}:{arn}"),
                channel: PAGE.to_owned(),
                url: Some(PAGE.to_owned()),
                audience_told: "public".to_owned(),
                native_status: status,
                text: self.message.clone().unwrap_or_default(),
            },
        })
    }
}

impl Reader<'_, '_> {
    fn status(&mut self, word: Option<&Written>) -> Meaning {
        self.lookup.word("status", word.map(Written::as_str), "unknown")
    }

    fn native(&self, id: String) -> Native {
        Native {
            system: SYSTEM.to_owned(),
            id,
            url: Some(PAGE.to_owned()),
            status: None,
            severity: None,
            category: None,
            mapping_version: self.lookup.mapping().version(),
            digest: String::new(),
        }
    }

    /// The clocks of a claim that was read from this version of the event.
    fn times(&self) -> Times {
        Times { published_at: self.published, ..only_observed(self.observed) }
    }
}

fn text(number: &Written) -> String {
    number.as_str().to_owned()
}

fn seconds(member: &'static str, written: &Written, observed: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let Some(value) = written.value() else {
        return Err(Fault::Seconds { member, text: written.as_str().chars().take(60).collect() });
    };
    Ok(epoch_seconds(value, observed).map_err(|error| MemberError { member, error })?)
}
