//! `azure-service-health`: events that hit the subscriptions and the tenant, merged to one a matter, and how many of the
//! customer's resources Azure names for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::ask::{Ask, Told};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::{FeedProfile, Refusal};
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use crate::account::api::{EVENTS, IMPACTED, TENANT_EVENTS};
use crate::account::lack::Lack;
use crate::account::settings;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element};
use crate::matter::{Desk, Matter, Named, event, reading};
use crate::resource::{MACHINE, resource};
use crate::scrub::scrub;

/// The native system.
pub(crate) const SYSTEM: &str = "azure.service_health";

const GRAPH_EVENTS: &str = "servicehealthresources \
    | where type =~ 'microsoft.resourcehealth/events' \
    | order by id asc \
    | project id, name, subscriptionId, properties";

/// Elements that are told as refused in one answer.
const REFUSED_MAX: usize = 100;

/// What the feed works with.
pub(crate) struct Tools {
    pub(crate) profile: FeedProfile,
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) settings: settings::Events,
    pub(crate) cadence: Cadence,
}

/// The feed.
pub(crate) struct Services {
    tools: Arc<Tools>,
    /// What each matter was last found to hit, by its tracking id; with the version of it that this is of.
    counted: BTreeMap<String, (Option<DateTime<Utc>>, Named)>,
    busy: bool,
}

/// Matters by tracking id, and where each was seen.
#[derive(Default)]
struct Found {
    matters: BTreeMap<String, Matter>,
    seen_in: BTreeMap<String, BTreeSet<String>>,
    refused: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Impacted {
    properties: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    target_resource_id: Option<String>,
    target_resource_type: Option<String>,
}

impl Services {
    pub(crate) fn new(tools: Arc<Tools>) -> Self {
        Self { tools, counted: BTreeMap::new(), busy: false }
    }

    /// The call that lists the events of a subscription since some days ago.
    pub(crate) fn call(subscription: &str, days: u16, now: DateTime<Utc>) -> Call {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ResourceHealth/events");
        Call::get(EVENTS, subscription, path).with("queryStartTime", &since(days, now))
    }

    /// The call that lists the events of the tenant.
    pub(crate) fn tenant_call(days: u16, now: DateTime<Utc>) -> Call {
        let path = "/providers/Microsoft.ResourceHealth/events".to_owned();
        Call::get(TENANT_EVENTS, "", path).with("queryStartTime", &since(days, now))
    }

    /// The call that lists what an event hit in a subscription.
    pub(crate) fn impacted_call(subscription: &str, tracking_id: &str) -> Call {
        let path = format!(
            "/subscriptions/{subscription}/providers/Microsoft.ResourceHealth/events/{tracking_id}/impactedResources"
        );
        Call::get(IMPACTED, subscription, path)
    }

    async fn poll(&mut self, clock: Clock) -> Result<Told, Failure> {
        let mut found = Found::default();
        let mut lack = Lack::default();
        if self.tools.settings.graph {
            lack.note(self.of_graph(clock, &mut found).await);
        } else {
            for subscription in self.tools.subscriptions.list().await?.iter() {
                let call = Self::call(subscription, self.tools.settings.days, clock.now());
                lack.note(self.list(&call, subscription, clock, &mut found).await);
            }
        }
        if self.tools.settings.tenant {
            let call = Self::tenant_call(self.tools.settings.days, clock.now());
            lack.note(self.list(&call, "", clock, &mut found).await);
        }
        if self.tools.settings.impacted {
            self.count(&mut found, &mut lack).await;
        }
        let lacks = lack.told()?;
        self.busy = found.matters.values().any(is_open);
        let matters = found.matters.into_values().map(Ok).chain(found.refused.into_iter().map(Err));
        let desk = Desk { system: SYSTEM, channel: "Azure Service Health", audience: "customers" };
        let mut told = reading(matters, desk, clock.now());
        told.lacks = lacks;
        Ok(Told::Reading(told))
    }

