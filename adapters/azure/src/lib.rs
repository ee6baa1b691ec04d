//! The adapter of Azure: its public status feed into items. What its categories mean stands in `mapping.toml` (services)
//! and `regions.toml` (regions).

mod region;
mod status_rss;

pub use status_rss::status_rss;
