//! The words as others see them: files, bytes, names and sizes. One binary, a room for each promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects and fails where it does not hold"
)]

mod drift;
mod examples;
mod golden;
mod hostile;
mod making;
mod open_words;
mod round_trip;
mod size;
