//! Watching the adapters' beats. Three missed beats make a feed blind (`adapter_gone`), said by the first server that
//! notices, under an id that is equal whoever does. When beats come again, the same server or another says so as well:
//! the adapter itself does not know that it was missed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::Shared;
use entente_correlator::picture::Feed as PictureFeed;
use entente_schemas::beat::{BEAT_SECONDS, Beat};
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::event::{Draft, machine_id};
use entente_schemas::family::{Body, Claim, Coverage, Family, Feed, FeedState};
use entente_schemas::header::{Certainty, Header, Native, Times};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;

/// The reason of a feed whose adapter is gone begins with this word.
const GONE: &str = "adapter_gone";
/// The native system of what a server says of feeds.
const SYSTEM: &str = "entente.beat";

/// A feed: who transmits what into which audience.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FeedName {
    /// The organisation.
    pub(crate) org: String,
    /// The feed's slug.
    pub(crate) feed: String,
    /// `all`, or the id of a sharing group.
    pub(crate) audience: String,
}

impl FeedName {
    /// That of a feed of the picture.
    pub(crate) fn of(feed: &PictureFeed) -> Self {
        let audience = feed.shared.as_ref().map_or(AUDIENCE_ALL, |shared| &shared.audience);
        Self { org: feed.org.clone(), feed: feed.feed.clone(), audience: audience.to_owned() }
    }

    /// A feed of which the log has nothing yet.
    pub(crate) fn unspoken(self) -> PictureFeed {
        let Self { org, feed, audience } = self;
        // What it will say is marked at least so.
        let shared = (audience != AUDIENCE_ALL).then_some(Shared { audience, tlp: Tlp::Amber });
        PictureFeed { org, feed, shared, ..PictureFeed::default() }
    }
}

/// The last beat of each feed and when this server first saw it.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    seen: BTreeMap<FeedName, (DateTime<Utc>, DateTime<Utc>)>,
    last_look: Option<DateTime<Utc>>,
}

/// What the log says of a feed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    /// The current claim.
    pub(crate) feed: Feed,
    /// Its revision.
    pub(crate) rev: u64,
    /// Its event.
    pub(crate) event: String,
    /// Its marking.
    pub(crate) tlp: Tlp,
}

impl Vigil {
    /// Looks at the last beats: for each feed, whether its adapter is there. A beat is judged by how long this server
    /// has seen no newer one, not by its stamp: the clocks of two machines need not agree.
    pub(crate) fn look<'a>(
        &mut self,
        now: DateTime<Utc>,
        beats: &'a BTreeMap<FeedName, Beat>,
    ) -> Vec<(&'a FeedName, &'a Beat, bool)> {
        let patience = TimeDelta::seconds(i64::try_from(3 * BEAT_SECONDS).unwrap_or(i64::MAX));
        // A server that slept has watched nobody meanwhile.
        let slept = self.last_look.is_none_or(|last| now - last >= patience || now < last);
        self.last_look = Some(now);
        let mut found = Vec::with_capacity(beats.len());
        for (name, beat) in beats {
            let seen = self.seen.entry(name.clone()).or_insert((beat.beat_at, now));
            if seen.0 != beat.beat_at || slept {
                *seen = (beat.beat_at, now);
            }
            found.push((name, beat, now - seen.1 < patience));
        }
        found
    }
}

