//! What a caller is told who asked for something that cannot be given: what failed, and the next step. The only place
//! where the server's errors meet HTTP statuses.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entente_schemas::record::Position;
use schemars::JsonSchema;
use serde::Serialize;

use crate::claims::{Mistake, PublishError};
use crate::room::Unanswered;

/// Seconds after which what is not to be had now may be.
const RETRY_AFTER: &str = "5";

/// What failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) body: ErrorBody,
}

/// The body of every answer that is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// What failed.
    pub(crate) error: String,
    /// The next step.
    pub(crate) next: String,
    /// What is wrong with a claim, each mistake with its path; absent if nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<Mistake>,
}

impl ErrorBody {
    /// What failed, mistakes included, in one line.
    pub(crate) fn told(&self) -> String {
        let problems = self.problems.iter().map(|problem| format!("{}: {}", problem.path, problem.what));
        std::iter::once(self.error.clone()).chain(problems).collect::<Vec<_>>().join("; ")
    }
}

impl Refusal {
    /// What a program should know beside the body.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))),
            _ => None,
        }
    }

    pub(crate) fn new(status: StatusCode, error: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status, body: ErrorBody { error: error.into(), next: next.into(), problems: Vec::new() } }
    }

    /// The query is not as it should be.
    pub(crate) fn query(mistakes: &[String], known: &[&str]) -> Self {
        let next = if known.is_empty() {
            "mend the address; /v1/openapi.json lists the keys of each".to_owned()
        } else {
            format!("known here: {}", known.join(", "))
        };
        Self::new(StatusCode::BAD_REQUEST, mistakes.join("; "), next)
    }

    /// There is nothing of that name.
    pub(crate) fn not_found(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what, next)
    }

    /// The log has not come so far.
    pub(crate) fn ahead(asked: &Position, reached: &Position) -> Self {
        let what = format!("the log is at position {reached}; {asked} is not there yet");
        Self::not_found(what, "leave as_of out for the live picture")
    }

    /// The server itself failed.
    pub(crate) fn broken(what: &str) -> Self {
        tracing::error!("{what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, what, "see the server's log; what was shown before still holds")
    }

    /// The request is larger than anything that is taken here.
    pub(crate) fn too_large(limit: usize) -> Self {
        let what = format!("the request is larger than {limit} bytes");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            what,
            "a claim has at most 65536 bytes: shorten it, or publish several",
        )
    }

    /// The claim has mistakes.
    pub(crate) fn mistakes(problems: Vec<Mistake>) -> Self {
        let mut refusal = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the claim is not as it should be",
            "mend what is named in problems, then hand it over again",
        );
        refusal.body.problems = problems;
        refusal
    }
}

impl From<Unanswered> for Refusal {
    fn from(error: Unanswered) -> Self {
        match error {
            Unanswered::Failed(_) => Self::broken(&error.to_string()),
            Unanswered::Busy => {
                let next = "ask again in a few seconds; the live picture is not concerned";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), next)
            }
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Mistakes(problems) => Self::mistakes(problems),
            PublishError::Unknown(what) => Self::not_found(what, "`/v1/events` lists what there is"),
            PublishError::Void(void) => Self::new(
                StatusCode::CONFLICT,
                void.to_string(),
                "nothing was published; `/v1/events` shows how it stands",
            ),
            PublishError::Unanswered(what) => Self::broken(&what),
            PublishError::LogSilent(what) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                what,
                "nothing was published; hand it over again once the log answers",
            ),
            PublishError::Outbox(error) => {
                let next = "nothing was taken; do what the reason says, then hand the claim over again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), next)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let header = self.header();
        let mut response = (self.status, Json(self.body)).into_response();
        response.headers_mut().extend(header);
        response
    }
}
