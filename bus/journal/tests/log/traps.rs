//! What the server takes and no client should send: it is read, refused, and costs nothing else.

use entente_journal::{Reader, beat, beats, last_of_feed, verify};
use entente_schemas::record::{Record, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::trial::{Trial, beat_of, note, scope, settled, soon, try_offer};

/// Speaks NATS without any library, so that nothing is checked before the server sees it.
struct Bare(TcpStream);

impl Bare {
    async fn connect(trial: &Trial) -> Self {
        let address = trial.server.url();
        let mut stream = TcpStream::connect(address.strip_prefix("nats://").unwrap()).await.unwrap();
        let mut info = vec![0; 4_096];
        let length = stream.read(&mut info).await.unwrap();
        let text = String::from_utf8_lossy(&info[..length]).into_owned();
        let info: serde_json::Value = serde_json::from_str(text[5..].trim()).unwrap();
        let key = nkeys::KeyPair::from_seed(trial.identity.seed()).unwrap();
        let signed = key.sign(info["nonce"].as_str().unwrap().as_bytes()).unwrap();
        let connect = serde_json::json!({
            "verbose": false, "pedantic": false, "headers": true, "nkey": trial.identity.public(),
            "sig": data_encoding::BASE64URL_NOPAD.encode(&signed),
        });
        stream.write_all(format!("CONNECT {connect}\r\nPING\r\n").as_bytes()).await.unwrap();
        let mut bare = Self(stream);
        bare.flush().await;
        bare
    }

    async fn publish(&mut self, subject: &[u8], headers: Option<&[u8]>, payload: &[u8]) {
        let mut bytes = Vec::new();
        match headers {
            Some(headers) => {
                bytes.extend_from_slice(b"HPUB ");
                bytes.extend_from_slice(subject);
                bytes.extend_from_slice(format!(" {} {}\r\n", headers.len(), headers.len() + payload.len()).as_bytes());
                bytes.extend_from_slice(headers);
            }
            None => {
                bytes.extend_from_slice(b"PUB ");
                bytes.extend_from_slice(subject);
                bytes.extend_from_slice(format!(" {}\r\n", payload.len()).as_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.0.write_all(&bytes).await.unwrap();
    }

    /// Waits until the server has taken everything.
    async fn flush(&mut self) {
        self.0.write_all(b"PING\r\n").await.unwrap();
        let mut seen = Vec::new();
        while !seen.windows(4).any(|window| window == b"PONG") {
            let mut part = [0; 1_024];
            let length = soon(self.0.read(&mut part)).await.unwrap();
            assert!(length > 0, "the server closed: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&part[..length]);
        }
        // A second answer may be on its way; what is read later begins with it.
    }
}

fn refused(record: &Record) -> &str {
    match &record.verdict {
        Verdict::Refused(reason) => reason,
        Verdict::Signed => panic!("{} under {} was taken", record.sequence, record.subject),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subjects_that_the_builder_never_makes_are_refused_and_nothing_else_is_lost() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    try_offer(&outbox, 1).await.unwrap();
    settled(&outbox).await;
    let good = outbox.said().unwrap()[0].payload.clone();
    let signature = data_encoding::BASE64URL_NOPAD.encode(&trial.identity.sign(&good));
    let headers =
        format!("NATS/1.0\r\nEntente-Key: {}\r\nEntente-Signature: {signature}\r\n\r\n", trial.identity.public());
    let mut bare = Bare::connect(&trial).await;
    let long = format!("entente.test.all.local.desk.message.{}", "x".repeat(3_000));
    let subjects: [&[u8]; 6] = [
        b"entente.test.all.local.desk.message.*",
        b"entente.test.all.a.>.b",
        b"entente.test.all.local.desk.message.a\0b",
        "entente.test.all.local.desk.message.é".as_bytes(),
        b"entente.test.all.local",
        long.as_bytes(),
    ];
    for subject in subjects {
        bare.publish(subject, Some(headers.as_bytes()), &good).await;
    }
    bare.flush().await;
    try_offer(&outbox, 2).await.unwrap();
    settled(&outbox).await;

    let records = trial.records().await;
    assert_eq!(records.len(), 2 + subjects.len());
    assert_eq!((&records[0].verdict, &records[7].verdict), (&Verdict::Signed, &Verdict::Signed));
    for record in &records[1..7] {
        assert!(refused(record).starts_with("subject:"), "{}", refused(record));
    }
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((report.signed, report.refused, report.gaps, report.breaks), (2, 6, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_no_client_can_take_in_are_stepped_over() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    try_offer(&outbox, 1).await.unwrap();
    settled(&outbox).await;
    let mut bare = Bare::connect(&trial).await;
    bare.publish(b"entente.test.all.local.desk.message.\xff\xfe", None, b"{}").await;
    bare.publish(b"entente.test.all.local.desk.message.x", Some(b"NATS/1.0\r\nno colon\r\n\r\n"), b"{}").await;
    bare.publish(b"entente.test.all.local.desk.message.x", Some(b"NATS/1.0\r\nX: \xff\r\n\r\n"), b"{}").await;
    bare.publish(b"entente.test.all.local.desk.message.x", Some(b"nothing\r\n\r\n"), b"{}").await;
    bare.flush().await;
    try_offer(&outbox, 2).await.unwrap();
    settled(&outbox).await;

    let mut reader = Reader::new(&trial.bus, &scope(), 0);
    let mut records = Vec::new();
    soon(async {
        while records.len() < 6 {
            records.extend(reader.next().await.unwrap().records);
        }
    })
    .await;
    assert_eq!(records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!((&records[0].verdict, &records[5].verdict), (&Verdict::Signed, &Verdict::Signed));
    for record in &records[1..5] {
        assert!(refused(record).contains("cannot be taken in"), "{}", refused(record));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_and_its_pump_step_over_what_no_client_can_take_in() {
    let trial = Trial::start().await;
    let (outbox, other) = (trial.outbox("desk"), trial.outbox("other"));
    let others = trial.pump(&other);
    for number in 1..=3 {
        try_offer(&outbox, number).await.unwrap();
    }
    try_offer(&other, 9).await.unwrap();
    settled(&other).await;
    let mut bare = Bare::connect(&trial).await;
    let subject = b"entente.test.all.local.desk.message.x";
    bare.publish(subject, Some(b"NATS/1.0\r\nno colon\r\n\r\n"), b"{}").await;
    bare.publish(subject, Some(b"NATS/1.0\r\nX: \xff\r\n\r\n"), b"{}").await;
    bare.flush().await;
    // The pump looks for what waits, under the feed's subjects, before it sends.
    let _pump = trial.pump(&outbox);
    settled(&outbox).await;
    drop(others);

    // A refused message under an object's own subject hides nothing.
    let good = outbox.said().unwrap()[0].clone();
    let forged = format!("entente.test.all.local.desk.message.{}", entente_schemas::subject::escape(&good.object_id));
    bare.publish(forged.as_bytes(), Some(b"NATS/1.0\r\nX: y\r\n\r\n"), &good.payload).await;
    bare.flush().await;
    let own = soon(last_of_feed(&trial.bus, &scope(), "local", "desk")).await.unwrap();
    assert_eq!(own.iter().map(|record| record.sequence).collect::<Vec<_>>(), [4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_are_read_past_one_that_no_client_can_take_in() {
    let trial = Trial::start().await;
    let mut bare = Bare::connect(&trial).await;
    beat(&trial.bus, &scope(), "local", "a", &beat_of(1)).await.unwrap();
    bare.publish(b"beat.test.all.local.x", Some(b"NATS/1.0\r\nno colon\r\n\r\n"), b"{}").await;
    bare.flush().await;
    beat(&trial.bus, &scope(), "local", "b", &beat_of(2)).await.unwrap();
    let seen = soon(beats(&trial.bus, &scope())).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|(_, feed, beat)| (feed.as_str(), beat.failures)).collect();
    assert_eq!(seen, [("a", 1), ("b", 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_cannot_speak_in_the_servers_name() {
    let trial = Trial::start().await;
    let mut bare = Bare::connect(&trial).await;
    let subject = b"entente.test.all.local.desk.message.x";
    let forged: [&[u8]; 3] = [
        b"NATS/1.0\r\nNats-Sequence: 77\r\nNats-Subject: entente.test.all.aws.desk.message.x\r\nNats-Time-Stamp: 2000-01-01T00:00:00Z\r\nNats-Last-Sequence: 9\r\n\r\n",
        b"NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n",
        b"NATS/1.0 404 Message Not Found\r\n\r\n",
    ];
    for headers in forged {
        bare.publish(subject, Some(headers), b"{}").await;
    }
    bare.flush().await;
    let records = trial.records().await;
    assert_eq!(records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        records.iter().all(|record| record.subject.as_bytes() == subject && record.logged.timestamp() > 1_500_000_000)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_stands_twice_is_refused() {
    let trial = Trial::start().await;
    let mut bare = Bare::connect(&trial).await;
    let payload = b"{}";
    let signature = data_encoding::BASE64URL_NOPAD.encode(&trial.identity.sign(payload));
    let key = trial.identity.public();
    let headers =
        format!("NATS/1.0\r\nEntente-Key: {key}\r\nEntente-Key: {key}\r\nEntente-Signature: {signature}\r\n\r\n");
    bare.publish(b"entente.test.all.local.desk.message.x", Some(headers.as_bytes()), payload).await;
    bare.flush().await;
    assert!(refused(&trial.records().await[0]).contains("twice"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_message_is_a_jump_and_nothing_more() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    for number in 1..=5 {
        outbox.offer(vec![note(number, 1)]).await.unwrap();
    }
    settled(&outbox).await;
    let raw = trial.raw().await;
    for sequence in [3, 5] {
        let body = format!("{{\"seq\":{sequence}}}");
        let answer = raw.request("$JS.API.STREAM.MSG.DELETE.A_test_all", body.into()).await.unwrap();
        assert!(String::from_utf8_lossy(&answer.payload).contains("\"success\":true"));
    }
    let sequences: Vec<u64> = trial.records().await.iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [1, 2, 4]);
    let report = soon(verify(&trial.bus, &scope())).await.unwrap();
    assert_eq!((report.missing, report.gaps), (1, 1), "{report:?}");
    assert!(!report.is_clean());
}
