//! `feed`: a feed changed state, or what it undertakes to cover.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::block::ServiceClass;
use crate::check::Problems;
use crate::subject::is_feed;
use crate::word::words;

words! {
    /// Whether we see through the feed.
    FeedState {
        /// We do.
        Live = "live",
        /// We do not.
        Blind = "blind",
    }
}

/// What the feed would tell us of. Without it "not shared" and "not theirs" cannot be told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Coverage {
    /// The speakers whose words it carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speakers: Vec<String>,
    /// Classes of services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_classes: Vec<ServiceClass>,
    /// Regions; none means all of the provider's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

/// A feed changed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Feed {
    /// The feed's slug.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub feed: String,
    /// Whether we see through it.
    pub state: FeedState,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why it is blind, in words; or `first poll`, `recovered`.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// When it last answered as it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_poll: Option<DateTime<Utc>>,
    /// The address that is read, where it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What it would tell us of.
    pub coverage: Coverage,
}

impl Feed {
    pub(crate) fn check(&self, problems: &mut Problems) {
        if !is_feed(&self.feed) {
            problems.add("feed", "expected a feed's slug: a-z, 0-9 and -, 40 characters at most");
        }
        problems.time("since", Some(self.since));
        problems.time("last_good_poll", self.last_good_poll);
        problems.present("reason", &self.reason);
    }
}