/// What is to be said of a feed whose adapter is there or not, if anything is.
pub(crate) fn due(
    universe: &str,
    name: &FeedName,
    beat: &Beat,
    present: bool,
    known: Option<&Known>,
    now: DateTime<Utc>,
) -> Option<Draft> {
    let said = known.map(|known| known.feed.state);
    let ours = known.is_some_and(|known| known.feed.reason.starts_with(GONE));
    let (state, since, reason, stamp) = match (present, said) {
        (false, Some(FeedState::Blind)) => return None,
        (false, _) => {
            let reason = format!("{GONE}: its adapter has missed three beats");
            (FeedState::Blind, beat.beat_at, reason, beat.beat_at.to_rfc3339())
        }
        (true, Some(FeedState::Blind)) if ours && beat.state == FeedState::Live => {
            let event = known.map(|known| known.event.clone()).unwrap_or_default();
            (FeedState::Live, beat.beat_at, "its adapter beats again".to_owned(), event)
        }
        (true, _) => return None,
    };
    let coverage = known.map_or_else(Coverage::default, |known| known.feed.coverage.clone());
    let address = known.and_then(|known| known.feed.address.clone());
    let feed =
        Feed { feed: name.feed.clone(), state, since, reason, last_good_poll: beat.last_good, address, coverage };
    let rev = known.map_or(0, |known| known.rev) + 1;
    let draft = draft(universe, name, rev, &hex(&length_prefixed([stamp])), feed, now);
    Some(Draft { tlp: marking(name, known), ..draft })
}

/// What is taken over from the adapter's own word stays marked as that is.
fn marking(name: &FeedName, known: Option<&Known>) -> Tlp {
    match known {
        _ if name.audience == AUDIENCE_ALL => Tlp::Clear,
        Some(known) => known.tlp.max(Tlp::Amber),
        None => Tlp::Amber,
    }
}

