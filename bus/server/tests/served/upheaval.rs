//! Sharing groups under faults and under foreign eyes: servers that are not of a group, servers that read in another order,
//! processes that are killed while groups are spoken into.

use std::time::Duration;

use entente_journal::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::trial::{Trial, group_scope, impact, soon};

/// The time at which pictures are compared.
const AT: &str = "at=2030-01-01T00:00:00Z";

/// Addresses that tell of the whole log.
const WHOLE: [&str; 6] = ["/v1/picture", "/v1/events?limit=200", "/v1/feeds", "/", "/board.txt", "/feeds"];

/// Addresses of one claim, by every key that it has.
fn addresses(said: &Value) -> Vec<String> {
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let incident = entente_correlator::incident_id(&text("object_id"));
    let keys = [text("object_id"), text("id"), text("position"), incident];
    let of =
        |key: &String| ["/v1/events", "/v1/incidents", "/events", "/incidents"].map(|path| format!("{path}/{key}"));
    keys.iter().flat_map(of).collect()
}

#[tokio::test]
async fn a_server_that_is_not_of_the_group_answers_as_if_the_group_were_not() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("For everybody")).await;
    let stranger = trial.neighbour(&[]).await;
    let before = stranger.get(&format!("/v1/picture?{AT}")).await;
    let banks = trial.group("banks").await;
    let member = trial.neighbour(&[("our-banks", &banks)]).await;
    let mut claim = impact("Xyzzy is what they call it");
    claim["object_id"] = json!("aws:plugh");
    let said = trial.say("banks", "impact", claim).await;
    member.until("/board.txt", |board| board.contains("Xyzzy")).await;
    assert_eq!(
        member.get("/v1/picture?as_of=our-banks:1").await.0,
        StatusCode::OK,
        "a local name is each server's own"
    );
    assert_eq!(member.get("/v1/picture?as_of=banks:1").await.0, StatusCode::BAD_REQUEST);
    for path in WHOLE {
        let (status, answer) = stranger.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        for word in ["Xyzzy", "aws:plugh", &banks, "TLP:AMBER"] {
            assert!(!answer.contains(word), "{path} tells of {word}: {answer}");
        }
    }
    for path in addresses(&said) {
        let (status, answer) = stranger.get(&path).await;
        assert!(status == StatusCode::NOT_FOUND && !answer.contains("Xyzzy"), "{path}: {status} {answer}");
    }
    for key in ["/v1/incidents/aws:plugh", &format!("/v1/events/{}", said["id"].as_str().unwrap())] {
        assert_eq!(member.get(key).await.0, StatusCode::OK, "{key}");
    }
    for as_of in [format!("A_actual_{banks}:1"), "banks:1".to_owned(), format!("1,{banks}:1")] {
        assert_eq!(stranger.get(&format!("/v1/picture?as_of={as_of}")).await.0, StatusCode::BAD_REQUEST, "{as_of}");
    }
    assert_eq!(stranger.get(&format!("/v1/picture?{AT}")).await, before, "byte for byte");
    trial.publish("impact", impact("And once more")).await;
    stranger.until("/v1/picture", |picture| picture.contains("And once more")).await;
}

#[tokio::test]
async fn servers_that_read_in_another_order_show_the_same_bytes() {
    let mut trial = Trial::start().await;
    let groups = [("banks", trial.group("banks").await), ("clouds", trial.group("clouds").await)];
    let named: Vec<(&str, &str)> = groups.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let early = trial.neighbour(&named).await;
    // This one is told of its groups when all has been said.
    let late = trial.neighbour(&[]).await;
    let mut positions = Vec::new();
    for count in 0..30 {
        let audience = ["banks", "all", "clouds", "clouds", "all"][count % 5];
        let mut claim = impact(&format!("Trouble {}", count % 3));
        claim["object_id"] = json!(format!("aws:{audience}-{}", count % 3));
        trial.say(audience, "impact", claim).await;
        positions.push(trial.json("/v1/picture").await["as_of"].as_str().unwrap().to_owned());
    }
    for (name, id) in &groups {
        entente_journal::Audiences::add(&late.dir.path().join("audiences.toml"), name, id).unwrap();
    }
    let whole = positions.last().unwrap().clone();
    let live = trial.get(&format!("/v1/picture?{AT}")).await.text().await.unwrap();
    for server in [&early, &late] {
        server.until("/v1/picture?limit=0", |picture| picture.contains(&whole)).await;
        assert_eq!(server.get(&format!("/v1/picture?{AT}")).await.1, live);
        for position in positions.iter().step_by(7) {
            let path = format!("/v1/picture?as_of={position}&{AT}");
            assert_eq!(server.get(&path).await.1, trial.get(&path).await.text().await.unwrap(), "{position}");
        }
        let events = "/v1/events?limit=200";
        assert_eq!(server.get(events).await.1, trial.get(events).await.text().await.unwrap());
    }
    trial.restart().await;
    trial.until("/v1/picture?limit=0", |picture| picture["as_of"] == json!(whole)).await;
    assert_eq!(trial.get(&format!("/v1/picture?{AT}")).await.text().await.unwrap(), live);
}

/// Says things into an audience, one after the other, however often the log's server dies meanwhile.
async fn speak(trial: &Trial, audience: &str, words: usize) {
    for word in 0..words {
        let mut claim = impact(&format!("{audience} {word}"));
        claim["object_id"] = json!(format!("aws:{audience}-{word}"));
        let request = json!({"family": "impact", "audience": audience, "claim": claim});
        let (status, answer) = trial.ask(request).await;
        // While the log does not answer a claim is taken, and waits.
        assert!(matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_killed_amid_it_loses_and_doubles_nothing_in_any_group() {
    const WORDS: usize = 40;
    let mut trial = Trial::start().await;
    let mut scopes = vec![Scope::actual()];
    for name in ["banks", "clouds"] {
        scopes.push(group_scope(&trial.group(name).await));
    }
    let kills = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            trial.kill_nats();
        }
    };
    tokio::join!(speak(&trial, "all", WORDS), speak(&trial, "banks", WORDS), speak(&trial, "clouds", WORDS), kills);
    let whole = |picture: &Value| picture["totals"]["claims"] == json!(3 * WORDS);
    trial.until("/v1/picture?limit=0", whole).await;
    let feeds = trial.until("/v1/feeds", |feeds| feeds["log"]["state"] == "live").await;
    assert!(feeds["log"].get("missing").is_none(), "{}", feeds["log"]);
    let picture = trial.json("/v1/picture?limit=0").await;
    assert_eq!((&picture["totals"]["repeated"], &picture["totals"]["held_back"]), (&json!(0), &json!(0)));
    for scope in &scopes {
        let report = soon(entente_journal::verify(&trial.bus, scope)).await.unwrap();
        assert!(report.is_clean() && report.records == WORDS as u64, "{report:?}");
    }
    let live = trial.get(&format!("/v1/picture?{AT}")).await.text().await.unwrap();
    trial.restart().await;
    trial.until("/v1/picture?limit=0", whole).await;
    assert_eq!(trial.get(&format!("/v1/picture?{AT}")).await.text().await.unwrap(), live);
}
