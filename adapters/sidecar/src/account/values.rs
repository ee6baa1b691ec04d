//! Values of settings as people write them: lengths of time, addresses, slugs. Each says what it expected.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use url::{Host, Url};

/// A length of time, written `250ms`, `20s`, `10m` or `1h`; never nothing, at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Duration);

const LENGTH_MAX: Duration = Duration::from_secs(24 * 3_600);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let read = |(unit, ms): (&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(ms);
        let length = units.into_iter().find_map(read).map(Duration::from_millis);
        let length = length.filter(|length| !length.is_zero() && *length <= LENGTH_MAX);
        length
            .map(Self)
            .ok_or_else(|| "expected a length of time such as 250ms, 20s, 10m or 1h, at most 24h".to_owned())
    }
}

/// The address of an API that is called instead of the provider's own: a proxy, a private endpoint, a double. Over https
/// anywhere, over http on this machine only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The address as text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected an https address, or an http one on this machine, without a name or password in it";
        let url = Url::parse(text).map_err(|_| expected.to_owned())?;
        let plain = url.scheme() == "http" && is_loopback(&url);
        let bare =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.host().is_some();
        if bare && url.fragment().is_none() && (plain || url.scheme() == "https") {
            Ok(Self(url))
        } else {
            Err(expected.to_owned())
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Reads a value from a text; for `#[serde(deserialize_with)]` of what is written as one.
struct Text<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text.trim()).map_err(|expected| E::custom(format!("`{text}`: {expected}")))
    }
}

/// Reads a text by `parse`, whose error says what it expected.
///
/// # Errors
/// If there is no text, or `parse` refuses it.
pub fn from_text<'de, D: Deserializer<'de>, T>(from: D, parse: fn(&str) -> Result<T, String>) -> Result<T, D::Error> {
    from.deserialize_str(Text(parse))
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, str::parse)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, str::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_needs_a_unit_and_an_end() {
        let length = |text: &str| text.parse::<Length>().map(|length| length.0.as_millis()).ok();
        assert_eq!([length("250ms"), length("20s"), length("10m")], [Some(250), Some(20_000), Some(600_000)]);
        for text in ["", "20", "s", "0s", "-1s", "1.5s", "25h", "1d", "18446744073709551615h"] {
            assert_eq!(length(text), None, "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_reached_over_https_or_on_this_machine() {
        for text in ["https://vpce.acme.example", "http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:9"] {
            assert!(text.parse::<Endpoint>().is_ok(), "{text}");
        }
        for text in [
            "http://acme.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://me:pw@acme.example",
            "https://acme.example/?key=1",
            "127.0.0.1:80",
            "http://localhost.acme.example",
            "",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        assert_eq!("http://127.0.0.1:8080".parse::<Endpoint>().unwrap().as_str(), "http://127.0.0.1:8080");
    }
}
