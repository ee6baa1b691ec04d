//! One region's machines: a short look at what is impaired, each time; a whole listing now and then, for totals and for
//! whoever is gone; and whoever leaves the impaired asked for by id, until it is seen well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ec2::types::{Filter, Instance, InstanceStatus};
use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::{Fleet, FleetError, Seen};

use super::checks::{Kept, Look};
use super::planned::{self, Plans};
use crate::account::api::{DESCRIBE_INSTANCE_STATUS, DESCRIBE_INSTANCES};
use crate::account::call::{Caller, Denied, Walk, pages};
use crate::account::round::{Place, Unread};
use crate::account::strangers::Strangers;

/// The size of a page.
const PAGE: i32 = 1_000;
/// Ids that one call may name.
const IDS: usize = 100;
/// So many machines take one call by their ids each hundred, and one of a listing each thousand.
const LISTED_AT_ONCE: usize = 10;
/// Values that one filter may have.
const VALUES: usize = 200;
/// Which checks are looked at each time: a machine that fails one of them is impaired.
const CHECKS: [&str; 3] = ["instance-status.status", "system-status.status", "attached-ebs-status.status"];
/// One more, which newer services than others have: it is a customer's own check of what runs on a machine.
const OWN_CHECK: &str = "application-status.status";
/// AWS's word for a filter that a region does not know.
const NO_FILTER: &str = "InvalidParameterValue";

/// A region.
pub(super) struct Region {
    code: String,
    caller: Caller,
    fleet: Fleet,
    sweep_every: TimeDelta,
    /// Machines that are not well: they are asked for by id once they are no longer listed as impaired.
    watched: BTreeSet<String>,
    swept: Option<DateTime<Utc>>,
    /// How many machines the last whole listing held.
    machines: usize,
    /// The work that it named; none before the first.
    plans: Option<Plans>,
    /// Whether the region knows customers' own checks.
    own_checks: bool,
}

impl Place for Region {
    async fn read(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let sweep = self.swept.is_none_or(|swept| now - swept >= self.sweep_every);
        if sweep { self.sweep(now, strangers).await } else { self.look(now, strangers).await }
    }

    fn lost(&mut self, now: DateTime<Utc>) {
        self.fleet.unseen(&self.code, now);
    }
}

impl Region {
    pub(super) fn new(code: String, caller: Caller, fleet: Fleet, sweep_every: TimeDelta) -> Self {
        let watched = BTreeSet::new();
        Self { code, caller, fleet, sweep_every, watched, swept: None, machines: 0, plans: None, own_checks: true }
    }

    /// The work that is planned here, by the region's code; none before the first listing.
    pub(super) fn plans(&self) -> Option<(&str, &Plans)> {
        self.plans.as_ref().map(|plans| (self.code.as_str(), plans))
    }

    /// A short look: whoever is impaired, and whoever no longer is.
    async fn look(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let impaired = self.all_impaired().await?;
        let new: Vec<&str> = impaired.keys().filter(|id| !self.watched.contains(*id)).map(String::as_str).collect();
        let kept = self.inventory_of(&new).await?;
        let left: Vec<String> = self.watched.iter().filter(|id| !impaired.contains_key(*id)).cloned().collect();
        if left.len() > IDS && left.len().saturating_mul(LISTED_AT_ONCE) > self.machines {
            return self.list(&kept, now, strangers).await;
        }
        let others = self.by_id(left).await?;
        for status in impaired.values().chain(&others) {
            self.note(status, &kept, now, strangers)?;
        }
        self.fleet.reached(&self.code, &[], now);
        Ok(())
    }

    /// A whole listing, with the inventory.
    async fn sweep(&mut self, now: DateTime<Utc>, strangers: &mut Strangers) -> Result<(), Unread> {
        let inventory = self.inventory(None).await?;
        self.list(&inventory, now, strangers).await?;
        self.swept = Some(now);
        Ok(())
    }

    /// The checks of every machine, page by page: whoever is not named is gone. A listing that breaks off is begun anew.
    async fn list(
        &mut self,
        inventory: &HashMap<String, Kept>,
        now: DateTime<Utc>,
        strangers: &mut Strangers,
    ) -> Result<(), Unread> {
        let client = self.caller.clients().ec2(&self.code).await;
        self.fleet.sweep(&self.code);
        let (mut walk, mut machines, mut plans) = (Walk::default(), 0, Plans::new());
        while let Some(token) = walk.step()? {
            let call = client.describe_instance_status().include_all_instances(true).max_results(PAGE);
            let call = call.set_next_token(token).send();
            let page = self.caller.call(DESCRIBE_INSTANCE_STATUS, &self.code, call).await?;
            machines += page.instance_statuses().len();
            for status in page.instance_statuses() {
                self.note(status, inventory, now, strangers)?;
                planned::note(&mut plans, status, strangers);
            }
            walk.next(page.next_token);
        }
        self.fleet.swept(&self.code, &[], now)?;
        (self.machines, self.plans) = (machines, Some(plans));
        Ok(())
    }

    /// Notes one machine, and whether it is to be asked for again.
    fn note(
        &mut self,
        status: &InstanceStatus,
        inventory: &HashMap<String, Kept>,
        now: DateTime<Utc>,
        strangers: &mut Strangers,
    ) -> Result<(), FleetError> {
        let Some(mut look) = Look::at(status) else { return Ok(()) };
        look.strangers.iter().for_each(|(field, word)| strangers.note(field, word));
        let kept = inventory.get(look.id).copied().unwrap_or_default();
        let seen = match self.fleet.see(look.sighting(&self.code, kept, now)) {
            // A machine in a zone that cannot be is there all the same.
            Err(FleetError::Place { .. }) => {
                strangers.note("availability zone", look.zone.take().unwrap_or_default());
                self.fleet.see(look.sighting(&self.code, kept, now))
            }
            seen => seen,
        };
        seen?;
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

    /// The machines that fail any of their checks.
    async fn all_impaired(&mut self) -> Result<BTreeMap<String, InstanceStatus>, Denied> {
        let mut impaired = BTreeMap::new();
        let own = self.own_checks.then_some(OWN_CHECK);
        for check in CHECKS.into_iter().chain(own) {
            let listed = match self.impaired(check).await {
                Err(denied) if check == OWN_CHECK && denied.word == NO_FILTER => {
                    self.own_checks = false;
                    Vec::new()
                }
                listed => listed?,
            };
            impaired.extend(listed.into_iter().filter_map(|status| Some((status.instance_id()?.to_owned(), status))));
        }
        Ok(impaired)
    }

    /// The checks of the machines that run and fail one of them.
    async fn impaired(&self, check: &str) -> Result<Vec<InstanceStatus>, Denied> {
        let client = self.caller.clients().ec2(&self.code).await;
        let filter = Filter::builder().name(check).values("impaired").build();
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
