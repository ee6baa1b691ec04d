//! What a desk says into sharing groups: who may read it, what must not be named to whom, and how it is marked.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::pages::{location, opened, sent};
use super::trial::{Trial, impact};

/// A note, with more members.
fn note(more: Value) -> Value {
    let mut note = json!({"kind": "note", "text": "Looking into it"});
    note.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    note
}

/// What was expected instead of a request, path by path.
async fn mistakes(trial: &Trial, request: Value) -> Vec<(String, String)> {
    let (status, answer) = trial.ask(request.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{request}: {answer}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    answer["problems"].as_array().unwrap().iter().map(|one| (text(&one["path"]), text(&one["what"]))).collect()
}

/// An impact that joins none of those for everybody.
fn in_banks(object: &str) -> Value {
    let mut claim = impact("Only in the group");
    claim["object_id"] = json!(object);
    claim["blocks"] = json!([{"provider": "aws", "service_class": "dns", "regions": ["eu-west-1"],
        "state": "affected_degraded"}]);
    claim
}

#[tokio::test]
async fn a_marking_fits_its_audience_there_and_only_there() {
    let trial = Trial::start().await;
    let request = |audience: Option<&str>, tlp: &str| {
        let mut request = json!({"family": "impact", "tlp": tlp, "claim": impact("One")});
        audience.into_iter().for_each(|audience| request["audience"] = json!(audience));
        request
    };
    let none = mistakes(&trial, request(None, "amber")).await;
    assert!(none[0].1.contains("`entente audience create NAME` makes one"), "{none:?}");
    let unknown = mistakes(&trial, request(Some("banks"), "amber")).await;
    assert!(unknown[0].0 == "(request).audience" && unknown[0].1.contains("expected one of: all;"), "{unknown:?}");
    let banks = trial.group("banks").await;
    for (audience, tlp) in [
        (None, "amber"),
        (None, "red"),
        (Some("all"), "amber+strict"),
        (Some("banks"), "green"),
        (Some(banks.as_str()), "clear"),
    ] {
        let told = mistakes(&trial, request(audience, tlp)).await;
        assert_eq!((told.len(), told[0].0.as_str()), (1, "(request).tlp"), "{audience:?} {tlp}: {told:?}");
    }
    assert!(mistakes(&trial, request(None, "red")).await[0].1.contains("known here: banks"));
    for (audience, tlp) in [
        (None, "clear"),
        (Some("all"), "green"),
        (Some("banks"), "amber"),
        (Some("banks"), "amber+strict"),
        (Some(banks.as_str()), "red"),
    ] {
        let (status, answer) = trial.ask(request(audience, tlp)).await;
        assert_eq!(status, StatusCode::CREATED, "{audience:?} {tlp}: {answer}");
        let event = trial.json(&format!("/v1/events/{}", answer["id"].as_str().unwrap())).await;
        assert_eq!(event["payload"]["tlp"], tlp);
        let group = audience.is_some_and(|audience| audience != "all");
        assert_eq!(event["line"].get("audience"), group.then_some(&json!(banks)));
    }
}

#[tokio::test]
async fn what_only_a_group_knows_is_not_named_to_others() {
    let trial = Trial::start().await;
    trial.group("banks").await;
    trial.group("clouds").await;
    let open = trial.publish("impact", impact("For everybody")).await["object_id"].as_str().unwrap().to_owned();
    let hidden = trial.say("banks", "impact", in_banks("aws:hidden")).await;
    let [event, place] = [&hidden["id"], &hidden["position"]].map(|key| key.as_str().unwrap().to_owned());
    trial.say("banks", "message", note(json!({"object_id": "aws:thread"}))).await;
    let incident = entente_correlator::incident_id("aws:hidden");
    let constraint = json!({"kind": "must_link", "objects": [open, "aws:hidden"], "reason": "the same"});
    for audience in ["all", "clouds"] {
        for key in ["aws:hidden", &event, &place, "banks:1", &incident] {
            let refs = note(json!({"refs": [{"kind": "incident", "value": key, "relation": "related"}]}));
            let told = mistakes(&trial, json!({"family": "message", "audience": audience, "claim": refs})).await;
            assert!(told.iter().any(|(_, what)| what.contains("known only in sharing group banks")), "{key}: {told:?}");
        }
        for claim in [
            note(json!({"text": "We see it in aws:hidden, too."})),
            note(json!({"text": format!("(see {incident})")})),
            note(json!({"thread_id": "aws:thread"})),
        ] {
            let told = mistakes(&trial, json!({"family": "message", "audience": audience, "claim": claim})).await;
            assert!(told.iter().any(|(_, what)| what.contains("give away that it exists")), "{told:?}");
        }
        let told = mistakes(&trial, json!({"family": "constraint", "audience": audience, "claim": constraint})).await;
        assert!(told[0].0.starts_with("objects"), "{told:?}");
        let answers = json!({"family": "message", "audience": audience, "causation": event, "claim": note(json!({}))});
        assert!(mistakes(&trial, answers).await[0].1.contains("known only in"), "causation");
    }
    // The other way round is fine, and so is a word that only looks like a name.
    trial.say("banks", "constraint", constraint).await;
    trial
        .say("banks", "message", note(json!({"refs": [{"kind": "incident", "value": open, "relation": "related"}]})))
        .await;
    trial.publish("message", note(json!({"text": "aws:hidden2 is none of theirs"}))).await;
    // What joins in the group alone has an id that everybody may know by the member that everybody knows.
    let joined = trial.json(&format!("/v1/incidents/{open}")).await;
    let impacts = joined["members"].as_array().unwrap().iter().filter(|member| member["family"] == "impact");
    assert_eq!(impacts.count(), 2, "{joined}");
    let refs = note(json!({"refs": [{"kind": "incident", "value": joined["id"], "relation": "related"}]}));
    let published = trial.publish("message", refs).await;
    let event = trial.json(&format!("/v1/events/{}", published["position"])).await;
    assert_eq!(event["payload"]["data"]["refs"][0]["value"], json!(open));
}

#[tokio::test]
async fn a_claim_goes_on_where_it_stands() {
    let mut trial = Trial::start().await;
    let banks = trial.group("banks").await;
    trial.group("clouds").await;
    let mut red = json!({"family": "impact", "audience": "banks", "tlp": "red", "claim": in_banks("aws:1")});
    assert_eq!(trial.ask(red.clone()).await.0, StatusCode::CREATED);
    for restarted in [false, true] {
        if restarted {
            trial.restart().await;
            trial.until("/v1/picture", |picture| picture["totals"]["claims"] == 3).await;
        }
        for audience in ["all", "clouds"] {
            red["audience"] = json!(audience);
            red["tlp"] = Value::Null;
            let told = mistakes(&trial, red.clone()).await;
            assert!(told.iter().any(|(path, what)| path == "object_id" && what.contains("banks")), "{told:?}");
        }
        // Where none is named, it follows the object, and so does the marking.
        let mut request = json!({"family": "impact", "claim": in_banks("aws:1")});
        let (status, revised) = trial.ask(request.clone()).await;
        assert_eq!(
            (status, &revised["audience"], &revised["tlp"]),
            (StatusCode::CREATED, &json!(banks), &json!("red"))
        );
        assert!(revised["remarks"].to_string().contains("sharing group banks"), "{revised}");
        request["claim"] = json!({"object_id": "aws:1"});
        request["still"] = json!(true);
        let (_, again) = trial.ask(request).await;
        assert_eq!(
            (&again["tlp"], again["rev"].as_u64()),
            (&json!("red"), Some(if restarted { 5 } else { 3 })),
            "{again}"
        );
    }
    let withdraw = json!({"target": "banks:1", "scope": "revision", "reason": "wrong_fact"});
    let told = mistakes(&trial, json!({"family": "retraction", "audience": "all", "claim": withdraw})).await;
    assert!(told.iter().any(|(path, _)| path == "target"), "{told:?}");
    let (status, withdrawn) = trial.ask(json!({"family": "retraction", "claim": withdraw})).await;
    assert_eq!(
        (status, &withdrawn["audience"], &withdrawn["tlp"]),
        (StatusCode::CREATED, &json!(banks), &json!("red"))
    );
    let (line, by) = (trial.json("/v1/events/banks:1").await, &withdrawn["position"]);
    assert_eq!((line["line"]["withdrawn_by"].is_null(), by), (false, &json!(format!("A_actual_{banks}:6"))), "{line}");
}

#[tokio::test]
async fn an_object_is_found_although_a_group_is_called_as_its_id_begins() {
    let trial = Trial::start().await;
    trial.group("aws").await;
    let mut open = impact("For everybody");
    open["object_id"] = json!("aws:7");
    trial.publish("impact", open).await;
    let in_group = trial.say("aws", "impact", in_banks("aws:hidden")).await;
    assert_eq!(trial.json("/v1/events/aws:1").await["line"]["id"], in_group["id"], "a place is found by the name");
    let about = note(json!({"refs": [{"kind": "incident", "value": "aws:7", "relation": "related"}]}));
    let published = trial.publish("message", about).await;
    let event = trial.json(&format!("/v1/events/{}", published["position"])).await;
    assert_eq!(event["payload"]["data"]["refs"][0]["value"], "aws:7");
    let withdraw = json!({"target": "aws:7", "scope": "object", "reason": "wrong_fact"});
    let (status, withdrawn) = trial.ask(json!({"family": "retraction", "claim": withdraw})).await;
    assert_eq!((status, withdrawn.get("audience")), (StatusCode::CREATED, None), "{withdrawn}");
    assert!(!trial.json("/v1/events/1").await["line"]["withdrawn_by"].is_null());
}

#[tokio::test]
async fn what_is_erased_in_a_group_is_gone_from_its_stream() {
    let trial = Trial::start().await;
    trial.group("banks").await;
    let mut claim = impact("The name of Jane Roe");
    claim["object_id"] = json!("aws:1");
    trial.say("banks", "impact", claim).await;
    trial.publish("impact", impact("For everybody")).await;
    let erase = json!({"target": "aws:1", "scope": "object", "reason": "legal"});
    let (status, erased) = trial.ask(json!({"family": "retraction", "claim": erase})).await;
    assert_eq!(status, StatusCode::CREATED, "{erased}");
    let gone = |feeds: &Value| !feeds.to_string().contains("Jane Roe");
    trial.until("/v1/events?limit=50", gone).await;
    let page = trial.get("/events/banks:1").await.text().await.unwrap();
    assert!(!page.contains("Jane Roe"), "{page}");
    assert!(trial.get("/").await.text().await.unwrap().contains("For everybody"));
}

#[tokio::test]
async fn every_view_marks_what_is_of_a_group() {
    let trial = Trial::start().await;
    let banks = trial.group("banks").await;
    trial.publish("impact", impact("Windows VMs stop")).await;
    let before = trial.get("/board.txt").await.text().await.unwrap();
    assert!(!before.contains("TLP:AMBER"), "{before}");
    let mut claim = in_banks("aws:hidden");
    claim["counts"] = json!([{"value": 7, "unit": "vm", "quantity": "affected", "method": "exact_enumeration",
        "as_of": "2026-01-01T00:00:00Z"}]);
    trial.say("banks", "impact", claim).await;
    let request = json!({"family": "message", "audience": "banks", "tlp": "red", "claim":
        {"kind": "request", "text": "Who sees it?", "to": ["gcp"],
        "refs": [{"kind": "incident", "value": "aws:hidden", "relation": "related"}]}});
    assert_eq!(trial.ask(request).await.0, StatusCode::CREATED);
    let incident = trial.json("/v1/incidents/aws:hidden").await;
    assert_eq!(incident["tlp"], "red");
    assert!(incident["lanes"].to_string().contains(&banks), "{incident}");
    let path = format!("/incidents/{}", incident["id"].as_str().unwrap());
    for (path, marks) in [
        ("/", ["TLP:RED", "TLP:AMBER"]),
        (path.as_str(), ["TLP:RED", "TLP:AMBER"]),
        ("/board.txt", ["TLP:RED", "Only in the group"]),
        (&format!("{path}/text"), ["TLP:RED", "[TLP:AMBER banks]"]),
        ("/events/banks:1", ["TLP:AMBER", "banks"]),
    ] {
        let shown = trial.get(path).await.text().await.unwrap();
        for mark in marks {
            assert!(shown.contains(mark), "{path} does not show {mark}: {shown}");
        }
    }
    for path in ["/board.txt".to_owned(), format!("{path}/text")] {
        let text = trial.get(&path).await.text().await.unwrap();
        let heading: Vec<&str> = text.lines().take(3).collect();
        assert!(heading.iter().any(|line| line.contains("TLP:RED")), "{heading:?}");
    }
    // Of an earlier moment the marking is the one that it had.
    let then = trial.get("/board.txt?as_of=1").await.text().await.unwrap();
    assert!(!then.contains("TLP:"), "{then}");
}

#[tokio::test]
async fn a_form_asks_for_whom_it_is_once_there_is_a_choice() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("For everybody")).await;
    assert!(!trial.get("/?say=impact").await.text().await.unwrap().contains("Who reads it"));
    let banks = trial.group("banks").await;
    trial.say("banks", "impact", in_banks("aws:1")).await;
    let (cookies, token) = opened(&trial).await;
    let board = trial.get("/?say=note").await.text().await.unwrap();
    assert!(board.contains("Who reads it") && board.contains(&format!("<option value=\"{banks}\">banks")), "{board}");
    let incident = format!("/incidents/{}", entente_correlator::incident_id("aws:1"));
    let page = trial.get(&incident).await.text().await.unwrap();
    assert!(page.contains(&format!("<option value=\"{banks}\" selected>banks")), "{page}");
    assert!(page.contains("a revision stays where its claim stands"), "{page}");
    let fields = |audience: &str, tlp: &str| {
        let fields = [("csrf", token.as_str()), ("kind", "note"), ("back", &incident), ("text", "Typed with care")];
        let chosen = [("incident", incident.trim_start_matches("/incidents/")), ("audience", audience), ("tlp", tlp)];
        fields.into_iter().chain(chosen).map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    for (audience, tlp, told) in [
        ("", "", "choose who is to read it"),
        (banks.as_str(), "green", "expected amber, amber+strict or red"),
        ("all", "", "known only in sharing group banks"),
    ] {
        let fields = fields(audience, tlp);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = sent(&trial, "/claims", &cookies, &fields).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(told) && html.contains("Typed with care"), "{told}: {html}");
    }
    let fields = fields(&banks, "red");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(location(&sent(&trial, "/claims", &cookies, &fields).await), incident);
    let event = trial.json("/v1/events/banks:2").await;
    assert_eq!((&event["payload"]["tlp"], &event["line"]["family"]), (&json!("red"), &json!("message")));
}
