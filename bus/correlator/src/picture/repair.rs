//! Ways of repairing: who runs them, how far they have come, how they fare; and advice.

use chrono::{DateTime, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::family::{AdvisoryCategory, ApproachKind, Automation, Caution, RunState, SaidRate, Tally};
use entente_schemas::speaker::Relay;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::shared::Shared;

/// A way of repairing and how it fares.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Approach {
    /// The object id.
    pub object_id: String,
    /// Whose description.
    pub speaker: String,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ApproachKind,
    /// How much a machine does.
    pub automation: Automation,
    /// What must be at hand.
    pub access: Vec<String>,
    /// Whether data can be lost.
    pub data_loss: Option<bool>,
    /// On whose machines it can be used; empty if not stated.
    pub applies_to: Vec<String>,
    /// What to beware of.
    pub cautions: Vec<Caution>,
    /// Hearsay about its success.
    pub said_rate: Option<SaidRate>,
    /// One per operator that runs it.
    pub runs: Vec<Run>,
    /// All runs together, where at least one outcome is known.
    pub pooled: Option<Success>,
    /// How far all runs together have come, read as far as their fleets allow; absent without a run.
    pub reach: Option<Reach>,
    /// Figures are made up for an exercise.
    pub invented: bool,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// One speaker's runs of an approach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run {
    /// Who reports it.
    pub speaker: String,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// The state of the newest run.
    pub state: RunState,
    /// Units with a known outcome and how many of them work again.
    pub success: Success,
    /// Units whose outcome is unknown.
    pub lost: u64,
    /// How far the runs have come, all arms together.
    pub reach: Reach,
    /// The arms by place, system and class of devices, in that order; empty where there is only one.
    pub arms: Vec<RunArm>,
    /// Figures that are lower than they were.
    pub fallen: Vec<Fall>,
    /// Median time to restore, seconds.
    pub p50_s: Option<u64>,
    /// Why it was undone.
    pub rollback: Option<String>,
    /// When the report last changed.
    pub changed: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// How far repairs have come: units by where they stand. What nobody tells is absent, which is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reach {
    /// `one speaker`; over several `disjoint`, where each repairs its own fleet, so that figures add; else `range`:
    /// between the greatest figure and the sum.
    pub regime: String,
    /// At least so many.
    pub lo: Tally,
    /// At most so many; absent where somebody whose units count here does not tell how many were targeted, were attempted
    /// or succeeded.
    pub hi: Tally,
}

/// One arm of a speaker's runs: the units of one place, system and class of devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunArm {
    /// Whose machines; absent if the arm names no place.
    pub provider: Option<String>,
    /// The class of services.
    pub service_class: Option<ServiceClass>,
    /// The family of operating systems.
    pub os_family: Option<String>,
    /// The services, in the provider's words.
    pub services: Vec<String>,
    /// The regions; empty if not stated.
    pub regions: Vec<String>,
    /// The zones; empty if not stated.
    pub zones: Vec<String>,
    /// The class of devices.
    pub device_class: Option<String>,
    /// How many units stand where.
    pub reach: Reach,
    /// Units with a known outcome and how many of them work again.
    pub success: Success,
}

/// A figure of a run that is lower than its speaker once said: machines that failed again, or words taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fall {
    /// `targeted`, `attempted` or `succeeded`.
    pub member: String,
    /// What it was.
    pub from: u64,
}

/// An observed success rate; parts per million, with the 95 % Wilson interval. Below 30 outcomes it is too early; where
/// outcomes are not told there is no rate, for they may be failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Success {
    /// Units with a known outcome.
    pub n: u64,
    /// Those that work again.
    pub succeeded: u64,
    /// Attempted units of which a tally that counts no failures does not tell how they ended.
    pub untold: u64,
    /// The rate, parts per million; absent without outcomes, and where some are not told.
    pub ppm: Option<u32>,
    /// Lower end of the interval.
    pub lo_ppm: Option<u32>,
    /// Upper end of the interval.
    pub hi_ppm: Option<u32>,
    /// Fewer than 30 outcomes.
    pub too_early: bool,
}

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Advice {
    /// The object id.
    pub object_id: String,
    /// Whose.
    pub speaker: String,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// What kind.
    pub category: AdvisoryCategory,
    /// Its title.
    pub title: String,
    /// The advice in words.
    pub text: Option<String>,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
