//! Keeps the outbox's file open, and opens it again where its disk failed: after an error the database takes nothing
//! more until it was closed.

use std::sync::{Arc, PoisonError, RwLock};

use super::store::{Opened, Store};
use super::{OutboxError, OutboxOptions};

pub(super) struct Keeper {
    options: OutboxOptions,
    instance: String,
    /// Nothing while the disk does not let it be opened.
    store: RwLock<Option<Arc<Store>>>,
}

impl Keeper {
    pub(super) fn new(options: OutboxOptions) -> Result<(Self, Opened), OutboxError> {
        let (store, opened) = Store::open(&options)?;
        let instance = opened.instance.clone();
        Ok((Self { options, instance, store: RwLock::new(Some(Arc::new(store))) }, opened))
    }

    /// The open file.
    ///
    /// # Errors
    /// If it is closed since its disk failed.
    pub(super) fn store(&self) -> Result<Arc<Store>, OutboxError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let closed = || OutboxError::Disk {
            path: self.options.file(),
            reason: "its disk failed, and it is not open again yet".to_owned(),
        };
        store.clone().ok_or_else(closed)
    }

    /// Closes the file and opens it as at a start: it is locked, repaired, checked and written once. Whoever reads it at
    /// this moment holds the lock a little longer, and the next try succeeds.
    pub(super) fn reopen(&self) -> Result<Opened, OutboxError> {
        let mut kept = self.store.write().unwrap_or_else(PoisonError::into_inner);
        *kept = None;
        if !self.options.file().exists() {
            return Err(self.damaged("it is gone"));
        }
        let (store, opened) = Store::open(&self.options)?;
        if opened.instance != self.instance {
            return Err(self.damaged("another outbox lies in its place"));
        }
        *kept = Some(Arc::new(store));
        Ok(opened)
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> OutboxError {
        OutboxError::Damaged { path: self.options.file(), reason: reason.into() }
    }
}
