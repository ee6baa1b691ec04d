//! `sitrep`: a situation report, approved by a person and immutable once issued (ICS-209, EDXL-SitRep).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::count::COUNT_MAX;
use crate::word::words;

words! {
    /// The version of a report.
    SitrepVersion {
        /// The first.
        Initial = "initial",
        /// A later one.
        Update = "update",
        /// The last.
        Final = "final",
    }
}

/// A situation report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sitrep {
    /// The incident's id.
    #[schemars(length(min = 1))]
    pub incident: String,
    /// Counts up from 1 within the incident.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub report_number: u64,
    /// Initial, update or final.
    pub version: SitrepVersion,
    /// Event id of the report before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preceding: Option<String>,
    /// Start of the period.
    pub period_from: DateTime<Utc>,
    /// End of the period.
    pub period_to: DateTime<Utc>,
    /// Who wrote it.
    #[schemars(length(min = 1))]
    pub prepared_by: String,
    /// Who approved it.
    #[schemars(length(min = 1))]
    pub approved_by: String,
    /// Position of the log that it was drawn from.
    pub position: String,
    /// Id of the correlation model that it was drawn with.
    pub model_id: String,
    /// The report, Markdown, at most 32,000 characters.
    #[schemars(length(min = 1, max = 32000))]
    pub text: String,
}

impl Sitrep {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("incident", &self.incident);
        problems.ordinal("report_number", self.report_number);
        problems.present("prepared_by", &self.prepared_by);
        problems.present("approved_by", &self.approved_by);
        problems.present("text", &self.text);
        problems.length("text", &self.text, super::notice::NOTICE_MAX);
        problems.time("period_from", Some(self.period_from));
        problems.time("period_to", Some(self.period_to));
        if self.period_to < self.period_from {
            problems.add("period_to", "before period_from");
        }
    }
}
