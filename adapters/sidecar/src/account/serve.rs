//! What a sidecar answers, at an address that only this machine reaches: its health, its figures, and the intake. Whoever
//! calls it by a foreign name is refused, since a page in a browser may be made to ask here.

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use entente_journal::Clock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::health::{healthz, readyz};
use super::intake::{Intake, refusal};
use super::link::Link;
use super::listen::Listen;
use super::metrics::metrics;
use super::secret::Secret;
use super::socket::socket;
use super::watch::Watch;

const HEALTHZ: &str = "/healthz";
/// Bytes of a body that are taken.
const BODY_MAX: usize = 2 * 1024 * 1024;
/// Requests that are answered at once, beside those that ask whether the process lives.
const AT_ONCE: usize = 64;
/// How long one request may take, its body among it.
const LONGEST: Duration = Duration::from_secs(30);
/// How long open answers may take once the sidecar is to stop.
const PATIENCE: Duration = Duration::from_secs(11);

/// What answers are made of.
pub(super) struct Answering {
    pub(super) adapter: &'static str,
    pub(super) org: String,
    pub(super) watches: Vec<Watch>,
    pub(super) link: Link,
    pub(super) intake: Intake,
    pub(super) token: Secret,
    pub(super) clock: Clock,
}

/// Why the sidecar does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error("{address} cannot be listened on: {reason}; set another address (`listen`), or end what uses it")]
    Address {
        /// The address.
        address: String,
        /// The system's reason.
        reason: io::Error,
    },
}

/// A server that is listening.
pub(super) struct Serving {
    address: Listen,
    stop: CancellationToken,
    _stopped: DropGuard,
    serving: JoinHandle<()>,
}

impl Serving {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub(super) async fn start(
        listen: &Listen,
        hosts: &[String],
        answering: Answering,
        hooks: Router,
    ) -> Result<Self, ServeError> {
        let failed = |reason| ServeError::Address { address: listen.to_string(), reason };
        let stop = CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        let answering = Arc::new(answering);
        let (address, serving) = match listen {
            Listen::Port(address) => {
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                let routes = router(answering, Names::new(Some(address), hosts), hooks);
                let serving = axum::serve(listener, routes).with_graceful_shutdown(ended).into_future();
                (Listen::Port(address), tokio::spawn(said(serving)))
            }
            Listen::Socket(path) => {
                let listener = socket(path).await.map_err(failed)?;
                let routes = router(answering, Names::new(None, hosts), hooks);
                let serving = axum::serve(listener, routes).with_graceful_shutdown(ended).into_future();
                (listen.clone(), tokio::spawn(said(serving)))
            }
        };
        Ok(Self { address, _stopped: stop.clone().drop_guard(), stop, serving })
    }

    pub(super) fn address(&self) -> &Listen {
        &self.address
    }

    /// Listens no more, and finishes the answers that are under way.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        if let Listen::Socket(path) = &self.address
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(%error, "the socket's file");
        }
    }
}

async fn said(serving: impl Future<Output = io::Result<()>>) {
    if let Err(error) = serving.await {
        tracing::error!(%error, "the sidecar listens no more; start it anew");
    }
}

fn router(answering: Arc<Answering>, names: Names, hooks: Router) -> Router {
    let guard = Arc::new(Guard { names, places: Semaphore::new(AT_ONCE) });
    let own = Router::new()
        .route(HEALTHZ, get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/v1/events", post(events))
        .with_state(answering);
    own.merge(hooks)
        .fallback(nothing)
        .method_not_allowed_fallback(otherwise)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(guard, guarded))
}

async fn events(State(answering): State<Arc<Answering>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_let_in(&headers, &answering.token) {
        let next = "show the token of the file `token_file`: Authorization: Bearer TOKEN";
        let mut refused = refusal(StatusCode::UNAUTHORIZED, "only neighbours that know the token may report", next);
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return refused;
    }
    answering.intake.take(&headers, &body).await
}

fn is_let_in(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = given.and_then(|given| given.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    bearer.is_some_and(|(_, guess)| token.is(guess.trim()))
}

async fn nothing() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is nothing here", "ask /healthz, /readyz or /metrics, or POST to /v1/events")
}

