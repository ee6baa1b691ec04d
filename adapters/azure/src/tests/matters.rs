//! What Azure states of its services: one object a matter, whoever it hits and whichever way it came, with every statement
//! whole.

use entente_exercise::Fault;
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::{AdvisoryCategory, Family, ImpactKind, Outcome, Phase};
use entente_schemas::header::{RefKind, Relation};
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

use super::*;

const OBJECT: &str = "azure.service_health:BC_1-FXZ";

/// An event of ARM's list.
fn event(name: &str, kind: &str, status: &str, more: Value) -> Value {
    let mut properties = json!({
        "eventType": kind, "status": status, "eventLevel": "Warning", "title": "Virtual machines in West US",
        "summary": "<p>An <b>outage</b> is being investigated.</p>", "impactStartTime": "2026-11-25T14:45:48.1203530Z",
        "lastUpdateTime": "2026-11-25T15:43:48.1203530Z",
        "impact": [{"impactedService": "Virtual Machines", "impactedRegions": [
            {"impactedRegion": "West US", "status": status, "impactedSubscriptions": ["s1", "s2"], "updates": [
                {"summary": "Update 1", "updateDateTime": "2026-11-25T15:00:48.1203530Z"},
                {"summary": "Update 2", "updateDateTime": "2026-11-25T15:43:48.1203530Z"}]}]}],
    });
    for (member, value) in more.as_object().unwrap() {
        properties[member] = value.clone();
    }
    json!({"name": name, "type": "/providers/Microsoft.ResourceHealth/events",
           "id": format!("/providers/Microsoft.ResourceHealth/events/{name}"), "properties": properties})
}

fn find<'a>(reading: &'a Reading, object: &str) -> &'a Item {
    let item = reading.items.iter().find(|item| item.object_id == object);
    item.unwrap_or_else(|| panic!("no {object} in {:?}", objects(&reading.items)))
}

#[tokio::test]
async fn a_matter_is_one_object_however_many_subscriptions_it_hits() {
    let trial = Trial::new().await;
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    for graph in [false, true] {
        let mut feed = trial.services(settings::Events { graph, ..settings::Events::default() });
        let told = reading(&mut feed).await;
        assert_eq!(objects(&told.items), [OBJECT]);
        let item = find(&told, OBJECT);
        let impact = item.impact().unwrap();
        assert_eq!((impact.phase, impact.severity), (Phase::Investigating, Severity::Minor));
        assert_eq!(impact.blocks.len(), 1);
        assert_eq!(
            (impact.blocks[0].state, &*impact.blocks[0].regions),
            (BlockState::AffectedDegraded, &["westus".to_owned()][..])
        );
        assert_eq!(impact.summary.as_deref(), Some("Update 2"));
        assert_eq!(impact.counts[0].value, Some(2));
        assert_eq!(item.times.published_at, Some("2026-11-25T15:43:48.1203530Z".parse().unwrap()));
        assert_eq!(item.times.occurred_end, None);
        let notices: Vec<_> = item.also.iter().map(|notice| notice.object_id.as_str()).collect();
        let expected = ["2026-11-25T15:00:48Z", "2026-11-25T15:43:48Z", "text"].map(|name| format!("{OBJECT}/{name}"));
        assert_eq!(notices, expected);
        let text = item.also[2].notice().unwrap();
        assert_eq!(text.text, "<p>An <b>outage</b> is being investigated.</p>", "markup stays text");
        assert_eq!((item.refs[0].kind, item.refs[0].relation), (RefKind::TrackingId, Relation::Same));
        assert_eq!(feed.pause(), Some(CADENCE.incident));
    }
}

#[tokio::test]
async fn only_what_changes_is_said_again() {
    let trial = Trial::new().await;
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    let mut feed = trial.services(settings::Events::default());
    let mut voice = Voice::of(&feed);
    assert_eq!(voice.say(&mut feed).await.iter().filter(|draft| draft.claim.family() == Family::Impact).count(), 1);
    assert_eq!(voice.say(&mut feed).await, []);
    let resolved = json!({"impactMitigationTime": "2026-11-25T16:00:00Z", "lastUpdateTime": "2026-11-25T16:05:00Z"});
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Resolved", resolved));
    let news = voice.say(&mut feed).await;
    let impacts: Vec<_> = news.iter().filter_map(|draft| Some((draft.claim.impact()?, &draft.claim.header))).collect();
    let (impact, header) = impacts[0];
    assert_eq!((impacts.len(), impact.phase, impact.outcome), (1, Phase::Resolved, Some(Outcome::Restored)));
    assert!(impact.blocks.iter().all(|block| block.state == BlockState::Restored));
    assert_eq!((header.rev, header.times.occurred_end), (2, Some("2026-11-25T16:00:00Z".parse().unwrap())));
    trial.double.forget("BC_1-FXZ");
    assert_eq!(voice.say(&mut feed).await, [], "leaving the window means nothing");
}

