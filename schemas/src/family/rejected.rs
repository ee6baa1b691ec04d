//! `rejected`: an item that an adapter could not take. The input itself never travels, only its digest and size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;

/// An item that an adapter could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The feed's slug.
    pub feed: String,
    /// What was wrong, in words.
    pub reason: String,
    /// Where in the answer: `item 3`, `line 2 column 17`, an item's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Lower-case hex SHA-256 of the input.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub digest: String,
    /// Size of the input in bytes.
    pub bytes: u64,
}

impl Rejected {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("feed", &self.feed);
        problems.present("reason", &self.reason);
    }
}
