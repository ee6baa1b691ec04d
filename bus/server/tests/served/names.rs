//! What a claim names beside itself, what its author is told, and what is taken back.

use entente_schemas::speaker::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::trial::{Trial, impact, soon};

/// An answer with its status.
async fn posted(trial: &Trial, family: &str, claim: Value) -> (StatusCode, Value) {
    with(trial, json!({"family": family, "claim": claim})).await
}

async fn with(trial: &Trial, request: Value) -> (StatusCode, Value) {
    let response = trial.post(request.to_string()).await;
    (response.status(), response.json().await.unwrap())
}

async fn data(trial: &Trial, published: &Value) -> Value {
    trial.json(&format!("/v1/events/{}", published["id"].as_str().unwrap())).await["payload"].clone()
}

fn remarks(answer: &Value) -> String {
    answer["remarks"]
        .as_array()
        .map(|list| list.iter().map(|text| text.as_str().unwrap()).collect())
        .unwrap_or_default()
}

fn note(more: Value) -> Value {
    let mut claim = json!({"kind": "note", "text": "Which builds?"});
    claim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claim
}

fn notice(about: &str) -> Value {
    json!({"about": about, "channel": "status page", "audience_told": "public", "text": "We are aware."})
}

fn constraint(kind: &str, objects: &[&str]) -> Value {
    json!({"kind": kind, "objects": objects, "reason": "seen on the bridge"})
}

