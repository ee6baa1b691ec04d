//! Azure's management interface (ARM) over Azure's own pipeline: one call with its rate, its time limit and its refusals in
//! words, and lists over all their pages. Nothing is ever written there; the one POST asks Resource Graph a question.

mod certificate;
mod credential;
mod graph;
mod patience;
mod refusal;
mod transport;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use azure_core::http::headers::{CONTENT_TYPE, Headers};
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::{
    AsyncResponseBody, ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions,
    StatusCode, Transport, Url,
};
use bytes::{Bytes, BytesMut};
use entente_sidecar::account::{Budget, Endpoint, Key, OpenError, Skew, Trouble};
use entente_sidecar::decode::{ANSWER_MAX, List};
use entente_sidecar::poll::Failure;
use futures::TryStreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::timeout;

pub(crate) use credential::{Cloud, Identity, IdentityKind};
pub(crate) use graph::{Graph, element};
pub(crate) use refusal::if_there;

use credential::Renewing;
use patience::Patience;
use refusal::Kind;
use transport::Rerouted;

/// Pages that are followed; a list that is longer never ends.
const PAGES_MAX: usize = 20_000;

/// One of ARM's interfaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api {
    /// Its name in rates, checks and failures.
    pub(crate) name: &'static str,
    /// What the caller must be permitted.
    pub(crate) permission: &'static str,
    /// The version that is spoken.
    pub(crate) version: &'static str,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What is called.
    pub(crate) api: Api,
    /// The subscription whose rate it takes from; empty for the tenant.
    pub(crate) account: String,
    /// The path, from the host on.
    pub(crate) path: String,
    /// The query beside the version.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The question, where it is posted.
    pub(crate) body: Option<Bytes>,
}

impl Call {
    /// A call that reads.
    pub(crate) fn get(api: Api, account: &str, path: String) -> Self {
        Self { api, account: account.to_owned(), path, query: Vec::new(), body: None }
    }

    /// With a part of the query.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    fn failure(&self, trouble: &Trouble, detail: &str) -> Failure {
        trouble.failure(self.api.name, self.api.permission, detail)
    }
}

/// Where ARM is called, and as whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) identity: Identity,
    /// Called in place of ARM.
    pub(crate) arm: Option<Endpoint>,
    /// Called in place of the endpoint that gives tokens.
    pub(crate) login: Option<Endpoint>,
}

/// How often and for how long it may be called, and where its clock is noted.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) budget: Budget,
    pub(crate) timeout: Duration,
    pub(crate) skew: Skew,
}

/// A client. Clones are one.
#[derive(Clone)]
pub(crate) struct Arm(Arc<Inner>);

struct Inner {
    pipeline: Pipeline,
    base: Url,
    /// Called in place of ARM: what answers there may name itself.
    endpoint: Option<Endpoint>,
    credential: Arc<Renewing>,
    limits: Limits,
}

#[derive(Deserialize)]
struct Page {
    value: List<Box<RawValue>>,
    #[serde(rename = "nextLink", default)]
    next_link: Option<String>,
}

impl Arm {
    /// A client; nobody is called yet.
    ///
    /// # Errors
    /// If there is no client for HTTP on this machine, or the identity cannot be used.
    pub(crate) fn open(connection: &Connection, limits: Limits) -> Result<Self, OpenError> {
        let cloud = connection.identity.cloud;
        let base = Url::parse(cloud.arm()).map_err(|error| OpenError(error.to_string()))?;
        let routes = [(cloud.arm(), &connection.arm), (cloud.login(), &connection.login)];
        let transport = Transport::new(Arc::new(Rerouted::new(routes)?));
        let options = ClientOptions {
            transport: Some(transport),
            retry: RetryOptions::custom(Arc::new(Patience)),
            ..ClientOptions::default()
        };
        let credential = Arc::new(Renewing::new(connection.identity.clone(), options.clone()));
        let bearer =
            BearerTokenAuthorizationPolicy::new(credential.clone(), [format!("{}/.default", cloud.audience())]);
        let (name, version) = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
        let pipeline = Pipeline::new(name, version, options, Vec::new(), vec![Arc::new(bearer)], None);
        Ok(Self(Arc::new(Inner { pipeline, base, endpoint: connection.arm.clone(), credential, limits })))
    }

