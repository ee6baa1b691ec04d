//! What a feed is to the loop that reads it: something that is asked. A public feed is asked over HTTP or from a recording, an
//! account feed through its provider's SDK; what is said of the answers, and when it is news, is the same for all.

use std::sync::Arc;
use std::time::Duration;

pub use entente_journal::Clock;
use futures::future::BoxFuture;

use crate::address::Address;
use crate::fetch::Fetch;
use crate::item::{FeedProfile, Normalize, Reading};
use crate::poll::{Answer, Failure, Settled};
use crate::recording::Recording;

/// What a feed told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// All that it shows now.
    Reading(Reading),
    /// The same as before.
    Unchanged,
}

/// Something that is asked again and again.
pub trait Ask: Send {
    /// What does not change about the feed.
    fn profile(&self) -> &FeedProfile;

    /// The address that is shown as read, where it is another than the feed's own.
    fn shown(&self) -> String {
        self.profile().address.clone()
    }

    /// Asks once; what is told was observed when the clock says so. Whoever stops waiting for the answer may ask again.
    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>>;

    /// Takes note of what became of the last answer: what it said is on disk then, or in the log where
    /// [`settles_in_log`](Ask::settles_in_log) says so. Of no concern to whoever asks for all of it each time.
    fn settle(&mut self, _settled: Settled) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Whether an answer counts as settled only once the log has what it said: a queue's message is deleted only then.
    fn settles_in_log(&self) -> bool {
        false
    }

    /// Whether answers are played from a recording, at its own pace.
    fn recorded(&self) -> bool {
        false
    }

    /// The pause until the next answer is wanted, where the feed itself knows better than its settings: nothing while it
    /// waits for being called, less while something is going on.
    fn pause(&self) -> Option<Duration> {
        None
    }

    /// The provider's clock minus ours, milliseconds, as last seen.
    fn clock_offset_ms(&self) -> Option<i64> {
        None
    }
}

/// Makes what is asked: a loop that ended badly is started anew with a fresh one.
pub type Open = Arc<dyn Fn() -> Result<Box<dyn Ask>, OpenError> + Send + Sync>;

/// Why a feed cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No client for HTTP.
    #[error("feeds cannot be asked over HTTPS: {0}; install the system's CA certificates")]
    Client(#[from] reqwest::Error),
    /// Something that the feed needs on this machine.
    #[error("{0}")]
    Needs(String),
}

/// A public feed, at its address.
#[must_use]
pub fn public(normalize: Arc<dyn Normalize>, address: Address) -> Open {
    Arc::new(move || {
        let place = match &address {
            Address::Url(url) => Place::Web(Box::new(Fetch::new(url.clone())?)),
            Address::File(path) => Place::Disk(Box::new(Recording::file(path.clone()))),
            Address::Dir(path) => Place::Disk(Box::new(Recording::folder(path.clone()))),
        };
        Ok(Box::new(Public { normalize: Arc::clone(&normalize), shown: address.shown(), place }))
    })
}

struct Public {
    normalize: Arc<dyn Normalize>,
    shown: String,
    place: Place,
}

/// Where answers come from.
enum Place {
    Web(Box<Fetch>),
    Disk(Box<Recording>),
}

impl Ask for Public {
    fn profile(&self) -> &FeedProfile {
        self.normalize.profile()
    }

    fn shown(&self) -> String {
        self.shown.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let answer = match &mut self.place {
                Place::Web(fetch) => fetch.ask().await?,
                Place::Disk(recording) => recording.ask().await?,
            };
            match answer {
                Answer::Unchanged => Ok(Told::Unchanged),
                Answer::Body(body) => match self.normalize.read(&body, clock.now()) {
                    Ok(reading) => Ok(Told::Reading(reading)),
                    Err(refusal) => Err(Failure::refused("unreadable", refusal)),
                },
            }
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        match &mut self.place {
            Place::Web(fetch) => fetch.settle(settled),
            Place::Disk(recording) => recording.settle(settled),
        }
        Box::pin(std::future::ready(()))
    }

    fn recorded(&self) -> bool {
        matches!(self.place, Place::Disk(_))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        if let Place::Web(fetch) = &self.place { fetch.clock_offset_ms() } else { None }
    }
}
