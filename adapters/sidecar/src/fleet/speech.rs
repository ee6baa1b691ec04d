//! When what is said: an object has a new stamp when its figures have changed, and not before the last one is old enough.
//! Stamps never go back, so that no figure that returns is taken for an old copy.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::digest::{hex, length_prefixed};

use super::diary::{Diary, Said};
use crate::item::Item;

/// What was last said.
#[derive(Debug, Default)]
pub(super) struct Speech {
    last: BTreeMap<String, Spoken>,
}

/// What was last said of an object, and since when it is said so by this machine's clock.
#[derive(Debug)]
struct Spoken {
    item: Item,
    since: DateTime<Utc>,
}

impl Speech {
    /// The item as it is to be said now: with its stamp; the one before if it is too early for another; none if that is not
    /// known any more.
    pub(super) fn say(
        &mut self,
        diary: &mut Diary,
        mut item: Item,
        pace: TimeDelta,
        now: DateTime<Utc>,
    ) -> Option<Item> {
        let object = item.object_id.clone();
        let said = diary.said.get(&object);
        let changed = said.is_none_or(|said| said.digest != item.native.digest);
        // The stamp alone would not do: it stays ahead of a clock that was set back.
        let spoken = self.last.get(&object);
        let since = spoken.map(|spoken| spoken.since).or(said.map(|said| said.changed));
        if changed && since.is_some_and(|since| now >= since && now - since < pace) {
            return spoken.map(|spoken| spoken.item.clone());
        }
        item.times.published_at = Some(stamp(diary, &object, &item.native.digest, now));
        for statement in &mut item.also {
            statement.times.published_at = Some(stamp(diary, &statement.object_id, &statement.native.digest, now));
        }
        let since = since.filter(|_| !changed).unwrap_or(now);
        self.last.insert(object, Spoken { item: item.clone(), since });
        Some(item)
    }

    /// Forgets objects that are told no more.
    pub(super) fn forget(&mut self, told: &BTreeSet<String>) {
        self.last.retain(|object, _| told.contains(object));
    }
}

/// When an object was first said to be so.
fn stamp(diary: &mut Diary, object: &str, digest: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    match diary.said.get_mut(object) {
        Some(said) if said.digest == digest => said.changed,
        Some(said) => {
            *said = Said { digest: digest.to_owned(), changed: now.max(said.changed) };
            said.changed
        }
        None => {
            diary.said.insert(object.to_owned(), Said { digest: digest.to_owned(), changed: now });
            now
        }
    }
}

/// The digest over what makes a real change.
pub(super) fn digest(members: &[String]) -> String {
    hex(&length_prefixed(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::tests::item;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_785_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_change_is_said_at_once_and_the_next_when_the_last_is_old_enough() {
        let (mut speech, mut diary) = (Speech::default(), Diary::default());
        let mut say = |speech: &mut Speech, figure: &str, second| {
            let mut item = item(1, 1);
            item.native.digest = digest(&[figure.to_owned()]);
            let said = speech.say(&mut diary, item, TimeDelta::seconds(10), at(second))?;
            let figure = ["5", "4", "3"].into_iter().find(|f| digest(&[(*f).to_owned()]) == said.native.digest)?;
            Some((figure, (said.times.published_at.unwrap() - at(0)).num_seconds()))
        };
        assert_eq!(say(&mut speech, "5", 0), Some(("5", 0)));
        assert_eq!(say(&mut speech, "5", 3), Some(("5", 0)));
        assert_eq!(say(&mut speech, "4", 4), Some(("5", 0)));
        assert_eq!(say(&mut speech, "3", 9), Some(("5", 0)));
        assert_eq!(say(&mut speech, "4", 10), Some(("4", 10)));
        // What is said again is no change, however often.
        assert_eq!(say(&mut speech, "4", 19), Some(("4", 10)));
        // Back to what it was: a change like any other.
        assert_eq!(say(&mut speech, "5", 21), Some(("5", 21)));
        // A clock that steps back takes no stamp with it, and holds up one change and not the next ones either.
        assert_eq!(say(&mut speech, "4", 2), Some(("4", 21)));
        assert_eq!(say(&mut speech, "3", 5), Some(("4", 21)));
        assert_eq!(say(&mut speech, "5", 11), Some(("4", 21)));
        assert_eq!(say(&mut speech, "5", 12), Some(("5", 21)));
        // After a restart it is known when it was last said, not what.
        let mut speech = Speech::default();
        assert_eq!(say(&mut speech, "3", 25), None);
        assert_eq!(say(&mut speech, "5", 25), Some(("5", 21)));
        assert_eq!(say(&mut speech, "3", 31), Some(("3", 31)));
    }
}
