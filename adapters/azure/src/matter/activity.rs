//! An alert of the activity log, as Azure Monitor posts it: in its own schema or in the one that all alerts share. One of
//! Service Health states a matter, one of Resource Health how a single resource does.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{Matter, MatterError, Place, Stated, Update, form, said, stated};
use crate::camel::camel;

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alert {
    /// A matter of the platform.
    Matter(Box<Matter>),
    /// One resource.
    Health(HealthAlert),
}

/// How one resource does.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HealthAlert {
    /// Its id, which is counted and never told.
    pub(crate) resource: String,
    /// The state, in Azure's word.
    pub(crate) state: String,
    /// Who brought it about, in Azure's word.
    pub(crate) cause: Option<String>,
    /// What Azure says of it.
    pub(crate) details: Option<String>,
    pub(crate) when: Option<DateTime<Utc>>,
}

/// The id must not stand in a log line either.
impl std::fmt::Debug for HealthAlert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthAlert").field("state", &self.state).field("cause", &self.cause).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Posted {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    context: Option<Context>,
    essentials: Option<Essentials>,
    alert_context: Option<Log>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    activity_log: Log,
}

#[derive(Deserialize)]
struct Essentials {
    #[serde(rename = "alertTargetIDs")]
    targets: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    event_source: Option<String>,
    event_timestamp: Option<String>,
    level: Option<String>,
    status: Option<String>,
    resource_id: Option<String>,
    subscription_id: Option<String>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    title: Option<String>,
    service: Option<String>,
    region: Option<String>,
    communication: Option<String>,
    default_language_content: Option<String>,
    incident_type: Option<String>,
    tracking_id: Option<String>,
    impact_start_time: Option<String>,
    impact_mitigation_time: Option<String>,
    impacted_services: Option<Value>,
    stage: Option<String>,
    communication_id: Option<String>,
    current_health_status: Option<String>,
    cause: Option<String>,
    details: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    service_name: Option<String>,
    impacted_regions: Option<Vec<Region>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    region_name: Option<String>,
}

/// Reads what Azure Monitor posts.
pub(crate) fn alert(raw: Value, observed: DateTime<Utc>) -> Result<Alert, MatterError> {
    let Posted { data } = serde_json::from_value(camel(raw)).map_err(form)?;
    let targets = data.essentials.and_then(|essentials| essentials.targets);
    let log = data.context.map(|context| context.activity_log).or(data.alert_context);
    let log = log.ok_or_else(|| MatterError::Form("neither an activity log nor an alert's context".to_owned()))?;
    let source = log.event_source.as_deref().unwrap_or_default().replace(' ', "").to_lowercase();
    match source.as_str() {
        "servicehealth" => matter(log, observed).map(|matter| Alert::Matter(Box::new(matter))),
        "resourcehealth" => health(log, targets, observed).map(Alert::Health),
        _ => Err(MatterError::Form("an alert of neither Service Health nor Resource Health".to_owned())),
    }
}

fn matter(log: Log, observed: DateTime<Utc>) -> Result<Matter, MatterError> {
    let told = log.properties.unwrap_or_default();
    let kind = said(told.incident_type).unwrap_or_default();
    let mut matter = Matter::named(told.tracking_id.as_deref(), &kind)?;
    matter.status = said(told.stage).or(said(log.status));
    matter.level = said(log.level);
    matter.title = said(told.title);
    matter.summary = said(told.communication).or(said(told.default_language_content));
    matter.begin = stated("impactStartTime", told.impact_start_time.as_deref(), observed)?;
    matter.end = stated("impactMitigationTime", told.impact_mitigation_time.as_deref(), observed)?;
    matter.updated = stated("eventTimestamp", log.event_timestamp.as_deref(), observed)?;
    matter.subscriptions = said(log.subscription_id).into_iter().collect();
    matter.places = places(told.impacted_services, told.service, told.region)?.into_iter().collect();
    matter.updates = update(&matter, said(told.communication_id)).into_iter().collect();
    Ok(matter)
}

fn update(matter: &Matter, id: Option<String>) -> Option<Update> {
    let when: Stated = matter.updated.clone()?;
    let plain = |id: &String| id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    Some(Update { when, id: id.filter(plain), text: matter.summary.clone()? })
}

/// The services that are hit: a list, as a text within the text or as it is; else the one that is named.
fn places(services: Option<Value>, service: Option<String>, region: Option<String>) -> Result<Vec<Place>, MatterError> {
    let services = match services {
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(serde_json::from_str(&text).map_err(form)?),
        Some(Value::Null) | None => None,
        Some(list) => Some(list),
    };
    let Some(services) = services else {
        let named = Place {
            service: said(service).unwrap_or_default(),
            region: said(region).unwrap_or_default(),
            status: None,
        };
        return Ok(if named.service.is_empty() && named.region.is_empty() { Vec::new() } else { vec![named] });
    };
    let services: Vec<Service> = serde_json::from_value(camel(services)).map_err(form)?;
    let mut places = Vec::new();
    for service in services {
        let name = said(service.service_name).unwrap_or_default();
        let regions: Vec<_> = service.impacted_regions.into_iter().flatten().map(|region| region.region_name).collect();
        let regions = if regions.is_empty() { vec![None] } else { regions };
        let place = |region| Place { service: name.clone(), region: said(region).unwrap_or_default(), status: None };
        places.extend(regions.into_iter().map(place));
    }
    Ok(places)
}

fn health(log: Log, targets: Option<Vec<String>>, observed: DateTime<Utc>) -> Result<HealthAlert, MatterError> {
    let told = log.properties.unwrap_or_default();
    let resource = said(log.resource_id).or_else(|| targets.into_iter().flatten().next());
    let lacks = |what: &str| MatterError::Form(format!("the alert has no {what}"));
    Ok(HealthAlert {
        resource: resource.ok_or_else(|| lacks("resourceId"))?,
        state: said(told.current_health_status).ok_or_else(|| lacks("currentHealthStatus"))?,
        cause: said(told.cause),
        details: said(told.details),
        when: stated("eventTimestamp", log.event_timestamp.as_deref(), observed)?.map(|stated| stated.time),
    })
}
