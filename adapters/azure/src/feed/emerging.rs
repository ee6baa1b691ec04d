//! `azure-emerging`: the page of emerging issues, which Azure shows to everybody before it knows whom they hit.

use entente_sidecar::account::Trouble;
use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::Reading;
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use serde_json::Value;

use crate::account::api::EMERGING;
use crate::arm::{Arm, Call};
use crate::asking::Question;
use crate::matter::{Desk, emerging, reading};
use crate::scrub::scrub;

/// The native system.
pub(crate) const SYSTEM: &str = "azure.emerging";
/// The page, as it is called.
pub(crate) const PAGE: &str = "Azure emerging issues";

/// The feed.
pub(crate) struct Emerging {
    arm: Arm,
    /// Whether the page shows anything.
    busy: bool,
}

#[derive(Deserialize)]
struct Answer {
    properties: Value,
}

impl Emerging {
    pub(crate) fn new(arm: Arm) -> Self {
        Self { arm, busy: false }
    }

    /// The call.
    pub(crate) fn call() -> Call {
        Call::get(EMERGING, "", "/providers/Microsoft.ResourceHealth/emergingIssues/default".to_owned())
    }
}

impl Question for Emerging {
    async fn put(&mut self, clock: Clock) -> Result<Reading, Failure> {
        let answer: Answer = self.arm.whole(&Self::call()).await?;
        let observed = clock.now();
        let unreadable =
            |error| Trouble::Unreadable.failure(EMERGING.name, EMERGING.permission, &scrub(&format!("{error}")));
        let matters = emerging(answer.properties, observed).map_err(unreadable)?;
        let matters = matters.into_iter().enumerate().map(|(index, matter)| {
            matter.map_err(|(error, raw)| {
                let reason = scrub(&error.to_string()).into_owned();
                refuse_item(reason, format!("item {}", index + 1), raw.to_string().as_bytes())
            })
        });
        let desk = Desk { system: SYSTEM, channel: PAGE, audience: "public", whole: true };
        let told = reading(matters, desk, observed);
        self.busy = !told.items.is_empty();
        Ok(told)
    }

    fn is_busy(&self) -> bool {
        self.busy
    }
}
