//! What is answered: the moment of a view, its filters, its mistakes.

use entente_journal::{Scope, beat};
use entente_schemas::beat::{Backlog, Beat, Lag};
use entente_schemas::family::FeedState;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::trial::{Trial, impact, soon};

#[tokio::test]
async fn as_of_shows_what_was_live_at_every_position() {
    let trial = Trial::start().await;
    let mut lived = Vec::new();
    let at = "at=2030-01-01T00:00:00Z";
    for count in 0..50 {
        let mut claim = impact(&format!("Trouble {}", count % 7));
        claim["object_id"] = json!(format!("aws:item-{}", count % 7));
        claim["phase"] = json!(["investigating", "identified", "resolved"][count % 3]);
        trial.publish("impact", claim).await;
        lived.push(trial.get(&format!("/v1/picture?{at}")).await.text().await.unwrap());
    }
    for (index, live) in lived.iter().enumerate() {
        let then = trial.get(&format!("/v1/picture?as_of={}&{at}", index + 1)).await.text().await.unwrap();
        assert_eq!(&then, live, "as of {}", index + 1);
    }
    let logged = trial.json("/v1/events/20").await["line"]["logged"].as_str().unwrap().to_owned();
    let then = trial.json(&format!("/v1/picture?as_of={}", logged.replace('+', "%2B"))).await;
    assert_eq!((then["as_of"].as_str(), then["at"].as_str()), (Some("20"), Some(logged.as_str())));
    let before = trial.json("/v1/picture?as_of=2001-01-01").await;
    assert_eq!((before["as_of"].as_str(), before["totals"]["claims"].as_u64()), (Some("0"), Some(0)));
    for (path, key) in [("/", "as_of"), ("/v1/picture", "as_of"), ("/v1/picture", "at"), ("/v1/events", "at")] {
        for meant in ["04:57", "04:57:30"] {
            let refused = trial.get(&format!("{path}?{key}={meant}")).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{path}?{key}={meant}");
            assert!(refused.text().await.unwrap().contains("2024-07-19T05:27Z"), "{path}?{key}={meant}");
        }
    }
    let ahead = trial.get("/v1/picture?as_of=51").await;
    assert_eq!(ahead.status(), StatusCode::NOT_FOUND);
    assert!(ahead.text().await.unwrap().contains("the log is at position 50"));
}

