//! What the views say, on small logs that were written by hand: what is owed, how many, as told by whom, what is withdrawn.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod figures;
mod repairs;
mod requests;
mod told;
mod withdrawn;
mod written;
