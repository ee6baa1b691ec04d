//! The cloud itself, on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Names that must never be heard on a bus.
pub const ACCOUNT: &str = "acct-493817265500";
const MACHINES: [&str; 5] = ["fin-prod-0001", "fin-prod-0002", "fin-prod-0003", "hr-lab-0001", "hr-lab-0002"];
const PAGE: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Throttled(Option<Duration>),
    Stalled,
    Truncated,
    Expired,
    Forbidden,
    ClockOff,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
}

#[derive(Default)]
struct Inner {
    broken: BTreeSet<String>,
    queue: BTreeMap<u64, Value>,
    sent: u64,
    fault: Option<Fault>,
    calls: Vec<String>,
}

/// Clones are one cloud.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
    stop: CancellationToken,
}

impl Cloud {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cloud = Self { inner: Arc::default(), url, stop: CancellationToken::new() };
        let routes = Router::new()
            .route("/machines", get(machines))
            .route("/stop", get(stop))
            .route("/queue", get(queue))
            .route("/queue/{id}", delete(deleted))
            .with_state(cloud.clone());
        let stop = cloud.stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(stop).await.unwrap() });
        cloud
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Breaks the first so many machines, and says so in the queue.
    pub fn break_machines(&self, count: usize) {
        let mut inner = self.inner();
        inner.broken = MACHINES.iter().take(count).map(|name| (*name).to_owned()).collect();
        inner.sent += 1;
        let (id, broken) = (inner.sent, inner.broken.len());
        inner.queue.insert(id, json!({"id": id, "broken": broken, "account": ACCOUNT}));
    }

    /// Mends them all, if any is broken.
    pub fn mend_machines(&self) {
        if !self.inner().broken.is_empty() {
            self.break_machines(0);
        }
    }

    /// Puts a message into the queue whose number is none.
    pub fn garble(&self) {
        let mut inner = self.inner();
        inner.sent += 1;
        let id = inner.sent;
        inner.queue.insert(id, json!({"id": id, "broken": "some", "account": ACCOUNT}));
    }

    pub fn play(&self, fault: Option<Fault>) {
        self.inner().fault = fault;
    }

    pub fn calls(&self) -> Vec<String> {
        self.inner().calls.clone()
    }

    pub fn queued(&self) -> usize {
        self.inner().queue.len()
    }

    pub fn secrets() -> BTreeSet<String> {
        MACHINES.iter().copied().chain([ACCOUNT]).map(str::to_owned).collect()
    }

    async fn answer(&self, call: &str, body: Value) -> Response {
        let fault = {
            let mut inner = self.inner();
            inner.calls.push(call.to_owned());
            inner.fault
        };
        let refused = |status: StatusCode, code: &str| (status, Json(json!({"code": code}))).into_response();
        match fault {
            None => Json(body).into_response(),
            Some(Fault::Throttled(after)) => {
                let mut response = refused(StatusCode::TOO_MANY_REQUESTS, "SlowDown");
                if let Some(after) = after {
                    response.headers_mut().insert(header::RETRY_AFTER, after.as_secs().into());
                }
                response
            }
            Some(Fault::Stalled) => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            Some(Fault::Truncated) => {
                let mut text = body.to_string();
                text.truncate(text.len() / 2);
                text.into_response()
            }
            Some(Fault::Expired) => refused(StatusCode::UNAUTHORIZED, "ExpiredKey"),
            Some(Fault::Forbidden) => refused(StatusCode::FORBIDDEN, "Denied"),
            Some(Fault::ClockOff) => {
                let later = SystemTime::now() + Duration::from_secs(600);
                let date = [(header::DATE, httpdate::fmt_http_date(later))];
                (StatusCode::FORBIDDEN, date, Json(json!({"code": "SignedTooEarly"}))).into_response()
            }
        }
    }
}

async fn machines(State(cloud): State<Cloud>, Query(query): Query<BTreeMap<String, usize>>, _: HeaderMap) -> Response {
    let page = query.get("page").copied().unwrap_or(0);
    let rows: Vec<Value> = {
        let inner = cloud.inner();
        let rows = MACHINES.iter().skip(page * PAGE).take(PAGE);
        rows.map(|name| json!({"id": name, "runs": true, "answers": !inner.broken.contains(*name)})).collect()
    };
    let next = (MACHINES.len() > (page + 1) * PAGE).then_some(page + 1);
    cloud.answer("List", json!({"account": ACCOUNT, "machines": rows, "next": next})).await
}

async fn stop(State(cloud): State<Cloud>) -> Response {
    cloud.answer("Stop", json!({})).await
}

async fn queue(State(cloud): State<Cloud>) -> Response {
    let messages: Vec<Value> = cloud.inner().queue.values().cloned().collect();
    cloud.answer("Receive", json!({"messages": messages})).await
}

async fn deleted(State(cloud): State<Cloud>, Path(id): Path<u64>) -> Response {
    let response = cloud.answer("Delete", json!({})).await;
    if response.status().is_success() {
        cloud.inner().queue.remove(&id);
    }
    response
}
