//! Claims folded per second, signatures already judged, at 1,000 and at 10,000 open incidents, on one core.

use std::time::Instant;

use chrono::{DateTime, Utc};
use entente_correlator::State;
use entente_correlator::select::Select;
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record};
use entente_tests::bench::{claim, model};
use entente_tests::written::{Desk, STREAM, log};

fn records(open: usize, revisions: usize, now: DateTime<Utc>) -> Vec<Record> {
    let mut desk = Desk::new("acme", "bench");
    let mut events = Vec::new();
    for rev in 0..revisions {
        for incident in 0..open {
            events.push(desk.say(
                Family::Impact,
                &format!("acme.bench:{incident}"),
                now,
                claim(incident, incident, rev, now),
            ));
        }
    }
    log(&events, now)
}

fn measure(open: usize) {
    let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("a time");
    let records = records(open, 2, now);
    let mut state = State::new("actual", model());
    let half = records.len() / 2;
    for (index, record) in records.iter().enumerate() {
        state.offer(record.clone());
        if index + 1 == half {
            state.complete(&Position::of(STREAM, record.sequence));
        }
    }
    let at = now + chrono::TimeDelta::hours(6);
    assert_eq!(state.picture(at, &Select::default()).totals.open, open);
    let started = Instant::now();
    for batch in records[half..].chunks(256) {
        state.complete(&Position::of(STREAM, batch.last().map_or(0, |record| record.sequence)));
    }
    let folding = started.elapsed();
    let started = Instant::now();
    let picture = state.picture(at, &Select { limit: 8, ..Select::default() });
    let looking = started.elapsed();
    println!(
        "fold: {:.0} claims/s at {open} open incidents ({half} revisions in {:.0} ms); the picture after all of them changed {:.0} ms",
        half as f64 / folding.as_secs_f64(),
        folding.as_secs_f64() * 1e3,
        looking.as_secs_f64() * 1e3,
    );
    assert_eq!(picture.totals.claims, records.len() as u64);
}

fn main() {
    measure(1_000);
    measure(10_000);
}
