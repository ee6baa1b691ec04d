//! `approach`: a way of repairing, as distinct from a run of it (CACAO calls it a playbook, STIX a course of action).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::count::COUNT_MAX;
use crate::word::words;

words! {
    /// The kind of repair.
    ApproachKind or "other" {
        /// Reboot until it heals.
        SelfRecoveryReboot = "self_recovery_reboot",
        /// Start in safe mode and delete a file.
        DeleteArtifactSafeMode = "delete_artifact_safe_mode",
        /// Attach the disk elsewhere and repair it.
        OfflineDiskRepair = "offline_disk_repair",
        /// Restore from a backup.
        RestoreFromBackup = "restore_from_backup",
        /// Start from a medium.
        BootableMedia = "bootable_media",
        /// Start from the network.
        NetworkBoot = "network_boot",
        /// The agent's vendor rolls back.
        AgentSideRollback = "agent_side_rollback",
        /// A configuration is rolled back.
        ConfigRollback = "config_rollback",
        /// Work moves elsewhere.
        Failover = "failover",
        /// Traffic moves elsewhere.
        TrafficReroute = "traffic_reroute",
        /// A patch.
        Patch = "patch",
        /// The part is cut off.
        Isolate = "isolate",
        /// The part is replaced.
        Replace = "replace",
    }
}

words! {
    /// How much of it a machine does.
    Automation {
        /// By hand.
        Manual = "manual",
        /// A script, started by hand.
        Scripted = "scripted",
        /// Rolled out by a system.
        Orchestrated = "orchestrated",
        /// Done by the vendor.
        VendorSide = "vendor_side",
    }
}

/// What may go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Risk {
    /// Whether data can be lost; absent if not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_loss: Option<bool>,
    /// Whether it can be undone; absent if not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversible: Option<bool>,
}

/// A file that the approach uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Hash of its bytes; two approaches with one artifact may be the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
}

/// Something to beware of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Caution {
    /// In words.
    pub text: String,
    /// How many units came to harm, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub harm_count: Option<u64>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

/// A success rate that somebody said, as distinct from an observed one; parts per million.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SaidRate {
    /// Lower end, parts per million.
    #[schemars(range(max = 1_000_000))]
    pub lo: u32,
    /// Upper end, parts per million.
    #[schemars(range(max = 1_000_000))]
    pub hi: u32,
    /// Who said it.
    #[schemars(length(min = 1))]
    pub by: String,
}

/// A way of repairing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approach {
    /// Its name.
    #[schemars(length(min = 1, max = 500))]
    pub name: String,
    /// Its kind.
    pub kind: ApproachKind,
    /// How much of it a machine does.
    pub automation: Automation,
    /// Object id of another organisation's approach that is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub same_as: Option<String>,
    /// What must be reachable or at hand: `console`, `recovery_key`, `local_admin`, ...
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<String>,
    /// What may go wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Files that it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Seconds of work a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub est_seconds_per_unit: Option<u64>,
    /// Object id of an approach that it supersedes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub replaces: Option<String>,
    /// Providers and vendors on whose machines it can be used: tells "n/a" from "no claim".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applies_to: Vec<String>,
    /// The vendor whose product it repairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The product that it repairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What to beware of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<Caution>,
    /// Hearsay about its success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_rate: Option<SaidRate>,
}

impl Approach {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("name", &self.name);
        problems.length("name", &self.name, super::impact::TITLE_MAX);
        problems.number("est_seconds_per_unit", self.est_seconds_per_unit);
        for (index, artifact) in self.artifacts.iter().enumerate() {
            if let Some(hash) = &artifact.sha256 {
                problems.hash(&format!("artifacts.{index}.sha256"), hash);
            }
        }
        for (index, caution) in self.cautions.iter().enumerate() {
            problems.number(&format!("cautions.{index}.harm_count"), caution.harm_count);
            problems.time(&format!("cautions.{index}.since"), caution.since);
        }
        for (path, id) in [("same_as", &self.same_as), ("replaces", &self.replaces)] {
            if let Some(id) = id {
                problems.object_id(path, id);
            }
        }
        if let Some(rate) = &self.said_rate {
            problems.present("said_rate.by", &rate.by);
            check_ppm("said_rate", rate.lo, rate.hi, problems);
        }
    }
}

/// Checks an interval of parts per million.
pub(super) fn check_ppm(path: &str, lo: u32, hi: u32, problems: &mut Problems) {
    if lo > hi || hi > 1_000_000 {
        problems.add(path, "expected lo <= hi <= 1 000 000 parts per million");
    }
}
