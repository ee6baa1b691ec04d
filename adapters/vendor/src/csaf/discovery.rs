//! Where a provider's metadata stand: at the address that was given; of a host's usual address that does not have them, where
//! the host's `security.txt` says, else at the name that the standard reserves in its domain.

use entente_sidecar::decode::ANSWER_MAX;
use entente_sidecar::fetch::Validators;
use entente_sidecar::poll::Failure;
use url::{Host, Url};

use super::WELL_KNOWN;
use super::lists::{absent, too_large};
use super::web::{Got, Web, is_closed};

/// Where hosts say how to reach their people; the second is the older place.
const SECURITY: [&str; 2] = ["/.well-known/security.txt", "/security.txt"];
/// Bytes of such a text that are read.
const SECURITY_MAX: usize = 64 * 1024;
/// Its field for what is looked for.
const FIELD: &str = "csaf";
/// Of its addresses so many are tried.
const NAMED_MAX: usize = 8;
/// Before a domain's name, where it serves its metadata.
const RESERVED: &str = "csaf.data.security.";

/// A provider's metadata, as they are looked for.
#[derive(Debug)]
pub(crate) struct Home {
    given: Url,
    /// Where they were found, if that is elsewhere.
    found: Option<Url>,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// The metadata, by what the server knows them, and their address.
    Whole(Vec<u8>, Validators, Url),
    /// The same as before.
    Unchanged,
}

/// What one address has of metadata.
enum Tried {
    Found(Found),
    /// Nothing, or something else; what is to be said of it if they are nowhere.
    Not(Result<Found, Failure>),
}

impl Home {
    pub(crate) fn new(given: Url) -> Self {
        Self { given, found: None }
    }

    /// The address that was given.
    pub(crate) fn given(&self) -> &Url {
        &self.given
    }

    /// Asks for the metadata, where they were found before or anew.
    ///
    /// # Errors
    /// If they do not answer, or are nowhere.
    pub(crate) async fn ask(&mut self, web: &mut Web, known: &Validators) -> Result<Found, Failure> {
        if let Some(found) = self.found.clone()
            && let Tried::Found(found) = tried(web, &found, known).await?
        {
            return Ok(found);
        }
        let none = Validators::default();
        let known = if self.found.take().is_some() { &none } else { known };
        match tried(web, &self.given, known).await? {
            Tried::Found(found) => Ok(found),
            Tried::Not(otherwise) if self.given.path() != WELL_KNOWN => otherwise,
            Tried::Not(otherwise) => match self.elsewhere(web).await {
                Some((at, found)) => {
                    self.found = Some(at);
                    Ok(found)
                }
                None => otherwise,
            },
        }
    }

    /// Looks where the host says, then at the reserved name. What fails there is not there.
    async fn elsewhere(&self, web: &mut Web) -> Option<(Url, Found)> {
        let mut places = named(web, &self.given).await;
        places.extend(reserved(&self.given));
        for at in places {
            if let Ok(Tried::Found(found)) = tried(web, &at, &Validators::default()).await {
                return Some((at, found));
            }
        }
        None
    }
}

async fn tried(web: &mut Web, at: &Url, known: &Validators) -> Result<Tried, Failure> {
    let nowhere = "provider metadata stand at this address, nor where its host says";
    Ok(match web.find(at, known, ANSWER_MAX).await {
        Ok((Got::Unchanged, _)) => Tried::Found(Found::Unchanged),
        Ok((Got::Whole(body, known), at)) => {
            let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
            let found = Found::Whole(body, known, at);
            if is_object { Tried::Found(found) } else { Tried::Not(Ok(found)) }
        }
        Ok((Got::Absent, _)) => Tried::Not(Err(absent(nowhere))),
        Ok((Got::TooLarge, _)) => Tried::Not(Err(too_large("the provider's metadata have"))),
        Err(failure) if is_closed(&failure) => Tried::Not(Err(failure)),
        Err(failure) => return Err(failure),
    })
}

/// The addresses in the host's `security.txt`.
async fn named(web: &mut Web, host: &Url) -> Vec<Url> {
    for place in SECURITY {
        let Ok(at) = host.join(place) else { continue };
        if let Ok((Got::Whole(body, _), at)) = web.find(&at, &Validators::default(), SECURITY_MAX).await {
            return fields(&String::from_utf8_lossy(&body), &at);
        }
    }
    Vec::new()
}

/// The values of the field for CSAF, as addresses, in their order.
fn fields(text: &str, at: &Url) -> Vec<Url> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let values = pairs.filter(|(field, _)| field.trim().eq_ignore_ascii_case(FIELD)).map(|(_, value)| value.trim());
    values.filter_map(|value| at.join(value).ok()).take(NAMED_MAX).collect()
}

/// The reserved name in the domain of a public host: of the host itself if it bears it, else of what it is called without
/// the name of its web server.
fn reserved(host: &Url) -> Option<Url> {
    let Some(Host::Domain(name)) = host.host() else { return None };
    let name = if name.starts_with(RESERVED) {
        name.to_owned()
    } else {
        format!("{RESERVED}{}", name.strip_prefix("www.").unwrap_or(name))
    };
    Url::parse(&format!("https://{name}/")).ok().filter(|_| host.scheme() == "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_security_txt_names_metadata_in_its_own_field() {
        let text = "-----BEGIN PGP SIGNED MESSAGE-----\n# CSAF: https://comment.example/\nContact: mailto:a@acme.example\n\
                    CSAF: https://cert.acme.example/csaf/provider-metadata.json\r\ncsaf : /own/provider-metadata.json\nCSAF: http://[\n";
        let named = fields(text, &url("https://www.acme.example/.well-known/security.txt"));
        let expected = [
            "https://cert.acme.example/csaf/provider-metadata.json",
            "https://www.acme.example/own/provider-metadata.json",
        ];
        assert_eq!(named, expected.map(url));
        assert_eq!(fields(&"CSAF: https://a.example/\n".repeat(99), &url("https://acme.example")).len(), NAMED_MAX);
    }

    #[test]
    fn the_reserved_name_stands_in_the_domain() {
        let of = |host: &str| reserved(&url(host)).map(String::from);
        assert_eq!(of("https://www.acme.example/x").as_deref(), Some("https://csaf.data.security.acme.example/"));
        assert_eq!(
            of("https://csaf.data.security.acme.example").as_deref(),
            Some("https://csaf.data.security.acme.example/")
        );
        assert_eq!((of("https://198.51.100.7/"), of("http://localhost/")), (None, None));
    }
}
