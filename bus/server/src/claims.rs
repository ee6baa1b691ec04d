//! Claims by people: what a caller hands over is completed, held to the schema, put into the desk's outbox, and answered
//! once the log and the picture have it. Forms, the command line and other programs come through here alike.

mod complete;
mod desk;
mod ground;
mod names;
mod prepare;
mod published;
mod remarks;
mod request;
mod retract;
mod sight;
mod slugs;
mod unique;

use entente_schemas::check::Problem;
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use desk::Desk;
pub(crate) use published::{PublishError, Published};
pub(crate) use request::{ClaimRequest, Request};

/// One mistake in a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mistake {
    /// Path of the member within the claim, dotted, with indices: `blocks.0.state`.
    pub path: String,
    /// What is wrong and what was expected.
    pub what: String,
}

impl Mistake {
    pub(crate) fn new(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }
}

impl From<&Problem> for Mistake {
    fn from(problem: &Problem) -> Self {
        Self { path: problem.path.clone(), what: problem.what.clone() }
    }
}
