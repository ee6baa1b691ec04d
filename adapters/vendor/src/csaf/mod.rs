//! Advisories in CSAF, the standard for machine-readable security advisories: from a provider's metadata to its lists, from
//! there to the documents that are new, and from a document to what it advises.

mod advice;
mod checksum;
mod cited;
mod claims;
mod discovery;
mod document;
mod due;
mod feed;
mod hosts;
mod listing;
mod lists;
mod many;
mod metadata;
mod numbering;
mod products;
mod reading;
mod remedy;
mod shelf;
mod table;
mod told;
mod void;
mod web;

use std::sync::Arc;

use entente_sidecar::ask::{Open, OpenError};
use entente_sidecar::item::FeedProfile;
use url::Url;

pub use feed::Options;

use feed::CsafFeed;

/// The last part of the address of a provider's metadata.
pub(crate) const METADATA: &str = "provider-metadata.json";
/// Where a provider's metadata stand on a host, if they stand nowhere else.
const WELL_KNOWN: &str = "/.well-known/csaf/provider-metadata.json";

/// What is asked of a provider of this profile, whose address is that of its metadata or of its host.
#[must_use]
pub(crate) fn open(profile: FeedProfile, options: Options) -> Open {
    Arc::new(move || {
        let home = home(&profile.address)?;
        Ok(Box::new(CsafFeed::new(profile.clone(), home, options.clone())?))
    })
}

/// Whether an address may be asked for advisories at all: over https, or on this machine.
///
/// # Errors
/// If it may not, with the reason.
pub fn may_be_asked(url: &Url) -> Result<(), String> {
    hosts::Hosts::of(url).map(drop).map_err(|error| error.to_string())
}

/// The version of the table of CSAF's words.
pub(crate) fn mapping_version() -> u32 {
    table::table().mapping.version()
}

/// The address of a provider's metadata, where it or that of its host was given.
///
/// # Errors
/// If it is no address.
pub(crate) fn home(address: &str) -> Result<Url, OpenError> {
    let mut url = Url::parse(address.trim()).map_err(|error| {
        OpenError::Needs(format!("`{address}` is no address of a CSAF provider: {error}; expected https://host/path"))
    })?;
    if url.path() == "/" {
        url.set_path(WELL_KNOWN);
    }
    Ok(url)
}
