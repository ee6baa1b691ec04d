//! Incidents as status pages write them: Statuspage v2 and the products that imitate it, which leave members out or call
//! them otherwise. Read into one shape, each member as it was written.

use entente_sidecar::decode::{self, List, Part, json_items, refuse};
use entente_sidecar::item::Refusal;
use entente_sidecar::written::{Written, said};
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
    ongoing_incidents: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Page {
    url: Option<String>,
}

/// Reads an answer into its items: `summary.json`, `incidents.json`, `scheduled-maintenances.json` and their kin, or a bare
/// list of incidents, or one alone, as recordings hold them.
///
/// # Errors
/// If the answer is no JSON, has no list of incidents, or only one of those that are ongoing.
pub(crate) fn answer(body: &[u8]) -> Result<Answer, Refusal> {
    let whole: Box<RawValue> = decode::json(body)?;
    if whole.get().starts_with('[') {
        let listed = json_items(body)?.into_iter().map(|raw| Listed { raw, planned: false });
        return Ok(Answer { page: None, listed: listed.collect() });
    }
    if !is_object(&whole) {
        return Err(refuse("expected an object with a list of incidents", body));
    }
    let raw: RawAnswer = decode::json(body)?;
    if raw.ongoing_incidents.is_some() && raw.incidents.is_none() {
        let what = "a widget's list, which tells what is ongoing and never how it ended: give the address of the page's \
                    incidents.json";
        return Err(refuse(what, body));
    }
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
    name: Option<String>,
    title: Option<String>,
    status: Option<String>,
    #[serde(rename = "lastUpdateStatus")]
    last_update_status: Option<String>,
    impact: Option<String>,
    severity: Option<String>,
    shortlink: Option<String>,
    url: Option<String>,
    created_at: Option<Written>,
    started_at: Option<Written>,
    started: Option<Written>,
    updated_at: Option<Written>,
    #[serde(rename = "updatedAt")]
    updated_at_camel: Option<Written>,
    resolved_at: Option<Written>,
    scheduled_for: Option<Written>,
    start: Option<Written>,
    scheduled_until: Option<Written>,
    components: Option<List<Component>>,
    services: Option<List<Component>>,
    incident_updates: Option<List<Part<Update>>>,
    #[serde(rename = "incidentUpdates")]
    incident_updates_camel: Option<List<Part<Update>>>,
}

impl Incident {
    pub(crate) fn name(&self) -> Option<&str> {
        let named = [&self.name, &self.title].into_iter().flatten().map(|name| name.trim());
        named.into_iter().find(|name| !name.is_empty())
    }

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
        said(&self.started_at).or(said(&self.started))
    }

    pub(crate) fn created(&self) -> Option<&str> {
        said(&self.created_at)
    }

    pub(crate) fn updated(&self) -> Option<&str> {
        said(&self.updated_at).or(said(&self.updated_at_camel))
    }

    pub(crate) fn resolved(&self) -> Option<&str> {
        said(&self.resolved_at)
    }

    pub(crate) fn scheduled_for(&self) -> Option<&str> {
        said(&self.scheduled_for).or(said(&self.start))
    }

    pub(crate) fn scheduled_until(&self) -> Option<&str> {
        said(&self.scheduled_until)
    }

    /// The components that it names, groups of them left out.
    pub(crate) fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().chain(&self.services).flatten().filter(|component| component.group != Some(true))
    }

    pub(crate) fn updates(&self) -> impl Iterator<Item = &Part<Update>> {
        self.incident_updates.iter().chain(&self.incident_updates_camel).flatten()
    }
}

/// A component as an incident names it, with its status now, whatever that is due to; or as a statement names it, with
/// what it says of it.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Mention")]
pub(crate) struct Component {
    name: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) old_status: Option<String>,
    pub(crate) new_status: Option<String>,
    group: Option<bool>,
}

/// How a component is mentioned: some products give its name alone.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a component: its name, or an object")]
enum Mention {
    Name(String),
    Whole {
        name: Option<String>,
        status: Option<String>,
        old_status: Option<String>,
        new_status: Option<String>,
        group: Option<bool>,
    },
}

impl From<Mention> for Component {
    fn from(mention: Mention) -> Self {
        match mention {
            Mention::Name(name) => Self { name: Some(name), ..Self::default() },
            Mention::Whole { name, status, old_status, new_status, group } => {
                Self { name, status, old_status, new_status, group }
            }
        }
    }
}

impl Component {
    /// Its name; one without is none.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref().map(str::trim).filter(|name| !name.is_empty())
    }
}

/// One public statement of an incident.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    pub(crate) id: Option<Id>,
    pub(crate) status: Option<String>,
    body: Option<String>,
    description: Option<String>,
    display_at: Option<Written>,
    #[serde(rename = "publicIncidentUpdateDate")]
    public_date: Option<Written>,
    created_at: Option<Written>,
    updated_at: Option<Written>,
    affected_components: Option<List<Component>>,
}

impl Update {
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().or(self.description.as_deref()).unwrap_or_default()
    }

    /// When it was said, as the page shows it.
    pub(crate) fn when(&self) -> Option<&str> {
        said(&self.display_at).or(said(&self.public_date)).or(said(&self.created_at))
    }

    pub(crate) fn edited(&self) -> Option<&str> {
        said(&self.updated_at)
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = &Component> {
        self.affected_components.iter().flatten()
    }
}
