//! From the edge to the picture, one claim at a time, as a ratio to a bare publish into a stream of the same nats-server and
//! its consumption, in the same run: once with a server that syncs every write, as the outbox does, and once with one that
//! syncs every ten seconds.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, consumer::pull, stream};
use chrono::Utc;
use entente_correlator::State;
use entente_correlator::select::Select;
use entente_journal::Outbox;
use entente_schemas::record::Position;
use entente_tests::bench::{Station, draft, model, quantile};
use futures::StreamExt as _;

const CLAIMS: usize = 2_000;

#[tokio::main]
async fn main() {
    for (durable, sync) in [(true, "sync_interval always"), (false, "sync_interval 10s")] {
        let mut station = Station::start(durable).await;
        let outbox = station.edge("bench").await;
        let (mut bare, mut whole) = (Vec::new(), Vec::new());
        for round in 0..4 {
            bare.extend(bare_round(&station, round).await);
            whole.extend(whole_round(&station, &outbox, round).await);
        }
        bare.sort();
        whole.sort();
        for share in [50, 99] {
            let (raw, ours) = (quantile(&bare, share), quantile(&whole, share));
            println!(
                "latency p{share}, {sync}: edge to picture {:.2} ms, bare publish to consume {:.2} ms, ratio {:.1}",
                ours.as_secs_f64() * 1e3,
                raw.as_secs_f64() * 1e3,
                ours.as_secs_f64() / raw.as_secs_f64()
            );
        }
        station.stop().await;
    }
}

/// Publishes with acknowledgement and waits for a pull consumer to hand the message over.
async fn bare_round(station: &Station, round: usize) -> Vec<Duration> {
    let options = async_nats::ConnectOptions::with_nkey(station.identity.seed().to_owned());
    let client = options.connect(station.server.url()).await.expect("a connection");
    let context = jetstream::new(client);
    let name = format!("BARE{round}");
    let config = stream::Config {
        name: name.clone(),
        subjects: vec![format!("bare.{round}")],
        max_bytes: 64 << 20,
        ..stream::Config::default()
    };
    let stream = context.create_stream(config).await.expect("a stream");
    let consumer = stream.create_consumer(pull::Config::default()).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("messages");
    let payload = serde_json::to_vec(&entente_tests::bench::claim(0, 0, 0, Utc::now())).expect("JSON");
    let mut times = Vec::new();
    for _ in 0..CLAIMS / 4 {
        let started = Instant::now();
        let acknowledged = context.publish(format!("bare.{round}"), payload.clone().into()).await.expect("sent");
        acknowledged.await.expect("stored");
        let message = messages.next().await.expect("a message").expect("whole");
        times.push(started.elapsed());
        message.ack().await.expect("acknowledged");
    }
    times
}

/// From the offer to the outbox until the folded picture shows it.
async fn whole_round(station: &Station, outbox: &Outbox, round: usize) -> Vec<Duration> {
    let mut state = State::new("actual", model());
    let stream = station.scope.log_stream();
    let before = round * (CLAIMS / 4);
    entente_tests::bench::fold_until(&station.bus, &station.scope, &mut state, before).await;
    let mut reader = entente_journal::Reader::new(&station.bus, &station.scope, state.position().sequence(&stream));
    let mut times = Vec::new();
    for item in before..before + CLAIMS / 4 {
        let claim = draft("bench", item, item % 20, 0, Utc::now());
        let started = Instant::now();
        outbox.offer(vec![claim]).await.expect("room");
        while state.taken() <= item {
            let batch = reader.next().await.expect("an answer");
            batch.records.into_iter().for_each(|record| state.offer(record));
            state.complete(&Position::of(&stream, batch.complete));
        }
        let picture = state.picture(Utc::now(), &Select { limit: 8, ..Select::default() });
        times.push(started.elapsed());
        assert_eq!(picture.totals.claims, item as u64 + 1);
    }
    times
}
