//! One round through the regions: all of them beside each other, each with a state of its own. One that fails is spared for
//! longer and longer and counts as unseen, and the others go on; which of them fail is told together.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::FleetError;
use entente_sidecar::poll::Failure;
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::call::Denied;
use super::patience::{Patience, together};
use super::regions::Regions;
use super::strangers::Strangers;

/// The code of whoever is not known to AWS.
const UNKNOWN_CALLER: &str = "unauthenticated";

/// What is read of one region.
pub(crate) trait Place: Send {
    /// Reads it, and notes in the fleet what is seen there.
    fn read(
        &mut self,
        now: DateTime<Utc>,
        strangers: &mut Strangers,
    ) -> impl Future<Output = Result<(), Unread>> + Send;

    /// It could not be read, or is read no longer: nothing is known of what is there.
    fn lost(&mut self, now: DateTime<Utc>);
}

/// Why a region was not read.
#[derive(Debug)]
pub(crate) enum Unread {
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

/// The regions of a feed.
pub(crate) struct Round<P> {
    regions: Regions,
    begin: Box<dyn Fn(&str) -> P + Send>,
    known: BTreeMap<String, (P, Patience)>,
}

/// What a round came to.
#[derive(Debug)]
pub(crate) struct Came {
    /// Words that are not known.
    pub(crate) strangers: Strangers,
    /// Why some regions were not read.
    pub(crate) lacks: Option<Box<Failure>>,
}

impl<P: Place> Round<P> {
    /// Rounds through these regions. `begin` makes what is read of one, by its code.
    pub(crate) fn new(regions: Regions, begin: impl Fn(&str) -> P + Send + 'static) -> Self {
        Self { regions, begin: Box::new(begin), known: BTreeMap::new() }
    }

    /// What is known of each region.
    pub(crate) fn places(&self) -> impl Iterator<Item = &P> {
        self.known.values().map(|(place, _)| place)
    }

    /// Goes round once, at a pace of so long.
    ///
    /// # Errors
    /// If no region could be read, or it is not known which there are.
    pub(crate) async fn go(&mut self, pace: Duration, now: DateTime<Utc>) -> Result<Came, Failure> {
        let (codes, unlisted) = self.regions.list(now).await?;
        self.keep(codes, now);
        // Those that left while this program did not run too.
        self.regions.left().await.iter().for_each(|code| (self.begin)(code).lost(now));
        let pace = TimeDelta::from_std(pace).unwrap_or(TimeDelta::minutes(1));
        let reads = self.known.iter_mut().map(|(code, (place, patience))| one(code, place, patience, pace, now));
        let reads: Vec<_> = reads.collect::<FuturesUnordered<_>>().collect().await;
        let (mut strangers, mut failures, all) = (Strangers::default(), Vec::new(), reads.len());
        for read in reads {
            match read {
                Ok(found) => strangers.extend(found),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.len() < all {
            failures.iter_mut().for_each(of_one_region);
        }
        match together(&failures, all) {
            Some(failure) if failures.len() == all => Err(failure),
            // Whoever is sent away by one region stays away from that one, not from the others.
            lacks => {
                let lacks = lacks.or(unlisted).map(|failure| Failure { retry_after: None, ..failure });
                Ok(Came { strangers, lacks: lacks.map(Box::new) })
            }
        }
    }

    fn keep(&mut self, codes: Vec<String>, now: DateTime<Utc>) {
        for (_, (place, _)) in self.known.iter_mut().filter(|(code, _)| !codes.contains(code)) {
            place.lost(now);
        }
        self.known.retain(|code, _| codes.contains(code));
        for code in codes {
            if !self.known.contains_key(&code) {
                self.known.insert(code.clone(), ((self.begin)(&code), Patience::default()));
            }
        }
    }
}

/// Reads one region, unless it is spared just now.
async fn one<P: Place>(
    code: &str,
    place: &mut P,
    patience: &mut Patience,
    pace: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Strangers, Failure> {
    if let Some(failure) = patience.spares(now) {
        return Err(failure);
    }
    let mut strangers = Strangers::default();
    match place.read(now, &mut strangers).await {
        Ok(()) => {
            patience.good();
            Ok(strangers)
        }
        Err(unread) => {
            place.lost(now);
            Err(patience.failed(code, unread.into(), pace, now))
        }
    }
}

/// A caller whom other regions know is known: a region that is not enabled for the account says so.
fn of_one_region(failure: &mut Failure) {
    if failure.error.code == UNKNOWN_CALLER {
        failure.error.text += "; other regions know who calls: see whether this one is enabled for the account";
    }
}
