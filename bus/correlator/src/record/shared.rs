//! What is said in a sharing group, as against what everybody may read.

use entente_schemas::event::Event;
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Serialize;

/// The sharing group that something was said in, and its marking for onward sharing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Shared {
    /// The group's opaque id.
    pub audience: String,
    /// The marking.
    pub tlp: Tlp,
}

impl Shared {
    /// Of an event; none if everybody may read it.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let shared = || Self { audience: event.audience.clone(), tlp: event.tlp };
        (event.audience != AUDIENCE_ALL).then(shared)
    }
}
