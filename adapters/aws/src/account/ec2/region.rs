//! One region's machines: a short look at what is impaired, each time; a whole listing now and then, for totals and for
//! whoever is gone; and whoever leaves the impaired asked for by id, until it is seen well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ec2::types::{Filter, Instance, InstanceStatus};
use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::{Fleet, FleetError, Seen};
use entente_sidecar::poll::Failure;

use super::checks::{Kept, Look};
use crate::account::api::{DESCRIBE_INSTANCE_STATUS, DESCRIBE_INSTANCES};
use crate::account::call::{Caller, Denied, Walk, pages};
use crate::account::patience::Patience;
use crate::account::strangers::Strangers;

/// The size of a page.
const PAGE: i32 = 1_000;
/// Ids that one call may name.
const IDS: usize = 100;
/// Values that one filter may have.
const VALUES: usize = 200;
/// Which checks are looked at each time: a machine that fails one of them is impaired.
const CHECKS: [&str; 3] = ["instance-status.status", "system-status.status", "attached-ebs-status.status"];

/// How often a region is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paces {
    /// For what is impaired.
    pub(super) look: TimeDelta,
    /// For all of it.
    pub(super) sweep: TimeDelta,
}

/// A region.
pub(super) struct Region {
    code: String,
    caller: Caller,
    fleet: Fleet,
    /// Machines that are not well: they are asked for by id once they are no longer listed as impaired.
    watched: BTreeSet<String>,
    swept: Option<DateTime<Utc>>,
    patience: Patience,
}

/// Why a region was not read.
#[derive(Debug)]
enum Unread {
    /// AWS refused.
    Denied(Denied),
    /// The fleet takes nothing.
    Fleet(FleetError),
}

impl From<Denied> for Unread {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<FleetError> for Unread {
    fn from(error: FleetError) -> Self {
        Self::Fleet(error)
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Denied(denied) => denied.into(),
            Unread::Fleet(error) => Self::new("fleet", error.to_string()),
        }
    }
}

impl Region {
    pub(super) fn new(code: String, caller: Caller, fleet: Fleet) -> Self {
        Self { code, caller, fleet, watched: BTreeSet::new(), swept: None, patience: Patience::default() }
    }

    /// Reads the region, unless it failed just now. What is seen is noted in the fleet.
    pub(super) async fn read(&mut self, paces: Paces, now: DateTime<Utc>) -> Result<Strangers, Failure> {
        if let Some(failure) = self.patience.spares(now) {
            return Err(failure);
        }
        let sweep = self.swept.is_none_or(|swept| now - swept >= paces.sweep);
        let mut strangers = Strangers::default();
        let read = if sweep { self.sweep(now, &mut strangers).await } else { self.look(now, &mut strangers).await };
        match read {
            Ok(()) => {
                self.patience.good();
                Ok(strangers)
            }
            Err(unread) => {
                self.fleet.unseen(&self.code, now);
                Err(self.patience.failed(&self.code, unread.into(), paces.look, now))
            }
        }
    }

    /// A short look: whoever is impaired, and whoever no longer is.
    async fn look(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let mut impaired: BTreeMap<String, InstanceStatus> = BTreeMap::new();
        for check in CHECKS {
            let filter = Filter::builder().name(check).values("impaired").build();
            let listed = self.impaired(&filter).await?;
            impaired.extend(listed.into_iter().filter_map(|status| Some((status.instance_id()?.to_owned(), status))));
        }
        let new: Vec<&str> = impaired.keys().filter(|id| !self.watched.contains(*id)).map(String::as_str).collect();
        let kept = self.inventory_of(&new).await?;
        let left = self.watched.iter().filter(|id| !impaired.contains_key(*id)).cloned().collect();
        let others = self.by_id(left).await?;
        for status in impaired.values().chain(&others) {
            let known = status.instance_id().and_then(|id| kept.get(id)).copied().unwrap_or_default();
            self.note(status, known, now, strangers)?;
        }
        self.fleet.reached(&self.code, &[], now);
        Ok(())
    }

    /// A whole listing: inventory and checks of every machine, page by page. One that breaks off is begun anew.
    async fn sweep(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let inventory = self.inventory(None).await?;
        let client = self.caller.clients().ec2(&self.code).await;
        self.fleet.sweep(&self.code);
        let mut walk = Walk::default();
        while let Some(token) = walk.step()? {
            let call = client.describe_instance_status().include_all_instances(true).max_results(PAGE);
            let call = call.set_next_token(token).send();
            let page = self.caller.call(DESCRIBE_INSTANCE_STATUS, &self.code, call).await?;
            for status in page.instance_statuses() {
                let known = status.instance_id().and_then(|id| inventory.get(id)).copied().unwrap_or_default();
                self.note(status, known, now, strangers)?;
            }
            walk.next(page.next_token);
        }
        self.fleet.swept(&self.code, &[], now)?;
        self.swept = Some(now);
        Ok(())
    }

