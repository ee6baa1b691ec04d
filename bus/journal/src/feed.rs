//! What one feed said before: what its adapter needs to go on after a restart, and what its pump looks for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::event::Event;
use entente_schemas::family::Family;
use entente_schemas::record::{Record, Verdict};
use entente_schemas::subject;

use crate::ask::{Asker, Question, Stored};
use crate::bus::Bus;
use crate::read::{ReadError, judged};
use crate::topology::Scope;
use crate::walk::Walk;

/// What a feed last said of each of its objects, in the order of the log, and of an object that its provider does not stamp
/// every version: nothing else tells a stale copy of it from news. Only what is signed and can be read.
///
/// The log answers for the last of each subject at once, for up to 1,024 objects; the past of a feed of more is read whole,
/// and of that only what is needed is kept. What the log took last is its greatest revision, unless a resend let an older
/// one come last: that one the outbox knows.
///
/// # Errors
/// If the log does not answer within 5 s.
pub async fn last_of_feed(bus: &Bus, scope: &Scope, org: &str, feed: &str) -> Result<Vec<Record>, ReadError> {
    let stream = scope.log_stream();
    let filter = subject::claims_of_feed(&scope.universe, &scope.audience, org, feed);
    let mut past = Past::default();
    match last_of_each(bus, &stream, &filter).await? {
        Some(last) => {
            for record in last {
                match Version::of(&record) {
                    Some(version) if version.stamped || version.order.0 == 1 => past.take(record),
                    _ => past.walk(bus, &stream, record.subject).await?,
                }
            }
        }
        None => past.walk(bus, &stream, filter).await?,
    }
    Ok(past.records.into_values().collect())
}

/// Every message under a feed's own subjects after a sequence.
pub(crate) async fn of_feed(
    bus: &Bus,
    scope: &Scope,
    org: &str,
    feed: &str,
    after: u64,
) -> Result<Vec<Stored>, ReadError> {
    let filter = subject::claims_of_feed(&scope.universe, &scope.audience, org, feed);
    let mut walk = Walk::new(bus, &scope.log_stream(), filter, after).await?;
    let mut all = Vec::new();
    while let Some(messages) = walk.next().await? {
        all.extend(messages);
    }
    Ok(all)
}

/// The last message of each subject that fits; `None` where there are too many, or one of them can be taken in by nobody.
async fn last_of_each(bus: &Bus, stream: &str, filter: &str) -> Result<Option<Vec<Record>>, ReadError> {
    let mut asker = Asker::new(&bus.client, stream).await?;
    let (mut all, mut question) = (Vec::new(), Question::last_of(filter.to_owned()));
    loop {
        let answer = match asker.ask(&question).await {
            Ok(answer) => answer,
            Err(ReadError::TooMany { .. } | ReadError::Dropped { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // What is published meanwhile stands after this and is found as well.
        question.seq = answer.messages.last().map(|last| last.sequence + 1);
        all.extend(answer.messages);
        if answer.left == 0 || question.seq.is_none() {
            let stream = asker.stream();
            let records = all.into_iter().map(|one: Stored| one.record(stream)).collect();
            return Ok(Some(judged(&bus.verdicts, records).await));
        }
    }
}

/// The versions that are kept.
#[derive(Default)]
struct Past {
    records: BTreeMap<u64, Record>,
    /// The newest version by subject.
    newest: BTreeMap<String, Version>,
}

/// What of a record decides whether it is kept.
struct Version {
    /// The greatest is current: revision, when it was made, event id.
    order: (u64, DateTime<Utc>, String),
    sequence: u64,
    /// Whether the newest alone tells what is stale.
    stamped: bool,
}

impl Past {
    async fn walk(&mut self, bus: &Bus, stream: &str, filter: String) -> Result<(), ReadError> {
        let mut walk = Walk::new(bus, stream, filter, 0).await?;
        while let Some(messages) = walk.next().await? {
            let records = messages.into_iter().map(|one| one.record(walk.stream())).collect();
            judged(&bus.verdicts, records).await.into_iter().for_each(|record| self.take(record));
        }
        Ok(())
    }

    fn take(&mut self, record: Record) {
        let Some(version) = Version::of(&record) else { return };
        let subject = record.subject.clone();
        self.records.insert(record.sequence, record);
        let older = match self.newest.get(&subject) {
            Some(newest) if newest.order >= version.order => Some(version),
            _ => self.newest.insert(subject, version),
        };
        if let Some(older) = older.filter(|older| older.stamped) {
            self.records.remove(&older.sequence);
        }
    }
}

impl Version {
    /// None of what is refused: it must hide nothing that is not.
    fn of(record: &Record) -> Option<Self> {
        let event = Event::read(&record.payload).ok().filter(|_| record.verdict == Verdict::Signed)?;
        (event.expected_subject().ok()?.to_string() == record.subject).then_some(())?;
        let header = &event.claim.header;
        let of_provider = matches!(event.claim.family(), Family::Impact | Family::Notice);
        let stamped = !of_provider || header.times.published_at.is_some();
        Some(Self { order: (header.rev, event.recorded, event.id), sequence: record.sequence, stamped })
    }
}
