//! `/metrics`: the sidecar's figures as Prometheus reads them. They are made when they are asked for.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use entente_schemas::family::FeedState;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::intake::Figures;
use super::serve::Answering;
use super::watch::{Seen, Watch};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge>;
type Counters = Family<Labels, Counter<u64, AtomicU64>>;

pub(super) async fn metrics(State(answering): State<Arc<Answering>>) -> Response {
    let feeds: Vec<Seen> = answering.watches.iter().map(Watch::seen).collect();
    let connected = answering.link.troubles().await.is_empty();
    let now = answering.clock.now();
    let mut registry = Registry::with_prefix("entente");
    one(&mut registry, "bus_connected", "Whether the bus and the logs of all feeds answer", i64::from(connected));
    of_feeds(&mut registry, &feeds, now);
    of_outboxes(&mut registry, &feeds);
    of_intake(&mut registry, &answering.intake.figures());
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn one(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn gauges(registry: &mut Registry, name: &str, help: &str, values: impl Iterator<Item = (Labels, Option<i64>)>) {
    let family = Gauges::default();
    for (labels, value) in values {
        if let Some(value) = value {
            family.get_or_create(&labels).set(value);
        }
    }
    registry.register(name, help, family);
}

fn counters(registry: &mut Registry, name: &str, help: &str, values: impl Iterator<Item = (Labels, u64)>) {
    let family = Counters::default();
    for (labels, value) in values {
        family.get_or_create(&labels).inc_by(value);
    }
    registry.register(name, help, family);
}

fn feed(seen: &Seen) -> Labels {
    vec![("feed", seen.slug.clone())]
}

fn of_feeds(registry: &mut Registry, feeds: &[Seen], now: DateTime<Utc>) {
    let live = |seen: &Seen| (feed(seen), Some(i64::from(seen.state == FeedState::Live && seen.down.is_none())));
    gauges(registry, "feed_live", "Whether the feed sees: 1 live, 0 blind or not yet", feeds.iter().map(live));
    let failures = |seen: &Seen| (feed(seen), i64::try_from(seen.failures).ok());
    gauges(registry, "feed_failures_in_a_row", "Failed answers since the last good one", feeds.iter().map(failures));
    let age = |seen: &Seen| (feed(seen), seen.last_good.map(|at| (now - at).num_seconds()));
    gauges(registry, "feed_last_good_age_seconds", "Seconds since the last good answer", feeds.iter().map(age));
    let offset = |seen: &Seen| (feed(seen), seen.clock_offset_ms);
    gauges(registry, "feed_clock_offset_milliseconds", "The provider's clock minus ours", feeds.iter().map(offset));
    let answers = feeds.iter().map(|seen| (feed(seen), seen.answers));
    counters(registry, "feed_answers", "Good answers", answers);
    let failed = feeds.iter().flat_map(|seen| {
        let coded =
            |(code, count): (&String, &u64)| (vec![("feed", seen.slug.clone()), ("code", code.clone())], *count);
        seen.failed.iter().map(coded).collect::<Vec<_>>()
    });
    counters(registry, "feed_failed", "Failed answers, by code", failed);
    let throttled = feeds.iter().map(|seen| (feed(seen), seen.failed.get("throttled").copied().unwrap_or(0)));
    counters(registry, "feed_throttled", "Answers refused for calling too often", throttled);
}

fn of_outboxes(registry: &mut Registry, feeds: &[Seen]) {
    let events = |seen: &Seen| (feed(seen), seen.waiting.as_ref().and_then(|w| i64::try_from(w.events).ok()));
    gauges(registry, "outbox_events", "Events on disk that wait for the log", feeds.iter().map(events));
    let bytes = |seen: &Seen| (feed(seen), seen.waiting.as_ref().and_then(|w| i64::try_from(w.bytes).ok()));
    gauges(registry, "outbox_bytes", "Their bytes", feeds.iter().map(bytes));
    let lags = feeds.iter().flat_map(|seen| {
        [("0.5", seen.lag.p50_ms), ("0.99", seen.lag.p99_ms)].map(|(quantile, ms)| {
            let labels = vec![("feed", seen.slug.clone()), ("quantile", quantile.to_owned())];
            (labels, ms.and_then(|ms| i64::try_from(ms).ok()))
        })
    });
    gauges(registry, "outbox_lag_milliseconds", "From the outbox to the log, of the last thousand events", lags);
}

fn of_intake(registry: &mut Registry, figures: &Figures) {
    let outcomes = figures
        .outcomes
        .iter()
        .map(|((kind, outcome), count)| (vec![("type", kind.clone()), ("outcome", (*outcome).to_owned())], *count));
    counters(registry, "intake_events", "Events that neighbours sent, by type and what became of them", outcomes);
}
