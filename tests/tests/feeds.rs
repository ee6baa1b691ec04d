//! Recorded feeds through the whole of `entente up`: every real change is one revision, every statement one notice, and
//! nothing is said twice, not by a second pass and not after kill -9.

use std::path::Path;
use std::time::Duration;

use entente_tests::data::recording;
use entente_tests::up::Up;
use serde_json::Value;

async fn up(name: &str, path: &Path) -> Up {
    let given = format!("{name}={}", path.display());
    Up::start(&["--no-public-feeds", "--feed", &given, "--poll-every", "20ms"]).await
}

fn totals(picture: &Value, name: &str) -> u64 {
    picture["totals"][name].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_google_is_in_the_picture_within_forty_seconds() {
    let Some(path) = recording("gcp/incidents-2022-07.json") else { return };
    let started = std::time::Instant::now();
    let up = up("gcp", &path).await;
    let whole = |picture: &Value| totals(picture, "notices") == 770 && totals(picture, "incidents") > 0;
    let picture = up.picture_when("157 items and 770 notices", whole).await;
    println!("157 items and 770 notices in the picture {:.1} s after the start", started.elapsed().as_secs_f64());
    assert_eq!(up.logged("impact").await, (157, 157));
    // The support link that 95 of the items cite joins none of them: what was joined cites a page, or shares its place.
    for incident in picture["incidents"].as_array().unwrap() {
        for join in incident["why"].as_array().unwrap() {
            let reasons = join["reasons"].to_string();
            assert!(!reasons.contains("support"), "{reasons}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_items_give_one_revision_a_change_and_nothing_twice_through_kill_and_restart() {
    let Some(path) = recording("gcp/poll-revisions-before-2022-07-02.jsonl") else { return };
    let mut up = up("gcp", &path).await;
    up.picture_when("half of it", |picture| totals(picture, "notices") > 500).await;
    up.kill();
    up.launch().await;
    up.picture_when("all of it", |picture| totals(picture, "notices") == 1_192).await;
    up.picture_at_rest(Duration::from_secs(20)).await;
    assert_eq!((up.logged("impact").await.0, up.logged("notice").await), (438, (1_221, 1_192)));
    assert_eq!(up.stop().await, Some(0), "{}", up.log());
    up.launch().await;
    up.picture_at_rest(Duration::from_secs(20)).await;
    assert_eq!((up.logged("impact").await.0, up.logged("notice").await), (438, (1_221, 1_192)), "a second pass");
    let verified = up.run(&["verify", "--json"]);
    println!("{}", String::from_utf8_lossy(&verified.stdout));
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_of_every_product_and_place_is_one_small_payload() {
    let Some(path) = recording("gcp/incident-2025-06-12-service-control.json") else { return };
    let up = up("gcp", &path).await;
    up.picture_when("the incident", |picture| totals(picture, "notices") == 16).await;
    let impacts = up.json("/v1/events?family=impact").await;
    let event = up.json(&format!("/v1/events/{}", impacts["events"][0]["id"].as_str().unwrap())).await;
    let size = event["payload"].to_string().len();
    let named = |member: &str| {
        let blocks = event["payload"]["data"]["blocks"].as_array().unwrap();
        let names = blocks.iter().flat_map(|block| block[member].as_array().cloned().unwrap_or_default());
        names.map(|name| name.to_string()).collect::<std::collections::BTreeSet<_>>().len()
    };
    println!("one payload of {size} bytes");
    assert!(size < 65_536);
    assert_eq!((named("services"), named("regions")), (55, 61));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_event_of_aws_names_all_its_services() {
    let Some(path) = recording("aws/currentevents-uae-only.utf16be.json") else { return };
    let up = up("aws", &path).await;
    let picture = up.picture_when("23 notices", |picture| totals(picture, "notices") == 23).await;
    let blocks = picture["incidents"][0]["lanes"][0]["claim"]["blocks"].as_array().unwrap().clone();
    let services: std::collections::BTreeSet<String> = blocks
        .iter()
        .flat_map(|block| block["services"].as_array().cloned().unwrap_or_default())
        .map(|s| s.to_string())
        .collect();
    assert_eq!(services.len(), 140);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_shown_and_the_next_good_poll_works() {
    let Some(good) = recording("gcp/incident-2025-06-12-service-control.json") else { return };
    let polls = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(polls.path().join(name), bytes).unwrap();
    let whole = std::fs::read(&good).unwrap();
    put("01-html.json", b"<!doctype html><title>Sign in</title>");
    put("02-truncated.json", &whole[..whole.len() / 2]);
    put(
        "03-old.json",
        br#"[{"id": "old", "number": "1", "begin": "1066-10-14T09:00:00+00:00", "external_desc": "x", "updates": []}]"#,
    );
    put("04-good.json", &whole);
    let up = up("gcp", polls.path()).await;
    let picture = up.picture_when("the good poll", |picture| totals(picture, "notices") == 16).await;
    let rejected = picture["rejected"].as_array().unwrap();
    println!("{rejected:#?}");
    assert!(rejected.len() >= 3, "{rejected:?}");
    assert!(
        rejected
            .iter()
            .all(|item| item["feed"] == "gcp-public" && item["digest"].as_str().is_some_and(|d| d.len() == 64))
    );
    let (status, page) = up.get("/feeds").await;
    assert_eq!(status, 200);
    for item in rejected {
        assert!(page.contains(&item["digest"].as_str().unwrap()[..12]), "the feeds page shows {item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_cannot_be_reached_is_blind_with_reason_and_time() {
    let up = Up::start(&["--no-public-feeds", "--feed", "gcp=http://127.0.0.1:9/incidents.json", "--poll-every", "1s"])
        .await;
    let picture = up.picture_when("blind", |picture| picture["feeds"][0]["state"] == "blind").await;
    let feed = &picture["feeds"].as_array().unwrap().iter().find(|feed| feed["feed"] == "gcp-public").unwrap().clone();
    assert!(feed["reason"].as_str().is_some_and(|reason| !reason.is_empty()) && feed["since"].is_string(), "{feed}");
}
