//! The connection to the bus: it is sought until it is found, and asked now and then whether the logs that this sidecar
//! writes to are there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Access, Bus, Scope};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::supervise::Patience;

/// How long an answer about the logs stands.
const STANDS: Duration = Duration::from_secs(3);

/// How long the connection may take to be closed.
const CLOSING: Duration = Duration::from_secs(2);

/// The way to the bus. Clones are one.
#[derive(Clone)]
pub(super) struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    scopes: BTreeSet<Scope>,
    bus: watch::Sender<Way>,
    looked: Mutex<Option<(Instant, Vec<String>)>>,
}

/// The bus, or why there is none yet.
enum Way {
    Open(Bus),
    Sought(String),
}

impl Way {
    fn bus(&self) -> Option<Bus> {
        if let Self::Open(bus) = self { Some(bus.clone()) } else { None }
    }
}

impl Link {
    /// A link that is to carry to the logs of these scopes.
    pub(super) fn new(scopes: BTreeSet<Scope>) -> Self {
        let bus = watch::Sender::new(Way::Sought("the bus is being connected to".to_owned()));
        Self { inner: Arc::new(Inner { scopes, bus, looked: Mutex::new(None) }) }
    }

    /// Connects; tried again until it works or `stop`.
    pub(super) async fn connect(&self, access: &Access, stop: &CancellationToken) {
        let patience = Patience { longest: Duration::from_secs(15), ..Patience::default() };
        let mut wait = patience.first;
        while let Some(tried) = stop.run_until_cancelled(Bus::connect(access)).await {
            let error = match tried {
                Ok(bus) => {
                    self.inner.bus.send_replace(Way::Open(bus));
                    return;
                }
                Err(error) => error,
            };
            tracing::warn!(%error, "the bus; it is tried again");
            self.inner.bus.send_replace(Way::Sought(error.to_string()));
            stop.run_until_cancelled(sleep(wait)).await;
            wait = (wait * 2).min(patience.longest);
        }
    }

    /// Waits for the bus. None if `stop` comes first.
    pub(super) async fn bus(&self, stop: &CancellationToken) -> Option<Bus> {
        let mut bus = self.inner.bus.subscribe();
        let found = stop.run_until_cancelled(bus.wait_for(|way| way.bus().is_some())).await?;
        found.ok()?.bus()
    }

    /// Closes the connection, if there is one.
    pub(super) async fn close(&self) {
        let bus = self.inner.bus.borrow().bus();
        // A server that no longer answers must not hold up the end.
        if let Some(bus) = bus
            && timeout(CLOSING, bus.close()).await.is_err()
        {
            tracing::debug!("the bus did not answer to its closing");
        }
    }

    /// What is wrong with the bus or its logs now; nothing if all is well.
    pub(super) async fn troubles(&self) -> Vec<String> {
        let bus = match &*self.inner.bus.borrow() {
            Way::Open(bus) => bus.clone(),
            Way::Sought(reason) => return vec![reason.clone()],
        };
        let mut looked = self.inner.looked.lock().await;
        if let Some((at, troubles)) = &*looked
            && at.elapsed() < STANDS
        {
            return troubles.clone();
        }
        let mut troubles = Vec::new();
        for scope in &self.inner.scopes {
            troubles.extend(trouble_of(&bus, scope).await);
        }
        *looked = Some((Instant::now(), troubles.clone()));
        troubles
    }
}

/// What keeps events from the log of a scope, and the next step.
pub(super) async fn trouble_of(bus: &Bus, scope: &Scope) -> Option<String> {
    let group = &scope.audience;
    match bus.events_of(scope).await {
        Ok(Some(_)) => None,
        Ok(None) => Some(format!(
            "sharing group {group} has no log in universe {} on this bus; make it there with `entente audience create NAME`, \
             or mend `audience`",
            scope.universe
        )),
        Err(error) => Some(format!("the bus does not answer for sharing group {group}: {error}")),
    }
}
