//! A log that has lost what it had acknowledged, as a power cut makes one: real files put back as they were before.

use std::path::Path;
use std::process::Command;

use entente_journal::{NatsServer, Outbox, erase, pump, verify};
use tokio_util::sync::CancellationToken;

use crate::erase::{last, named};
use crate::trial::{Trial, connect, note, notes, scope, server_options, settled, soon};

/// Runs a server on the trial's folder while an outbox says something; everything is acknowledged and closed at the end.
async fn say(trial: &Trial, drafts: Vec<entente_schemas::event::Draft>) {
    let outbox = Outbox::open(trial.options("desk")).unwrap();
    let stop = CancellationToken::new();
    let pump = tokio::spawn(pump(outbox.clone(), trial.bus.clone(), stop.clone()));
    outbox.offer(drafts).await.unwrap();
    settled(&outbox).await;
    stop.cancel();
    pump.await.unwrap();
}

/// The trial with its server started anew on what lies in the folder, after `between`.
async fn again(trial: Trial, between: impl FnOnce(&Path)) -> Trial {
    let Trial { dir, server, identity, .. } = trial;
    server.stop().await;
    between(&dir.path().join("nats"));
    let options = server_options(dir.path().join("nats"), &identity, false);
    let server = NatsServer::start(options, &|line| println!("{line}")).await.unwrap();
    let bus = connect(&server.url(), &identity).await;
    bus.apply(&scope()).await.unwrap();
    Trial { dir, server, identity, bus }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_acknowledged_and_lost_is_sent_again() {
    let trial = Trial::start().await;
    say(&trial, notes(1..4)).await;
    let trial = again(trial, |nats| copy(&nats.join("js"), &nats.join("before"))).await;
    say(&trial, notes(4..7)).await;
    say(&trial, vec![note(1, 2)]).await;
    let trial = again(trial, |nats| {
        std::fs::remove_dir_all(nats.join("js")).unwrap();
        std::fs::rename(nats.join("before"), nats.join("js")).unwrap();
    })
    .await;
    assert_eq!(trial.records().await.len(), 3, "the end is lost");
    say(&trial, vec![note(8, 1)]).await;
    let found = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((found.records, found.gaps, found.breaks, found.repeated), (8, 0, 0, 0), "{found:?}");

    // All of it, and others are faster at the places that it had.
    let trial = again(trial, |nats| std::fs::remove_dir_all(nats.join("js")).unwrap()).await;
    let other = trial.outbox("other");
    let _others = trial.pump(&other);
    other.offer((20..40).map(|number| note(number, 1)).collect()).await.unwrap();
    settled(&other).await;
    say(&trial, vec![note(9, 1)]).await;
    let found = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((found.records, found.breaks, found.repeated), (20 + 8, 0, 0), "{found:?}");
    assert_eq!(found.gaps, 1, "the first revision of the first note was replaced and is kept nowhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_everything_is_told_nothing_again() {
    let trial = Trial::start().await;
    say(&trial, notes(1..4)).await;
    say(&trial, vec![note(4, 1)]).await;
    assert_eq!(trial.records().await.len(), 4);
}

/// Of an erased object the outbox has the last revision still: a lost end is no way back for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_does_not_come_back_with_what_was_lost() {
    let trial = Trial::start().await;
    say(&trial, notes(1..4)).await;
    let outbox = trial.outbox("desk");
    let retraction = named(&trial, 9, 2, &outbox).await;
    drop(outbox);
    say(&trial, vec![retraction]).await;
    assert_eq!(erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap(), [2]);
    let trial = again(trial, |nats| copy(&nats.join("js"), &nats.join("before"))).await;
    say(&trial, vec![note(10, 1)]).await;
    let trial = again(trial, |nats| {
        std::fs::remove_dir_all(nats.join("js")).unwrap();
        std::fs::rename(nats.join("before"), nats.join("js")).unwrap();
    })
    .await;
    say(&trial, vec![note(11, 1)]).await;
    let found = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((found.records, found.erased, found.is_clean()), (5, 1, true), "{found:?}");
}