#[tokio::test]
async fn a_name_that_nothing_answers_to_is_refused_with_what_is_accepted() {
    let trial = Trial::start().await;
    let one = trial.publish("impact", impact("One")).await["object_id"].as_str().unwrap().to_owned();
    let before = trial.json("/v1/picture").await["as_of"].clone();
    let reference = |kind: &str| json!({"refs": [{"kind": kind, "value": "inc-nowhere", "relation": "related"}]});
    let run = json!({"approach_id": "aws:no-such", "state": "running"});
    let same = json!({"name": "x", "kind": "other", "automation": "manual", "same_as": "aws:no-such", "replaces": one});
    for (family, claim, paths) in [
        ("notice", notice("inc-nowhere"), vec!["about"]),
        ("notice", notice("aws:no-such"), vec!["about"]),
        ("message", note(json!({"thread_id": one})), vec!["thread_id"]),
        ("message", note(reference("incident")), vec!["refs.0.value"]),
        ("message", note(reference("event")), vec!["refs.0.value"]),
        ("constraint", constraint("cannot_link", &[&one, "aws:no-such", "99"]), vec!["objects.1", "objects.2"]),
        ("remediation", run, vec!["approach_id"]),
        ("approach", same, vec!["same_as", "replaces"]),
    ] {
        let (status, refused) = posted(&trial, family, claim).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{family}: {refused}");
        let problems = refused["problems"].as_array().unwrap();
        assert_eq!(problems.iter().map(|p| p["path"].as_str().unwrap()).collect::<Vec<_>>(), paths, "{refused}");
        for problem in problems {
            let what = problem["what"].as_str().unwrap();
            assert!(what.contains("expected") && what.contains("/v1/"), "{what}");
        }
    }
    let answering = json!({"family": "message", "causation": "aws:no-such", "claim": note(json!({}))});
    let (status, refused) = with(&trial, answering).await;
    assert_eq!(
        (status, &refused["problems"][0]["path"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("(request).causation"))
    );
    assert_eq!(trial.json("/v1/picture").await["as_of"], before);
}

#[tokio::test]
async fn incidents_and_short_names_are_written_as_object_ids() {
    let trial = Trial::start().await;
    let one = trial.publish("impact", impact("One")).await;
    let object = one["object_id"].as_str().unwrap();
    let incident = trial.json("/v1/picture").await["incidents"][0]["id"].as_str().unwrap().to_owned();
    let mut named = constraint("declare", &[&incident]);
    named["name"] = json!("channel-file-291");
    let named = trial.publish("constraint", named).await;
    assert_eq!(data(&trial, &named).await["data"]["objects"], json!([object]));
    for name in [incident.as_str(), "Channel-File-291", one["id"].as_str().unwrap(), "1", object] {
        let said = trial.publish("notice", notice(name)).await;
        assert_eq!(data(&trial, &said).await["data"]["about"], object, "{name}");
        let refs = json!({"refs": [{"kind": "incident", "value": name, "relation": "related"}]});
        let said = trial.publish("message", note(refs)).await;
        assert_eq!(data(&trial, &said).await["data"]["refs"][0]["value"], object, "{name}");
    }
    let shown = trial.json(&format!("/v1/incidents/{incident}")).await;
    assert_eq!((&shown["name"], shown["members"][0]["notices"].as_u64()), (&json!("channel-file-291"), Some(5)));
}

#[tokio::test]
async fn a_constraint_on_an_incident_concerns_the_speakers_own_member_and_a_reference_the_one_that_named_it() {
    let trial = Trial::start().await;
    let mut told = impact("Channel file 291 stops Windows");
    told["speaker"] = json!({"org": "gcp", "role": "provider"});
    let first = trial.publish("impact", told).await["object_id"].clone();
    let own = trial.publish("impact", impact("Channel file 291 stops Windows")).await["object_id"].clone();
    let link = constraint("must_link", &[first.as_str().unwrap(), own.as_str().unwrap()]);
    trial.publish("constraint", link).await;
    let incidents = trial.json("/v1/picture").await["incidents"].clone();
    assert_eq!(incidents.as_array().unwrap().len(), 1, "{incidents}");
    let incident = incidents[0]["id"].as_str().unwrap();
    let refs = json!({"refs": [{"kind": "incident", "value": incident, "relation": "related"}]});
    let anchor = data(&trial, &trial.publish("message", note(refs)).await).await["data"]["refs"][0]["value"].clone();
    assert_eq!(anchor, first);
    let mut named = constraint("declare", &[incident]);
    named["name"] = json!("channel-file-291");
    let (_, answer) = posted(&trial, "constraint", named).await;
    assert_eq!(answer.get("remarks"), None, "{answer}");
    assert_eq!(data(&trial, &answer).await["data"]["objects"], json!([own]));
    assert_eq!(trial.json("/v1/incidents/channel-file-291").await["id"], incident);
    // A former id of the incident stands for the member that it was made of.
    let mut later = impact("Channel file 291 stops Windows");
    later["speaker"] = json!({"org": "azure", "role": "provider"});
    let later = trial.publish("impact", later).await["object_id"].clone();
    let [later, own] = [&later, &own].map(|object| object.as_str().unwrap());
    trial.publish("constraint", constraint("must_link", &[own, later])).await;
    let former = entente_correlator::incident_id(later);
    assert_eq!(trial.json(&format!("/v1/incidents/{former}")).await["id"], incident);
    let (_, answer) = posted(&trial, "constraint", constraint("dissolve", &[&former])).await;
    assert_eq!(data(&trial, &answer).await["data"]["objects"], json!([later]), "{answer}");
}

#[tokio::test]
async fn an_answer_names_the_event_that_it_answers() {
    let trial = Trial::start().await;
    let mut ask = note(json!({"to": ["aws"]}));
    ask["kind"] = json!("request");
    let asked = trial.publish("message", ask).await;
    let (id, object) = (asked["id"].as_str().unwrap(), asked["object_id"].as_str().unwrap());
    for key in [id, object, "1"] {
        let request = json!({"family": "message", "causation": key, "claim": note(json!({"thread_id": key}))});
        let (status, answer) = with(&trial, request).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let event = data(&trial, &answer).await;
        assert_eq!((&event["causationid"], &event["data"]["thread_id"]), (&json!(id), &json!(object)), "{key}");
    }
}

#[tokio::test]
async fn an_author_is_told_what_is_legal_and_hardly_meant() {
    let mut trial = Trial::start().await;
    let told = |org: &str| {
        let mut claim = impact(org);
        claim["speaker"] = json!({"org": org, "role": "provider"});
        claim
    };
    let (_, gcp) = posted(&trial, "impact", told("gcp")).await;
    let (_, azure) = posted(&trial, "impact", told("azure")).await;
    assert_eq!(gcp.get("remarks"), None);
    let [gcp, azure] = [&gcp, &azure].map(|answer| answer["object_id"].as_str().unwrap());
    let (status, opinion) = posted(&trial, "constraint", constraint("cannot_link", &[gcp, azure])).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(remarks(&opinion).contains("opinion"), "{opinion}");
    let mut binding = constraint("cannot_link", &[gcp, azure]);
    binding["author"] = json!({"role": "coordinator"});
    let (status, refused) = posted(&trial, "constraint", binding.clone()).await;
    assert_eq!((status, &refused["problems"][0]["path"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("author.role")));
    trial.restart_as(Role::Coordinator).await;
    assert_eq!(posted(&trial, "constraint", binding).await.1.get("remarks"), None);
    trial.restart().await;
    let mine = trial.publish("impact", impact("Mine")).await["object_id"].as_str().unwrap().to_owned();
    let other = trial
        .publish("impact", {
            let mut far = impact("Far");
            far["blocks"][0]["service_class"] = json!("dns");
            far
        })
        .await;
    let alone = constraint("cannot_link", &[&mine, other["object_id"].as_str().unwrap()]);
    trial.publish("constraint", alone).await;
    let declared = |object: &str| json!({"kind": "declare", "objects": [object], "name": "Blue Friday", "reason": "x"});
    assert_eq!(posted(&trial, "constraint", declared(&mine)).await.1.get("remarks"), None);
    let taken = posted(&trial, "constraint", declared(other["object_id"].as_str().unwrap())).await.1;
    assert!(remarks(&taken).contains("Blue Friday"), "{taken}");
    let asked = json!({"kind": "request", "text": "x", "to": ["gpc"], "due_at": "2024-07-19T05:00:00Z"});
    let (status, asked) = posted(&trial, "message", asked).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(
        remarks(&asked).contains("`gpc`") && remarks(&asked).contains("`gcp`") && remarks(&asked).contains("due_at"),
        "{asked}"
    );
    let mut ahead = impact("Tomorrow");
    ahead["times"] = json!({"occurred_at": (chrono::Utc::now() + chrono::TimeDelta::hours(6)).to_rfc3339()});
    assert!(remarks(&posted(&trial, "impact", ahead.clone()).await.1).contains("times.occurred_at"));
    ahead["times"] = json!({"occurred_at": (chrono::Utc::now() + chrono::TimeDelta::days(6)).to_rfc3339()});
    assert_eq!(posted(&trial, "impact", ahead).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_erases_an_object_is_told_which_words_stay_and_can_erase_those_as_well() {
    let trial = Trial::start().await;
    let one = trial.publish("impact", impact("One")).await;
    let mut again = impact("One, looked at again");
    again["object_id"] = one["object_id"].clone();
    trial.publish("impact", again).await;
    let retract = |target: &Value, scope: &str| json!({"target": target, "scope": scope, "reason": "legal"});
    let (status, whole) = posted(&trial, "retraction", retract(&one["object_id"], "object")).await;
    assert_eq!(status, StatusCode::CREATED, "{whole}");
    assert!(remarks(&whole).contains("revision 2 alone"), "{whole}");
    let (status, first) = posted(&trial, "retraction", retract(&json!(1), "revision")).await;
    assert_eq!((status, first.get("remarks")), (StatusCode::CREATED, None), "{first}");
}

#[tokio::test]
async fn what_cannot_be_withdrawn_is_refused_and_says_why() {
    let trial = Trial::start().await;
    let one = trial.publish("impact", impact("One")).await;
    let retract = |target: Value| json!({"target": target, "scope": "revision", "reason": "wrong_fact"});
    for target in [json!("99"), json!(99), json!("01912b6e-1111-7000-8000-000000000001")] {
        let mut named = retract(target);
        assert_eq!(posted(&trial, "retraction", named.clone()).await.0, StatusCode::NOT_FOUND);
        named["target_object"] = json!("aws:x");
        named["target_rev"] = json!(1);
        named["target_source"] = json!("//aws/desk/01J00000000000000000000000");
        assert_eq!(posted(&trial, "retraction", named).await.0, StatusCode::NOT_FOUND);
    }
    let withdrawn = trial.publish("retraction", retract(one["object_id"].clone())).await;
    assert_eq!(data(&trial, &withdrawn).await["data"]["target"], one["id"]);
    let (status, again) = posted(&trial, "retraction", retract(json!(1))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(again["error"].as_str().unwrap().contains("withdrawn before"), "{again}");
    let mut whole = retract(json!("1"));
    whole["scope"] = json!("object");
    assert_eq!(posted(&trial, "retraction", whole).await.0, StatusCode::CONFLICT);
    let (status, taken_back) = posted(&trial, "retraction", retract(json!(2))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(taken_back["error"].as_str().unwrap().contains("anew"), "{taken_back}");
    assert_eq!(trial.json("/v1/picture").await["as_of"], "2");
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_published_and_publishes_nothing() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let incident = trial.json("/v1/picture").await["incidents"][0].clone();
    let request =
        |dry: bool| json!({"family": "notice", "dry_run": dry, "claim": notice(incident["id"].as_str().unwrap())});
    let (status, shown) = with(&trial, request(true)).await;
    assert_eq!((status, shown["position"].is_null()), (StatusCode::OK, true));
    assert_eq!(trial.json("/v1/picture").await["as_of"], "1");
    let real = data(&trial, &with(&trial, request(false)).await.1).await;
    for member in ["speaker", "author", "about", "certainty", "rev"] {
        assert_eq!(shown["dry_run"]["claim"][member], real["data"][member], "{member}");
    }
    assert_eq!(real["data"]["speaker"]["role"], "provider");
    let wrong = json!({"family": "notice", "dry_run": true, "claim": notice("inc-nowhere")});
    assert_eq!(with(&trial, wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn claims_that_come_at_the_same_time_are_all_published() {
    let trial = Trial::start().await;
    let mut again = impact("One");
    again["object_id"] = json!("aws:one");
    let posts = (0..24).map(|_| trial.post(json!({"family": "impact", "claim": again}).to_string()));
    let mut revisions = Vec::new();
    for response in soon(futures::future::join_all(posts)).await {
        assert_eq!(response.status(), StatusCode::CREATED);
        revisions.push(response.json::<Value>().await.unwrap()["rev"].as_u64().unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=24).collect::<Vec<_>>());
    assert_eq!(trial.json("/v1/picture").await["held_back"], json!([]));
}

#[tokio::test]
async fn any_message_of_a_thread_stands_for_the_thread() {
    let trial = Trial::start().await;
    let first = trial.publish("message", note(json!({}))).await;
    let thread = first["object_id"].as_str().unwrap();
    let reply = trial.publish("message", note(json!({"thread_id": thread}))).await;
    for key in [reply["object_id"].clone(), reply["id"].clone(), json!(reply["position"].to_string())] {
        let (status, answer) = posted(&trial, "message", note(json!({"thread_id": key}))).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(data(&trial, &answer).await["data"]["thread_id"], *thread, "{key}");
    }
}
