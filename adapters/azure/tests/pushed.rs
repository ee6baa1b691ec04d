//! What Azure sends by itself to a running sidecar: the handshakes, events in both schemas, alerts of the activity log. It is
//! answered once it is on disk, and nothing of it tells whose resource it was.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

#[path = "../../sidecar/tests/recorded/mod.rs"]
mod recorded;
#[path = "../../sidecar/tests/world/mod.rs"]
mod world;

use entente_azure::Azure;
use entente_schemas::block::BlockState;
use entente_schemas::event::Event;
use entente_schemas::family::{Body, Family, Impact, Phase};
use entente_sidecar::account::Listen;
use serde_json::{Value, json};
use world::{Caller, World, answered, of, read};

const TABLES: &str = "[feeds.azure-push]\n";
const GRID: &str = "/hooks/azure/event-grid";
const ALERTS: &str = "/hooks/azure/alerts";
const SUBSCRIPTION: &str = "5f1d7a52-0c1e-4b7e-9a43-e2c5d1f0ab11";

fn vm(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/TestRG/providers/Microsoft.Compute/virtualMachines/{name}")
}

/// A change of a machine's state as a CloudEvent, or in the older schema.
fn changed(name: &str, state: &str, at: &str, cloud: bool) -> Value {
    let kind = "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged";
    let id = format!("{}/providers/Microsoft.ResourceHealth/availabilityStatuses/current", vm(name));
    let data = json!({"apiVersion": "2020-09-01", "resourceInfo": {
        "id": id, "name": "current", "type": "Microsoft.ResourceHealth/availabilityStatuses",
        "properties": {"targetResourceId": vm(name), "targetResourceType": "Microsoft.Compute/virtualMachines",
            "occurredTime": at, "previousAvailabilityState": "Available", "availabilityState": state}}});
    let (event, source) = (format!("{name}-{state}-{at}"), format!("/subscriptions/{SUBSCRIPTION}"));
    if cloud {
        json!({"specversion": "1.0", "id": event, "source": source, "type": kind, "time": at, "subject": id, "data": data})
    } else {
        json!({"id": event, "topic": source, "subject": id, "eventType": kind, "dataVersion": "1", "metadataVersion": "1",
            "eventTime": at, "data": data})
    }
}

fn annotated(name: &str, annotation: &str, context: &str, at: &str) -> Value {
    let kind = "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated";
    let id = format!("{}/providers/Microsoft.ResourceHealth/resourceAnnotations/current", vm(name));
    json!({"specversion": "1.0", "id": format!("{name}-{annotation}"), "source": "/x", "type": kind, "time": at, "data": {
        "resourceInfo": {"id": id, "name": "current", "type": "Microsoft.ResourceHealth/resourceAnnotations", "properties": {
            "targetResourceId": vm(name), "targetResourceType": "Microsoft.Compute/virtualMachines", "occurredTime": at,
            "annotationName": annotation, "reason": "r", "summary": "s", "context": context, "category": "Unplanned"}}}})
}

/// An alert of a matter of Azure's, at a stage and stamped so.
fn alert(stage: &str, at: &str, text: &str, id: &str) -> Value {
    json!({"schemaId": "Microsoft.Insights/activityLogs", "data": {"status": "Activated", "context": {"activityLog": {
        "eventSource": "ServiceHealth", "eventTimestamp": at, "level": "Error", "subscriptionId": SUBSCRIPTION,
        "operationName": "Microsoft.ServiceHealth/incident/action", "properties": {
            "title": "Virtual Machines - West US", "communication": text, "incidentType": "Incident",
            "trackingId": "XXXX-999", "impactStartTime": "2026-11-25T02:48:00.0000000Z", "stage": stage,
            "impactMitigationTime": if stage == "Active" { "" } else { "2026-11-25T04:00:00.0000000Z" },
            "impactedServices": "[{\"ImpactedRegions\":[{\"RegionName\":\"West US\"},{\"RegionName\":\"Global\"}],\"ServiceName\":\"Virtual Machines\"}]",
            "communicationId": id, "version": "0.1.1"}}}}})
}

async fn post(caller: &Caller, path: &str, body: &Value) -> (u16, Value) {
    answered(caller.request(path, "application/json", body.to_string())).await
}

fn last(log: &[Event], object: &str) -> Option<Impact> {
    let of = |event: &&Event| event.claim.header.object_id == object && event.claim.family() == Family::Impact;
    let event = log.iter().rfind(of)?;
    event.claim.impact().cloned()
}

fn hides(log: &[Event], secrets: &[&str]) {
    for event in log {
        let said = serde_json::to_string(&event.claim).unwrap().to_lowercase();
        let found = secrets.iter().find(|secret| said.contains(&secret.to_lowercase()));
        assert_eq!(found, None, "{said}");
    }
}