fn draft(universe: &str, name: &FeedName, rev: u64, digest: &str, feed: Feed, now: DateTime<Utc>) -> Draft {
    let org_feed = format!("{}/{}", name.org, name.feed);
    let object_id = format!("feed:{org_feed}");
    let header = Header {
        object_id: object_id.clone(),
        rev,
        speaker: Speaker { org: name.org.clone(), role: Role::Observer, channel: None, relay: Relay::Own },
        author: None,
        headline: None,
        invented: false,
        times: Times {
            published_at: None,
            occurred_at: None,
            occurred_end: None,
            fidelity: None,
            observed_at: now,
            confirmed_at: None,
        },
        certainty: Certainty::Observed,
        native: Some(Native {
            system: SYSTEM.to_owned(),
            id: org_feed.clone(),
            url: None,
            status: None,
            severity: None,
            category: None,
            mapping_version: 1,
            digest: digest.to_owned(),
        }),
        backfill: false,
        refs: Vec::new(),
        trimmed: Vec::new(),
        cause: None,
    };
    Draft {
        id: machine_id(universe, &org_feed, Family::Feed, &object_id, rev, digest),
        recorded: now,
        causation: None,
        traceparent: None,
        tlp: Tlp::Amber,
        claim: Claim { header, body: Body::Feed(feed) },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use entente_schemas::beat::{Backlog, Lag};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_361_600 + second, 0).unwrap()
    }

    /// The beat of an adapter that polled well at that moment.
    pub(crate) fn beat(at: DateTime<Utc>, state: FeedState) -> Beat {
        Beat {
            state,
            last_good: Some(at),
            last_poll: Some(at),
            next_try: None,
            failures: 0,
            error: None,
            lag: Lag::default(),
            outbox: Backlog::default(),
            unknown_words: Vec::new(),
            mapping_version: 1,
            clock_offset_ms: None,
            beat_at: at,
        }
    }

    fn name() -> FeedName {
        FeedName { org: "local".to_owned(), feed: "gcp-public".to_owned(), audience: "all".to_owned() }
    }

    fn known(state: FeedState, reason: &str) -> Known {
        let coverage = Coverage { speakers: vec!["gcp".into()], ..Coverage::default() };
        let feed = Feed {
            feed: "gcp-public".into(),
            state,
            since: at(0),
            reason: reason.into(),
            last_good_poll: Some(at(0)),
            address: Some("https://status.example/incidents.json".into()),
            coverage,
        };
        Known { feed, rev: 3, event: "e3".into(), tlp: Tlp::Green }
    }

    /// Looks every ten seconds from `from` to `to` at one unchanged beat.
    fn watched(vigil: &mut Vigil, from: i64, to: i64, stamp: i64) -> bool {
        let beats = BTreeMap::from([(name(), beat(at(stamp), FeedState::Live))]);
        let looks = (from..=to).step_by(10).map(|second| vigil.look(at(second), &beats)[0].2);
        looks.last().unwrap()
    }

    #[test]
    fn three_missed_beats_that_were_watched_for_make_an_adapter_gone() {
        let mut vigil = Vigil::default();
        // The adapter's own clock is an hour behind: only its standing still counts.
        assert!(watched(&mut vigil, 0, 80, -3_600));
        assert!(!watched(&mut vigil, 90, 100, -3_600));
        assert!(watched(&mut vigil, 110, 110, -3_500));
    }

    #[test]
    fn a_server_that_slept_accuses_nobody() {
        let mut vigil = Vigil::default();
        assert!(watched(&mut vigil, 0, 50, 0));
        assert!(watched(&mut vigil, 7_200, 7_280, 0));
        assert!(!watched(&mut vigil, 7_290, 7_290, 0));
    }

    #[test]
    fn whoever_notices_says_it_under_the_same_id() {
        let (last, live) = (beat(at(60), FeedState::Live), known(FeedState::Live, "first poll"));
        let said = |now| due("actual", &name(), &last, false, Some(&live), at(now)).unwrap();
        let (one, other) = (said(150), said(158));
        assert_eq!(one.id, other.id);
        assert_eq!((one.claim.header.rev, one.claim.header.object_id.as_str()), (4, "feed:local/gcp-public"));
        let Body::Feed(feed) = &one.claim.body else { panic!("a feed event") };
        assert_eq!((feed.state, feed.since), (FeedState::Blind, at(60)));
        assert!(feed.reason.starts_with("adapter_gone") && feed.coverage == live.feed.coverage);
        assert_eq!(one.claim.check(), Ok(()));
        let never_said = due("actual", &name(), &last, false, None, at(150)).unwrap();
        assert_eq!(never_said.claim.header.rev, 1);
    }

    #[test]
    fn in_a_group_it_is_marked_as_the_adapter_marked_its_own_word() {
        let in_group = FeedName { audience: "gbbbbbbbbbbbbbbbb".to_owned(), ..name() };
        let of = |name: &FeedName, known: Option<&Known>| {
            due("actual", name, &beat(at(60), FeedState::Live), false, known, at(150)).unwrap().tlp
        };
        for tlp in [Tlp::Amber, Tlp::AmberStrict, Tlp::Red] {
            let said = Known { tlp, ..known(FeedState::Live, "first poll") };
            assert_eq!(of(&in_group, Some(&said)), tlp);
        }
        assert_eq!((of(&in_group, None), of(&name(), Some(&known(FeedState::Live, "x")))), (Tlp::Amber, Tlp::Clear));
    }

    #[test]
    fn what_is_blind_is_not_said_twice_and_only_our_own_word_is_taken_back() {
        let last = beat(at(60), FeedState::Live);
        let gone = known(FeedState::Blind, "adapter_gone: its adapter has missed three beats");
        let refused = known(FeedState::Blind, "the provider answered 503");
        let due = |present, known: &Known, beat: &Beat| due("actual", &name(), beat, present, Some(known), at(150));
        assert_eq!(due(false, &gone, &last), None);
        assert_eq!(due(true, &refused, &last), None);
        assert_eq!(due(true, &known(FeedState::Live, "first poll"), &last), None);
        assert_eq!(due(true, &gone, &beat(at(60), FeedState::Blind)), None);
        let back = due(true, &gone, &last).unwrap();
        let Body::Feed(feed) = &back.claim.body else { panic!("a feed event") };
        assert_eq!((feed.state, back.claim.header.rev), (FeedState::Live, 4));
        assert_ne!(back.id, due(true, &Known { event: "e9".into(), ..gone }, &last).unwrap().id);
    }
}