#[tokio::test]
async fn what_a_matter_hits_is_counted_once_a_version() {
    let trial = Trial::new().await;
    let machines = trial.add(25, Os::Windows, ("westus", "1"), true);
    trial.double.page(4);
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    trial.double.impact("BC_1-FXZ", machines.clone());
    let mut feed = trial.services(settings::Events::default());
    let mut voice = Voice::of(&feed);
    let vms = |reading: &Reading| find(reading, OBJECT).impact().unwrap().counts.get(1).and_then(|count| count.value);
    assert_eq!(vms(&reading(&mut feed).await), Some(25));
    voice.say(&mut feed).await;
    let asked =
        |trial: &Trial| trial.double.calls().iter().filter(|call| call.target.contains("impactedResources")).count();
    let before = asked(&trial);
    trial.double.impact("BC_1-FXZ", machines[..5].to_vec());
    assert_eq!((vms(&reading(&mut feed).await), asked(&trial)), (Some(25), before));
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({"lastUpdateTime": "2026-11-25T17:00:00Z"})));
    trial.faults.keep("impactedResources", Fault::Forbidden);
    let told = reading(&mut feed).await;
    assert_eq!(vms(&told), Some(25), "what was counted before stands");
    assert_eq!(told.lacks.map(|failure| failure.error.code).as_deref(), Some("forbidden"));
    trial.faults.lift();
    assert_eq!(vms(&reading(&mut feed).await), Some(5));
}

#[tokio::test]
async fn what_is_hit_is_a_least_number_while_a_subscription_cannot_be_asked() {
    let trial = Trial::new().await;
    let machines = trial.add(9, Os::Windows, ("westus", "1"), true);
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    trial.double.impact("BC_1-FXZ", machines);
    let refused = trial.double.subscriptions()[1].clone();
    trial.faults.keep(&format!("{refused}/providers/Microsoft.ResourceHealth/events/BC_1-FXZ"), Fault::Forbidden);
    let mut feed = trial.services(settings::Events::default());
    let counts = |told: &Reading| {
        let counts = find(told, OBJECT).impact().unwrap().counts.clone();
        counts.iter().map(|count| (count.value, count.lo)).collect::<Vec<_>>()
    };
    let told = reading(&mut feed).await;
    assert_eq!(told.lacks.as_ref().map(|lacks| lacks.error.code.as_str()), Some("forbidden"));
    assert_eq!(counts(&told), [(Some(2), None), (None, Some(5))]);
    let least = find(&told, OBJECT).native.digest.clone();
    trial.faults.lift();
    let told = reading(&mut feed).await;
    assert_eq!(counts(&told), [(Some(2), None), (Some(9), None)]);
    assert_ne!(find(&told, OBJECT).native.digest, least);
}

