//! Erasing what must not have been said: the one event that a retraction names leaves the log, bytes and headers.
//!
//! The retraction keeps what must outlive it ([`Erasure`]). What remains elsewhere is told in `bus/docs/erasing.md`.

use entente_schemas::event::{Event, Source};
use entente_schemas::family::{Erasure, Retraction};
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject;
use serde_json::json;

use crate::ask::{Asker, Question};
use crate::bus::Bus;
use crate::read::{ReadError, judged};
use crate::topology::Scope;
use crate::walk::Walk;

/// Why an event was not erased, or could not be named. Trying again is always right.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The server did not do it.
    #[error(
        "record {sequence} of stream {stream} is to be erased and was not: {reason}; a user who may delete messages of the stream erases it at the next start of a server"
    )]
    Refused {
        /// The stream.
        stream: String,
        /// Where the event stands.
        sequence: u64,
        /// The server's words.
        reason: String,
    },
    /// The log does not hold the target.
    #[error(
        "the log does not hold event {0}, so that its bytes cannot be named and erased; withdraw it once it is there"
    )]
    Absent(String),
}

/// Erases what a retraction names, every copy of it under its own subject, and tells where it stood. Nothing if the event
/// is no valid retraction that erases, or the target is gone.
///
/// # Errors
/// If the log does not answer, or the server refuses.
pub async fn erase(bus: &Bus, scope: &Scope, retraction: &Event) -> Result<Vec<u64>, EraseError> {
    let Some(erasure) = Erasure::of(retraction) else { return Ok(Vec::new()) };
    let mut erased = Vec::new();
    for record in of_object(bus, scope, &erasure.source, &erasure.object).await? {
        if Event::read(&record.payload).is_ok_and(|event| erasure.names(&event, &record.payload)) {
            overwrite(bus, scope, record.sequence).await?;
            erased.push(record.sequence);
        }
    }
    Ok(erased)
}

/// Fills in a retraction what must outlive its target's bytes, from the target's record in the log. Nothing if its reason
/// does not erase.
///
/// # Errors
/// If the log does not answer, or does not hold the target.
pub async fn name_target(bus: &Bus, scope: &Scope, retraction: &mut Retraction) -> Result<(), EraseError> {
    if !retraction.reason.erases() {
        return Ok(());
    }
    let absent = || EraseError::Absent(retraction.target.clone());
    let source = Source::parse(&retraction.target_source).ok_or_else(absent)?;
    for record in of_object(bus, scope, &source, &retraction.target_object).await? {
        let target = Event::read(&record.payload).ok().filter(|_| record.verdict == Verdict::Signed);
        if let Some(target) = target.filter(|target| target.id == retraction.target && target.source == source) {
            retraction.name_record(&target, &record.payload, &record.signature);
            return Ok(());
        }
    }
    Err(absent())
}

/// Every record about an object by one feed.
async fn of_object(bus: &Bus, scope: &Scope, source: &Source, object: &str) -> Result<Vec<Record>, ReadError> {
    let filter = subject::claims_about(&scope.universe, &scope.audience, &source.org, &source.feed, object);
    let mut walk = Walk::new(bus, &scope.log_stream(), filter, 0).await?;
    let mut records = Vec::new();
    while let Some(messages) = walk.next().await? {
        records.extend(messages.into_iter().map(|one| one.record(walk.stream())));
    }
    Ok(judged(&bus.verdicts, records).await)
}

/// Overwrites a message and deletes it. One that another server has just deleted is no refusal.
async fn overwrite(bus: &Bus, scope: &Scope, sequence: u64) -> Result<(), EraseError> {
    let stream = scope.log_stream();
    let body = json!({ "seq": sequence, "no_erase": false });
    let answer = bus.api(&format!("STREAM.MSG.DELETE.{stream}"), &body, "erasing").await;
    let reason = match answer {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.description,
        Err(error) => error.to_string(),
    };
    let mut asker = Asker::new(&bus.client, &stream).await?;
    let there = asker.ask(&Question::from(sequence).at_most(1)).await?;
    if there.messages.first().is_some_and(|first| first.sequence == sequence) {
        return Err(EraseError::Refused { stream, sequence, reason });
    }
    Ok(())
}
