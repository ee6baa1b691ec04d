//! Which hosts are asked: the one of the provider's metadata and those that the metadata names for its lists, with their
//! neighbours of the same domain, by https. What a list, a document or a redirect names beyond them is not asked, whoever
//! it may be; only the metadata themselves may have moved to another public host.

use std::collections::BTreeSet;
use std::fmt;

use url::{Host, Url};

/// The hosts of one provider.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    named: BTreeSet<String>,
    /// The domains of those that are named and public.
    domains: BTreeSet<String>,
    /// Whether the provider itself stands within a private network, and may name its neighbours.
    inside: bool,
    /// Whether a redirect may lead to any public host.
    roving: bool,
}

/// Why an address is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// Read by anybody on the way.
    #[error("{0} is not asked over plain http; expected https")]
    Plain(Place),
    /// A host that the metadata does not name.
    #[error("{0} is no host that the provider's metadata names for its lists")]
    Foreign(Place),
    /// A public provider that sends us into our own network.
    #[error("{0} stands within a private network, where a public provider has no lists")]
    Inside(Place),
}

/// Host and port, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Hosts {
    /// The host of a provider's metadata.
    ///
    /// # Errors
    /// If it is not asked by https; loopback may be asked by http.
    pub(crate) fn of(home: &Url) -> Result<Self, HostError> {
        is_safe(home)?;
        let mut hosts =
            Self { named: BTreeSet::new(), domains: BTreeSet::new(), inside: is_inside(home), roving: false };
        hosts.insert(home);
        Ok(hosts)
    }

    /// Whether redirects may lead away from the hosts that are named: those of the metadata may, for the metadata alone say
    /// where the provider is.
    pub(crate) fn rove(&mut self, roving: bool) {
        self.roving = roving;
    }

    /// Adds a host that the metadata names for a list.
    ///
    /// # Errors
    /// If it is not asked by https, or a public provider names a private one.
    pub(crate) fn name(&mut self, url: &Url) -> Result<(), HostError> {
        self.nameable(url)?;
        self.insert(url);
        Ok(())
    }

    /// Whether an address is asked.
    ///
    /// # Errors
    /// If it is not, with the reason.
    pub(crate) fn allows(&self, url: &Url) -> Result<(), HostError> {
        is_safe(url)?;
        let neighbour = || url.port().is_none() && domain(url).is_some_and(|domain| self.domains.contains(&domain));
        if self.named.contains(&place(url).0) || neighbour() { Ok(()) } else { Err(HostError::Foreign(place(url))) }
    }

    /// Whether a redirect is followed.
    ///
    /// # Errors
    /// If it is not, with the reason.
    pub(crate) fn follows(&self, url: &Url) -> Result<(), HostError> {
        if self.roving { self.nameable(url) } else { self.allows(url) }
    }

    fn nameable(&self, url: &Url) -> Result<(), HostError> {
        is_safe(url)?;
        if is_inside(url) && !self.inside { Err(HostError::Inside(place(url))) } else { Ok(()) }
    }

    fn insert(&mut self, url: &Url) {
        self.named.insert(place(url).0);
        if url.port().is_none() {
            self.domains.extend(domain(url));
        }
    }
}

/// The domain that a public host's name belongs to: its last two labels, or three where the last two are a country's and a
/// short word below it, as in `co.uk`. None of an address.
fn domain(url: &Url) -> Option<String> {
    let Some(Host::Domain(name)) = url.host() else { return None };
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let own = match labels[..] {
        [.., below, country] if country.len() == 2 && below.len() <= 3 => 3,
        _ => 2,
    };
    let labels = labels.get(labels.len().checked_sub(own)?..)?;
    (!is_localhost(name)).then(|| labels.join("."))
}

fn is_safe(url: &Url) -> Result<(), HostError> {
    let plain_at_home = url.scheme() == "http" && is_loopback(url);
    if url.scheme() == "https" || plain_at_home { Ok(()) } else { Err(HostError::Plain(place(url))) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether the address says by itself that it stands within a private network.
fn is_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => {
            address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()
        }
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some();
            address.is_loopback() || address.is_unspecified() || mapped || matches!(address.octets()[0], 0xfc..=0xfe)
        }
        Some(Host::Domain(name)) => is_localhost(name),
        None => true,
    }
}

