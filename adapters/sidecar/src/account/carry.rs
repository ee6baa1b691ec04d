//! One feed with all that it needs to run: its outbox, the pump that carries what is in it into the log, and its loop, each
//! begun anew when it ends badly.

use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Clock, Identity, Outbox, OutboxOptions, Scope, pump};
use entente_schemas::tlp::Tlp;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::watch::Watch;
use crate::ask::Open;
use crate::run::{FeedTask, run_shown};
use crate::supervise::{Patience, keep};

/// A feed that is to run.
pub(super) struct Route {
    pub(super) watch: Watch,
    pub(super) open: Open,
    pub(super) every: Duration,
    pub(super) scope: Scope,
    pub(super) tlp: Tlp,
    pub(super) outbox: OutboxOptions,
}

/// What is left of a feed that has stopped: its outbox may still empty.
pub(super) struct Rest {
    pub(super) outbox: Outbox,
    /// Runs from the moment at which the bus was there.
    pump: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Rest {
    /// Stops carrying.
    pub(super) async fn end(self) {
        self.stop.cancel();
        if let Some(pump) = self.pump
            && let Err(error) = pump.await
        {
            tracing::error!(%error, "a pump");
        }
    }
}

impl Route {
    /// The options of a feed's outbox.
    pub(super) fn outbox(
        dir: std::path::PathBuf,
        (org, feed): (&str, &str),
        scope: &Scope,
        identity: &Identity,
        capacity_bytes: u64,
    ) -> OutboxOptions {
        let (org, feed) = (org.to_owned(), feed.to_owned());
        OutboxOptions { dir, org, feed, scope: scope.clone(), identity: identity.clone(), capacity_bytes }
    }

    /// Runs the feed until `stop`; gives its outbox, if it could be opened.
    pub(super) async fn run(self, link: Link, clock: Clock, stop: CancellationToken) -> Option<Rest> {
        let outbox = self.opened(&stop).await?;
        self.watch.runs(&outbox);
        let pumping = CancellationToken::new();
        let Some(bus) = link.bus(&stop).await else { return Some(Rest { outbox, pump: None, stop: pumping }) };
        let pump = tokio::spawn(pump(outbox.clone(), bus.clone(), pumping.clone()));
        let open = self.watch.over(self.open);
        let task = || FeedTask {
            open: Arc::clone(&open),
            every: self.every,
            outbox: outbox.clone(),
            bus: bus.clone(),
            scope: self.scope.clone(),
            tlp: Some(self.tlp),
            clock,
        };
        let watch = &self.watch;
        let say = |why: &str, wait: Duration| {
            let feed = &self.outbox.feed;
            tracing::warn!(%feed, "the feed stopped: {why}; it is started again in {} s", wait.as_secs());
            watch.is_down(why);
        };
        keep(Patience::default(), &stop, say, || {
            let watch = self.watch.clone();
            run_shown(task(), move |health| watch.shows(health), stop.clone())
        })
        .await;
        self.watch.ended();
        Some(Rest { outbox, pump: Some(pump), stop: pumping })
    }

    /// Opens the outbox; one that cannot be opened is tried again, and the feed says so meanwhile.
    async fn opened(&self, stop: &CancellationToken) -> Option<Outbox> {
        let patience = Patience::default();
        let mut wait = patience.first;
        while !stop.is_cancelled() {
            let options = self.outbox.clone();
            let opened = tokio::task::spawn_blocking(move || Outbox::open(options)).await;
            let reason = match opened {
                Ok(Ok(outbox)) => return Some(outbox),
                Ok(Err(error)) => error.to_string(),
                Err(error) => format!("opening the outbox: {error}; it is tried again"),
            };
            tracing::warn!(feed = %self.outbox.feed, "{reason}");
            self.watch.is_down(&reason);
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => {}
            }
            wait = (wait * 2).min(patience.longest);
        }
        None
    }
}
