//! Counts: how many of what, by whom counted how, and with which others they may be added.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Problems, join};
use crate::word::words;

words! {
    /// What is counted. Different units are never added.
    Unit {
        /// A device of any kind.
        Device = "device",
        /// A virtual machine.
        Vm = "vm",
        /// A customer organisation.
        CustomerOrg = "customer_org",
        /// A cloud subscription.
        Subscription = "subscription",
        /// A cloud account.
        Account = "account",
        /// A cloud project.
        Project = "project",
        /// A physical site.
        Site = "site",
    }
}

words! {
    /// Which part of the counted population a figure is about.
    Quantity {
        /// Ever hit.
        Affected = "affected",
        /// Still hit.
        Remaining = "remaining",
        /// Working again.
        Restored = "restored",
        /// Hit again after having been restored.
        Relapsed = "relapsed",
        /// Could be hit.
        AtRisk = "at_risk",
        /// Known not to be hit.
        Unaffected = "unaffected",
        /// Not known to be either.
        Unknown = "unknown",
    }
}

words! {
    /// How a figure came about.
    Method {
        /// Every unit was looked at.
        ExactEnumeration = "exact_enumeration",
        /// A keyed set of units was counted.
        ExactKeyedSet = "exact_keyed_set",
        /// A probabilistic sketch.
        Sketch = "sketch",
        /// Extrapolated from telemetry.
        TelemetryExtrapolation = "telemetry_extrapolation",
        /// A sample.
        SampleSurvey = "sample_survey",
        /// A vendor said so.
        VendorStatement = "vendor_statement",
        /// Somebody who knows the field judged.
        ExpertJudgement = "expert_judgement",
        /// Somebody outside counted.
        ThirdParty = "third_party",
    }
}

/// The greatest number that may stand for a count (9e15, below 2^53, so that every JSON reader keeps it exact).
pub const COUNT_MAX: u64 = 9_000_000_000_000_000;

/// One figure of one speaker about one population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Count {
    /// What is counted.
    pub unit: Unit,
    /// Which part of the population.
    pub quantity: Quantity,
    /// The figure itself, where one is claimed. Absent means not shared, never zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub value: Option<u64>,
    /// Lower end of the interval; absent if the speaker gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub lo: Option<u64>,
    /// Upper end of the interval; absent if the speaker gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub hi: Option<u64>,
    /// How the figure came about.
    pub method: Method,
    /// The moment for which the figure holds.
    pub as_of: DateTime<Utc>,
    /// Counts of one overlap domain may be de-duplicated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_domain: Option<String>,
    /// The population counted, `fleet:<provider>` where it is disjoint from others by definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<String>,
}

impl Count {
    /// Adds what is wrong with this figure to `problems`, under `path`.
    pub(crate) fn check(&self, path: &str, problems: &mut Problems) {
        check_interval(path, self.value, self.lo, self.hi, problems);
        if self.value.is_none() && self.lo.is_none() && self.hi.is_none() {
            problems.add(path, "a count needs a value, lo or hi");
        }
        problems.time(&format!("{path}.as_of"), Some(self.as_of));
    }
}

/// Checks that `lo <= value <= hi` and that no number is above [`COUNT_MAX`].
pub(crate) fn check_interval(
    path: &str,
    value: Option<u64>,
    lo: Option<u64>,
    hi: Option<u64>,
    problems: &mut Problems,
) {
    for (name, number) in [("value", value), ("lo", lo), ("hi", hi)] {
        problems.number(&join(path, name), number);
    }
    let ordered = [lo, value, hi];
    let stated: Vec<u64> = ordered.into_iter().flatten().collect();
    if !stated.is_sorted() {
        problems.add(&join(path, "lo"), "expected lo <= value <= hi");
    }
}
