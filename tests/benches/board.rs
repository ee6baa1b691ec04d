//! The board at 10,000 open incidents: how long it takes to render, and how large it is.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use entente_console::{Filters, Frame, Theme, board};
use entente_correlator::State;
use entente_schemas::family::Family;
use entente_schemas::record::Position;
use entente_tests::bench::{claim, model, quantile};
use entente_tests::written::{Desk, STREAM, log};

const OPEN: usize = 10_000;

fn main() {
    let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("a time");
    let mut desk = Desk::new("acme", "bench");
    let say =
        |incident| desk.say(Family::Impact, &format!("acme.bench:{incident}"), now, claim(incident, incident, 0, now));
    let records = log(&(0..OPEN).map(say).collect::<Vec<_>>(), now);
    let mut state = State::new("actual", model());
    let last = records.last().map_or(0, |record| record.sequence);
    records.into_iter().for_each(|record| state.offer(record));
    state.complete(&Position::of(STREAM, last));
    let filters = Filters::parse([]).expect("no filter");
    let (mut views, mut renders, mut size) = (Vec::new(), Vec::new(), 0);
    for second in 0..300 {
        let at = now + TimeDelta::hours(6) + TimeDelta::seconds(second);
        let started = Instant::now();
        let picture = state.picture(at, &filters.select("acme"));
        views.push(started.elapsed());
        let frame = frame(at, last);
        let started = Instant::now();
        size = board(&frame, &picture, &filters).len();
        renders.push(started.elapsed());
        assert_eq!(picture.totals.open, OPEN);
    }
    renders.sort();
    views.sort();
    let ms = |sorted: &[std::time::Duration], share| quantile(sorted, share).as_secs_f64() * 1e3;
    println!(
        "board: {OPEN} open incidents, {size} bytes; render p50 {:.2} ms, p99 {:.2} ms",
        ms(&renders, 50),
        ms(&renders, 99)
    );
    println!(
        "board: the picture of a new second, nothing changed: p50 {:.1} ms, p99 {:.1} ms",
        ms(&views, 50),
        ms(&views, 99)
    );
}

fn frame(at: DateTime<Utc>, position: u64) -> Frame {
    Frame {
        universe: "actual".to_owned(),
        org: "acme".to_owned(),
        position: position.to_string(),
        at,
        live: true,
        lost: None,
        groups: BTreeMap::new(),
        missing: Vec::new(),
        theme: Theme::System,
        csrf: "token".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        problem: None,
        form: None,
    }
}
