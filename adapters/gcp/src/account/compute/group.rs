//! Managed instance groups with a health check, zonal and regional ones.

use google_cloud_compute_v1::model::{InstanceGroupManager, ManagedInstance};

use super::sign::Signs;
use super::table::Table;
use crate::account::psh::last_part;

/// A group whose machines a health check watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) place: Where,
}

/// Where a group's machines stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Zone(String),
    Region(String),
}

impl Group {
    /// The group, if a health check watches it: of the others Compute Engine says nothing.
    pub(super) fn watched(manager: &InstanceGroupManager) -> Option<Self> {
        let watched = manager.auto_healing_policies.iter().any(|policy| policy.health_check.is_some());
        let name = manager.name.clone().filter(|_| watched)?;
        let place = |link: &Option<String>| link.as_deref().map(last_part).filter(|place| !place.is_empty());
        let place = place(&manager.zone).map(Where::Zone).or_else(|| place(&manager.region).map(Where::Region))?;
        Some(Self { name, place })
    }
}

/// Takes note of what the health checks say of a machine; gives the words that the table does not list.
pub(super) fn note(managed: &ManagedInstance, table: &Table, signs: &mut Signs) -> Vec<String> {
    let Some(id) = managed.id else { return Vec::new() };
    let mut unknown = Vec::new();
    for health in managed.instance_health.iter().filter_map(|health| health.detailed_health_state.as_ref()?.name()) {
        match table.health(health) {
            Some(health) => signs.health(id, health),
            None => unknown.push(health.to_owned()),
        }
    }
    unknown
}