async fn otherwise() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "not this way", "GET /healthz, /readyz and /metrics, POST /v1/events")
}

struct Guard {
    names: Names,
    places: Semaphore,
}

/// The names that this server answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Names {
    port: Option<u16>,
    further: Vec<String>,
}

impl Names {
    fn new(address: Option<SocketAddr>, further: &[String]) -> Self {
        Self { port: address.map(|address| address.port()), further: further.to_vec() }
    }

    /// Whether a Host header names this server. What comes over a socket in the file system was let in by its permissions,
    /// and has no port to name.
    fn knows(&self, host: &str) -> bool {
        let own = ["127.0.0.1", "localhost", "[::1]"];
        let named = |name: &&str| match self.port {
            Some(port) => host.eq_ignore_ascii_case(&format!("{name}:{port}")),
            None => host.eq_ignore_ascii_case(name),
        };
        own.iter().any(named) || self.further.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    fn addressed(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        hosts.next().is_none() && host.is_some_and(|host| self.knows(host))
    }
}

/// Whether a browser says that a page asks: none has any business here.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let site = |value: &header::HeaderValue| !matches!(value.as_bytes(), b"none" | b"same-origin");
    headers.contains_key(header::ORIGIN) || headers.get_all("sec-fetch-site").iter().any(site)
}

async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if !guard.names.addressed(request.headers()) {
        let what = "this sidecar answers to its own names only";
        return refusal(StatusCode::FORBIDDEN, what, "call it at its own address, or list the proxy's name in `hosts`");
    }
    if is_of_a_page(request.headers()) {
        return refusal(
            StatusCode::FORBIDDEN,
            "no page in a browser may ask here",
            "ask with a program of this machine",
        );
    }
    let place = guard.places.try_acquire();
    // Neighbours that are slow or many must not make a sound process look dead.
    if place.is_err() && request.uri().path() != HEALTHZ {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "too many requests are under way", "send it again later");
    }
    let Ok(mut response) = tokio::time::timeout(LONGEST, next.run(request)).await else {
        let what = format!("the request took longer than {} s", LONGEST.as_secs());
        return refusal(StatusCode::REQUEST_TIMEOUT, &what, "send it again");
    };
    let is_ours = |kind: &header::HeaderValue| kind.as_bytes() == b"application/json";
    let told = response.headers().get(header::CONTENT_TYPE).is_some_and(is_ours);
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !told {
        let what = format!("the body is larger than {BODY_MAX} bytes");
        response = refusal(StatusCode::PAYLOAD_TOO_LARGE, &what, "send smaller batches");
    }
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(names: &[&'static str]) -> HeaderMap {
        names.iter().map(|name| (header::HOST, header::HeaderValue::from_static(name))).collect()
    }

    #[test]
    fn only_the_own_names_with_the_own_port_are_answered_to() {
        let names = Names::new(Some("127.0.0.1:4790".parse().unwrap()), &["hooks.acme.example".to_owned()]);
        for own in ["127.0.0.1:4790", "LocalHost:4790", "[::1]:4790", "hooks.acme.example"] {
            assert!(names.addressed(&host(&[own])), "{own}");
        }
        for foreign in ["evil.example", "127.0.0.1", "localhost:80", "127.0.0.1:4790.evil.example", ""] {
            assert!(!names.addressed(&host(&[foreign])), "{foreign}");
        }
        assert!(!names.addressed(&HeaderMap::new()) && !names.addressed(&host(&["localhost:4790", "evil.example"])));
        let socket = Names::new(None, &[]);
        assert!(socket.addressed(&host(&["localhost"])) && !socket.addressed(&host(&["evil.example"])));
    }

    #[test]
    fn no_page_of_a_browser_asks_here() {
        let with = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), header::HeaderValue::from_static(value))])
        };
        assert!(is_of_a_page(&with("origin", "null")) && is_of_a_page(&with("sec-fetch-site", "cross-site")));
        assert!(!is_of_a_page(&HeaderMap::new()) && !is_of_a_page(&with("sec-fetch-site", "none")));
    }
}
