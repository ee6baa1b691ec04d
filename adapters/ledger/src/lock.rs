//! One process at a time has a ledger's folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::LedgerError;

/// Held as long as it lives.
pub(crate) struct Lock(File);

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join("lock");
        let failed = |source| LedgerError::File { path: path.clone(), source };
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Held(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for Lock {
    /// Closing is not enough: a child that is just being started holds a copy of the descriptor until its program begins.
    fn drop(&mut self) {
        // An error means that nothing was locked.
        let _ = self.0.unlock();
    }
}
