//! The adapter of vendors: their public status pages, in JSON or as RSS and Atom, into items. Which vendors are asked
//! without further ado stands in `feeds.toml`, what their words mean in `mapping.toml`.

mod component;
mod feeds;
mod incident;
mod place;
pub mod post;
mod rss;
mod statuspage;
pub mod syndication;
mod words;

pub use feeds::{feed, rss, statuspage, usual};
