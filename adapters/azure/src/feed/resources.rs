//! `azure-resource-health`: single resources as the platform sees them: machines of all subscriptions by one question to
//! Resource Graph, other kinds by a list a subscription.

use std::time::Duration;

use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::ask::{Ask, Told};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::{FeedProfile, Reading, Refusal};
use entente_sidecar::mapping::Lookup;
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::account::api::STATUSES;
use crate::account::lack::Lack;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element};
use crate::availability::{ANNOTATIONS, AnnotationRow, Book, STATES, StateRow, Way, joined, status, words};
use crate::resource::MACHINE;
use crate::scrub::scrub;

/// Elements that are told as refused in one answer.
const REFUSED_MAX: usize = 100;

/// The feed.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) profile: FeedProfile,
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) book: Book,
    /// Whether kinds other than machines are asked for.
    pub(crate) others: bool,
    /// What the fleet is called.
    pub(crate) fleet: String,
    pub(crate) cadence: Cadence,
}

impl Resources {
    /// The call that lists the resources of a subscription.
    pub(crate) fn call(subscription: &str) -> Call {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ResourceHealth/availabilityStatuses");
        Call::get(STATUSES, subscription, path).with("$expand", "recommendedactions")
    }

    async fn poll(&mut self, clock: Clock) -> Result<Told, Failure> {
        let mut lookup = Lookup::new(words());
        let (mut lack, mut refused) = (Lack::default(), Vec::new());
        let begun = clock.now();
        let machines = self.machines(clock, &mut lookup, &mut refused).await;
        if lack.note(machines).is_some() {
            self.book.settle(true, begun);
        }
        if self.others {
            self.others(clock, &mut lookup, &mut lack, &mut refused).await?;
        }
        let lacks = lack.told()?;
        let now = clock.now();
        let items = self.book.items(&self.fleet, now).map_err(|error| Failure::new("unreadable", error.to_string()))?;
        self.book.keep(now).map_err(|error| Failure::new("ledger", error.to_string()))?;
        let unmapped = lookup.into_unmapped();
        Ok(Told::Reading(Reading { items, refused, unmapped, lacks, ..Reading::default() }))
    }

    async fn machines(&self, clock: Clock, lookup: &mut Lookup<'_>, refused: &mut Vec<Refusal>) -> Result<(), Failure> {
        let (mut states, mut annotations) = (Vec::new(), Vec::new());
        self.graph.rows(STATES, |row: Result<StateRow, String>| states.push(row)).await?;
        self.graph.rows(ANNOTATIONS, |row: Result<AnnotationRow, String>| annotations.extend(row.ok())).await?;
        let (good, bad): (Vec<_>, Vec<_>) = states.into_iter().partition(Result::is_ok);
        let bad = bad.into_iter().filter_map(Result::err).map(Err);
        for (index, report) in
            joined(good.into_iter().flatten().collect(), annotations, clock.now()).chain(bad).enumerate()
        {
            match report {
                Ok(report) => self.book.note(&report, lookup, Way::Asked, clock.now()),
                Err(reason) => refuse(refused, &reason, format!("row {}", index + 1), b"row"),
            }
        }
        Ok(())
    }

    async fn others(
        &self,
        clock: Clock,
        lookup: &mut Lookup<'_>,
        lack: &mut Lack,
        refused: &mut Vec<Refusal>,
    ) -> Result<(), Failure> {
        let subscriptions = self.subscriptions.list().await?;
        let (begun, mut whole) = (clock.now(), true);
        for subscription in subscriptions.iter() {
            let mut place = 0;
            let call = Self::call(subscription);
            let listing = self.arm.list(&call, |raw| {
                place += 1;
                let value: Result<Value, _> = element(raw);
                match value.and_then(|value| status(value, clock.now())) {
                    // Machines are asked for elsewhere, and sooner told of.
                    Ok(report) if report.kind == MACHINE => {}
                    Ok(report) => self.book.note(&report, lookup, Way::Asked, clock.now()),
                    Err(reason) => refuse(refused, &reason, format!("resource {place}"), raw.get().as_bytes()),
                }
            });
            whole &= lack.note(listing.await).is_some();
        }
        if whole {
            self.book.settle(false, begun);
        }
        Ok(())
    }
}

fn refuse(refused: &mut Vec<Refusal>, reason: &str, place: String, input: &[u8]) {
    if refused.len() < REFUSED_MAX {
        refused.push(refuse_item(scrub(reason), place, input));
    }
}

impl Ask for Resources {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        self.profile.address.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(self.poll(clock))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.cadence.pause(self.book.is_hit()))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.arm.skew().offset_ms()
    }
}
