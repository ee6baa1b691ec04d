//! The revision memory: what this feed last said of each object. Polling again is a no-op because of it. It is rebuilt
//! after a restart from the outbox and from the log, which hold the events themselves.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Claim, Family};

use crate::stamp::orders;

/// The cause that the revision carries which closes an item that left its feed.
pub const VANISHED: &str = "vanished";

/// What was last said of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// The revision.
    pub rev: u64,
    /// The digest of the native item that the revision was made from.
    pub digest: Option<String>,
    /// The provider's stamp of that item, if it was not ahead of the time then; none counts as oldest.
    pub stamp: Option<DateTime<Utc>>,
    /// Whether the object was already closed when the feed was first read.
    pub backfill: bool,
    /// Whether it was said that the object left its feed.
    vanished: bool,
    recorded: DateTime<Utc>,
    id: String,
}

impl Last {
    /// Whether this event is the one that was last said.
    #[must_use]
    pub fn is(&self, event: &Event) -> bool {
        self.id == event.id && self.recorded == event.recorded
    }
}

/// What a copy of an object is, compared with what was last said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Older than what was said: a stale cache, which changes nothing.
    Stale,
    /// Said already.
    Same,
    /// Said once and replaced since, by a provider that stamps nothing, or in the future: a stale cache, or its old word again. A cache
    /// catches up, so the next good answer tells which.
    Again,
    /// Not said yet; this is the revision it gets.
    News {
        /// One more than the last.
        rev: u64,
    },
}

/// What one feed last said of each of its objects.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    objects: BTreeMap<(Family, String), Last>,
    /// Every digest that was said of an object without a stamp.
    unstamped: BTreeMap<(Family, String), BTreeSet<String>>,
    /// What the last good answer held that was said before.
    again: BTreeSet<Version>,
}

/// One version of an object: family, object and digest.
pub type Version = (Family, String, String);

impl Memory {
    /// What was last said of an object.
    #[must_use]
    pub fn last(&self, family: Family, object_id: &str) -> Option<&Last> {
        self.objects.get(&(family, object_id.to_owned()))
    }

    /// The number of objects that something was said of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether nothing was ever said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Compares a copy that is read `now` with what was last said of the object. A stamp from the future is none, and who
    /// writes such is not taken for old because of it: a wrong clock must silence neither what it stamped nor its correction.
    #[must_use]
    pub fn judge(
        &self,
        family: Family,
        object_id: &str,
        stated: Option<DateTime<Utc>>,
        digest: &str,
        now: DateTime<Utc>,
    ) -> Judgement {
        let stamp = orders(stated, now);
        match self.last(family, object_id) {
            None => Judgement::News { rev: 1 },
            Some(last) if stamp < last.stamp && stamp == stated => Judgement::Stale,
            Some(last) if last.digest.as_deref() == Some(digest) => Judgement::Same,
            Some(last) if stamp.is_none() && !last.vanished && self.doubtful(family, object_id, digest) => {
                Judgement::Again
            }
            Some(last) => Judgement::News { rev: last.rev + 1 },
        }
    }

    /// Takes note of the versions that a good answer held and that are [`Judgement::Again`]; those of the answer before are
    /// forgotten.
    pub fn stands(&mut self, again: BTreeSet<Version>) {
        self.again = again;
    }

    fn doubtful(&self, family: Family, object_id: &str, digest: &str) -> bool {
        let said = self.unstamped.get(&(family, object_id.to_owned())).is_some_and(|said| said.contains(digest));
        said && !self.again.contains(&(family, object_id.to_owned(), digest.to_owned()))
    }

    /// The revision that the next claim about an object gets, whatever it says.
    #[must_use]
    pub fn next_rev(&self, family: Family, object_id: &str) -> u64 {
        self.last(family, object_id).map_or(1, |last| last.rev + 1)
    }

    /// Remembers an event that the outbox or the log holds, in any order.
    pub fn recall(&mut self, event: &Event) {
        self.note(&event.claim, event.recorded, &event.id);
    }

    /// Remembers a draft that the outbox has taken.
    pub fn learn(&mut self, draft: &Draft) {
        self.note(&draft.claim, draft.recorded, &draft.id);
    }

    fn note(&mut self, claim: &Claim, recorded: DateTime<Utc>, id: &str) {
        let header = &claim.header;
        let last = Last {
            rev: header.rev,
            digest: header.native.as_ref().map(|native| native.digest.clone()),
            stamp: orders(header.times.published_at, recorded),
            backfill: header.backfill,
            vanished: header.cause.as_deref() == Some(VANISHED),
            recorded,
            id: id.to_owned(),
        };
        self.keep(claim.family(), &header.object_id, last);
    }

