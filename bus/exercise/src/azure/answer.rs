//! How ARM answers: its refusals, its pages, and the faults that are played in their place.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::stage::{Script, set};
use crate::Fault;

/// What is answered: a status, a body, and headers beside those that every answer has.
pub(super) struct Answer {
    status: StatusCode,
    body: Value,
    headers: HeaderMap,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self::raw(StatusCode::OK, body)
    }

    pub(super) fn raw(status: StatusCode, body: Value) -> Self {
        Self { status, body, headers: HeaderMap::new() }
    }

    /// A refusal in ARM's shape.
    pub(super) fn refused(status: StatusCode, code: &str, message: &str) -> Self {
        Self::raw(status, json!({"error": {"code": code, "message": message}}))
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::refused(StatusCode::NOT_FOUND, "ResourceNotFound", &format!("The {what} was not found."))
    }

    pub(super) fn bad(code: &str, message: &str) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) fn respond(self, now: DateTime<Utc>) -> Response {
        respond(self.status, self.headers, Body::from(self.body.to_string()), now)
    }

    /// The answer up to its middle, then the end of the connection.
    fn truncated(self, now: DateTime<Utc>) -> Response {
        let whole = self.body.to_string();
        let half = Bytes::copy_from_slice(whole.as_bytes().get(..whole.len() / 2).unwrap_or_default());
        // What was sent must be on its way before the connection ends, else nothing of it arrives.
        let end = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(std::io::Error::other("the connection ends here"))
        };
        let parts = stream::once(async { Ok(half) }).chain(stream::once(end));
        respond(self.status, self.headers, Body::from_stream(parts), now)
    }
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body, now: DateTime<Utc>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let fixed = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::DATE, &date),
        (HeaderName::from_static("x-ms-ratelimit-remaining-subscription-reads"), "11999"),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Plays a fault in place of the answer to a call, whose scope ARM names in its refusals.
pub(super) async fn play(fault: Fault, answer: Answer, scope: &str, now: DateTime<Utc>) -> Response {
    match fault {
        Fault::Throttled { retry_after } => throttled(retry_after).respond(now),
        Fault::Stall(length) => {
            tokio::time::sleep(length).await;
            answer.truncated(now)
        }
        Fault::Truncated => answer.truncated(now),
        Fault::Expired => expired(now).respond(now),
        Fault::Forbidden => forbidden(scope).respond(now),
        // Azure's calls carry a token and no signature by time: its clock shows in what it answers.
        Fault::ClockOff(_) => answer.respond(now),
        Fault::Internal => Answer::refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "An unexpected error occurred. Tracking id '6d1f2b34-5a77-4c1e-8f11-0b1c2d3e4f50'.",
        )
        .respond(now),
    }
}

fn throttled(retry_after: Option<Duration>) -> Answer {
    let message = "Number of requests for subscription exceeded the limit. Please try again later.";
    let refused = Answer::refused(StatusCode::TOO_MANY_REQUESTS, "SubscriptionRequestsThrottled", message);
    match retry_after {
        Some(pause) => refused.with(header::RETRY_AFTER, &pause.as_secs().to_string()),
        None => refused,
    }
}

fn expired(now: DateTime<Utc>) -> Answer {
    let message = format!(
        "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
        (now - TimeDelta::seconds(1)).format("%-m/%-d/%Y %-I:%M:%S %p"),
        now.format("%-m/%-d/%Y %-I:%M:%S %p"),
    );
    unauthorized("ExpiredAuthenticationToken", &message)
}

pub(super) fn unauthorized(code: &str, message: &str) -> Answer {
    let challenge = r#"Bearer authorization_uri="https://login.windows.net/common", error="invalid_token""#;
    Answer::refused(StatusCode::UNAUTHORIZED, code, message).with(header::WWW_AUTHENTICATE, challenge)
}

pub(super) fn forbidden(scope: &str) -> Answer {
    let message = format!(
        "The client 'b1946ac9-2f5e-4a3d-9d6e-000000000abc' with object id 'b1946ac9-2f5e-4a3d-9d6e-000000000abc' does not \
         have authorization to perform the action over scope '{scope}' or the scope is invalid."
    );
    Answer::refused(StatusCode::FORBIDDEN, "AuthorizationFailed", &message)
}

/// One page of a list, with the link to the next. `target` is what was asked: path and query.
pub(super) fn page(elements: Vec<Value>, script: &Script, target: &str) -> Answer {
    let (asked, skip) = split_skip(target);
    let rest = elements.len().saturating_sub(skip + script.page);
    let value: Vec<Value> = elements.into_iter().skip(skip).take(script.page).collect();
    let mut body = json!({ "value": value });
    if rest > 0 {
        let joint = if asked.contains('?') { '&' } else { '?' };
        let host = script.astray.as_deref().unwrap_or("https://management.azure.com");
        set(&mut body, "nextLink", format!("{host}{asked}{joint}$skipToken={}", skip + script.page));
    }
    Answer::ok(body)
}

/// What was asked without its skip token, and how many elements that skips.
fn split_skip(target: &str) -> (&str, usize) {
    let cut = ["&$skipToken=", "?$skipToken=", "&%24skipToken=", "?%24skipToken="];
    let cut = cut.iter().find_map(|name| target.split_once(name));
    cut.map_or((target, 0), |(asked, skip)| (asked, skip.parse().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_token_is_told_from_what_was_asked() {
        assert_eq!(split_skip("/a?x=1&$skipToken=20"), ("/a?x=1", 20));
        assert_eq!(split_skip("/a?%24skipToken=2"), ("/a", 2));
        assert_eq!(split_skip("/a?x=1"), ("/a?x=1", 0));
    }
}
