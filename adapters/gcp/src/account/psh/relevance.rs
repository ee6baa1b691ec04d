//! What an event is to the projects that are looked at, as counts of projects: no project is named.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::count::{Count, Method, Quantity, Unit};

/// Relevances, and what a project of each is to a count.
const WORDS: [(&str, Quantity); 5] = [
    (HIT, Quantity::Affected),
    ("RELATED", Quantity::AtRisk),
    ("PARTIALLY_RELATED", Quantity::AtRisk),
    ("NOT_IMPACTED", Quantity::Unaffected),
    ("UNKNOWN", Quantity::Unknown),
];
const HIT: &str = "IMPACTED";

/// How many projects an event concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Projects {
    by_relevance: BTreeMap<String, u64>,
    /// Whether there may be more than were read.
    more: bool,
}

impl Projects {
    /// One project, with what the event is to it; nothing where that is not said.
    pub(super) fn one(relevance: Option<&str>) -> Self {
        Self { by_relevance: relevance.map(|word| (word.to_owned(), 1)).into_iter().collect(), more: false }
    }

    /// So many projects of an organisation that it hits; `more` if not all of them were read.
    pub(crate) fn hit(count: u64, more: bool) -> Self {
        Self { by_relevance: BTreeMap::from([(HIT.to_owned(), count)]), more }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (word, count) in &other.by_relevance {
            *self.by_relevance.entry(word.clone()).or_default() += count;
        }
        self.more |= other.more;
    }

    /// Each relevance with its number, for the digest.
    pub(super) fn told(&self) -> Vec<String> {
        self.by_relevance.iter().map(|(word, count)| format!("{word} {count}")).collect()
    }

    /// The words of relevance that no count stands for.
    pub(super) fn unknown_words(&self) -> impl Iterator<Item = &str> {
        self.by_relevance.keys().map(String::as_str).filter(|word| quantity(word).is_none())
    }

    /// The figures, in the order of the bus's words. A relevance that is not known counts as unknown.
    pub(super) fn counts(&self, as_of: DateTime<Utc>) -> Vec<Count> {
        let mut sums: BTreeMap<Quantity, u64> = BTreeMap::new();
        for (word, count) in &self.by_relevance {
            *sums.entry(quantity(word).unwrap_or(Quantity::Unknown)).or_default() += count;
        }
        sums.into_iter().map(|(quantity, count)| self.count(quantity, count, as_of)).collect()
    }

    fn count(&self, quantity: Quantity, count: u64, as_of: DateTime<Utc>) -> Count {
        Count {
            unit: Unit::Project,
            quantity,
            value: (!self.more).then_some(count),
            lo: self.more.then_some(count),
            hi: None,
            method: Method::VendorStatement,
            as_of,
            overlap_domain: None,
            population: None,
        }
    }
}

fn quantity(word: &str) -> Option<Quantity> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, quantity)| *quantity)
}
