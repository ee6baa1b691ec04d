//! Virtual machines as Resource Graph keeps their health, for all subscriptions at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_sidecar::stamp::optional;
use serde::Deserialize;

use super::listed::region;
use super::{Report, goes_with};
use crate::resource::{kind, resource};
use crate::signs;

/// Everything that is not available. Paging needs the projected id.
pub(crate) const STATES: &str = "healthresources \
    | where type =~ 'microsoft.resourcehealth/availabilitystatuses' \
    and tostring(properties.targetResourceType) =~ 'microsoft.compute/virtualmachines' \
    and tostring(properties.availabilityState) in~ ('Unavailable', 'Degraded', 'Unknown') \
    | order by id asc \
    | project id, location, target = tostring(properties.targetResourceId), \
    availability = tostring(properties.availabilityState), occurred = tostring(properties.occurredTime)";

/// What goes with it, where somebody brought it about.
pub(crate) const ANNOTATIONS: &str = "healthresources \
    | where type =~ 'microsoft.resourcehealth/resourceannotations' \
    and tostring(properties.context) in~ ('Platform Initiated', 'Customer Initiated', 'VM Initiated') \
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

impl AnnotationRow {
    fn time(&self, observed: DateTime<Utc>) -> Option<DateTime<Utc>> {
        optional("occurredTime", self.occurred.as_deref(), observed).ok().flatten()
    }

    fn about(&self) -> String {
        format!("{} {}", self.annotation, self.reason)
    }

    /// Whether it says why a state is as it is since then. What was done about the state later does not, unless the machine
    /// was given up.
    fn explains(&self, since: Option<DateTime<Utc>>, observed: DateTime<Utc>) -> bool {
        let (Some(at), Some(since)) = (self.time(observed), since) else { return true };
        goes_with(at, since) || at > since && signs::of_stop(&self.about())
    }
}

/// States, each with the newest annotation if that is of it.
pub(crate) fn joined(
    states: Vec<StateRow>,
    annotations: Vec<AnnotationRow>,
    observed: DateTime<Utc>,
) -> impl Iterator<Item = Result<Report, String>> {
    let mut newest: BTreeMap<String, AnnotationRow> = BTreeMap::new();
    for row in annotations {
        let known = newest.entry(resource(&row.target)).or_insert_with(|| row.clone());
        if row.time(observed) > known.time(observed) {
            *known = row;
        }
    }
    states.into_iter().map(move |row| {
        let id = resource(&row.target);
        let since = optional("occurredTime", row.occurred.as_deref(), observed).map_err(|error| error.to_string())?;
        let annotation = newest.get(&id).filter(|row| row.explains(since, observed));
        let causes = annotation.map(|row| [&row.context, &row.category]).into_iter().flatten();
        Ok(Report {
            kind: kind(&id).ok_or("a status of no resource")?,
            region: region(row.location.as_deref()),
            state: Some(row.availability),
            causes: causes.filter(|cause| !cause.is_empty()).cloned().collect(),
            about: annotation.map(AnnotationRow::about).unwrap_or_default(),
            since,
            resource: id,
        })
    })
}
