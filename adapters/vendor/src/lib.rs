//! The adapter of vendors: their public status pages, in JSON or as RSS and Atom, into items. Which vendors are asked
//! without further ado stands in `feeds.toml`, what their words mean in `mapping.toml`.

mod component;
mod csaf;
mod feeds;
mod incident;
mod place;
mod rss;
mod statuspage;
mod words;

pub use csaf::Options;
pub use feeds::{csaf, feed, is_csaf, rss, statuspage, usual};
