//! Asking a provider: only its own hosts, also along redirects, within limits of time and size, and only for what changed.

use std::error::Error as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use entente_sidecar::account::{Budget, Key};
use entente_sidecar::fetch::{AGENT, Validators, failed, offset_ms, refused};
use entente_sidecar::poll::Failure;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::hosts::{HostError, Hosts};

const CONNECT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 5;
/// How we name ourselves: some providers turn away whoever does not say that it is a program, and for what.
const READER: &str = "(bot; reads security advisories in CSAF)";

/// A way to ask one provider.
#[derive(Debug)]
pub(crate) struct Web {
    client: Client,
    hosts: Arc<RwLock<Hosts>>,
    budget: Option<(Budget, Key)>,
    clock_offset_ms: Option<i64>,
}

/// Whether the provider keeps something to those who show who they are. Some file servers say so also of what is not there.
pub(crate) fn is_closed(failure: &Failure) -> bool {
    matches!(failure.error.code.as_str(), "http-401" | "http-403")
}

/// What was answered.
#[derive(Debug)]
pub(crate) enum Got {
    /// All of it, and by what the server knows it.
    Whole(Vec<u8>, Validators),
    /// The same as before.
    Unchanged,
    /// There is no such thing.
    Absent,
    /// More than is taken.
    TooLarge,
}

impl Web {
    /// Prepares asking; each call ends after `timeout`, and takes a token of `budget` first.
    ///
    /// # Errors
    /// If the system gives no TLS roots.
    pub(crate) fn new(hosts: Hosts, timeout: Duration, budget: Option<(Budget, Key)>) -> Result<Self, reqwest::Error> {
        let hosts = Arc::new(RwLock::new(hosts));
        let known = Arc::clone(&hosts);
        let client = Client::builder()
            .user_agent(format!("{AGENT} {READER}"))
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .redirect(Policy::custom(move |attempt| follow(attempt, &known)))
            .build()?;
        Ok(Self { client, hosts, budget, clock_offset_ms: None })
    }

    /// The provider's hosts as they are known now.
    pub(crate) fn hosts(&self) -> Hosts {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the provider's hosts.
    pub(crate) fn know(&self, hosts: Hosts) {
        *self.hosts.write().unwrap_or_else(PoisonError::into_inner) = hosts;
    }

    /// The provider's clock minus ours, to the second.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        self.clock_offset_ms
    }

    /// Asks once, for at most `max` bytes.
    ///
    /// # Errors
    /// If there is no answer, it is not a good one, or the address is none of the provider's.
    pub(crate) async fn get(&mut self, url: &Url, known: &Validators, max: usize) -> Result<Got, Failure> {
        self.hosts().allows(url).map_err(foreign)?;
        self.rove(false);
        self.ask(url, known, max).await.map(|(got, _)| got)
    }

    /// Asks for what says where the provider is, wherever redirects lead; gives its address too.
    ///
    /// # Errors
    /// If there is no answer, it is not a good one, or it stands where no provider may be.
    pub(crate) async fn find(&mut self, url: &Url, known: &Validators, max: usize) -> Result<(Got, Url), Failure> {
        self.rove(true);
        self.hosts().follows(url).map_err(foreign)?;
        self.ask(url, known, max).await
    }

    fn rove(&self, roving: bool) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).rove(roving);
    }

    async fn ask(&mut self, url: &Url, known: &Validators, max: usize) -> Result<(Got, Url), Failure> {
        if let Some((budget, key)) = &self.budget {
            budget.take(key).await;
        }
        let request = self.client.get(url.clone()).headers(known.conditions());
        let response = request.send().await.map_err(call_failed)?;
        self.clock_offset_ms = offset_ms(response.headers());
        let at = response.url().clone();
        let got = match response.status() {
            StatusCode::NOT_MODIFIED if known.any() => Got::Unchanged,
            StatusCode::NOT_FOUND | StatusCode::GONE => Got::Absent,
            status if status.is_success() => whole(response, max).await?,
            status => return Err(self.sent_away(refused(status, response.headers()))),
        };
        Ok((got, at))
    }

    /// The other feeds of this provider spare it too.
    fn sent_away(&self, failure: Failure) -> Failure {
        if let (Some((budget, key)), Some(after)) = (&self.budget, failure.retry_after) {
            budget.hold(key, after);
        }
        failure
    }
}

async fn whole(mut response: Response, max: usize) -> Result<Got, Failure> {
    let validators = Validators::of(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(call_failed)? {
        if body.len() + chunk.len() > max {
            return Ok(Got::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Got::Whole(body, validators))
}

fn follow(attempt: Attempt<'_>, hosts: &RwLock<Hosts>) -> reqwest::redirect::Action {
    let allowed = hosts.read().unwrap_or_else(PoisonError::into_inner).follows(attempt.url());
    match allowed {
        Err(error) => attempt.error(error),
        Ok(()) if attempt.previous().len() > REDIRECTS => attempt.stop(),
        Ok(()) => attempt.follow(),
    }
}

fn foreign(error: HostError) -> Failure {
    Failure::new("foreign-host", format!("the provider sends us to another's host: {error}"))
}

/// In words for people; a redirect to a host that is not asked is named.
fn call_failed(error: reqwest::Error) -> Failure {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(host) = inner.downcast_ref::<HostError>() {
            return foreign(host.clone());
        }
        cause = inner.source();
    }
    failed(error)
}
