//! The SDK's clients: one connection pool and one set of credentials for all services and regions, read anew once AWS no
//! longer takes them, so that renewed credentials need no restart.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_ec2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef, InterceptorContext,
};
use aws_sdk_ec2::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents, SharedHttpClient};
use aws_sdk_ec2::error::BoxError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use entente_sidecar::account::{Endpoint, Skew};

use super::whole::{NoEnd, broke_off};

/// The longest that a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_millis(3_100);

/// How clients are made.
#[derive(Clone, Debug)]
pub(crate) struct Making {
    /// The region that is asked for what is of no region.
    pub(crate) home: String,
    /// The profile; AWS's own choice if none.
    pub(crate) profile: Option<String>,
    /// The file of settings; the usual one if none.
    pub(crate) config_file: Option<PathBuf>,
    /// The file of credentials; the usual one if none.
    pub(crate) credentials_file: Option<PathBuf>,
    /// Addresses instead of AWS's own, by service.
    pub(crate) endpoints: BTreeMap<&'static str, Endpoint>,
    /// How long one attempt of a call may take.
    pub(crate) timeout: Duration,
    /// How often one call is attempted.
    pub(crate) attempts: u32,
    /// Where the dates of the answers are noted.
    pub(crate) skew: Skew,
}

impl Making {
    /// The files that are read instead of the usual ones, if any.
    fn files(&self) -> Option<EnvConfigFiles> {
        if self.config_file.is_none() && self.credentials_file.is_none() {
            return None;
        }
        let files = match &self.config_file {
            Some(path) => EnvConfigFiles::builder().with_file(EnvConfigFileKind::Config, path),
            None => EnvConfigFiles::builder().include_default_config_file(true),
        };
        let files = match &self.credentials_file {
            Some(path) => files.with_file(EnvConfigFileKind::Credentials, path),
            None => files.include_default_credentials_file(true),
        };
        Some(files.build())
    }
}

/// The clients.
pub(crate) struct Clients {
    making: Making,
    http: SharedHttpClient,
    loaded: tokio::sync::Mutex<Option<Arc<SdkConfig>>>,
    made: Mutex<Made>,
}

/// Clients by region; they share everything but where they ask.
#[derive(Default)]
struct Made {
    ec2: BTreeMap<String, aws_sdk_ec2::Client>,
    health: BTreeMap<String, aws_sdk_health::Client>,
    sqs: BTreeMap<String, aws_sdk_sqs::Client>,
    ssm: BTreeMap<String, aws_sdk_ssm::Client>,
}

/// A client of a service, made of what all share.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident: $sdk:ident $(, $more:expr)?) => {
        $(#[$doc])*
        pub(crate) async fn $name(&self, region: &str) -> $sdk::Client {
            let config = self.config().await;
            if let Some(client) = self.made().$name.get(region) {
                return client.clone();
            }
            let mut builder = $sdk::config::Builder::from(config.as_ref())
                .region(Region::new(region.to_owned()))
                .interceptor(Dated(self.making.skew.clone()))
                .retry_classifier(SentAway)
                $(.interceptor($more))?;
            if let Some(endpoint) = self.making.endpoints.get(stringify!($name)) {
                builder = builder.endpoint_url(endpoint.as_str());
            }
            let client = $sdk::Client::from_conf(builder.build());
            self.made().$name.insert(region.to_owned(), client.clone());
            client
        }
    };
}

impl Clients {
    /// Clients that are made when they are first needed.
    pub(crate) fn new(making: Making) -> Self {
        Self { making, http: http(), loaded: tokio::sync::Mutex::new(None), made: Mutex::default() }
    }

    client! {
        /// EC2 in a region.
        ec2: aws_sdk_ec2, Whole
    }
    client! {
        /// Health, which has two regions for the whole world.
        health: aws_sdk_health
    }
    client! {
        /// SQS in a region.
        sqs: aws_sdk_sqs
    }
    client! {
        /// SSM in a region.
        ssm: aws_sdk_ssm
    }

    /// AWS's clock beside ours, as the answers tell.
    pub(crate) fn skew(&self) -> &Skew {
        &self.making.skew
    }

    /// The region that is asked for what is of no region.
    pub(crate) fn home(&self) -> &str {
        &self.making.home
    }

    /// Reads files and credentials anew before the next call.
    pub(crate) async fn renew(&self) {
        *self.loaded.lock().await = None;
    }

    async fn config(&self) -> Arc<SdkConfig> {
        let mut loaded = self.loaded.lock().await;
        if let Some(config) = loaded.as_ref() {
            return Arc::clone(config);
        }
        *self.made() = Made::default();
        let config = Arc::new(self.load().await);
        *loaded = Some(Arc::clone(&config));
        config
    }

    /// Reads environment and files; no provider is called, since the region is known.
    async fn load(&self) -> SdkConfig {
        let making = &self.making;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_MAX.min(making.timeout))
            .operation_attempt_timeout(making.timeout)
            .operation_timeout(making.timeout.saturating_mul(making.attempts.saturating_add(1)));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(making.home.clone()))
            .http_client(self.http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(making.attempts))
            .timeout_config(timeouts.build());
        if let Some(profile) = &making.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(files) = making.files() {
            loader = loader.profile_files(files);
        }
        loader.load().await
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every call goes through: TLS by the process's own provider, and the proxies that the environment names.
fn http() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env()).tls_provider(tls);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

/// Reads the date of every answer.
#[derive(Debug)]
struct Dated(Skew);

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.0.note(date);
        }
        Ok(())
    }
}

/// Whoever is told when to come again is not asked before: the SDK's own attempts know nothing of the header.
#[derive(Debug)]
struct SentAway;

impl ClassifyRetry for SentAway {
    fn name(&self) -> &'static str {
        "SentAway"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let told = context.response().is_some_and(|answer| answer.headers().get("retry-after").is_some());
        if told { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }
}

/// Sees to it that answers in XML have their end.
#[derive(Debug)]
struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let whole = !answer.status().is_success() || answer.body().bytes().is_none_or(|body| !broke_off(body));
        if whole { Ok(()) } else { Err(NoEnd.into()) }
    }
}
