//! A log that has lost its end, or was made anew: a power cut takes what its server had not synced yet, although it was
//! acknowledged. Nobody would say it again, for the outbox holds it for said. So what the log acknowledged last is looked
//! for when a pump begins, and when it acknowledges at a place that it had given before; where it does not stand,
//! everything that the outbox still has and the log has not is sent again.
//!
//! Of each object the outbox has the last revision. Earlier ones that were lost stay a gap, and are shown as one.

use std::collections::BTreeSet;

use entente_schemas::event::Event;
use entente_schemas::family::Erasure;
use entente_schemas::subject;

use super::{PumpError, own_sequence};
use crate::ask::{Asker, Question};
use crate::bus::Bus;
use crate::clock::tip;
use crate::outbox::Outbox;
use crate::walk::Walk;

/// Puts back among what waits what the log has lost. Gives a place of the log after which everything new stands.
pub(super) async fn recover(outbox: &Outbox, bus: &Bus) -> Result<u64, PumpError> {
    let Some((sequence, log)) = outbox.last_logged()? else { return Ok(0) };
    if stands(outbox, bus, sequence, log).await? {
        return Ok(log);
    }
    let end = tip(bus, outbox.scope()).await.map_or(0, |tip| tip.sequence);
    let again = outbox.send_again(&present(outbox, bus).await?)?;
    tracing::warn!(
        "{}: the log has lost its end, event {sequence} is not at {log} where it was acknowledged; {again} events are sent again",
        outbox.source().org_feed()
    );
    Ok(end)
}

/// Whether the log has the event, or had it and was asked to erase it.
async fn stands(outbox: &Outbox, bus: &Bus, sequence: u64, log: u64) -> Result<bool, PumpError> {
    let stream = outbox.scope().log_stream();
    let answer = Asker::new(&bus.client, &stream).await?.ask(&Question::from(log).at_most(1)).await?;
    Ok(match answer.messages.first() {
        Some(there) if there.sequence == log => own_sequence(there, outbox.source()) == Some(sequence),
        Some(_) => true,
        // Who may not ask how far the stream goes cannot tell an erased end from a lost one, and repeats nothing.
        None => !tip(bus, outbox.scope()).await.is_ok_and(|tip| tip.sequence < log),
    })
}

/// The sequences of this source that the log has, and those that a retraction has erased: they must not come back.
async fn present(outbox: &Outbox, bus: &Bus) -> Result<BTreeSet<u64>, PumpError> {
    let (source, scope) = (outbox.source(), outbox.scope());
    let (universe, audience, stream) = (&scope.universe, &scope.audience, scope.log_stream());
    let own = subject::claims_of_feed(universe, audience, &source.org, &source.feed);
    let mut walk = Walk::new(bus, &stream, own, 0).await?;
    let mut present = BTreeSet::new();
    while let Some(messages) = walk.next().await? {
        present.extend(messages.iter().filter_map(|stored| own_sequence(stored, source)));
    }
    let mut walk = Walk::new(bus, &stream, subject::retractions_of(universe, audience, &source.org), 0).await?;
    while let Some(messages) = walk.next().await? {
        let erasures = messages.iter().filter_map(|stored| Erasure::of(&Event::read(stored.payload()).ok()?));
        present.extend(erasures.filter(|erasure| erasure.source == *source).map(|erasure| erasure.sequence));
    }
    Ok(present)
}
