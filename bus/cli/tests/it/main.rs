//! The command as its users run it: the built program, real files, a real HTTP server.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod advisories;
mod audience;
mod double;
mod help;
mod live;
mod mistakes;
mod played;
mod publish;
mod run;
mod running;
mod sharing;
mod show;
mod station;
