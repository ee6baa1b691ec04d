//! `/healthz`: the process lives. `/readyz`: the bus is there with the logs of all feeds, and each feed has had a first answer
//! or a state that is shown: it takes reports and tells what it knows. A feed that is blind is named, and no reason to start anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use entente_schemas::family::FeedState;
use serde::Serialize;

use super::serve::Answering;
use super::watch::Seen;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    adapter: &'a str,
    org: &'a str,
    /// What keeps it from being ready.
    reasons: Vec<String>,
    /// The feeds that see nothing now, which is no reason to start it anew.
    blind: Vec<String>,
    feeds: Vec<Fed>,
}

#[derive(Serialize)]
struct Fed {
    feed: String,
    state: FeedState,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_good: Option<DateTime<Utc>>,
    failures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    waiting: u64,
}

pub(super) async fn readyz(State(answering): State<Arc<Answering>>) -> Response {
    let feeds: Vec<Seen> = answering.watches.iter().map(super::watch::Watch::seen).collect();
    let mut reasons = answering.link.troubles().await;
    reasons.extend(feeds.iter().filter_map(not_ready));
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let blind = feeds.iter().filter(|feed| feed.asked && feed.state != FeedState::Live);
    let blind = blind.map(|feed| feed.slug.clone()).collect();
    let (adapter, org) = (answering.adapter, answering.org.as_str());
    let feeds = feeds.into_iter().map(Fed::of).collect();
    (status, Json(Ready { ready: reasons.is_empty(), adapter, org, reasons, blind, feeds })).into_response()
}

fn not_ready(feed: &Seen) -> Option<String> {
    match (&feed.down, feed.asked) {
        (Some(reason), _) => Some(format!("feed {} does not run: {reason}", feed.slug)),
        (None, false) => Some(format!("feed {} has had no answer yet", feed.slug)),
        (None, true) => None,
    }
}

impl Fed {
    fn of(feed: Seen) -> Self {
        let (code, text) = feed.error.map(|error| (error.code, error.text)).unzip();
        Self {
            feed: feed.slug,
            state: feed.state,
            last_good: feed.last_good,
            failures: feed.failures,
            code,
            text,
            waiting: feed.waiting.map_or(0, |waiting| waiting.events),
        }
    }
}
