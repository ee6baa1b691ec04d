//! A sidecar while it runs: its feeds, each with an outbox of its own, the way to the bus, and the address where it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Access, Clock, Identity, IdentityError};
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::adapter::{AccountFeed, Adapter, Check, OpenError, Parts, Site};
use super::budget::Budget;
use super::carry::{Rest, Route};
use super::devices::DeviceSink;
use super::inbox::InboxError;
use super::intake::{self, Intake};
use super::link::Link;
use super::listen::Listen;
use super::secret::{Secret, SecretError};
use super::serve::{Answering, ServeError, Serving};
use super::settings::Settings;
use super::skew::Skew;
use super::watch::Watch;
use crate::fleet::{Fleet, FleetProfile, Rules};

/// How often outboxes are looked at while they empty.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why a sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error("the data folder {folder} cannot be made: {reason}; mend its permissions, or set `data`")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What the intake took before.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// The adapter.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// A sidecar whose parts are made, and which does not run yet.
pub(super) struct Made {
    pub(super) settings: Arc<Settings>,
    pub(super) identity: Identity,
    pub(super) parts: Parts,
    pub(super) token: Secret,
    pub(super) intake: Intake,
    pub(super) skew: Skew,
    clock: Clock,
}

impl Made {
    /// Makes the parts: reads key and secrets, and opens the adapter.
    ///
    /// # Errors
    /// If a folder, a file or the adapter fails.
    pub(super) async fn of<A: Adapter>(settings: Settings, feeds: A::Feeds, clock: Clock) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let state = settings.data.join("intake");
        make_folders(&settings, &state)?;
        let identity = Identity::open(&settings.key)?;
        let token = Secret::in_file(&settings.token_file)?;
        let skew = Skew::default();
        let site = Site {
            budget: budget::<A>(&settings.budget),
            clock,
            secret: Secret::in_file(&settings.data.join("secret"))?,
            skew: skew.clone(),
            token: token.clone(),
            timeout: settings.timeout,
            settings: Arc::clone(&settings),
            state: state.clone(),
        };
        let mut parts = A::open(feeds, site).await?;
        let devices = match parts.devices.take() {
            Some(devices) => devices,
            None => neighbours(&settings).await?,
        };
        let intake = Intake::open(&settings, &state, devices, clock)?;
        Ok(Self { settings, identity, parts, token, intake, skew, clock })
    }

    /// The checks of the adapter.
    pub(super) fn checks(&mut self) -> Vec<Check> {
        std::mem::take(&mut self.parts.checks)
    }

    /// How to reach the bus.
    pub(super) fn access(&self) -> Access {
        Access {
            urls: self.settings.bus.clone(),
            seed: Some(self.identity.seed().to_owned()),
            name: format!("entente-{}", self.settings.adapter),
        }
    }

    /// The feeds, that of the intake among them where it has a sharing group.
    fn feeds(&self) -> Vec<AccountFeed> {
        let feeds = self.parts.feeds.iter().cloned();
        feeds.chain(self.intake.feed()).collect()
    }

    fn routes(&self) -> Vec<Route> {
        let (settings, outboxes) = (&self.settings, self.settings.data.join("outboxes"));
        let route = |feed: AccountFeed| {
            let Some(scope) = settings.scope(&feed.slug) else {
                tracing::error!(feed = %feed.slug, "the feed has no sharing group, and is not read");
                return None;
            };
            let whose = (settings.org.as_str(), feed.slug.as_str());
            let outbox = Route::outbox(outboxes.clone(), whose, &scope, &self.identity, settings.outbox_bytes);
            let every = feed.every.unwrap_or(settings.cadence_of(&feed.slug).quiet);
            let tlp = settings.tlp(&feed.slug);
            Some(Route { watch: Watch::new(&feed.slug), open: feed.open, every, scope, tlp, outbox })
        };
        self.feeds().into_iter().filter_map(route).collect()
    }
}

/// A running sidecar. Dropped, it stops, and nobody waits for what it had in hand.
pub struct Sidecar {
    stop: CancellationToken,
    _stopped: DropGuard,
    slugs: Vec<String>,
    serving: Serving,
    link: Link,
    feeds: JoinHandle<Vec<Rest>>,
    drain: Duration,
}