#[tokio::test]
async fn each_kind_is_told_as_what_it_is() {
    let trial = Trial::new().await;
    let secret =
        json!({"eventLevel": "Informational", "recommendedActions": {"actions": [{"actionText": "Rotate keys"}]}});
    for (name, kind, status, more) in [
        ("AAAA-001", "PlannedMaintenance", "Active", json!({})),
        ("AAAA-002", "RCA", "Resolved", json!({})),
        // A time that was never set is written in more ways than one.
        ("AAAA-003", "HealthAdvisory", "Active", json!({"impactMitigationTime": "0001-01-01T00:00:00Z"})),
        ("AAAA-004", "SecurityAdvisory", "Active", secret),
        ("AAAA-005", "Billing", "Active", json!({})),
        ("AAAA-006", "Weather", "Active", json!({"eventLevel": "Stormy"})),
        ("AAAA-007", "ServiceIssue", "Resolved", json!({"eventTags": ["False Positive"], "impactMitigationTime": ""})),
        (
            "AAAA-008",
            "ServiceIssue",
            "Active",
            json!({"eventTags": ["Final PIR", "False Positive"], "impactMitigationTime": "2026-11-25T15:00:00Z", "recommendedActions": {"actions": [{"actionText": "Fail over"}]}}),
        ),
        ("AAAA-009", "ServiceIssue", "Resolved", json!({"eventTags": ["Preliminary PIR"]})),
    ] {
        trial.double.state(event(name, kind, status, more));
    }
    let mut feed = trial.services(settings::Events { impacted: false, ..settings::Events::default() });
    let told = reading(&mut feed).await;
    let item = |number: u8| find(&told, &format!("azure.service_health:AAAA-00{number}"));
    let planned = item(1).impact().unwrap();
    assert_eq!((planned.kind, planned.phase), (ImpactKind::Maintenance, Phase::Scheduled));
    assert_eq!(planned.blocks[0].state, BlockState::Excluded);
    assert_eq!(item(2).impact().unwrap().phase, Phase::Postmortem);
    let Body::Advisory(advisory) = &item(3).body else { panic!("{:?}", item(3).body) };
    assert_eq!(
        (advisory.category, advisory.products.as_slice()),
        (AdvisoryCategory::Statement, &["Virtual Machines".to_owned()][..])
    );
    let Body::Advisory(security) = &item(4).body else { panic!("{:?}", item(4).body) };
    assert!(security.text.as_ref().is_some_and(|text| text.ends_with("Rotate keys")));
    assert_eq!(item(4).tlp, Some(Tlp::AmberStrict));
    assert!(told.items.iter().all(|item| !item.object_id.ends_with("AAAA-005")), "bills are none of ours");
    assert!(matches!(item(6).body, Body::Advisory(_)), "what is not known is not lost");
    assert_eq!(item(7).impact().unwrap().outcome, Some(Outcome::FalsePositive));
    let open = item(8).impact().unwrap();
    assert_eq!((open.phase, open.outcome, item(8).times.occurred_end), (Phase::Investigating, None, None));
    let actions = item(8).also.last().unwrap();
    assert!(matches!(&actions.body, Body::Advisory(advice) if advice.category == AdvisoryCategory::Mitigation));
    assert_eq!(actions.refs[0].value, "azure.service_health:AAAA-008");
    assert_eq!(item(9).impact().unwrap().phase, Phase::Postmortem);
    let words: Vec<_> = told.unmapped.keys().map(|word| (word.field.as_str(), word.word.as_str())).collect();
    assert_eq!(words, [("kind", "Weather")], "a level is asked for of impacts only");
    Voice::of(&feed).say(&mut feed).await;
}

#[tokio::test]
async fn a_bad_event_costs_only_itself_and_is_refused_once() {
    let trial = Trial::new().await;
    let subscription = trial.double.subscriptions()[0].clone();
    for (name, more) in [
        ("GOOD-001", json!({})),
        ("BAD1-001", json!({"lastUpdateTime": "yesterday"})),
        ("BAD2-001", json!({"impact": subscription})),
        ("BAD3-001", json!({"impactStartTime": "1999-01-01T00:00:00Z"})),
        (" ", json!({})),
    ] {
        trial.double.state(event(name, "ServiceIssue", "Active", more));
    }
    let mut feed = trial.services(settings::Events::default());
    let mut voice = Voice::of(&feed);
    let said = voice.say(&mut feed).await;
    let rejected = |said: &[Draft]| said.iter().filter(|draft| draft.claim.family() == Family::Rejected).count();
    assert_eq!(rejected(&said), 4);
    assert!(said.iter().any(|draft| draft.claim.header.object_id == "azure.service_health:GOOD-001"));
    assert_eq!(voice.say(&mut feed).await, []);
}

