//! HTTP: pages for people, JSON for programs, one live stream for both. Loopback only.

mod api;
mod forms;
mod guard;
mod key;
mod live;
mod openapi;
mod pages;
mod query;
mod reached;
mod refusal;
mod routes;
mod select;
mod told;
mod view;
mod visit;

pub(crate) use guard::Names;
pub(crate) use live::STREAMS;
pub(crate) use query::Asked;
pub(crate) use refusal::Refusal;
pub(crate) use routes::router;
