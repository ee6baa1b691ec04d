//! Heartbeats: the last word of every feed's adapter about itself, in a stream of their own.

use entente_schemas::beat::Beat;
use entente_schemas::subject;

use crate::ask::{Asker, Question};
use crate::bus::{Bus, BusError};
use crate::read::ReadError;
use crate::topology::Scope;

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
    let mut asker = Asker::new(&bus.client, &scope.beat_stream()).await?;
    let filter = subject::beats_of(&scope.universe, &scope.audience);
    let answer = asker.ask(&Question::last_of(filter)).await?;
    let mut all = Vec::new();
    for stored in answer.messages {
        let tokens: Vec<&str> = stored.subject.split('.').collect();
        match (tokens.as_slice(), serde_json::from_slice(stored.payload())) {
            (["beat", _, _, org, feed], Ok(beat)) => all.push(((*org).to_owned(), (*feed).to_owned(), beat)),
            (_, Err(error)) => tracing::warn!("the beat on {} cannot be read: {error}", stored.subject),
            _ => tracing::warn!("{} is no subject of a beat", stored.subject),
        }
    }
    all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    Ok(all)
}
