//! The words of Entente: what an event is, how it is named, signed, checked and kept small. No I/O, no async, no clock:
//! time and randomness are arguments. Where the texts below speak of EVENTS, the rules of `bus/docs/events.md` are meant.

pub mod asyncapi;
pub mod beat;
pub mod block;
pub mod check;
pub mod count;
pub mod digest;
pub mod event;
mod exact;
pub mod family;
pub mod header;
pub mod record;
pub mod schema;
pub mod speaker;
mod strict;
pub mod subject;
pub mod tlp;
pub mod trim;
mod word;

pub use exact::duplicate_free;
pub use word::UnknownWord;
