//! `notice`: one public statement, whole. Every update of a provider, and every edit of one, is a revision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{OBJECT_ID_MAX, Problems};

/// One public statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Object id of the claim that the statement is about.
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub about: String,
    /// Where it was said.
    #[schemars(length(min = 1, max = 500))]
    pub channel: String,
    /// The page it stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who could read it: `public`, `customers`, `partners`.
    #[schemars(length(min = 1, max = 500))]
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
        problems.object_id("about", &self.about);
        problems.present("channel", &self.channel);
        problems.length("channel", &self.channel, OBJECT_ID_MAX);
        problems.present("audience_told", &self.audience_told);
        problems.length("audience_told", &self.audience_told, OBJECT_ID_MAX);
        problems.length("text", &self.text, NOTICE_MAX);
    }
}
