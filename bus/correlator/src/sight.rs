//! Which feeds there are, how they are, and what can be seen of whom through them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::family::{Body, Coverage, Family, Feed as FeedClaim, FeedState};
use entente_schemas::tlp::Tlp;

use crate::picture::{Feed, Sight};
use crate::record::admit::Door;
use crate::record::entry::Entry;
use crate::record::objects::Objects;
use crate::record::shared::Shared;

/// What the log shows of a transmitter beside its own words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) heard: Option<DateTime<Utc>>,
    pub(crate) claims: u64,
    pub(crate) held_back: usize,
    /// How many of the claims carry which marking, in a sharing group.
    pub(crate) marked: BTreeMap<Tlp, u64>,
}

impl Traffic {
    /// The highest marking of what a feed says in a sharing group.
    pub(crate) fn highest(&self) -> Option<Tlp> {
        self.marked.iter().rev().find(|(_, claims)| **claims > 0).map(|(tlp, _)| *tlp)
    }
}

/// A feed: organisation, slug, audience.
pub(crate) type FeedKey = (String, String, String);

/// Traffic by feed.
pub(crate) type Traffics = BTreeMap<FeedKey, Traffic>;

/// What the feeds let us see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sights {
    by_speaker: BTreeMap<String, Sight>,
    classes: BTreeMap<String, BTreeSet<ServiceClass>>,
    live: BTreeSet<String>,
    /// The highest marking of the feeds that tell of a speaker.
    marked: BTreeMap<String, Tlp>,
}

/// All feeds, in the order of organisation, feed and audience.
pub(crate) fn feeds(objects: &Objects, traffic: &Traffics, door: &Door) -> Vec<Feed> {
    let mut feeds: BTreeMap<FeedKey, Feed> = BTreeMap::new();
    for (key, seen) in traffic {
        feeds.insert(key.clone(), unspoken(key, seen, door));
    }
    for entry in objects.currents_by_audience(Family::Feed) {
        let Body::Feed(claim) = &entry.claim().body else { continue };
        let key = feed_key(entry, claim);
        let seen = traffic.get(&key).cloned().unwrap_or_default();
        let feed = feeds.entry(key.clone()).or_insert_with(|| unspoken(&key, &seen, door));
        feed.state = Some(claim.state);
        feed.since = Some(claim.since);
        feed.reason = Some(claim.reason.clone());
        feed.last_good_poll = claim.last_good_poll;
        feed.address.clone_from(&claim.address);
        feed.coverage = claim.coverage.clone();
    }
    for entry in objects.currents(Family::Rejected) {
        let Body::Rejected(rejected) = &entry.claim().body else { continue };
        let (org, audience) = (entry.event.source.org.clone(), entry.event.audience.clone());
        if let Some(feed) = feeds.get_mut(&(org, rejected.feed.clone(), audience)) {
            feed.rejected += 1;
        }
    }
    feeds.into_values().collect()
}

/// The object of a feed is `feed:<org>/<feed>`, whoever speaks of it: a server may report that an adapter is gone.
fn feed_key(entry: &Entry, claim: &FeedClaim) -> FeedKey {
    let named = entry.header().object_id.strip_prefix("feed:").and_then(|rest| rest.split_once('/'));
    let (org, feed) = named.unwrap_or((&entry.event.source.org, &claim.feed));
    (org.to_owned(), feed.to_owned(), entry.event.audience.clone())
}

fn unspoken((org, slug, audience): &FeedKey, seen: &Traffic, door: &Door) -> Feed {
    let (gaps, instances) = door.gaps(org, slug, audience);
    Feed {
        org: org.clone(),
        feed: slug.clone(),
        shared: seen.highest().map(|tlp| Shared { audience: audience.clone(), tlp }),
        state: None,
        since: None,
        reason: None,
        last_good_poll: None,
        address: None,
        coverage: Coverage::default(),
        heard: seen.heard,
        claims: seen.claims,
        gaps,
        held_back: seen.held_back,
        rejected: 0,
        instances,
    }
}

impl Sights {
    /// Reads what the feeds let us see of each speaker.
    pub(crate) fn read(feeds: &[Feed]) -> Self {
        let mut sights = Self::default();
        for feed in feeds.iter().filter(|feed| feed.state.is_some()) {
            let live = feed.state == Some(FeedState::Live);
            if live {
                sights.live.insert(format!("{}/{}", feed.org, feed.feed));
            }
            let marked = feed.shared.as_ref().map(|shared| shared.tlp);
            for (speaker, tlp) in feed.coverage.speakers.iter().filter_map(|speaker| Some((speaker, marked?))) {
                let known = sights.marked.entry(speaker.clone()).or_insert(tlp);
                *known = tlp.max(*known);
            }
            for speaker in &feed.coverage.speakers {
                sights.classes.entry(speaker.clone()).or_default().extend(&feed.coverage.service_classes);
                let sight = sights.by_speaker.entry(speaker.clone()).or_default();
                sight.feeds += 1;
                sight.live += usize::from(live);
                if !live && sight.blind_since.is_none_or(|since| feed.since.is_some_and(|at| at > since)) {
                    sight.blind_since = feed.since;
                    sight.reason.clone_from(&feed.reason);
                }
            }
        }
        for sight in sights.by_speaker.values_mut().filter(|sight| sight.live > 0) {
            sight.blind_since = None;
            sight.reason = None;
        }
        sights
    }

    /// What can be seen of a speaker.
    pub(crate) fn of(&self, speaker: &str) -> Sight {
        self.by_speaker.get(speaker).cloned().unwrap_or_default()
    }

    /// The highest marking of the feeds that tell of a speaker, as far as they transmit into sharing groups.
    pub(crate) fn marked(&self, speaker: &str) -> Option<Tlp> {
        self.marked.get(speaker).copied()
    }

    /// Speakers that some feed covers.
    pub(crate) fn speakers(&self) -> impl Iterator<Item = &str> {
        self.by_speaker.keys().map(String::as_str)
    }

    /// Whether a feed would tell of a class of a speaker. A feed that names no classes may tell of any.
    pub(crate) fn covers(&self, speaker: &str, class: ServiceClass) -> bool {
        self.classes.get(speaker).is_some_and(|classes| classes.is_empty() || classes.contains(&class))
    }

    /// Whether a transmitter, `<org>/<feed>`, reads a feed that works.
    pub(crate) fn is_live(&self, org_feed: &str) -> bool {
        self.live.contains(org_feed)
    }

    /// How many speakers cannot be seen.
    pub(crate) fn blind(&self) -> usize {
        self.by_speaker.values().filter(|sight| is_blind(sight)).count()
    }
}

/// All feeds of the speaker are blind.
pub(crate) fn is_blind(sight: &Sight) -> bool {
    sight.feeds > 0 && sight.live == 0
}
