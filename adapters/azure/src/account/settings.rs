//! What the settings say for this adapter, read and checked.

use std::path::PathBuf;
use std::time::Duration;

use entente_sidecar::account::{Feed, Length, Tables};
use serde::Deserialize;

use crate::arm::{Cloud, Connection, Identity, IdentityKind};

/// The adapter's own table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Own {
    cloud: Cloud,
    identity: IdentityKind,
    tenant: String,
    client: String,
    file: PathBuf,
    subscriptions: Vec<String>,
}

/// `[feeds.azure-vm]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Machines {
    /// Whether what agents say is taken as a word of the guests.
    pub(crate) guest_signal: bool,
    /// How old an agent's last word may be.
    pub(crate) silent_after: Length,
    /// How often machines that are not listed any more are taken for gone.
    pub(crate) sweep_every: Length,
}

impl Default for Machines {
    fn default() -> Self {
        let minutes = |minutes: u64| Length(Duration::from_secs(60 * minutes));
        Self { guest_signal: true, silent_after: minutes(10), sweep_every: minutes(10) }
    }
}

/// `[feeds.azure-resource-health]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Resources {
    /// Whether resources are asked for that are no virtual machines, by one list a subscription.
    pub(crate) others: bool,
}

/// `[feeds.azure-service-health]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    /// How many days back events are asked for.
    pub(crate) days: u16,
    /// Whether events of the whole tenant are asked for.
    pub(crate) tenant: bool,
    /// Whether what an event hit is counted.
    pub(crate) impacted: bool,
    /// Whether events are taken from Resource Graph: one question instead of a list a subscription.
    pub(crate) graph: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { days: 14, tenant: false, impacted: true, graph: false }
    }
}

/// `[feeds.azure-emerging]`, and others without settings of their own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plain {}

/// What the settings say.
pub struct Feeds {
    pub(crate) connection: Connection,
    /// The subscriptions to read; all that the identity sees if none are named.
    pub(crate) subscriptions: Vec<String>,
    pub(crate) machines: Option<Feed<Machines>>,
    pub(crate) resources: Option<Feed<Resources>>,
    pub(crate) events: Option<Feed<Events>>,
    pub(crate) emerging: Option<Feed<Plain>>,
    pub(crate) repair: Option<Feed<Plain>>,
    pub(crate) push: Option<Feed<Plain>>,
}

impl Feeds {
    /// The slug of the first feed that asks.
    pub(crate) fn first(&self) -> Option<String> {
        let machines = self.machines.as_ref().map(|feed| &feed.slug);
        let resources = self.resources.as_ref().map(|feed| &feed.slug);
        let events = self.events.as_ref().map(|feed| &feed.slug);
        let repair = self.repair.as_ref().map(|feed| &feed.slug);
        machines.or(resources).or(events).or(repair).cloned()
    }
}

/// Days that Azure keeps events for.
const DAYS_MAX: u16 = 365;

/// Reads the tables.
pub(crate) fn parse(tables: &mut Tables<'_>) -> Feeds {
    let own: Own = tables.own();
    let feeds = Feeds {
        subscriptions: own.subscriptions.iter().map(|id| id.trim().to_lowercase()).collect(),
        machines: tables.feed("azure-vm"),
        resources: tables.feed("azure-resource-health"),
        events: tables.feed("azure-service-health"),
        emerging: tables.feed("azure-emerging"),
        repair: tables.feed("azure-repair"),
        push: tables.feed("azure-push"),
        connection: Connection {
            identity: identity(&own, tables),
            arm: tables.endpoint("arm"),
            login: tables.endpoint("login"),
        },
    };
    if own.subscriptions.iter().any(|id| !is_guid(id.trim())) {
        tables.mistake("azure.subscriptions", "expected ids of subscriptions: 8-4-4-4-12 hexadecimal digits");
    }
    if feeds.events.as_ref().is_some_and(|feed| !(1..=DAYS_MAX).contains(&feed.own.days)) {
        tables.mistake("feeds.azure-service-health.days", format!("expected 1 to {DAYS_MAX} days"));
    }
    feeds
}

fn identity(own: &Own, tables: &mut Tables<'_>) -> Identity {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let identity = Identity {
        kind: own.identity,
        cloud: own.cloud,
        tenant: given(&own.tenant),
        client: given(&own.client),
        file: Some(own.file.clone()).filter(|path| !path.as_os_str().is_empty()),
    };
    if matches!(own.identity, IdentityKind::ClientSecret | IdentityKind::ClientCertificate) {
        for (name, missing) in [
            ("tenant", identity.tenant.is_none()),
            ("client", identity.client.is_none()),
            ("file", identity.file.is_none()),
        ] {
            if missing {
                tables.mistake(&format!("azure.{name}"), "this identity needs tenant, client and file");
            }
        }
    }
    identity
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of a feed as it is printed.
    fn printed<T: serde::de::DeserializeOwned>(slug: &str) -> T {
        let text = include_str!("defaults.toml");
        let (_, rest) = text.split_once(&format!("#[feeds.{slug}]\n")).unwrap();
        let keys = rest.lines().map_while(|line| line.strip_prefix('#').filter(|key| !key.starts_with(['[', ' '])));
        toml::from_str(&keys.collect::<Vec<_>>().join("\n")).unwrap()
    }

    #[test]
    fn what_is_printed_is_what_is_so_without_it() {
        assert_eq!(printed::<Machines>("azure-vm"), Machines::default());
        assert_eq!(printed::<Resources>("azure-resource-health"), Resources::default());
        assert_eq!(printed::<Events>("azure-service-health"), Events::default());
    }

    #[test]
    fn a_subscription_is_named_by_its_guid() {
        assert!(is_guid("5f1d7a52-0c1e-4b7e-9a43-e2c5d1f0ab11"));
        assert!(!is_guid("production") && !is_guid("5f1d7a52-0c1e-4b7e-9a43-e2c5d1f0ab1g"));
    }
}
