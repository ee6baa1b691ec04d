//! Several streams as one log: that of everybody and those of sharing groups, merged, looked back at, followed, lost and
//! found again.

use std::collections::BTreeMap;

use chrono::Utc;
use entente_journal::{Scope, beat};
use entente_schemas::beat::{Backlog, Beat, Lag};
use entente_schemas::event::Draft;
use entente_schemas::family::{Claim, Family, FeedState};
use entente_schemas::tlp::Tlp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::live::Stream;
use super::trial::{Trial, group_scope, impact, soon};

/// The places of records, as text.
fn places(lines: &Value) -> Vec<String> {
    let text = |place: &Value| place.as_str().map_or_else(|| place.to_string(), str::to_owned);
    lines.as_array().unwrap().iter().map(|line| text(&line["position"])).collect()
}

/// A group's stream is deleted, as its owner would.
async fn delete(trial: &Trial, id: &str) {
    let identity = entente_journal::Identity::open(&trial.dir.path().join("key")).unwrap();
    let url = trial.nats.as_ref().unwrap().url();
    let client = async_nats::ConnectOptions::with_nkey(identity.seed().to_owned()).connect(url).await.unwrap();
    async_nats::jetstream::new(client).delete_stream(format!("A_actual_{id}")).await.unwrap();
}