    /// ARM's clock beside ours.
    pub(crate) fn skew(&self) -> &Skew {
        &self.0.limits.skew
    }

    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// If there is no answer, or it is none of that form.
    pub(crate) async fn whole<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let answer = self.send(call, self.url(call)?).await?;
        read(call, &answer)
    }

    /// Makes a call that lists, and gives each element of each page. What was given before a failure is not all there is.
    ///
    /// # Errors
    /// If a page is missing or none, or leads to another host.
    pub(crate) async fn list(&self, call: &Call, mut each: impl FnMut(&RawValue)) -> Result<(), Failure> {
        let mut url = self.url(call)?;
        let mut seen = BTreeSet::new();
        loop {
            let page: Page = read(call, &self.send(call, url.clone()).await?)?;
            page.value.iter().for_each(|element| each(element));
            let Some(link) = page.next_link.filter(|link| !link.is_empty()) else { return Ok(()) };
            url = self.next(call, &link)?;
            if seen.len() >= PAGES_MAX || !seen.insert(link) {
                return Err(call.failure(&Trouble::Unreadable, "the list of pages never ends"));
            }
        }
    }

    /// Makes a call for its permission alone: one page, of which nothing is kept.
    ///
    /// # Errors
    /// If there is no answer, or it is none of JSON.
    pub(crate) async fn try_out(&self, call: &Call) -> Result<(), Failure> {
        self.whole::<serde::de::IgnoredAny>(call).await.map(|_| ())
    }

    fn url(&self, call: &Call) -> Result<Url, Failure> {
        let mut url = self.0.base.clone();
        url.set_path(&call.path);
        let version = ("api-version", call.api.version.to_owned());
        url.query_pairs_mut().extend_pairs(std::iter::once(&version).chain(&call.query));
        Ok(url)
    }

    /// A link is followed as it was written, but only to where we are: the token goes with it.
    fn next(&self, call: &Call, link: &str) -> Result<Url, Failure> {
        let url = Url::parse(link).ok().filter(|url| url.username().is_empty() && url.password().is_none());
        let url = url.and_then(|url| if url.origin() == self.0.base.origin() { Some(url) } else { self.ours(&url) });
        url.ok_or_else(|| call.failure(&Trouble::Unreadable, "its next page is at another host and was not asked for"))
    }

    /// A link to the endpoint that is called in place of ARM, as ARM would have written it; none if it leads elsewhere.
    fn ours(&self, link: &Url) -> Option<Url> {
        let endpoint = self.0.endpoint.as_ref()?.url();
        let path = link.path().strip_prefix(endpoint.path().trim_end_matches('/'))?;
        if link.origin() != endpoint.origin() || !path.starts_with('/') {
            return None;
        }
        let mut url = self.0.base.clone();
        url.set_path(path);
        url.set_query(link.query());
        Some(url)
    }

    async fn send(&self, call: &Call, url: Url) -> Result<Bytes, Failure> {
        let Limits { budget, timeout: longest, skew } = &self.0.limits;
        let key = Key::new(&call.account, "", call.api.name);
        budget.take(&key).await;
        let answered = timeout(*longest, self.exchange(call, url)).await;
        let (kind, detail) = match answered {
            Ok(Ok(Exchange { status, body, headers })) if status.is_success() => {
                if let Some(pause) = refusal::used_up(&headers) {
                    budget.hold(&key, pause);
                }
                return Ok(body);
            }
            Ok(Ok(exchange)) => refusal::of_answer(&exchange, skew),
            Ok(Err((trouble, detail))) => (trouble.into(), detail),
            Err(_) => (Trouble::Stalled.into(), String::new()),
        };
        match &kind {
            // Whoever gave the token may give another one.
            Kind::Trouble(Trouble::Expired | Trouble::Unauthenticated | Trouble::Clock) => self.0.credential.forget(),
            Kind::Trouble(Trouble::Throttled(Some(pause))) => budget.hold(&key, *pause),
            _ => {}
        }
        Err(skew.explain(kind.failure(&call.api, &detail)))
    }

    async fn exchange(&self, call: &Call, url: Url) -> Result<Exchange, (Trouble, String)> {
        let mut request = Request::new(url, if call.body.is_some() { Method::Post } else { Method::Get });
        if let Some(body) = &call.body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(body.clone());
        }
        let unchecked = PipelineStreamOptions { skip_checks: true, ..PipelineStreamOptions::default() };
        let answer = self.0.pipeline.stream(&Context::new(), &mut request, Some(unchecked)).await;
        let (status, headers, body) = answer.map_err(|error| refusal::of_error(&error))?.deconstruct();
        if let Some(date) = refusal::header(&headers, "date") {
            self.0.limits.skew.note(date);
        }
        Ok(Exchange { status, headers, body: collected(body).await? })
    }
}

/// An answer, whatever it says.
pub(crate) struct Exchange {
    status: StatusCode,
    headers: Headers,
    body: Bytes,
}

async fn collected(mut body: AsyncResponseBody) -> Result<Bytes, (Trouble, String)> {
    let mut whole = BytesMut::new();
    loop {
        match body.try_next().await {
            Ok(Some(chunk)) if whole.len() + chunk.len() > ANSWER_MAX => {
                return Err((Trouble::Unreadable, format!("more than {ANSWER_MAX} bytes")));
            }
            Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
            Ok(None) => return Ok(whole.freeze()),
            Err(_) => return Err((Trouble::Truncated, String::new())),
        }
    }
}

fn read<T: DeserializeOwned>(call: &Call, answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|error| {
        let trouble = if error.is_eof() { Trouble::Truncated } else { Trouble::Unreadable };
        call.failure(&trouble, &format!("line {} column {}", error.line(), error.column()))
    })
}
