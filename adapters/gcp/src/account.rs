//! What an account sees of Google Cloud: machines, what is done to them, what Google says to whom it concerns, and patch
//! jobs. Read-only, through Google's own clients.

mod adapter;
mod api;
mod asked;
mod atlas;
mod check;
mod clients;
mod compute;
mod config;
mod cursor;
mod failure;
mod feed;
mod google;
mod kept;
mod operations;
mod osconfig;
mod pages;
mod psh;
mod redact;
#[cfg(test)]
mod tests;

pub use adapter::Gcp;
pub use config::Feeds;
