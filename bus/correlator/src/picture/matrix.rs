//! Speakers against service classes: what each says, the worst state per class.

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::family::Phase;
use entente_schemas::speaker::Role;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::shared::Shared;

/// Speakers against service classes: what each says, the worst state per class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Matrix {
    /// The columns: classes with any claim, in the order of the schema.
    pub columns: Vec<Column>,
    /// Classes of the schema without any claim.
    pub unclaimed: usize,
    /// One row per speaker: clouds, then vendors, then the rest.
    pub rows: Vec<Row>,
}

/// A column of the matrix: a class, split off by operating system where an open incident names one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Column {
    /// The class.
    pub class: ServiceClass,
    /// The family of operating systems, for a split column.
    pub os_family: Option<String>,
}

/// A row of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The speaker.
    pub speaker: String,
    /// What the speaker is.
    pub role: Role,
    /// When a claim or statement of the speaker was last logged.
    pub heard: Option<DateTime<Utc>>,
    /// The speaker's feeds and how they are.
    pub sight: Sight,
    /// Silent since, in an open incident.
    pub silent_since: Option<DateTime<Utc>>,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// What can be seen of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sight {
    /// Feeds that carry the speaker's words. None: people only.
    pub feeds: usize,
    /// Those of them that work.
    pub live: usize,
    /// All are blind, since.
    pub blind_since: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
}

/// What stands in a cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cell {
    /// The speaker claims something.
    Claim(CellClaim),
    /// The speaker's feeds would tell of the class, and nothing was said.
    NotShared,
    /// The class is not the speaker's.
    NotTheirs,
    /// All feeds of the speaker are blind, and nothing was said before.
    CannotSee,
}

/// The worst claim of one speaker about one class.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CellClaim {
    /// The incident it belongs to.
    pub incident: String,
    /// The state claimed.
    pub state: BlockState,
    /// The severity claimed.
    pub severity: Severity,
    /// The phase claimed.
    pub phase: Phase,
    /// The speaker's own word.
    pub native: Option<String>,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// When the claim last changed.
    pub changed: DateTime<Utc>,
    /// Whether service and region are exact, or the claim holds somewhere within several.
    pub exact: bool,
    /// The promised next update.
    pub next_update_by: Option<DateTime<Utc>>,
    /// That promise is past.
    pub overdue: bool,
    /// The incident has an open disagreement in which the speaker has a position.
    pub disagrees: bool,
    /// The state that the clock makes: cannot be seen any more.
    pub stale: bool,
    /// How many further claims of the speaker stand behind this one.
    pub others: usize,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
