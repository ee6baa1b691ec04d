//! The durable log of Entente: what stands between an adapter or a desk and every screen.
//!
//! An event enters an [`Outbox`] (bytes, sequence, chain and signature are fixed there and on disk before anything is
//! sent), the [`pump`] carries it into the log's stream, a [`Reader`] asks for it in bounded batches. [`Bus`] is the
//! connection and the only place where NATS is known; [`NatsServer`] is the private server of a single machine.

mod ask;
mod audience;
mod beat;
mod bus;
mod clock;
mod cores;
mod erase;
mod feed;
mod fetch;
mod identity;
mod judge;
mod kill;
mod nats_server;
mod origin;
mod outbox;
mod publish;
mod read;
mod replace;
mod topology;
mod verify;
mod walk;

pub use audience::{AudienceError, Audiences, audience_id};
pub use beat::{beat, beats};
pub use bus::{Access, Bus, BusError};
pub use clock::{Clock, Legs, LegsError, Tip, Tips, tip};
pub use erase::{EraseError, erase, name_target};
pub use feed::last_of_feed;
pub use fetch::{FetchError, cache_folder};
pub use identity::{Identity, IdentityError};
pub use nats_server::{NatsServer, ServerError, ServerOptions};
pub use outbox::{Outbox, OutboxError, OutboxOptions, Placed, Said};
pub use publish::pump;
pub use read::{Batch, ReadError, Reader};
pub use replace::replace;
pub use topology::{Scope, TopologyError};
pub use verify::{Report, verify};
