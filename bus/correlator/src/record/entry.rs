//! A record that the fold has taken: its event, its place in the log, and what its claim names.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::event::Event;
use entente_schemas::family::{Claim, Family};
use entente_schemas::header::Header;
use entente_schemas::speaker::Relay;
use entente_schemas::subject::AUDIENCE_ALL;

use crate::join::facets::Facets;
use crate::record::place::Place;
use crate::record::shared::Shared;

/// Where a record stands in the merged log. The logged time never steps back within a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// When the log took it, clamped.
    pub logged: DateTime<Utc>,
    /// The stream.
    pub stream: Arc<str>,
    /// The sequence in the stream.
    pub sequence: u64,
}

impl Order {
    /// The place without the time.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { stream: Arc::clone(&self.stream), sequence: self.sequence }
    }
}

/// `<org>/<feed>`, and the audience if that is a sharing group.
pub(crate) type Observer = String;

/// Whether others say what a speaker is, and where.
pub(crate) type RoleTold = (bool, Order);

/// A record that the fold has taken.
#[derive(Debug)]
pub struct Entry {
    /// Where it stands.
    pub order: Order,
    /// The event.
    pub event: Event,
    /// What its claim names.
    pub(crate) facets: Facets,
    /// Its own clock ran ahead of the log's.
    pub clock_suspect: bool,
    /// The payload, byte for byte as it was logged.
    pub payload: Arc<[u8]>,
}

impl Entry {
    /// The claim.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.event.claim
    }

    /// The claim's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.event.claim.header
    }

    /// The claim's family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.event.claim.family()
    }

    /// Whose words.
    #[must_use]
    pub fn speaker(&self) -> &str {
        &self.header().speaker.org
    }

    /// Place in the log.
    #[must_use]
    pub fn position(&self) -> Place {
        self.order.place()
    }

    /// The sharing group that it was said in; none if everybody may read it.
    #[must_use]
    pub fn shared(&self) -> Option<Shared> {
        Shared::of(&self.event)
    }

    /// Who observes: a feed of an organisation in one audience.
    pub(crate) fn observer(&self) -> Observer {
        let feed = self.event.source.org_feed();
        if self.event.audience == AUDIENCE_ALL { feed } else { format!("{feed} {}", self.event.audience) }
    }

    /// Whether another entry is of the same observer.
    pub(crate) fn is_by_observer_of(&self, other: &Self) -> bool {
        let (a, b) = (&self.event, &other.event);
        (&a.source.org, &a.source.feed, &a.audience) == (&b.source.org, &b.source.feed, &b.audience)
    }

    /// Of several words on what a speaker is, the least one counts: its own before that of others, then the earliest.
    pub(crate) fn role_told(&self) -> RoleTold {
        (self.header().speaker.relay == Relay::Relayed, self.order.clone())
    }

    /// When the words were first said, as far as the claim tells: its start, else the provider's stamp, else when seen.
    pub(crate) fn said_at(&self) -> DateTime<Utc> {
        let times = &self.header().times;
        times.published_at.unwrap_or(times.observed_at)
    }

    /// The organisation that a person's word counts for.
    pub(crate) fn author_org(&self) -> &str {
        self.header().author.as_ref().map_or(self.speaker(), |author| author.org.as_str())
    }
}
