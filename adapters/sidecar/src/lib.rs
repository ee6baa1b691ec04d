//! What all adapters share: reading bytes, mapping tables, revision memory, vanishing, feed state, and the loop that asks.
//! No provider's name in it: what is one provider's stands in that provider's crate.

pub mod decode;
pub mod draft;
pub mod edge;
pub mod feed;
pub mod item;
pub mod mapping;
pub mod memory;
pub mod stamp;
pub mod vanish;
