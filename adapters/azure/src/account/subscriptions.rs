//! Which subscriptions are read: those of the settings, else all that the caller sees, looked up now and then.

use std::sync::Arc;
use std::time::Duration;

use entente_sidecar::poll::Failure;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::SUBSCRIPTIONS;
use crate::arm::{Arm, Call, element};

/// How long a list is good for.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// What was found, and when.
type Found = (Instant, Arc<[String]>);

/// The subscriptions. Clones look up together.
#[derive(Clone)]
pub(crate) struct Subscriptions {
    arm: Arm,
    named: Arc<[String]>,
    found: Arc<Mutex<Option<Found>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    subscription_id: String,
    state: Option<String>,
}

impl Subscriptions {
    pub(crate) fn new(arm: Arm, named: &[String]) -> Self {
        Self { arm, named: named.into(), found: Arc::default() }
    }

    /// Those of the settings.
    pub(crate) fn named(&self) -> &[String] {
        &self.named
    }

    /// Their ids, in lower case.
    pub(crate) async fn list(&self) -> Result<Arc<[String]>, Failure> {
        if !self.named.is_empty() {
            return Ok(Arc::clone(&self.named));
        }
        let mut found = self.found.lock().await;
        if let Some((at, list)) = found.as_ref().filter(|(at, _)| at.elapsed() < GOOD_FOR) {
            tracing::trace!(age = ?at.elapsed(), "the subscriptions are known");
            return Ok(Arc::clone(list));
        }
        let mut list = Vec::new();
        self.arm
            .list(&Self::call(), |raw| {
                let read: Result<Subscription, _> = element(raw);
                let enabled =
                    |of: &Subscription| of.state.as_deref().is_none_or(|state| !state.eq_ignore_ascii_case("deleted"));
                list.extend(read.ok().filter(enabled).map(|of| of.subscription_id.to_lowercase()));
            })
            .await?;
        if list.is_empty() {
            let text = "azure.Subscriptions: the identity sees no subscription; grant it Reader, or name subscriptions in the settings";
            return Err(Failure::new("forbidden", text));
        }
        list.sort();
        let list: Arc<[String]> = list.into();
        *found = Some((Instant::now(), Arc::clone(&list)));
        Ok(list)
    }

    /// The call that looks them up.
    pub(crate) fn call() -> Call {
        Call::get(SUBSCRIPTIONS, "", "/subscriptions".to_owned())
    }
}