#[tokio::test]
async fn an_unknown_key_is_a_mistake_with_the_list_of_known_ones() {
    let trial = Trial::start().await;
    for path in ["/v1/picture", "/v1/incidents/x", "/v1/events", "/v1/events/1", "/v1/feeds", "/v1/live"] {
        let response = trial.get(&format!("{path}?zoom=2&as_of=soon")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        let refused: Value = response.json().await.unwrap();
        let error = refused["error"].as_str().unwrap();
        assert!(error.contains("`zoom`") && error.contains("`soon`"), "{path}: {error}");
        assert!(refused["next"].as_str().unwrap().contains("as_of, at"), "{path}: {refused}");
    }
}

#[tokio::test]
async fn records_come_page_by_page_and_by_object() {
    let trial = Trial::start().await;
    for count in 0..5 {
        let mut claim = impact("Trouble");
        claim["object_id"] = json!(format!("aws:item-{}", count % 2));
        trial.publish("impact", claim).await;
    }
    let page = trial.json("/v1/events?limit=2").await;
    let positions = |page: &Value| -> Vec<u64> {
        page["events"].as_array().unwrap().iter().map(|l| l["position"].as_u64().unwrap()).collect()
    };
    assert_eq!((positions(&page), page["next_before"].as_u64()), (vec![5, 4], Some(4)));
    let next = trial.json("/v1/events?limit=2&before=4").await;
    assert_eq!(positions(&next), [3, 2]);
    let last = trial.json("/v1/events?limit=2&before=2").await;
    assert_eq!((positions(&last), last["next_before"].is_null()), (vec![1], true));
    assert_eq!(positions(&trial.json("/v1/events?object=aws:item-1&family=impact").await), [4, 2]);
    assert_eq!(positions(&trial.json("/v1/events?as_of=3&speaker=aws").await), [3, 2, 1]);
    assert_eq!(trial.get("/v1/events/99").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(trial.get("/v1/incidents/inc-nothing").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn beats_are_laid_over_the_feeds_but_not_over_the_past() {
    let trial = Trial::start().await;
    let now = chrono::Utc::now();
    let said = Beat {
        state: FeedState::Live,
        last_good: Some(now),
        last_poll: Some(now),
        next_try: None,
        failures: 0,
        error: None,
        lag: Lag::default(),
        outbox: Backlog { events: 7, bytes: 70 },
        unknown_words: Vec::new(),
        mapping_version: 1,
        clock_offset_ms: Some(12),
        beat_at: now,
    };
    beat(&trial.bus, &Scope::actual(), "aws", "gcp-public", &said).await.unwrap();
    let feeds = soon(async {
        loop {
            let feeds = trial.json("/v1/feeds").await;
            if !feeds["feeds"].as_array().unwrap().is_empty() {
                return feeds;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    let feed = &feeds["feeds"][0];
    assert_eq!(
        (&feed["feed"], &feed["beat"]["outbox"]["events"], &feed["state"]),
        (&json!("gcp-public"), &json!(7), &Value::Null)
    );
    assert_eq!((&feeds["log"]["state"], &feeds["waiting"]["events"]), (&json!("live"), &json!(0)));
    assert_eq!(trial.json("/v1/feeds?as_of=0").await["feeds"], json!([]));
}

#[tokio::test]
async fn the_document_names_every_address_that_answers() {
    let trial = Trial::start().await;
    let document = trial.json("/v1/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let gets = document["paths"].as_object().unwrap().iter().filter(|(_, path)| path.get("get").is_some());
    for (path, _) in gets.filter(|(path, _)| *path != "/v1/live") {
        let asked = path.replace("{key}", "x").replace("{name}", "console.css");
        let response = trial.get(&asked).await;
        let known = response.status() != StatusCode::NOT_FOUND
            || !response.text().await.unwrap().contains("nothing at this address");
        assert!(known, "{path} is in the document and is not answered");
    }
    let error = &document["components"]["schemas"]["Error"];
    assert_eq!(error["required"], json!(["error", "next"]));
    let get = |path: &str| &document["paths"][path]["get"]["responses"]["default"]["content"];
    for (path, asked) in [
        ("/", "/?zoom=2"),
        ("/incidents/{key}", "/incidents/x"),
        ("/feeds", "/feeds?as_of=x"),
        ("/events/{key}", "/events/x"),
        ("/board.txt", "/board.txt?as_of=x"),
        ("/incidents/{key}/text", "/incidents/x/text"),
        ("/assets/{name}", "/assets/x"),
        ("/v1/picture", "/v1/picture?as_of=x"),
        ("/v1/incidents/{key}", "/v1/incidents/x"),
    ] {
        let refused = trial.get(asked).await;
        assert!(refused.status().is_client_error(), "{asked}");
        let media = refused.headers()["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(get(path).get(&media).is_some(), "{asked} answers {media}: {}", get(path));
        let page =
            !path.starts_with("/v1") && !path.contains("text") && !path.contains("txt") && !path.contains("assets");
        assert_eq!(get(path).get("text/html").is_some(), page, "{path}");
    }
    let nowhere = trial.get("/v1/nowhere").await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    assert!(nowhere.text().await.unwrap().contains("nothing at this address"));
    let wrong = soon(trial.http.delete(trial.url("/v1/picture")).send()).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_the_log_the_last_picture_stays_and_claims_wait_on_disk() {
    let mut trial = Trial::start().await;
    trial.publish("impact", impact("Windows VMs stop")).await;
    soon(trial.nats.take().unwrap().stop()).await;
    let log = soon(async {
        loop {
            let log = trial.json("/v1/feeds").await["log"].clone();
            if log["state"] == "lost" {
                return log;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(log["since"].is_string() && !log["reason"].as_str().unwrap().is_empty(), "{log}");
    assert_eq!(trial.json("/v1/picture").await["totals"]["open"], 1);
    assert_eq!(trial.json("/v1/picture?as_of=1").await["totals"]["open"], 1);
    assert!(trial.get("/").await.text().await.unwrap().contains("Not live since"));
    let waiting = trial.post(json!({"family": "impact", "claim": impact("Logins fail")}).to_string()).await;
    assert_eq!(waiting.status(), StatusCode::ACCEPTED);
    let waiting: Value = waiting.json().await.unwrap();
    assert_eq!((waiting["position"].is_null(), trial.outbox.backlog().events), (true, 1));
    assert_eq!(trial.json("/v1/feeds").await["waiting"]["events"], 1);
    // Nobody can tell what has come since: only what the picture and the outbox know is known.
    for (about, remarks) in [("1", 0), (waiting["object_id"].as_str().unwrap(), 0), ("gcp.public:1", 1)] {
        let notice = json!({"about": about, "channel": "page", "audience_told": "public", "text": "We are aware."});
        let taken = trial.post(json!({"family": "notice", "dry_run": true, "claim": notice}).to_string()).await;
        let taken: Value = taken.json().await.unwrap();
        assert_eq!(taken["remarks"].as_array().map_or(0, Vec::len), remarks, "{taken}");
    }
}
