//! HTTP: pages for people, JSON for programs, one live stream for both. Loopback only.

mod api;
mod guard;
mod live;
mod openapi;
mod query;
mod refusal;
mod routes;
mod select;

pub(crate) use guard::Names;
pub(crate) use query::Asked;
pub(crate) use refusal::Refusal;
pub(crate) use routes::router;
