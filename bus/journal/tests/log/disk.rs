//! A disk that takes nothing for a while: the outbox says so, and goes on by itself once it can, with nothing lost or doubled.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use entente_journal::{Access, Bus, Identity, Outbox, OutboxError, OutboxOptions, pump, verify};
use entente_schemas::event::Draft;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::trial::{Trial, notes, scope, settled, soon};

const CHILD: &str = "disk::the_child_whose_disk_is_full";
/// At the end of each of these tenths of its file the disk was full.
const TENTHS: [u64; 5] = [10, 9, 6, 3, 0];
const EACH: u64 = 400;
const FOLDER: &str = "TRIAL_FOLDER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_goes_on_by_itself_when_its_full_disk_has_room_again() {
    let trial = Trial::start().await;
    // The limit on a file's size stands in for the disk's. Whoever passes it gets a signal, which is ignored here so that
    // an error remains; a test cannot ignore it by itself without unsafe code.
    let mut child = Command::new("sh");
    child.args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --ignored --nocapture"]);
    child.arg(std::env::current_exe().unwrap()).arg(CHILD);
    child.env(FOLDER, trial.dir.path()).env("TRIAL_URL", trial.server.url());
    let output = soon(tokio::task::spawn_blocking(move || child.output().unwrap())).await.unwrap();
    println!("{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    assert!(output.status.success());
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    let all = EACH * (1 + TENTHS.len() as u64);
    assert_eq!((report.records, report.signed, report.sources), (all, all, 1), "{report:?}");
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of an_outbox_goes_on_by_itself_when_its_full_disk_has_room_again"]
async fn the_child_whose_disk_is_full() {
    let (Ok(folder), Ok(url)) = (std::env::var(FOLDER), std::env::var("TRIAL_URL")) else {
        println!("skipped: run by its parent only");
        return;
    };
    let folder = Path::new(&folder);
    let identity = Identity::open(&folder.join("key")).unwrap();
    let access = Access { urls: vec![url], seed: Some(identity.seed().to_owned()), name: "child".to_owned() };
    let bus = Bus::connect(&access).await.unwrap();
    let options = OutboxOptions {
        dir: folder.join("outbox"),
        org: "local".to_owned(),
        feed: "desk".to_owned(),
        scope: scope(),
        identity,
        capacity_bytes: OutboxOptions::CAPACITY,
    };
    let outbox = Outbox::open(options.clone()).unwrap();
    tokio::spawn(pump(outbox.clone(), bus, CancellationToken::new()));
    outbox.offer(notes(0..EACH)).await.unwrap();
    let file = options.dir.join("local.desk.test.all.redb");
    for (round, tenths) in (1..).zip(TENTHS) {
        let drafts = notes(round * EACH..(round + 1) * EACH);
        fail_and_recover(&outbox, &drafts, file.metadata().unwrap().len() * tenths / 10).await;
    }
    settled(&outbox).await;
    assert_eq!(outbox.said().unwrap().len() as u64, EACH * (1 + TENTHS.len() as u64));
}

/// Offers until the disk is full at `limit`, makes room, and offers what was refused until it is taken.
async fn fail_and_recover(outbox: &Outbox, drafts: &[Draft], limit: u64) {
    set_limit(Some(limit));
    let mut parts = drafts.chunks(20).peekable();
    while let Some(part) = parts.peek() {
        match outbox.offer(part.to_vec()).await {
            Ok(_) => parts.next(),
            Err(error) => {
                assert!(matches!(error, OutboxError::Disk { .. }), "{error}");
                break;
            }
        };
    }
    let left = parts.clone().count();
    println!("full at {limit}: {left} offers are left");
    assert!(limit > 0 || left == drafts.len() / 20, "nothing can be written at all");
    for _ in 0..3 {
        let Some(part) = parts.peek() else { break };
        assert!(matches!(outbox.offer(part.to_vec()).await, Err(OutboxError::Disk { .. })), "it is full still");
    }
    set_limit(None);
    for part in parts {
        soon(taken(outbox, part)).await;
    }
}

async fn taken(outbox: &Outbox, part: &[Draft]) {
    while let Err(error) = outbox.offer(part.to_vec()).await {
        assert!(matches!(error, OutboxError::Disk { .. }), "{error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn set_limit(current: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: current.or(maximum), maximum }).unwrap();
}
