//! Answers as a file server gives them, and the faults that are played instead.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HOST, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256, Sha512};

use super::{Hashes, Place, Provider};
use crate::fault::Fault;

/// Bytes of an answer that is cut off.
const ANSWER_MAX: usize = 64 * 1024 * 1024;
/// What the first part of an answer takes to be sent.
const FLUSH: Duration = Duration::from_millis(20);

pub(super) async fn metadata(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    let bytes = provider.shelf().provider(&home(&headers));
    known(&headers, bytes, "application/json")
}

/// What stands where everybody looks for metadata first.
pub(super) async fn usual(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    let place = provider.shelf().place.clone();
    match place {
        Place::Metadata => metadata(State(provider), headers).await,
        Place::Nothing => StatusCode::NOT_FOUND.into_response(),
        Place::Moved(to) => Redirect::permanent(&to).into_response(),
    }
}

pub(super) async fn security(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    match provider.shelf().security.clone() {
        Some(bytes) => known(&headers, bytes, "text/plain"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn file(State(provider): State<Provider>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let shelf = provider.shelf();
    if let Some(to) = shelf.moved.get(&path) {
        return Redirect::temporary(to).into_response();
    }
    if let Some(bytes) = shelf.list(&path, &home(&headers)) {
        return known(&headers, bytes, "application/json");
    }
    if let Some(document) = shelf.documents.get(&path) {
        return known(&headers, document.bytes.clone(), "application/json");
    }
    let hash = [".sha256", ".sha512"].into_iter().find_map(|ending| {
        let document = path.strip_suffix(ending)?;
        hash(document, shelf.documents.get(document)?, ending)
    });
    match hash {
        Some(text) => known(&headers, text.into_bytes(), "text/plain"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn page(State(provider): State<Provider>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    match provider.shelf().pages.get(&path) {
        Some(bytes) => known(&headers, bytes.clone(), "application/octet-stream"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A hash as `sha256sum` writes it.
fn hash(path: &str, document: &super::Document, ending: &str) -> Option<String> {
    let bytes: &[u8] = match (document.hashes, ending) {
        (Hashes::None | Hashes::Missing, _) | (Hashes::Sha256, ".sha512") => return None,
        (Hashes::Wrong, _) => b"other bytes",
        (Hashes::Both | Hashes::Sha256, _) => &document.bytes,
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let digest = if ending == ".sha512" { Sha512::digest(bytes).to_vec() } else { Sha256::digest(bytes).to_vec() };
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{digest}  {name}\n"))
}

/// Sends bytes unless they are known already.
fn known(headers: &HeaderMap, bytes: Vec<u8>, kind: &'static str) -> Response {
    let tag: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let same = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// The provider's address, as whoever asks calls it.
fn home(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

/// Plays the fault that hits a call, if any.
pub(super) async fn faulty(State(provider): State<Provider>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match provider.faults().take(&path) {
        None => next.run(request).await,
        Some(Fault::Stall(length)) => {
            tokio::time::sleep(length).await;
            cut_off(Bytes::new(), 1)
        }
        Some(Fault::Truncated) => truncated(next.run(request).await).await,
        Some(Fault::Throttled { retry_after }) => {
            let mut response = (StatusCode::TOO_MANY_REQUESTS, "slow down").into_response();
            if let Some(pause) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
            }
            response
        }
        Some(Fault::Expired) => (StatusCode::UNAUTHORIZED, "log in").into_response(),
        Some(Fault::Forbidden) => (StatusCode::FORBIDDEN, "not for you").into_response(),
        Some(Fault::ClockOff(seconds)) => off(next.run(request).await, seconds),
        Some(Fault::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, "something failed").into_response(),
    }
}

/// A file server takes no signature: a clock that is off shows in its date alone.
fn off(mut response: Response, seconds: i64) -> Response {
    let date = Utc::now() + TimeDelta::try_seconds(seconds).unwrap_or_default();
    if let Ok(date) = HeaderValue::from_str(&date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

async fn truncated(response: Response) -> Response {
    let bytes = axum::body::to_bytes(response.into_body(), ANSWER_MAX).await.unwrap_or_default();
    cut_off(bytes.slice(..bytes.len() / 2), bytes.len().max(1))
}

/// An answer that says it is longer than it is.
fn cut_off(bytes: Bytes, said: usize) -> Response {
    let broken = stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Err(std::io::Error::other("cut off"))
    });
    let first = stream::once(std::future::ready(Ok(bytes)));
    let mut response = Body::from_stream(first.chain(broken)).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(said));
    response
}
