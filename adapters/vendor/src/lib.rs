//! The adapter of vendors: their public status pages, in JSON or as RSS and Atom, and their advisories in CSAF, into items.
//! Which vendors are asked without further ado stands in `feeds.toml`, what their words mean in `mapping.toml` and `csaf.toml`.

#[cfg(feature = "account")]
mod account;
mod component;
mod csaf;
mod feeds;
mod incident;
mod place;
mod recognise;
mod rss;
mod statuspage;
mod words;

#[cfg(feature = "account")]
pub use account::{Feeds, Vendor};
pub use csaf::{Options, may_be_asked};
pub use feeds::{csaf, csaf_profile, feed, is_csaf, rss, statuspage, usual};
pub use recognise::{Kind, kind};
