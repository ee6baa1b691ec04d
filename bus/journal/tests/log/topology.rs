//! Streams: made once, widened, never shrunk.

use entente_journal::{Scope, TopologyError};
use serde_json::{Value, json};

use crate::trial::{Trial, scope};

async fn config(raw: &async_nats::Client, stream: &str) -> Value {
    let answer = raw.request(format!("$JS.API.STREAM.INFO.{stream}"), "".into()).await.unwrap();
    serde_json::from_slice::<Value>(&answer.payload).unwrap()["config"].take()
}

#[tokio::test]
async fn streams_are_as_designed_and_applying_again_changes_nothing() {
    let trial = Trial::start().await;
    let raw = trial.raw().await;
    let log = config(&raw, "A_test_all").await;
    for (field, value) in [
        ("discard", json!("new")),
        ("storage", json!("file")),
        ("compression", json!("s2")),
        ("max_age", json!(0)),
        ("max_msg_size", json!(131_072)),
        ("duplicate_window", json!(600_000_000_000u64)),
        ("allow_direct", json!(true)),
        ("allow_atomic", json!(true)),
        ("deny_purge", json!(true)),
        ("deny_delete", json!(false)),
        ("republish", json!({ "src": "entente.test.all.>", "dest": "wake.A_test_all.>", "headers_only": true })),
    ] {
        assert_eq!(log[field], value, "{field}");
    }
    assert_eq!(config(&raw, "BEAT_test_all").await["max_msgs_per_subject"], json!(1));
    assert_eq!(config(&raw, "PIC_test_all").await["max_msgs_per_subject"], json!(1));
    trial.bus.apply(&scope()).await.unwrap();
    assert_eq!(config(&raw, "A_test_all").await, log);
}

#[tokio::test]
async fn a_narrower_stream_is_widened_and_a_wider_one_left() {
    let trial = Trial::start().await;
    let raw = trial.raw().await;
    let mut narrow = config(&raw, "A_test_all").await;
    let wide = narrow["max_bytes"].as_i64().unwrap();
    for (bytes, after) in [(wide / 2, wide), (wide + 1, wide + 1)] {
        narrow["max_bytes"] = json!(bytes);
        raw.request("$JS.API.STREAM.UPDATE.A_test_all", narrow.to_string().into()).await.unwrap();
        trial.bus.apply(&scope()).await.unwrap();
        assert_eq!(config(&raw, "A_test_all").await["max_bytes"], json!(after));
    }
}

#[tokio::test]
async fn shrinking_what_was_applied_is_refused() {
    let trial = Trial::start().await;
    let raw = trial.raw().await;
    let bucket = async_nats::jetstream::new(raw.clone()).get_key_value("topology").await.unwrap();
    let document = bucket.get("test.all").await.unwrap().unwrap();
    let mut document: Value = serde_json::from_slice(&document).unwrap();
    let bytes = document["streams"]["A_test_all"]["max_bytes"].as_i64().unwrap();
    document["streams"]["A_test_all"]["max_bytes"] = json!(bytes * 2);
    bucket.put("test.all", document.to_string().into()).await.unwrap();
    let error = trial.bus.apply(&scope()).await.unwrap_err();
    assert!(matches!(&error, TopologyError::Shrinks { field, .. } if field == "max_bytes"), "{error}");
}

#[tokio::test]
async fn a_server_without_room_for_another_log_says_so() {
    let trial = Trial::start().await;
    let mut last = Ok(());
    for number in 0..40 {
        let scope = Scope { universe: format!("exercise-{number}"), audience: "all".to_owned() };
        last = trial.bus.apply(&scope).await;
        if last.is_err() {
            break;
        }
    }
    assert!(matches!(last, Err(TopologyError::Space { .. })), "{last:?}");
}

#[tokio::test]
async fn what_names_no_scope_is_refused() {
    let trial = Trial::bare(false).await;
    for (universe, audience) in [("real", "all"), ("test", "everybody"), ("*", "all"), ("test", ">")] {
        let scope = Scope { universe: universe.to_owned(), audience: audience.to_owned() };
        assert!(matches!(trial.bus.apply(&scope).await, Err(TopologyError::Scope(_))), "{universe} {audience}");
    }
}
