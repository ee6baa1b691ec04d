//! This machine's clock beside the provider's, as the `Date` headers of its answers tell: signatures are refused where they
//! differ by minutes, and everything that is said of times is as wrong as the clock is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::poll::Failure;

/// From here on a difference is named.
const NAMED_MS: i64 = 5_000;
/// Nothing was seen yet.
const UNSEEN: i64 = i64::MIN;

/// The last difference seen. Clones share it.
#[derive(Clone, Debug)]
pub struct Skew(Arc<AtomicI64>);

impl Default for Skew {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(UNSEEN)))
    }
}

impl Skew {
    /// Takes note of a `Date` header (RFC 9110) that has just come; what is no date changes nothing.
    pub fn note(&self, date: &str) {
        if let Ok(theirs) = httpdate::parse_http_date(date) {
            self.set(offset_ms(theirs, SystemTime::now()));
        }
    }

    /// Takes note of a difference, milliseconds: theirs minus ours.
    pub fn set(&self, offset_ms: i64) {
        self.0.store(offset_ms, Ordering::Relaxed);
    }

    /// The provider's clock minus ours, milliseconds; for [`Ask::clock_offset_ms`](crate::Ask::clock_offset_ms).
    #[must_use]
    pub fn offset_ms(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|offset| *offset != UNSEEN)
    }

    /// What is wrong with this machine's clock and what to do, if it is off by more than 5 s.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let offset = self.offset_ms().filter(|offset| offset.abs() > NAMED_MS)?;
        let (seconds, side) = ((offset.unsigned_abs() + 500) / 1_000, if offset > 0 { "behind" } else { "ahead of" });
        Some(format!("this machine's clock is {seconds} s {side} the provider's; set it by NTP"))
    }

    /// The failure, with a word on the clock if that is off.
    #[must_use]
    pub fn explain(&self, mut failure: Failure) -> Failure {
        if let Some(words) = self.words().filter(|words| !failure.error.text.contains(words.as_str())) {
            failure.error.text = format!("{}; {words}", failure.error.text);
        }
        failure
    }
}

fn offset_ms(theirs: SystemTime, ours: SystemTime) -> i64 {
    let ms = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    match theirs.duration_since(ours) {
        Ok(ahead) => ms(ahead),
        Err(behind) => -ms(behind.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_by_more_than_five_seconds_is_named_once() {
        let skew = Skew::default();
        assert_eq!((skew.offset_ms(), skew.words()), (None, None));
        skew.set(-5_000);
        assert_eq!((skew.offset_ms(), skew.words()), (Some(-5_000), None));
        skew.set(600_000);
        let failure = skew.explain(skew.explain(Failure::new("expired", "the signature is too old")));
        let told = "the signature is too old; this machine's clock is 600 s behind the provider's; set it by NTP";
        assert_eq!(failure.error.text, told);
        skew.set(-600_000);
        assert!(skew.words().is_some_and(|words| words.contains("600 s ahead of")));
    }

    #[test]
    fn only_dates_are_read() {
        let skew = Skew::default();
        skew.note("soon");
        assert_eq!(skew.offset_ms(), None);
        skew.note("Sat, 01 Jan 2000 12:00:00 GMT");
        assert!(skew.offset_ms().is_some_and(|offset| offset < -700_000_000_000));
    }
}
