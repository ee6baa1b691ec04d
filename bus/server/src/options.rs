//! What a server is started with, and where it answers.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use entente_correlator::Model;
use entente_journal::{Bus, Legs, Outbox, OutboxError, Scope};
use entente_schemas::speaker::Role;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The log.
    pub bus: Bus,
    /// Which universe is read: the audience of everybody, and every sharing group that the data folder names.
    pub universe: String,
    /// What the outbox's organisation is to the incidents: in this role its people write, and in no other.
    pub role: Role,
    /// The data folder: the token for `POST /v1/claims` and the sharing groups stand there.
    pub data: PathBuf,
    /// Where to listen. Always on loopback.
    pub port: Port,
    /// The outbox of `desk` for everybody. Whoever starts the server pumps it.
    pub outbox: Outbox,
    /// Opens that of a sharing group, when it is used first.
    pub outboxes: Outboxes,
    /// The correlation model.
    pub model: Arc<Model>,
    /// Under which clocks the log was filled; the last one is the clock here.
    pub legs: Legs,
}

/// The outboxes of `desk` in sharing groups. Whoever starts the server pumps them as well.
#[derive(Clone)]
pub struct Outboxes {
    kept: Vec<Scope>,
    open: Arc<dyn Fn(Scope) -> Opening + Send + Sync>,
}

/// An outbox that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Outbox, OutboxError>> + Send>>;

impl Outboxes {
    /// By this way of opening one, which is asked once a scope. Those of the scopes `kept` were used before, and may hold
    /// what has not reached the log.
    pub fn by(kept: Vec<Scope>, open: impl Fn(Scope) -> Opening + Send + Sync + 'static) -> Self {
        Self { kept, open: Arc::new(open) }
    }

    pub(crate) fn kept(&self) -> &[Scope] {
        &self.kept
    }

    pub(crate) fn open(&self, scope: Scope) -> Opening {
        (self.open)(scope)
    }
}

impl fmt::Debug for Outboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outboxes(..)")
    }
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
