//! The server as it is asked, over a real nats-server and real HTTP on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by them what it found"
)]

mod answers;
mod claims;
mod groups;
mod hostile;
mod live;
mod names;
mod pages;
mod shared;
mod trial;
mod upheaval;
