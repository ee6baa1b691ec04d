//! What whoever hands over a claim is answered: what was published, or why nothing was.

use entente_correlator::{Place, Shared};
use entente_journal::{EraseError, OutboxError};
use entente_schemas::event::Draft;
use entente_schemas::family::{Claim, Family};
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Mistake;
use super::retract::Void;
use crate::room::Unanswered;

/// What was published.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Published {
    /// The event's id.
    pub(crate) id: String,
    /// The object.
    pub(crate) object_id: String,
    /// Its revision.
    pub(crate) rev: u64,
    /// The sharing group that it stands in, with its marking; absent for what everybody may read.
    #[serde(flatten)]
    pub(crate) shared: Option<Shared>,
    /// Place in the log. Absent while the log does not answer: the claim is safe in the outbox and goes as soon as it does.
    pub(crate) position: Option<Place>,
    /// The same claim had been handed over before; nothing was added.
    pub(crate) repeated: bool,
    /// What the author should know: each a sentence about what is legal and most likely not meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remarks: Vec<String>,
    /// Of a dry run: what would be published. Nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dry_run: Option<Box<Drafted>>,
}

/// What would be published.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Drafted {
    /// The family.
    family: Family,
    /// The event that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<String>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// The marking.
    tlp: Tlp,
    /// The claim, completed.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    claim: Claim,
}

impl Published {
    /// Of a claim that was taken before.
    pub(super) fn before(
        id: String,
        (object_id, rev): (String, u64),
        position: Option<Place>,
        shared: Option<Shared>,
    ) -> Self {
        Self { id, object_id, rev, shared, position, repeated: true, remarks: Vec::new(), dry_run: None }
    }

    /// Of a dry run.
    pub(super) fn of_dry_run(draft: Draft, shared: Option<Shared>, remarks: Vec<String>) -> Self {
        let Draft { id, causation, traceparent, tlp, claim, .. } = draft;
        let (object_id, rev, family) = (claim.header.object_id.clone(), claim.header.rev, claim.family());
        let dry_run = Some(Box::new(Drafted { family, causation, traceparent, tlp, claim }));
        Self { id, object_id, rev, shared, position: None, repeated: false, remarks, dry_run }
    }
}

/// Why a claim was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// It has mistakes.
    #[error("the claim is not as it should be")]
    Mistakes(Vec<Mistake>),
    /// What it names is not there.
    #[error("{0}")]
    Unknown(String),
    /// It would do nothing.
    #[error(transparent)]
    Void(#[from] Void),
    /// It could not be held against what is folded.
    #[error("{0}")]
    Unanswered(String),
    /// What it is to erase could not be looked up, because the log does not answer.
    #[error("{0}")]
    LogSilent(String),
    /// The outbox did not take it.
    #[error(transparent)]
    Outbox(OutboxError),
}

impl From<OutboxError> for PublishError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Refused { reason, .. } => Self::Mistakes(vec![Mistake::new("(claim)", reason)]),
            other => Self::Outbox(other),
        }
    }
}

impl From<EraseError> for PublishError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Absent(_) => Self::Unknown(error.to_string()),
            other => Self::LogSilent(other.to_string()),
        }
    }
}

impl From<Unanswered> for PublishError {
    fn from(error: Unanswered) -> Self {
        Self::Unanswered(error.to_string())
    }
}
