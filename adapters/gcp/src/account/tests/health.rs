//! What Personalized Service Health tells, of projects and of an organisation.

use std::collections::BTreeMap;

use entente_schemas::block::BlockState;
use entente_schemas::count::{Count, Quantity, Unit};
use entente_schemas::family::{Advisory, AdvisoryCategory, Body, Outcome, Phase};
use entente_schemas::header::{Certainty, RefKind, Relation};
use serde_json::{Value, json};

use super::*;

fn event(parent: &str, list: &str, id: &str, members: Value) -> Value {
    let mut event = json!({
        "name": format!("{parent}/locations/global/{list}/{id}"),
        "title": "Windows VMs do not start",
        "description": "We are looking into it.",
        "category": "INCIDENT",
        "detailedCategory": "CONFIRMED_INCIDENT",
        "state": "ACTIVE",
        "detailedState": "CONFIRMED",
        "eventImpacts": [
            {"product": {"productName": "Google Compute Engine", "id": "p1"}, "location": {"locationName": "us-central1"}},
            {"product": {"productName": "Google Compute Engine", "id": "p1"}, "location": {"locationName": "europe-west4"}},
            {"product": {"productName": "Identity and Access Management", "id": "p2"}, "location": {"locationName": "global"}},
        ],
        "startTime": "2024-07-19T04:09:00Z",
        "updateTime": "2024-07-19T06:48:00.123456Z",
        "nextUpdateTime": "2024-07-19T08:00:00Z",
    });
    let target = event.as_object_mut().unwrap();
    target.extend(members.as_object().unwrap().clone());
    event
}

fn of_project(id: &str, members: Value) -> Value {
    event(&format!("projects/{PROJECT}"), "events", id, members)
}

async fn told(trial: &Trial, events: &[Value]) -> Vec<Item> {
    for event in events {
        trial.gcp.event(&format!("projects/{PROJECT}"), event.clone());
    }
    let reading = trial.ask(&mut trial.psh(&[psh::Source::Project(PROJECT.into())])).await.unwrap();
    assert_eq!((reading.refused, reading.lacks), (vec![], None));
    reading.items
}

async fn trial() -> Trial {
    let mut trial = Trial::start(NO_SIGNAL).await;
    trial.at(200);
    trial
}

fn projects(counts: &[Count]) -> BTreeMap<Quantity, (Option<u64>, Option<u64>)> {
    assert!(counts.iter().all(|count| count.unit == Unit::Project));
    counts.iter().map(|count| (count.quantity, (count.value, count.lo))).collect()
}

#[tokio::test]
async fn an_event_is_an_impact_in_the_providers_words() {
    let trial = trial().await;
    let items = told(&trial, &[of_project("Abc", json!({"relevance": "IMPACTED"}))]).await;
    let [item] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((item.object_id.as_str(), item.native.id.as_str()), ("gcp.psh:Abc", "Abc"));
    assert_eq!(item.native.status.as_deref(), Some("CONFIRMED"));
    assert_eq!(item.times.occurred_at, Some(onset()));
    assert_eq!(item.times.published_at, "2024-07-19T06:48:00.123456Z".parse().ok());
    let impact = item.impact().unwrap();
    assert_eq!((impact.phase, item.certainty), (Phase::Investigating, Certainty::Observed));
    assert_eq!(impact.next_update_by, "2024-07-19T08:00:00Z".parse().ok());
    let blocks: Vec<_> = impact.blocks.iter().map(|b| (b.services.join(), b.regions.join(), b.state)).collect();
    let affected = BlockState::AffectedDegraded;
    let compute = ("Google Compute Engine".to_owned(), "europe-west4,us-central1".to_owned(), affected);
    let identity = ("Identity and Access Management".to_owned(), "global".to_owned(), affected);
    assert_eq!(blocks, [compute, identity]);
    assert_eq!(projects(&impact.counts), [(Quantity::Affected, (Some(1), None))].into());
}

trait Join {
    fn join(&self) -> String;
}

impl Join for Vec<String> {
    fn join(&self) -> String {
        self.as_slice().join(",")
    }
}

