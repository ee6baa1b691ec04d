//! Status pages of the July night as the providers' formats have them, in our own words, on a web server of the test's
//! own. What they say is changed step by step, as their authors would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Google's incidents.
pub const GOOGLE: &str = "/gcp/incidents.json";
/// Azure's status feed.
pub const AZURE: &str = "/azure/feed.rss";
/// The status page of a code host that runs on Azure.
pub const CODEHOST: &str = "/codehost/api/v2/incidents.json";

/// Google's regions that the first notice named.
const REGIONS: [&str; 40] = [
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-southwest1",
    "europe-west1",
    "europe-west10",
    "europe-west12",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
];

type Bodies = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// The pages and the server that answers with them.
pub struct Pages {
    bodies: Bodies,
    address: String,
    serving: JoinHandle<()>,
}

impl Pages {
    /// Pages that have nothing to tell yet.
    pub async fn open() -> Self {
        let bodies: Bodies = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&bodies));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let pages = Self { bodies, address, serving };
        pages.say(GOOGLE, "[]".to_owned());
        pages.say(AZURE, azure(&[]));
        pages.say(CODEHOST, codehost(&[]));
        pages
    }

    /// Where a page is.
    #[must_use]
    pub fn address(&self, page: &str) -> String {
        format!("{}{page}", self.address)
    }

    /// What a page says from now on.
    pub fn say(&self, page: &'static str, body: String) {
        self.bodies.lock().expect("no test panicked with it").insert(page, body);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(bodies): State<Bodies>, uri: Uri) -> Response {
    let body = bodies.lock().expect("no test panicked with it").get(uri.path()).cloned();
    match body {
        Some(body) => ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Google's incident with the updates `(clock, status, text)` of 19 July so far, the newest last.
#[must_use]
pub fn google(updates: &[(&str, &str, &str)]) -> String {
    let when = |clock: &str| format!("2024-07-19T{clock}:00+00:00");
    let places: Vec<Value> = REGIONS.iter().map(|region| json!({"id": region, "title": region})).collect();
    let update = |(clock, status, text): &(&str, &str, &str)| {
        json!({"when": when(clock), "created": when(clock), "modified": when(clock), "status": status, "text": text,
            "affected_locations": places})
    };
    let said: Vec<Value> = updates.iter().rev().map(update).collect();
    let severity = if updates.last().is_some_and(|last| last.1 == "SERVICE_INFORMATION") { "low" } else { "high" };
    let incident = json!([{
        "id": "winvm4july", "number": "7190000000000000001", "begin": when("06:48"), "created": when("06:48"),
        "end": null, "modified": said.first().map(|newest| newest["when"].clone()),
        "external_desc": "Windows machines of Compute Engine crash and do not start again",
        "updates": said, "most_recent_update": said.first(), "status_impact": updates.last().map(|last| last.1),
        "severity": severity, "service_key": "zall", "service_name": "Google Compute Engine",
        "affected_products": [{"title": "Google Compute Engine", "id": "L3ggmi3Jy4xJmgodFA9K"}],
        "uri": "incidents/winvm4july", "currently_affected_locations": places, "previously_affected_locations": [],
    }]);
    incident.to_string()
}

/// One item of Azure's feed.
pub struct AzureItem {
    /// Its guid.
    pub guid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Day and clock of July at which it was published, such as `18 22:56`.
    pub published: &'static str,
    /// Services and regions.
    pub categories: &'static [&'static str],
    /// Its text.
    pub text: &'static str,
}

/// Azure's feed with these items.
#[must_use]
pub fn azure(items: &[AzureItem]) -> String {
    let items: String = items.iter().map(azure_item).collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Azure Status</title><link>https://azure.status.microsoft/</link><description>Azure Status</description>{items}</channel></rss>"#
    )
}

fn azure_item(item: &AzureItem) -> String {
    let (day, clock) = item.published.split_once(' ').expect("a day and a clock");
    let weekday = if day == "18" { "Thu" } else { "Fri" };
    let categories: String = item.categories.iter().map(|name| format!("<category>{name}</category>")).collect();
    format!(
        "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><link>https://azure.status.microsoft/en-us/status</link>\
        <pubDate>{weekday}, {day} Jul 2024 {clock}:00 Z</pubDate>{categories}<description>{}</description></item>",
        item.guid, item.title, item.text
    )
}

/// The code host's page with the updates `(time, status, text)` of its one incident, the newest last; none, no incident.
#[must_use]
pub fn codehost(updates: &[(&str, &str, &str)]) -> String {
    let when = |clock: &str| format!("2024-07-{clock}:00.000Z");
    let said: Vec<Value> = updates
        .iter()
        .enumerate()
        .rev()
        .map(|(index, (clock, status, text))| {
            json!({"id": format!("u{index}"), "incident_id": "ch1", "status": status, "body": text,
                "created_at": when(clock), "updated_at": when(clock), "display_at": when(clock)})
        })
        .collect();
    let page = json!({"id": "codehost", "name": "Code host", "url": "https://status.codehost.example"});
    let (Some(first), Some(last)) = (updates.first(), updates.last()) else {
        return json!({"page": page, "incidents": []}).to_string();
    };
    let incident = json!({"id": "ch1", "name": "Pipelines do not start", "status": last.1, "impact": "major",
        "created_at": when(first.0), "started_at": when(first.0), "updated_at": when(last.0), "resolved_at": null,
        "shortlink": "https://status.codehost.example/incidents/ch1", "incident_updates": said,
        "components": [{"id": "c1", "name": "Pipelines", "status": "major_outage"}]});
    json!({"page": page, "incidents": [incident]}).to_string()
}
