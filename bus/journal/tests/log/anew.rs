//! A stream that is not the one that was followed: deleted and made again under its name, while somebody reads it.

use entente_journal::{ReadError, Reader, verify};

use super::trial::{Trial, note, scope, settled, soon, try_offer};

/// Reads until the stream is found to be another; where it was read to and where it ends.
async fn found_out(reader: &mut Reader) -> (u64, u64) {
    soon(async {
        loop {
            if let Err(ReadError::Anew { cursor, ends, .. }) = reader.next().await {
                return (cursor, ends);
            }
        }
    })
    .await
}

/// Deletes the stream and makes it again.
async fn delete(trial: &Trial) {
    let subject = format!("$JS.API.STREAM.DELETE.{}", scope().log_stream());
    let answer = trial.raw().await.request(subject, "".into()).await.unwrap();
    let answer = String::from_utf8_lossy(&answer.payload);
    assert!(answer.contains("\"success\":true"), "{answer}");
    trial.bus.apply(&scope()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_anew_is_not_read_on_in_silence() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    for number in 1..=3 {
        try_offer(&outbox, number).await.unwrap();
    }
    settled(&outbox).await;
    let mut reader = Reader::new(&trial.bus, &scope(), 0);
    let mut read = 0;
    soon(async {
        while read < 3 {
            read += reader.next().await.unwrap().records.len();
        }
    })
    .await;

    delete(&trial).await;
    try_offer(&outbox, 4).await.unwrap();
    settled(&outbox).await;
    assert_eq!(found_out(&mut reader).await.0, 3);
    // Grown beyond the old place, it is another all the same.
    for number in 5..=9 {
        try_offer(&outbox, number).await.unwrap();
    }
    settled(&outbox).await;
    assert_eq!(found_out(&mut reader).await.0, 3);
    let stream = scope().log_stream();
    let told = reader.next().await.unwrap_err().to_string();
    assert!(
        told.contains(&format!("stream {stream} was made anew")) && told.contains("start the server anew"),
        "{told}"
    );

    // Who was filling it has noticed as well, and sends again what the new one has not.
    soon(async { while outbox.backlog().events > 0 || trial.records().await.len() < 9 {} }).await;
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert!(report.is_clean() && report.records == 9, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_of_which_much_was_lost_looks_for_it_once() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let first = trial.pump(&outbox);
    // Earlier revisions are kept nowhere: they stay a gap, and are asked for no more.
    for rev in 1..=5 {
        outbox.offer((1..=30).map(|number| note(number, rev)).collect()).await.unwrap();
        settled(&outbox).await;
    }
    delete(&trial).await;
    try_offer(&outbox, 31).await.unwrap();
    soon(async { while outbox.backlog().events > 0 || trial.records().await.len() < 31 {} }).await;
    drop(first);
    let count = trial.records().await.len();
    for number in 32..=40 {
        let _again = trial.pump(&outbox);
        try_offer(&outbox, number).await.unwrap();
        settled(&outbox).await;
    }
    assert_eq!((count, trial.records().await.len()), (31, 40));
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((report.repeated, report.breaks, report.gaps), (0, 0, 120), "{report:?}");
}
