//! Virtual machines as Resource Graph keeps their health, for all subscriptions at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_sidecar::stamp::optional;
use serde::Deserialize;

use super::Report;
use super::listed::region;
use crate::resource::{kind, resource};

/// Everything that is not available. Paging needs the projected id.
pub(crate) const STATES: &str = "healthresources \
    | where type =~ 'microsoft.resourcehealth/availabilitystatuses' \
    and tostring(properties.availabilityState) in~ ('Unavailable', 'Degraded', 'Unknown') \
    | order by id asc \
    | project id, location, target = tostring(properties.targetResourceId), \
    availability = tostring(properties.availabilityState), occurred = tostring(properties.occurredTime)";

/// What goes with it, where somebody brought it about.
pub(crate) const ANNOTATIONS: &str = "healthresources \
    | where type =~ 'microsoft.resourcehealth/resourceannotations' \
    and tostring(properties.context) in~ ('Platform Initiated', 'Customer Initiated') \
    | order by id asc \
    | project id, target = tostring(properties.targetResourceId), annotation = tostring(properties.annotationName), \
    reason = tostring(properties.reason), context = tostring(properties.context), \
    category = tostring(properties.category), occurred = tostring(properties.occurredTime)";

/// A row of [`STATES`].
#[derive(Clone, Deserialize)]
pub(crate) struct StateRow {
    target: String,
    #[serde(default)]
    location: Option<String>,
    availability: String,
    #[serde(default)]
    occurred: Option<String>,
}

/// A row of [`ANNOTATIONS`].
#[derive(Clone, Deserialize)]
pub(crate) struct AnnotationRow {
    target: String,
    #[serde(default)]
    annotation: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    context: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    occurred: Option<String>,
}

/// States with the newest annotation of each.
pub(crate) fn joined(
    states: Vec<StateRow>,
    annotations: Vec<AnnotationRow>,
    observed: DateTime<Utc>,
) -> impl Iterator<Item = Result<Report, String>> {
    let mut newest: BTreeMap<String, AnnotationRow> = BTreeMap::new();
    for row in annotations {
        let known = newest.entry(resource(&row.target)).or_insert_with(|| row.clone());
        let time = |row: &AnnotationRow| optional("occurredTime", row.occurred.as_deref(), observed).ok().flatten();
        if time(&row) > time(known) {
            *known = row;
        }
    }
    states.into_iter().map(move |row| {
        let id = resource(&row.target);
        let annotation = newest.get(&id);
        let causes = annotation.map(|row| [&row.context, &row.category, &row.reason]).into_iter().flatten();
        Ok(Report {
            kind: kind(&id).ok_or("a status of no resource")?,
            region: region(row.location.as_deref()),
            state: Some(row.availability),
            causes: causes.take(2).filter(|cause| !cause.is_empty()).cloned().collect(),
            about: annotation.map(|row| format!("{} {}", row.annotation, row.reason)).unwrap_or_default(),
            since: optional("occurredTime", row.occurred.as_deref(), observed).map_err(|error| error.to_string())?,
            resource: id,
        })
    })
}
