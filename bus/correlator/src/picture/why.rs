//! Why members are one incident, what was nearly joined, and what people said about it.

use chrono::{DateTime, Utc};
use entente_schemas::header::Relation;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::shared::Shared;

/// Why two members are one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Join {
    /// One member.
    pub a: String,
    /// The other.
    pub b: String,
    /// `same` or `part_of` (then `a` is part of `b`).
    pub relation: Relation,
    /// The reasons in words, the strongest first.
    pub reasons: Vec<String>,
}

/// Two objects that were not joined although something speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NearMiss {
    /// The member.
    pub object_id: String,
    /// The other object.
    pub other: String,
    /// The incident of the other object.
    pub other_incident: Option<String>,
    /// What speaks for it.
    pub speaks_for: String,
    /// What is missing or speaks against it.
    pub speaks_against: String,
    /// The sharing group that the other object was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// What a person said about the joining.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Opinion {
    /// The object id of the constraint.
    pub object_id: String,
    /// `must_link`, `cannot_link`, `pin`, `dissolve`, `declare`, `close`.
    pub kind: String,
    /// The objects.
    pub objects: Vec<String>,
    /// The person or desk.
    pub author: String,
    /// The author's organisation.
    pub org: String,
    /// Why.
    pub reason: String,
    /// Whether it binds the shared picture; an opinion otherwise.
    pub binds: bool,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
