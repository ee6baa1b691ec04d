//! One matter as Azure states it, whichever way the statement came: Service Health, an activity-log alert, or the page of
//! emerging issues. From here on they are one.

mod activity;
mod emerging;
mod event;
mod graph;
mod item;
mod kind;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entente_sidecar::stamp::{MemberError, member};

use crate::scrub::scrub;

pub(crate) use activity::{Alert, HealthAlert, alert};
pub(crate) use emerging::emerging;
pub(crate) use event::event;
pub(crate) use item::{Desk, mapping_version, reading};

/// Characters of a tracking id; each statement repeats it.
const ID_MAX: usize = 100;

/// A time, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stated {
    pub(crate) time: DateTime<Utc>,
    text: String,
}

/// One service in one region, as named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: String,
    pub(crate) region: String,
    /// Its own status there, where one is stated.
    pub(crate) status: Option<String>,
}

/// One statement on the matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Update {
    pub(crate) when: Stated,
    /// The provider's own name of it.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
}

/// How many of the customer's resources the provider names as hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) machines: u64,
    /// Resources of any other kind.
    pub(crate) others: u64,
    /// Whether all subscriptions could be asked; there are at least so many otherwise.
    pub(crate) whole: bool,
}

/// A matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matter {
    /// Azure's tracking id.
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) status: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) title: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) begin: Option<Stated>,
    pub(crate) end: Option<Stated>,
    pub(crate) updated: Option<Stated>,
    pub(crate) places: BTreeSet<Place>,
    pub(crate) updates: BTreeSet<Update>,
    pub(crate) actions: Vec<String>,
    /// The subscriptions that are named as hit. They are counted and never told.
    pub(crate) subscriptions: BTreeSet<String>,
    pub(crate) named: Option<Named>,
}

/// Why a matter cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MatterError {
    /// Not of the form that was agreed.
    #[error("not an event as Azure writes them: {0}")]
    Form(String),
    /// Nothing to call it by.
    #[error("the event has no tracking id, or one of over {ID_MAX} characters, so it cannot be told from others")]
    Nameless,
    /// A time that is none.
    #[error(transparent)]
    Time(#[from] MemberError),
    /// The mapping table does not say what makes a change.
    #[error(transparent)]
    Mapping(#[from] entente_sidecar::mapping::MappingError),
}

impl Matter {
    /// A matter of which no more is known than its tracking id and kind.
    fn named(id: Option<&str>, kind: &str) -> Result<Self, MatterError> {
        let id = id.map(str::trim).unwrap_or_default();
        if id.is_empty()
            || scrub(id) != id
            || id.chars().count() > ID_MAX
            || id.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(MatterError::Nameless);
        }
        Ok(Self {
            id: id.to_owned(),
            kind: scrub(kind.trim()).into_owned(),
            status: None,
            level: None,
            tags: BTreeSet::new(),
            title: None,
            summary: None,
            begin: None,
            end: None,
            updated: None,
            places: BTreeSet::new(),
            updates: BTreeSet::new(),
            actions: Vec::new(),
            subscriptions: BTreeSet::new(),
            named: None,
        })
    }

    /// One matter as several subscriptions see it: the newest copy speaks, and each names its own places.
    pub(crate) fn with(self, other: Self) -> Self {
        let (mut newer, older) = if other.updated > self.updated { (other, self) } else { (self, other) };
        newer.subscriptions.extend(older.subscriptions);
        newer.updates.extend(older.updates);
        let told: BTreeSet<(String, String)> = newer.places.iter().map(Place::key).collect();
        newer.places.extend(older.places.into_iter().filter(|place| !told.contains(&place.key())));
        newer
    }
}

impl Place {
    fn key(&self) -> (String, String) {
        (self.service.clone(), self.region.clone())
    }
}

/// A time of a member that may be absent, empty or never set.
fn stated(name: &'static str, text: Option<&str>, observed: DateTime<Utc>) -> Result<Option<Stated>, MemberError> {
    let set = |text: &&str| !text.is_empty() && *text != "0" && !text.starts_with("0001-01-01");
    let Some(text) = text.map(str::trim).filter(set) else { return Ok(None) };
    Ok(Some(Stated { time: member(name, text, observed)?, text: text.to_owned() }))
}

/// What is wrong with the form of a statement, without what was written in its place.
fn form(error: serde_json::Error) -> MatterError {
    let told = error.to_string();
    let kept: Vec<&str> = told.split('"').step_by(2).collect();
    MatterError::Form(kept.join("…"))
}

/// A text that says something, without what customers own: whatever is read passes here.
fn said(text: Option<String>) -> Option<String> {
    text.map(|text| scrub(text.trim()).into_owned()).filter(|text| !text.is_empty())
}
