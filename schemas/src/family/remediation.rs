//! `remediation`: a run of one approach, counted in arms. (In CSAF the word means advice; here a run.)

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::check::{Problems, join};
use crate::count::COUNT_MAX;
use crate::word::words;

words! {
    /// The state of a run.
    RunState {
        /// Going on.
        Running = "running",
        /// Halted.
        Paused = "paused",
        /// Finished.
        Done = "done",
        /// Undone.
        RolledBack = "rolled_back",
    }
}

/// How many units stand where. `targeted` and `attempted` never fall; the rest is a snapshot, and a fall is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Tally {
    /// Chosen for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub targeted: Option<u64>,
    /// Begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub attempted: Option<u64>,
    /// Under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub in_progress: Option<u64>,
    /// Working again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub succeeded: Option<u64>,
    /// Partly working again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub partial: Option<u64>,
    /// Not helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub failed: Option<u64>,
    /// Cannot be helped this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub unsupported: Option<u64>,
    /// No longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub not_found: Option<u64>,
    /// Called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub cancelled: Option<u64>,
    /// Outcome unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub lost_to_followup: Option<u64>,
}

/// One part of a run, with its own tally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Arm {
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// The class of devices: `cloud_vm`, `vdi`, `physical_server`, `laptop`, `kiosk`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_class: Option<String>,
    /// How many stand where.
    pub tally: Tally,
}

/// How long a unit takes to come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TimeToRestore {
    /// Median, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub p50_s: Option<u64>,
    /// Nine in ten are back by then, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub p90_s: Option<u64>,
    /// From how many units.
    #[schemars(range(max = COUNT_MAX))]
    pub n: u64,
}

/// Why a run was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rollback {
    /// In words.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// How many units came to harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub harm_count: Option<u64>,
}

/// A run of one approach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remediation {
    /// Object id of the approach.
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub approach_id: String,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The state of the run.
    pub state: RunState,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<Arm>,
    /// How long a unit takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttr: Option<TimeToRestore>,
    /// Why it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
}

impl Tally {
    /// The members with their names, in the order of the schema.
    #[must_use]
    pub fn members(&self) -> [(&'static str, Option<u64>); 10] {
        [
            ("targeted", self.targeted),
            ("attempted", self.attempted),
            ("in_progress", self.in_progress),
            ("succeeded", self.succeeded),
            ("partial", self.partial),
            ("failed", self.failed),
            ("unsupported", self.unsupported),
            ("not_found", self.not_found),
            ("cancelled", self.cancelled),
            ("lost_to_followup", self.lost_to_followup),
        ]
    }
}

impl Arm {
    fn check(&self, path: &str, problems: &mut Problems) {
        if let Some(block) = &self.block {
            block.check(&join(path, "block"), problems);
        }
        for (name, number) in self.tally.members() {
            problems.number(&format!("{path}.tally.{name}"), number);
        }
        if let (Some(targeted), Some(attempted)) = (self.tally.targeted, self.tally.attempted)
            && attempted > targeted
        {
            problems.add(&format!("{path}.tally.attempted"), "more attempted than targeted");
        }
    }
}

impl Remediation {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.object_id("approach_id", &self.approach_id);
        for (index, arm) in self.arms.iter().enumerate() {
            arm.check(&format!("arms.{index}"), problems);
        }
        if let Some(ttr) = &self.ttr {
            for (path, number) in [("ttr.p50_s", ttr.p50_s), ("ttr.p90_s", ttr.p90_s), ("ttr.n", Some(ttr.n))] {
                problems.number(path, number);
            }
        }
        if let Some(rollback) = &self.rollback {
            problems.present("rollback.reason", &rollback.reason);
            problems.number("rollback.harm_count", rollback.harm_count);
        }
    }
}
