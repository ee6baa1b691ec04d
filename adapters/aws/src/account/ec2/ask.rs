//! The feed `aws-ec2`: all regions beside each other, each with a state of its own. A region that fails is unknown, and the
//! others go on.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::region::{Paces, Region};
use crate::account::call::Caller;
use crate::account::patience::together;
use crate::account::regions::Regions;
use crate::account::share::Share;
use crate::account::strangers::Strangers;

/// The feed.
pub(crate) struct Ec2Ask {
    profile: FeedProfile,
    caller: Caller,
    regions: Regions,
    share: Share,
    cadence: Cadence,
    /// How often all machines of a region are listed.
    sweep_every: TimeDelta,
    /// What is known of each region.
    known: BTreeMap<String, Region>,
}

impl Ec2Ask {
    pub(crate) fn new(
        profile: FeedProfile,
        caller: Caller,
        regions: Regions,
        share: Share,
        cadence: Cadence,
        sweep_every: TimeDelta,
    ) -> Self {
        Self { profile, caller, regions, share, cadence, sweep_every, known: BTreeMap::new() }
    }

    async fn read(&mut self, now: DateTime<Utc>) -> Result<Reading, Failure> {
        let codes = self.regions.list(now).await?;
        self.known.retain(|code, _| codes.contains(code));
        for code in codes {
            let region = || Region::new(code.clone(), self.caller.clone(), self.share.fleet().clone());
            self.known.entry(code.clone()).or_insert_with(region);
        }
        let look = TimeDelta::from_std(self.pace()).unwrap_or(TimeDelta::minutes(1));
        let paces = Paces { look, sweep: self.sweep_every };
        let reads = self.known.values_mut().map(|region| region.read(paces, now));
        let reads: Vec<_> = reads.collect::<FuturesUnordered<_>>().collect().await;
        let (mut strangers, mut failures) = (Strangers::default(), Vec::new());
        let all = reads.len();
        for read in reads {
            match read {
                Ok(found) => strangers.extend(found),
                Err(failure) => failures.push(failure),
            }
        }
        let blind = failures.len() == all;
        let lacks = together(failures, all);
        if blind && let Some(failure) = lacks {
            return Err(failure);
        }
        let items = self.share.items(now)?;
        Ok(Reading { items, unmapped: strangers.into_unmapped(), lacks: lacks.map(Box::new), ..Reading::default() })
    }

    fn pace(&self) -> Duration {
        self.cadence.pause(self.share.fleet().is_hit())
    }
}

impl Ask for Ec2Ask {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        self.profile.address.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move { self.read(clock.now()).await.map(Told::Reading) })
    }

    /// What the fleet says, it says again until it is taken.
    fn pause(&self) -> Option<Duration> {
        Some(self.pace())
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.caller.clients().skew().offset_ms()
    }
}
