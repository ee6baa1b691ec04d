//! What a feed said before: the last of each object, and of unstamped ones every version, however many there are.

use entente_journal::last_of_feed;
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Notice};
use entente_schemas::record::{Record, Verdict};

use crate::trial::{Trial, note, scope, settled, soon};

async fn remembered(trial: &Trial) -> Vec<Record> {
    soon(last_of_feed(&trial.bus, &scope(), "local", "desk")).await.unwrap()
}

fn places(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

fn unstamped(number: u64, rev: u64) -> Draft {
    let mut draft = note(number, rev);
    draft.id = format!("notice-{number}-{rev}");
    draft.claim.header.times.published_at = None;
    draft.claim.body = Body::Notice(Notice {
        about: "local:1".to_owned(),
        channel: "page".to_owned(),
        url: None,
        audience_told: "public".to_owned(),
        native_status: None,
        text: "x".repeat(30_000),
    });
    draft
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_each_object_and_every_unstamped_version_is_remembered() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    for draft in [note(1, 1), unstamped(2, 1), note(1, 2), unstamped(2, 2), note(3, 1), unstamped(2, 3), note(1, 3)] {
        outbox.offer(vec![draft]).await.unwrap();
    }
    settled(&outbox).await;
    let own = remembered(&trial).await;
    assert_eq!(places(&own), [2, 4, 5, 6, 7]);
    assert!(own.iter().all(|record| record.verdict == Verdict::Signed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_many_bytes_is_read_to_its_end() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    // 10 MB, more than one answer has.
    outbox.offer((0..330).map(|number| unstamped(number, 1)).collect()).await.unwrap();
    settled(&outbox).await;
    assert_eq!(places(&remembered(&trial).await), (1..=330).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_of_more_objects_than_are_looked_up_at_once_is_remembered_whole() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    outbox.offer((0..1_100).map(|number| note(number, 1)).collect()).await.unwrap();
    // The later revision is not always the one that was logged last.
    for draft in [note(7, 3), note(7, 2), unstamped(8, 1), unstamped(8, 2)] {
        outbox.offer(vec![draft]).await.unwrap();
    }
    settled(&outbox).await;
    let own = remembered(&trial).await;
    assert_eq!(own.len(), 1_100 + 2);
    let events: Vec<Event> = own.iter().map(|record| Event::read(&record.payload).unwrap()).collect();
    let of_seven = events.iter().filter(|event| event.claim.header.object_id == "local:note-7");
    assert_eq!(of_seven.map(|event| event.claim.header.rev).collect::<Vec<_>>(), [3]);
}
