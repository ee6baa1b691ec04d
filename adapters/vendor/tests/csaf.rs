//! Advisories in CSAF, asked for over HTTP from a double of a provider: what a document comes to, what is asked for again
//! and what is not, and what a provider that fails or lies is told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "csaf/asked.rs"]
mod asked;
#[path = "csaf/hostile.rs"]
mod hostile;
#[path = "csaf/meaning.rs"]
mod meaning;
#[path = "csaf/picture.rs"]
mod picture;
#[path = "csaf/support.rs"]
mod support;
