//! `up` reads a vendor's advisories as it reads a status page: what stands at the address shows in what it answers.

use std::path::Path;

use chrono::{Duration, Utc};
use entente_exercise::Served;
use entente_exercise::csaf::{Layout, METADATA, Provider};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::run::entente;
use crate::running::{Up, nats_server, until};

/// A provider with one document, an hour old.
fn provider(runtime: &Runtime) -> (Provider, Served) {
    let released = Utc::now() - Duration::hours(1);
    let document = json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Agents stop",
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "tracking": { "id": "ACME-1", "status": "final", "version": "1", "current_release_date": released.to_rfc3339() },
        },
        "vulnerabilities": [{ "cve": "CVE-2024-0042", "remediations": [{ "category": "workaround", "details": "Wait." }] }],
    });
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/acme-1.json", document.to_string(), released);
    let served = runtime.block_on(provider.serve()).unwrap();
    (provider, served)
}

/// Object ids in the log.
fn logged(data: &Path) -> Vec<String> {
    let events = entente(data, &["events", "--limit", "100", "--json"]).well();
    let events: Value = serde_json::from_str(&events).unwrap();
    let ids = events["events"].as_array().unwrap().iter().map(|event| event["object_id"].as_str().unwrap_or_default());
    ids.map(str::to_owned).collect()
}

fn told(data: &Path, feed: &str, object: &str) {
    let up = Up::start(data, &["--feed", feed]);
    until(object, || logged(data).iter().any(|id| id == object));
    assert_eq!(up.end(), Some(0));
}

fn said(data: &Path) -> String {
    std::fs::read_to_string(data.join("said")).unwrap()
}

#[test]
fn a_provider_is_read_by_its_metadata_and_by_its_host_alone_and_not_again_after_a_restart() {
    if !nats_server() {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let (_provider, served) = provider(&runtime);
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    told(data, &format!("vendor:acme={}{METADATA}", served.url()), "csaf.acme:ACME-1/1");
    assert!(said(data).contains("reading feed vendor:acme at http") && said(data).contains("advisories in CSAF"));
    told(data, &format!("vendor:acme={}", served.url()), "csaf.acme:ACME-1");
    let asked = served.calls().iter().filter(|call| call.target.ends_with("acme-1.json")).count();
    assert_eq!(asked, 1, "what was read is kept in the data folder");
}

#[test]
fn what_an_address_answers_goes_before_what_its_end_says() {
    if !nats_server() {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let (provider, served) = provider(&runtime);
    provider.post(
        "all",
        r#"{"page":{"url":"https://acme.example"},"incidents":[{"id":"i1","name":"Slow","status":"investigating"}]}"#,
    );
    provider.post(
        "posts.json",
        "<rss version=\"2.0\"><channel><item><guid>g1</guid><title>Slow</title></item></channel></rss>",
    );
    for (page, object) in [("all", "statuspage.acme:i1"), ("posts.json", "rss.acme:g1")] {
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path();
        let up = Up::start(data, &["--feed", &format!("vendor:acme={}/pages/{page}", served.url())]);
        until(object, || logged(data).iter().any(|id| id.starts_with(object)));
        assert_eq!(up.end(), Some(0));
    }
}

#[test]
fn advisories_that_anybody_on_the_way_could_change_are_not_read() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("provider-metadata.json");
    std::fs::write(&file, "{}").unwrap();
    for (address, why) in [
        ("http://acme.example/.well-known/csaf/provider-metadata.json", "not asked over plain http"),
        (file.to_str().unwrap(), "read from their provider"),
    ] {
        let ran = entente(
            data.path(),
            &["up", "--no-public-feeds", "--port", "0", "--feed", &format!("vendor:acme={address}")],
        );
        let complaint = ran.complaint(2);
        assert!(complaint.contains(why), "{complaint}");
    }
}
