//! The shared picture: what the fold gives, as plain data. Pages, the API and the command line show this and nothing
//! else. Absent means not shared; nothing here is averaged over speakers; ages follow from `at` alone.

mod between;
mod count;
mod differ;
mod feed;
mod incident;
mod lane;
mod matrix;
mod repair;
mod why;

use chrono::{DateTime, Utc};
use entente_schemas::family::Family;
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

pub use between::{Decision, Owed, Reply, Told};
pub use count::{CountGroup, Figure};
pub use differ::{Cause, Disagreement, Stance, Unknown};
pub use feed::{Desk, Feed, HeldBack, Rejected};
pub use incident::{Answer, Brief, Change, Claimed, Incident, Member};
pub use lane::{Assessment, Beside, Lane, LaneClaim, NativeWords, Restatement};
pub use matrix::{Cell, CellClaim, Column, Matrix, Row, Sight};
pub use repair::{Advice, Approach, Fall, Reach, Run, RunArm, Success};
pub use why::{Join, NearMiss, Opinion};

/// The picture of one universe at one cut of its log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Picture {
    /// The position of the log that was folded.
    pub as_of: String,
    /// What the clock shows.
    pub at: DateTime<Utc>,
    /// When the last folded record was logged; absent in an empty log.
    pub logged: Option<DateTime<Utc>>,
    /// The universe: `actual`, `exercise`, ...
    pub universe: String,
    /// Id of the correlation model.
    pub model: String,
    /// Figures over everything, also what is not listed.
    pub totals: Totals,
    /// Speakers against service classes.
    pub matrix: Matrix,
    /// How many incidents fit what was asked for.
    pub matched: usize,
    /// Incidents, open ones first, then by severity, disagreement and last change; possibly only the first of them.
    pub incidents: Vec<Incident>,
    /// Every feed that ever said something.
    pub feeds: Vec<Feed>,
    /// Who owes what by when, overdue first.
    pub owed: Vec<Owed>,
    /// Who is on duty.
    pub desks: Vec<Desk>,
    /// The newest records that were taken, newest first.
    pub recent: Vec<Line>,
    /// Records that the fold refuses, and retractions that withdraw nothing, newest first.
    pub held_back: Vec<HeldBack>,
    /// Items that adapters could not take, newest first.
    pub rejected: Vec<Rejected>,
    /// The highest marking of all that the picture rests on; absent if everybody may read all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// Figures over everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Incidents, closed ones included.
    pub incidents: usize,
    /// Open incidents.
    pub open: usize,
    /// Closed incidents.
    pub closed: usize,
    /// Closed incidents that changed in the last 72 h.
    pub closed_recently: usize,
    /// Open disagreements.
    pub disagreements: usize,
    /// Promises that are past.
    pub overdue: usize,
    /// Lanes of open incidents that are silent.
    pub silent: usize,
    /// Speakers that cannot be seen.
    pub blind: usize,
    /// Planned works known, which make no incident.
    pub maintenance: usize,
    /// Statements in public.
    pub notices: usize,
    /// Records taken.
    pub claims: u64,
    /// Records that say again what was there.
    pub repeated: u64,
    /// Records held back.
    pub held_back: usize,
    /// Items that adapters could not take.
    pub rejected: usize,
}

/// A record in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// Place in the log.
    pub position: Place,
    /// The event's id.
    pub id: String,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// Whose words.
    pub speaker: String,
    /// Who transmitted them.
    pub source: String,
    /// The family.
    pub family: Family,
    /// The object.
    pub object_id: String,
    /// The revision.
    pub rev: u64,
    /// What it says, in one line.
    pub says: String,
    /// The incident that it belongs to now.
    pub incident: Option<String>,
    /// Who withdrew it.
    pub withdrawn_by: Option<String>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
