//! What each subscription showed last: in which regions it has machines, so that they are unknown when it cannot be asked,
//! and which of them failed, so that one that is deleted is gone whether or not all others can be asked.

use std::collections::{BTreeMap, BTreeSet};

/// What one subscription showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    regions: BTreeSet<String>,
    /// The machines that failed and were not seen well since, with their regions.
    failing: BTreeMap<String, String>,
}

/// What all subscriptions showed.
#[derive(Debug, Default)]
pub(super) struct AllShown(BTreeMap<String, Shown>);

/// A listing of one subscription while it is read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    now: Shown,
    /// Those that failed before and were not listed yet.
    missing: BTreeMap<String, String>,
}

/// How a listed machine does, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Fails,
    Works,
    /// It is as it was.
    Open,
}

impl Listing {
    /// A machine is there.
    pub(super) fn note(&mut self, machine: String, region: String, course: Course) {
        self.now.regions.insert(region.clone());
        let failed = self.missing.remove(&machine).is_some();
        if course == Course::Fails || failed && course == Course::Open {
            self.now.failing.insert(machine, region);
        }
    }

    /// The region of a machine that failed before and was not listed yet.
    pub(super) fn region(&self, machine: &str) -> Option<&str> {
        self.missing.get(machine).map(String::as_str)
    }

    /// A machine is there, and nothing else can be read of it.
    pub(super) fn keep(&mut self, machine: String) {
        if let Some(region) = self.missing.remove(&machine) {
            self.now.failing.insert(machine, region);
        }
    }
}

impl AllShown {
    /// Begins to read a listing.
    pub(super) fn begin(&self, subscription: &str) -> Listing {
        let missing = self.0.get(subscription).map(|shown| shown.failing.clone()).unwrap_or_default();
        Listing { missing, now: Shown::default() }
    }

    /// A listing was whole. Gives the regions that it shows, and the machines that failed and are there no more, with theirs.
    pub(super) fn end(&mut self, subscription: &str, listing: Listing) -> (BTreeSet<String>, BTreeMap<String, String>) {
        let regions = listing.now.regions.clone();
        self.0.insert(subscription.to_owned(), listing.now);
        (regions, listing.missing)
    }

    /// Forgets all other subscriptions.
    pub(super) fn only(&mut self, subscriptions: &[String]) {
        self.0.retain(|known, _| subscriptions.contains(known));
    }

    /// All regions in which machines are known.
    pub(super) fn regions(&self) -> BTreeSet<String> {
        self.0.values().flat_map(|shown| shown.regions.iter().cloned()).collect()
    }

    /// The regions of these subscriptions; none if one of them never showed any.
    pub(super) fn regions_of(&self, subscriptions: &BTreeSet<String>) -> Option<BTreeSet<String>> {
        let shown: Option<Vec<&Shown>> = subscriptions.iter().map(|subscription| self.0.get(subscription)).collect();
        Some(shown?.into_iter().flat_map(|shown| shown.regions.iter().cloned()).collect())
    }

    /// The regions in which these subscriptions have machines and no other has.
    pub(super) fn only_in(&self, subscriptions: &BTreeSet<String>) -> BTreeSet<String> {
        let (theirs, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(of, _)| subscriptions.contains(*of));
        let regions = |of: Vec<(&String, &Shown)>| -> BTreeSet<String> {
            of.into_iter().flat_map(|(_, shown)| shown.regions.iter().cloned()).collect()
        };
        let others = regions(others);
        regions(theirs).into_iter().filter(|region| !others.contains(region)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(all: &mut AllShown, subscription: &str, machines: &[(&str, &str, Course)]) -> Vec<String> {
        let mut listing = all.begin(subscription);
        machines
            .iter()
            .for_each(|(machine, region, course)| listing.note((*machine).into(), (*region).into(), *course));
        all.end(subscription, listing).1.into_keys().collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn who_failed_and_is_listed_no_more_is_gone_and_nobody_else() {
        let mut all = AllShown::default();
        let gone = listed(
            &mut all,
            "a",
            &[("1", "east", Course::Fails), ("2", "east", Course::Fails), ("3", "east", Course::Works)],
        );
        assert!(gone.is_empty());
        assert_eq!(listed(&mut all, "a", &[("1", "east", Course::Open)]), ["2"], "who worked is swept with its region");
        assert_eq!(listed(&mut all, "a", &[("1", "east", Course::Works)]), Vec::<String>::new());
        assert_eq!(listed(&mut all, "a", &[]), Vec::<String>::new());
    }

    #[test]
    fn who_cannot_be_read_is_there_still() {
        let mut all = AllShown::default();
        listed(&mut all, "a", &[("1", "east", Course::Fails)]);
        let mut listing = all.begin("a");
        listing.keep("1".into());
        assert!(all.end("a", listing).1.is_empty());
        assert_eq!(listed(&mut all, "a", &[]), ["1"]);
    }

    #[test]
    fn a_region_is_a_subscription_s_own_where_no_other_has_machines() {
        let mut all = AllShown::default();
        listed(&mut all, "a", &[("1", "east", Course::Works), ("2", "west", Course::Works)]);
        listed(&mut all, "b", &[("3", "east", Course::Works)]);
        assert_eq!(all.only_in(&set(&["a"])), set(&["west"]));
        assert_eq!(all.only_in(&set(&["a", "b"])), set(&["east", "west"]));
        assert_eq!(all.regions_of(&set(&["b"])), Some(set(&["east"])));
        assert_eq!(all.regions_of(&set(&["b", "c"])), None, "nobody knows where c has machines");
        all.only(&["b".to_owned()]);
        assert_eq!(all.regions(), set(&["east"]));
    }
}
