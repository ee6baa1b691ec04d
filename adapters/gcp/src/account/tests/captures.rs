//! Recorded calls of others, played by the double to Google's own clients: whatever stands in them is read, and nothing in
//! them is told.

use std::collections::BTreeSet;

use entente_schemas::block::BlockState;
use entente_schemas::count::Quantity;
use serde_json::Value;

use super::*;

#[path = "../../../../sidecar/tests/recorded/mod.rs"]
mod recorded;

/// Every recorded call whose body is of a kind, with its file's name.
fn recordings(kind: &str) -> Vec<(String, Value)> {
    let files = recorded::all().into_iter().flatten();
    let read = files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).filter_map(|path| {
        let recording: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let of_kind = recording.pointer("/body/kind").and_then(Value::as_str) == Some(kind);
        of_kind.then(|| (path.display().to_string(), recording))
    });
    read.collect()
}

/// Ids, names and accounts in a recorded list.
fn secrets(list: &Value) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from(["cloud-custodian".to_owned()]);
    let scopes = list.pointer("/body/items").and_then(Value::as_object).into_iter().flat_map(|items| items.values());
    let machines = scopes.filter_map(|scope| scope.get("instances")?.as_array()).flatten();
    for machine in machines {
        secrets
            .extend(["id", "name"].into_iter().filter_map(|member| machine.get(member)?.as_str()).map(str::to_owned));
        let account = machine.pointer("/serviceAccounts/0/email").and_then(Value::as_str);
        secrets.extend(account.map(str::to_owned));
    }
    secrets
}

#[tokio::test]
async fn recorded_lists_are_read_and_tell_nothing_by_which_anybody_is_known() {
    for (name, list) in recordings("compute#instanceAggregatedList") {
        let mut trial = Trial::start(NO_SIGNAL).await;
        trial.clock = at("2026-08-01T12:00:00Z".parse().unwrap());
        trial.gcp.replay("/aggregated/instances", vec![list.clone()]);
        let reading = trial.ask(&mut trial.compute()).await.unwrap();
        assert_eq!((reading.lacks, reading.refused, reading.unmapped.len()), (None, vec![], 0), "{name}");
        let running = list.to_string().matches("\"status\":\"RUNNING\"").count() as u64;
        let told = impact(&reading.items, "gcp.compute:web/guest");
        let unknown: u64 = told.iter().flat_map(|impact| &impact.counts).filter_map(|count| count.value).sum();
        assert_eq!(unknown, running, "{name}: machines that run are unknown, stopped ones are none");
        let said = format!("{:?}", reading.items);
        let found: Vec<_> = secrets(&list).into_iter().filter(|secret| said.contains(secret.as_str())).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
        if let Some(impact) = told {
            assert!(impact.blocks.iter().all(|block| block.state == BlockState::Unknown), "{name}");
            assert!(impact.counts.iter().all(|count| count.quantity == Quantity::Unknown), "{name}");
        }
    }
}

#[tokio::test]
async fn recorded_operations_are_read() {
    for (name, recording) in recordings("compute#operation") {
        let body = &recording["body"];
        let mut trial = Trial::start(NO_SIGNAL).await;
        let time = body["insertTime"].as_str().unwrap().parse::<DateTime<chrono::FixedOffset>>().unwrap();
        trial.clock = at(time.to_utc() + TimeDelta::minutes(1));
        let zone = body["zone"].as_str().and_then(|zone| zone.rsplit('/').next()).unwrap();
        trial.atlas.note(PROJECT, [zone.to_owned()].into());
        let list = serde_json::json!({"headers": {"status": "200"}, "body": {"items": [body]}});
        trial.gcp.replay("/operations", vec![list]);
        let reading = trial.ask(&mut trial.operations()).await.unwrap();
        assert_eq!((reading.lacks, reading.refused, reading.unmapped.len()), (None, vec![], 0), "{name}");
        assert!(!format!("{:?}", reading.items).contains(body["targetId"].as_str().unwrap()), "{name}");
    }
}
