//! The words that all fleets share, as data: what a hint means, from which figures on it is how bad, and the repairs that are
//! known by their traces.

use std::collections::BTreeMap;

use entente_schemas::block::{Effect, Layer, ServiceClass, Severity};
use entente_schemas::family::{ApproachKind, Automation};
use serde::{Deserialize, Serialize};

use super::profile::KnownApproach;
use super::sighting::Hint;

const TABLE: &str = include_str!("words.toml");

/// What one impact of a fleet is about: failures of one group have one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    /// What runs inside the machines.
    Guest,
    /// The provider's hosts.
    Platform,
    /// The provider's disks.
    Storage,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Guest, Self::Platform, Self::Storage];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Platform => "platform",
            Self::Storage => "storage",
        }
    }

    pub(super) fn layer(self) -> Layer {
        match self {
            Self::Guest => Layer::Guest,
            Self::Platform | Self::Storage => Layer::Platform,
        }
    }

    /// What fails, if it is another service than the machines themselves.
    pub(super) fn class(self) -> Option<ServiceClass> {
        (self == Self::Storage).then_some(ServiceClass::BlockStorage)
    }
}

/// The table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub version: u32,
    hints: Hints,
    pub correlated: Cause,
    pub blind: Blind,
    severity: Vec<Threshold>,
    approaches: BTreeMap<String, Vec<Known>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hints {
    guest_os_unreachable: Cause,
    guest_agent_lost: Cause,
    provider_host: Cause,
    provider_storage: Cause,
    unstated: Cause,
}

/// What is said of a failure whose signs are so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cause {
    #[serde(default = "guest")]
    pub group: Group,
    #[serde(default)]
    pub class: Option<String>,
    pub title: String,
    #[serde(default)]
    pub effect: Vec<Effect>,
    #[serde(default)]
    pub symptom: Option<String>,
}

/// What is said where nothing can be seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Blind {
    pub title: String,
}

fn guest() -> Group {
    Group::Guest
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    severity: Severity,
    machines: u64,
    share_ppm: u64,
    few: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    slug: String,
    name: String,
    kind: ApproachKind,
    automation: Automation,
    system: String,
    #[serde(default)]
    data_loss: Option<bool>,
    #[serde(default)]
    cautions: Vec<String>,
}

impl Words {
    /// The table that is compiled in.
    pub(super) fn table() -> Result<Self, toml::de::Error> {
        toml::from_str(TABLE)
    }

    pub(super) fn of(&self, hint: Hint) -> &Cause {
        match hint {
            Hint::GuestOsUnreachable => &self.hints.guest_os_unreachable,
            Hint::GuestAgentLost => &self.hints.guest_agent_lost,
            Hint::ProviderHost => &self.hints.provider_host,
            Hint::ProviderStorage => &self.hints.provider_storage,
            Hint::Unstated => &self.hints.unstated,
        }
    }

    /// How bad it is that so many of so many do not work.
    pub(super) fn severity(&self, machines: u64, of: u64) -> Severity {
        let share = |row: &Threshold| {
            let scaled = u128::from(machines) * 1_000_000;
            machines >= row.few && scaled >= u128::from(row.share_ppm) * u128::from(of)
        };
        let row = self.severity.iter().find(|row| machines >= row.machines || machines > 0 && share(row));
        row.map_or(Severity::None, |row| row.severity)
    }
}

/// The repairs that are known by their traces at a provider: what a profile's table begins with.
///
/// # Errors
/// If the table that is compiled in cannot be read.
pub fn known_approaches(provider: &str) -> Result<Vec<KnownApproach>, toml::de::Error> {
    let known = Words::table()?.approaches.remove(provider).unwrap_or_default();
    let known = known.into_iter().map(|known| KnownApproach {
        slug: known.slug,
        name: known.name,
        kind: known.kind,
        automation: known.automation,
        system: known.system,
        data_loss: known.data_loss,
        cautions: known.cautions,
    });
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_uses_words_of_the_bus() {
        let words = Words::table().unwrap();
        for provider in ["aws", "azure", "gcp"] {
            let known = known_approaches(provider).unwrap();
            assert!(known.len() > 2);
            for approach in known {
                assert!(approach.kind != ApproachKind::Other && approach.automation != Automation::Other);
                assert!(approach.slug.starts_with(provider) && approach.system.starts_with(provider), "{approach:?}");
            }
        }
        assert!(words.approaches.len() == 3 && !words.severity.iter().any(|row| row.severity == Severity::Other));
        assert!(!words.of(Hint::ProviderStorage).effect.contains(&Effect::Other));
        assert_eq!(words.of(Hint::ProviderHost).group, Group::Platform);
    }

    #[test]
    fn severity_comes_from_counts() {
        let words = Words::table().unwrap();
        for (machines, of, severity) in [
            (0, 0, Severity::None),
            (0, 50, Severity::None),
            (1, 1, Severity::Minor),
            (4, 5, Severity::Minor),
            (5, 10, Severity::Major),
            (5, 100, Severity::Minor),
            (50, 1_000_000, Severity::Major),
            (19, 20, Severity::Major),
            (20, 20, Severity::Critical),
            (1_000, 8_500_000, Severity::Critical),
            (u64::MAX, u64::MAX, Severity::Critical),
        ] {
            assert_eq!(words.severity(machines, of), severity, "{machines} of {of}");
        }
    }
}
