//! Incidents as status pages write them: Statuspage v2 and the products that imitate it, which leave members out or call
//! them otherwise. Read into one shape, each member as it was written.

use entente_sidecar::decode::{self, List, refuse};
use entente_sidecar::item::Refusal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// One item of an answer, still to be read.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) raw: Box<RawValue>,
    /// It stood in a list of planned work.
    pub(crate) planned: bool,
}

/// An answer of a status page.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The page's address.
    pub(crate) page: Option<String>,
    pub(crate) listed: Vec<Listed>,
}

#[derive(Deserialize)]
struct RawAnswer {
    page: Option<Box<RawValue>>,
    incidents: Option<List<Box<RawValue>>>,
    #[serde(rename = "activeIncidents")]
    active_incidents: Option<List<Box<RawValue>>>,
    scheduled_maintenances: Option<List<Box<RawValue>>>,
    #[serde(rename = "activeMaintenances")]
    active_maintenances: Option<List<Box<RawValue>>>,
    incident_updates: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Page {
    url: Option<String>,
}

/// Reads an answer into its items: `summary.json`, `incidents.json`, `scheduled-maintenances.json` and their kin, or one
/// incident alone, as recordings hold them.
///
/// # Errors
/// If the answer is no JSON, or has no list of incidents.
pub(crate) fn answer(body: &[u8]) -> Result<Answer, Refusal> {
    let whole: Box<RawValue> = decode::json(body)?;
    if !is_object(&whole) {
        return Err(refuse("expected an object with a list of incidents", body));
    }
    let raw: RawAnswer = decode::json(body)?;
    let page = raw.page.and_then(|page| serde_json::from_str::<Page>(page.get()).ok()).and_then(|page| page.url);
    let alone = raw.incident_updates.is_some();
    let lists = [
        (raw.incidents, false),
        (raw.active_incidents, false),
        (raw.scheduled_maintenances, true),
        (raw.active_maintenances, true),
    ];
    if alone && lists.iter().all(|(list, _)| list.is_none()) {
        return Ok(Answer { page, listed: vec![Listed { raw: whole, planned: false }] });
    }
    if lists.iter().all(|(list, _)| list.is_none()) {
        let what = "no list of incidents: expected `incidents` or `scheduled_maintenances`, as summary.json has them";
        return Err(refuse(what, body));
    }
    let listed = lists
        .into_iter()
        .flat_map(|(list, planned)| list.into_iter().flatten().map(move |raw| Listed { raw, planned }));
    Ok(Answer { page, listed: listed.collect() })
}

/// Whether a value is an object: lists are read as one too, by the order of their members.
pub(crate) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// An id, which some products write as a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "an id: a text or a number")]
pub(crate) enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// An incident or planned work.
#[derive(Debug, Deserialize)]
pub(crate) struct Incident {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    status: Option<String>,
    #[serde(rename = "lastUpdateStatus")]
    last_update_status: Option<String>,
    impact: Option<String>,
    severity: Option<String>,
    shortlink: Option<String>,
    url: Option<String>,
    pub(crate) created_at: Option<String>,
    started_at: Option<String>,
    started: Option<String>,
    updated_at: Option<String>,
    #[serde(rename = "updatedAt")]
    updated_at_camel: Option<String>,
    pub(crate) resolved_at: Option<String>,
    scheduled_for: Option<String>,
    start: Option<String>,
    pub(crate) scheduled_until: Option<String>,
    components: Option<List<Component>>,
    services: Option<List<Component>>,
    incident_updates: Option<List<Update>>,
    #[serde(rename = "incidentUpdates")]
    incident_updates_camel: Option<List<Update>>,
}

impl Incident {
    pub(crate) fn status(&self) -> Option<&str> {
        self.status.as_deref().or(self.last_update_status.as_deref())
    }

    pub(crate) fn impact(&self) -> Option<&str> {
        self.impact.as_deref().or(self.severity.as_deref())
    }

    /// The page that the item itself names.
    pub(crate) fn link(&self) -> Option<&str> {
        self.shortlink.as_deref().or(self.url.as_deref())
    }

    /// When it began, where the page says so; when it was entered is something else.
    pub(crate) fn started(&self) -> Option<&str> {
        self.started_at.as_deref().or(self.started.as_deref())
    }

    pub(crate) fn updated(&self) -> Option<&str> {
        self.updated_at.as_deref().or(self.updated_at_camel.as_deref())
    }

    pub(crate) fn scheduled_for(&self) -> Option<&str> {
        self.scheduled_for.as_deref().or(self.start.as_deref())
    }

    /// The components that it names, groups of them left out.
    pub(crate) fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().chain(&self.services).flatten().filter(|component| component.group != Some(true))
    }

    pub(crate) fn updates(&self) -> impl Iterator<Item = &Update> {
        self.incident_updates.iter().chain(&self.incident_updates_camel).flatten()
    }
}

/// A component as an incident names it, with its status now, whatever that is due to.
#[derive(Debug, Deserialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    group: Option<bool>,
}

/// One public statement of an incident.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    pub(crate) id: Option<Id>,
    pub(crate) status: Option<String>,
    body: Option<String>,
    description: Option<String>,
    display_at: Option<String>,
    #[serde(rename = "publicIncidentUpdateDate")]
    public_date: Option<String>,
    created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    affected_components: Option<List<Change>>,
}

impl Update {
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().or(self.description.as_deref()).unwrap_or_default()
    }

    /// When it was said, as the page shows it.
    pub(crate) fn when(&self) -> Option<&str> {
        self.display_at.as_deref().or(self.public_date.as_deref()).or(self.created_at.as_deref())
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.affected_components.iter().flatten()
    }
}

/// What a statement says of a component.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) old_status: Option<String>,
    pub(crate) new_status: Option<String>,
}
