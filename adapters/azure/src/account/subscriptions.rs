//! Which subscriptions are read: those of the settings, else all that the caller sees, looked up now and then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use entente_sidecar::account::Trouble;
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::SUBSCRIPTIONS;
use crate::arm::{Arm, Call, element};

/// How long a list is good for as a rule.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(600);

/// What was found, and when.
type Found = (Instant, Arc<[String]>);

/// The subscriptions. Clones look up together.
#[derive(Clone)]
pub(crate) struct Subscriptions {
    arm: Arm,
    named: Arc<[String]>,
    /// How long a list is good for.
    good_for: Duration,
    found: Arc<Mutex<Option<Found>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    subscription_id: String,
    state: Option<String>,
}

impl Subscription {
    fn id(&self) -> String {
        self.subscription_id.trim().to_lowercase()
    }

    fn is_deleted(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("deleted"))
    }
}

impl Subscriptions {
    pub(crate) fn new(arm: Arm, named: &[String], good_for: Duration) -> Self {
        Self { arm, named: named.into(), good_for, found: Arc::default() }
    }

    /// Those of the settings.
    pub(crate) fn named(&self) -> &[String] {
        &self.named
    }

    /// Their ids, in lower case. One that was seen and is listed no more is asked still: its own refusal then says why.
    ///
    /// # Errors
    /// If they cannot be looked up, or there are none.
    pub(crate) async fn list(&self) -> Result<Arc<[String]>, Failure> {
        if !self.named.is_empty() {
            return Ok(Arc::clone(&self.named));
        }
        let mut found = self.found.lock().await;
        if let Some((at, list)) = found.as_ref().filter(|(at, _)| at.elapsed() < self.good_for) {
            tracing::trace!(age = ?at.elapsed(), "the subscriptions are known");
            return Ok(Arc::clone(list));
        }
        let before = found.iter().flat_map(|(_, list)| list.iter().cloned());
        let list = self.look_up(before.collect()).await?;
        *found = Some((Instant::now(), Arc::clone(&list)));
        Ok(list)
    }

    async fn look_up(&self, mut list: BTreeSet<String>) -> Result<Arc<[String]>, Failure> {
        let mut unreadable = false;
        let call = Self::call();
        self.arm
            .list(&call, |raw| match element::<Subscription>(raw) {
                Ok(of) if of.is_deleted() => {
                    list.remove(&of.id());
                }
                Ok(of) => {
                    list.insert(of.id());
                }
                Err(_) => unreadable = true,
            })
            .await?;
        if unreadable {
            return Err(Trouble::Unreadable.failure(call.api.name, call.api.permission, "an element without its id"));
        }
        if list.is_empty() {
            let text = "azure.Subscriptions: the identity sees no subscription; grant it Reader, or name subscriptions in the settings";
            return Err(Failure::new("forbidden", text));
        }
        Ok(list.into_iter().collect())
    }

    /// The call that looks them up.
    pub(crate) fn call() -> Call {
        Call::get(SUBSCRIPTIONS, "", "/subscriptions".to_owned())
    }
}
