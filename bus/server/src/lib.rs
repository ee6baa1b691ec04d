//! The server: one loop from the log to the picture, and everything that is asked of it over HTTP.
//!
//! A server follows the log for one viewer's organisation and serves what its credential can read, on loopback. There is
//! no leader: servers that read the same log show the same bytes. `room` holds the state, `follow` moves it, `claims` is
//! the door for people, `web` answers.

mod app;
mod beats;
mod claims;
mod erase;
mod follow;
mod options;
mod reading;
mod room;
mod secret;
mod serve;
mod streams;
mod vigil;
mod web;

pub use claims::Mistake;
pub use options::{Address, Opening, Outboxes, Port, ServerOptions};
pub use secret::SecretError;
pub use serve::{ServeError, serve};