fn place(url: &Url) -> Place {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let host = url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned);
    Place(format!("{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_provider_s_hosts_are_those_that_its_metadata_names() {
        let mut hosts = Hosts::of(&url("https://www.acme.example/.well-known/csaf/provider-metadata.json")).unwrap();
        hosts.name(&url("https://csaf.acme.example/white/feed.json")).unwrap();
        assert_eq!(hosts.allows(&url("https://csaf.acme.example/2024/a.json")), Ok(()));
        assert_eq!(hosts.allows(&url("https://www.acme.example:443/b.json")), Ok(()));
        assert_eq!(hosts.allows(&url("https://documents.cloud.acme.example/a.json")), Ok(()), "of the same domain");
        for foreign in [
            "https://evil.example/a.json",
            "https://acme.example.evil.example/a.json",
            "https://notacme.example/a.json",
            "https://csaf.acme.example:8443/a.json",
        ] {
            assert!(matches!(hosts.allows(&url(foreign)), Err(HostError::Foreign(_))), "{foreign}");
        }
        for plain in ["http://csaf.acme.example/a.json", "ftp://csaf.acme.example/a.json", "file:///etc/passwd"] {
            assert!(matches!(hosts.allows(&url(plain)), Err(HostError::Plain(_))), "{plain}");
        }
        for inside in [
            "https://127.0.0.1/a",
            "https://10.1.2.3/a",
            "https://169.254.169.254/a",
            "https://[::1]/a",
            "https://[fd00::1]/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://x.localhost/a",
            "https://0.0.0.0/a",
        ] {
            assert!(matches!(hosts.name(&url(inside)), Err(HostError::Inside(_))), "{inside}");
        }
    }

    #[test]
    fn neighbours_are_hosts_of_one_domain_and_a_country_s_own_words_make_none() {
        let of = |home: &str, other: &str| Hosts::of(&url(home)).unwrap().allows(&url(other)).is_ok();
        assert!(of("https://msrc.acme.com/csaf", "https://api.msrc.acme.com/csaf"));
        assert!(of("https://www.acme.co.uk/", "https://csaf.acme.co.uk/"));
        assert!(!of("https://www.acme.co.uk/", "https://www.evil.co.uk/"));
        assert!(!of("https://198.51.100.7/", "https://198.51.100.8/"));
        assert!(!of("https://www.acme.com:8443/", "https://csaf.acme.com/"), "a port of its own is a host of its own");
    }

    #[test]
    fn metadata_may_have_moved_to_another_public_host_and_nothing_else_may() {
        let mut hosts = Hosts::of(&url("https://www.acme.example/")).unwrap();
        let (moved, inside, plain) =
            (url("https://cert.example/x.json"), url("https://10.1.2.3/x"), url("http://cert.example/x.json"));
        assert!(matches!(hosts.follows(&moved), Err(HostError::Foreign(_))));
        hosts.rove(true);
        assert_eq!(hosts.follows(&moved), Ok(()));
        assert!(matches!(hosts.follows(&inside), Err(HostError::Inside(_))));
        assert!(matches!(hosts.follows(&plain), Err(HostError::Plain(_))));
        assert!(hosts.allows(&moved).is_err(), "it is not named by that");
    }

    #[test]
    fn loopback_may_be_asked_by_http_and_names_its_neighbours() {
        let mut hosts = Hosts::of(&url("http://127.0.0.1:8080/provider-metadata.json")).unwrap();
        hosts.name(&url("http://localhost:8081/feed.json")).unwrap();
        assert_eq!(hosts.allows(&url("http://localhost:8081/a.json")), Ok(()));
        assert!(hosts.allows(&url("http://127.0.0.1:9999/a.json")).is_err());
        assert!(Hosts::of(&url("http://acme.example/provider-metadata.json")).is_err());
    }
}
