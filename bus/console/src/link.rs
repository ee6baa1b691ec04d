//! Links that lead out. A provider's address becomes a link only if it is https and its host is one that a feed is read
//! from or a cloud publishes at; it is shown as text first, and tells its target nothing.

use std::collections::BTreeSet;

use entente_correlator::picture::Feed;
use maud::{Markup, html};
use url::{Host, Url};

use crate::name::plain;

/// Hosts on which clouds and vendors publish item pages, beside those that feeds are read from.
const PUBLISHING: &[&str] = &[
    "aka.ms",
    "app.azure.com",
    "azure.status.microsoft",
    "health.aws.amazon.com",
    "portal.azure.com",
    "status.aws.amazon.com",
    "status.azure.com",
    "status.cloud.google.com",
    "stspg.io",
];

/// The hosts that may be linked to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(BTreeSet<String>);

impl Hosts {
    /// The hosts of the feeds' own addresses, and those that clouds publish at.
    pub(crate) fn of(feeds: &[Feed]) -> Self {
        let read = feeds.iter().filter_map(|feed| named_host(feed.address.as_deref()?));
        Self(read.chain(PUBLISHING.iter().map(|host| (*host).to_owned())).collect())
    }
}

/// The host's name of an https address without user or port; none for addresses by number.
fn named_host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    match url.host() {
        Some(Host::Domain(name)) if url.scheme() == "https" && bare => Some(name.to_owned()),
        _ => None,
    }
}

/// An address that may stand in a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SafeHref(String);

impl SafeHref {
    /// The address in its normal form, if it is https and its host is on the list.
    pub(crate) fn new(address: &str, hosts: &Hosts) -> Option<Self> {
        let host = named_host(address)?;
        let url = hosts.0.contains(&host).then(|| Url::parse(address).ok())??;
        Some(Self(url.into()))
    }
}

/// An outer address: its host as text (the address itself where it has none), and a link to it where it is safe.
pub(crate) fn outer(address: &str, hosts: &Hosts) -> Markup {
    let text =
        Url::parse(address).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_else(|| plain(address, 60));
    html! {
        span.addr title=(plain(address, 500)) { (text) }
        @if let Some(SafeHref(href)) = SafeHref::new(address, hosts) {
            " " a href=(href) rel="noopener noreferrer" target="_blank" aria-label={ "Open " (text) } { "open" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn safe(address: &str) -> Option<String> {
        let mut feed = fixture::feed("gcp-public", "gcp");
        feed.address = Some("https://status.example.com/api".into());
        SafeHref::new(address, &Hosts::of(&[feed])).map(|href| href.0)
    }

    #[test]
    fn only_https_to_a_listed_host_is_a_link() {
        assert!(safe("https://status.cloud.google.com/incidents/DK3L").is_some());
        assert!(safe("https://status.example.com/x").is_some());
        for hostile in [
            "javascript:alert(1)",
            "http://status.cloud.google.com/",
            "https://evil.example/status.cloud.google.com",
            "https://status.cloud.google.com@evil.example/",
            "https://status.cloud.google.com:8443/",
            "https://user@status.cloud.google.com/",
            "//status.cloud.google.com/",
            "data:text/html,x",
            "https://127.0.0.1/",
            "https://status.cloud.google.com.evil.example/",
        ] {
            assert_eq!(safe(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn what_is_not_safe_is_still_shown_as_text() {
        let html = outer("javascript:alert(1)\u{202e}", &Hosts::default()).into_string();
        assert_eq!(html, "<span class=\"addr\" title=\"javascript:alert(1)\">javascript:alert(1)</span>");
    }
}
