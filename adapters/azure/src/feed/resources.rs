//! `azure-resource-health`: single resources as the platform sees them: machines of all subscriptions by one question to
//! Resource Graph, other kinds by a list a subscription.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::{Reading, Refusal};
use entente_sidecar::mapping::Lookup;
use entente_sidecar::poll::Failure;
use serde_json::Value;

use crate::account::api::STATUSES;
use crate::account::beside::beside;
use crate::account::covered::covered;
use crate::account::lack::Lack;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element};
use crate::asking::Question;
use crate::availability::{ANNOTATIONS, AnnotationRow, Book, STATES, StateRow, Way, joined, status, words};
use crate::resource::MACHINE;
use crate::scrub::scrub;

/// Elements that are told as refused in one answer.
const REFUSED_MAX: usize = 100;

/// The feed.
#[derive(Clone)]
pub(crate) struct Resources {
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) book: Book,
    /// Whether kinds other than machines are asked for.
    pub(crate) others: bool,
    /// What the fleet is called.
    pub(crate) fleet: String,
}

/// What one round of questions brings beside what it writes into the book.
struct Round<'a> {
    lookup: Lookup<'a>,
    lack: Lack,
    refused: Vec<Refusal>,
    clock: Clock,
}

impl Round<'_> {
    fn refuse(&mut self, reason: &str, place: String, input: &[u8]) {
        if self.refused.len() < REFUSED_MAX {
            self.refused.push(refuse_item(scrub(reason), place, input));
        }
    }
}

impl Resources {
    /// The call that lists the resources of a subscription.
    pub(crate) fn call(subscription: &str) -> Call {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ResourceHealth/availabilityStatuses");
        Call::get(STATUSES, subscription, path).with("$expand", "recommendedactions")
    }

    async fn machines(&self, round: &mut Round<'_>) {
        let begun = round.clock.now();
        let noted = self.note_machines(round).await;
        if round.lack.note(noted).is_some() {
            let seen = covered(&self.graph, &self.subscriptions, &mut round.lack).await;
            self.book.settle(true, &seen, begun);
        }
    }

    async fn note_machines(&self, round: &mut Round<'_>) -> Result<(), Failure> {
        let (mut states, mut annotations) = (Vec::new(), Vec::new());
        self.graph.rows(STATES, |row: Result<StateRow, String>| states.push(row)).await?;
        self.graph.rows(ANNOTATIONS, |row: Result<AnnotationRow, String>| annotations.push(row)).await?;
        let now = round.clock.now();
        let bad_annotations = annotations.iter().filter_map(|row| row.as_ref().err().cloned());
        let bad: Vec<_> = states.iter().filter_map(|row| row.as_ref().err().cloned()).chain(bad_annotations).collect();
        let (states, annotations) =
            (states.into_iter().flatten().collect(), annotations.into_iter().flatten().collect());
        let reports = joined(states, annotations, now).chain(bad.into_iter().map(Err));
        for (index, report) in reports.enumerate() {
            match report {
                Ok(report) => self.book.note(&report, &mut round.lookup, Way::Asked, now),
                Err(reason) => round.refuse(&reason, format!("row {}", index + 1), b"row"),
            }
        }
        Ok(())
    }

    async fn others(&self, round: &mut Round<'_>) -> Result<(), Failure> {
        let (subscriptions, begun) = (self.subscriptions.list().await?, round.clock.now());
        let shared = Mutex::new(&mut *round);
        let asked: Vec<_> = subscriptions.iter().map(|subscription| self.list(subscription, &shared)).collect();
        let answers = beside(asked).await;
        for (subscription, answer) in subscriptions.iter().zip(answers) {
            if round.lack.note(answer).is_some() {
                self.book.settle(false, &BTreeSet::from([subscription.clone()]), begun);
            }
        }
        Ok(())
    }

    async fn list(&self, subscription: &str, round: &Mutex<&mut Round<'_>>) -> Result<(), Failure> {
        let mut place = 0;
        self.arm
            .list(&Self::call(subscription), |raw| {
                place += 1;
                let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
                let (value, now): (Result<Value, _>, DateTime<Utc>) = (element(raw), round.clock.now());
                match value.and_then(|value| status(value, now)) {
                    // Machines are asked for elsewhere, and sooner told of.
                    Ok(report) if report.kind == MACHINE => {}
                    Ok(report) => self.book.note(&report, &mut round.lookup, Way::Asked, now),
                    Err(reason) => round.refuse(&reason, format!("resource {place}"), raw.get().as_bytes()),
                }
            })
            .await
    }
}

impl Question for Resources {
    async fn put(&mut self, clock: Clock) -> Result<Reading, Failure> {
        let mut round = Round { lookup: Lookup::new(words()), lack: Lack::default(), refused: Vec::new(), clock };
        self.machines(&mut round).await;
        if self.others {
            self.others(&mut round).await?;
        }
        let lacks = round.lack.told()?;
        let now = clock.now();
        let items = self.book.items(&self.fleet, now).map_err(|error| Failure::new("unreadable", error.to_string()))?;
        self.book.keep(now).map_err(|error| Failure::new("ledger", error.to_string()))?;
        let (unmapped, refused) = (round.lookup.into_unmapped(), round.refused);
        Ok(Reading { items, refused, unmapped, lacks, ..Reading::default() })
    }

    fn is_busy(&self) -> bool {
        self.book.is_hit()
    }
}
