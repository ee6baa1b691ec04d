//! Google's own clients, each made when it is first needed: with one identity, the addresses of the settings, a limit on the
//! time of each call, and a rule of what is tried again at once.

use std::sync::Arc;
use std::time::Duration;

use entente_sidecar::account::Endpoint;
use entente_sidecar::poll::Failure;
use google_cloud_auth::build_errors;
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

/// How often a call is made that failed on its way or inside Google, before its failure is told.
pub(super) const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LAST_PAUSE: Duration = Duration::from_secs(2);

/// The addresses that are called instead of Google's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) compute: Option<Endpoint>,
    pub(crate) servicehealth: Option<Endpoint>,
    pub(crate) osconfig: Option<Endpoint>,
}

/// Finds credentials anew: whoever renews them where they come from needs not start the sidecar again.
pub(crate) type Identity = Arc<dyn Fn() -> Result<Credentials, build_errors::Error> + Send + Sync>;

/// By what clients are made.
pub(super) struct Making {
    pub(super) identity: Identity,
    pub(super) endpoints: Endpoints,
    pub(super) timeout: Duration,
}

/// The clients of one identity.
#[derive(Default)]
pub(super) struct Clients {
    credentials: OnceCell<Credentials>,
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
/// and each call counts: the feed's own pace waits. Nor is what failed with a wish for a pause. Every call
/// reads, so each may be made twice.
#[derive(Debug)]
struct Patience;

impl RetryPolicy for Patience {
    fn on_error(&self, state: &RetryState, error: Error) -> RetryResult {
        if state.attempt_count < ATTEMPTS && failure::is_passing(&error) && !failure::wishes_pause(&error) {
            RetryResult::Continue(error)
        } else {
            RetryResult::Permanent(error)
        }
    }
}

macro_rules! clients {
    ($($cell:ident: $client:ty, at $endpoint:ident;)*) => {
        $(pub(super) async fn $cell(&self, making: &Making, api: &Api) -> Result<$client, Failure> {
            let build = || async {
                let mut builder = <$client>::builder()
                    .with_credentials(self.credentials(making, api).await?)
                    .with_attempt_timeout(making.timeout)
                    .with_retry_policy(Patience)
                    .with_backoff_policy(backoff());
                if let Some(endpoint) = &making.endpoints.$endpoint {
                    builder = builder.with_endpoint(endpoint.as_str());
                }
                // Where credentials come from is asked for their domain here, and may not answer.
                match timeout(making.timeout, builder.build()).await {
                    Ok(built) => built.map_err(|error| unbuilt(api, &error)),
                    Err(_) => Err(failure::no_identity(api)),
                }
            };
            self.$cell.get_or_try_init(build).await.cloned()
        })*
    };
}

impl Clients {
    clients! {
        instances: Instances, at compute;
        groups: InstanceGroupManagers, at compute;
        regional_groups: RegionInstanceGroupManagers, at compute;
        operations: ZoneOperations, at compute;
        health: ServiceHealth, at servicehealth;
        patches: OsConfigService, at osconfig;
        inventories: OsConfigZonalService, at osconfig;
    }

    async fn credentials(&self, making: &Making, api: &Api) -> Result<Credentials, Failure> {
        let find = || async { (making.identity)().map_err(|_| failure::no_identity(api)) };
        self.credentials.get_or_try_init(find).await.cloned()
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