const COMPUTE: &str = "azure.resource_health:main/compute";

#[tokio::test(flavor = "multi_thread")]
async fn azure_is_let_in_by_the_token_and_asked_for_its_handshakes() {
    let world = World::new().await;
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let Listen::Port(address) = sidecar.address().clone() else { panic!("no port") };
    let http = reqwest::Client::new();
    let options = |query: &str| {
        let url = format!("http://{address}{GRID}{query}");
        http.request(reqwest::Method::OPTIONS, url).header("WebHook-Request-Origin", "eventgrid.azure.net")
    };
    assert_eq!(answered(options("")).await.0, 401);
    assert_eq!(answered(options("?token=guess")).await.0, 401);
    let answer = options(&format!("?token={}", world.token())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["webhook-allowed-origin"], "eventgrid.azure.net");
    assert!(answer.headers().contains_key("webhook-allowed-rate"));
    let validation = json!([{"id": "1", "topic": "t", "subject": "", "eventTime": "2026-11-25T00:00:00Z",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}]);
    assert_eq!(post(&caller, GRID, &validation).await, (200, json!({"validationResponse": "512d38b6"})));
    let without = http.post(format!("http://{address}{GRID}")).body(validation.to_string());
    assert_eq!(answered(without).await.0, 401);
    for (path, body) in [
        (GRID, json!({"type": "com.example.other", "data": {}})),
        (GRID, json!({"data": 7})),
        (GRID, json!([7])),
        (ALERTS, json!({"schemaId": "x", "data": {"context": {"activityLog": {"eventSource": "Autoscale"}}}})),
        (ALERTS, json!("x")),
    ] {
        let (status, told) = post(&caller, path, &body).await;
        assert_eq!((status, told["outcome"].as_str()), (400, Some("refused")), "{told}");
        assert!(told["error"].as_str().is_some_and(|error| error.len() > 10), "{told}");
    }
    let broken = caller.request(GRID, "application/json", "{\"data\":");
    assert_eq!(answered(broken).await.0, 400);
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_azure_tells_of_are_told_by_kind_and_their_names_stay_here() {
    let world = World::new().await;
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let (first, second) = ("2026-11-25T10:00:00.1234567Z", "2026-11-25T10:05:00.0000000Z");
    assert_eq!(post(&caller, GRID, &changed("vm-pay-01", "Unavailable", first, true)).await.0, 200);
    // What was answered is on disk and will be in the log.
    let log = world.log_with(|log| last(log, COMPUTE).is_some()).await;
    assert_eq!(last(&log, COMPUTE).unwrap().blocks[0].state, BlockState::AffectedUnavailable);
    // Repeats, old words and people's own doing change nothing.
    assert_eq!(post(&caller, GRID, &changed("vm-pay-01", "Unavailable", first, false)).await.0, 200);
    assert_eq!(post(&caller, GRID, &changed("vm-pay-01", "Available", "2026-11-25T09:00:00Z", true)).await.0, 200);
    let stopped = annotated("vm-pay-02", "VirtualMachineDeallocationInitiated", "Customer Initiated", second);
    assert_eq!(post(&caller, GRID, &json!([stopped, changed("vm-pay-02", "Unavailable", second, true)])).await.0, 200);
    let before = of(&world.log().await, Family::Impact).len();
    sidecar.end().await;

    // After a restart it is still known which machine that was.
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    assert_eq!(of(&world.log().await, Family::Impact).len(), before);
    assert_eq!(post(&caller, GRID, &json!([changed("vm-pay-01", "Available", second, false)])).await.0, 200);
    let over = |log: &[Event]| last(log, COMPUTE).is_some_and(|impact| impact.phase == Phase::Resolved);
    let log = world.log_with(over).await;
    assert_eq!(of(&log, Family::Impact).len(), 2, "{:?}", world::summary(&log));
    hides(&log, &["vm-pay", SUBSCRIPTION, "TestRG"]);
    assert!(
        log.iter()
            .filter(|event| event.claim.impact().is_some())
            .all(|event| event.claim.header.speaker.org == "azure")
    );
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_events_and_alerts_are_taken() {
    let names = ["eventgrid-healthresources-samples", "webhook-resourcehealth-2018-09-04-sample"];
    let Some(events) = recorded::read(&format!("azure/{}.json", names[0])) else { return };
    let Some(health) = recorded::read(&format!("azure/{}.json", names[1])) else { return };
    let Some(service) = recorded::read("azure/webhook-servicehealth-2017-10-18-australiaeast.json") else { return };
    let world = World::new().await;
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    assert_eq!(post(&caller, GRID, &read(&events)).await.0, 200);
    assert_eq!(post(&caller, ALERTS, &read(&health)).await.0, 200);
    let alert = read(&service);
    assert_eq!(post(&caller, ALERTS, &alert).await, (200, json!({"outcome": "taken"})));
    // The same matter in the schema that all alerts share is no news.
    let log = alert["data"]["context"]["activityLog"].clone();
    let common = json!({"schemaId": "azureMonitorCommonAlertSchema", "data": {
        "essentials": {"monitoringService": "ServiceHealth", "alertTargetIDs": []}, "alertContext": log}});
    assert_eq!(post(&caller, ALERTS, &common).await.0, 200);
    let matter = "azure.service_health:0NIH-U2O";
    let log = world.log_with(|log| last(log, matter).is_some() && last(log, COMPUTE).is_some()).await;
    let told = last(&log, matter).unwrap();
    assert_eq!((told.phase, told.blocks.len()), (Phase::Investigating, 1));
    assert_eq!(
        (told.blocks[0].regions.as_slice(), told.blocks[0].services.as_slice()),
        (&["australiaeast".to_owned()][..], &["Virtual Machines".to_owned()][..])
    );
    let notices: Vec<_> = of(&log, Family::Notice);
    assert_eq!(notices.len(), 1, "{:?}", world::summary(&notices));
    let header = &notices[0].claim.header;
    assert_eq!(header.object_id, format!("{matter}/636439673646212912"));
    let Body::Notice(notice) = &notices[0].claim.body else { panic!("no notice") };
    assert!(notice.text.contains("&quot;deallocated&quot;"), "markup stays text");
    sidecar.end().await;
    let log = world.log().await;
    assert_eq!(log.iter().filter(|event| event.claim.header.object_id == matter).count(), 1);
    hides(
        &log,
        &[
            "45529734-0ed9-4895-a0df-44b59a5a07f9",
            "virtualMachineTestHealth",
            "VirtualMachineTest8",
            "SampleTestRg",
            "<subscription",
        ],
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_that_is_over_ends_by_a_later_alert() {
    let world = World::new().await;
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let first = alert("Active", "2026-11-25T03:00:00.1234567+00:00", "We look into it.", "1100");
    let second = alert("Resolved", "2026-11-25T05:00:00.1234567+00:00", "It is over.", "1101");
    for (sent, status) in [(&second, 200), (&first, 200), (&second, 200)] {
        assert_eq!(post(&caller, ALERTS, sent).await.0, status);
    }
    let matter = "azure.service_health:XXXX-999";
    let log = world.log_with(|log| of(log, Family::Notice).len() == 2 || last(log, matter).is_some()).await;
    let told = last(&log, matter).unwrap();
    assert_eq!(told.phase, Phase::Resolved, "what comes late says nothing any more");
    assert_eq!(told.blocks[0].state, BlockState::Restored);
    assert_eq!((told.counts[0].value, told.counts[0].lo), (None, Some(1)), "each subscription has alerts of its own");
    hides(&log, &[SUBSCRIPTION]);
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_of_the_future_does_not_hide_what_comes_after_it() {
    let world = World::new().await;
    let sidecar = world.start::<Azure>(TABLES).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let (now, matter) = (chrono::Utc::now(), "azure.service_health:XXXX-999");
    let ahead = (now + chrono::TimeDelta::days(40)).to_rfc3339();
    assert_eq!(post(&caller, ALERTS, &alert("Active", &ahead, "We look into it.", "1100")).await.0, 200);
    world.log_with(|log| last(log, matter).is_some_and(|told| told.phase == Phase::Investigating)).await;
    let meant = (now + chrono::TimeDelta::minutes(1)).to_rfc3339();
    assert_eq!(post(&caller, ALERTS, &alert("Resolved", &meant, "It is over.", "1101")).await.0, 200);
    world.log_with(|log| last(log, matter).is_some_and(|told| told.phase == Phase::Resolved)).await;
    sidecar.end().await;
    world.end().await;
}

#[test]
fn every_mistake_in_the_settings_is_told_at_once() {
    let tables = "[azure]\nidentity = \"client-secret\"\nsubscriptions = [\"production\"]\n\
                  [feeds.azure-service-health]\ndays = 0\n[feeds.azure-vm]\nsilent_after = \"soon\"\n[feeds.azure-moon]\n";
    let told = read::<Azure>(&format!("org = \"bank\"\n{tables}")).err().unwrap();
    for part in
        ["azure.subscriptions", "azure.tenant", "azure.file", "days", "silent_after", "feeds.azure-moon", "audience"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
}
