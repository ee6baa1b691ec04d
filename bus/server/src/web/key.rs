//! The part of an address that names something: an incident, a record, a file.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::refusal::Refusal;

/// The one parameter of a path, decoded.
pub(crate) struct Key(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        read.map(|Path(key)| Self(key)).map_err(|rejection: PathRejection| {
            Refusal::new(StatusCode::BAD_REQUEST, rejection.body_text(), "write the address in UTF-8, percent-encoded")
        })
    }
}