    /// The greatest (rev, recorded, id) is current.
    fn keep(&mut self, family: Family, object_id: &str, last: Last) {
        if let (Family::Impact | Family::Notice, None, Some(digest)) = (family, last.stamp, &last.digest) {
            self.unstamped.entry((family, object_id.to_owned())).or_default().insert(digest.clone());
        }
        let order = |last: &Last| (last.rev, last.recorded, last.id.clone());
        let known = self.objects.entry((family, object_id.to_owned()));
        known
            .and_modify(|kept| {
                if order(kept) < order(&last) {
                    *kept = last.clone();
                }
            })
            .or_insert(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(rev: u64, digest: &str, stamp: Option<i64>) -> Last {
        Last {
            rev,
            digest: Some(digest.to_owned()),
            stamp: stamp.and_then(|s| DateTime::from_timestamp(s, 0)),
            backfill: false,
            vanished: digest.is_empty(),
            recorded: DateTime::UNIX_EPOCH,
            id: format!("{rev}-{digest}"),
        }
    }

    fn judged(memory: &Memory, stamp: Option<i64>, digest: &str) -> Judgement {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        memory.judge(Family::Impact, "x:1", stamp.and_then(|s| DateTime::from_timestamp(s, 0)), digest, now)
    }

    #[test]
    fn a_copy_is_stale_the_same_or_news() {
        let mut memory = Memory::default();
        assert_eq!(judged(&memory, None, "a"), Judgement::News { rev: 1 });
        memory.keep(Family::Impact, "x:1", last(1, "a", Some(100)));
        assert_eq!(judged(&memory, Some(100), "a"), Judgement::Same);
        assert_eq!(judged(&memory, Some(200), "a"), Judgement::Same);
        assert_eq!(judged(&memory, Some(100), "b"), Judgement::News { rev: 2 });
        assert_eq!(judged(&memory, Some(99), "b"), Judgement::Stale);
        assert_eq!(judged(&memory, None, "b"), Judgement::Stale);
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(memory.judge(Family::Notice, "x:1", None, "a", now), Judgement::News { rev: 1 });
    }

    #[test]
    fn a_stamp_from_the_future_freezes_nothing() {
        let mut memory = Memory::default();
        memory.keep(Family::Impact, "x:1", last(1, "right", Some(900)));
        // Ahead of the time, it is news all the same.
        assert_eq!(judged(&memory, Some(9_000), "wrong"), Judgement::News { rev: 2 });
        memory.keep(Family::Impact, "x:1", last(2, "wrong", None));
        assert_eq!(judged(&memory, Some(9_000), "wrong"), Judgement::Same);
        assert_eq!(judged(&memory, Some(950), "corrected"), Judgement::News { rev: 3 });
        memory.keep(Family::Impact, "x:1", last(3, "corrected", Some(950)));
        // A stale cache still has the wrong one: only if it stays is it said again.
        assert_eq!(judged(&memory, Some(9_000), "wrong"), Judgement::Again);
        assert_eq!(judged(&memory, Some(900), "right"), Judgement::Stale);
        assert_eq!(judged(&memory, Some(9_000), "wrong once more"), Judgement::News { rev: 4 });
    }

    #[test]
    fn an_old_word_without_a_stamp_is_news_once_it_has_stood_in_two_answers() {
        let mut memory = Memory::default();
        for (rev, digest) in [(2, "b"), (1, "a")] {
            memory.keep(Family::Impact, "x:1", last(rev, digest, None));
        }
        assert_eq!(judged(&memory, None, "a"), Judgement::Again);
        assert_eq!(judged(&memory, None, "c"), Judgement::News { rev: 3 });
        memory.stands(BTreeSet::new());
        assert_eq!(judged(&memory, None, "a"), Judgement::Again);
        memory.stands([(Family::Impact, "x:1".to_owned(), "a".to_owned())].into());
        assert_eq!(judged(&memory, None, "a"), Judgement::News { rev: 3 });
        // Whoever left the feed and comes back is news at once.
        memory.stands(BTreeSet::new());
        memory.keep(Family::Impact, "x:1", last(3, "", None));
        assert_eq!(judged(&memory, None, "b"), Judgement::News { rev: 4 });
    }

    #[test]
    fn recalling_in_any_order_ends_at_the_greatest_revision() {
        let mut memory = Memory::default();
        for (rev, digest) in [(2, "b"), (3, "a"), (1, "a")] {
            memory.keep(Family::Impact, "x:1", last(rev, digest, None));
        }
        assert_eq!(memory.next_rev(Family::Impact, "x:1"), 4);
        assert_eq!(judged(&memory, None, "a"), Judgement::Same);
    }
}
