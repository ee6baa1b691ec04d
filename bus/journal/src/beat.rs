//! Heartbeats.

use entente_schemas::beat::Beat;

use crate::bus::{Bus, BusError};
use crate::read::ReadError;
use crate::topology::Scope;

/// Tells how a feed's adapter is.
///
/// # Errors
/// If the bus does not take it.
#[allow(clippy::unused_async)]
pub async fn beat(_bus: &Bus, _scope: &Scope, _org: &str, _feed: &str, _beat: &Beat) -> Result<(), BusError> {
    Ok(())
}

/// The last beat of every feed: organisation, feed, beat.
///
/// # Errors
/// If the log does not answer.
#[allow(clippy::unused_async)]
pub async fn beats(_bus: &Bus, _scope: &Scope) -> Result<Vec<(String, String, Beat)>, ReadError> {
    Err(ReadError::Silent)
}
