//! Recorded feeds through the whole of `entente up`: every real change is one revision, every statement one notice, and
//! nothing is said twice, not by a second pass and not after kill -9.

use std::path::Path;
use std::time::Duration;

use entente_tests::data::recording;
use entente_tests::up::Up;
use serde_json::Value;

fn feed(name: &str, path: &Path) -> Vec<String> {
    let given = format!("{name}={}", path.display());
    ["--no-public-feeds", "--feed", &given, "--poll-every", "1s"].map(str::to_owned).to_vec()
}

async fn up(name: &str, path: &Path) -> Up {
    let arguments = feed(name, path);
    Up::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn totals(picture: &Value, name: &str) -> u64 {
    picture["totals"][name].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_google_is_in_the_picture_within_forty_seconds() {
    let Some(path) = recording("gcp/incidents-2022-07.json") else { return };
    let started = std::time::Instant::now();
    let up = up("gcp", &path).await;
    let picture = up.picture_when("157 items and 770 notices", |picture| {
        totals(picture, "notices") == 770 && totals(picture, "incidents") > 0
    });
    let picture = picture.await;
    println!("157 items and 770 notices in the picture {:.1} s after the start", started.elapsed().as_secs_f64());
    let impacts = up.json("/v1/events?family=impact&limit=1000").await;
    let objects: std::collections::BTreeSet<&str> =
        impacts["events"].as_array().unwrap().iter().filter_map(|line| line["object_id"].as_str()).collect();
    assert_eq!(objects.len(), 157);
    // The support link that 95 of the items cite joins none of them: what was joined cites a page, or shares its place.
    for incident in picture["incidents"].as_array().unwrap() {
        for join in incident["why"].as_array().unwrap() {
            let reasons = join["reasons"].to_string();
            assert!(!reasons.contains("support"), "{reasons}");
        }
    }
}
