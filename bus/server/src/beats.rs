//! The adapters' beats as this server last read them: laid over the picture on the feeds page, and watched, so that an
//! adapter that is gone makes its feed blind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entente_correlator::State;
use entente_correlator::picture::Feed;
use entente_journal::{Bus, Clock, Scope, beats};
use entente_schemas::beat::Beat;
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Family};
use futures::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::claims::Desk;
use crate::room::{Link, Room, When};
use crate::vigil::{FeedName, Known, Vigil, due};

/// How often the beats are read.
const EVERY: Duration = Duration::from_secs(10);

/// The last beat of each feed.
pub(crate) type Beats = Arc<BTreeMap<FeedName, Beat>>;

/// The feed as its adapter last said itself, where the log does not have that yet: an adapter whose outbox takes nothing
/// turns blind, and cannot put that on the log.
pub(crate) fn overlaid(mut feed: Feed, beat: Option<&Beat>) -> Feed {
    let Some(beat) = beat else { return feed };
    let newer = feed.since.is_none_or(|since| beat.beat_at > since);
    if newer && feed.state.is_some_and(|state| state != beat.state) {
        let why = beat.error.as_ref().map(|error| format!(": {}, {}", error.code, error.text));
        feed.state = Some(beat.state);
        // Since when it is so, a beat does not tell.
        feed.since = None;
        feed.reason = Some(format!("its adapter says so, and the log does not have it yet{}", why.unwrap_or_default()));
    }
    feed
}

/// Reads beats until stopped.
pub(crate) struct Watcher {
    pub(crate) room: Arc<Room>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
    pub(crate) told: watch::Sender<Beats>,
}

