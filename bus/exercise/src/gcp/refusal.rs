//! Refusals in Google's own shapes: Compute Engine's older one with `errors[]`, and that of the newer services with a status
//! and details; and the faults that are played instead of an answer.

use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::fault::{Fault, Faults};

/// Bytes of an answer that is cut off.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// What a first part of an answer takes to be sent.
const FLUSH: Duration = Duration::from_millis(20);

/// What a refusal says.
struct Words {
    code: StatusCode,
    /// The newer services' word.
    status: &'static str,
    /// Compute Engine's word.
    reason: &'static str,
    /// The word in the newer services' details.
    info: &'static str,
    message: String,
}

/// Plays the fault that hits a call, if any.
pub(super) async fn faulty(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match faults.take(&path) {
        None => next.run(request).await,
        Some(Fault::Stall(length)) => {
            tokio::time::sleep(length).await;
            broken(Bytes::new())
        }
        Some(Fault::Truncated) => truncated(next.run(request).await).await,
        Some(Fault::Throttled { retry_after }) => throttled(&path, retry_after),
        Some(Fault::Expired) => expired(&path),
        Some(Fault::Forbidden) => forbidden(&path),
        Some(Fault::ClockOff(seconds)) => off(&path, seconds),
        Some(Fault::Internal) => internal(&path),
    }
}

/// Compute Engine is over its quota with 403, which the newer services are with 429; a pause is named with 429 only.
fn throttled(path: &str, retry_after: Option<Duration>) -> Response {
    let compute = is_compute(path) && retry_after.is_none();
    let group = if path.contains("aggregated") { "ListGroup" } else { "ReadGroup" };
    let mut response = refuse(
        path,
        &Words {
            code: if compute { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS },
            status: if compute { "PERMISSION_DENIED" } else { "RESOURCE_EXHAUSTED" },
            reason: "rateLimitExceeded",
            info: "RATE_LIMIT_EXCEEDED",
            message: format!(
                "Quota exceeded for quota group '{group}' and limit 'Queries per minute' of {}.",
                project(path)
            ),
        },
    );
    if let Some(pause) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
    }
    response
}

/// A token that is no longer valid.
pub(super) fn expired(path: &str) -> Response {
    let words = Words {
        code: StatusCode::UNAUTHORIZED,
        status: "UNAUTHENTICATED",
        reason: "authError",
        info: "ACCESS_TOKEN_EXPIRED",
        message: "Request had invalid authentication credentials. Expected OAuth 2 access token.".to_owned(),
    };
    let mut response = refuse(path, &words);
    let challenge = HeaderValue::from_static("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn forbidden(path: &str) -> Response {
    let words = Words {
        code: StatusCode::FORBIDDEN,
        status: "PERMISSION_DENIED",
        reason: "forbidden",
        info: "IAM_PERMISSION_DENIED",
        message: format!("Required '{}' permission for '{}'", permission(path), project(path)),
    };
    refuse(path, &words)
}

/// A token that was made by a clock which is off is not taken; the answer's date tells why.
fn off(path: &str, seconds: i64) -> Response {
    let mut response = expired(path);
    let date = Utc::now() + TimeDelta::try_seconds(seconds).unwrap_or_default();
    let date = axum::http::HeaderValue::from_str(&httpdate(date.into()));
    if let Ok(date) = date {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// Something failed inside Google.
pub(super) fn internal(path: &str) -> Response {
    let words = Words {
        code: StatusCode::SERVICE_UNAVAILABLE,
        status: "UNAVAILABLE",
        reason: "backendError",
        info: "BACKEND_ERROR",
        message: "The service is currently unavailable.".to_owned(),
    };
    refuse(path, &words)
}

/// A call that the double does not play.
pub(super) async fn unknown_path(uri: Uri) -> Response {
    not_found(uri.path(), "The requested URL was not found on this server.")
}

/// Something that does not exist.
pub(super) fn not_found(path: &str, message: &str) -> Response {
    let words = Words {
        code: StatusCode::NOT_FOUND,
        status: "NOT_FOUND",
        reason: "notFound",
        info: "RESOURCE_NOT_FOUND",
        message: message.to_owned(),
    };
    refuse(path, &words)
}

/// A page token that the double did not give.
pub(super) fn bad_token(path: &str) -> Response {
    bad_request(path, "Invalid value for field 'pageToken'")
}

/// A call that cannot be understood.
pub(super) fn bad_request(path: &str, message: &str) -> Response {
    let words = Words {
        code: StatusCode::BAD_REQUEST,
        status: "INVALID_ARGUMENT",
        reason: "invalid",
        info: "INVALID_ARGUMENT",
        message: message.to_owned(),
    };
    refuse(path, &words)
}

fn refuse(path: &str, words: &Words) -> Response {
    let body = if is_compute(path) { old(words) } else { new(path, words) };
    (words.code, axum::Json(body)).into_response()
}

fn old(words: &Words) -> Value {
    let domain = if words.reason == "rateLimitExceeded" { "usageLimits" } else { "global" };
    json!({"error": {
        "code": words.code.as_u16(),
        "message": words.message,
        "errors": [{"message": words.message, "domain": domain, "reason": words.reason}],
    }})
}

fn new(path: &str, words: &Words) -> Value {
    json!({"error": {
        "code": words.code.as_u16(),
        "message": words.message,
        "status": words.status,
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": words.info,
            "domain": "googleapis.com",
            "metadata": {"consumer": project(path)},
        }],
    }})
}

fn is_compute(path: &str) -> bool {
    path.starts_with("/compute/")
}

/// `projects/ID` or `organizations/NUMBER` of a path.
fn project(path: &str) -> String {
    let mut parts = path.split('/').skip_while(|part| !matches!(*part, "projects" | "organizations"));
    format!("{}/{}", parts.next().unwrap_or("projects"), parts.next().unwrap_or("-"))
}

/// The permission that a call needs, in IAM's words.
fn permission(path: &str) -> &'static str {
    const NEEDED: [(&str, &str); 11] = [
        ("/aggregated/instances", "compute.instances.list"),
        ("/aggregated/instanceGroupManagers", "compute.instanceGroupManagers.list"),
        ("/listManagedInstances", "compute.instanceGroupManagers.get"),
        ("/serialPort", "compute.instances.getSerialPortOutput"),
        ("/operations", "compute.zoneOperations.list"),
        ("/organizationEvents", "servicehealth.organizationEvents.list"),
        ("/organizationImpacts", "servicehealth.organizationImpacts.list"),
        ("/events", "servicehealth.events.list"),
        ("/inventories", "osconfig.inventories.list"),
        ("/patchJobs", "osconfig.patchJobs.list"),
        ("/instances", "compute.instances.list"),
    ];
    NEEDED.iter().find(|(part, _)| path.contains(part)).map_or("resourcemanager.projects.get", |(_, needed)| *needed)
}

/// The answer's first half, then the connection ends.
async fn truncated(response: Response) -> Response {
    let bytes = to_bytes(response.into_body(), ANSWER_MAX).await.unwrap_or_default();
    broken(bytes.slice(..bytes.len() / 2))
}

fn broken(part: Bytes) -> Response {
    let end = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the answer ends here");
    // The first part is on its way before the connection ends.
    let end = stream::once(async move {
        tokio::time::sleep(FLUSH).await;
        Err(end)
    });
    let parts = stream::once(async move { Ok(part) }).chain(end);
    ([(CONTENT_TYPE, "application/json; charset=UTF-8")], Body::from_stream(parts)).into_response()
}

fn httpdate(time: SystemTime) -> String {
    chrono::DateTime::<Utc>::from(time).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
