//! What kind of feed stands at an address that somebody gave: as its answer shows, else as the address itself says.

use entente_sidecar::decode::text;
use entente_sidecar::fetch::Fetch;
use entente_sidecar::poll::Answer;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use crate::csaf;

/// Characters of a text in which its first element must have begun.
const BEGINNING: usize = 2_000;

/// How a vendor's feed is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Statuspage v2, or a page that imitates it.
    Statuspage,
    /// RSS or Atom.
    Rss,
    /// A provider of advisories in CSAF.
    Csaf,
}

/// A provider's metadata, as far as they tell what they are.
#[derive(Deserialize)]
struct Metadata {
    distributions: Option<IgnoredAny>,
}

/// The kind that an address itself says, by its end; a host alone says none.
pub(crate) fn by_address(address: &str) -> Option<Kind> {
    let path = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_lowercase();
    let ends = |with: &[&str]| with.iter().any(|end| path.ends_with(end));
    match () {
        () if ends(&[csaf::METADATA]) => Some(Kind::Csaf),
        () if ends(&[".rss", ".atom", ".xml", "/rss", "/atom", "/feed"]) => Some(Kind::Rss),
        () if ends(&[".json"]) => Some(Kind::Statuspage),
        () => None,
    }
}

/// Asks an address once, and gives the kind that its answer shows. A host's address that answers with a page for people, or
/// not at all, is taken as that of a provider of CSAF, whose metadata are then looked for; of any other none is given.
pub async fn kind(url: &Url) -> Option<Kind> {
    if by_address(url.as_str()) == Some(Kind::Csaf) {
        return Some(Kind::Csaf);
    }
    let answer = match Fetch::new(url.clone()) {
        Ok(mut fetch) => fetch.ask().await.ok(),
        Err(_) => None,
    };
    let shown = answer.and_then(|answer| if let Answer::Body(body) = answer { by_answer(&body) } else { None });
    let kind = shown.or((url.path() == "/" && by_address(url.as_str()).is_none()).then_some(Kind::Csaf));
    kind.filter(|kind| *kind != Kind::Csaf || csaf::may_be_asked(url).is_ok())
}

/// The kind of an answer; none of a page for people and of what nobody knows.
fn by_answer(body: &[u8]) -> Option<Kind> {
    let text = text(body).ok()?;
    let text = text.trim_start();
    if text.starts_with('<') {
        let beginning: String = text.chars().take(BEGINNING).collect();
        let begins = |element: &&str| beginning.contains(*element);
        return ["<rss", "<feed", "<rdf:RDF"].iter().any(begins).then_some(Kind::Rss);
    }
    if serde_json::from_str::<Metadata>(text).is_ok_and(|metadata| metadata.distributions.is_some()) {
        return Some(Kind::Csaf);
    }
    crate::incident::answer(body).ok().map(|_| Kind::Statuspage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_what_it_is() {
        for (answer, kind) in [
            ("{\"canonical_url\":\"x\",\"distributions\":[]}", Some(Kind::Csaf)),
            ("\u{feff}<?xml version=\"1.0\"?>\n<!-- ours --><rss version=\"2.0\"/>", Some(Kind::Rss)),
            ("<feed xmlns=\"http://www.w3.org/2005/Atom\"/>", Some(Kind::Rss)),
            ("{\"page\":{},\"incidents\":[]}", Some(Kind::Statuspage)),
            ("[]", Some(Kind::Statuspage)),
            ("<!doctype html><html><title>feed</title></html>", None),
            ("{\"hello\":1}", None),
            ("", None),
        ] {
            assert_eq!(by_answer(answer.as_bytes()), kind, "{answer}");
        }
    }

    #[test]
    fn an_address_says_it_by_its_end() {
        for (address, kind) in [
            ("https://acme.example/.well-known/csaf/provider-metadata.json?x", Some(Kind::Csaf)),
            ("https://status.acme.example/history.RSS", Some(Kind::Rss)),
            ("https://status.acme.example/api/v2/summary.json", Some(Kind::Statuspage)),
            ("https://www.acme.example/", None),
        ] {
            assert_eq!(by_address(address), kind, "{address}");
        }
    }
}
