//! The page of emerging issues: matters that Azure shows to everybody before it knows whom they hit, and banners.

use chrono::{DateTime, Utc};
use entente_schemas::digest::{SHORT, base32, sha256};
use serde::Deserialize;
use serde_json::Value;

use super::{Matter, MatterError, Place, form, said, stated};
use crate::camel::camel;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    status_active_events: Option<Vec<Value>>,
    status_banners: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Active {
    title: Option<String>,
    description: Option<String>,
    tracking_id: Option<String>,
    start_time: Option<String>,
    last_modified_time: Option<String>,
    severity: Option<String>,
    stage: Option<String>,
    published: Option<bool>,
    impacts: Option<Vec<Impact>>,
}

#[derive(Deserialize)]
struct Impact {
    name: Option<String>,
    regions: Option<Vec<Region>>,
}

#[derive(Deserialize)]
struct Region {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Banner {
    title: Option<String>,
    message: Option<String>,
    last_modified_time: Option<String>,
}

/// One matter of the page, or why it cannot be told, with what was written.
pub(crate) type Shown = Result<Matter, (MatterError, Value)>;

/// Reads the page's properties: each matter by itself.
pub(crate) fn emerging(properties: Value, observed: DateTime<Utc>) -> Result<Vec<Shown>, MatterError> {
    let page: Page = serde_json::from_value(camel(properties)).map_err(form)?;
    let (Some(events), Some(banners)) = (page.status_active_events, page.status_banners) else {
        return Err(MatterError::Form("statusActiveEvents and statusBanners are missing".to_owned()));
    };
    let apart = |raw: Value, read: fn(Value, DateTime<Utc>) -> Result<Option<Matter>, MatterError>| {
        read(raw.clone(), observed).map_err(|error| (error, raw)).transpose()
    };
    let events = events.into_iter().filter_map(|raw| apart(raw, active));
    Ok(events.chain(banners.into_iter().filter_map(|raw| apart(raw, banner))).collect())
}

fn active(raw: Value, observed: DateTime<Utc>) -> Result<Option<Matter>, MatterError> {
    let event: Active = serde_json::from_value(raw).map_err(form)?;
    if event.published == Some(false) {
        return Ok(None);
    }
    let mut matter = Matter::named(event.tracking_id.as_deref(), "EmergingIssues")?;
    matter.status = said(event.stage);
    matter.level = said(event.severity);
    matter.title = said(event.title);
    matter.summary = said(event.description);
    matter.begin = stated("startTime", event.start_time.as_deref(), observed)?;
    matter.updated = stated("lastModifiedTime", event.last_modified_time.as_deref(), observed)?;
    for impact in event.impacts.into_iter().flatten() {
        let service = said(impact.name).unwrap_or_default();
        let regions = impact.regions.into_iter().flatten().filter_map(|region| said(region.name));
        let mut places: Vec<Place> =
            regions.map(|region| Place { service: service.clone(), region, status: None }).collect();
        if places.is_empty() {
            places.push(Place { service, region: String::new(), status: None });
        }
        matter.places.extend(places);
    }
    Ok(Some(matter))
}

/// A banner has no tracking id; its title names it.
fn banner(raw: Value, observed: DateTime<Utc>) -> Result<Option<Matter>, MatterError> {
    let banner: Banner = serde_json::from_value(raw).map_err(form)?;
    let title = said(banner.title);
    let name = title.as_deref().or(banner.message.as_deref()).unwrap_or_default();
    let id = (!name.trim().is_empty()).then(|| format!("banner/{}", base32(&sha256(name.trim().as_bytes()), SHORT)));
    let mut matter = Matter::named(id.as_deref(), "EmergingIssues")?;
    matter.title = title;
    matter.summary = said(banner.message);
    matter.updated = stated("lastModifiedTime", banner.last_modified_time.as_deref(), observed)?;
    Ok(Some(matter))
}