#[tokio::test]
async fn the_tenant_s_events_are_asked_for_where_that_is_wanted() {
    let trial = Trial::new().await;
    trial.double.state(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    trial.double.state_to_tenant(event("TENA-001", "ServiceIssue", "Active", json!({})));
    trial.double.state_to_tenant(event("BC_1-FXZ", "ServiceIssue", "Active", json!({})));
    let mut without = trial.services(settings::Events::default());
    assert_eq!(reading(&mut without).await.items.len(), 1);
    let mut with = trial.services(settings::Events { tenant: true, ..settings::Events::default() });
    assert_eq!(objects(&reading(&mut with).await.items), [OBJECT, "azure.service_health:TENA-001"]);
    // Whoever may not ask for the tenant still asks for the subscriptions.
    trial.faults.keep("GET /providers/Microsoft.ResourceHealth/events", Fault::Forbidden);
    let told = reading(&mut with).await;
    assert_eq!((told.items.len(), told.lacks.is_some()), (1, true));
}

#[tokio::test]
async fn the_published_examples_are_read() {
    let folder = "azure/rest-examples";
    let files = ["Events_ListBySubscriptionId", "ImpactedResources_ListBySubscriptionId_ListByEventId"];
    let trial = Trial::new().await;
    for file in files {
        let Some(bytes) = recorded::read(&format!("{folder}/{file}.2025-05-01.json")) else { return };
        trial.double.replay(&serde_json::from_slice(&bytes).unwrap()).unwrap();
    }
    let only = Subscriptions::new(trial.arm.clone(), &trial.double.subscriptions()[..1], Duration::ZERO);
    let trial = Trial { subscriptions: only, ..trial };
    let mut feed = trial.services(settings::Events::default());
    let told = reading(&mut feed).await;
    assert_eq!((told.refused.as_slice(), told.lacks.as_deref()), (&[][..], None));
    let impact = find(&told, OBJECT).impact().unwrap();
    assert_eq!(impact.counts.get(1).and_then(|count| count.value), Some(2), "two machines and something nameless");
    assert_eq!(find(&told, OBJECT).also.len(), 5, "three updates, a summary, advice");
    Voice::of(&feed).say(&mut feed).await;
}

#[tokio::test]
async fn emerging_issues_come_and_go() {
    let trial = Trial::new().await;
    let active = json!({
        "title": "Connectivity", "description": "We are <i>looking</i>.", "trackingId": "1VT1-LX0", "cloud": "Public",
        "startTime": "2026-11-25T10:00:00.0000000Z", "lastModifiedTime": "2026-11-25T11:00:00Z", "severity": "Error",
        "stage": "Active", "published": true,
        "impacts": [{"id": "virtualmachines", "name": "Virtual Machines", "regions": [{"id": "westus", "name": "West US"}]},
                    {"id": "dns", "name": "Azure DNS", "regions": []}],
    });
    let hidden = json!({"title": "Draft", "trackingId": "DRAF-001", "published": false});
    let banner = json!({"title": "Storage", "message": "<p>Watch out</p>", "lastModifiedTime": "2026-11-25T11:00:00Z"});
    trial.double.emerge(json!({"statusActiveEvents": [active, hidden, 7], "statusBanners": [banner]}));
    let mut feed = trial.emerging();
    let mut voice = Voice::of(&feed);
    voice.say(&mut feed).await;
    let told = reading(&mut feed).await;
    let issue = find(&told, "azure.emerging:1VT1-LX0");
    let impact = issue.impact().unwrap();
    assert_eq!((impact.phase, impact.severity), (Phase::Suspected, Severity::Major));
    let blocks: Vec<_> =
        impact.blocks.iter().map(|block| (block.service_class.as_str(), block.regions.join(","))).collect();
    assert_eq!(blocks, [("compute", "westus".to_owned()), ("dns", "global".to_owned())]);
    assert_eq!((told.items.len(), told.refused.len()), (2, 1));
    assert!(told.items.iter().any(|item| item.object_id.starts_with("azure.emerging:banner/") && item.refs.is_empty()));

    trial.double.emerge(json!({"statusActiveEvents": [], "statusBanners": []}));
    assert_eq!(voice.say(&mut feed).await, [], "once may be a slip");
    trial.faults.keep("emergingIssues", Fault::Truncated);
    assert_eq!(voice.say(&mut feed).await, [], "a failure ends nothing");
    trial.faults.lift();
    let gone = voice.say(&mut feed).await;
    assert!(
        gone.iter().all(|draft| draft.claim.impact().is_some_and(|impact| impact.outcome == Some(Outcome::Vanished)))
    );
    assert_eq!(gone.len(), 2);
    trial.double.emerge(json!({"refreshTimestamp": "2026-11-25T11:00:00Z"}));
    assert_eq!(failure(&mut feed).await.error.code, "unreadable", "a page without its lists shows nothing");
}

#[test]
fn the_tables_are_sound() {
    use entente_sidecar::mapping::{Mapping, Member};
    for (file, lists) in [
        (include_str!("../../service-health.toml"), &["impact", "advisory", "actions", "notice"][..]),
        (include_str!("../../resource-health.toml"), &["impact"][..]),
    ] {
        let table = Mapping::parse(file).unwrap();
        lists.iter().for_each(|list| assert!(table.digest(list, |_| Member::Absent).is_ok(), "{list}"));
        assert!(table.version() > 0);
    }
}
