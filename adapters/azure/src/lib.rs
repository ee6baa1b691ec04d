//! The adapter of Azure: its public status feed into items, and what an account sees of its own, through Azure's management
//! interface and what Azure sends by itself. What names mean stands in `mapping.toml` (services), `regions.toml` (regions),
//! `service-health.toml` and `kinds.toml` (events),
//! `resource-health.toml` and `signs.toml` (single resources).

#[cfg(feature = "account")]
mod account;
#[cfg(feature = "account")]
mod arm;
#[cfg(feature = "account")]
mod asking;
#[cfg(feature = "account")]
mod availability;
#[cfg(feature = "account")]
mod camel;
#[cfg(feature = "account")]
mod feed;
#[cfg(feature = "account")]
mod machine;
#[cfg(feature = "account")]
mod matter;
#[cfg(feature = "account")]
mod place;
#[cfg(feature = "account")]
mod push;
mod region;
#[cfg(feature = "account")]
mod repair;
#[cfg(feature = "account")]
mod resource;
#[cfg(feature = "account")]
mod scrub;
#[cfg(feature = "account")]
mod signs;
mod status_rss;
#[cfg(all(test, feature = "account"))]
mod tests;

#[cfg(feature = "account")]
pub use account::Azure;
pub use status_rss::status_rss;
