//! Google's own clients, made when they are first needed: with one identity, the addresses of the settings, a limit on the
//! time of each call, and a rule of what is tried again at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use google_cloud_auth::credentials::Credentials;
use google_cloud_compute_v1::client::{InstanceGroupManagers, Instances, RegionInstanceGroupManagers, ZoneOperations};
use google_cloud_gax::client_builder;
use google_cloud_gax::error::Error;
use google_cloud_gax::exponential_backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use google_cloud_gax::retry_policy::RetryPolicy;
use google_cloud_gax::retry_result::RetryResult;
use google_cloud_gax::retry_state::RetryState;
use google_cloud_osconfig_v1::client::{OsConfigService, OsConfigZonalService};
use google_cloud_servicehealth_v1::client::ServiceHealth;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::api::Api;
use super::failure;
use entente_sidecar::account::{Budget, Endpoint, Key, Skew};
use entente_sidecar::poll::Failure;

/// How often a call is made that failed on its way or inside Google, before its failure is told.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// How often Google's clock is looked at, and how long that may take.
const CLOCK_EVERY: Duration = Duration::from_secs(300);
const CLOCK_WAIT: Duration = Duration::from_secs(3);
const USUAL: &str = "https://compute.googleapis.com/";

/// The addresses that are called instead of Google's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) compute: Option<Endpoint>,
    pub(crate) servicehealth: Option<Endpoint>,
    pub(crate) osconfig: Option<Endpoint>,
}

impl Endpoints {
    /// One of them.
    fn any(&self) -> &str {
        let set = [&self.compute, &self.servicehealth, &self.osconfig].into_iter().flatten().next();
        set.map_or(USUAL, Endpoint::as_str)
    }
}

/// By which calls are made.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// How long one call may take.
    pub(crate) timeout: Duration,
    pub(crate) budget: Budget,
    pub(crate) skew: Skew,
}

/// All clients. Clones share them.
#[derive(Clone)]
pub(crate) struct Google(Arc<Inner>);

struct Inner {
    credentials: Credentials,
    endpoints: Endpoints,
    timeout: Duration,
    budget: Budget,
    skew: Skew,
    /// For looking at the clock.
    plain: OnceCell<reqwest::Client>,
    looked: Mutex<Option<Instant>>,
    instances: OnceCell<Instances>,
    groups: OnceCell<InstanceGroupManagers>,
    regional_groups: OnceCell<RegionInstanceGroupManagers>,
    operations: OnceCell<ZoneOperations>,
    health: OnceCell<ServiceHealth>,
    patches: OnceCell<OsConfigService>,
    inventories: OnceCell<OsConfigZonalService>,
}

/// What is tried again at once: what failed on its way or inside Google. Whoever calls too often is refused by Compute
/// Engine with 403 and by the others with 429; neither is tried again here, for the quota comes back with the next minute
/// and each call counts: the feed's own pace waits. Every call reads, so each may be made twice.
#[derive(Debug)]
struct Patience;

impl RetryPolicy for Patience {
    fn on_error(&self, state: &RetryState, error: Error) -> RetryResult {
        if state.attempt_count < ATTEMPTS && failure::is_passing(&error) {
            RetryResult::Continue(error)
        } else {
            RetryResult::Permanent(error)
        }
    }
}

/// The clients, each made on its first use.
macro_rules! clients {
    ($($cell:ident: $client:ty, at $endpoint:ident;)*) => {
        $(pub(crate) async fn $cell(&self, api: &'static Api) -> Result<&$client, Failure> {
            let inner = &self.0;
            let build = || async {
                let mut builder = <$client>::builder()
                    .with_credentials(inner.credentials.clone())
                    .with_attempt_timeout(inner.timeout)
                    .with_retry_policy(Patience)
                    .with_backoff_policy(backoff());
                if let Some(endpoint) = &inner.endpoints.$endpoint {
                    builder = builder.with_endpoint(endpoint.as_str());
                }
                match timeout(inner.timeout, builder.build()).await {
                    Ok(built) => built.map_err(|error| unbuilt(api, &error)),
                    Err(_) => Err(failure::no_identity(api)),
                }
            };
            inner.$cell.get_or_try_init(build).await
        })*
    };
}

impl Google {
    pub(crate) fn new(credentials: Credentials, endpoints: Endpoints, means: Means) -> Self {
        let Means { timeout, budget, skew } = means;
        Self(Arc::new(Inner {
            credentials,
            endpoints,
            timeout,
            budget,
            skew,
            plain: OnceCell::new(),
            looked: Mutex::default(),
            instances: OnceCell::new(),
            groups: OnceCell::new(),
            regional_groups: OnceCell::new(),
            operations: OnceCell::new(),
            health: OnceCell::new(),
            patches: OnceCell::new(),
            inventories: OnceCell::new(),
        }))
    }

    /// Google's clock beside ours.
    pub(crate) fn skew(&self) -> &Skew {
        &self.0.skew
    }

    clients! {
        instances: Instances, at compute;
        groups: InstanceGroupManagers, at compute;
        regional_groups: RegionInstanceGroupManagers, at compute;
        operations: ZoneOperations, at compute;
        health: ServiceHealth, at servicehealth;
        patches: OsConfigService, at osconfig;
        inventories: OsConfigZonalService, at osconfig;
    }

    /// Looks at Google's clock now and then: its clients show the date of an answer only where it is a refusal.
    pub(crate) async fn look_at_clock(&self) {
        let inner = &self.0;
        let due = {
            let mut looked = inner.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let due = looked.is_none_or(|at: Instant| at.elapsed() >= CLOCK_EVERY);
            if due {
                *looked = Some(Instant::now());
            }
            due
        };
        if !due {
            return;
        }
        let Ok(client) = inner.plain.get_or_try_init(|| async { reqwest::Client::builder().build() }).await else {
            return;
        };
        let asked = client.head(inner.endpoints.any()).timeout(CLOCK_WAIT.min(inner.timeout)).send().await;
        let date = asked.ok().and_then(|answer| answer.headers().get("date")?.to_str().ok().map(str::to_owned));
        date.iter().for_each(|date| inner.skew.note(date));
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
        self.0.budget.take(&key).await;
        let failure = match call.await {
            Ok(answer) => return Ok(answer),
            Err(error) => failure::read(api, &error, &self.0.skew),
        };
        if let Some(pause) = failure.retry_after {
            self.0.budget.hold(&key, pause);
        }
        Err(failure)
    }
}

fn backoff() -> ExponentialBackoff {
    let builder = ExponentialBackoffBuilder::new().with_initial_delay(FIRST_PAUSE).with_maximum_delay(LAST_PAUSE);
    builder.clamp()
}

fn unbuilt(api: &Api, error: &client_builder::Error) -> Failure {
    if error.is_default_credentials() || error.is_universe_domain_mismatch() {
        return failure::no_identity(api);
    }
    Failure::new("unreachable", format!("{}: no client could be made; look at the endpoint in the settings", api.name))
}
