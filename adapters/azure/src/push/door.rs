//! The routes: who may send, the handshakes by which Azure asks whether its events are wanted, and the answers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Answer, Desk};

/// Events a minute that Event Grid may send.
const RATE: &str = "600";
/// Seconds after which what was not taken may be sent again.
const AGAIN: &str = "5";

/// The routes.
pub(crate) fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/hooks/azure/event-grid", post(grid).options(handshake))
        .route("/hooks/azure/alerts", post(alerts))
        .with_state(desk)
}

/// Event Grid asks before it sends CloudEvents (their HTTP webhook specification, abuse protection).
async fn handshake(State(desk): State<Arc<Desk>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    if let Some(refused) = turned_away(&desk, &headers, query.as_deref()) {
        return refused;
    }
    let Some(origin) = headers.get("webhook-request-origin") else {
        return told(&Answer::Refused("expected a handshake with WebHook-Request-Origin".to_owned()));
    };
    let allowed = [
        ("webhook-allowed-origin", origin.clone()),
        ("webhook-allowed-rate", HeaderValue::from_static(RATE)),
        ("allow", HeaderValue::from_static("POST")),
    ];
    (StatusCode::OK, allowed).into_response()
}

async fn grid(State(desk): State<Arc<Desk>>, headers: HeaderMap, RawQuery(query): RawQuery, body: Bytes) -> Response {
    match let_in(&desk, &headers, query.as_deref(), &body) {
        Ok(body) => told(&desk.grid(body).await),
        Err(refused) => refused,
    }
}

async fn alerts(State(desk): State<Arc<Desk>>, headers: HeaderMap, RawQuery(query): RawQuery, body: Bytes) -> Response {
    match let_in(&desk, &headers, query.as_deref(), &body) {
        Ok(body) => told(&desk.alert(body).await),
        Err(refused) => refused,
    }
}

#[allow(clippy::result_large_err, reason = "the error is the answer itself")]
fn let_in(desk: &Desk, headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<Value, Response> {
    if let Some(refused) = turned_away(desk, headers, query) {
        return Err(refused);
    }
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        told(&Answer::Refused(format!("the body is no JSON at {place}")))
    })
}

/// The intake's token, as a bearer's or, since Azure's webhooks send no such header unless told to, in the address.
fn turned_away(desk: &Desk, headers: &HeaderMap, query: Option<&str>) -> Option<Response> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let in_address = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("token="));
    if bearer.or(in_address).is_some_and(|token| desk.token.is(token.trim())) {
        return None;
    }
    let next = "show the intake's token: as a bearer's, or as ?token= in the address that Azure calls";
    Some((StatusCode::UNAUTHORIZED, Json(json!({ "error": "who calls is not known", "next": next }))).into_response())
}

fn told(answer: &Answer) -> Response {
    let body = match answer {
        Answer::Taken => json!({ "outcome": "taken" }),
        Answer::Validated(code) => json!({ "validationResponse": code }),
        Answer::Refused(error) => json!({ "outcome": "refused", "error": error }),
        Answer::Again(error) => json!({ "outcome": "again", "error": error }),
    };
    let mut response = (answer.status(), Json(body)).into_response();
    if matches!(answer, Answer::Again(_)) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN));
    }
    response
}