    async fn list(&self, call: &Call, subscription: &str, clock: Clock, found: &mut Found) -> Result<(), Failure> {
        let mut place = 0;
        self.tools
            .arm
            .list(call, |raw| {
                place += 1;
                let value: Result<Value, _> = element(raw);
                let matter = value.and_then(|value| event(value, clock.now()).map_err(|error| error.to_string()));
                found.take(matter, subscription, place, raw.get().as_bytes());
            })
            .await
    }

    async fn of_graph(&self, clock: Clock, found: &mut Found) -> Result<(), Failure> {
        let mut place = 0;
        self.tools
            .graph
            .rows(GRAPH_EVENTS, |row: Result<Value, String>| {
                place += 1;
                let row = row.unwrap_or(Value::Null);
                let subscription = row.get("subscriptionId").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                let input = row.to_string();
                let matter = event(row, clock.now()).map_err(|error| error.to_string());
                found.take(matter, &subscription, place, input.as_bytes());
            })
            .await
    }

    /// Counts what open matters hit, where they have changed since it was last counted. One that cannot be counted is told
    /// with what was counted before.
    async fn count(&mut self, found: &mut Found, lack: &mut Lack) {
        for (id, matter) in &mut found.matters {
            let version = matter.updated.as_ref().map(|stated| stated.time);
            let known = self.counted.get(id).copied();
            matter.named = known.map(|(_, named)| named);
            // An id that is none of Azure's own is put into no address.
            let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !id.starts_with('.');
            if !plain || !is_open(matter) || known.is_some_and(|(of, _)| of == version) {
                continue;
            }
            let places = found.seen_in.get(id).into_iter().flatten().filter(|subscription| !subscription.is_empty());
            if let Some(named) = lack.note(named(&self.tools.arm, places, id).await) {
                self.counted.insert(id.clone(), (version, named));
                matter.named = Some(named);
            }
        }
        self.counted.retain(|id, _| found.matters.contains_key(id));
    }
}

/// How many resources Azure names for a matter in these subscriptions, each once.
async fn named(arm: &Arm, subscriptions: impl Iterator<Item = &String>, id: &str) -> Result<Named, Failure> {
    let (mut machines, mut others) = (BTreeSet::new(), BTreeSet::new());
    for subscription in subscriptions {
        let call = Services::impacted_call(subscription, id);
        arm.list(&call, |raw| {
            let Ok(Impacted { properties: target }) = element(raw) else { return };
            let Some(id) = target.target_resource_id.filter(|id| !id.trim().is_empty()) else { return };
            let machine = target.target_resource_type.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MACHINE));
            if machine {
                machines.insert(resource(&id))
            } else {
                others.insert(resource(&id))
            };
        })
        .await?;
    }
    Ok(Named { machines: machines.len() as u64, others: others.len() as u64 })
}

fn is_open(matter: &Matter) -> bool {
    matter.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("active"))
}

/// A date as Azure asks for it: month, day, year.
fn since(days: u16, now: DateTime<Utc>) -> String {
    let day = now.checked_sub_signed(TimeDelta::days(i64::from(days))).unwrap_or(now);
    format!("{}/{}/{}", day.month(), day.day(), day.year())
}

impl Found {
    fn take(&mut self, matter: Result<Matter, String>, subscription: &str, place: usize, input: &[u8]) {
        match matter {
            Ok(matter) => {
                self.seen_in.entry(matter.id.clone()).or_default().insert(subscription.to_owned());
                let matter = match self.matters.remove(&matter.id) {
                    Some(known) => known.with(matter),
                    None => matter,
                };
                self.matters.insert(matter.id.clone(), matter);
            }
            Err(reason) if self.refused.len() < REFUSED_MAX => {
                self.refused.push(refuse_item(scrub(&reason), format!("event {place}"), input));
            }
            Err(_) => {}
        }
    }
}

impl Ask for Services {
    fn profile(&self) -> &FeedProfile {
        &self.tools.profile
    }

    fn shown(&self) -> String {
        self.tools.profile.address.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(self.poll(clock))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.tools.cadence.pause(self.busy))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.tools.arm.skew().offset_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_asked_for_by_a_date_of_the_american_kind() {
        let call = Services::call("s", 14, "2025-05-26T01:00:00Z".parse().unwrap());
        assert_eq!(call.query, [("queryStartTime", "5/12/2025".to_owned())]);
    }
}
