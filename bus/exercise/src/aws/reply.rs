//! Answers and refusals in the words of each protocol, and the faults that spoil them.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::call::{Call, Protocol};
use super::{cbor, time, xml};
use crate::fault::Fault;

/// The greatest difference between the caller's clock and the provider's that a signature survives.
const SKEW_MAX_S: i64 = 5 * 60;
/// The time that the first bytes of an answer get before it is cut off.
const FLUSHED: Duration = Duration::from_millis(50);

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    code: String,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal by the provider's own code.
    #[must_use]
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), retry_after: None }
    }

    /// A parameter that cannot be.
    pub(super) fn invalid(message: impl AsRef<str>) -> Self {
        Self::new(400, "InvalidParameterValue", message.as_ref())
    }

    /// The refusal that a fault stands for in a protocol, if it stands for one.
    fn of_fault(fault: &Fault, call: &Call) -> Option<Self> {
        let query = call.protocol == Protocol::Query;
        Some(match fault {
            Fault::Throttled { retry_after } => {
                let refusal = match call.service {
                    "ec2" => Self::new(503, "RequestLimitExceeded", "Request limit exceeded."),
                    "sqs" => Self::new(400, "RequestThrottled", "The request was denied due to request throttling."),
                    _ => Self::new(400, "ThrottlingException", "Rate exceeded"),
                };
                Self { retry_after: *retry_after, ..refusal }
            }
            Fault::Expired if query => Self::new(400, "RequestExpired", "Request has expired."),
            Fault::Expired => {
                Self::new(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            Fault::Forbidden if query => {
                Self::new(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
            }
            Fault::Forbidden => {
                let message = format!("User is not authorized to perform: {}:{}", call.service, call.operation);
                Self::new(400, "AccessDeniedException", &message)
            }
            Fault::ClockOff(_) if query => {
                Self::new(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            Fault::ClockOff(_) => Self::new(400, "InvalidSignatureException", "Signature expired."),
            Fault::Internal if query => Self::new(500, "InternalError", "An internal error has occurred."),
            Fault::Internal => Self::new(500, "InternalServerError", "An error occurred on the server side."),
            Fault::Stall(_) | Fault::Truncated => return None,
        })
    }
}

/// What becomes of a call's answer under a fault.
pub(super) async fn spoiled(
    fault: Option<Fault>,
    call: &Call,
    now: DateTime<Utc>,
    answer: impl Future<Output = Result<Value, Refusal>>,
) -> Response<Body> {
    match fault {
        None => whole(call, answer.await),
        Some(Fault::Stall(length)) => {
            tokio::time::sleep(length).await;
            cut_off(Bytes::new())
        }
        Some(Fault::Truncated) => {
            let (_, _, body) = rendered(call, &answer.await);
            cut_off(body.slice(..body.len() / 2))
        }
        Some(Fault::ClockOff(seconds)) => {
            let clock = now + TimeDelta::seconds(seconds);
            let skew = call.signed.map_or(0, |signed| (clock - signed).num_seconds().abs());
            let refusal = (skew > SKEW_MAX_S).then(|| Refusal::of_fault(&Fault::ClockOff(seconds), call)).flatten();
            let answer = if let Some(refusal) = refusal { Err(refusal) } else { answer.await };
            let mut response = whole(call, answer);
            let date = clock.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            if let Ok(date) = HeaderValue::from_str(&date) {
                response.headers_mut().insert(header::DATE, date);
            }
            response
        }
        Some(fault) => whole(call, Refusal::of_fault(&fault, call).map_or_else(|| Ok(Value::Null), Err)),
    }
}

/// An answer in the call's protocol.
fn whole(call: &Call, answer: Result<Value, Refusal>) -> Response<Body> {
    let (status, content_type, body) = rendered(call, &answer);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("x-amzn-requestid", HeaderValue::from_static("00000000-0000-4000-8000-000000000000"));
    if call.protocol == Protocol::Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    if let Err(refusal) = &answer {
        if let Some(wait) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        let compatible = HeaderValue::from_str(&format!("{};Sender", query_code(&refusal.code)));
        if call.service == "sqs"
            && let Ok(compatible) = compatible
        {
            headers.insert("x-amzn-query-error", compatible);
        }
    }
    response
}

/// The first bytes of an answer, after which the connection is closed.
fn cut_off(bytes: Bytes) -> Response<Body> {
    let end = async {
        // Long enough for what stands before it to be on its way.
        tokio::time::sleep(FLUSHED).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    Response::new(Body::from_stream(stream::once(std::future::ready(Ok(bytes))).chain(stream::once(end))))
}

fn rendered(call: &Call, answer: &Result<Value, Refusal>) -> (u16, &'static str, Bytes) {
    let status = answer.as_ref().err().map_or(200, |refusal| refusal.status);
    let tree = match answer {
        Ok(tree) => tree.clone(),
        Err(refusal) => {
            json!({ "__type": format!("com.amazonaws.{}#{}", call.service, refusal.code), "message": refusal.message })
        }
    };
    let (content_type, body) = match (call.protocol, answer) {
        (Protocol::Query, Ok(tree)) => ("text/xml;charset=UTF-8", xml::answer(&call.operation, tree).into_bytes()),
        (Protocol::Query, Err(refusal)) => {
            ("text/xml;charset=UTF-8", xml::refusal(&refusal.code, &refusal.message).into_bytes())
        }
        (Protocol::Cbor, _) => ("application/cbor", cbor::encode(&tree)),
        (Protocol::Json { version }, _) => (version, in_json("", &tree).to_string().into_bytes()),
    };
    (status, content_type, body.into())
}

/// JSON of these services writes times as seconds since 1970.
fn in_json(name: &str, value: &Value) -> Value {
    if let Some(time) = time::read(name, value) {
        return json!(time::seconds(time));
    }
    match value {
        Value::Array(items) => items.iter().map(|item| in_json(name, item)).collect(),
        Value::Object(members) => {
            let stated = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(stated.map(|(name, value)| (name.clone(), in_json(name, value))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// The codes that SQS had before it spoke JSON, which it still states in a header.
fn query_code(code: &str) -> &str {
    match code {
        "AccessDeniedException" => "AccessDenied",
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "ExpiredTokenException" => "ExpiredToken",
        other => other,
    }
}

/// What is of no protocol that is spoken here.
pub(super) fn unknown() -> Response<Body> {
    let mut response = Response::new(Body::from("this double speaks for EC2, Health, SQS and SSM"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
