//! `rejected`: an item that an adapter could not take. The input itself never travels, only its digest and size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::count::COUNT_MAX;
use crate::subject::is_feed;

/// An item that an adapter could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The feed's slug.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub feed: String,
    /// What was wrong, in words.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Where in the answer: `item 3`, `line 2 column 17`, an item's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Lower-case hex SHA-256 of the input.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub digest: String,
    /// Size of the input in bytes.
    #[schemars(range(max = COUNT_MAX))]
    pub bytes: u64,
}

impl Rejected {
    pub(crate) fn check(&self, problems: &mut Problems) {
        if !is_feed(&self.feed) {
            problems.add("feed", "expected a feed's slug: a-z, 0-9 and -, 40 characters at most");
        }
        problems.present("reason", &self.reason);
        problems.hash("digest", &self.digest);
        problems.number("bytes", Some(self.bytes));
    }
}
