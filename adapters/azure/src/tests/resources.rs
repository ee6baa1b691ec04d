//! Single resources as the platform sees them.

use entente_exercise::Fault;
use entente_schemas::block::BlockState;
use entente_schemas::family::{Outcome, Phase};
use serde_json::{Value, json};

use super::*;

const COMPUTE: &str = "azure.resource_health:main/compute";

#[tokio::test]
async fn machines_that_the_platform_lost_are_told_by_region_until_it_has_them_back() {
    for table in [false, true] {
        let trial = Trial::new().await;
        trial.double.table(table);
        trial.double.page(3);
        let east = trial.add(10, Os::Windows, ("eastus", "1"), true);
        let west = trial.add(10, Os::Windows, ("westus", "1"), true);
        let mut feed = trial.resources(false);
        let mut voice = Voice::of(&feed);
        assert!(reading(&mut feed).await.items.is_empty());
        voice.say(&mut feed).await;
        trial.set(&east[..7], Condition::HostDown);
        trial.set(&west[..1], Condition::StorageStuck);
        trial.set(&west[1..3], Condition::Stopped);
        trial.set(&west[3..5], Condition::BootLoop);
        assert_eq!(voice.say(&mut feed).await.len(), 1);
        assert_eq!(voice.say(&mut feed).await, [], "asking again is no news");
        let items = reading(&mut feed).await.items;
        let told = impact(&items, COMPUTE);
        let blocks: Vec<_> = told.blocks.iter().map(|block| (block.state, block.regions.clone())).collect();
        let expected = [
            (BlockState::AffectedDegraded, vec!["westus".to_owned()]),
            (BlockState::AffectedUnavailable, vec!["eastus".to_owned()]),
        ];
        assert_eq!(blocks, expected);
        assert!(told.counts.is_empty(), "the machines are counted elsewhere");
        trial.set(&east[..7], Condition::Well);
        trial.set(&west[..1], Condition::Well);
        let items = reading(&mut feed).await.items;
        let told = impact(&items, COMPUTE);
        assert_eq!((told.phase, told.outcome), (Phase::Resolved, Some(Outcome::Restored)));
        assert!(told.blocks.iter().all(|block| block.state == BlockState::Restored && block.regions.len() == 2));
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_ends_nothing() {
    let trial = Trial::new().await;
    let machines = trial.add(3, Os::Windows, ("eastus", "1"), true);
    trial.set(&machines, Condition::HostDown);
    let mut feed = trial.resources(false);
    reading(&mut feed).await;
    for part in ["healthresources", "/providers/"] {
        trial.faults.keep(part, Fault::Truncated);
        failure(&mut feed).await;
        trial.faults.lift();
    }
    assert!(trial.book.is_hit());
    assert_eq!(impact(&reading(&mut feed).await.items, COMPUTE).phase, Phase::Investigating);
}

fn status(subscription: &str, kind: &str, location: &str, properties: Value) -> Value {
    let id = format!("/subscriptions/{subscription}/resourceGroups/RG1/providers/{kind}/some-resource");
    json!({"id": format!("{id}/providers/Microsoft.ResourceHealth/AvailabilityStatueses/current"), "name": "current",
           "type": "Microsoft.ResourceHealth/AvailabilityStatuses", "location": location, "properties": properties})
}

#[tokio::test]
async fn other_kinds_are_told_by_their_class() {
    let trial = Trial::new().await;
    let subscription = trial.double.subscriptions()[0].to_uppercase();
    let statuses = [
        ("Microsoft.Sql/servers", "Unavailable", "Unplanned"),
        ("Microsoft.Cache/Redis", "Degraded", "Planned"),
        ("Microsoft.Strange/things", "Unavailable", "Unplanned"),
        ("Microsoft.Storage/storageAccounts", "Odd", "Unplanned"),
    ];
    let statuses = statuses.map(|(kind, state, cause)| {
        let occured = "2026-11-20T09:12:00.1234567Z";
        let properties = json!({"availabilityState": state, "reasonType": cause, "occuredTime": occured});
        status(&subscription, kind, "West US", properties)
    });
    trial.double.set_statuses(statuses.to_vec());
    let mut feed = trial.resources(true);
    let told = reading(&mut feed).await;
    assert_eq!(objects(&told.items), ["azure.resource_health:main/database", "azure.resource_health:main/other"]);
    let words: Vec<&str> = told.unmapped.keys().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["microsoft.strange/things", "Odd"]);
    let database = told.items.iter().find(|item| item.object_id.ends_with("database")).unwrap();
    assert_eq!(database.impact().unwrap().blocks[0].regions, ["westus"]);
    assert_eq!(database.times.occurred_at, Some("2026-11-20T09:12:00.1234567Z".parse().unwrap()));
    Voice::of(&feed).say(&mut feed).await;
}

#[tokio::test]
async fn the_published_example_is_read() {
    let file = "azure/rest-examples/AvailabilityStatuses_ListBySubscriptionId.2025-05-01.json";
    let Some(bytes) = recorded::read(file) else { return };
    let trial = Trial::new().await;
    trial.double.replay(&serde_json::from_slice(&bytes).unwrap()).unwrap();
    // Its ids are placeholders that name no resource.
    let told = trial.resources(true).ask(Clock::wall()).await;
    let Ok(Told::Reading(told)) = told else { panic!("{told:?}") };
    assert_eq!(told.refused.len(), 2);
    let example: Value = serde_json::from_slice(&bytes).unwrap();
    let id = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v";
    let elements = example["responses"]["200"]["body"]["value"].to_string().replace("<resourceId>", id);
    let elements: Vec<Value> = serde_json::from_str(&elements).unwrap();
    let mut lookup = entente_sidecar::mapping::Lookup::new(crate::availability::words());
    let standings: Vec<_> = elements
        .into_iter()
        .map(|element| crate::availability::status(element, Utc::now()).unwrap().standing(&mut lookup))
        .collect();
    let out = crate::availability::Standing::Out(BlockState::AffectedUnavailable);
    assert_eq!(standings, [Some(crate::availability::Standing::Well), Some(out)]);
}

#[tokio::test]
async fn what_people_did_is_no_outage_and_what_they_do_about_one_ends_none() {
    let trial = Trial::new().await;
    let machines = trial.add(5, Os::Windows, ("eastus", "1"), true);
    let began = Utc::now() - TimeDelta::hours(2);
    let (before, at_once, later) =
        (began - TimeDelta::days(1), began + TimeDelta::seconds(20), began + TimeDelta::hours(1));
    let customer = "Customer Initiated";
    for (machine, judged) in machines.iter().zip([
        // Stopped by somebody, and restarted by somebody: no outages.
        judged("Unavailable", began, "VirtualMachineDeallocationInitiated", at_once, customer),
        judged("Unavailable", began, "VirtualMachineRestarted", at_once, customer),
        // A spot machine whose capacity was taken back.
        judged("Unavailable", began, "VirtualMachinePreempted", at_once, "Platform Initiated"),
        // It was out before somebody gave it up.
        judged("Unavailable", began, "VirtualMachineStopInitiatedByControlPlane", later, customer),
        judged("Available", began, "VirtualMachineHostCrashed", before, "Platform Initiated"),
    ]) {
        trial.double.judge(*machine, Some(judged));
    }
    let mut feed = trial.resources(false);
    assert_eq!(objects(&reading(&mut feed).await.items), Vec::<&str>::new());

    trial.double.judge(
        machines[0],
        Some(judged("Unavailable", began, "VirtualMachineStartInitiatedByControlPlane", before, customer)),
    );
    let items = reading(&mut feed).await.items;
    assert_eq!(impact(&items, COMPUTE).phase, Phase::Investigating, "who was started yesterday may be out today");
    trial.double.judge(
        machines[0],
        Some(judged("Unavailable", began, "VirtualMachineRedeployInitiatedByControlPlane", later, customer)),
    );
    let items = reading(&mut feed).await.items;
    assert_eq!(impact(&items, COMPUTE).phase, Phase::Investigating, "who is moved off a host was out for all that");
}

#[tokio::test]
async fn what_resource_graph_leaves_out_has_not_ended() {
    let trial = Trial::new().await;
    let machines = trial.add(4, Os::Windows, ("eastus", "1"), true);
    trial.set(&machines, Condition::HostDown);
    let mut feed = trial.resources(false);
    assert_eq!(reading(&mut feed).await.lacks, None);
    let refused = trial.double.subscriptions()[1].clone();
    trial.double.refuse(&refused, true);
    trial.set(&machines, Condition::Well);
    let told = reading(&mut feed).await;
    let lacks = told.lacks.unwrap();
    assert_eq!(lacks.error.code, "forbidden", "{}", lacks.error.text);
    assert!(secret::found_in(lacks.error.text.as_bytes()).is_empty());
    assert_eq!(impact(&told.items, COMPUTE).phase, Phase::Investigating, "of those left out nobody knows");
    trial.double.refuse(&refused, false);
    let told = reading(&mut feed).await;
    assert_eq!((told.lacks, impact(&told.items, COMPUTE).phase), (None, Phase::Resolved));
}

#[tokio::test]
async fn another_kind_that_is_deleted_ends_though_a_subscription_is_refused() {
    let trial = Trial::new().await;
    let [own, other] = [0, 1].map(|place| trial.double.subscriptions()[place].clone());
    let properties = json!({"availabilityState": "Unavailable", "reasonType": "Unplanned"});
    trial.double.set_statuses(vec![
        status(&own, "Microsoft.Sql/servers", "westus", properties.clone()),
        status(&other, "Microsoft.Cache/Redis", "westus", properties),
    ]);
    let mut feed = trial.resources(true);
    assert_eq!(reading(&mut feed).await.items.len(), 2);
    trial.double.refuse(&other, true);
    trial.double.set_statuses(Vec::new());
    let items = reading(&mut feed).await.items;
    assert_eq!(impact(&items, "azure.resource_health:main/database").phase, Phase::Resolved);
    assert_eq!(impact(&items, "azure.resource_health:main/cache").phase, Phase::Investigating);
}

#[tokio::test]
async fn a_share_that_is_used_up_is_waited_for_before_the_next_question() {
    let trial = Trial::new().await;
    trial.double.share(0);
    let asked =
        |trial: &Trial| trial.double.calls().iter().filter(|call| call.target.contains("ResourceGraph")).count();
    let mut feed = trial.resources(false);
    let polled = tokio::time::timeout(Duration::from_millis(1_500), feed.ask(Clock::wall())).await;
    assert!(polled.is_err() && asked(&trial) == 1, "the second question waits");
}
