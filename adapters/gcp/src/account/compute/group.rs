//! Managed instance groups with a health check, zonal and regional ones.

use std::time::{Duration, Instant};

use google_cloud_compute_v1::model::{InstanceGroupManager, ManagedInstance};

use super::sign::Signs;
use super::table::{Health, Table};
use crate::account::psh::last_part;

/// A group whose machines a health check watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) place: Where,
}

/// How long the list of groups is taken to stand.
const STANDS: Duration = Duration::from_secs(600);

/// The groups of a project that are watched.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    pub(super) groups: Vec<Group>,
    listed: Option<Instant>,
}

impl Watch {
    /// Whether the groups are to be listed anew.
    pub(super) fn is_due(&self) -> bool {
        self.listed.is_none_or(|at| at.elapsed() >= STANDS)
    }

    /// Takes a list of all groups. What could not be listed is as it was, and all of it is listed again next time.
    pub(super) fn renew(&mut self, mut groups: Vec<Group>, dark: &[String]) {
        let unlisted = |group: &Group| dark.iter().any(|place| group.place.is_in(place)) && !groups.contains(group);
        let kept: Vec<Group> = self.groups.iter().filter(|group| unlisted(group)).cloned().collect();
        groups.extend(kept);
        // The answer's own order is that of a table without any.
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        self.groups = groups;
        self.listed = dark.is_empty().then(Instant::now);
    }

    /// Forgets groups that are there no more, and lists all of them anew next time.
    pub(super) fn forget(&mut self, gone: &[Group]) {
        if !gone.is_empty() {
            self.groups.retain(|group| !gone.contains(group));
            self.listed = None;
        }
    }
}

/// Where a group's machines stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Zone(String),
    Region(String),
}

impl Where {
    fn is_in(&self, place: &str) -> bool {
        matches!(self, Self::Zone(own) | Self::Region(own) if own == place)
    }
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

/// Takes note of what the health checks say of a machine; gives the words that the table does not list. One that its group
/// starts or takes away fails its check for that.
pub(super) fn note(managed: &ManagedInstance, table: &Table, signs: &mut Signs) -> Vec<String> {
    let Some(id) = managed.id else { return Vec::new() };
    let action = managed.current_action.as_ref().and_then(|action| action.name());
    let moves = action.is_some_and(|action| table.moves(action));
    let mut unknown = Vec::new();
    for health in managed.instance_health.iter().filter_map(|health| health.detailed_health_state.as_ref()?.name()) {
        match table.health(health) {
            Some(Health::Affected) if moves => {}
            Some(health) => signs.health(id, health),
            None => unknown.push(health.to_owned()),
        }
    }
    unknown
}
