//! A provider's metadata: where its lists of documents stand. Lists as ROLIE feeds are preferred to directories, which
//! hold the same documents; the contacts are for people.

use entente_schemas::tlp::Tlp;
use entente_sidecar::decode::{Part, json, refuse};
use entente_sidecar::item::Refusal;
use serde::Deserialize;
use url::Url;

use super::hosts::Hosts;
use super::many::Many;
use super::table::table;

/// What stands in the place of a marking where there is none.
const UNLABELED: &str = "UNLABELED";

/// A list of documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    pub(crate) url: Url,
    /// The marking of what stands in it.
    pub(crate) label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A feed of RFC 8322, in JSON.
    Rolie,
    /// A folder with `changes.csv` and `index.txt`.
    Directory,
}

/// What a provider's metadata come to.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) sources: Vec<Source>,
    /// Lists that are not asked.
    pub(crate) refused: Vec<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    canonical_url: Option<String>,
    #[serde(default)]
    distributions: Many<Part<Distribution>>,
}

#[derive(Debug, Deserialize)]
struct Distribution {
    #[serde(default)]
    rolie: Option<Rolie>,
    #[serde(default)]
    directory_url: Option<String>,
    /// As CSAF 2.1 writes it.
    #[serde(default)]
    directory: Option<Place>,
}

#[derive(Debug, Deserialize)]
struct Rolie {
    #[serde(default)]
    feeds: Many<Part<Place>>,
}

#[derive(Debug, Deserialize)]
struct Place {
    url: String,
    #[serde(default)]
    tlp_label: Option<String>,
}

/// Reads a provider's metadata and names the hosts of its lists.
///
/// # Errors
/// If it is no such document, or names no list that may be asked.
pub(crate) fn provider(body: &[u8], home: &Url, hosts: &mut Hosts) -> Result<Provider, Refusal> {
    let metadata: Metadata = json(body)?;
    let canonical = metadata.canonical_url.as_deref().and_then(|text| Url::parse(text).ok());
    // The provider may answer under a name of its own beside the one that was given; if it may not be asked, it is not.
    canonical.iter().for_each(|url| drop(hosts.name(url)));
    let mut provider = Provider { sources: Vec::new(), refused: Vec::new() };
    for (index, part) in metadata.distributions.iter().enumerate() {
        match part.make(|| format!("distribution {}", index + 1), Ok::<_, std::convert::Infallible>) {
            Ok(distribution) => provider.distribution(distribution, home, hosts),
            Err(refusal) => provider.refused.push(refusal),
        }
    }
    // Of what only feeds for few would tell, the folders for everybody do.
    if provider.sources.iter().any(|source| source.kind == Kind::Rolie && source.is_open()) {
        provider.sources.retain(|source| source.kind == Kind::Rolie);
    }
    provider.sources.sort();
    provider.sources.dedup_by(|a, b| (a.kind, &a.url) == (b.kind, &b.url));
    if provider.sources.is_empty() {
        let first = provider.refused.first().map(|refusal| format!(": {}", refusal.reason)).unwrap_or_default();
        return Err(refuse(
            format!("the provider's metadata name no list of documents that may be asked{first}"),
            body,
        ));
    }
    Ok(provider)
}

impl Source {
    /// Whether it is there for everybody, as far as its marking says.
    pub(crate) fn is_open(&self) -> bool {
        self.label.as_deref().and_then(|label| table().tlp(label)).is_none_or(|tlp| tlp == Tlp::Clear)
    }
}

impl Provider {
    fn distribution(&mut self, distribution: &Distribution, home: &Url, hosts: &mut Hosts) {
        for (index, part) in distribution.rolie.iter().flat_map(|rolie| rolie.feeds.iter()).enumerate() {
            match part.make(|| format!("rolie feed {}", index + 1), Ok::<_, std::convert::Infallible>) {
                Ok(place) => self.add(Kind::Rolie, &place.url, place.tlp_label.as_deref(), home, hosts),
                Err(refusal) => self.refused.push(refusal),
            }
        }
        if let Some(url) = &distribution.directory_url {
            self.add(Kind::Directory, url, None, home, hosts);
        }
        if let Some(place) = &distribution.directory {
            self.add(Kind::Directory, &place.url, place.tlp_label.as_deref(), home, hosts);
        }
    }