#[tokio::test]
async fn every_state_has_its_phase_and_outcome() {
    for (state, phase, outcome, block, certainty) in [
        ("EMERGING", Phase::Suspected, None, BlockState::AffectedDegraded, Certainty::Possible),
        ("CONFIRMED", Phase::Investigating, None, BlockState::AffectedDegraded, Certainty::Observed),
        ("RESOLVED", Phase::Resolved, Some(Outcome::Restored), BlockState::Restored, Certainty::Observed),
        ("MERGED", Phase::Resolved, Some(Outcome::Merged), BlockState::Unknown, Certainty::Observed),
        ("AUTO_CLOSED", Phase::Resolved, Some(Outcome::AutoClosed), BlockState::Unknown, Certainty::Unknown),
        ("FALSE_POSITIVE", Phase::Resolved, Some(Outcome::FalsePositive), BlockState::NotAffected, Certainty::Observed),
    ] {
        let trial = trial().await;
        let items = told(&trial, &[of_project("Abc", json!({"detailedState": state}))]).await;
        let impact = items[0].impact().unwrap();
        assert_eq!((impact.phase, impact.outcome, impact.blocks[0].state), (phase, outcome, block), "{state}");
        assert_eq!(items[0].certainty, certainty, "{state}");
        assert_eq!(impact.next_update_by.is_some(), phase.is_open(), "a promise of what is over binds nobody");
    }
}

#[tokio::test]
async fn a_merged_event_is_a_part_of_its_parent() {
    let trial = trial().await;
    let parent = format!("projects/{PROJECT}/locations/global/events/Parent");
    let items = told(&trial, &[of_project("Abc", json!({"detailedState": "MERGED", "parentEvent": parent}))]).await;
    let [reference] = items[0].refs.as_slice() else { panic!("{:?}", items[0].refs) };
    assert_eq!((reference.kind, reference.relation), (RefKind::Incident, Relation::PartOf));
    assert_eq!(reference.value, "gcp.psh:Parent");
}

#[tokio::test]
async fn updates_are_notices_and_a_workaround_is_advice_that_is_said_when_it_changes() {
    let updates = json!({"updates": [
        {"updateTime": "2024-07-19T08:30:00Z", "title": "T", "description": "Third.", "workaround": "Reboot up to 15 times."},
        {"updateTime": "2024-07-19T07:15:00Z", "title": "T", "description": "First.", "symptom": "Bugcheck 0x50 in csagent.sys"},
        {"updateTime": "2024-07-19T08:07:00Z", "title": "T", "description": "Second.", "workaround": "Delete the file."},
        {"updateTime": "2024-07-19T08:20:00Z", "title": "T", "description": "Again.", "workaround": "Delete the file."},
    ]});
    let trial = trial().await;
    let items = told(&trial, &[of_project("Abc", updates)]).await;
    let impact = items[0].impact().unwrap();
    assert_eq!((impact.phase, impact.summary.as_deref()), (Phase::Identified, Some("Third.")));
    assert_eq!(impact.symptoms, ["Bugcheck 0x50 in csagent.sys"]);
    let ids: Vec<&str> = items[0].also.iter().map(|statement| statement.object_id.as_str()).collect();
    let expected = [
        "gcp.psh:Abc/2024-07-19T07:15:00Z",
        "gcp.psh:Abc/2024-07-19T08:07:00Z",
        "gcp.psh:Abc/2024-07-19T08:07:00Z/workaround",
        "gcp.psh:Abc/2024-07-19T08:20:00Z",
        "gcp.psh:Abc/2024-07-19T08:30:00Z",
        "gcp.psh:Abc/2024-07-19T08:30:00Z/workaround",
    ];
    assert_eq!(ids, expected);
    assert_eq!(items[0].also[0].notice().unwrap().text, "First.\n\nSymptom: Bugcheck 0x50 in csagent.sys");
    let Body::Advisory(Advisory { category, text, products, .. }) = &items[0].also[2].body else { panic!() };
    assert_eq!((*category, text.as_deref()), (AdvisoryCategory::Workaround, Some("Delete the file.")));
    assert_eq!(products.len(), 2);
    assert_eq!(items[0].also[2].refs[0].value, "gcp.psh:Abc");
}