#[tokio::test]
async fn a_group_that_is_made_meanwhile_is_read_without_a_restart() {
    let trial = Trial::start().await;
    let one = trial.publish("impact", impact("One")).await;
    assert_eq!(one["position"], 1);
    let at = "at=2030-01-01T00:00:00Z";
    let alone = trial.get(&format!("/v1/picture?{at}")).await.text().await.unwrap();
    let banks = trial.group("banks").await;
    let two = trial.say("banks", "impact", impact("Two")).await;
    assert_eq!((&two["audience"], &two["tlp"]), (&json!(banks), &json!("amber")));
    assert_eq!(two["position"], format!("A_actual_{banks}:1"));
    let three = trial.publish("impact", impact("Three")).await;
    assert_eq!((&three["position"], three.get("audience"), three.get("tlp")), (&json!(2), None, None));
    let picture = trial.json("/v1/picture").await;
    assert_eq!(picture["as_of"], format!("A_actual_all:2,A_actual_{banks}:1"));
    let events = trial.json("/v1/events").await;
    assert_eq!(places(&events["events"]), ["2".to_owned(), format!("A_actual_{banks}:1"), "1".to_owned()]);
    for key in ["banks:1".to_owned(), format!("{banks}:1"), format!("A_actual_{banks}:1")] {
        let event = trial.json(&format!("/v1/events/{key}")).await;
        assert_eq!((&event["line"]["id"], &event["line"]["audience"]), (&two["id"], &json!(banks)), "{key}");
    }
    // A bare sequence counts the stream that everybody reads, as it did before there were groups.
    let then: Value = serde_json::from_str(&alone).unwrap();
    let mut now = trial.json(&format!("/v1/picture?as_of=1&{at}")).await;
    assert_eq!(now["as_of"], format!("A_actual_all:1,A_actual_{banks}:0"));
    now["as_of"] = json!("1");
    assert_eq!(now, then);
    for (position, count) in [("banks:1", 1), ("all:2,banks:1", 3), ("2", 2), ("banks:0", 0)] {
        let then = trial.json(&format!("/v1/picture?as_of={position}")).await;
        assert_eq!(then["totals"]["claims"], count, "{position}");
    }
    let ahead = trial.get("/v1/picture?as_of=banks:2").await;
    assert_eq!(ahead.status(), StatusCode::NOT_FOUND);
    let unknown = trial.get("/v1/picture?as_of=clouds:1").await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_moment_of_several_streams_is_shown_again_as_it_was_live() {
    let mut trial = Trial::start().await;
    for name in ["banks", "clouds"] {
        trial.group(name).await;
    }
    let at = "at=2030-01-01T00:00:00Z";
    let mut lived = Vec::new();
    for count in 0..24 {
        let audience = ["all", "banks", "clouds"][count % 3];
        let mut claim = impact(&format!("Trouble {}", count % 4));
        claim["object_id"] = json!(format!("aws:{audience}-{}", count % 4));
        claim["phase"] = json!(["investigating", "identified", "resolved"][count % 5 % 3]);
        trial.say(audience, "impact", claim).await;
        lived.push(trial.get(&format!("/v1/picture?{at}")).await.text().await.unwrap());
    }
    for round in 0..2 {
        for live in &lived {
            let position = serde_json::from_str::<Value>(live).unwrap()["as_of"].as_str().unwrap().to_owned();
            let then = trial.get(&format!("/v1/picture?as_of={position}&{at}")).await.text().await.unwrap();
            assert_eq!(&then, live, "round {round}, as of {position}");
        }
        trial.restart().await;
        trial.until("/v1/picture", |picture| picture["totals"]["claims"] == 24).await;
    }
    let logged = trial.json("/v1/events/clouds:4").await["line"]["logged"].as_str().unwrap().to_owned();
    let then = trial.json(&format!("/v1/picture?as_of={}", logged.replace('+', "%2B"))).await;
    let whole = then["as_of"].as_str().unwrap();
    assert!(whole.starts_with("A_actual_all:4,") && whole.matches(":4").count() == 3, "{whole}");
    let mut seen = Vec::new();
    let mut page = trial.json("/v1/events?limit=5").await;
    loop {
        seen.extend(places(&page["events"]));
        let Some(before) = page["next_before"].as_str().map(str::to_owned) else {
            match page["next_before"].as_u64() {
                Some(before) => page = trial.json(&format!("/v1/events?limit=5&before={before}")).await,
                None => break,
            }
            continue;
        };
        page = trial.json(&format!("/v1/events?limit=5&before={before}")).await;
    }
    assert_eq!(seen.len(), 24);
    assert_eq!(seen[..3].iter().filter(|place| place.ends_with(":8")).count(), 2, "{seen:?}");
    assert_eq!(seen[2], "8");
}

#[tokio::test]
async fn a_live_stream_resumes_in_all_streams_and_tells_each_record_once() {
    let trial = Trial::start().await;
    let banks = trial.group("banks").await;
    trial.publish("impact", impact("One")).await;
    let mut stream = Stream::open(&trial, "view=json", None).await;
    let mut last = stream.next_of("beat").await.id.unwrap();
    assert_eq!(last, format!("A_actual_all:1,A_actual_{banks}:0"));
    let mut seen = Vec::new();
    for round in 0..3 {
        drop(stream);
        for audience in ["banks", "all", "banks"] {
            trial.say(audience, "impact", impact(&format!("While it was away {round}"))).await;
        }
        stream = Stream::open(&trial, "view=json", Some(&last)).await;
        while seen.len() < (round + 1) * 3 {
            let message = stream.next_of("message").await;
            seen.extend(places(&message.data["lines"]));
            last = message.id.unwrap();
        }
    }
    let all: Vec<&String> = seen.iter().filter(|place| !place.contains(':')).collect();
    assert_eq!(all, ["2", "3", "4"]);
    let banks_places: Vec<String> = (1..=6).map(|sequence| format!("A_actual_{banks}:{sequence}")).collect();
    assert_eq!(seen.iter().filter(|place| place.contains(':')).cloned().collect::<Vec<_>>(), banks_places);
    assert_eq!(last, format!("A_actual_all:4,A_actual_{banks}:6"));
    // Streams are known by any name, and one that is not read any more loses nothing of the others.
    for last in ["A_actual_all:3,banks:5", "A_actual_all:3,banks:5,A_actual_gzzzzzzzzzzzzzzzz:9"] {
        let mut named = Stream::open(&trial, "view=json", Some(last)).await;
        let mut missed = Vec::new();
        while missed.len() < 2 {
            let message = named.next().await;
            assert_ne!(message.event, "reload", "{last}");
            missed.extend(message.data.get("lines").map(places).unwrap_or_default());
        }
        missed.sort();
        assert_eq!(missed, ["4".to_owned(), format!("A_actual_{banks}:6")], "{last}");
    }
    // A reader from before there were groups knows nothing of them, and is told what it missed there.
    let mut old = Stream::open(&trial, "view=json", Some("4")).await;
    let mut missed = Vec::new();
    while missed.len() < 6 {
        missed.extend(places(&old.next_of("message").await.data["lines"]));
    }
    assert_eq!(missed, banks_places);
}

#[tokio::test]
async fn an_open_page_shows_what_comes_in_a_group_as_a_reload_would() {
    let trial = Trial::start().await;
    let banks = trial.group("banks").await;
    let mut claim = impact("One");
    claim["object_id"] = json!("aws:one");
    trial.say("banks", "impact", claim.clone()).await;
    let id = trial.json("/v1/incidents/aws:one").await["id"].as_str().unwrap().to_owned();
    let views = [("/".to_owned(), "board".to_owned()), (format!("/incidents/{id}"), format!("incidents/{id}"))];
    for (count, (path, view)) in (1..).zip(views) {
        let page = trial.get(&path).await.text().await.unwrap();
        let place = format!("A_actual_all:0,A_actual_{banks}:{count}");
        let mut stream = Stream::open(&trial, &format!("view={view}&as_of={place}"), None).await;
        stream.next_of("beat").await;
        claim["title"] = json!(format!("One, looked at again {count}"));
        let request = json!({"family": "impact", "tlp": "red", "claim": claim});
        assert_eq!(trial.ask(request).await.0, StatusCode::CREATED);
        let mut shown: BTreeMap<String, String> = entente_console::fragments(&page).into_iter().collect();
        let mut seen = String::new();
        while seen != format!("A_actual_all:0,A_actual_{banks}:{}", count + 1) {
            let piece = stream.next_of("message").await;
            shown
                .insert(piece.data["id"].as_str().unwrap().to_owned(), piece.data["html"].as_str().unwrap().to_owned());
            seen = piece.id.unwrap_or(seen);
        }
        let reloaded = trial.get(&path).await.text().await.unwrap();
        assert!(reloaded.contains("TLP:RED"), "{reloaded}");
        for (id, html) in entente_console::fragments(&reloaded) {
            assert_eq!(shown.get(&id), Some(&html), "{view}: {id}");
        }
    }
}

#[tokio::test]
async fn a_group_whose_stream_is_gone_is_named_and_stops_nobody() {
    let mut trial = Trial::start().await;
    let banks = trial.group("banks").await;
    trial.say("banks", "impact", impact("In the group")).await;
    let mut stream = Stream::open(&trial, "view=json", None).await;
    stream.next_of("beat").await;
    delete(&trial, &banks).await;
    let feeds = trial.until("/v1/feeds", |feeds| feeds["log"].get("missing").is_some()).await;
    assert_eq!((&feeds["log"]["state"], &feeds["log"]["missing"][0]["name"]), (&json!("live"), &json!("banks")));
    let board = trial.get("/").await.text().await.unwrap();
    assert!(board.contains("banks") && board.contains("In the group"), "{board}");
    let text = trial.get("/board.txt").await.text().await.unwrap();
    assert!(text.contains("SHARING GROUPS NOT READ: banks"), "{text}");
    // Everybody's stream goes on, for readers and for the desk.
    assert_eq!(trial.publish("impact", impact("After it was gone")).await["position"], 1);
    while !stream.next_of("message").await.data.to_string().contains("After it was gone") {}
    // A stream that begins anew under the same name is another: what was read of the first stays, and it says so.
    trial.bus.apply(&group_scope(&banks)).await.unwrap();
    let anew = |feeds: &Value| feeds["log"]["missing"].to_string().contains("was made anew");
    let since = |feeds: &Value| feeds["log"]["missing"][0]["since"].clone();
    assert_eq!(since(&trial.until("/v1/feeds", anew).await), since(&feeds), "it is lost since it was deleted");
    let (status, said) =
        trial.ask(json!({"family": "impact", "audience": "banks", "claim": impact("After it was made anew")})).await;
    assert_eq!((status, &said["position"]), (StatusCode::CREATED, &json!(format!("A_actual_{banks}:1"))));
    assert!(said["remarks"].to_string().contains("Audience banks is not read here just now"), "{said}");
    let board = trial.get("/").await.text().await.unwrap();
    assert!(board.contains("In the group") && !board.contains("After it was made anew"), "{board}");
    // The next start reads it from its beginning.
    trial.restart().await;
    let board = trial.get("/board.txt").await.text().await.unwrap();
    assert!(board.contains("After it was made anew") && !board.contains("NOT READ"), "{board}");
}

#[tokio::test]
async fn a_group_that_has_a_name_and_no_stream_yet_is_read_once_it_has_one() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let id = "gbbbbbbbbbbbbbbbb";
    std::fs::write(trial.dir.path().join("audiences.toml"), format!("banks = \"{id}\"\n")).unwrap();
    trial.until("/v1/feeds", |feeds| feeds["log"]["missing"][0]["name"] == "banks").await;
    // A file that cannot be read changes nothing.
    std::fs::write(trial.dir.path().join("audiences.toml"), "banks = 7\n").unwrap();
    trial.bus.apply(&group_scope(id)).await.unwrap();
    trial.until("/v1/feeds", |feeds| feeds["log"].get("missing").is_none()).await;
    trial.say("banks", "impact", impact("Two")).await;
    std::fs::write(trial.dir.path().join("audiences.toml"), format!("banken = \"{id}\"\n")).unwrap();
    let named = |board: &str| board.contains("banken");
    let renamed = async {
        while !named(&trial.get("/").await.text().await.unwrap()) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon(renamed).await;
}

#[tokio::test]
async fn feeds_of_all_audiences_stand_side_by_side() {
    let trial = Trial::start().await;
    let banks = trial.group("banks").await;
    let said = |state: FeedState| {
        let now = Utc::now();
        let (lag, outbox) = (Lag::default(), Backlog { events: 7, bytes: 70 });
        let (last_good, last_poll) = (Some(now), Some(now));
        let unknown_words = Vec::new();
        Beat {
            state,
            last_good,
            last_poll,
            next_try: None,
            failures: 0,
            error: None,
            lag,
            outbox,
            unknown_words,
            mapping_version: 1,
            clock_offset_ms: Some(12),
            beat_at: now,
        }
    };
    for (scope, state) in [(Scope::actual(), FeedState::Live), (group_scope(&banks), FeedState::Blind)] {
        beat(&trial.bus, &scope, "gcp", "gcp-account", &said(state)).await.unwrap();
    }
    let outbox = trial.feed(group_scope(&banks), "gcp", "gcp-account");
    let claim = json!({"object_id": "feed:gcp/gcp-account", "rev": 1, "certainty": "observed",
        "times": {"observed_at": "2026-01-01T00:00:00Z"}, "speaker": {"org": "gcp", "role": "observer", "relay": "own"},
        "feed": "gcp-account", "state": "blind", "since": "2026-01-01T00:00:00Z", "reason": "no answer", "coverage": {}});
    let claim = Claim::read_strict(Family::Feed, &claim.to_string()).unwrap();
    let (id, recorded) = (uuid::Uuid::now_v7().to_string(), Utc::now());
    let draft = Draft { id, recorded, causation: None, traceparent: None, tlp: Tlp::AmberStrict, claim };
    outbox.offer(vec![draft]).await.unwrap();
    let both =
        |feeds: &Value| feeds["feeds"].as_array().unwrap().iter().filter(|feed| feed["beat"].is_object()).count();
    let feeds = trial.until("/v1/feeds", |feeds| both(feeds) == 2 && feeds.to_string().contains("amber+strict")).await;
    let of = |at: usize| (feeds["feeds"][at]["audience"].as_str(), feeds["feeds"][at]["beat"]["state"].as_str());
    assert_eq!((of(0), of(1)), ((None, Some("live")), (Some(banks.as_str()), Some("blind"))), "{feeds}");
    let page = trial.get("/feeds").await.text().await.unwrap();
    assert!(page.contains("TLP:AMBER+STRICT") && page.contains("banks"), "{page}");
}
