//! Which documents are to be asked for now: those that were never read or changed since, the newest first; not those that
//! failed a moment ago.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::listing::Listed;
use super::shelf::Shelf;

/// The pause after a document could not be read for the first time; it doubles.
const AGAIN: TimeDelta = TimeDelta::minutes(5);
/// The longest pause.
const AGAIN_MAX: TimeDelta = TimeDelta::hours(6);
/// The pause after which a document is asked for again of which the list tells no change.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(6);

/// Documents that could not be read, by address.
#[derive(Debug, Default)]
pub(crate) struct Troubles(BTreeMap<String, Trouble>);

#[derive(Clone, Copy, Debug)]
struct Trouble {
    tries: u32,
    not_before: DateTime<Utc>,
}

impl Troubles {
    /// Takes note that a document could not be read.
    pub(crate) fn note(&mut self, url: &str, now: DateTime<Utc>) {
        let tries = self.0.get(url).map_or(0, |trouble| trouble.tries);
        let pause = (AGAIN * (1 << tries.min(8))).min(AGAIN_MAX);
        let not_before = now.checked_add_signed(pause).unwrap_or(now);
        self.0.insert(url.to_owned(), Trouble { tries: tries + 1, not_before });
    }

    /// Takes note that it could.
    pub(crate) fn over(&mut self, url: &str) {
        self.0.remove(url);
    }

    fn holds(&self, url: &str, now: DateTime<Utc>) -> bool {
        self.0.get(url).is_some_and(|trouble| now < trouble.not_before)
    }
}

/// The documents to be asked for, the newest first; each once, whichever lists name it.
pub(crate) fn due<'a>(
    listed: impl Iterator<Item = &'a Listed>,
    shelf: &Shelf,
    troubles: &Troubles,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<&'a Listed> {
    // Lists may tell different times of one document: the latest counts, so that it is not read once a list for ever.
    let mut latest: BTreeMap<&str, &Listed> = BTreeMap::new();
    for one in listed {
        let known = latest.entry(one.url.as_str()).or_insert(one);
        if one.updated > known.updated {
            *known = one;
        }
    }
    let due = latest.into_iter().filter(|(url, one)| is_due(one, shelf, since, now) && !troubles.holds(url, now));
    let mut due: Vec<&Listed> = due.map(|(_, one)| one).collect();
    due.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| b.url.cmp(&a.url)));
    due
}

fn is_due(listed: &Listed, shelf: &Shelf, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    match (shelf.read(listed.url.as_str()), listed.updated) {
        (_, Some(updated)) if updated < since => false,
        (None, _) => true,
        (Some(read), Some(updated)) => read.updated != Some(updated),
        // Old ones were passed over once, and are not asked for again.
        (Some(read), None) => read.released.is_some_and(|at| at >= since) && now - read.asked >= LOOK_AGAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::listing::Checks;
    use super::super::shelf::{News, Read};
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_000_000 + minutes * 60, 0).unwrap()
    }

    fn listed(name: &str, updated: Option<i64>) -> Listed {
        let url = format!("https://acme.example/{name}").parse().unwrap();
        Listed { url, updated: updated.map(at), checks: Checks::Beside }
    }

    fn names(list: &[Listed], shelf: &Shelf, troubles: &Troubles, now: i64) -> Vec<String> {
        let due = due(list.iter(), shelf, troubles, at(0), at(now));
        due.iter().map(|listed| listed.url.path().trim_start_matches('/').to_owned()).collect()
    }

    fn read(name: &str, updated: Option<i64>, released: Option<i64>, asked: i64) -> News {
        let url = format!("https://acme.example/{name}");
        News { url, read: Read { updated: updated.map(at), released: released.map(at), asked: at(asked) }, given: None }
    }

    #[test]
    fn what_is_new_or_changed_is_due_the_newest_first() {
        let list = [
            listed("old", Some(-1)),
            listed("a", Some(10)),
            listed("b", Some(30)),
            listed("changed", Some(20)),
            listed("same", Some(20)),
            listed("timeless", None),
            listed("a", Some(10)),
        ];
        let mut shelf = Shelf::default();
        shelf.put(vec![read("changed", Some(5), None, 5), read("same", Some(20), None, 20)], at(0));
        assert_eq!(names(&list, &shelf, &Troubles::default(), 40), ["b", "changed", "a", "timeless"]);
    }

    #[test]
    fn of_two_lists_that_name_a_document_the_later_time_counts() {
        let list = [listed("a", Some(20)), listed("a", Some(10)), listed("b", Some(5)), listed("b", None)];
        let mut shelf = Shelf::default();
        assert_eq!(names(&list, &shelf, &Troubles::default(), 40), ["a", "b"]);
        shelf.put(vec![read("a", Some(20), None, 40), read("b", Some(5), None, 40)], at(0));
        assert_eq!(names(&list, &shelf, &Troubles::default(), 41).len(), 0, "and then it is read");
        shelf.put(vec![read("a", Some(10), None, 41)], at(0));
        assert_eq!(names(&list, &shelf, &Troubles::default(), 42), ["a"]);
    }

    #[test]
    fn a_document_of_a_timeless_list_is_looked_at_again_after_hours_while_it_is_recent() {
        let list = [listed("recent", None), listed("passed", None)];
        let mut shelf = Shelf::default();
        shelf.put(vec![read("recent", None, Some(1), 10), read("passed", None, None, 10)], at(0));
        assert_eq!(names(&list, &shelf, &Troubles::default(), 300).len(), 0);
        assert_eq!(names(&list, &shelf, &Troubles::default(), 400), ["recent"]);
    }

    #[test]
    fn what_failed_waits_longer_and_longer() {
        let (list, shelf, mut troubles) = ([listed("a", Some(1))], Shelf::default(), Troubles::default());
        let url = list[0].url.as_str();
        troubles.note(url, at(10));
        assert_eq!((names(&list, &shelf, &troubles, 14).len(), names(&list, &shelf, &troubles, 15).len()), (0, 1));
        troubles.note(url, at(15));
        assert_eq!((names(&list, &shelf, &troubles, 24).len(), names(&list, &shelf, &troubles, 25).len()), (0, 1));
        (0..40).for_each(|_| troubles.note(url, at(25)));
        assert_eq!(names(&list, &shelf, &troubles, 25 + 360).len(), 1);
        troubles.over(url);
        assert_eq!(names(&list, &shelf, &troubles, 26).len(), 1);
    }
}
