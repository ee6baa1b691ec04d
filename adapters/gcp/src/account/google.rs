//! Google as the feeds call it: within a budget, with a limit on time, and with a new identity once the old one is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entente_sidecar::account::{Budget, Key, Skew, Trouble};
use entente_sidecar::poll::Failure;
use google_cloud_compute_v1::client::{InstanceGroupManagers, Instances, RegionInstanceGroupManagers, ZoneOperations};
use google_cloud_gax::error::Error;
use google_cloud_osconfig_v1::client::{OsConfigService, OsConfigZonalService};
use google_cloud_servicehealth_v1::client::ServiceHealth;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::api::Api;
use super::clients::{ATTEMPTS, Clients, Endpoints, Identity, LAST_PAUSE, Making};
use super::failure;

/// How often Google's clock is looked at, and how long that may take.
const CLOCK_EVERY: Duration = Duration::from_secs(300);
const CLOCK_WAIT: Duration = Duration::from_secs(3);
/// The longest wish for a pause that is waited for within a call. A longer one is told at once, and the feed comes back then.
const WAITED_FOR: Duration = Duration::from_secs(5);
const USUAL: &str = "https://compute.googleapis.com/";

/// By which calls are made.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// How long one call may take.
    pub(crate) timeout: Duration,
    pub(crate) budget: Budget,
    pub(crate) skew: Skew,
}

/// Google. Clones share clients and budget.
#[derive(Clone)]
pub(crate) struct Google(Arc<Inner>);

struct Inner {
    making: Making,
    budget: Budget,
    skew: Skew,
    clients: Mutex<Arc<Clients>>,
    /// Until when Google has sent us away.
    away: Mutex<BTreeMap<Key, Instant>>,
    /// For looking at the clock.
    plain: OnceCell<reqwest::Client>,
    looked: Mutex<Option<Instant>>,
}

macro_rules! clients {
    ($($name:ident: $client:ty;)*) => {
        $(pub(crate) async fn $name(&self, api: &'static Api) -> Result<$client, Failure> {
            let made = self.clients().$name(&self.0.making, api).await;
            made.inspect_err(|failure| self.renew_after(failure))
        })*
    };
}

impl Google {
    pub(crate) fn new(identity: Identity, endpoints: Endpoints, means: Means) -> Self {
        let Means { timeout, budget, skew } = means;
        let making = Making { identity, endpoints, timeout };
        let (clients, away, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { making, budget, skew, clients, away, plain: OnceCell::new(), looked }))
    }

    clients! {
        instances: Instances;
        groups: InstanceGroupManagers;
        regional_groups: RegionInstanceGroupManagers;
        operations: ZoneOperations;
        health: ServiceHealth;
        patches: OsConfigService;
        inventories: OsConfigZonalService;
    }

    /// Google's clock beside ours.
    pub(crate) fn skew(&self) -> &Skew {
        &self.0.skew
    }

    /// Makes a call once a token for it is there. `owner` is the project or organisation, whose quota it is.
    ///
    /// # Errors
    /// In words that name neither.
    pub(crate) async fn call<T>(
        &self,
        api: &'static Api,
        owner: &str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Failure> {
        let key = Key::new(owner, "", api.name);
        if let Some(rest) = self.away(&key).filter(|rest| *rest > WAITED_FOR) {
            return Err(Trouble::Throttled(Some(rest)).failure(api.name, api.permission, ""));
        }
        self.0.budget.take(&key).await;
        // The clients limit the time of each attempt, but not how long a token may take to come.
        let longest = (self.0.making.timeout + LAST_PAUSE) * ATTEMPTS;
        let failure = match timeout(longest, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failure::read(api, &error, &self.0.skew),
            Err(_) => Trouble::Stalled.failure(api.name, api.permission, ""),
        };
        if let Some(pause) = failure.retry_after {
            self.0.budget.hold(&key, pause);
            self.send_away(key, pause);
        }
        self.renew_after(&failure);
        Err(failure)
    }

    /// For how long Google has sent us away.
    fn away(&self, key: &Key) -> Option<Duration> {
        let away = self.0.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.get(key)?.checked_duration_since(Instant::now())
    }

    fn send_away(&self, key: Key, pause: Duration) {
        let now = Instant::now();
        let Some(until) = now.checked_add(pause) else { return };
        let mut away = self.0.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.retain(|_, until| *until > now);
        away.insert(key, until);
    }

    /// Looks at Google's clock now and then: its clients show the date of an answer only where it is a refusal.
    pub(crate) async fn look_at_clock(&self) {
        let inner = &self.0;
        if !self.clock_is_due() {
            return;
        }
        let made = inner.plain.get_or_try_init(|| async { reqwest::Client::builder().build() }).await;
        let Ok(client) = made else { return };
        let asked =
            client.head(any(&inner.making.endpoints)).timeout(CLOCK_WAIT.min(inner.making.timeout)).send().await;
        let date = asked.ok().and_then(|answer| answer.headers().get("date")?.to_str().ok().map(str::to_owned));
        date.iter().for_each(|date| inner.skew.note(date));
    }

    fn clock_is_due(&self) -> bool {
        let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|at| at.elapsed() >= CLOCK_EVERY);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }

    fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.0.clients.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An identity that is refused is not asked again: its clients keep a token that is, and give up for good on one that
    /// cannot be had. The next call finds credentials anew.
    fn renew_after(&self, failure: &Failure) {
        let refused = [Trouble::Expired, Trouble::Unauthenticated, Trouble::Clock].map(|trouble| trouble.code());
        if refused.contains(&failure.error.code.as_str()) {
            *self.0.clients.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        }
    }
}

/// One of the addresses that are called.
fn any(endpoints: &Endpoints) -> &str {
    let set = [&endpoints.compute, &endpoints.servicehealth, &endpoints.osconfig].into_iter().flatten().next();
    set.map_or(USUAL, |endpoint| endpoint.as_str())
}
