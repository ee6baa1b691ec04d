//! Sentences on neighbours, and on a bus that is away.

use std::time::Duration;

use entente_schemas::count::Quantity;
use entente_schemas::event::Event;
use entente_schemas::family::Family;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{BRIEF_DRAIN, Stage, about, code, run};
use super::subject::Subject;

const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// Above what one outbox of the contract's settings holds.
const MANY: usize = 200;

pub(super) async fn answers_from_disk<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    for (id, attempted, outcome) in
        [("disk-1", 1, "taken"), ("disk-1", 1, "repeated"), ("disk-2", 2, "taken"), ("disk-1", 1, "repeated")]
    {
        assert_eq!(stage.reported(id, "disk", attempted).await, outcome, "{id}");
    }
    stage.start_anew(None).await;
    for id in ["disk-1", "disk-2"] {
        assert_eq!(stage.reported(id, "disk", 7).await, "repeated", "{id}, after a restart");
    }
    let log = stage.log_with("what was taken is in the log", |log| about(log, "disk").len() >= 2).await;
    assert_eq!(about(&log, "disk").len(), 2);
}

pub(super) async fn hears_the_token<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let body = run("token-1", "token", 1).to_string();
    let event = |stage: &Stage<S>| stage.request("/v1/events").header("content-type", EVENT);
    let token = stage.token();
    for (request, status) in [
        (event(stage).body(body.clone()), 401),
        (event(stage).bearer_auth("guess").body(body.clone()), 401),
        (event(stage).bearer_auth(&token).header("host", "evil.example").body(body.clone()), 403),
        (event(stage).bearer_auth(&token).header("origin", "https://evil.example").body(body.clone()), 403),
    ] {
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), status);
    }
    stage.reported("token-2", "token", 2).await;
    let log = stage.log_with("the right one is heard", |log| !about(log, "token").is_empty()).await;
    assert_eq!(about(&log, "token").len(), 1);
}

pub(super) async fn refuses_alone<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let mut bad = run("alone-2", "alone", 2);
    bad["data"]["state"] = json!("perhaps");
    let batch = json!([run("alone-1", "alone", 1), bad, {"id": "alone-3"}, run("alone-4", "alone", 4)]);
    let (status, told) = stage.send(BATCH, &batch).await;
    let outcomes: Vec<&str> =
        told["results"].as_array().into_iter().flatten().filter_map(|one| one["outcome"].as_str()).collect();
    assert_eq!((status, outcomes), (422, vec!["taken", "refused", "refused", "taken"]), "{told}");
    assert_eq!(told["results"][1]["mistakes"][0]["path"], "data.state", "{told}");
    stage.log_with("what stands beside it is told", |log| about(log, "alone").len() == 2).await;
    if stage.subject.garble() {
        let rejected = |log: &[Event]| log.iter().any(|event| event.claim.family() == Family::Rejected);
        stage.log_with("what the provider garbled is told as rejected", rejected).await;
        stage.troubled().await;
        stage.answered(2).await;
        stage.calm().await;
    }
}

pub(super) async fn counts_devices<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let names: Vec<String> = (0..3).map(|number| format!("contract-device-{number}-of-the-branch")).collect();
    let report = |name: &str, state: &str| {
        let data = json!({"device": name, "state": state, "region": "contract-1", "os": "windows"});
        json!({"specversion": "1.0", "id": format!("{state} {name}"), "source": "//contract/tool",
            "type": "io.entente.device.v1", "data": data})
    };
    stage.hidden.extend(names.iter().cloned());
    let batch = |state: &str| Value::Array(names.iter().map(|name| report(name, state)).collect());
    let (status, told) = stage.send(BATCH, &batch("affected")).await;
    // The answers name the events, whose ids are the sender's own; they never go further.
    stage.told.pop();
    assert_eq!(status, 202, "{told}");
    let sum = |event: &Event| {
        let counts = event.claim.impact().map(|impact| impact.counts.clone()).unwrap_or_default();
        let three = counts.iter().any(|count| count.quantity == Quantity::Affected && count.value == Some(3));
        three && event.claim.impact().is_some_and(|impact| impact.blocks.iter().any(|b| b.regions == ["contract-1"]))
    };
    stage.log_with("three devices are counted in their place", |log| log.iter().any(sum)).await;
    assert_eq!(stage.send(BATCH, &batch("affected")).await.0, 200);
    stage.told.pop();
    assert_eq!(stage.send(BATCH, &batch("restored")).await.0, 202);
    stage.told.pop();
}

pub(super) async fn takes_no_more<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.emptied().await;
    stage.freeze().await;
    let (mut taken, mut refused) = (0, None);
    let (began, intake) = (Instant::now(), stage.intake());
    while refused.is_none() && taken < MANY {
        match stage.send(EVENT, &statement(taken)).await {
            (200 | 202, _) => taken += 1,
            (status, told) if code(&stage.ready().await, &intake) == Some("outbox") => refused = Some((status, told)),
            // A disk that is slow is no full outbox: it is sent again.
            (status, told) => assert!(began.elapsed() < stage.patience.fact, "{status} {told}"),
        }
    }
    stage.thaw();
    let (status, told) = refused.expect("an outbox of 1 MiB takes no end of events");
    assert_eq!((status, told["outcome"].as_str()), (503, Some("not_taken")), "{told}");
    let began = Instant::now();
    while !matches!(stage.send(EVENT, &statement(taken)).await.0, 200 | 202) {
        assert!(began.elapsed() < stage.patience.fact, "it takes nothing any more");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let once = |log: &[Event]| (0..=taken).all(|number| about(log, &format!("statement-{number}")).len() == 1);
    stage.log_with("all that was taken is in the log, once", once).await;
    stage.ready_with("the intake is well again", |ready| code(ready, &intake).is_none()).await;
    // Answers of the log may come late, and what waits for them fills the outbox as before.
    stage.emptied().await;
    assert!(once(&stage.log().await), "something is in the log twice");
}

/// A long word to customers.
fn statement(number: usize) -> Value {
    let data =
        json!({"issuer_role": "customer", "category": "statement", "title": "Status", "text": "status ".repeat(4_000)});
    json!({"specversion": "1.0", "id": format!("statement-{number}"), "source": "//contract/tool",
        "type": "io.entente.advisory.v1", "subject": format!("statement-{number}"), "data": data})
}

pub(super) async fn outlives_the_bus<S: Subject>(stage: &mut Stage<S>) {
    stage.start_anew(Some(BRIEF_DRAIN)).await;
    stage.emptied().await;
    stage.way.cut();
    for number in 1..=3 {
        let name = format!("away-{number}");
        assert_eq!(stage.reported(&name, &name, number).await, "taken");
    }
    let waiting = stage.stop().await;
    assert!(waiting >= 3, "{waiting} events wait");
    stage.start().await;
    stage.ready_with("it says that the bus is away", |ready| ready["ready"] == false).await;
    stage.way.mend();
    let once = |log: &[Event]| (1..=3).all(|number| about(log, &format!("away-{number}")).len() == 1);
    stage.log_with("what was taken reaches the log", once).await;
    stage.start_anew(None).await;
    stage.emptied().await;
    assert!(once(&stage.log().await), "something is in the log twice");
}
