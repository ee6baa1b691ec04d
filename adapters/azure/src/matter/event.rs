//! An event of Service Health, as ARM lists it or as Resource Graph keeps it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::graph::{plain, time};
use super::{Matter, MatterError, Place, Update, form, said, stated};
use crate::camel::camel;

#[derive(Deserialize)]
struct Event {
    name: Option<String>,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    tracking_id: Option<String>,
    #[serde(default)]
    event_type: String,
    status: Option<String>,
    event_level: Option<String>,
    level: Option<String>,
    #[serde(default, deserialize_with = "plain")]
    event_tags: Option<Vec<String>>,
    title: Option<String>,
    summary: Option<String>,
    header: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "time")]
    impact_start_time: Option<String>,
    #[serde(default, deserialize_with = "time")]
    impact_mitigation_time: Option<String>,
    #[serde(default, deserialize_with = "time")]
    last_update_time: Option<String>,
    #[serde(default, deserialize_with = "plain")]
    impact: Option<Vec<Impact>>,
    #[serde(default, deserialize_with = "plain")]
    recommended_actions: Option<Actions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impact {
    impacted_service: Option<String>,
    impacted_regions: Option<Vec<Region>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    impacted_region: Option<String>,
    status: Option<String>,
    impacted_subscriptions: Option<Vec<String>>,
    updates: Option<Vec<Told>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    summary: Option<String>,
    update_date_time: Option<String>,
}

#[derive(Deserialize)]
struct Actions {
    actions: Option<Vec<Action>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    action_text: Option<String>,
}

/// Reads one event.
pub(crate) fn event(raw: Value, observed: DateTime<Utc>) -> Result<Matter, MatterError> {
    let event: Event = serde_json::from_value(camel(raw)).map_err(form)?;
    let told = event.properties;
    let mut matter = Matter::named(event.name.as_deref().or(told.tracking_id.as_deref()), &told.event_type)?;
    matter.status = said(told.status);
    matter.level = said(told.event_level).or(said(told.level));
    matter.tags = told.event_tags.into_iter().flatten().filter_map(|tag| said(Some(tag))).collect();
    matter.title = said(told.title).or(said(told.header));
    matter.summary = said(told.summary).or(said(told.description));
    matter.begin = stated("impactStartTime", told.impact_start_time.as_deref(), observed)?;
    matter.end = stated("impactMitigationTime", told.impact_mitigation_time.as_deref(), observed)?;
    matter.updated = stated("lastUpdateTime", told.last_update_time.as_deref(), observed)?;
    let actions = told.recommended_actions.and_then(|actions| actions.actions);
    matter.actions = actions.into_iter().flatten().filter_map(|action| said(action.action_text)).collect();
    for impact in told.impact.into_iter().flatten() {
        place(&mut matter, impact, observed)?;
    }
    Ok(matter)
}

fn place(matter: &mut Matter, impact: Impact, observed: DateTime<Utc>) -> Result<(), MatterError> {
    let service = said(impact.impacted_service).unwrap_or_default();
    let regions = impact.impacted_regions.unwrap_or_default();
    if regions.is_empty() {
        matter.places.insert(Place { service, region: String::new(), status: None });
        return Ok(());
    }
    for region in regions {
        for told in region.updates.into_iter().flatten() {
            let when = stated("updateDateTime", told.update_date_time.as_deref(), observed)?;
            if let (Some(when), Some(text)) = (when, said(told.summary)) {
                matter.updates.insert(Update { when, id: None, text });
            }
        }
        matter.subscriptions.extend(region.impacted_subscriptions.into_iter().flatten());
        let (region, status) = (said(region.impacted_region).unwrap_or_default(), said(region.status));
        matter.places.insert(Place { service: service.clone(), region, status });
    }
    Ok(())
}
