//! The adapters' beats as this server last read them: laid over the picture on the feeds page, and watched, so that an
//! adapter that is gone makes its feed blind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entente_correlator::State;
use entente_journal::{Bus, Scope, beats};
use entente_schemas::beat::Beat;
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Family};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::claims::Desk;
use crate::clock::Clock;
use crate::room::{Link, Room, When};
use crate::vigil::{FeedName, Known, Vigil, due};

/// How often the beats are read.
const EVERY: Duration = Duration::from_secs(10);

/// The last beat of each feed.
pub(crate) type Beats = Arc<BTreeMap<FeedName, Beat>>;

/// Reads beats until stopped.
pub(crate) struct Watcher {
    pub(crate) room: Arc<Room>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) bus: Bus,
    pub(crate) scope: Scope,
    pub(crate) clock: Clock,
    pub(crate) told: watch::Sender<Beats>,
}

impl Watcher {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut vigil = Vigil::default();
        loop {
            match beats(&self.bus, &self.scope).await {
                Ok(list) => {
                    let beats: Beats =
                        Arc::new(list.into_iter().map(|(org, feed, beat)| ((org, feed), beat)).collect());
                    self.told.send_replace(Arc::clone(&beats));
                    self.say(&mut vigil, &beats).await;
                }
                Err(error) => tracing::debug!("the beats cannot be read: {error}"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn say(&self, vigil: &mut Vigil, beats: &Beats) {
        let now = self.clock.second();
        let looks = vigil.look(now, beats);
        // What the log says last must be known before it is added to.
        if self.room.link() != Link::Live {
            return;
        }
        let drafts: Vec<Draft> = looks
            .into_iter()
            .filter_map(|(name, beat, present)| {
                let known = self.room.with(When::live(now), |state, _| known(state, name));
                due(&self.scope.universe, name, beat, present, known.as_ref(), now)
            })
            .collect();
        for draft in drafts {
            let object = draft.claim.header.object_id.clone();
            match self.desk.say(draft).await {
                Ok(()) => tracing::warn!("{object}: its state was published, for its adapter did not"),
                Err(error) => tracing::warn!("{object}: its state could not be published: {error}"),
            }
        }
    }
}

fn known(state: &State, (org, feed): &FeedName) -> Option<Known> {
    let entry = state.current(Family::Feed, &format!("feed:{org}/{feed}"))?;
    let Body::Feed(feed) = &entry.claim().body else { return None };
    Some(Known { feed: feed.clone(), rev: entry.header().rev, event: entry.event.id.clone() })
}
