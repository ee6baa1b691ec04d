//! `azure-service-health`: events that hit the subscriptions and the tenant, merged to one a matter, and how many of the
//! customer's resources Azure names for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::{Reading, Refusal};
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use serde_json::Value;

use crate::account::api::{EVENTS, IMPACTED, TENANT_EVENTS};
use crate::account::beside::beside;
use crate::account::lack::Lack;
use crate::account::settings;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element, if_there};
use crate::asking::Question;
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
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) settings: settings::Events,
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

    /// What is stated to all that are asked.
    async fn stated(&self, clock: Clock, lack: &mut Lack) -> Result<Found, Failure> {
        let (days, now) = (self.tools.settings.days, clock.now());
        let mut answers = if self.tools.settings.graph {
            vec![self.of_graph(clock).await]
        } else {
            let subscriptions = self.tools.subscriptions.list().await?;
            beside(subscriptions.iter().map(|of| self.list(Self::call(of, days, now), of, clock)).collect()).await
        };
        if self.tools.settings.tenant {
            answers.push(self.list(Self::tenant_call(days, now), "", clock).await);
        }
        let mut found = Found::default();
        for (part, answer) in answers {
            found.absorb(part);
            lack.note(answer);
        }
        Ok(found)
    }

    async fn list(&self, call: Call, subscription: &str, clock: Clock) -> (Found, Result<(), Failure>) {
        let (mut found, mut place) = (Found::default(), 0);
        let listed = self.tools.arm.list(&call, |raw| {
            place += 1;
            let value: Result<Value, _> = element(raw);
            let matter = value.and_then(|value| event(value, clock.now()).map_err(|error| error.to_string()));
            found.take(matter, subscription, place, raw.get().as_bytes());
        });
        let answer = listed.await;
        (found, answer)
    }

    async fn of_graph(&self, clock: Clock) -> (Found, Result<(), Failure>) {
        let (mut found, mut place) = (Found::default(), 0);
        let asked = self.tools.graph.rows(GRAPH_EVENTS, |row: Result<Value, String>| {
            place += 1;
            let row = row.unwrap_or(Value::Null);
            let subscription = row.get("subscriptionId").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let input = row.to_string();
            let matter = event(row, clock.now()).map_err(|error| error.to_string());
            found.take(matter, &subscription, place, input.as_bytes());
        });
        let answer = asked.await;
        (found, answer)
    }

    /// Counts what open matters hit, where they have changed since it was last counted. One that cannot be counted in all
    /// subscriptions is told with what was counted before, else with what was found.
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
            let named = named(&self.tools.arm, places, id, lack).await;
            if named.whole {
                self.counted.insert(id.clone(), (version, named));
                matter.named = Some(named);
            } else if named.machines + named.others > 0 {
                matter.named = matter.named.or(Some(named));
            }
        }
        self.counted.retain(|id, _| found.matters.contains_key(id));
    }
}

/// How many resources Azure names for a matter in these subscriptions, each once.
async fn named(arm: &Arm, subscriptions: impl Iterator<Item = &String>, id: &str, lack: &mut Lack) -> Named {
    let (mut machines, mut others, mut whole) = (BTreeSet::new(), BTreeSet::new(), true);
    for subscription in subscriptions {
        let call = Services::impacted_call(subscription, id);
        let listed = arm.list(&call, |raw| {
            let Ok(Impacted { properties: target }) = element(raw) else { return };
            let Some(id) = target.target_resource_id.filter(|id| !id.trim().is_empty()) else { return };
            let machine = target.target_resource_type.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MACHINE));
            if machine { &mut machines } else { &mut others }.insert(resource(&id));
        });
        // Of some events Azure names no resources.
        whole &= lack.note(if_there(listed.await)).is_some();
    }
    Named { machines: machines.len() as u64, others: others.len() as u64, whole }
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
                self.add(matter);
            }
            Err(reason) if self.refused.len() < REFUSED_MAX => {
                self.refused.push(refuse_item(scrub(&reason), format!("event {place}"), input));
            }
            Err(_) => {}
        }
    }

    fn add(&mut self, matter: Matter) {
        let matter = match self.matters.remove(&matter.id) {
            Some(known) => known.with(matter),
            None => matter,
        };
        self.matters.insert(matter.id.clone(), matter);
    }

    fn absorb(&mut self, other: Self) {
        other.matters.into_values().for_each(|matter| self.add(matter));
        for (id, subscriptions) in other.seen_in {
            self.seen_in.entry(id).or_default().extend(subscriptions);
        }
        let room = REFUSED_MAX.saturating_sub(self.refused.len());
        self.refused.extend(other.refused.into_iter().take(room));
    }
}

impl Question for Services {
    async fn put(&mut self, clock: Clock) -> Result<Reading, Failure> {
        let mut lack = Lack::default();
        let mut found = self.stated(clock, &mut lack).await?;
        let whole = lack.is_none();
        if self.tools.settings.impacted {
            self.count(&mut found, &mut lack).await;
        }
        let lacks = lack.told()?;
        self.busy = found.matters.values().any(is_open);
        let matters = found.matters.into_values().map(Ok).chain(found.refused.into_iter().map(Err));
        let desk = Desk { system: SYSTEM, channel: "Azure Service Health", audience: "customers", whole };
        let mut told = reading(matters, desk, clock.now());
        told.lacks = lacks;
        Ok(told)
    }

    fn is_busy(&self) -> bool {
        self.busy
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
