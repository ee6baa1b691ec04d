//! A storm: 10,000 claims of 20 incidents from the edge through outbox, signature, log (`sync_interval: always`) and fold to
//! the picture. Beside it what judging signatures costs a claim.

use std::time::{Duration, Instant};

use chrono::Utc;
use entente_correlator::State;
use entente_correlator::select::Select;
use entente_journal::verify;
use entente_tests::bench::{Station, draft, fold_until, model};

const CLAIMS: usize = 10_000;
const INCIDENTS: usize = 20;
/// Feeds that the claims come from, each with its own outbox and connection.
const FEEDS: usize = 4;

#[tokio::main]
async fn main() {
    let mut station = Station::start(true).await;
    let now = Utc::now();
    let mut edges = Vec::new();
    for feed in 0..FEEDS {
        let name = format!("bench-{feed}");
        let outbox = station.edge(&name).await;
        let own = (feed..CLAIMS).step_by(FEEDS);
        edges.push((outbox, own.map(|item| draft(&name, item, item % INCIDENTS, 0, now)).collect::<Vec<_>>()));
    }
    let started = Instant::now();
    let edges = edges.into_iter().map(|(outbox, drafts)| {
        tokio::spawn(async move {
            for batch in drafts.chunks(500) {
                outbox.offer(batch.to_vec()).await.expect("room in the outbox");
            }
            Instant::now()
        })
    });
    let edges: Vec<_> = edges.collect();
    let mut state = State::new("actual", model());
    fold_until(&station.bus, &station.scope, &mut state, CLAIMS).await;
    let folded = started.elapsed();
    let picture = state.picture(Utc::now(), &Select::default());
    let seen = started.elapsed();
    let mut offered = Duration::ZERO;
    for edge in edges {
        offered = offered.max(edge.await.expect("an edge").duration_since(started));
    }
    assert_eq!((picture.totals.open, picture.totals.held_back), (INCIDENTS, 0));
    println!(
        "storm: {CLAIMS} claims of {INCIDENTS} incidents, edge to picture in {:.2} s (in the outbox after {:.2} s, folded after {:.2} s)",
        seen.as_secs_f64(),
        offered.as_secs_f64(),
        folded.as_secs_f64()
    );
    let started = Instant::now();
    let report = verify(&station.bus, &station.scope).await.expect("the log");
    let each = started.elapsed() / u32::try_from(CLAIMS).expect("few");
    assert!(report.is_clean(), "{:?}", report.problems);
    println!("storm: reading and verifying the log: {:.1} us a claim, all cores", each.as_secs_f64() * 1e6);
    station.stop().await;
}
