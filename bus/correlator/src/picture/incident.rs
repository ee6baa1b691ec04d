//! One incident: what it is called, what belongs to it, and the eight answers that it opens with.

use chrono::{DateTime, Utc};
use entente_schemas::block::Severity;
use entente_schemas::family::Family;
use entente_schemas::header::Relation;
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Advice, Approach, Cause, CountGroup, Decision, Disagreement, Join, Lane, Line, NearMiss, Opinion, Owed, Told,
    Unknown,
};
use crate::record::place::Place;
use crate::record::shared::Shared;

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Incident {
    /// `inc-` and ten characters: of the member that was logged first.
    pub id: String,
    /// Other ids under which it is found.
    pub aliases: Vec<String>,
    /// The declared name, or one built from data.
    pub name: String,
    /// Who declared the name; absent if it is built.
    pub declared_by: Option<String>,
    /// Whether any lane is open.
    pub open: bool,
    /// Logged time of the member that was logged first.
    pub first_logged: DateTime<Utc>,
    /// The earliest start that any speaker claims, and who.
    pub started: Option<Claimed<DateTime<Utc>>>,
    /// The worst severity claimed in an open lane (in any, when closed), and who.
    pub worst: Option<Claimed<Severity>>,
    /// The last change of any member.
    pub changed: Change,
    /// The objects that belong to it, the first logged first.
    pub members: Vec<Member>,
    /// One lane per speaker.
    pub lanes: Vec<Lane>,
    /// Where speakers differ.
    pub disagreements: Vec<Disagreement>,
    /// What nobody said.
    pub unknowns: Vec<Unknown>,
    /// Causes as claimed.
    pub causes: Vec<Cause>,
    /// Ways of repairing, and how they fare.
    pub approaches: Vec<Approach>,
    /// Advice.
    pub advisories: Vec<Advice>,
    /// How many.
    pub counts: Vec<CountGroup>,
    /// What customers were told, against what is said here.
    pub told: Vec<Told>,
    /// Requests, offers, commitments, and promised updates.
    pub owed: Vec<Owed>,
    /// Decisions in force or revoked.
    pub decisions: Vec<Decision>,
    /// Why its members are one incident.
    pub why: Vec<Join>,
    /// What was nearly joined, and why it was not.
    pub near: Vec<NearMiss>,
    /// What people said about the joining.
    pub constraints: Vec<Opinion>,
    /// Records of its members and of what refers to them, newest first, at most 200.
    pub events: Vec<Line>,
    /// How many records there are.
    pub events_total: usize,
    /// The eight answers.
    pub brief: Brief,
    /// The highest marking of what is shown of it; absent if everybody may read all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// A value and whose claim it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Claimed<T> {
    /// The value.
    pub value: T,
    /// Whose.
    pub speaker: String,
}

/// The last change of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// When it was logged.
    pub at: DateTime<Utc>,
    /// By whom.
    pub speaker: String,
    /// What, in words.
    pub what: String,
}

/// An object of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Member {
    /// The object id.
    pub object_id: String,
    /// Its family.
    pub family: Family,
    /// Whose words.
    pub speaker: String,
    /// How many public statements it carries.
    pub notices: usize,
    /// Its title, name or first words.
    pub title: String,
    /// `same` for what is the incident, `part_of` for a consequence, `related` for what refers to it.
    pub relation: Relation,
    /// Place in the log of its current revision.
    pub position: Place,
    /// Revisions logged.
    pub revisions: usize,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// The eight answers that every incident opens with (CORRELATION 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Brief {
    /// Who is affected.
    pub affected: Answer,
    /// How many.
    pub count: Answer,
    /// Cause and certainty.
    pub cause: Answer,
    /// Which approach works where.
    pub working: Answer,
    /// Who owes what by when.
    pub owes: Answer,
    /// What customers were told.
    pub told: Answer,
    /// What is unknown.
    pub unknown: Answer,
    /// How fresh this is.
    pub fresh: Answer,
}

/// One answer: a line that can be said aloud, and a smaller one beneath it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// The answer.
    pub lead: String,
    /// What to know beside it.
    pub detail: String,
}
