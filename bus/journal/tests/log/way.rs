//! The way of an event through outbox, pump, log and reader.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entente_journal::{Outbox, Reader, beat, beats, last_of_feed, verify};
use entente_schemas::event::Event;
use entente_schemas::record::Verdict;
use rustix::process::{Pid, Signal, kill_process};

use crate::trial::{Trial, beat_of, note, notes, scope, settled, soon, try_offer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_arrives_as_it_was_written() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    let mut reader = Reader::new(&trial.bus, &scope(), 0);
    let sequence = try_offer(&outbox, 1).await.unwrap();
    let log = soon(outbox.acknowledged(sequence)).await;
    assert_eq!(log, Some(1));
    let batch = soon(async {
        loop {
            let batch = reader.next().await.unwrap();
            if !batch.records.is_empty() {
                return batch;
            }
        }
    })
    .await;
    let record = &batch.records[0];
    assert_eq!((batch.complete, record.sequence, &record.verdict), (1, 1, &Verdict::Signed));
    assert_eq!(record.subject, "entente.test.all.local.desk.message.local=3Anote-1");
    assert_eq!(record.payload, outbox.said().unwrap()[0].payload);
    assert_eq!(Event::read(&record.payload).unwrap().source, *outbox.source());
    assert_eq!((outbox.backlog().events, outbox.acknowledged(2).await), (0, None));
    assert!(outbox.lag().p99_ms.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_travels_in_batches_and_keeps_its_order() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    outbox.offer(notes(0..1_000)).await.unwrap();
    let _pump = trial.pump(&outbox);
    settled(&outbox).await;
    let records = trial.records().await;
    assert_eq!(records.len(), 1_000);
    for (index, record) in records.iter().enumerate() {
        let (event, place) = (Event::read(&record.payload).unwrap(), index as u64 + 1);
        assert_eq!((event.sequence, record.sequence), (place, place));
    }
    for sequence in [1, 256, 257, 1_000] {
        assert_eq!(outbox.acknowledged(sequence).await, Some(sequence), "the log's sequence inside a batch");
    }
    assert!(soon(verify(&trial.bus, &scope())).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_log_already_is_found_after_a_restart_and_not_sent_twice() {
    let trial = Trial::start().await;
    trial.forget_message_ids_at_once().await;
    let options = trial.options("desk");
    let outbox = trial.outbox("desk");
    outbox.offer(notes(0..300)).await.unwrap();
    // A copy from before the acknowledgements is what a crash between log and outbox leaves.
    let file = options.dir.join("local.desk.test.all.redb");
    drop(outbox);
    let before = std::fs::read(&file).unwrap();
    let outbox = trial.outbox("desk");
    let stop = trial.pump(&outbox);
    settled(&outbox).await;
    drop((stop, outbox));
    reopen_free(&options).await;
    std::fs::write(&file, before).unwrap();
    // Longer than the server remembers message ids here, so that only looking can help.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let outbox = trial.outbox("desk");
    assert_eq!(outbox.backlog().events, 300);
    outbox.offer(notes(300..310)).await.unwrap();
    let _pump = trial.pump(&outbox);
    settled(&outbox).await;
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((report.records, report.repeated, report.gaps, report.breaks), (310, 0, 0, 0), "{report:?}");
}

/// Waits until the pump has let go of an outbox.
async fn reopen_free(options: &entente_journal::OutboxOptions) {
    soon(async {
        while Outbox::open(options.clone()).is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_one_event_that_is_there_falls_back_to_single_ones() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    outbox.offer(notes(0..100)).await.unwrap();
    // The pump looks before it sends, so the event appears between: while its looking finds an empty log.
    let raw = trial.raw().await;
    let said = outbox.said().unwrap();
    let fiftieth = said.iter().find(|one| one.object_id == "local:note-50").unwrap();
    let signature = trial.identity.sign(&fiftieth.payload);
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", entente_schemas::event::message_id(&signature));
    headers.insert("Entente-Key", trial.identity.public());
    headers.insert("Entente-Signature", data_encoding::BASE64URL_NOPAD.encode(&signature));
    let other = "entente.test.all.local.elsewhere.message.local=3Anote-50";
    raw.send_request(other, async_nats::Request::new().headers(headers).payload(fiftieth.payload.to_vec().into()))
        .await
        .unwrap();
    let _pump = trial.pump(&outbox);
    // Under its id stands another subject: that event alone cannot be acknowledged, every other one is.
    soon(async {
        while outbox.backlog().events > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(trial.records().await.len(), 100);
    assert_eq!(outbox.backlog().events, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_server_between_publishes_loses_and_doubles_nothing() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    let offered = AtomicU64::new(0);
    let offering = async {
        for number in 0..600 {
            if number % 3 == 0 {
                outbox.offer(vec![note(number, 1)]).await.unwrap();
            } else {
                outbox.offer(notes(1_000 * number..1_000 * number + 2)).await.unwrap();
            }
            offered.store(number, Ordering::SeqCst);
        }
    };
    let mut kills = 0;
    let killing = async {
        while offered.load(Ordering::SeqCst) < 599 {
            let before = offered.load(Ordering::SeqCst);
            while offered.load(Ordering::SeqCst) < (before + 60).min(599) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if let Some(pid) = trial.server.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap())) {
                kill_process(pid, Signal::KILL).unwrap();
                kills += 1;
            }
        }
    };
    soon(async { tokio::join!(offering, killing) }).await;
    settled(&outbox).await;
    let report = soon(async {
        loop {
            if let Ok(report) = verify(&trial.bus, &scope()).await {
                return report;
            }
        }
    })
    .await;
    println!("{kills} kills of nats-server, {} records", report.records);
    assert!(kills > 3, "{kills} kills");
    assert_eq!(
        (report.records, report.repeated, report.gaps, report.breaks, report.missing),
        (1_000, 0, 0, 0, 0),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_while_there_is_no_stream() {
    let trial = Trial::bare(true).await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    outbox.offer(notes(0..10)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(outbox.backlog().events, 10);
    trial.bus.apply(&scope()).await.unwrap();
    settled(&outbox).await;
    assert_eq!(trial.records().await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_finds_its_own_records() {
    let trial = Trial::start().await;
    let (one, two) = (trial.outbox("one"), trial.outbox("two"));
    let _pumps = (trial.pump(&one), trial.pump(&two));
    one.offer(notes(0..3)).await.unwrap();
    settled(&one).await;
    two.offer(notes(10..12)).await.unwrap();
    settled(&two).await;
    one.offer(notes(3..5)).await.unwrap();
    settled(&one).await;

    let own = last_of_feed(&trial.bus, &scope(), "local", "one").await.unwrap();
    assert_eq!(own.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3, 6, 7]);
    assert!(own.iter().all(|record| record.verdict == Verdict::Signed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_log_reads_as_empty() {
    let trial = Trial::start().await;
    let mut reader = Reader::new(&trial.bus, &scope(), 0);
    let batch = soon(reader.next()).await.unwrap();
    assert!(batch.records.is_empty() && batch.complete == 0);
    assert!(last_of_feed(&trial.bus, &scope(), "local", "desk").await.unwrap().is_empty());
    assert!(beats(&trial.bus, &scope()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_beat_of_each_feed_is_kept() {
    let trial = Trial::start().await;
    for (feed, failures) in [("b", 1), ("a", 2), ("b", 3)] {
        beat(&trial.bus, &scope(), "local", feed, &beat_of(failures)).await.unwrap();
    }
    let seen = beats(&trial.bus, &scope()).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|(org, feed, beat)| (org.as_str(), feed.as_str(), beat.failures)).collect();
    assert_eq!(seen, [("local", "a", 2), ("local", "b", 3)]);
}
