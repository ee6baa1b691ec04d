//! A server's HTTP interface in small: it completes a claim as the real one does and holds it to the publishers' schema.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, RawQuery, State};
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
    /// Held as a server holds it that runs.
    _address: File,
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
        let mut told = File::create(data.path().join("address")).expect("made");
        told.lock().and_then(|()| writeln!(told, "http://{address}")).expect("written");
        std::fs::write(data.path().join("token"), format!("{TOKEN}\n")).expect("written");
        Self { data, taken, _address: told, _runtime: runtime }
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
        .route("/v1/picture", get(async || Json(json!({ "as_of": "3", "matched": 2 }))))
        .route(
            "/board.txt",
            get(async |RawQuery(query): RawQuery| format!("the board {}\n", query.unwrap_or_default())),
        )
        .route("/incidents/{key}/text", get(text))
        .route("/v1/incidents/{key}", get(incident))
}

async fn claims(State(taken): State<Taken>, headers: HeaderMap, Json(mut request): Json<Value>) -> Response {
    if headers.get("authorization").and_then(|v| v.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
        let answer = json!({ "error": "wrong token", "next": "use the token file" });
        return (StatusCode::UNAUTHORIZED, Json(answer)).into_response();
    }
    let mut taken = taken.lock().expect("unpoisoned");
    let family = request["family"].as_str().and_then(Family::from_token).expect("a family");
    if let Some(target) = request["claim"]["target"].as_str()
        && find(&taken, target).is_none()
    {
        return unknown("event", target);
    }
    complete(&mut request, family, &taken);
    if let Err(problems) = Claim::read_strict(family, &request["claim"].to_string()) {
        let list: Vec<Value> =
            problems.list().iter().map(|problem| json!({ "path": problem.path, "what": problem.what })).collect();
        let answer = json!({ "error": "the claim is not as it should be", "next": "mend it", "problems": list });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response();
    }
    let claim = &request["claim"];
    let mut answer = json!({ "id": request["id"], "object_id": claim["object_id"], "rev": claim["rev"],
                             "position": taken.len() + 1, "repeated": false });
    if claim["text"] == "a remark, please" {
        answer["remarks"] = json!(["Nobody is addressed."]);
    }
    if request["dry_run"] == true {
        answer["dry_run"] = json!({ "claim": claim });
        answer["position"] = Value::Null;
    } else {
        taken.push(request);
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

fn complete(request: &mut Value, family: Family, taken: &[Value]) {
    let position = taken.len() + 1;
    let asked = request["claim"].clone();
    if request["still"] == true {
        let last = taken.iter().rev().find(|earlier| earlier["claim"]["object_id"] == asked["object_id"]);
        request["claim"] = last.expect("said before")["claim"].clone();
        request["claim"]["times"]["confirmed_at"] = json!("2024-07-19T12:00:00Z");
        request["claim"]["cause"] = json!("still");
    }
    if family == Family::Retraction {
        let key = asked["target"].as_str().unwrap_or_default();
        if let Some((index, target)) = find(taken, key) {
            let line = line(index + 1, target);
            for (member, of_line) in [("target", "id"), ("target_object", "object_id"), ("target_rev", "rev")] {
                request["claim"][member] = line[of_line].clone();
            }
            request["claim"]["target_source"] = json!("//local/desk/01J3XQ4Z6Y7W8V9T0S1R2Q3P4N");
        }
    }
    let claim = &mut request["claim"];
    for name in ["about", "thread_id", "approach_id"] {
        if let Some((_, named)) = claim[name].as_str().and_then(|key| find(taken, key)) {
            claim[name] = named["claim"]["object_id"].clone();
        }
    }
    let claim = claim.as_object_mut().expect("a claim is an object");
    claim.retain(|_, value| !value.is_null());
    let claim = &mut request["claim"];
    let own = claim["speaker"]["org"].is_null();
    for (member, inner, value) in [
        ("speaker", "org", "local"),
        ("speaker", "role", "observer"),
        ("speaker", "relay", "own"),
        ("author", "org", "local"),
        ("author", "role", "observer"),
        ("times", "observed_at", "2024-07-19T12:00:00Z"),
    ] {
        if claim[member][inner].is_null() {
            claim[member][inner] = json!(value);
        }
    }
    let members = claim.as_object_mut().expect("a claim is an object");
    let fresh = json!(format!("local:0190c9a1-7f00-7000-8000-{position:012}"));
    let object = members.entry("object_id").or_insert(fresh).clone();
    members.insert("rev".to_owned(), json!(position));
    members.entry("certainty").or_insert_with(|| json!(if own { "observed" } else { "likely" }));
    if family == Family::Message {
        members.entry("thread_id").or_insert(object);
    }
}

fn find<'a>(taken: &'a [Value], key: &str) -> Option<(usize, &'a Value)> {
    taken.iter().enumerate().find(|(index, request)| key == (index + 1).to_string() || request["id"] == key)
}

/// One line: the newest request of the object that is asked for, or of all.
async fn events(State(taken): State<Taken>, RawQuery(query): RawQuery) -> Json<Value> {
    let taken = taken.lock().expect("unpoisoned");
    let query = query.unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("object=")).map(|id| id.replace("%3A", ":"));
    let fits = |request: &Value| asked.as_ref().is_none_or(|id| request["claim"]["object_id"] == **id);
    let newest = taken.iter().enumerate().rev().find(|(_, request)| fits(request));
    let line = newest.map(|(index, request)| line(index + 1, request));
    Json(json!({ "as_of": taken.len(), "events": line.into_iter().collect::<Vec<_>>() }))
}

fn line(position: usize, request: &Value) -> Value {
    let claim = &request["claim"];
    json!({ "position": position, "id": request["id"], "source": "local/desk",
            "object_id": claim["object_id"], "rev": claim["rev"], "family": request["family"] })
}

async fn event(State(taken): State<Taken>, Path(key): Path<String>) -> Response {
    let taken = taken.lock().expect("unpoisoned");
    match find(&taken, &key) {
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

async fn incident(Path(key): Path<String>) -> Response {
    if key == "inc-unknown" {
        return unknown("incident", &key);
    }
    Json(json!({ "id": "inc-2kq7c4w1xz", "name": "csagent.sys", "members": [{ "object_id": key, "speaker": "gcp",
        "title": "Windows" }], "why": [{ "a": key, "b": "local:2", "relation": "same", "reasons": ["one artifact"] }] }))
    .into_response()
}
