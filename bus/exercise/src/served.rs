//! A double that is listening: its address, what was asked of it, and its end.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bytes of a request that are taken.
const REQUEST_MAX: usize = 8 * 1024 * 1024;

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

/// A double on a free port of loopback; it ends when this is dropped.
pub struct Served {
    port: u16,
    calls: Calls,
    stop: CancellationToken,
}

impl Served {
    /// Starts listening.
    ///
    /// # Errors
    /// If no port of loopback is free.
    pub async fn start(routes: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (calls, stop) = (Calls::default(), CancellationToken::new());
        let routes = routes.layer(from_fn_with_state(calls.clone(), note));
        let ended = stop.clone();
        tokio::spawn(async move {
            let serving = axum::serve(listener, routes).with_graceful_shutdown(ended.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!(%error, "a double stopped listening");
            }
        });
        Ok(Self { port, calls, stop })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("port", &self.port).finish_non_exhaustive()
    }
}

async fn note(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, REQUEST_MAX).await {
        Ok(body) => body,
        Err(error) => return (axum::http::StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response(),
    };
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let call = Call {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.clone(),
    };
    calls.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    next.run(Request::from_parts(parts, Body::from(body))).await
}
