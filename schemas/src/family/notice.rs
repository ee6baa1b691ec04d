//! `notice`: one public statement, whole. Every update of a provider, and every edit of one, is a revision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;

/// One public statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Object id of the claim that the statement is about.
    pub about: String,
    /// Where it was said.
    pub channel: String,
    /// The page it stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who could read it: `public`, `customers`, `partners`.
    pub audience_told: String,
    /// The speaker's own word for the status at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_status: Option<String>,
    /// The whole text, at most 32,000 characters, white space kept, markup as text.
    #[schemars(length(max = 32000))]
    pub text: String,
}

/// The greatest number of characters in a notice.
pub const NOTICE_MAX: usize = 32_000;

impl Notice {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("about", &self.about);
        problems.present("channel", &self.channel);
        problems.length("text", &self.text, NOTICE_MAX);
    }
}
