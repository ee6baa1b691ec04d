//! Which vendors' pages there are, and how a page becomes a feed: the names under which it is known on the bus for ever.

use std::sync::{Arc, LazyLock};

use entente_schemas::block::ServiceClass;
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::ask::Open;
use entente_sidecar::item::{FeedProfile, Normalize, Vanishing};
use serde::Deserialize;

use crate::csaf::{self, Options};
use crate::recognise::{Kind, by_address};
use crate::rss::Rss;
use crate::statuspage::Statuspage;
use crate::words::mapping;

/// The greatest length of an organisation's slug.
const SLUG_MAX: usize = 24;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    name: String,
    kind: Kind,
    /// The page for people, below which each incident has its own.
    page: String,
    /// What is asked.
    address: String,
    /// The class of what the vendor sells.
    class: ServiceClass,
    /// Further classes that its page has components of.
    #[serde(default)]
    also: Vec<ServiceClass>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    vendor: Vec<Vendor>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("../feeds.toml")).unwrap_or_default());

impl Vendor {
    fn covers(&self) -> Vec<ServiceClass> {
        let mut classes: Vec<ServiceClass> = self.also.iter().copied().chain([self.class]).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}

fn known(name: &str) -> Option<&'static Vendor> {
    TABLE.vendor.iter().find(|vendor| vendor.name == name)
}

/// The feed of a vendor's Statuspage, or of a page that imitates one, at an address. The name is made a slug; one of
/// `feeds.toml` brings its class along.
#[must_use]
pub fn statuspage(name: &str, address: &str) -> Arc<dyn Normalize> {
    let name = slug(name);
    let (page, class) = known(&name).map_or((None, ServiceClass::Other), |v| (Some(v.page.clone()), v.class));
    let profile = profile(&name, "status", format!("statuspage.{name}"), address, known(&name));
    Arc::new(Statuspage { profile, page, class })
}

/// The feed of a vendor's RSS or Atom, at an address. The name is made a slug; one of `feeds.toml` brings its class along.
#[must_use]
pub fn rss(name: &str, address: &str) -> Arc<dyn Normalize> {
    let name = slug(name);
    let class = known(&name).map_or(ServiceClass::Other, |vendor| vendor.class);
    Arc::new(Rss { profile: profile(&name, "rss", format!("rss.{name}"), address, known(&name)), class })
}

/// The feed of a vendor's advisories in CSAF, at the address of its provider metadata or of its host. The name is made a
/// slug; one of `feeds.toml` brings its classes along.
#[must_use]
pub fn csaf(name: &str, address: &str, options: Options) -> Open {
    csaf::open(csaf_profile(name, address), options)
}

/// What does not change about a vendor's feed of advisories.
#[must_use]
pub fn csaf_profile(name: &str, address: &str) -> FeedProfile {
    let name = slug(name);
    let profile = profile(&name, "csaf", format!("csaf.{name}"), address, known(&name));
    // Whether the provider is named by its host or by its metadata, it is one channel.
    let channel = csaf::home(address).map_or_else(|_| address.to_owned(), String::from);
    let speaker = Speaker { channel: Some(channel), ..profile.speaker };
    FeedProfile { speaker, mapping_version: csaf::mapping_version(), ..profile }
}

/// Whether an address says by its end that it is that of a provider of advisories in CSAF.
#[must_use]
pub fn is_csaf(address: &str) -> bool {
    by_address(address) == Some(Kind::Csaf)
}

/// The page of a vendor at an address that somebody gave: of the kind that the address ends in, else that `feeds.toml` names
/// for it. A page that is known by one kind may have been saved, or be read, in another.
#[must_use]
pub fn feed(name: &str, address: &str) -> Arc<dyn Normalize> {
    let usual = known(&slug(name)).map_or(Kind::Statuspage, |vendor| vendor.kind);
    match by_address(address).unwrap_or(usual) {
        Kind::Rss => rss(name, address),
        Kind::Statuspage | Kind::Csaf => statuspage(name, address),
    }
}

/// The usual address of a vendor's status page, or of its RSS.
#[cfg(feature = "account")]
pub(crate) fn usual_address(name: &str, rss: bool) -> Option<&'static str> {
    let kind = if rss { Kind::Rss } else { Kind::Statuspage };
    known(name).filter(|vendor| vendor.kind == kind).map(|vendor| vendor.address.as_str())
}

/// The vendors whose pages are asked unless others are named.
#[must_use]
pub fn usual() -> Vec<Arc<dyn Normalize>> {
    TABLE.vendor.iter().map(|vendor| feed(&vendor.name, &vendor.address)).collect()
}

/// The channel is named by the vendor's page, not by the address that is asked: two that read one page by different ways
/// read one channel.
fn profile(name: &str, kind: &str, system: String, address: &str, vendor: Option<&Vendor>) -> FeedProfile {
    FeedProfile {
        slug: format!("{name}-{kind}"),
        speaker: Speaker {
            org: name.to_owned(),
            role: Role::Vendor,
            channel: Some(vendor.map_or_else(|| system.clone(), |vendor| vendor.page.clone())),
            relay: Relay::Polled,
        },
        system,
        address: address.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: vendor.map_or_else(|| vec![ServiceClass::Other], Vendor::covers),
        mapping_version: mapping().version(),
    }
}

/// A vendor's name as a slug: `a-z0-9-`, 24 characters.
fn slug(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let slug: String = name.trim().chars().map(fits).collect();
    let slug: String = slug.trim_matches('-').chars().take(SLUG_MAX).collect();
    if slug.is_empty() { "vendor".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use entente_schemas::subject::{is_feed, is_slug};

    use super::*;

    #[test]
    fn the_usual_vendors_have_names_and_addresses_that_the_bus_takes() {
        let feeds = usual();
        assert!(feeds.len() >= 20, "feeds.toml did not parse");
        let mut slugs = BTreeSet::new();
        for feed in &feeds {
            let profile = feed.profile();
            assert!(is_slug(&profile.speaker.org) && is_feed(&profile.slug), "{}", profile.slug);
            assert!(profile.address.starts_with("https://"), "{}", profile.address);
            assert!(!profile.covers.contains(&ServiceClass::Other), "{}: a class is no word of the bus", profile.slug);
            assert!(slugs.insert(profile.slug.clone()), "{} stands twice", profile.slug);
        }
        assert!(slugs.contains("github-status"));
    }

    #[test]
    fn a_name_is_made_a_slug_and_an_address_tells_the_kind() {
        assert_eq!(statuspage("My Vendor, Inc.", "x").profile().slug, "my-vendor--inc-status");
        assert_eq!(statuspage("  ", "x").profile().speaker.org, "vendor");
        assert!(is_slug(&slug(&"long name ".repeat(9))));
        assert_eq!(feed("acme", "https://status.acme.test/history.rss").profile().system, "rss.acme");
        assert_eq!(feed("acme", "https://status.acme.test/api/v2/summary.json").profile().system, "statuspage.acme");
        assert_eq!(feed("GitHub", "/recorded/history.rss").profile().system, "rss.github");
        assert_eq!(feed("github", "/recorded/page").profile().system, "statuspage.github");
        assert_eq!(feed("github", "x").profile().address, "x");
    }
}
