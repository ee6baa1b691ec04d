//! What every request has at hand.

use std::sync::Arc;

use entente_journal::Clock;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::beats::Beats;
use crate::claims::Desk;
use crate::options::Address;
use crate::room::{Room, When};
use crate::secret::Secret;
use crate::web::{Asked, Names, Refusal};

/// What every request has at hand. Clones share it.
pub(crate) type App = Arc<Shared>;

/// See [`App`].
pub(crate) struct Shared {
    pub(crate) room: Arc<Room>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) beats: watch::Receiver<Beats>,
    pub(crate) clock: Clock,
    pub(crate) address: Address,
    pub(crate) names: Names,
    /// Of `POST /v1/claims`.
    pub(crate) token: Secret,
    /// Of the forms.
    pub(crate) form_token: Secret,
    /// A place for each open stream.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// The moment that a query asks for.
    ///
    /// # Errors
    /// If the log has not come so far.
    pub(crate) async fn when(&self, asked: &Asked) -> Result<When, Refusal> {
        let position = match &asked.as_of {
            Some(as_of) => Some(self.room.resolve(as_of).await?),
            None => None,
        };
        let reached = self.room.position();
        match position {
            Some(position) if !reached.reaches(&position) => Err(Refusal::ahead(&position, &reached)),
            position => Ok(When { position, at: asked.at, now: self.clock.second() }),
        }
    }
}