    /// Notes one machine, and whether it is to be asked for again.
    fn note(
        &mut self,
        status: &InstanceStatus,
        kept: Kept,
        now: DateTime<Utc>,
        strangers: &mut Strangers,
    ) -> Result<(), FleetError> {
        let Some(look) = Look::at(status) else { return Ok(()) };
        look.strangers.iter().for_each(|(field, word)| strangers.note(field, word));
        match self.fleet.see(look.sighting(&self.code, kept, now)) {
            // One machine in a place that cannot be is no reason to lose the others.
            Err(FleetError::Place { .. }) => {
                strangers.note("availability zone", status.availability_zone().unwrap_or_default());
                return Ok(());
            }
            noted => noted?,
        }
        if self.is_over(&look) {
            self.watched.remove(look.id);
        } else {
            self.watched.insert(look.id.to_owned());
        }
        Ok(())
    }

    /// Whether a machine need not be asked for by id: it is well, or gone, or nobody waits for it.
    fn is_over(&self, look: &Look<'_>) -> bool {
        match look.seen {
            Seen::Well | Seen::Restored { .. } | Seen::Gone => true,
            Seen::Affected(_) => false,
            // After a restart it is not known who of those that start was hit.
            Seen::Starting => !self.watched.contains(look.id) && !self.fleet.is_hit(),
            Seen::Unknown | Seen::Stopped => !self.watched.contains(look.id),
        }
    }

    /// The checks of the machines that run and pass a filter.
    async fn impaired(&self, filter: &Filter) -> Result<Vec<InstanceStatus>, Denied> {
        let client = self.caller.clients().ec2(&self.code).await;
        pages(|token| {
            let call = client.describe_instance_status().max_results(PAGE).filters(filter.clone());
            let call = call.set_next_token(token).send();
            async {
                let page = self.caller.call(DESCRIBE_INSTANCE_STATUS, &self.code, call).await?;
                Ok((page.instance_statuses.unwrap_or_default(), page.next_token))
            }
        })
        .await
    }

    /// The checks of these machines. Those that AWS has forgotten are gone.
    async fn by_id(&self, mut left: Vec<String>) -> Result<Vec<InstanceStatus>, Denied> {
        let client = self.caller.clients().ec2(&self.code).await;
        let mut found = Vec::new();
        while !left.is_empty() {
            let batch: Vec<String> = left.drain(..left.len().min(IDS)).collect();
            let call = client.describe_instance_status().set_instance_ids(Some(batch.clone()));
            let call = call.include_all_instances(true).send();
            match self.caller.call(DESCRIBE_INSTANCE_STATUS, &self.code, call).await {
                Ok(answer) => found.extend(answer.instance_statuses.unwrap_or_default()),
                Err(denied) if denied.word.starts_with("InvalidInstanceID") => {
                    let (gone, there): (Vec<_>, Vec<_>) = batch.into_iter().partition(|id| denied.message.contains(id));
                    // A refusal that names nobody would be asked for ever.
                    if gone.is_empty() {
                        return Err(denied);
                    }
                    found.extend(gone.iter().map(|id| gone_status(id)));
                    left.extend(there);
                }
                Err(denied) => return Err(denied),
            }
        }
        Ok(found)
    }

    /// What the inventory tells of these machines; nothing of those that it does not list.
    async fn inventory_of(&self, ids: &[&str]) -> Result<HashMap<String, Kept>, Denied> {
        let mut kept = HashMap::new();
        for batch in ids.chunks(VALUES) {
            let values = batch.iter().map(|id| (*id).to_owned()).collect();
            let filter = Filter::builder().name("instance-id").set_values(Some(values)).build();
            kept.extend(self.inventory(Some(filter)).await?);
        }
        Ok(kept)
    }

    async fn inventory(&self, filter: Option<Filter>) -> Result<HashMap<String, Kept>, Denied> {
        let client = self.caller.clients().ec2(&self.code).await;
        let listed = pages(|token| {
            let call = client.describe_instances().max_results(PAGE).set_next_token(token);
            let call = call.set_filters(filter.clone().map(|filter| vec![filter])).send();
            async {
                let page = self.caller.call(DESCRIBE_INSTANCES, &self.code, call).await?;
                let instances = page.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
                let kept = |instance: &Instance| Some((instance.instance_id()?.to_owned(), Kept::of(instance)));
                Ok((instances.filter_map(kept).collect(), page.next_token))
            }
        });
        Ok(listed.await?.into_iter().collect())
    }
}

/// What stands for a machine of which AWS knows nothing any more.
fn gone_status(id: &str) -> InstanceStatus {
    use aws_sdk_ec2::types::{InstanceState, InstanceStateName};
    let state = InstanceState::builder().name(InstanceStateName::Terminated).build();
    InstanceStatus::builder().instance_id(id).instance_state(state).build()
}
