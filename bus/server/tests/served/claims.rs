//! Claims by programs: taken, completed, refused, repeated.

use entente_journal::verify;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::trial::{Trial, impact, soon};

#[tokio::test]
async fn a_claim_stands_in_the_picture_when_its_answer_comes() {
    let trial = Trial::start().await;
    let published = trial.publish("impact", impact("Windows VMs stop")).await;
    assert_eq!((published["rev"].as_u64(), published["position"].as_u64()), (Some(1), Some(1)));
    let picture = trial.json("/v1/picture").await;
    assert_eq!(picture["as_of"], "1");
    let incident = &picture["incidents"][0];
    assert_eq!(
        (picture["incidents"].as_array().unwrap().len(), &incident["members"][0]["object_id"]),
        (1, &published["object_id"])
    );
    assert_eq!(incident["lanes"][0]["speaker"], "aws");
    let one = trial.json(&format!("/v1/incidents/{}", published["object_id"].as_str().unwrap())).await;
    assert_eq!(one["id"], incident["id"]);
    let event = trial.json(&format!("/v1/events/{}", published["id"].as_str().unwrap())).await;
    assert_eq!(
        (event["line"]["position"].as_u64(), &event["payload"]["data"]["title"]),
        (Some(1), &json!("Windows VMs stop"))
    );
    let report = verify(&trial.bus, &entente_journal::Scope::actual()).await.unwrap();
    assert_eq!((report.records, report.signed, report.problems), (1, 1, vec![]));
}

#[tokio::test]
async fn revisions_count_on_over_a_restart_and_saying_again_moves_nothing_else() {
    let mut trial = Trial::start().await;
    let first = trial.publish("impact", impact("DNS fails")).await;
    let object = first["object_id"].as_str().unwrap().to_owned();
    let mut again = impact("DNS fails in one region");
    again["object_id"] = json!(object);
    assert_eq!(trial.publish("impact", again.clone()).await["rev"], 2);
    trial.restart().await;
    assert_eq!(trial.publish("impact", again).await["rev"], 3);
    let still = json!({"family": "impact", "still": true, "claim": {"object_id": object}});
    let still: Value = trial.post(still.to_string()).await.json().await.unwrap();
    assert_eq!(still["rev"], 4);
    let data = |position: u64| {
        let trial = &trial;
        async move { trial.json(&format!("/v1/events/{position}")).await["payload"]["data"].clone() }
    };
    let (mut before, mut after) = (data(3).await, data(4).await);
    assert!(after["times"]["confirmed_at"].is_string() && before["times"]["confirmed_at"].is_null());
    for claim in [&mut before, &mut after] {
        for member in ["rev", "cause"] {
            claim.as_object_mut().unwrap().remove(member);
        }
        claim["times"].as_object_mut().unwrap().remove("confirmed_at");
    }
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_claim_handed_over_twice_under_one_id_is_published_once() {
    let trial = Trial::start().await;
    let id = uuid::Uuid::now_v7().to_string();
    let body = json!({"family": "impact", "id": id, "claim": impact("Logins fail")}).to_string();
    let (first, second) = soon(async { tokio::join!(trial.post(body.clone()), trial.post(body.clone())) }).await;
    let statuses = [first.status(), second.status()];
    assert!(statuses.contains(&StatusCode::CREATED) && statuses.contains(&StatusCode::OK), "{statuses:?}");
    let (first, second): (Value, Value) = (first.json().await.unwrap(), second.json().await.unwrap());
    assert_eq!(
        (&first["id"], &first["object_id"], &first["position"]),
        (&second["id"], &second["object_id"], &second["position"])
    );
    assert_eq!(trial.post(body).await.status(), StatusCode::OK);
    assert_eq!(trial.json("/v1/picture").await["totals"]["claims"], 1);
}

#[tokio::test]
async fn what_was_heard_by_phone_is_shown_as_told() {
    let trial = Trial::start().await;
    let mut told = impact("Falcon sensor update stops Windows");
    told["speaker"] = json!({"org": "crowdstrike", "role": "vendor"});
    trial.publish("impact", told).await;
    let picture = trial.json("/v1/picture").await;
    let lane = &picture["incidents"][0]["lanes"][0];
    assert_eq!((&lane["speaker"], &lane["claim"]["relay"]), (&json!("crowdstrike"), &json!("relayed")));
    // Who told it is named for readers, not by its slug.
    assert!(lane["claim"]["told_by"].as_str().unwrap().eq_ignore_ascii_case("aws"), "{lane}");
    // The role is known from now on, also of one of whom nothing is open.
    let mut heard = json!({"kind": "note", "text": "The file is pulled"});
    heard["speaker"] = json!({"org": "fastly", "role": "vendor"});
    trial.publish("message", heard.clone()).await;
    heard["speaker"] = json!({"org": "fastly"});
    trial.publish("message", heard).await;
    let mut again = impact("Falcon sensor update stops Windows");
    again["speaker"] = json!({"org": "crowdstrike"});
    trial.publish("impact", again).await;
}

#[tokio::test]
async fn a_mistake_says_what_was_expected_and_publishes_nothing() {
    let trial = Trial::start().await;
    let wrong = json!({"family": "impact", "claim": {"kind": "incident", "phase": "fixed", "severity": "critical", "title": "x", "titel": "y"}});
    let response = trial.post(wrong.to_string()).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused: Value = response.json().await.unwrap();
    let paths: Vec<&str> =
        refused["problems"].as_array().unwrap().iter().map(|p| p["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"phase") && paths.contains(&"titel"), "{refused}");
    assert!(refused["next"].as_str().unwrap().contains("problems"));
    assert_eq!(trial.json("/v1/picture").await["as_of"], "0");
}

#[tokio::test]
async fn only_who_knows_the_token_publishes() {
    let trial = Trial::start().await;
    let body = json!({"family": "impact", "claim": impact("x")}).to_string();
    let without = trial.http.post(trial.url("/v1/claims")).body(body.clone());
    let guessed = trial.http.post(trial.url("/v1/claims")).bearer_auth("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").body(body);
    for request in [without, guessed] {
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert!(response.text().await.unwrap().contains("token"));
    }
}
