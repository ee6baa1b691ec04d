//! The ways in which the adapter breaks the contract, each where it is to: so that the contract is seen to find it out.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_journal::{Access, Bus, Identity, Outbox, OutboxOptions, Scope, pump};
use entente_sidecar::account::{Cadence, DeviceError, DeviceReport, DeviceSink, Feed, Site};
use entente_sidecar::draft::{Drafter, Occasion};
use entente_sidecar::item::Item;
use entente_sidecar::memory::Memory;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::adapter::{Machines, SLUG, profile};

/// How the adapter breaks the contract, where it is to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It does not.
    #[default]
    None,
    /// It says the same again and again.
    Chatter,
    /// It says the same again after each start.
    Forgetful,
    /// It tells no next step.
    Curt,
    /// It never asks again what failed once.
    Sulky,
    /// It does not heed the time that is named.
    Impatient,
    /// It takes silence for health.
    Hopeful,
    /// It says that nobody is affected where it sees nothing.
    Blithe,
    /// It deletes what it has read at once.
    Hasty,
    /// Its checks check nothing.
    Credulous,
    /// It tells names.
    Garrulous,
    /// It stops machines.
    Meddling,
    /// It reads a feed that has no table, and so no sharing group.
    Secretive,
    /// It does not read a feed that has one.
    Absent,
    /// It passes over in silence what it cannot read.
    Dropping,
    /// It reads nothing where it cannot read one part.
    Brittle,
    /// It loses the memory of what its neighbours sent.
    Amnesiac,
    /// It loses what waits for the log.
    Losing,
    /// It counts no device that is reported.
    Innumerate,
    /// It takes the provider's name for itself.
    Posing,
    /// It tells everybody, beside the group.
    Indiscreet,
    /// It puts an outbox back that was put aside before: sequences are given twice.
    Reverting,
}

impl Flaw {
    /// A feed that nobody wrote a table for.
    pub fn untold_feed(self) -> Option<Feed<Machines>> {
        let second = std::time::Duration::from_secs(1);
        let cadence = Cadence { quiet: second, incident: second };
        let feed = Feed { slug: SLUG.to_owned(), cadence, own: Machines { guest_signal: true } };
        (self == Self::Secretive).then_some(feed)
    }

    /// Removes of the sidecar's own files what the flaw removes.
    pub fn lose(self, site: &Site) {
        let data = &site.settings.data;
        match self {
            Self::Amnesiac => remove_within(&data.join("intake")),
            Self::Losing => remove_within(&data.join("outboxes")),
            Self::Reverting => revert(&data.join("outboxes"), &data.join("aside")),
            _ => {}
        }
    }

    /// Says to everybody what the flaw says to everybody; it is in their log when this returns.
    pub async fn blurt(self, site: &Site, item: Item) {
        if self != Self::Indiscreet {
            return;
        }
        let settings = &site.settings;
        let identity = Identity::open(&settings.key).unwrap();
        let access = Access { urls: settings.bus.clone(), seed: Some(identity.seed().to_owned()), name: "acme".into() };
        let bus = Bus::connect(&access).await.unwrap();
        let scope = Scope { universe: settings.universe.clone(), audience: "all".to_owned() };
        bus.apply(&scope).await.unwrap();
        let (dir, capacity_bytes) = (settings.data.join("blurted"), OutboxOptions::CAPACITY);
        let (org, feed) = (settings.org.clone(), "acme-blurted".to_owned());
        let outbox = OutboxOptions { dir, org, feed, scope: scope.clone(), identity, capacity_bytes };
        let outbox = Outbox::open(outbox).unwrap();
        let profile = profile("acme-blurted", settings.speaker());
        let drafter = Drafter::new(outbox.source().clone(), &scope.universe, &scope.audience, profile);
        let occasion = Occasion { now: site.clock.now(), first_good: true };
        let drafts = drafter.items(vec![item], &Memory::default(), occasion).drafts;
        let placed = outbox.offer(drafts).await.unwrap();
        let pumping = tokio::spawn(pump(outbox.clone(), bus, CancellationToken::new()));
        outbox.acknowledged(placed[0].sequence).await.unwrap();
        pumping.abort();
    }

    /// What counts the devices that neighbours report, if that is not the sidecar itself.
    pub fn devices(self) -> Option<Arc<dyn DeviceSink>> {
        (self == Self::Innumerate).then(|| Arc::new(Nobody) as Arc<dyn DeviceSink>)
    }
}

fn remove_within(folder: &Path) {
    for file in std::fs::read_dir(folder).into_iter().flatten() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// Puts the outboxes aside where none are aside, and else in the place of what they have become.
fn revert(outboxes: &Path, aside: &Path) {
    let (from, to) = if aside.exists() { (aside, outboxes) } else { (outboxes, aside) };
    if !from.exists() {
        return;
    }
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Takes every report and counts none.
struct Nobody;

impl DeviceSink for Nobody {
    fn count(&self, reports: &[DeviceReport], _: DateTime<Utc>) -> Vec<Result<(), DeviceError>> {
        reports.iter().map(|_| Ok(())).collect()
    }

    fn items(&self, _: DateTime<Utc>) -> Vec<Item> {
        Vec::new()
    }
}
