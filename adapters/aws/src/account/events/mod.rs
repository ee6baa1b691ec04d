//! EventBridge by SQS: events of AWS Health without its API, which needs a support plan.

mod ask;
mod envelope;
mod pages;

pub(super) use ask::{EventsAsk, Manner, no_queue};
