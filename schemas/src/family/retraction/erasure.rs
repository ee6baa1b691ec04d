//! The one event that a retraction erases. Its bytes and headers leave the log, so the retraction says what they were: who
//! reads the log later can tell what is gone, that it was taken away rightly, and that the chain goes on across it.

use super::Retraction;
use crate::event::{Event, Source, chain_hash};
use crate::family::{Body, Family};

/// The one event that a retraction erases, as the retraction names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its event id.
    pub event: String,
    /// Its object.
    pub object: String,
    /// Its revision.
    pub rev: u64,
    /// Who transmitted it.
    pub source: Source,
    /// Its sequence within source and audience.
    pub sequence: u64,
    /// Lower-case hex SHA-256 of its payload: what its successor names as predecessor.
    pub hash: String,
}

impl Erasure {
    /// What an event erases. Nothing, unless it is a retraction for a reason that erases, comes from the target's own source
    /// organisation, and says all that must outlive the target's bytes. A coordinator's retraction withdraws and does not
    /// erase: as long as a coordinator is one by its own word, that must not destroy what others said.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Body::Retraction(retraction) = &event.claim.body else { return None };
        let source = Source::parse(&retraction.target_source)?;
        (source.org == event.source.org && retraction.reason.erases() && retraction.target_signature.is_some())
            .then_some(())?;
        Some(Self {
            event: retraction.target.clone(),
            object: retraction.target_object.clone(),
            rev: retraction.target_rev,
            source,
            sequence: retraction.target_sequence?,
            hash: retraction.target_hash.clone()?,
        })
    }

    /// Whether these bytes, read as this event, are what is erased: every name must agree. Never a retraction: without it
    /// nobody could tell what it erased.
    #[must_use]
    pub fn names(&self, event: &Event, payload: &[u8]) -> bool {
        let header = &event.claim.header;
        event.claim.family() != Family::Retraction
            && (&self.event, &self.object, self.rev) == (&event.id, &header.object_id, header.rev)
            && (&self.source, self.sequence) == (&event.source, event.sequence)
            && self.hash == chain_hash(payload)
    }
}

impl Retraction {
    /// Names the target by its record: event, payload and signature (base64url without padding).
    pub fn name_record(&mut self, target: &Event, payload: &[u8], signature: &str) {
        self.target.clone_from(&target.id);
        self.target_object.clone_from(&target.claim.header.object_id);
        self.target_rev = target.claim.header.rev;
        self.target_source = target.source.to_string();
        self.target_sequence = Some(target.sequence);
        self.target_hash = Some(chain_hash(payload));
        self.target_signature = Some(signature.to_owned());
    }
}