impl Watcher {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut vigils: BTreeMap<String, Vigil> = BTreeMap::new();
        let mut last: BTreeMap<String, BTreeMap<FeedName, Beat>> = BTreeMap::new();
        loop {
            // Side by side: audiences that do not answer must not make the others wait.
            let scopes = self.room.streams().scopes();
            let read = join_all(scopes.iter().map(|scope| beats(&self.bus, scope))).await;
            for (scope, read) in scopes.iter().zip(read) {
                let audience = &scope.audience;
                match read {
                    Ok(list) => {
                        let name = |org, feed| FeedName { org, feed, audience: audience.clone() };
                        let beats = list.into_iter().map(|(org, feed, beat)| (name(org, feed), beat)).collect();
                        self.say(vigils.entry(audience.clone()).or_default(), scope, &beats).await;
                        last.insert(audience.clone(), beats);
                    }
                    Err(error) => tracing::debug!("the beats of {audience} cannot be read: {error}"),
                }
            }
            let all: Beats =
                Arc::new(last.values().flatten().map(|(name, beat)| (name.clone(), beat.clone())).collect());
            self.told.send_replace(all);
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn say(&self, vigil: &mut Vigil, scope: &Scope, beats: &BTreeMap<FeedName, Beat>) {
        let now = self.clock.second();
        let looks = vigil.look(now, beats);
        // What the log says last must be known before it is added to.
        if self.room.link_of(&scope.audience) != Link::Live {
            return;
        }
        let looks: Vec<(FeedName, Beat, bool)> =
            looks.into_iter().map(|(name, beat, present)| (name.clone(), beat.clone(), present)).collect();
        let universe = scope.universe.clone();
        let drafts = self.room.look(When::live(now), move |moment| -> Vec<Draft> {
            let due = looks.iter().filter_map(|(name, beat, present)| {
                due(&universe, name, beat, *present, known(moment.state, name).as_ref(), now)
            });
            due.collect()
        });
        let drafts = match drafts.await {
            Ok(drafts) => drafts,
            Err(error) => return tracing::error!("the beats could not be held against the log: {error}"),
        };
        for draft in drafts {
            let object = draft.claim.header.object_id.clone();
            match self.desk.say(draft, &scope.audience).await {
                Ok(()) => tracing::warn!("{object}: its state was published, for its adapter did not"),
                Err(error) => tracing::warn!("{object}: its state could not be published: {error}"),
            }
        }
    }
}

fn known(state: &State, FeedName { org, feed, audience }: &FeedName) -> Option<Known> {
    let entry = state.current_in(Family::Feed, &format!("feed:{org}/{feed}"), audience)?;
    let Body::Feed(feed) = &entry.claim().body else { return None };
    Some(Known { feed: feed.clone(), rev: entry.header().rev, event: entry.event.id.clone(), tlp: entry.event.tlp })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use entente_correlator::Model;
    use entente_correlator::picture::Picture;
    use entente_correlator::select::Select;
    use entente_journal::{Audiences, Batch, Identity, Outbox, OutboxOptions};
    use entente_schemas::beat::BeatError;
    use entente_schemas::event::{CHAIN_START, Place, Source, chain_hash};
    use entente_schemas::family::FeedState;
    use entente_schemas::record::{Record, Verdict};

    use super::*;
    use crate::options::Outboxes;
    use crate::streams::Streams;
    use crate::vigil::tests::beat;

    const STREAM: &str = "A_actual_all";

    /// A log of one desk, which hands every record to the room at once.
    struct Log {
        room: Arc<Room>,
        source: Source,
        prevhash: String,
        sequence: u64,
    }

    impl Log {
        fn take(&mut self, draft: &Draft, logged: DateTime<Utc>) {
            self.sequence += 1;
            let (source, sequence, prevhash) = (&self.source, self.sequence, self.prevhash.as_str());
            let place = Place { source, universe: "actual", audience: "all", sequence, prevhash };
            let (payload, subject) = (draft.seal(place).unwrap(), draft.subject(place).unwrap().to_string());
            self.prevhash = chain_hash(&payload);
            let record = Record {
                stream: STREAM.into(),
                sequence,
                logged,
                subject,
                key: "U1".into(),
                signature: String::new(),
                payload: payload.into(),
                verdict: Verdict::Signed,
            };
            self.room.take(STREAM, Batch { records: vec![record], complete: sequence }, true);
        }

        async fn picture(&self, now: DateTime<Utc>) -> Arc<Picture> {
            self.room.look(When::live(now), |moment| moment.picture(&Select::default())).await.unwrap()
        }

        async fn known(&self, now: DateTime<Utc>, name: &FeedName) -> Option<Known> {
            let name = name.clone();
            self.room.look(When::live(now), move |moment| known(moment.state, &name)).await.unwrap()
        }
    }

    #[test]
    fn the_newer_of_beat_and_log_says_how_a_feed_is() {
        let said: DateTime<Utc> = "2024-07-19T04:00:00Z".parse().unwrap();
        let feed = |state| Feed {
            state,
            since: Some(said),
            reason: Some("first poll".into()),
            org: "local".into(),
            feed: "gcp-public".into(),
            instances: 1,
            ..Feed::default()
        };
        let beat_of = |seconds, state| {
            let error = BeatError { code: "outbox".into(), text: "the disk is full".into() };
            Beat { error: Some(error), ..beat(said + TimeDelta::seconds(seconds), state) }
        };
        let live = feed(Some(FeedState::Live));
        let blind = overlaid(live.clone(), Some(&beat_of(30, FeedState::Blind)));
        assert_eq!((blind.state, blind.since), (Some(FeedState::Blind), None));
        assert!(blind.reason.is_some_and(|reason| reason.ends_with("outbox, the disk is full")));
        for beat in [None, Some(beat_of(30, FeedState::Live)), Some(beat_of(0, FeedState::Blind))] {
            assert_eq!(overlaid(live.clone(), beat.as_ref()), live, "{beat:?}");
        }
        assert_eq!(overlaid(feed(None), Some(&beat_of(30, FeedState::Blind))).state, None);
    }

    #[tokio::test]
    async fn an_adapter_that_is_gone_makes_its_feed_blind_until_it_beats_again() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(&folder.path().join("key")).unwrap();
        let scope = Scope::actual();
        let options = OutboxOptions {
            dir: folder.path().join("outbox"),
            org: "local".into(),
            feed: "desk".into(),
            scope: scope.clone(),
            identity,
            capacity_bytes: OutboxOptions::CAPACITY,
        };
        let outbox = Outbox::open(options).unwrap();
        let streams = Streams::of("actual", Audiences::default());
        let room = Arc::new(Room::new(streams, Arc::new(Model::v1().unwrap())));
        let (role, none) = (entente_schemas::speaker::Role::Observer, Outboxes::by(Vec::new(), |_| unreachable!()));
        let desk = Desk::open(outbox.clone(), none, Arc::clone(&room), role, Clock::wall()).unwrap();
        let mut log = Log { room, source: outbox.source().clone(), prevhash: CHAIN_START.into(), sequence: 0 };
        let name = FeedName { org: "local".into(), feed: "gcp-public".into(), audience: "all".into() };
        let start: DateTime<Utc> = "2024-07-19T04:00:00Z".parse().unwrap();
        let mut last = beat(start, FeedState::Live);
        for (minute, present, expected) in
            [(2, false, FeedState::Blind), (9, true, FeedState::Live), (20, false, FeedState::Blind)]
        {
            let now = start + TimeDelta::minutes(minute);
            if present {
                last = beat(now, FeedState::Live);
            }
            let known = log.known(now, &name).await;
            let draft = due("actual", &name, &last, present, known.as_ref(), now).unwrap();
            desk.say(draft.clone(), "all").await.unwrap();
            log.take(&draft, now);
            let picture = log.picture(now).await;
            let feed = picture.feeds.iter().find(|feed| feed.feed == "gcp-public").unwrap();
            assert_eq!(feed.state, Some(expected), "after {minute} minutes");
            let known = log.known(now, &name).await;
            assert_eq!(due("actual", &name, &last, present, known.as_ref(), now), None, "said once");
        }
        assert_eq!(outbox.backlog().events, 3);
        assert!(log.picture(start).await.held_back.is_empty());
    }
}
