//! Statements of AWS Health that come in several messages, a page of what is hit in each: put together as they come. Copies
//! of a page count once.

use std::collections::{BTreeMap, VecDeque};

use super::envelope::Delivery;
use crate::account::health::{Affected, HealthEvent};

/// Statements that are remembered; the oldest is forgotten first, and then never counted.
const REMEMBERED: usize = 1_000;
/// Pages of one statement that are remembered.
const PAGES_MAX: u64 = 1_000;

/// What is the same of every page of a statement: its id, and the account that it is told to.
type Key = (String, String);

/// Pages that were seen.
#[derive(Debug, Default)]
pub(super) struct Pages {
    seen: BTreeMap<Key, BTreeMap<u64, Affected>>,
    order: VecDeque<Key>,
    account: Option<String>,
    several: bool,
}

impl Pages {
    /// The event of a page, with what all pages of it hit, as far as they have come. Where the queue serves several accounts
    /// nothing is counted: what hits one of them would stand for all.
    pub(super) fn put(&mut self, delivery: &Delivery) -> HealthEvent {
        self.several |=
            delivery.of_another || self.account.as_ref().is_some_and(|account| *account != delivery.account);
        self.account.get_or_insert_with(|| delivery.account.clone());
        let mut event = delivery.event.clone();
        if delivery.pages > 1 {
            event.affected = self.together(delivery);
        }
        event.affected.whole &= !self.several;
        event
    }

    fn together(&mut self, delivery: &Delivery) -> Affected {
        let key = (delivery.communication.clone(), delivery.account.clone());
        if !self.seen.contains_key(&key) {
            self.order.push_back(key.clone());
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        let pages = self.seen.entry(key).or_default();
        if (pages.len() as u64) < PAGES_MAX {
            pages.insert(delivery.page, delivery.event.affected.clone());
        }
        let whole = delivery.pages <= PAGES_MAX && (1..=delivery.pages).all(|page| pages.contains_key(&page));
        let mut all = Affected { whole, ..Affected::default() };
        for page in pages.values() {
            all.add_all(page);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: u64, of: u64, machines: u64) -> Delivery {
        let mut affected = Affected { whole: true, ..Affected::default() };
        (0..machines).for_each(|machine| affected.add(&format!("i-{page:04}{machine:04}"), Some("IMPAIRED")));
        Delivery {
            event: HealthEvent { arn: "a".into(), affected, ..HealthEvent::default() },
            account: "1".into(),
            of_another: false,
            communication: "c".into(),
            page,
            pages: of,
        }
    }

    #[test]
    fn nothing_is_counted_before_the_last_page_and_copies_count_once() {
        let mut pages = Pages::default();
        assert!(!pages.put(&page(2, 2, 3)).affected.whole);
        assert!(!pages.put(&page(2, 2, 3)).affected.whole);
        let all = pages.put(&page(1, 2, 2)).affected;
        assert_eq!((all.whole, all.machines["IMPAIRED"], all.names.len()), (true, 5, 5));
        assert!(pages.put(&page(1, 1, 1)).affected.whole);
    }

    #[test]
    fn a_queue_of_several_accounts_counts_nothing() {
        let mut pages = Pages::default();
        assert!(pages.put(&page(1, 1, 1)).affected.whole);
        assert!(!pages.put(&Delivery { account: "2".into(), ..page(1, 1, 1) }).affected.whole);
        assert!(!pages.put(&page(1, 1, 1)).affected.whole);
        let mut others = Pages::default();
        assert!(!others.put(&Delivery { of_another: true, ..page(1, 1, 1) }).affected.whole);
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut pages = Pages::default();
        for number in 0..2 * REMEMBERED {
            pages.put(&Delivery { communication: number.to_string(), ..page(1, 2, 1) });
        }
        assert_eq!((pages.seen.len(), pages.order.len()), (REMEMBERED, REMEMBERED));
    }
}
