//! How often a provider may be called: a bucket of tokens for each account, region and API, shared by all feeds of a
//! sidecar, so that reading never takes from the owner's own calls more than a fixed part of what the provider allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

const MINUTE: Duration = Duration::from_secs(60);
/// Buckets that are remembered; a full one says nothing and is forgotten first.
const BUCKETS: usize = 4_096;
/// Calls a minute where neither adapter nor settings name a rate.
const UNNAMED_PER_MINUTE: u32 = 60;

/// What a bucket is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The account, project or subscription; it stays in memory.
    pub account: String,
    /// The region; empty where the API has none.
    pub region: String,
    /// The API, as the adapter names it in its rates.
    pub api: &'static str,
}

impl Key {
    /// The bucket of an API in a region of an account.
    #[must_use]
    pub fn new(account: &str, region: &str, api: &'static str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), api }
    }
}

/// All buckets. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Calls a minute, by API.
    rates: BTreeMap<String, u32>,
    /// When the bucket will be full again.
    full_at: Mutex<BTreeMap<Key, Instant>>,
}

impl Budget {
    /// Buckets for these APIs, in calls a minute; no rate is below one.
    #[must_use]
    pub fn new(rates: BTreeMap<String, u32>) -> Self {
        Self { inner: Arc::new(Inner { rates, full_at: Mutex::default() }) }
    }

    /// Waits for a token and takes it. Tokens are given in the order in which they were asked for.
    pub async fn take(&self, key: &Key) {
        let due = self.reserve(key, Instant::now());
        sleep_until(due).await;
    }

    /// Empties a bucket for so long: the provider has sent one feed away, and the others spare it too.
    pub fn hold(&self, key: &Key, length: Duration) {
        let (_, burst) = self.pace(key.api);
        let Some(until) = Instant::now().checked_add(length.saturating_add(burst)) else { return };
        let mut buckets = self.inner.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.entry(key.clone()).or_insert(until);
        *full_at = (*full_at).max(until);
    }

    /// When the call may be made whose token this takes.
    fn reserve(&self, key: &Key, now: Instant) -> Instant {
        let (period, burst) = self.pace(key.api);
        let mut buckets = self.inner.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS && !buckets.contains_key(key) {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.get(key).copied().unwrap_or(now).max(now) + period;
        buckets.insert(key.clone(), full_at);
        full_at.checked_sub(burst + period).map_or(now, |due| due.max(now))
    }

    /// The time that a token takes to come back, and how long an empty bucket takes to hold all but one: three seconds'
    /// worth may be taken at once.
    fn pace(&self, api: &str) -> (Duration, Duration) {
        let per_minute = self.inner.rates.get(api).copied().unwrap_or(UNNAMED_PER_MINUTE).max(1);
        let period = MINUTE / per_minute;
        (period, period * (per_minute / 20).saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new([("fast".to_owned(), 60), ("slow".to_owned(), 1)].into())
    }

    async fn taken(budget: &Budget, key: &Key, calls: usize) -> u64 {
        let began = Instant::now();
        for _ in 0..calls {
            budget.take(key).await;
        }
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_calls_are_free_and_the_rest_keep_the_rate() {
        let (budget, key) = (budget(), Key::new("a", "r", "fast"));
        assert_eq!(taken(&budget, &key, 3).await, 0);
        assert_eq!(taken(&budget, &key, 10).await, 10);
        assert_eq!(taken(&budget, &Key::new("a", "r", "slow"), 3).await, 120);
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_and_regions_have_buckets_of_their_own_and_clones_share_them() {
        let budget = budget();
        let keys = [Key::new("a", "r", "slow"), Key::new("b", "r", "slow"), Key::new("a", "s", "slow")];
        for key in &keys {
            assert_eq!(taken(&budget, key, 1).await, 0);
        }
        assert_eq!(taken(&budget.clone(), &keys[0], 1).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_sent_away_holds_the_others_back_too() {
        let (budget, key) = (budget(), Key::new("a", "r", "fast"));
        budget.hold(&key, Duration::from_secs(30));
        budget.hold(&key, Duration::from_secs(3));
        assert_eq!(taken(&budget, &key, 1).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_that_are_full_again_are_forgotten() {
        let budget = budget();
        for account in 0..BUCKETS {
            budget.take(&Key::new(&account.to_string(), "", "fast")).await;
        }
        tokio::time::advance(MINUTE).await;
        budget.take(&Key::new("one more", "", "fast")).await;
        assert_eq!(budget.inner.full_at.lock().unwrap().len(), 1);
    }
}
