//! Resident memory of `entente up` with the recorded feeds, with and without its nats-server.

use std::time::Duration;

use entente_tests::bench::resident_kib;
use entente_tests::data::recording;
use entente_tests::up::{Up, nats_server_of};

#[tokio::main]
async fn main() {
    let feeds = [
        ("gcp", "gcp/incidents-2022-07.json"),
        ("aws", "aws/currentevents-uae-only.utf16be.json"),
        ("aws-data", "aws/data-2022-07.json"),
        ("azure", "azure/rss-2026-07-23T1649-westus.xml"),
        ("vendor:github", "statuspage/github-incidents-2026-07.json"),
    ];
    let mut arguments = vec!["--no-public-feeds".to_owned(), "--poll-every".to_owned(), "1s".to_owned()];
    for (name, path) in feeds {
        let Some(path) = recording(path) else { return };
        arguments.extend(["--feed".to_owned(), format!("{name}={}", path.display())]);
    }
    let up = Up::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let picture = up.picture_at_rest(Duration::from_secs(5)).await;
    let own = up.pid().map_or(0, resident_kib);
    let server = up.pid().and_then(nats_server_of).map_or(0, resident_kib);
    println!(
        "memory: up {:.1} MiB, its nats-server {:.1} MiB, together {:.1} MiB; {} claims, {} incidents of {} recorded feeds",
        own as f64 / 1024.0,
        server as f64 / 1024.0,
        (own + server) as f64 / 1024.0,
        picture["totals"]["claims"],
        picture["totals"]["incidents"],
        feeds.len()
    );
}