#[tokio::test]
async fn one_update_without_a_time_costs_itself_alone() {
    let trial = trial().await;
    let updates =
        json!({"updates": [{"description": "When?"}, {"updateTime": "2024-07-19T07:15:00Z", "description": "Then."}]});
    trial.gcp.event(&format!("projects/{PROJECT}"), of_project("Abc", updates));
    let reading = trial.ask(&mut trial.psh(&[psh::Source::Project(PROJECT.into())])).await.unwrap();
    assert_eq!((reading.items[0].also.len(), reading.items[0].refused.len()), (1, 1));
    let refusal = &reading.items[0].refused[0];
    assert!(refusal.reason.contains("updateTime") && refusal.position.as_deref() == Some("Abc, update 1"));
}

#[tokio::test]
async fn projects_add_up_by_what_the_event_is_to_them() {
    let trial = trial().await;
    let mut sources = vec![psh::Source::Project(PROJECT.into())];
    trial.gcp.event(&format!("projects/{PROJECT}"), of_project("Abc", json!({"relevance": "IMPACTED"})));
    for (id, relevance) in [("acme-a", "RELATED"), ("acme-b", "NOT_IMPACTED"), ("acme-c", "PARTIALLY_RELATED")] {
        trial.gcp.project(id, Machines::new());
        let later = json!({"relevance": relevance, "updateTime": "2024-07-19T06:50:00Z", "title": "Later"});
        trial.gcp.event(&format!("projects/{id}"), event(&format!("projects/{id}"), "events", "Abc", later));
        sources.push(psh::Source::Project(id.into()));
    }
    let reading = trial.ask(&mut trial.psh(&sources)).await.unwrap();
    let [item] = reading.items.as_slice() else { panic!("one event: {:?}", reading.items) };
    let impact = item.impact().unwrap();
    assert_eq!(impact.title, "Later", "the later version speaks");
    let one = |count| (Some(count), None);
    let expected = [(Quantity::Affected, one(1)), (Quantity::AtRisk, one(2)), (Quantity::Unaffected, one(1))];
    assert_eq!(projects(&impact.counts), expected.into());
}

#[tokio::test]
async fn a_project_that_does_not_answer_is_hit_still() {
    let trial = trial().await;
    let mut sources = Vec::new();
    for id in [PROJECT, "acme-other-1"] {
        trial.gcp.project(id, Machines::new());
        let parent = format!("projects/{id}");
        trial.gcp.event(&parent, event(&parent, "events", "Abc", json!({"relevance": "IMPACTED"})));
        sources.push(psh::Source::Project(id.into()));
    }
    let mut feed = trial.psh(&sources);
    let before = trial.ask(&mut feed).await.unwrap();
    trial.gcp.faults().keep("acme-other-1", entente_exercise::Fault::Expired);
    let after = trial.ask(&mut feed).await.unwrap();
    assert_eq!(after.lacks.map(|failure| failure.error.code).as_deref(), Some("expired"));
    assert_eq!(after.items[0].native.digest, before.items[0].native.digest);
    let hit = projects(&after.items[0].impact().unwrap().counts);
    assert_eq!(hit, [(Quantity::Affected, (Some(2), None))].into());
}

#[tokio::test]
async fn an_organisation_is_asked_once_and_its_projects_are_counted() {
    let trial = trial().await;
    trial.gcp.page_limit(2);
    let parent = format!("organizations/{ORGANIZATION}");
    for id in ["One", "Two", "Three"] {
        trial.gcp.event(&parent, event(&parent, "organizationEvents", id, json!({"relevance": null})));
    }
    for project in 0..5 {
        let hit = format!("{parent}/locations/global/organizationEvents/{}", if project < 4 { "One" } else { "Two" });
        let asset = format!("//cloudresourcemanager.googleapis.com/projects/41700000000{project}");
        let impact = json!({"name": format!("{parent}/locations/global/organizationImpacts/i{project}"), "events": [hit],
            "asset": {"assetName": asset, "assetType": "cloudresourcemanager.googleapis.com/Project"}});
        trial.gcp.impact(&parent, impact);
    }
    let reading = trial.ask(&mut trial.psh(&[psh::Source::Organization(ORGANIZATION.into())])).await.unwrap();
    let counts: BTreeMap<_, _> =
        reading.items.iter().map(|item| (item.native.id.as_str(), projects(&item.impact().unwrap().counts))).collect();
    let hit = |count| BTreeMap::from([(Quantity::Affected, (Some(count), None))]);
    assert_eq!(counts, [("One", hit(4)), ("Two", hit(1)), ("Three", BTreeMap::new())].into());
}

