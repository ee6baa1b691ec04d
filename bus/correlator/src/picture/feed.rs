//! Where the picture comes from: feeds and desks, and what of their words could not be taken.

use chrono::{DateTime, Utc};
use entente_schemas::family::{Coverage, DutyRole, FeedState};
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

/// A feed and its transmitter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Feed {
    /// The transmitting organisation.
    pub org: String,
    /// The feed's slug.
    pub feed: String,
    /// Live or blind; absent if it never said (people's desks do not).
    pub state: Option<FeedState>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
    /// When it last answered as it should, as last published.
    pub last_good_poll: Option<DateTime<Utc>>,
    /// The address that is read.
    pub address: Option<String>,
    /// What it would tell of.
    pub coverage: Coverage,
    /// When anything from it was last logged.
    pub heard: Option<DateTime<Utc>>,
    /// Records taken.
    pub claims: u64,
    /// Sequence numbers that are missing.
    pub gaps: u64,
    /// Records held back.
    pub held_back: usize,
    /// Items that could not be taken.
    pub rejected: usize,
    /// Outboxes it has had; more than one means one was lost.
    pub instances: usize,
    /// The sharing group that it transmits into, with the highest marking of what it said; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// Who is on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Desk {
    /// The organisation.
    pub org: String,
    /// The desk or person.
    pub desk: String,
    /// The duty.
    pub role: DutyRole,
    /// How to reach them.
    pub bridge_url: Option<String>,
    /// How to reach them.
    pub phone: Option<String>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Who takes over.
    pub handing_over_to: Option<String>,
    /// The time is past.
    pub expired: bool,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A record that the fold refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldBack {
    /// Place in the log.
    pub position: Place,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The subject that it was published under, cut to 200 characters.
    pub subject: String,
    /// Why, and how to mend it.
    pub reason: String,
}

/// An item that an adapter could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rejected {
    /// The feed's slug.
    pub feed: String,
    /// What was wrong.
    pub reason: String,
    /// Where in the answer.
    pub position: Option<String>,
    /// Digest of the input.
    pub digest: String,
    /// Size of the input in bytes.
    pub bytes: u64,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// How often it was said.
    pub times: u64,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
