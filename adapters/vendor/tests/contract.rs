//! The contract of all sidecars, against the vendor's: a status page, a feed in RSS and a provider of advisories, all played
//! by one double.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::csaf::{Layout, METADATA, Provider};
use entente_exercise::{Fault as Played, Served};
use entente_sidecar::contract::{Call, Fault, Subject, run};
use entente_vendor::Vendor;
use serde_json::{Value, json};

/// What stands in the address of the status page, as pages for customers have it.
const TOKEN: &str = "t0ken-of-a-customer";
const PAGE: &str = "incidents.json";

struct Vendors {
    provider: Provider,
    served: Served,
    /// Incidents so far, the last of them open or not.
    incidents: Mutex<Vec<Incident>>,
    garbled: AtomicUsize,
}

#[derive(Clone)]
struct Incident {
    began: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
}

impl Vendors {
    async fn start() -> Self {
        let provider = Provider::new(Layout::Rolie);
        let served = provider.serve().await.unwrap();
        let vendors = Self { provider, served, incidents: Mutex::default(), garbled: AtomicUsize::new(0) };
        vendors.provider.publish("white/2024/acme-0.json", document("ACME-0", Utc::now()), Utc::now());
        vendors.show();
        vendors
    }

    /// Shows the page as it is now.
    fn show(&self) {
        let incidents = self.incidents.lock().unwrap().clone();
        let mut list: Vec<Value> = (1..).zip(&incidents).map(|(number, incident)| shown(number, incident)).collect();
        let garbled = self.garbled.load(Ordering::Relaxed);
        if garbled > 0 {
            list.push(json!({ "id": format!("garbled-{garbled}"), "name": [garbled], "status": 7 }));
        }
        list.reverse();
        let page = json!({ "page": { "url": "https://status.acme.example" }, "incidents": list }).to_string();
        self.provider.post(PAGE, page);
        let entries = (1..).zip(&incidents).map(|(number, incident)| entry(number, incident));
        let titles: String = entries.collect::<Vec<_>>().into_iter().rev().collect();
        let feed = format!("<rss version=\"2.0\"><channel><title>Acme</title>{titles}</channel></rss>");
        self.provider.post("history.rss", feed);
    }
}

fn shown(number: usize, incident: &Incident) -> Value {
    let newest = incident.ended.unwrap_or(incident.began);
    let status = if incident.ended.is_some() { "resolved" } else { "investigating" };
    let state = if incident.ended.is_some() { "operational" } else { "major_outage" };
    json!({
        "id": format!("incident-{number}"), "name": format!("Trouble {number}"), "status": status, "impact": "major",
        "created_at": incident.began, "started_at": incident.began, "updated_at": newest, "resolved_at": incident.ended,
        "components": [{ "id": "c", "name": "API", "status": state }],
        "incident_updates": [{ "id": format!("{number}-{status}"), "status": status, "body": format!("We are {status}."),
                               "created_at": newest, "display_at": newest, "updated_at": newest }],
    })
}

fn entry(number: usize, incident: &Incident) -> String {
    let word = if incident.ended.is_some() { "Resolved" } else { "Investigating" };
    let (published, updated) = (incident.began.to_rfc2822(), incident.ended.unwrap_or(incident.began).to_rfc3339());
    format!(
        "<item><guid>trouble-{number}</guid><title>Trouble {number}</title><pubDate>{published}</pubDate>\
         <updated>{updated}</updated><description>&lt;b&gt;{word}&lt;/b&gt; - {number}</description></item>"
    )
}

fn document(id: &str, released: DateTime<Utc>) -> String {
    let document = json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": format!("about {id}"),
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "distribution": { "tlp": { "label": "WHITE" } },
            "tracking": { "id": id, "status": "final", "version": "1", "current_release_date": released },
        },
        "vulnerabilities": [{ "remediations": [{ "category": "workaround", "details": "Wait." }] }],
    });
    document.to_string()
}

impl Subject for Vendors {
    type Adapter = Vendor;

    fn settings(&self) -> String {
        let url = self.served.url();
        format!(
            "[budget]\n\"vendor.page\" = 60000\n\"vendor.csaf\" = 60000\n\
             [feeds.acme-csaf]\nprovider = \"{url}{METADATA}\"\n\
             [feeds.acme-status]\naddress = \"{url}/pages/{PAGE}?token={TOKEN}\"\n\
             [feeds.acme-rss]\naddress = \"{url}/pages/history.rss\"\n"
        )
    }

    fn asking(&self) -> Vec<String> {
        ["acme-csaf", "acme-status", "acme-rss"].map(str::to_owned).to_vec()
    }

    fn trouble(&self) {
        let mut incidents = self.incidents.lock().unwrap();
        let now = Utc::now();
        if incidents.last().is_none_or(|incident| incident.ended.is_some()) {
            incidents.push(Incident { began: now, ended: None });
        }
        let number = incidents.len();
        drop(incidents);
        self.provider.publish(&format!("white/2024/acme-{number}.json"), document(&format!("ACME-{number}"), now), now);
        self.show();
    }

    fn cure(&self) {
        if let Some(incident) = self.incidents.lock().unwrap().last_mut() {
            incident.ended.get_or_insert_with(|| Utc::now().max(incident.began + TimeDelta::milliseconds(1)));
        }
        self.garbled.store(0, Ordering::Relaxed);
        self.show();
    }

    fn play(&self, fault: Fault) {
        self.provider.faults().lift();
        let played = match fault {
            Fault::Throttled(retry_after) => Played::Throttled { retry_after },
            Fault::Stalled => Played::Stall(Duration::from_secs(30)),
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff(600),
        };
        self.provider.faults().keep("", played);
    }

    fn lift(&self) {
        self.provider.faults().lift();
    }

    fn calls(&self) -> Vec<Call> {
        let call = |call: entente_exercise::served::Call| Call {
            name: format!("{} {}", call.method, call.target),
            changes: call.method != "GET",
            acknowledges: false,
        };
        self.served.calls().into_iter().map(call).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        BTreeSet::from([TOKEN.to_owned()])
    }

    fn garble(&self) -> bool {
        self.garbled.fetch_add(1, Ordering::Relaxed);
        self.show();
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(Vendors::start().await).await;
}
