//! What the adapter's tables in the settings say.

use std::time::Duration;

use chrono::TimeDelta;
use entente_sidecar::account::{Feed, Length, Tables};
use serde::Deserialize;

use super::clients::Endpoints;
use super::compute::{self, Guest, Silence};
use super::{operations, osconfig, psh};

/// The names of APIs whose address can be set.
pub(super) const ENDPOINTS: &[&str] = &["compute", "servicehealth", "osconfig"];

/// The greatest number of characters of a project's id, `example.com:name` included.
const PROJECT_MAX: usize = 100;
/// Serial ports that are read at each look.
const PORTS_MAX: usize = 200;

/// `[gcp]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Own {
    pub(super) projects: Vec<String>,
    pub(super) organization: String,
    pub(super) credentials: Credentials,
    pub(super) quota_project: String,
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Credentials {
    /// Where Google's own clients look.
    #[default]
    Default,
    /// From nowhere: for doubles.
    None,
}

/// `[feeds.gcp-compute]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Compute {
    guest: Vec<Signal>,
    inventory_silent: Length,
    inventory_off_days: u16,
    serial_machines: usize,
    pub(super) correlated_machines: u64,
    correlated_within: Length,
}

/// A signal from inside the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Signal {
    Groups,
    Inventory,
    Serial,
}

/// `[feeds.gcp-operations]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Operations {
    lookback: Length,
}

/// `[feeds.gcp-psh]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Psh {
    lookback_days: u16,
}

/// `[feeds.gcp-osconfig]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Osconfig {
    pub(super) jobs: Vec<String>,
    lookback: Length,
}

impl Default for Compute {
    fn default() -> Self {
        Self {
            guest: Vec::new(),
            inventory_silent: Length(Duration::from_secs(30 * 60)),
            inventory_off_days: 7,
            serial_machines: 20,
            correlated_machines: 10,
            correlated_within: Length(Duration::from_secs(15 * 60)),
        }
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self { lookback: day() }
    }
}

impl Default for Psh {
    fn default() -> Self {
        Self { lookback_days: 14 }
    }
}

impl Default for Osconfig {
    fn default() -> Self {
        Self { jobs: Vec::new(), lookback: day() }
    }
}

fn day() -> Length {
    Length(Duration::from_secs(24 * 3_600))
}

fn delta(length: Length) -> TimeDelta {
    TimeDelta::from_std(length.0).unwrap_or(TimeDelta::MAX)
}

impl Compute {
    /// The signals that are looked at.
    pub(super) fn signals(&self) -> Guest {
        let has = |signal| self.guest.contains(&signal);
        let silence =
            Silence { after: delta(self.inventory_silent), until: TimeDelta::days(self.inventory_off_days.into()) };
        Guest {
            groups: has(Signal::Groups),
            inventory: has(Signal::Inventory).then_some(silence),
            ports: if has(Signal::Serial) { self.serial_machines } else { 0 },
        }
    }

    /// Within which time machines fail together.
    pub(super) fn together(&self) -> TimeDelta {
        delta(self.correlated_within)
    }
}

impl Operations {
    pub(super) fn lookback(&self) -> TimeDelta {
        delta(self.lookback)
    }
}

impl Psh {
    pub(super) fn lookback(&self) -> TimeDelta {
        TimeDelta::days(self.lookback_days.into())
    }
}

impl Osconfig {
    pub(super) fn lookback(&self) -> TimeDelta {
        delta(self.lookback)
    }
}

/// All tables.
pub struct Feeds {
    pub(super) own: Own,
    pub(super) endpoints: Endpoints,
    pub(super) compute: Option<Feed<Compute>>,
    pub(super) operations: Option<Feed<Operations>>,
    pub(super) psh: Option<Feed<Psh>>,
    pub(super) osconfig: Option<Feed<Osconfig>>,
}

