//! Calls and events that others recorded, given to the real SDK: nothing brings it down, and no name is heard.

use std::path::{Path, PathBuf};

use entente_exercise::Fleet as Machines;
use entente_schemas::family::{Body, Phase};
use serde_json::Value;

use super::{Bench, ask};

/// The folder of the recordings, if it is there.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.join("captures/aws").is_dir() {
        return Some(folder);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is absent", folder.display());
    println!("skipped: {} is absent", folder.display());
    None
}

/// The JSON files of a folder whose names end so, in order.
fn files(folder: &Path, end: &str) -> Vec<(String, Value)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(end));
    named
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// Every word that looks like an id of the recording.
fn ids(value: &Value) -> Vec<String> {
    let text = value.to_string();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let of_resource = |word: &&str| {
        ["i-", "vol-", "eni-", "sg-", "subnet-", "vpc-", "ami-", "r-", "snap-"].iter().any(|kind| {
            word.strip_prefix(kind).is_some_and(|rest| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
        })
    };
    let of_account = |word: &&str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    words.filter(|word| of_resource(word) || of_account(word)).map(str::to_owned).collect()
}

#[tokio::test]
async fn recorded_answers_of_health_are_told_without_names() {
    let Some(data) = data() else { return };
    let mut told = 0;
    for folder in ["captures/aws", "aws/health-api-c7n"] {
        for (name, events) in files(&data.join(folder), "health.DescribeEvents_1.json") {
            let bench = Bench::new(Machines::new()).await;
            let beside = |operation: &str| {
                let file = data.join(folder).join(name.replace("DescribeEvents", operation));
                std::fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok())
            };
            let (details, entities) = (beside("DescribeEventDetails"), beside("DescribeAffectedEntities"));
            let secrets: Vec<String> =
                [Some(&events), details.as_ref(), entities.as_ref()].into_iter().flatten().flat_map(ids).collect();
            let nothing = |member: &str| serde_json::json!({ member: [] });
            bench.double.recorded().play("DescribeEvents", [events]);
            bench.double.recorded().play("DescribeEventDetails", [details.unwrap_or_else(|| nothing("successfulSet"))]);
            bench.double.recorded().play("DescribeAffectedEntities", [entities.unwrap_or_else(|| nothing("entities"))]);
            let reading = ask(&mut bench.health(false)).await.unwrap();
            let said = format!("{reading:?}");
            for secret in secrets {
                assert!(!said.contains(&secret), "{name}: {secret}");
            }
            assert_eq!(reading.refused, Vec::new(), "{name}");
            told += reading.items.len();
        }
    }
    assert!(told >= 6, "{told}");
}

#[tokio::test]
async fn recorded_events_of_the_bus_are_told_without_names() {
    let Some(data) = data() else { return };
    let mut files = files(&data.join("aws/eventbridge"), ".json");
    files.extend(super::recorded::files(&data.join("captures/aws"), "phd-ec2-retire.json"));
    let mut told = 0;
    for (name, message) in files {
        let bench = Bench::new(Machines::new()).await;
        bench.double.queue().send(message.to_string());
        let reading = ask(&mut bench.events()).await.unwrap();
        let said = format!("{:?}", reading.items);
        for secret in ids(&message) {
            assert!(!said.contains(&secret), "{name}: {secret} in {said}");
        }
        for item in &reading.items {
            told += 1;
            if name.contains("retire") {
                let Body::Impact(impact) = &item.body else { panic!("{item:?}") };
                assert_eq!(impact.phase, Phase::InProgress, "it has one moment for its start and its end");
                assert!(impact.summary.as_deref().is_some_and(|text| text.contains("will be stopped.\n")));
            }
        }
    }
    assert!(told >= 4, "{told}");
}

#[tokio::test]
async fn recorded_answers_of_ec2_are_read() {
    let Some(data) = data() else { return };
    let sample = std::fs::read_to_string(data.join("aws/ec2-describe-instance-status-sample.json")).unwrap();
    let mut sample: Value = serde_json::from_str(&sample).unwrap();
    for (name, instances) in files(&data.join("captures/aws"), "ec2.DescribeInstances_1.json") {
        let bench = Bench::new(Machines::new()).await;
        let id = instances.pointer("/data/Reservations/0/Instances/0/InstanceId").cloned().unwrap();
        let status = &mut sample["InstanceStatuses"][0];
        status["InstanceId"] = id;
        status["InstanceStatus"] = serde_json::json!({ "Status": "impaired",
            "Details": [{ "Name": "reachability", "Status": "failed", "ImpairedSince": "2018-11-20T04:12:00Z" }] });
        let secrets = ids(&instances);
        bench.double.recorded().play("DescribeInstances", [instances]);
        bench.double.recorded().play("DescribeInstanceStatus", [sample.clone()]);
        let reading = ask(&mut bench.ec2(&["us-east-1"])).await.unwrap();
        let said = format!("{reading:?}");
        assert_eq!(reading.items.len(), 1, "{name}");
        for secret in secrets {
            assert!(!said.contains(&secret), "{name}: {secret}");
        }
    }
}
