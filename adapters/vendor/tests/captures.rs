//! Status pages as they really were: everything in them is read, counted here a second time by hand, and reading again
//! or drafting again says nothing new.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../sidecar/tests/recorded/mod.rs"]
mod recorded;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::event::Source;
use entente_schemas::family::{ImpactKind, Outcome, Phase};
use entente_schemas::header::RefKind;
use entente_sidecar::draft::{Drafter, Occasion};
use entente_sidecar::item::{Item, Normalize, Reading};
use entente_sidecar::mapping::Mapping;
use entente_sidecar::memory::Memory;
use recorded::{at, read};
use serde_json::Value;

const PAGES: [&str; 4] = [
    "statuspage/bitbucket-20260731-102124-none.json",
    "statuspage/github-20260724-164436-major.json",
    "statuspage/github-incidents-2026-07.json",
    "statuspage/openai-20260722-114905-minor.json",
];

fn vendor(file: &str) -> &str {
    let name = file.split(['/', '.']).nth(1).unwrap();
    name.split('-').next().unwrap()
}

fn page(file: &str) -> Option<(Reading, Value)> {
    let body = read(file)?;
    let reading = entente_vendor::statuspage(vendor(file), "x").read(&body, at("2026-08-01T00:00:00Z")).unwrap();
    Some((reading, serde_json::from_slice(&body).unwrap()))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

#[test]
fn every_incident_and_every_update_is_read_whole() {
    let mut seen = (0, 0);
    for file in PAGES {
        let Some((reading, whole)) = page(file) else { return };
        assert_eq!(reading.refused, [], "{file}");
        let items: BTreeMap<&str, &Item> = reading.items.iter().map(|item| (item.native.id.as_str(), item)).collect();
        let incidents: Vec<&Value> = list(&whole, "incidents").chain(list(&whole, "scheduled_maintenances")).collect();
        assert_eq!(items.len(), incidents.len(), "{file}");
        for incident in incidents {
            compare(incident, items[incident["id"].as_str().unwrap()], vendor(file));
            seen = (seen.0 + 1, seen.1 + list(incident, "incident_updates").count());
        }
    }
    assert_eq!(seen, (8, 29));
}

fn compare(incident: &Value, item: &Item, vendor: &str) {
    assert_eq!(item.object_id, format!("statuspage.{vendor}:{}", incident["id"].as_str().unwrap()));
    assert_eq!(item.impact().unwrap().title, incident["name"].as_str().unwrap().trim());
    assert_eq!(item.native.status.as_deref(), incident["status"].as_str());
    assert_eq!(item.impact().unwrap().phase.as_str(), incident["status"].as_str().unwrap());
    assert_eq!(item.times.occurred_at, incident["started_at"].as_str().map(at));
    assert_eq!(item.times.occurred_end, incident["resolved_at"].as_str().map(at));
    assert_eq!(item.stamp(), incident["updated_at"].as_str().map(at));
    let mut told: Vec<&Value> = list(incident, "incident_updates").collect();
    told.sort_by_key(|update| update["display_at"].as_str().unwrap());
    assert_eq!(item.also.len(), told.len());
    for (statement, update) in item.also.iter().zip(told) {
        assert_eq!(statement.object_id, format!("{}/{}", item.object_id, update["id"].as_str().unwrap()));
        assert_eq!(statement.notice().unwrap().text, update["body"].as_str().unwrap());
        assert_eq!(statement.notice().unwrap().native_status.as_deref(), update["status"].as_str());
        assert_eq!(statement.times.occurred_at, update["display_at"].as_str().map(at));
        assert_eq!(statement.notice().unwrap().about, item.object_id);
    }
    let named: Vec<String> = item.impact().unwrap().blocks.iter().flat_map(|block| block.services.clone()).collect();
    assert_eq!(named.len(), list(incident, "components").count());
}

#[test]
fn a_component_that_is_down_is_a_block_and_an_operational_one_under_an_open_incident_is_unknown() {
    let Some((github, _)) = page(PAGES[1]) else { return };
    let impact = github.items[0].impact().unwrap();
    assert_eq!((impact.severity, impact.kind), (Severity::Critical, ImpactKind::Incident));
    let block = &impact.blocks[0];
    assert_eq!((block.service_class, block.state), (ServiceClass::CiCd, BlockState::AffectedUnavailable));
    assert_eq!((block.provider.as_str(), block.services.as_slice()), ("github", &["Pull Requests".to_owned()][..]));
    assert!(block.regions.is_empty());

    let (bitbucket, _) = page(PAGES[0]).unwrap();
    let impact = bitbucket.items[0].impact().unwrap();
    assert_eq!((impact.severity, impact.phase), (Severity::Info, Phase::Monitoring));
    assert!(impact.blocks.iter().all(|block| block.state == BlockState::Unknown));
}

#[test]
fn a_page_without_components_or_start_states_neither() {
    let Some((openai, _)) = page(PAGES[3]) else { return };
    let item = &openai.items[0];
    let block = &item.impact().unwrap().blocks[0];
    assert_eq!((block.service_class, block.state), (ServiceClass::AiMl, BlockState::AffectedDegraded));
    assert!(block.services.is_empty() && item.times.occurred_at.is_none());
    let url = "https://status.openai.com/incidents/01KY54SWGRK806N6TJ495MYPDD";
    assert_eq!(item.native.url.as_deref(), Some(url));
    assert!(item.refs.is_empty());
}

#[test]
fn a_closed_incident_is_restored_and_keeps_its_severity_and_both_its_addresses() {
    let Some((github, _)) = page(PAGES[2]) else { return };
    for item in &github.items {
        assert_eq!(item.impact().unwrap().outcome, Some(Outcome::Restored));
        assert!(item.impact().unwrap().blocks.iter().all(|block| block.state == BlockState::Restored));
        assert!(item.native.url.as_deref().unwrap().starts_with("https://stspg.io/"));
        let long = format!("https://www.githubstatus.com/incidents/{}", item.native.id);
        assert_eq!((item.refs[0].kind, item.refs[0].value.as_str()), (RefKind::Url, long.as_str()));
    }
    let severities: Vec<&str> = github.items.iter().map(|item| item.impact().unwrap().severity.as_str()).collect();
    assert_eq!(severities, ["minor", "minor", "major", "minor", "critical"]);
}

#[test]
fn imitators_with_other_names_for_everything_are_read() {
    let observed = at("2026-08-01T00:00:00Z");
    let Some(body) = read("vendors/mistral-20260727-113302-major.json") else { return };
    let mistral = entente_vendor::statuspage("mistral", "x").read(&body, observed).unwrap();
    let item = &mistral.items[0];
    assert_eq!(
        (item.impact().unwrap().phase, item.impact().unwrap().severity),
        (Phase::Investigating, Severity::Major)
    );
    assert_eq!(
        (item.native.status.as_deref(), item.native.severity.as_deref()),
        (Some("INVESTIGATING"), Some("MEDIUM"))
    );
    assert_eq!(item.impact().unwrap().blocks[0].services, ["Audio API"]);
    assert_eq!(item.impact().unwrap().blocks[0].service_class, ServiceClass::AiMl);
    assert_eq!(item.also.len(), 1);
    assert!(item.also[0].object_id.ends_with("/1013e42b-acb1-4026-bdf8-905de6aec21f"));
    assert_eq!(item.also[0].times.occurred_at, Some(at("2026-07-27T14:32:53.607Z")));

    let body = read("vendors/perplexity-20260723-145302-major.json").unwrap();
    let perplexity = entente_vendor::statuspage("perplexity", "x").read(&body, observed).unwrap();
    let item = &perplexity.items[0];
    assert_eq!((item.impact().unwrap().phase, item.impact().unwrap().severity), (Phase::Monitoring, Severity::Major));
    assert_eq!(item.times.occurred_at, Some(at("2026-07-23T17:48:28.028Z")));
    assert_eq!(item.stamp(), Some(at("2026-07-23T17:50:11.838Z")));
    assert_eq!(item.native.url.as_deref(), Some("https://status.perplexity.com/cmrxt1rlu000f0zlcv4dzmdlr"));
    assert!(mistral.unmapped.is_empty() && perplexity.unmapped.is_empty());
}

#[test]
fn every_component_of_the_captures_is_met_by_a_rule() {
    let mapping = Mapping::parse(include_str!("../mapping.toml")).unwrap();
    let mut names = Vec::new();
    for file in PAGES {
        let Some(body) = read(file) else { return };
        let whole: Value = serde_json::from_slice(&body).unwrap();
        let incidents = list(&whole, "incidents").flat_map(|incident| list(incident, "components"));
        names.extend(list(&whole, "components").chain(incidents).map(|c| c["name"].as_str().unwrap().to_owned()));
    }
    names.push("Audio API".to_owned());
    let coverage = mapping.coverage(names.iter().map(String::as_str));
    assert_eq!(coverage.unknown, Vec::<String>::new());

    let rows: Vec<Value> = serde_json::from_slice(&read("vendors/atlas-normalized-2026.json").unwrap()).unwrap();
    let names: Vec<&str> = rows.iter().flat_map(|row| list(row, "components")).filter_map(Value::as_str).collect();
    let wide = mapping.coverage(names.iter().copied());
    println!(
        "status pages: {} names, {} exact, {} by prefix; 23 vendors: {} names, {} exact, {} by prefix, {} of the vendor's trade",
        coverage.names,
        coverage.exact,
        coverage.by_prefix,
        wide.names,
        wide.exact,
        wide.by_prefix,
        wide.unknown.len()
    );
    let usual = entente_vendor::usual();
    let trades: Vec<&str> = usual.iter().map(|feed| feed.profile().speaker.org.as_str()).collect();
    let named = rows.iter().filter(|row| list(row, "components").next().is_some());
    let strangers: Vec<&str> =
        named.filter_map(|row| row["provider_id"].as_str()).filter(|id| !trades.contains(id)).collect();
    assert!(strangers.iter().all(|id| ["aws", "gcp"].contains(id)), "{strangers:?} are of no known trade");
}

/// The drafts that an answer gives, which the memory then holds.
fn say(normalize: &dyn Normalize, body: &[u8], memory: &mut Memory, now: DateTime<Utc>) -> usize {
    let profile = normalize.profile().clone();
    let source =
        Source { org: "local".into(), feed: profile.slug.clone(), instance: "01J00000000000000000000000".into() };
    let occasion = Occasion { now, first_good: memory.is_empty() };
    let items = normalize.read(body, now).unwrap().items;
    let drafted = Drafter::new(source, "actual", "all", profile).items(items, memory, occasion);
    assert_eq!(drafted.refused, []);
    drafted.drafts.iter().for_each(|draft| memory.learn(draft));
    drafted.drafts.len()
}

#[test]
fn asking_again_says_nothing_and_every_edit_says_something() {
    let Some(body) = read(PAGES[2]) else { return };
    let (now, mut memory) = (at("2026-08-01T00:00:00Z"), Memory::default());
    let github = entente_vendor::statuspage("github", "x");
    let mut asked = |body: &[u8]| say(github.as_ref(), body, &mut memory, now);
    assert_eq!(asked(&body), 5 + 24);
    assert_eq!(asked(&body), 0);
    let text = String::from_utf8(body).unwrap();
    let mut whole: Value = serde_json::from_str(&text).unwrap();
    let incident = &mut whole["incidents"][0];
    incident["components"][0]["status"] = "major_outage".into();
    incident["updated_at"] = "2026-07-31T00:00:00Z".into();
    assert_eq!(asked(whole.to_string().as_bytes()), 0, "what another incident does to a component is no change");
    let incident = &mut whole["incidents"][0];
    incident["incident_updates"][1]["body"] = "edited".into();
    assert_eq!(asked(whole.to_string().as_bytes()), 1, "an edit of an older statement");
    let incident = &mut whole["incidents"][0];
    incident["incident_updates"][0]["body"] = "edited too".into();
    assert_eq!(asked(whole.to_string().as_bytes()), 2, "an edit of the newest statement moves the incident as well");
    assert_eq!(asked(text.as_bytes()), 0, "the first answer again is a stale copy");
}
