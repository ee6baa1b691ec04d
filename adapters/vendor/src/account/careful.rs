//! A vendor's feed as a sidecar asks it: at the rate that the settings allow, with an end to every call, more often while
//! something is going on, and with troubles told in the words of all sidecars.

use std::time::Duration;

use entente_schemas::speaker::Relay;
use entente_sidecar::account::{Budget, Cadence, Key, Trouble};
use entente_sidecar::ask::{Ask, Clock, Told};
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::{Failure, Settled};
use futures::future::BoxFuture;
use tokio::time::timeout;

/// What every call of a vendor's feed needs: its pages are there for everybody.
pub(crate) const PERMISSION: &str = "read access";

/// How a feed is asked.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) cadence: Cadence,
    pub(crate) relay: Relay,
    /// The API's name in budgets and in what is told of troubles.
    pub(crate) api: &'static str,
    /// A token of this bucket is taken for each answer, where the feed does not take one for each call itself.
    pub(crate) budget: Option<(Budget, Key)>,
    /// The longest that an answer may take, where the feed does not end each call itself.
    pub(crate) timeout: Option<Duration>,
}

/// A feed that is asked with care.
pub(crate) struct Careful {
    inner: Box<dyn Ask>,
    profile: FeedProfile,
    manner: Manner,
    going_on: bool,
}

impl Careful {
    pub(crate) fn new(inner: Box<dyn Ask>, manner: Manner) -> Self {
        let mut profile = inner.profile().clone();
        profile.speaker.relay = manner.relay;
        Self { inner, profile, manner, going_on: false }
    }

    async fn answer(&mut self, clock: Clock) -> Result<Told, Failure> {
        if let Some((budget, key)) = &self.manner.budget {
            budget.take(key).await;
        }
        let asked = self.inner.ask(clock);
        let told = match self.manner.timeout {
            None => asked.await,
            Some(length) => match timeout(length, asked).await {
                Ok(told) => told,
                Err(_) => Err(Trouble::Stalled.failure(self.manner.api, PERMISSION, "")),
            },
        };
        told.map_err(|failure| {
            let failure = in_words(failure, self.manner.api);
            if let (Some((budget, key)), Some(after)) = (&self.manner.budget, failure.retry_after) {
                budget.hold(key, after);
            }
            failure
        })
    }
}

impl Ask for Careful {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        self.inner.shown()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let mut told = self.answer(clock).await?;
            if let Told::Reading(reading) = &mut told {
                self.going_on = is_going_on(reading);
                reading.lacks = reading.lacks.take().map(|lacks| Box::new(in_words(*lacks, self.manner.api)));
            }
            Ok(told)
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        self.inner.settle(settled)
    }

    fn settles_in_log(&self) -> bool {
        self.inner.settles_in_log()
    }

    fn pause(&self) -> Option<Duration> {
        let usual = self.manner.cadence.pause(self.going_on);
        Some(self.inner.pause().map_or(usual, |own| own.min(usual)))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.inner.clock_offset_ms()
    }
}

/// Whether an incident is open; planned work is none.
fn is_going_on(reading: &Reading) -> bool {
    use entente_schemas::family::ImpactKind;
    let impacts = reading.items.iter().filter_map(|item| item.impact());
    impacts.into_iter().any(|impact| impact.phase.is_open() && impact.kind == ImpactKind::Incident)
}

/// A failure of the public half in the words of all sidecars. What is peculiar to it, such as a list that is not there,
/// keeps its own.
pub(crate) fn in_words(failure: Failure, api: &str) -> Failure {
    let after = failure.retry_after;
    let status = failure.error.code.strip_prefix("http-").and_then(|status| status.parse().ok());
    let trouble = match (failure.error.code.as_str(), status) {
        (_, Some(404 | 410)) => None,
        (_, Some(status)) => Some((Trouble::of_status(status, after), format!("HTTP {status}"))),
        ("timeout", _) => Some((Trouble::Stalled, String::new())),
        ("unreachable" | "redirects", _) => Some((Trouble::Unreachable, String::new())),
        ("broken-off", _) => Some((Trouble::Truncated, String::new())),
        _ => None,
    };
    match trouble {
        Some((trouble, detail)) => {
            let words = trouble.failure(api, PERMISSION, &detail);
            Failure { refusal: failure.refusal, retry_after: after, ..words }
        }
        None if failure.error.text.contains("; ") => failure,
        None => {
            let text = format!("{}; look at what stands at the address in the settings", failure.error.text);
            let words = Failure::new(failure.error.code, text);
            Failure { refusal: failure.refusal, retry_after: after, ..words }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_code_of_all_sidecars_and_a_next_step() {
        for (code, expected) in [
            ("http-429", "throttled"),
            ("http-403", "forbidden"),
            ("http-401", "unauthenticated"),
            ("http-500", "provider-error"),
            ("http-404", "http-404"),
            ("timeout", "stalled"),
            ("unreachable", "unreachable"),
            ("broken-off", "truncated"),
            ("unreadable", "unreadable"),
        ] {
            let wish = Some(Duration::from_secs(7));
            let failure = in_words(Failure { retry_after: wish, ..Failure::new(code, "as it was") }, "vendor.page");
            assert_eq!((failure.error.code.as_str(), failure.retry_after), (expected, wish));
            assert!(failure.error.text.contains("; "), "{code}: {}", failure.error.text);
        }
    }
}
