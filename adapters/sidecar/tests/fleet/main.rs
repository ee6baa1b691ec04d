//! A fleet's whole way, from sightings of single devices to the picture that the correlator makes of what is said of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod ended;
mod figures;
mod hidden;
mod neighbours;
mod picture;
mod plain;
mod repairs;
mod said;
mod shown;
mod stage;
