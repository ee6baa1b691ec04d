//! The log's promises on a real nats-server: nothing lost, nothing doubled, nothing taken that no client should send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by them what it found"
)]

mod anew;
mod clock;
mod disk;
mod erase;
mod feed;
mod kills;
mod lost;
mod outbox;
mod server;
mod topology;
mod traps;
mod trial;
mod verify;
mod way;
