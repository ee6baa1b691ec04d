//! One post of the older `data.json` into an impact and one notice. Pure. All updates of a post stand in one text that is
//! rewritten, with wall times of the Pacific coast and no dates, so it stays one statement, whole.

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::{Body, Impact, Notice, Outcome, Phase};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use entente_sidecar::decode::{List, json, json_item, json_items, refuse_item};
use entente_sidecar::item::{Item, Reading, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Member};
use entente_sidecar::reading::gather;
use entente_sidecar::stamp::{StampError, only_observed, since_epoch};
use entente_sidecar::written::{Written, said};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::public::PAGE;
use crate::service::{Hit, blocks};

/// The native system.
pub(crate) const SYSTEM: &str = "aws.data";

/// Set before the title when a post is over; the feed's native word for it.
const MARK: &str = "[RESOLVED]";

/// A whole answer; a recording may hold single posts instead.
#[derive(Deserialize)]
struct Whole {
    archive: Option<List<Box<RawValue>>>,
    current: Option<List<Box<RawValue>>>,
}

#[derive(Debug, Deserialize)]
struct Post {
    service: String,
    service_name: Option<String>,
    summary: Option<String>,
    date: Written,
    status: Option<Written>,
    description: Option<String>,
}

/// What a post lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("`date` is `{0}`; expected whole seconds since 1970")]
    Seconds(String),
    #[error("member `date`: {0}")]
    Stamp(#[from] StampError),
    #[error("`service` is empty: the post cannot be told from others")]
    Nameless,
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Whether a title carries the mark that a post is over, in any of its languages' parts.
pub(crate) fn says_resolved(title: &str) -> bool {
    title.split('|').any(|part| part.trim_start().to_uppercase().starts_with(MARK))
}

/// A title without the mark.
pub(crate) fn without_mark(title: &str) -> String {
    title.replace(MARK, "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads an answer.
pub(crate) fn items(body: &[u8], observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Reading, Refusal> {
    let posts = posts(body)?;
    Ok(gather(posts.iter().enumerate().map(|(index, (raw, archived))| {
        let post = json_item::<Post>(raw, index)?;
        let position = format!("{}@{}", post.service, post.date.as_str());
        let item = post.item(*archived, observed, lookup);
        item.map_err(|fault| refuse_item(fault, position, raw.get().as_bytes()))
    })))
}

/// The posts, each with whether the feed holds it to be past.
fn posts(body: &[u8]) -> Result<Vec<(Box<RawValue>, bool)>, Refusal> {
    if let Ok(Whole { archive, current }) = json::<Whole>(body)
        && (archive.is_some() || current.is_some())
    {
        let past = archive.into_iter().flatten().map(|post| (post, true));
        return Ok(past.chain(current.into_iter().flatten().map(|post| (post, false))).collect());
    }
    Ok(json_items(body)?.into_iter().map(|post| (post, false)).collect())
}

impl Post {
    fn item(&self, archived: bool, observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Item, Fault> {
        if self.service.trim().is_empty() {
            return Err(Fault::Nameless);
        }
        let seconds = self.date.value().ok_or_else(|| Fault::Seconds(self.date.as_str().chars().take(60).collect()))?;
        let times = times(since_epoch(seconds, observed)?, observed);
        let id = format!("{}@{seconds}", self.service.trim());
        let over = self.over();
        let native = |list: &str, id: String, lookup: &Lookup<'_>| self.native(list, id, archived, lookup);
        Ok(Item {
            object_id: format!("{SYSTEM}:{id}"),
            native: native("data_impact", id.clone(), lookup)?,
            also: vec![Statement {
                object_id: format!("{SYSTEM}:{id}/text"),
                native: native("data_notice", format!("{id}/text"), lookup)?,
                times: times.clone(),
                refs: Vec::new(),
                body: Body::Notice(self.notice(&id)),
            }],
            refused: Vec::new(),
            times,
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(self.impact(over || archived, lookup)),
        })
    }

    fn over(&self) -> bool {
        self.summary.as_deref().is_some_and(says_resolved)
    }

    fn native(&self, list: &str, id: String, archived: bool, lookup: &Lookup<'_>) -> Result<Native, MappingError> {
        let mapping = lookup.mapping();
        Ok(Native {
            status: self.over().then(|| MARK.to_owned()),
            severity: said(&self.status).map(str::to_owned),
            category: Some(self.service.clone()),
            digest: mapping.digest(list, |name| self.member(name, archived))?,
            ..mapping.native(SYSTEM, id, Some(PAGE))
        })
    }

    fn member(&self, name: &str, archived: bool) -> Member {
        match name {
            "date" => self.date.as_str().into(),
            "service" => self.service.as_str().into(),
            "service_name" => self.service_name.as_deref().into(),
            "summary" => self.summary.as_deref().into(),
            "status" => said(&self.status).into(),
            "description" => self.description.as_deref().into(),
            "list" => archived.then_some("archive").into(),
            _ => Member::Absent,
        }
    }

    fn impact(&self, closed: bool, lookup: &mut Lookup<'_>) -> Impact {
        let status = lookup.status(said(&self.status));
        let closed = closed || status.phase == Some(Phase::Resolved);
        let severity = status.severity.unwrap_or(Severity::NotStated);
        let state = if closed { BlockState::Restored } else { status.state.unwrap_or(BlockState::Unknown) };
        let hit = Hit { key: &self.service, name: self.name_alone(), state, severity };
        Impact {
            phase: if closed { Phase::Resolved } else { Phase::Investigating },
            outcome: closed.then_some(Outcome::Restored),
            severity,
            blocks: blocks([hit], lookup),
            summary: self.description.clone(),
            ..incident(self.title())
        }
    }

    /// The service's name without the place that this feed adds in brackets.
    fn name_alone(&self) -> &str {
        let name = self.service_name.as_deref().unwrap_or_default().trim();
        name.strip_suffix(')').and_then(|open| open.rsplit_once('(')).map_or(name, |(name, _)| name.trim_end())
    }

    fn title(&self) -> String {
        let service = self.service_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.service);
        let summary = without_mark(self.summary.as_deref().unwrap_or_default());
        let separator = if summary.is_empty() { "" } else { ": " };
        format!("{}{separator}{summary}", service.trim())
    }

    fn notice(&self, id: &str) -> Notice {
        Notice {
            about: format!("{SYSTEM}:{id}"),
            channel: PAGE.to_owned(),
            url: Some(PAGE.to_owned()),
            audience_told: "public".to_owned(),
            native_status: said(&self.status).map(str::to_owned),
            text: self.description.clone().unwrap_or_default(),
        }
    }
}

/// The feed stamps no version of a post.
fn times(began: DateTime<Utc>, observed: DateTime<Utc>) -> Times {
    Times { occurred_at: Some(began), fidelity: Some(Fidelity::Second), ..only_observed(observed) }
}
