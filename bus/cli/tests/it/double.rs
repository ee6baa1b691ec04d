//! A server's HTTP interface in small: it completes a claim as the real one does and holds it to the publishers' schema.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use entente_schemas::family::{Claim, Family};
use serde_json::{Value, json};

/// The token that the double asks for.
const TOKEN: &str = "a-token-of-this-test";

/// A server on a data folder of its own.
pub struct Double {
    pub data: tempfile::TempDir,
    taken: Taken,
    _runtime: tokio::runtime::Runtime,
}

type Taken = Arc<Mutex<Vec<Value>>>;

impl Double {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let data = tempfile::tempdir().expect("a folder");
        let taken = Taken::default();
        let router = router().with_state(Arc::clone(&taken));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        std::fs::write(data.path().join("address"), format!("http://{address}\n")).expect("written");
        std::fs::write(data.path().join("token"), format!("{TOKEN}\n")).expect("written");
        Self { data, taken, _runtime: runtime }
    }

    /// The requests taken so far.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().expect("unpoisoned").clone()
    }
}

fn router() -> Router<Taken> {
    Router::new()
        .route("/v1/claims", post(claims))
        .route("/v1/events", get(events))
        .route("/v1/events/{key}", get(event))
        .route("/v1/picture", get(async || Json(json!({ "as_of": "3" }))))
        .route("/board.txt", get(async || "the board\n"))
        .route("/incidents/{key}/text", get(text))
        .route("/v1/incidents/{key}", get(incident))
}

async fn claims(State(taken): State<Taken>, headers: HeaderMap, Json(mut request): Json<Value>) -> Response {
    if headers.get("authorization").and_then(|v| v.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "wrong token", "next": "use the token file" }))).into_response();
    }
    let mut taken = taken.lock().expect("unpoisoned");
    let position = taken.len() + 1;
    complete(&mut request["claim"], position);
    let family = request["family"].as_str().and_then(Family::from_token);
    let Some(family) = family else { return StatusCode::BAD_REQUEST.into_response() };
    if let Err(problems) = Claim::read_strict(family, &request["claim"].to_string()) {
        let list: Vec<Value> =
            problems.list().iter().map(|problem| json!({ "path": problem.path, "what": problem.what })).collect();
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "problems": list }))).into_response();
    }
    let claim = &request["claim"];
    let answer = json!({ "id": request["id"], "object_id": claim["object_id"], "rev": claim["rev"],
                         "position": position });
    taken.push(request);
    (StatusCode::CREATED, Json(answer)).into_response()
}

fn complete(claim: &mut Value, position: usize) {
    let members = claim.as_object_mut().expect("a claim is an object");
    members.entry("object_id").or_insert_with(|| json!(format!("local:0190c9a1-7f00-7000-8000-{position:012}")));
    members.insert("rev".to_owned(), json!(position));
    let times = members.entry("times").or_insert_with(|| json!({}));
    times["observed_at"] = json!("2024-07-19T12:00:00Z");
}

/// One line for everything: the newest request, whatever object is asked for.
async fn events(State(taken): State<Taken>) -> Json<Value> {
    let taken = taken.lock().expect("unpoisoned");
    let line = taken.iter().enumerate().next_back().map(|(index, request)| line(index + 1, request));
    Json(json!({ "events": line.into_iter().collect::<Vec<_>>() }))
}

fn line(position: usize, request: &Value) -> Value {
    let claim = &request["claim"];
    json!({ "position": position, "id": request["id"], "source": "//local/desk/01J3XQ4Z6Y7W8V9T0S1R2Q3P4N",
            "object_id": claim["object_id"], "rev": claim["rev"], "family": request["family"] })
}

async fn event(State(taken): State<Taken>, Path(key): Path<String>) -> Response {
    let taken = taken.lock().expect("unpoisoned");
    let found = taken.iter().enumerate().find(|(index, request)| key == (index + 1).to_string() || request["id"] == key);
    match found {
        Some((index, request)) => {
            Json(json!({ "line": line(index + 1, request), "payload": { "data": request["claim"] } })).into_response()
        }
        None => unknown("event", &key),
    }
}

fn unknown(what: &str, key: &str) -> Response {
    let answer = json!({ "error": format!("there is no {what} {key}"), "next": "see /v1/events" });
    (StatusCode::NOT_FOUND, Json(answer)).into_response()
}

async fn text(Path(key): Path<String>) -> Response {
    if key == "inc-unknown" { unknown("incident", &key) } else { format!("the incident {key}").into_response() }
}

async fn incident(Path(key): Path<String>) -> Json<Value> {
    Json(json!({ "id": "inc-2kq7c4w1xz", "name": "csagent.sys", "members": [{ "object_id": key, "speaker": "gcp",
        "title": "Windows" }], "why": [{ "a": key, "b": "local:2", "relation": "same", "reasons": ["one artifact"] }] }))
}
