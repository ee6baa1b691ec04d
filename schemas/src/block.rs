//! Blocks: some services in some regions of one provider, in one state. The cells of the situation matrix come from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::subject::is_slug;
use crate::word::words;

words! {
    /// What kind of service fails, never its operating system.
    ServiceClass or "other" {
        /// Virtual and physical machines.
        Compute = "compute",
        /// Containers and their orchestration.
        Container = "container",
        /// Functions and managed applications.
        Serverless = "serverless",
        /// Disks.
        BlockStorage = "block_storage",
        /// Objects.
        ObjectStorage = "object_storage",
        /// Shared file systems.
        FileStorage = "file_storage",
        /// Databases and warehouses.
        Database = "database",
        /// Caches.
        Cache = "cache",
        /// Queues, topics, streams.
        Queue = "queue",
        /// Content delivery.
        CdnEdge = "cdn_edge",
        /// Name resolution.
        Dns = "dns",
        /// Networks, load balancing, connectivity.
        Network = "network",
        /// Sign-in, access, keys.
        Identity = "identity",
        /// Management interfaces, quotas, deployment.
        ControlPlane = "control_plane",
        /// Consoles and portals.
        Console = "console",
        /// Metrics, logs, alarms.
        Monitoring = "monitoring",
        /// Agents that protect machines.
        SecurityAgent = "security_agent",
        /// Models and their interfaces.
        AiMl = "ai_ml",
        /// Mail, messages, voice, meetings.
        MessagingTelecom = "messaging_telecom",
        /// Builds, repositories, delivery.
        CiCd = "ci_cd",
        /// Laptops, kiosks, points of sale.
        EndpointDevice = "endpoint_device",
        /// Hosted desktops.
        VirtualDesktop = "virtual_desktop",
    }
}

words! {
    /// The state of a block.
    BlockState {
        /// Works badly.
        AffectedDegraded = "affected_degraded",
        /// A part does not work.
        AffectedPartial = "affected_partial",
        /// Does not work.
        AffectedUnavailable = "affected_unavailable",
        /// Coming back.
        Restoring = "restoring",
        /// Works again.
        Restored = "restored",
        /// Claimed not to be hit.
        NotAffected = "not_affected",
        /// The speaker cannot tell.
        Unknown = "unknown",
        /// Outside this claim: planned work, users' own doing.
        Excluded = "excluded",
    }
}

words! {
    /// A normalised severity. `not_stated` is not `none`.
    Severity {
        /// No harm claimed.
        None = "none",
        /// For information.
        Info = "info",
        /// Small harm.
        Minor = "minor",
        /// Large harm.
        Major = "major",
        /// The greatest harm.
        Critical = "critical",
        /// The speaker states none.
        NotStated = "not_stated",
    }
}

impl Severity {
    /// Order of harm, for bars and sorting; not stated ranks with information, since it may hide anything.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Info | Self::NotStated | Self::Other => 1,
            Self::Minor => 2,
            Self::Major => 3,
            Self::Critical => 4,
        }
    }
}

words! {
    /// Which side of the hypervisor is hit.
    Layer {
        /// The provider's platform.
        Platform = "platform",
        /// What runs in the customer's machine.
        Guest = "guest",
    }
}

words! {
    /// What users notice.
    Effect or "other" {
        /// Nothing answers.
        Unavailable = "unavailable",
        /// Answers are errors.
        Errors = "errors",
        /// Answers are slow.
        Latency = "latency",
        /// Work is done late.
        Delay = "delay",
        /// Data is lost.
        DataLoss = "data_loss",
        /// There is too little of it.
        Capacity = "capacity",
    }
}

/// The software or hardware that a block is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Asset {
    /// The vendor's slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The product's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// A range of versions, in the vendor's own notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_range: Option<String>,
    /// The family of operating systems: `windows`, `linux`, `macos`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_family: Option<String>,
    /// A file, driver or update by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
}

/// *Some* of these services in *some* of these regions; exact where there is one of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Block {
    /// OpenTelemetry's `cloud.provider` value, or a vendor's slug.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,23}$"))]
    pub provider: String,
    /// What kind of service.
    pub service_class: ServiceClass,
    /// Native names of services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Native codes of regions. Absent means not stated; `global` only for services that are global by nature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Native codes of zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// The state of the block.
    pub state: BlockState,
    /// The severity claimed for it.
    #[serde(default = "not_stated")]
    pub severity: Severity,
    /// Platform or guest; absent where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// The software or hardware concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<Asset>,
}

fn not_stated() -> Severity {
    Severity::NotStated
}

impl Block {
    /// The operating systems of what is hit, where that is stated.
    #[must_use]
    pub fn os_family(&self) -> Option<&str> {
        self.asset.as_ref()?.os_family.as_deref()
    }

    pub(crate) fn check(&self, path: &str, problems: &mut Problems) {
        if !is_slug(&self.provider.replace('_', "-")) {
            problems
                .add(&format!("{path}.provider"), "expected a provider's or vendor's slug, such as aws, azure, gcp");
        }
    }
}
