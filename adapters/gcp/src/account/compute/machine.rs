//! A machine as the list of all machines of a project shows it: what is needed of it, and nothing by which people know it.

use chrono::{DateTime, Utc};
use entente_sidecar::fleet::Os;
use entente_sidecar::stamp::instant;
use google_cloud_compute_v1::model::{AttachedDisk, Instance};

use super::table::{Systems, Table};
use crate::account::psh::last_part;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) id: u64,
    pub(super) zone: String,
    /// The word for its state.
    pub(super) status: String,
    pub(super) os: Os,
    /// When it was last started.
    pub(super) launched: Option<DateTime<Utc>>,
    /// When it was last suspended; when it was resumed is not told.
    pub(super) suspended: Option<DateTime<Utc>>,
}

/// Why a machine cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("a machine has no `id`, without which it cannot be told from others")]
    Nameless,
}

impl Machine {
    /// Reads a machine of a scope, `zones/us-central1-a`.
    pub(super) fn read(instance: &Instance, scope: &str, table: &Table, now: DateTime<Utc>) -> Result<Self, Fault> {
        let zone = instance.zone.as_deref().map(last_part).filter(|zone| !zone.is_empty());
        let status = instance.status.as_ref().and_then(|status| status.name()).unwrap_or_default();
        let time = |text: &Option<String>| text.as_deref().and_then(|text| instant(text, now).ok());
        Ok(Self {
            id: instance.id.filter(|id| *id > 0).ok_or(Fault::Nameless)?,
            zone: zone.unwrap_or_else(|| last_part(scope)),
            status: status.to_owned(),
            os: os(&instance.disks, &table.os),
            launched: time(&instance.last_start_timestamp).or_else(|| time(&instance.creation_timestamp)),
            suspended: time(&instance.last_suspended_timestamp),
        })
    }
}

/// The family of what stands on the boot disk. A licence or a feature that is not of Windows tells of a Linux, since Compute
/// Engine runs nothing else; a disk of which nothing is said tells nothing.
fn os(disks: &[AttachedDisk], systems: &Systems) -> Os {
    let boot = disks.iter().find(|disk| disk.boot == Some(true)).or_else(|| disks.first());
    let Some(disk) = boot else { return Os::Unknown };
    let mut features = disk.guest_os_features.iter().filter_map(|feature| feature.r#type.as_ref()?.name());
    let mut licenses = disk.licenses.iter();
    if features.any(|feature| systems.windows_features.iter().any(|known| known == feature))
        || licenses.any(|license| systems.windows_licenses.iter().any(|part| license.contains(part)))
    {
        return Os::Windows;
    }
    if disk.licenses.is_empty() && disk.guest_os_features.is_empty() { Os::Unknown } else { Os::Linux }
}
