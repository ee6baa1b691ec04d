//! AWS Health: events of an account or an organisation, by its API. What an event comes to is the same for the queue.

mod affected;
mod ask;
mod event;
mod source;

pub(super) use affected::Affected;
pub(super) use ask::{HealthAsk, Manner, Progress};
pub(super) use event::{HealthEvent, SYSTEM, Telling, item};
pub(super) use source::Source;