#[tokio::test]
async fn events_of_an_organisation_are_told_though_nobody_tells_what_they_hit() {
    let trial = trial().await;
    let parent = format!("organizations/{ORGANIZATION}");
    trial.gcp.event(&parent, event(&parent, "organizationEvents", "One", json!({})));
    let hit = format!("{parent}/locations/global/organizationEvents/One");
    for (id, kind) in [("417000000001", "Project"), ("417000000002", "Project"), ("417000000003", "Folder")] {
        let asset = format!("//cloudresourcemanager.googleapis.com/{}s/{id}", kind.to_lowercase());
        let impact = json!({"name": format!("{parent}/locations/global/organizationImpacts/{id}"), "events": [hit],
            "asset": {"assetName": asset, "assetType": format!("cloudresourcemanager.googleapis.com/{kind}")}});
        trial.gcp.impact(&parent, impact);
    }
    let mut feed = trial.psh(&[psh::Source::Organization(ORGANIZATION.into())]);
    trial.gcp.faults().keep("/organizationImpacts", entente_exercise::Fault::Forbidden);
    let blind = trial.ask(&mut feed).await.unwrap();
    assert_eq!(blind.items[0].impact().unwrap().counts, [], "not told is not nought");
    assert!(blind.lacks.unwrap().error.text.contains("grant servicehealth.organizationImpacts.list"));
    trial.gcp.faults().lift();
    let seen = trial.ask(&mut feed).await.unwrap();
    assert_eq!(projects(&seen.items[0].impact().unwrap().counts), [(Quantity::Affected, (Some(2), None))].into());
    trial.gcp.faults().keep("/organizationImpacts", entente_exercise::Fault::Forbidden);
    let again = trial.ask(&mut feed).await.unwrap();
    assert_eq!(again.items[0].native.digest, seen.items[0].native.digest, "no fewer for lack of sight");
}

#[tokio::test]
async fn the_full_view_is_asked_for_in_large_pages_from_a_while_ago() {
    let trial = trial().await;
    told(&trial, &[]).await;
    let [path] = trial.paths().try_into().unwrap();
    assert!(path.contains("view=2") && path.contains("pageSize=100") && path.contains("pageToken=&"), "{path}");
    assert!(path.contains("update_time%3E%3D%222024-07-05T07%3A29%3A00Z%22"), "{path}");
}

#[tokio::test]
async fn what_was_read_is_read_alike_again_and_only_a_real_change_is_one() {
    let trial = trial().await;
    let before = told(&trial, &[of_project("Abc", json!({}))]).await;
    assert_eq!(told(&trial, &[]).await[0].native.digest, before[0].native.digest);
    let stamped = told(&trial, &[of_project("Abc", json!({"updateTime": "2024-07-19T07:00:00Z"}))]).await;
    assert_eq!(stamped[0].native.digest, before[0].native.digest);
    let changed = told(&trial, &[of_project("Abc", json!({"nextUpdateTime": "2024-07-19T09:00:00Z"}))]).await;
    assert_ne!(changed[0].native.digest, before[0].native.digest);
}

#[tokio::test]
async fn words_that_nobody_knows_yet_are_told_and_cost_nothing() {
    let trial = trial().await;
    let odd = json!({"detailedState": "SIMMERING", "relevance": "SMITTEN", "eventImpacts": [
        {"product": {"productName": "Teleporter"}, "location": {"locationName": "moon-south1-ai1a"}}]});
    trial.gcp.event(&format!("projects/{PROJECT}"), of_project("Abc", odd));
    let reading = trial.ask(&mut trial.psh(&[psh::Source::Project(PROJECT.into())])).await.unwrap();
    let impact = reading.items[0].impact().unwrap();
    assert_eq!(impact.phase, Phase::Investigating);
    assert_eq!(
        (impact.blocks[0].regions.join(), impact.blocks[0].zones.join()),
        ("moon-south1".into(), "moon-south1-ai1a".into())
    );
    let words: Vec<&str> = reading.unmapped.keys().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["SIMMERING", "SMITTEN", "Teleporter"]);
}