/// Reads the tables, and tells of what does not go together.
pub(super) fn read(tables: &mut Tables<'_>) -> Feeds {
    let own: Own = tables.own();
    let [compute, servicehealth, osconfig] = ["compute", "servicehealth", "osconfig"].map(|name| tables.endpoint(name));
    let feeds = Feeds {
        own,
        endpoints: Endpoints { compute, servicehealth, osconfig },
        compute: tables.feed(compute::SLUG),
        operations: tables.feed(operations::SLUG),
        psh: tables.feed(psh::SLUG),
        osconfig: tables.feed(osconfig::SLUG),
    };
    feeds.names(tables);
    feeds.compute.iter().for_each(|feed| limits(&feed.own, tables));
    feeds.places(tables);
    feeds.credentials(tables);
    feeds
}

fn limits(compute: &Compute, tables: &mut Tables<'_>) {
    let path = |key: &str| format!("feeds.{}.{key}", compute::SLUG);
    if compute.serial_machines > PORTS_MAX || compute.serial_machines == 0 {
        tables.mistake(&path("serial_machines"), format!("expected 1 to {PORTS_MAX}"));
    }
    if TimeDelta::days(compute.inventory_off_days.into()) <= delta(compute.inventory_silent) {
        tables.mistake(&path("inventory_off_days"), "expected longer than `inventory_silent`");
    }
    if compute.correlated_machines == 0 {
        tables.mistake(&path("correlated_machines"), "expected 1 or more");
    }
}

impl Feeds {
    /// Names become parts of addresses.
    fn names(&self, tables: &mut Tables<'_>) {
        for (index, project) in self.own.projects.iter().enumerate() {
            let known = project.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b));
            if !known || project.is_empty() || project.len() > PROJECT_MAX {
                tables
                    .mistake(&format!("gcp.projects[{index}]"), "expected the id of a project, such as acme-prod-417");
            }
            if self.own.projects.iter().take(index).any(|before| before == project) {
                tables.mistake(&format!("gcp.projects[{index}]"), "this project is named twice");
            }
        }
        if !self.own.organization.bytes().all(|b| b.is_ascii_digit()) {
            tables.mistake("gcp.organization", "expected the number of an organisation, in digits only");
        }
    }

    fn places(&self, tables: &mut Tables<'_>) {
        let Own { projects, organization, .. } = &self.own;
        let of_projects = self.compute.is_some() || self.operations.is_some() || self.osconfig.is_some();
        if of_projects && projects.is_empty() {
            tables.mistake("gcp.projects", "name the projects whose machines are looked at");
        }
        if self.psh.is_some() && projects.is_empty() && organization.is_empty() {
            tables.mistake("gcp.organization", "name the organisation, or the projects, whose service health is read");
        }
        let needing = [(self.operations.is_some(), operations::SLUG), (self.osconfig.is_some(), osconfig::SLUG)];
        for (_, slug) in needing.iter().filter(|(read, _)| *read && self.compute.is_none()) {
            let what = format!("this feed needs {}, which knows the machines that are repaired", compute::SLUG);
            tables.mistake(&format!("feeds.{slug}"), what);
        }
    }

    /// Without credentials no call may leave this machine.
    fn credentials(&self, tables: &mut Tables<'_>) {
        let here = |endpoint: &Option<entente_sidecar::account::Endpoint>| {
            endpoint.as_ref().is_some_and(|endpoint| endpoint.url().scheme() == "http")
        };
        let inventories = self.compute.as_ref().is_some_and(|feed| feed.own.signals().inventory.is_some());
        let called = [
            ("compute", self.compute.is_some() || self.operations.is_some(), &self.endpoints.compute),
            ("servicehealth", self.psh.is_some(), &self.endpoints.servicehealth),
            ("osconfig", self.osconfig.is_some() || inventories, &self.endpoints.osconfig),
        ];
        let open = self.own.credentials == Credentials::None;
        for (name, _, _) in called.iter().filter(|(_, called, endpoint)| open && *called && !here(endpoint)) {
            let what = format!("credentials are needed unless endpoints.{name} is an http address on this machine");
            tables.mistake("gcp.credentials", what);
        }
    }
}
