//! `impact`: what is broken, where, how badly, how many.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::block::{Block, Effect, Severity};
use crate::check::Problems;
use crate::count::Count;
use crate::word::words;

words! {
    /// An unplanned incident or planned work.
    ImpactKind {
        /// Unplanned.
        Incident = "incident",
        /// Planned.
        Maintenance = "maintenance",
    }
}

words! {
    /// How far the speaker has come; the last three of maintenance are its own.
    Phase {
        /// Something may be wrong.
        Suspected = "suspected",
        /// The cause is sought.
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// A repair is under way.
        Mitigating = "mitigating",
        /// Repaired, and watched.
        Monitoring = "monitoring",
        /// Over, by the speaker's word.
        Resolved = "resolved",
        /// Looked back upon.
        Postmortem = "postmortem",
        /// Maintenance to come.
        Scheduled = "scheduled",
        /// Maintenance going on.
        InProgress = "in_progress",
        /// Maintenance called off.
        Cancelled = "cancelled",
    }
}

impl Phase {
    /// Whether the speaker holds the matter to be open.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Postmortem | Self::Cancelled)
    }

    /// Order of progress, for telling whether one word says less than another.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Suspected | Self::Scheduled | Self::Other => 0,
            Self::Investigating => 1,
            Self::Identified => 2,
            Self::Mitigating | Self::InProgress => 3,
            Self::Monitoring => 4,
            Self::Resolved | Self::Cancelled => 5,
            Self::Postmortem => 6,
        }
    }
}

words! {
    /// How a resolved matter ended.
    Outcome {
        /// Works again.
        Restored = "restored",
        /// Goes on under another item.
        Merged = "merged",
        /// Closed by a machine's clock.
        AutoClosed = "auto_closed",
        /// There was nothing.
        FalsePositive = "false_positive",
        /// The item left the feed.
        Vanished = "vanished",
        /// Somebody else's matter.
        External = "external",
    }
}

words! {
    /// How far a suspected cause has been established.
    CauseStatus {
        /// Thought of.
        Hypothesis = "hypothesis",
        /// Found.
        Identified = "identified",
        /// Proved.
        Confirmed = "confirmed",
        /// Excluded.
        RuledOut = "ruled_out",
    }
}

/// The cause that a speaker names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SuspectedCause {
    /// The kind of cause: `own_change`, `third_party_update`, `hardware`, `power`, `attack`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub class: Option<String>,
    /// The vendor concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub vendor: Option<String>,
    /// The product concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub product: Option<String>,
    /// The version concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub version: Option<String>,
    /// The file, driver or update concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub artifact: Option<String>,
    /// How far it has been established.
    pub status: CauseStatus,
}

impl SuspectedCause {
    fn check(&self, problems: &mut Problems) {
        let words = [
            ("class", &self.class),
            ("vendor", &self.vendor),
            ("product", &self.product),
            ("version", &self.version),
            ("artifact", &self.artifact),
        ];
        for (name, word) in words {
            problems.length(&format!("suspected_cause.{name}"), word.as_deref().unwrap_or_default(), TITLE_MAX);
        }
    }
}

/// What is broken, where, how badly, how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// Incident or maintenance.
    pub kind: ImpactKind,
    /// How far the speaker has come.
    pub phase: Phase,
    /// How it ended, with phase `resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The severity claimed.
    pub severity: Severity,
    /// What users notice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effect: Vec<Effect>,
    /// What is hit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// The title, at most 500 characters.
    #[schemars(length(min = 1, max = 500))]
    pub title: String,
    /// The newest notice, cut to 4,000 characters; the whole text is a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub summary: Option<String>,
    /// Signs to know it by: bugcheck, driver, file name, error code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<String>,
    /// The cause that the speaker names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspected_cause: Option<SuspectedCause>,
    /// How many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Count>,
    /// When the speaker promised to say more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update_by: Option<DateTime<Utc>>,
}

/// The greatest number of characters in a title.
pub const TITLE_MAX: usize = 500;
/// The greatest number of characters in a summary.
pub const SUMMARY_MAX: usize = 4_000;

impl Impact {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("title", &self.title);
        problems.length("title", &self.title, TITLE_MAX);
        problems.length("summary", self.summary.as_deref().unwrap_or_default(), SUMMARY_MAX);
        if self.outcome.is_some() && self.phase.is_open() {
            problems.add("outcome", "stands with a phase that is over, such as resolved");
        }
        if let Some(cause) = &self.suspected_cause {
            cause.check(problems);
        }
        for (index, block) in self.blocks.iter().enumerate() {
            block.check(&format!("blocks.{index}"), problems);
        }
        for (index, count) in self.counts.iter().enumerate() {
            count.check(&format!("counts.{index}"), problems);
        }
        problems.time("next_update_by", self.next_update_by);
    }
}
