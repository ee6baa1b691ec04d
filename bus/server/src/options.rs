//! What a server is started with, and where it answers.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use entente_correlator::Model;
use entente_journal::{Bus, Legs, Outbox, Scope};
use entente_schemas::speaker::Role;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The log.
    pub bus: Bus,
    /// Which universe and audience are read.
    pub scope: Scope,
    /// What the outbox's organisation is to the incidents: in this role its people write, and in no other.
    pub role: Role,
    /// The data folder: the token for `POST /v1/claims` stands there.
    pub data: PathBuf,
    /// Where to listen. Always on loopback.
    pub port: Port,
    /// The outbox of `desk`. Whoever starts the server pumps it.
    pub outbox: Outbox,
    /// The correlation model.
    pub model: Arc<Model>,
    /// Under which clocks the log was filled; the last one is the clock here.
    pub legs: Legs,
}

/// Which port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// This one; 0 is any free one.
    Exactly(u16),
    /// This one, or the next free of the 100 after it.
    From(u16),
}

/// Where a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(SocketAddr);

impl Address {
    /// The port.
    #[must_use]
    pub fn port(self) -> u16 {
        self.0.port()
    }

    /// The socket's own address.
    #[must_use]
    pub fn socket(self) -> SocketAddr {
        self.0
    }

    pub(crate) fn new(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

impl fmt::Display for Address {
    /// `http://127.0.0.1:PORT`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}
