//! `roster`: who is on duty for an organisation and how to reach them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{OBJECT_ID_MAX, Problems};
use crate::word::words;

words! {
    /// The duty.
    DutyRole {
        /// Coordinates between the organisations.
        Coordinator = "coordinator",
        /// Speaks for one organisation.
        Liaison = "liaison",
        /// Stands in.
        Deputy = "deputy",
    }
}

/// Who is on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Roster {
    /// The desk or the person, as they wish to be shown.
    #[schemars(length(min = 1, max = 500))]
    pub desk: String,
    /// The duty.
    pub role: DutyRole,
    /// A conference bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge_url: Option<String>,
    /// A telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Who takes over then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handing_over_to: Option<String>,
    /// Fingerprint of the desk's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_fingerprint: Option<String>,
}

impl Roster {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("desk", &self.desk);
        problems.length("desk", &self.desk, OBJECT_ID_MAX);
        problems.time("until", self.until);
    }
}
