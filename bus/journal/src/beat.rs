//! Heartbeats: the last word of every feed's adapter about itself, in a stream of their own.

use std::collections::BTreeMap;

use entente_schemas::beat::Beat;
use entente_schemas::subject::{self, BeatSubject};

use crate::bus::{Bus, BusError};
use crate::read::ReadError;
use crate::topology::Scope;
use crate::walk::Walk;

/// Tells how a feed's adapter is. A beat is not kept for later: if it fails, the next one is what counts.
///
/// # Errors
/// If the bus does not acknowledge it within 2 s.
pub async fn beat(bus: &Bus, scope: &Scope, org: &str, feed: &str, beat: &Beat) -> Result<(), BusError> {
    let subject = subject::beat(&scope.universe, &scope.audience, org, feed);
    let failed = |reason: String| BusError::Send { subject: subject.clone(), reason };
    let body = serde_json::to_vec(beat).map_err(|error| failed(error.to_string()))?;
    let answer = bus.client.request(subject.clone(), body.into()).await.map_err(|error| failed(error.to_string()))?;
    let answer: serde_json::Value =
        serde_json::from_slice(&answer.payload).map_err(|error| failed(error.to_string()))?;
    match answer.get("error") {
        None => Ok(()),
        Some(error) => Err(failed(error.to_string())),
    }
}

/// The last beat of every feed, at most an hour old: organisation, feed, beat, in the order of names.
///
/// # Errors
/// If the stream does not answer within 5 s. A beat that cannot be read is left out and told in the log.
pub async fn beats(bus: &Bus, scope: &Scope) -> Result<Vec<(String, String, Beat)>, ReadError> {
    let filter = subject::beats_of(&scope.universe, &scope.audience);
    let mut walk = Walk::new(bus, &scope.beat_stream(), filter, 0).await?;
    let mut last = BTreeMap::new();
    while let Some(messages) = walk.next().await? {
        for stored in messages {
            match (BeatSubject::parse(&stored.subject), serde_json::from_slice(stored.payload())) {
                (Ok(subject), Ok(beat)) => drop(last.insert((subject.org, subject.feed), beat)),
                (Err(error), _) => tracing::warn!("{}: {error}", stored.subject),
                (_, Err(error)) => tracing::warn!("the beat on {} cannot be read: {error}", stored.subject),
            }
        }
    }
    Ok(last.into_iter().map(|((org, feed), beat)| (org, feed, beat)).collect())
}
