//! What all adapters share: reading bytes, mapping tables, revision memory, vanishing, feed state, and the loop that asks.
//! No provider's name in it: what is one provider's stands in that provider's crate.

pub mod account;
mod address;
pub mod ask;
mod beating;
pub mod decode;
pub mod draft;
pub mod edge;
pub mod feed;
pub mod fetch;
pub mod fleet;
pub mod item;
pub mod mapping;
pub mod memory;
mod pause;
pub mod poll;
pub mod post;
pub mod reading;
pub mod recording;
mod run;
pub mod stamp;
pub mod supervise;
pub mod syndication;
pub mod vanish;
pub mod written;

#[cfg(feature = "contract")]
pub use account::contract;
pub use address::{Address, AddressError};
pub use ask::{Ask, Open, Told, public};
pub use item::Normalize;
pub use run::{FeedTask, RunError, run};
