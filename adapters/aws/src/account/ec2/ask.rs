//! The feed `aws-ec2`: the checks of all machines, region by region.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;

use super::planned::Planner;
use super::region::Region;
use crate::account::call::Caller;
use crate::account::regions::Regions;
use crate::account::round::Round;
use crate::account::share::Share;

/// The feed.
pub(crate) struct Ec2Ask {
    profile: FeedProfile,
    caller: Caller,
    share: Share,
    cadence: Cadence,
    round: Round<Region>,
    /// Tells the work that is planned, where it is to be told.
    planner: Option<Planner>,
}

impl Ec2Ask {
    /// A feed that lists all machines of a region every `sweep_every`, and looks for the impaired between.
    pub(crate) fn new(
        profile: FeedProfile,
        caller: Caller,
        regions: Regions,
        share: Share,
        cadence: Cadence,
        sweep_every: TimeDelta,
        planner: Option<Planner>,
    ) -> Self {
        let (calls, fleet) = (caller.clone(), share.fleet().clone());
        let begin = move |code: &str| Region::new(code.to_owned(), calls.clone(), fleet.clone(), sweep_every);
        Self { profile, caller, share, cadence, round: Round::new(regions, begin), planner }
    }

    async fn read(&mut self, now: DateTime<Utc>) -> Result<Reading, Failure> {
        let came = self.round.go(self.pace(), now).await?;
        let mut items = self.share.items(now)?;
        if let Some(planner) = &mut self.planner {
            let planned = planner.items(self.round.places().filter_map(Region::plans), now);
            items.extend(planned.map_err(|error| Failure::new("mapping", error.to_string()))?);
        }
        let unmapped = came.strangers.into_unmapped();
        Ok(Reading { items, unmapped, lacks: came.lacks, ..Reading::default() })
    }

    fn pace(&self) -> Duration {
        self.cadence.pause(self.share.fleet().is_hit())
    }
}

impl Ask for Ec2Ask {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move { self.read(clock.now()).await.map(Told::Reading) })
    }

    /// What the fleet says, it says again until it is taken; the end of planned work is told once.
    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        if let Some(planner) = &mut self.planner {
            planner.settle(settled == Settled::Read);
        }
        Box::pin(std::future::ready(()))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.pace())
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.caller.clients().skew().offset_ms()
    }
}