    fn add(&mut self, kind: Kind, text: &str, label: Option<&str>, home: &Url, hosts: &mut Hosts) {
        let text = if kind == Kind::Directory { format!("{}/", text.trim_end_matches('/')) } else { text.to_owned() };
        let url = home.join(&text).map_err(|error| error.to_string());
        match url.and_then(|url| hosts.name(&url).map(|()| url).map_err(|error| error.to_string())) {
            Ok(url) => {
                let label = label.filter(|label| !label.trim().eq_ignore_ascii_case(UNLABELED)).map(str::to_owned);
                self.sources.push(Source { kind, url, label });
            }
            Err(reason) => self.refused.push(Refusal {
                reason: format!("a list of the provider is not asked: {reason}"),
                position: Some(text.chars().take(200).collect()),
                input: text.into_bytes(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "https://www.acme.example/.well-known/csaf/provider-metadata.json";

    fn read(json: &str) -> Result<Provider, Refusal> {
        let home = Url::parse(HOME).unwrap();
        let mut hosts = Hosts::of(&home).unwrap();
        provider(json.as_bytes(), &home, &mut hosts)
    }

    #[test]
    fn lists_are_found_in_every_form_and_rolie_is_preferred() {
        let both = r#"{"distributions":[{"directory_url":"https://csaf.acme.example/all"},
            {"rolie":{"feeds":[{"url":"https://csaf.acme.example/white.json","tlp_label":"WHITE"}]}}]}"#;
        let provider = read(both).unwrap();
        assert_eq!(provider.sources.len(), 1);
        assert_eq!((provider.sources[0].kind, provider.sources[0].label.as_deref()), (Kind::Rolie, Some("WHITE")));
        let folders = r#"{"distributions":[{"directory_url":"https://csaf.acme.example/all"},
            {"directory":{"url":"https://csaf.acme.example/green/","tlp_label":"GREEN"}},{"directory_url":"/own"}]}"#;
        let urls = read(folders).unwrap().sources.into_iter().map(|source| source.url.to_string()).collect::<Vec<_>>();
        let expected =
            ["https://csaf.acme.example/all/", "https://csaf.acme.example/green/", "https://www.acme.example/own/"];
        assert_eq!(urls, expected);
    }

    #[test]
    fn a_feed_for_few_keeps_no_folder_for_all_from_being_read_and_unlabeled_is_no_marking() {
        let few = r#"{"distributions":[{"directory_url":"https://csaf.acme.example/all"},
            {"rolie":{"feeds":[{"url":"https://csaf.acme.example/amber.json","tlp_label":"AMBER"}]}}]}"#;
        let kinds: Vec<Kind> = read(few).unwrap().sources.iter().map(|source| source.kind).collect();
        assert_eq!(kinds, [Kind::Rolie, Kind::Directory]);
        let unlabeled = few.replace("AMBER", "UNLABELED");
        let sources = read(&unlabeled).unwrap().sources;
        assert_eq!((sources.len(), sources[0].label.as_deref()), (1, None));
    }

    #[test]
    fn a_list_that_may_not_be_asked_costs_only_itself() {
        let mixed = r#"{"distributions":[7,{"rolie":{"feeds":[{"url":"http://csaf.acme.example/a.json"},
            {"url":"https://169.254.169.254/b.json"},{},{"url":"https://csaf.acme.example/c.json"}]}}]}"#;
        let provider = read(mixed).unwrap();
        assert_eq!((provider.sources.len(), provider.refused.len()), (1, 4));
        for none in ["{}", "[]", "7", r#"{"distributions":[{"directory_url":"http://acme.example/"}]}"#, "<html>"] {
            assert!(read(none).is_err(), "{none}");
        }
    }
}
