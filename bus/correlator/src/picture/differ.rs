//! Where speakers differ, what nobody said, and the causes as claimed.

use chrono::{DateTime, Utc};
use entente_schemas::family::CauseStatus;
use entente_schemas::speaker::Relay;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

/// Where speakers differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Disagreement {
    /// `start`, `end`, `phase`, `severity`, `cause`, `scope`, `count`, `product`, `success`.
    pub kind: String,
    /// The question that divides them.
    pub question: String,
    /// Who says what, in lane order.
    pub positions: Vec<Stance>,
    /// Logged time from which they differ.
    pub since: DateTime<Utc>,
    /// Whether it still stands.
    pub open: bool,
}

/// One speaker's position in a disagreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stance {
    /// The speaker.
    pub speaker: String,
    /// What it says.
    pub says: String,
    /// Place in the log of the claim.
    pub position: Place,
}

/// Something that nobody, or one who should, has not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unknown {
    /// `start`, `region`, `state`, `count`, `cause`, `speaker`, `end`, `sight`.
    pub kind: String,
    /// Whose gap it is; absent if everybody's.
    pub speaker: Option<String>,
    /// The gap in words.
    pub text: String,
}

/// A cause as one speaker claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// The speaker.
    pub speaker: String,
    /// How far it has been established.
    pub status: CauseStatus,
    /// The kind of cause.
    pub class: Option<String>,
    /// The vendor named.
    pub vendor: Option<String>,
    /// The product named.
    pub product: Option<String>,
    /// The artifact named.
    pub artifact: Option<String>,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// Logged time of the claim that first said so.
    pub since: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
