//! The program as its operators start it, with credentials that Google's own clients find.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

use std::process::Output;

use chrono::{TimeDelta, Utc};
use entente_exercise::gcp::Gcp;
use entente_exercise::{Fault, Fleet, Os, Served};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROJECT: &str = "acme-prod-417";

/// A double whose calls need a token, and the folder of a sidecar that has the credentials of a user.
async fn prepared() -> (Gcp, Served, TempDir) {
    let (gcp, fleet) = (Gcp::new(), Fleet::new());
    fleet.add(3, Os::Windows, ("us-central1", "us-central1-a"), true, Utc::now() - TimeDelta::days(1));
    gcp.project(PROJECT, fleet);
    gcp.guard();
    let (served, folder) = (gcp.serve().await.unwrap(), tempfile::tempdir().unwrap());
    let user = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{}/token", served.url()),
    });
    std::fs::write(folder.path().join("user.json"), user.to_string()).unwrap();
    let url = served.url();
    let settings = format!(
        "org = \"acme\"\naudience = \"gaaaaaaaaaaaaaaaa\"\nbus = [\"nats://127.0.0.1:1\"]\ntimeout = \"5s\"\n\
         listen = \"127.0.0.1:0\"\n[gcp]\nprojects = [\"{PROJECT}\"]\norganization = \"417417417417\"\n\
         [endpoints]\ncompute = \"{url}\"\nservicehealth = \"{url}\"\nosconfig = \"{url}\"\n\
         [feeds.gcp-compute]\nguest = [\"groups\", \"inventory\", \"serial\"]\n\
         [feeds.gcp-operations]\n[feeds.gcp-psh]\n[feeds.gcp-osconfig]\n"
    );
    std::fs::write(folder.path().join("sidecar.toml"), settings).unwrap();
    (gcp, served, folder)
}

async fn run(folder: &TempDir, flags: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_entente-gcp"));
    command.env_clear().env("GOOGLE_APPLICATION_CREDENTIALS", folder.path().join("user.json"));
    command.arg("--config").arg(folder.path().join("sidecar.toml")).arg("--data").arg(folder.path().join("data"));
    command.args(flags).output().await.unwrap()
}

/// What a preflight found of each call to Google.
async fn found(folder: &TempDir) -> Vec<(String, String, String)> {
    let output = run(folder, &["--preflight", "--json"]).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |row: &Value, member: &str| row[member].as_str().unwrap_or_default().to_owned();
    let rows = found["checks"].as_array().unwrap().iter().filter(|row| text(row, "feed").starts_with("gcp-"));
    rows.map(|row| (text(row, "api"), text(row, "found"), text(row, "text"))).collect()
}

#[tokio::test]
async fn a_preflight_makes_each_call_with_the_credentials_that_are_found() {
    let (gcp, served, folder) = prepared().await;
    let rows = found(&folder).await;
    assert_eq!(rows.len(), 11, "{rows:?}");
    assert!(rows.iter().all(|(_, found, _)| found == "ok"), "{rows:?}");
    assert!(served.calls().iter().any(|call| {
        call.headers.iter().any(|(name, value)| name == "authorization" && value.starts_with("Bearer ya29."))
    }));

    gcp.faults().keep("/instanceDetails", Fault::Forbidden);
    let rows = found(&folder).await;
    let missing: Vec<_> = rows.iter().filter(|(_, found, _)| found != "ok").collect();
    let [(api, found, text)] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!((api.as_str(), found.as_str()), ("osconfig.patchJobs.instanceDetails.list", "missing"));
    assert!(text.contains("grant osconfig.patchJobs.get"), "{text}");
}

#[tokio::test]
async fn credentials_that_are_refused_are_missing() {
    let (gcp, _served, folder) = prepared().await;
    gcp.withhold(true);
    let output = run(&folder, &["--preflight"]).await;
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("the provider does not know who calls"), "{told}");
    assert_ne!(output.status.code(), Some(0));
}

#[tokio::test]
async fn credentials_that_cannot_be_read_end_the_start_with_the_remedy() {
    let (_gcp, _served, folder) = prepared().await;
    std::fs::write(folder.path().join("user.json"), "no JSON").unwrap();
    let output = run(&folder, &[]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("next: mend the file that GOOGLE_APPLICATION_CREDENTIALS names"), "{told}");
    assert_ne!(output.status.code(), Some(0));
}
