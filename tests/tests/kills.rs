//! kill -9 of `up`, and of its nats-server, between any two of outbox write, publish, acknowledgement and commit: nothing
//! lost, nothing doubled, the chain verifies.

use std::time::{Duration, Instant};

use entente_tests::data::recording;
use entente_tests::up::{Up, nats_server_of};
use serde_json::Value;

/// Every place at which the process ends itself as kill -9 would, and how often it is passed before that.
const POINTS: [&str; 4] = ["outbox-written", "published", "acknowledged", "committed"];

fn arguments(path: &str) -> Option<Vec<String>> {
    let given = format!("gcp={}", recording(path)?.display());
    Some(["--no-public-feeds", "--feed", &given, "--poll-every", "5ms"].map(str::to_owned).to_vec())
}

fn notices(picture: &Value) -> u64 {
    picture["totals"]["notices"].as_u64().unwrap_or_default()
}

/// Impacts and notices that were taken, and what verifying the log says.
async fn account(up: &Up) -> (u64, u64, Value) {
    let picture = up.picture_at_rest(Duration::from_secs(3)).await;
    let verified = up.run(&["verify", "--json"]);
    assert!(
        verified.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verified.stdout),
        String::from_utf8_lossy(&verified.stderr)
    );
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    let (impacts, notices) = (up.logged("impact").await.0, up.logged("notice").await.0);
    assert_eq!(picture["totals"]["held_back"], 0, "{}", picture["held_back"]);
    (impacts as u64, notices as u64, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_two_steps_nothing_is_lost_or_doubled() {
    // Items while they moved: 574 polls, of which most bring something, so that every place is passed hundreds of times.
    let Some(arguments) = arguments("gcp/poll-revisions-before-2022-07-02.jsonl") else { return };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut up = Up::prepare(&arguments, &[]);
    let mut kills = 0;
    for passage in ["1", "2", "9", "20"] {
        for point in POINTS {
            let at = format!("{point}:{passage}");
            up.try_launch(&[("ENTENTE_KILL_AT", &at)]).await;
            let until = Instant::now() + Duration::from_secs(20);
            while !up.exited() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(up.exited(), "{at} was not passed in 20 s:\n{}", up.log());
            up.kill();
            kills += 1;
        }
    }
    up.launch().await;
    up.picture_when("everything", |picture| notices(picture) == 1_192).await;
    let (impacts, notices, report) = account(&up).await;
    println!("{kills} kills of up at {} places: {impacts} impacts, {notices} notices, {report}", POINTS.len());
    assert_eq!((impacts, notices), (438, 1_221), "0 lost, 0 doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_nats_server_may_be_killed_at_any_moment() {
    let Some(arguments) = arguments("gcp/incidents-2022-07.json") else { return };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let up = Up::start(&arguments).await;
    let mut kills = 0;
    for pause in [5_u64, 60, 150, 20, 300, 90] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        kills += usize::from(kill_nats_server(&up));
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    up.picture_when("everything", |picture| notices(picture) == 770).await;
    let (impacts, notices, report) = account(&up).await;
    println!("{kills} kills of nats-server: {impacts} impacts, {notices} notices, {report}");
    assert_eq!((impacts, notices), (157, 770), "0 lost, 0 doubled");
    assert!(kills >= 4, "{kills}");
}

/// Kills the nats-server that is a child of this `up`.
fn kill_nats_server(up: &Up) -> bool {
    let child = up.pid().and_then(nats_server_of).and_then(|pid| i32::try_from(pid).ok());
    let child = child.and_then(rustix::process::Pid::from_raw);
    child.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok())
}
