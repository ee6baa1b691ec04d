//! Where tokens come from: an endpoint that gives them to whoever shows a refresh token, as that of Google's accounts does,
//! and the guard that lets only calls pass which show one.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::json;

use super::refusal;
use super::stage::Stage;
use crate::secret;

/// The path of the endpoint.
const PATH: &str = "/token";

/// What is known of tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    /// Whether calls must show one.
    pub(super) guarded: bool,
    /// Whether none is given.
    pub(super) withheld: bool,
    given: u64,
    /// The number up to which tokens are no longer valid.
    revoked: u64,
}

impl Tokens {
    pub(super) fn revoke(&mut self) {
        self.revoked = self.given;
    }

    fn give(&mut self) -> String {
        self.given += 1;
        let token = token(self.given);
        secret::serve([token.clone()]);
        token
    }

    fn is_valid(&self, shown: Option<&str>) -> bool {
        let shown = shown.and_then(|header| header.strip_prefix("Bearer "));
        (self.revoked + 1..=self.given).any(|number| shown == Some(token(number).as_str()))
    }
}

fn token(number: u64) -> String {
    format!("ya29.given-by-a-double-{number}")
}

pub(super) fn routes() -> Router<Stage> {
    Router::new().route(PATH, post(give))
}

async fn give(State(stage): State<Stage>) -> Response {
    let tokens = &mut stage.lock().tokens;
    if tokens.withheld {
        let refusal = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
        return (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
    }
    axum::Json(json!({"access_token": tokens.give(), "expires_in": 3_599, "token_type": "Bearer"})).into_response()
}

/// Lets calls pass that show a valid token, where they must.
pub(super) async fn guarded(State(stage): State<Stage>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let passes = {
        let tokens = &stage.lock().tokens;
        let shown = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        !tokens.guarded || path == PATH || tokens.is_valid(shown)
    };
    if passes { next.run(request).await } else { refusal::expired(&path) }
}
