//! The whole of `up` on this machine: a real nats-server, a feed from a file, the console's address, claims, the views,
//! and an orderly end.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::run::{command, entente};
use crate::running::{Up, nats_server, recorded, until};

fn picture(data: &Path) -> Value {
    serde_json::from_str(&entente(data, &["picture", "--json"]).well()).unwrap()
}

#[test]
fn a_feed_and_a_desk_share_one_log_that_outlives_the_process() {
    let (true, Some(feed)) = (nats_server(), recorded("gcp/incident-2025-06-12-service-control.json")) else { return };
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let gcp = format!("gcp={}", feed.display());
    let up = Up::start(data, &["--feed", &gcp, "--org", "testers"]);
    assert!(std::fs::read_to_string(data.join("config.toml")).unwrap().contains("org = \"testers\""));
    until("the feed's item", || picture(data)["incidents"].as_array().is_some_and(|list| !list.is_empty()));
    let line = ["publish", "impact", "DNS slow", "--class", "dns", "--severity", "minor", "--json"];
    let answer: Value = serde_json::from_str(&entente(data, &line).well()).unwrap();
    let object = answer["object_id"].as_str().unwrap().to_owned();
    assert!(object.starts_with("testers:") && answer["link"].as_str().unwrap().starts_with(&up.address), "{answer}");
    let revised = entente(data, &["publish", "impact", "--object", &object, "--phase", "monitoring"]).well();
    assert!(revised.contains("revision 2"), "{revised}");
    assert!(entente(data, &["publish", "impact", "--still", &object]).well().contains("revision 3"));
    let shown: Value = serde_json::from_str(&entente(data, &["incident", &object, "--json"]).well()).unwrap();
    assert_eq!(shown["lanes"][0]["claim"]["phase"], "monitoring");
    assert!(entente(data, &["incident", &object]).well().contains("DNS slow"));
    assert!(entente(data, &["picture", "--state", "open"]).well().contains("DNS slow"));
    assert!(!entente(data, &["picture", "--as-of", "0"]).well().contains("DNS slow"));
    assert!(entente(data, &["why", &object]).well().contains("DNS slow"));
    assert!(entente(data, &["verify"]).well().contains("the log is sound"));
    let doctor = entente(data, &["doctor"]);
    assert!(doctor.out.contains("good  server: answers at") && doctor.out.contains("feed gcp-public"), "{doctor:?}");
    let position = picture(data)["as_of"].clone();
    assert_eq!(up.end(), Some(0));
    for left in ["address", "nats"] {
        assert!(!data.join(left).exists(), "{left} is left after the end");
    }
    let verified: Value = serde_json::from_str(&entente(data, &["verify", "--json"]).well()).unwrap();
    assert_eq!(verified["sound"], true);
    let up = Up::start(data, &["--feed", &gcp]);
    until("the log", || picture(data)["as_of"] == position);
    assert_eq!(up.end(), Some(0));
}

#[test]
fn without_a_server_a_claim_is_brought_into_the_log_all_the_same() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let ran = entente(data, &["publish", "note", "nobody else is here"]);
    assert!(ran.err.contains("no server runs: starting one for this command"), "{ran:?}");
    let out = ran.well();
    assert!(out.contains("revision 1, at position 1 of the log") && !out.contains("http://"), "{out}");
    let verified: Value = serde_json::from_str(&entente(data, &["verify", "--json"]).well()).unwrap();
    assert_eq!((&verified["report"]["records"], &verified["sound"]), (&Value::from(1), &Value::from(true)));
}

#[test]
fn a_data_folder_serves_one_process_at_a_time() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let up = Up::start(temporary.path(), &[]);
    let second = entente(temporary.path(), &["up", "--port", "0", "--no-public-feeds"]);
    assert_eq!((second.code, second.out.as_str()), (Some(4), ""), "{second:?}");
    assert!(second.err.contains("in use"), "{second:?}");
    assert!(entente(temporary.path(), &["publish", "note", "the first goes on"]).well().contains("position 1"));
    assert_eq!(up.end(), Some(0));
}

#[test]
fn a_second_server_reads_the_same_log_for_another_organisation() {
    if !nats_server() {
        return;
    }
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(ours.path(), &[]);
    let nats = std::fs::read_to_string(ours.path().join("nats")).unwrap();
    let key = ours.path().join("key");
    let line = ["serve", "--nats", nats.trim(), "--seed", key.to_str().unwrap(), "--org", "others", "--port", "0"];
    let serve = Up::run(theirs.path(), &line);
    let answer = entente(theirs.path(), &["publish", "impact", "DNS slow", "--class", "dns", "--json"]).well();
    assert!(serde_json::from_str::<Value>(&answer).unwrap()["object_id"].as_str().unwrap().starts_with("others:"));
    until("the other's claim", || picture(ours.path())["incidents"] != serde_json::json!([]));
    assert_eq!(picture(ours.path())["incidents"][0]["id"], picture(theirs.path())["incidents"][0]["id"]);
    assert!(entente(theirs.path(), &["verify"]).well().contains("the log is sound"));
    assert_eq!((serve.end(), up.end()), (Some(0), Some(0)));
    let lost = entente(theirs.path(), &line[..]);
    assert_eq!(lost.code, Some(4), "{lost:?}");
}

#[test]
fn watching_goes_on_through_a_restart() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    let seen = data.join("seen");
    let exec = format!("echo \"$ENTENTE_SAYS\" >> {}", seen.display());
    let mut watch =
        command(data).args(["watch", "--from", "0", "--exec", &exec]).stdout(Stdio::null()).spawn().unwrap();
    let saw = |text: &str| std::fs::read_to_string(&seen).is_ok_and(|lines| lines.contains(text));
    entente(data, &["publish", "note", "the first word"]).well();
    until("the first word", || saw("the first word"));
    assert_eq!(up.end(), Some(0));
    let up = Up::start(data, &[]);
    entente(data, &["publish", "note", "the second word"]).well();
    until("the second word", || saw("the second word"));
    assert_eq!(std::fs::read_to_string(&seen).unwrap().matches("the first word").count(), 1);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(up.end(), Some(0));
}

#[test]
fn mistakes_of_up_are_told_before_anything_is_started() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("never");
    for (arguments, part) in [
        (vec!["--feed", "gpc=x.json"], "did you mean `gcp`?"),
        (vec!["--org", "Not A Slug", "--poll-every", "5"], "--org: `Not A Slug`: expected an organisation's slug"),
        (vec!["--port", "99999"], "--port: `99999`: expected a port"),
        (vec!["--only", "aws-data"], "feed aws-data has no address"),
        (vec!["--feed", "gcp=/nowhere/x.json"], "--feed gcp=/nowhere/x.json: there is no such file"),
        (vec!["--feed", "gcp=/nowhere/polls/"], "--feed gcp=/nowhere/polls/: there is no such folder"),
        (vec!["--feed", "gcp=https://"], "--feed gcp=https://: `https://` is no address"),
    ] {
        let complaint = entente(&data, &[&["up"], &arguments[..]].concat()).complaint(2);
        assert!(complaint.contains(part), "{complaint}");
    }
    assert!(!data.exists());
    assert!(entente(&data, &["up", "--print-config"]).well().contains("[feeds]"));
}
