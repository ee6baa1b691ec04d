//! One resource as Resource Health lists it, and as Event Grid tells of it.

use chrono::{DateTime, Utc};
use entente_sidecar::stamp::optional;
use serde::Deserialize;
use serde_json::Value;

use super::Report;
use crate::camel::camel;
use crate::region::regions;
use crate::resource::{kind, resource};
use crate::scrub::scrub;

#[derive(Deserialize)]
struct Status {
    id: String,
    location: Option<String>,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    target_resource_id: Option<String>,
    target_resource_type: Option<String>,
    availability_state: Option<String>,
    context: Option<String>,
    category: Option<String>,
    reason_type: Option<String>,
    reason: Option<String>,
    annotation_name: Option<String>,
    summary: Option<String>,
    // ARM writes it with one r.
    #[serde(alias = "occuredTime")]
    occurred_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    resource_info: Status,
}

/// Reads an element of a list of availability statuses.
pub(crate) fn status(raw: Value, observed: DateTime<Utc>) -> Result<Report, String> {
    let status: Status = serde_json::from_value(camel(raw)).map_err(|_| "not an availability status".to_owned())?;
    status.report(observed)
}

/// Reads the data of an event of Event Grid's health resources: a change of state, or an annotation to it.
pub(crate) fn notification(data: Value, observed: DateTime<Utc>) -> Result<Report, String> {
    let read: Result<Notification, _> = serde_json::from_value(camel(data));
    read.map_err(|_| "not a notification of health resources".to_owned())?.resource_info.report(observed)
}

impl Status {
    fn report(self, observed: DateTime<Utc>) -> Result<Report, String> {
        let told = self.properties;
        let id = resource(told.target_resource_id.as_deref().unwrap_or(&self.id));
        let kind = told.target_resource_type.map(|kind| clean(&kind).to_lowercase()).or_else(|| kind(&id));
        let about = [told.annotation_name, told.summary, told.reason].into_iter().flatten();
        let causes = [told.context, told.category, told.reason_type].into_iter().flatten();
        Ok(Report {
            kind: kind.ok_or("a status of no resource")?,
            resource: id,
            region: region(self.location.as_deref()),
            state: told.availability_state.map(|state| clean(&state)).filter(|state| !state.is_empty()),
            causes: causes.map(|cause| clean(&cause)).filter(|cause| !cause.is_empty()).collect(),
            about: about.collect::<Vec<_>>().join(" "),
            since: optional("occurredTime", told.occurred_time.as_deref(), observed)
                .map_err(|error| error.to_string())?,
        })
    }
}

/// The code of a location; one that is not known stands for itself, and `global` states none.
pub(crate) fn region(location: Option<&str>) -> String {
    let location = location.unwrap_or_default().trim();
    if regions().is_unnamed(location) {
        return String::new();
    }
    regions().code(location).map_or_else(|| clean(location).to_lowercase(), str::to_owned)
}

/// A word without what customers own.
fn clean(word: &str) -> String {
    scrub(word.trim()).into_owned()
}
