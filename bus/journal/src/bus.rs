//! The connection to NATS: who we are there, how long we wait, and which servers are new enough to hold the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerInfo};
use entente_schemas::subject::is_feed;

use crate::judge::Verdicts;

/// The oldest server that the log may live on: atomic batches with dedupe.
pub(crate) const FLOOR: Version = Version(2, 12, 1);
/// Below this version a warning is due.
pub(crate) const RECOMMENDED: Version = Version(2, 14, 0);

const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(2);
const PING: Duration = Duration::from_secs(10);

/// How to reach NATS.
#[derive(Clone, Debug)]
pub struct Access {
    /// The servers, `nats://host:port` or `tls://host:port`.
    pub urls: Vec<String>,
    /// The NKey seed of the user, `SU…`; none where the server asks for none.
    pub seed: Option<String>,
    /// What to be called in the server's lists, and the user's own inbox prefix: `a-z0-9-`.
    pub name: String,
}

/// A connection. Clones share it. It reconnects for ever.
#[derive(Clone)]
pub struct Bus {
    pub(crate) client: Client,
    pub(crate) verdicts: Verdicts,
    /// It is being closed on purpose: what the connection then tells is no trouble.
    closing: Arc<AtomicBool>,
}

/// Why the bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No address was given, or one that is none.
    #[error("`{0}` is no address of a NATS server; expected nats://host:port")]
    Address(String),
    /// No server answered.
    #[error("no NATS server answers at {urls}: {reason}; check that it runs")]
    Connect {
        /// The addresses tried.
        urls: String,
        /// The client's reason.
        reason: String,
    },
    /// A server answered and does not take the key.
    #[error(
        "the NATS server at {urls} does not know the key {key}; put {{nkey: {key}}} among the users of its account in the server's configuration and let it read that again"
    )]
    Key {
        /// The addresses tried.
        urls: String,
        /// The public NKey; `none` where there is no seed or it is none.
        key: String,
    },
    /// The server is too old.
    #[error("the NATS server at {url} is version {found}; the log needs 2.12.1 or newer: upgrade it")]
    TooOld {
        /// The address.
        url: String,
        /// Its version.
        found: String,
    },
    /// A message could not be handed over, or was not acknowledged.
    #[error("the bus did not take a message on {subject}: {reason}; it is tried again with the next one")]
    Send {
        /// The subject.
        subject: String,
        /// Why.
        reason: String,
    },
}

impl Bus {
    /// Connects, and refuses a server that is too old.
    ///
    /// # Errors
    /// If no server answers within 5 s or the one that does is older than 2.12.1.
    pub async fn connect(access: &Access) -> Result<Self, BusError> {
        let urls = access.urls.join(", ");
        let mut addresses = Vec::new();
        for url in &access.urls {
            let address: async_nats::ServerAddr = url.parse().map_err(|_| BusError::Address(url.clone()))?;
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(BusError::Address(String::new()));
        }
        let closing = Arc::new(AtomicBool::new(false));
        let client =
            options(access, &closing).connect(addresses).await.map_err(|error| unconnected(access, urls, &error))?;
        check_version(&client.server_info())?;
        Ok(Self { client, verdicts: Verdicts::default(), closing })
    }

    /// Sends what is still in memory and closes the connection.
    pub async fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Err(error) = self.client.flush().await {
            tracing::debug!(%error, "flushing the bus at the end");
        }
        if let Err(error) = self.client.drain().await {
            tracing::debug!(%error, "closing the bus");
        }
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("state", &self.client.connection_state()).finish()
    }
}

fn options(access: &Access, closing: &Arc<AtomicBool>) -> ConnectOptions {
    let options = match &access.seed {
        Some(seed) => ConnectOptions::with_nkey(seed.clone()),
        None => ConnectOptions::new(),
    };
    let options = options
        .name(&access.name)
        .connection_timeout(CONNECT)
        .request_timeout(Some(REQUEST))
        .ping_interval(PING)
        .event_callback(telling(closing));
    if is_feed(&access.name) { options.custom_inbox_prefix(format!("_INBOX_{}", access.name)) } else { options }
}

type Told = std::pin::Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

fn telling(closing: &Arc<AtomicBool>) -> impl Fn(Event) -> Told + Send + Sync + 'static {
    let closing = Arc::clone(closing);
    move |event| {
        tell(&event, closing.load(Ordering::Relaxed));
        Box::pin(std::future::ready(()))
    }
}

fn tell(event: &Event, closing: bool) {
    match event {
        ending if closing => tracing::debug!("NATS: {ending}"),
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("the connection to NATS is lost; reconnecting"),
        other => tracing::warn!("NATS: {other}"),
    }
}

fn unconnected(access: &Access, urls: String, error: &ConnectError) -> BusError {
    if error.kind() != ConnectErrorKind::AuthorizationViolation {
        return BusError::Connect { urls, reason: error.to_string() };
    }
    let pair = access.seed.as_deref().and_then(|seed| nkeys::KeyPair::from_seed(seed).ok());
    BusError::Key { urls, key: pair.map_or_else(|| "none".to_owned(), |pair| pair.public_key()) }
}

fn check_version(server: &ServerInfo) -> Result<(), BusError> {
    let url = format!("{}:{}", server.host, server.port);
    match Version::parse(&server.version) {
        Some(version) if version >= FLOOR => {
            if version < RECOMMENDED {
                tracing::warn!("the NATS server at {url} is version {}; 2.14 or newer is recommended", server.version);
            }
            Ok(())
        }
        _ => Err(BusError::TooOld { url, found: server.version.clone() }),
    }
}

/// A version of nats-server: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64, u64, u64);

impl Version {
    /// Reads `2.15.1`, with or without a leading `v` and a trailing `-something`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let plain = text.split(['-', '+']).next()?;
        let mut numbers = plain.split('.').map(|number| number.parse().ok());
        Some(Self(numbers.next()??, numbers.next()??, numbers.next()??))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("2.9.25") < FLOOR);
        assert!(version("v2.12.0") < FLOOR && version("2.12.1") >= FLOOR);
        assert!(version("2.15.1-beta.1") >= RECOMMENDED);
        assert!(Version::parse("two").is_none() && Version::parse("2.15").is_none());
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_before_connecting() {
        let access = Access { urls: vec!["nats://".to_owned()], seed: None, name: "t".to_owned() };
        assert!(matches!(Bus::connect(&access).await, Err(BusError::Address(_) | BusError::Connect { .. })));
        let nobody = Access { urls: vec!["nats://127.0.0.1:1".to_owned()], seed: None, name: "t".to_owned() };
        assert!(matches!(Bus::connect(&nobody).await, Err(BusError::Connect { .. })));
    }
}
