//! The edge toward AWS: its feeds into claims. The public feeds need no account; feeds of an account come behind the
//! feature `account`.

#[cfg(feature = "account")]
pub mod account;
mod currentevents;
mod data;
mod public;
mod service;

pub use public::{current_events, data};
