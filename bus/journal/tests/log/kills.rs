//! The process itself is killed at every point of an event's way, again and again, and the log is whole at the end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use entente_journal::{Access, Bus, Identity, NatsServer, Outbox, OutboxOptions, pump, verify};
use rustix::process::{Pid, test_kill_process};
use tokio_util::sync::CancellationToken;

use crate::trial::{Trial, note, notes, scope, server_options, settled, soon};

const CHILD: &str = "kills::the_child_that_is_killed";
const EVENTS: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_every_point_loses_and_doubles_nothing() {
    let trial = Trial::start().await;
    let mut kills = 0;
    for round in 0..3 {
        for point in ["outbox-written", "published", "acknowledged", "committed"] {
            kills += u32::from(run(&trial, Some(&format!("{point}:{}", 1 + round * 2))).await);
        }
    }
    assert!(!run(&trial, None).await, "without an order the child comes to its end");
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    println!("{kills} kills, {} records", report.records);
    assert!(kills >= 8, "{kills} kills");
    assert_eq!((report.records, report.signed, report.sources), (EVENTS, EVENTS, 1), "{report:?}");
    assert!(report.is_clean(), "{report:?}");
}

/// Runs the child once; true if it was killed.
async fn run(trial: &Trial, order: Option<&str>) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD, "--ignored", "--nocapture"]);
    child.env("TRIAL_FOLDER", trial.dir.path()).env("TRIAL_URL", trial.server.url());
    if let Some(order) = order {
        child.env("ENTENTE_KILL_AT", order);
    }
    let output = soon(tokio::task::spawn_blocking(move || child.output().unwrap())).await.unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    killed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of kill_9_at_every_point_loses_and_doubles_nothing"]
async fn the_child_that_is_killed() {
    let (Ok(folder), Ok(url)) = (std::env::var("TRIAL_FOLDER"), std::env::var("TRIAL_URL")) else {
        println!("skipped: run by its parent only");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let identity = Identity::open(&folder.join("key")).unwrap();
    let access = Access { urls: vec![url], seed: Some(identity.seed().to_owned()), name: "child".to_owned() };
    let bus = Bus::connect(&access).await.unwrap();
    let outbox = Outbox::open(OutboxOptions {
        dir: folder.join("outbox"),
        org: "local".to_owned(),
        feed: "desk".to_owned(),
        scope: scope(),
        identity,
        capacity_bytes: OutboxOptions::CAPACITY,
    })
    .unwrap();
    let stop = CancellationToken::new();
    let pumping = tokio::spawn(pump(outbox.clone(), bus, stop.clone()));
    // What was offered before the last kill is offered again, as an adapter or a person would.
    outbox.offer(notes(0..100)).await.unwrap();
    for number in 100..EVENTS {
        outbox.offer(vec![note(number, 1)]).await.unwrap();
    }
    settled(&outbox).await;
    stop.cancel();
    pumping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_no_server_that_the_next_start_would_meet() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap());
    parent.args(["--exact", "kills::the_parent_that_is_killed", "--ignored", "--nocapture"]);
    let mut parent = parent.env("TRIAL_FOLDER", dir.path()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("server ").map(str::to_owned));
    let server = Pid::from_raw(told.unwrap().parse().unwrap()).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();

    let identity = Identity::open(&dir.path().join("key")).unwrap();
    let options = server_options(dir.path().join("nats"), &identity, false);
    let next = soon(NatsServer::start(options, &|_| {})).await.unwrap();
    assert!(test_kill_process(server).is_err() || is_zombie(server), "the first server is gone");
    next.stop().await;
}

/// Where nobody reaps orphans, an ended process stays in the table.
fn is_zombie(process: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    status.is_ok_and(|status| status.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of a_killed_process_leaves_no_server_that_the_next_start_would_meet"]
async fn the_parent_that_is_killed() {
    let Ok(folder) = std::env::var("TRIAL_FOLDER") else {
        println!("skipped: run by its parent only");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let identity = Identity::open(&folder.join("key")).unwrap();
    let server = NatsServer::start(server_options(folder.join("nats"), &identity, false), &|_| {}).await.unwrap();
    println!("\nserver {}", server.pid().unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    server.stop().await;
}
