//! The outboxes of `desk` in sharing groups, each opened and carried when it is used first, and from the start where it was
//! used before: what it still holds is to reach the log.

use std::sync::{Arc, Mutex, PoisonError};

use entente_journal::{Bus, Outbox, OutboxError, OutboxOptions, Scope};
use entente_server::Outboxes;

use crate::carrier::{self, Carrier};
use crate::exit::Failure;
use crate::folder::Folder;
use crate::log::{Log, scope_of};
use crate::settings::Settings;

/// The outboxes that are being carried. Clones share them.
#[derive(Clone)]
pub struct Desks {
    like: Arc<OutboxOptions>,
    bus: Bus,
    carried: Arc<Mutex<Vec<Carrier>>>,
}

impl Desks {
    /// Those of a folder's organisation, none of them open.
    pub fn of(folder: &Folder, settings: &Settings, log: &Log) -> Self {
        let like = Arc::new(carrier::options(folder, settings, log, "desk"));
        Self { like, bus: log.bus.clone(), carried: Arc::default() }
    }

    /// How the server opens one.
    ///
    /// # Errors
    /// If the folder does not tell its groups.
    pub fn outboxes(&self, folder: &Folder) -> Result<Outboxes, Failure> {
        let scopes = folder.groups()?.iter().map(|(_, id)| scope_of(id)).collect::<Vec<_>>();
        let kept = scopes.into_iter().filter(|scope| self.options(scope.clone()).file().exists()).collect();
        let desks = self.clone();
        Ok(Outboxes::by(kept, move |scope| Box::pin(desks.clone().open(scope))))
    }

    fn options(&self, scope: Scope) -> OutboxOptions {
        OutboxOptions { scope, ..OutboxOptions::clone(&self.like) }
    }

    async fn open(self, scope: Scope) -> Result<Outbox, OutboxError> {
        let carrier = Carrier::carry(self.options(scope), &self.bus).await?;
        let outbox = carrier.outbox.clone();
        self.carried.lock().unwrap_or_else(PoisonError::into_inner).push(carrier);
        Ok(outbox)
    }

    /// Those that were opened.
    pub fn take(&self) -> Vec<Carrier> {
        std::mem::take(&mut *self.carried.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
