//! Where a sidecar answers its neighbours: a port of loopback, or a socket in the file system.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::values::from_text;

/// An address that only this machine reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A port of loopback; 0 takes a free one.
    Port(SocketAddr),
    /// A Unix socket.
    Socket(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected an address of this machine alone: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH".to_owned();
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') { Ok(Self::Socket(path.into())) } else { Err(expected()) };
        }
        let address: SocketAddr = text.parse().map_err(|_| expected())?;
        if address.ip().is_loopback() { Ok(Self::Port(address)) } else { Err(expected()) }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => write!(f, "http://{address}"),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a sidecar answered.
pub(super) struct Answer {
    /// Whether its status is that of a success.
    pub(super) good: bool,
    pub(super) text: String,
}

/// Asks the sidecar that answers there.
///
/// # Errors
/// If none does within that time.
pub(super) async fn ask(listen: &Listen, path: &str, longest: Duration) -> Result<Answer, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(longest).no_proxy();
    let (base, client) = match listen {
        Listen::Port(address) => (format!("http://{address}"), client),
        Listen::Socket(path) => ("http://localhost".to_owned(), client.unix_socket(path.clone())),
    };
    let answer = client.build()?.get(format!("{base}{path}")).send().await.map_err(reqwest::Error::without_url)?;
    let good = answer.status().is_success();
    Ok(Answer { good, text: answer.text().await? })
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, str::parse)
    }
}