impl Sidecar {
    /// Starts the sidecar of an adapter. It runs on while bus, providers or outboxes fail, and says so.
    ///
    /// # Errors
    /// If it has no place on this machine: folders, files, address.
    pub async fn start<A: Adapter>(settings: Settings, feeds: A::Feeds, clock: Clock) -> Result<Self, StartError> {
        let made = Made::of::<A>(settings, feeds, clock).await?;
        let routes = made.routes();
        let scopes: BTreeSet<_> = routes.iter().map(|route| route.scope.clone()).collect();
        let link = Link::new(scopes);
        let answering = Answering {
            adapter: A::NAME,
            org: made.settings.org.clone(),
            watches: routes.iter().map(|route| route.watch.clone()).collect(),
            link: link.clone(),
            intake: made.intake.clone(),
            token: made.token.clone(),
            clock,
        };
        let (access, clock) = (made.access(), made.clock);
        let serving = Serving::start(&made.settings.listen, &made.settings.hosts, answering, made.parts.routes).await?;
        let (stop, slugs) = (CancellationToken::new(), slugs(&routes));
        let feeds = tokio::spawn(running(routes, link.clone(), access, clock, stop.clone()));
        Ok(Self { _stopped: stop.clone().drop_guard(), stop, slugs, serving, link, feeds, drain: made.settings.drain })
    }

    /// Where it answers, with the port that it got.
    #[must_use]
    pub fn address(&self) -> &Listen {
        self.serving.address()
    }

    /// The feeds that it reads.
    #[must_use]
    pub fn slugs(&self) -> &[String] {
        &self.slugs
    }

    /// Ends in order: nothing is taken in any more, every answer in hand is finished, and the outboxes have a while to empty.
    /// Gives how many events wait on disk for the next start.
    pub async fn end(self) -> u64 {
        self.serving.end().await;
        self.stop.cancel();
        let rests = self.feeds.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the feeds ended badly");
            Vec::new()
        });
        let left = drained(&rests, self.drain).await;
        for rest in rests {
            rest.end().await;
        }
        self.link.close().await;
        left
    }
}

fn slugs(routes: &[Route]) -> Vec<String> {
    routes.iter().map(|route| route.outbox.feed.clone()).collect()
}

/// Runs all feeds until `stop`.
async fn running(routes: Vec<Route>, link: Link, access: Access, clock: Clock, stop: CancellationToken) -> Vec<Rest> {
    let running = routes.into_iter().map(|route| tokio::spawn(route.run(link.clone(), clock, stop.clone())));
    let running = running.collect::<Vec<_>>();
    link.connect(&access, &stop).await;
    let mut rests = Vec::new();
    for feed in running {
        match feed.await {
            Ok(rest) => rests.extend(rest),
            Err(error) => tracing::error!(%error, "a feed's task"),
        }
    }
    rests
}

/// Waits until these outboxes are empty, but no longer than that. Gives what is left.
async fn drained(rests: &[Rest], drain: Duration) -> u64 {
    let left = || rests.iter().map(|rest| rest.outbox.backlog().events).sum::<u64>();
    let emptied = async {
        while left() > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(drain, emptied).await.is_ok() { 0 } else { left() }
}

/// The fleet that neighbours' reports are counted in where the adapter counts none of its own: the organisation's devices.
async fn neighbours(settings: &Settings) -> Result<Arc<dyn DeviceSink>, StartError> {
    let profile = FleetProfile {
        provider: settings.org.clone(),
        system: format!("{}.intake", settings.adapter),
        fleet: settings.fleet.clone(),
        org: settings.org.clone(),
        unit: Unit::Device,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::EndpointDevice,
        service: None,
        device_class: "device".to_owned(),
        // Whoever reports a device looks at the device itself.
        guest_signal: true,
        approaches: Vec::new(),
        rules: Rules::default(),
    };
    let folder = settings.data.join("neighbours");
    let opened = tokio::task::spawn_blocking(move || Fleet::open(&folder, profile)).await;
    let opened = opened.map_err(|error| OpenError(format!("counting devices: {error}; start it anew")))?;
    let fleet = opened.map_err(|error| OpenError(error.to_string()))?;
    for lost in fleet.lost() {
        tracing::warn!("the count of neighbours' devices: {lost}");
    }
    Ok(Arc::new(fleet))
}

/// Makes the data folder, for its owner alone where it is new.
fn make_folders(settings: &Settings, state: &Path) -> Result<(), StartError> {
    for folder in [settings.data.as_path(), state] {
        let failed = |reason| StartError::Folder { folder: folder.display().to_string(), reason };
        make_folder(folder).map_err(failed)?;
    }
    Ok(())
}

/// Makes a folder for its owner alone; one that is there is left as it is.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn budget<A: Adapter>(given: &BTreeMap<String, u32>) -> Budget {
    let usual = A::RATES.iter().map(|rate| (rate.api.to_owned(), rate.per_minute));
    let given = given.iter().map(|(api, per_minute)| (api.clone(), *per_minute));
    Budget::new(usual.chain(given).collect())
}

/// The slug of the feed of an adapter's intake.
#[must_use]
pub fn intake_slug(adapter: &str) -> String {
    intake::slug(adapter)
}
