//! `azure-emerging`: the page of emerging issues, which Azure shows to everybody before it knows whom they hit.

use std::time::Duration;

use entente_sidecar::account::{Cadence, Trouble};
use entente_sidecar::ask::Clock;
use entente_sidecar::ask::{Ask, Told};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::FeedProfile;
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use crate::account::api::EMERGING;
use crate::arm::{Arm, Call};
use crate::matter::{Desk, emerging, reading};
use crate::scrub::scrub;

/// The native system.
pub(crate) const SYSTEM: &str = "azure.emerging";

/// The feed.
pub(crate) struct Emerging {
    pub(crate) profile: FeedProfile,
    pub(crate) arm: Arm,
    pub(crate) cadence: Cadence,
    /// Whether the page shows anything.
    pub(crate) busy: bool,
}

#[derive(Deserialize)]
struct Answer {
    properties: Value,
}

impl Emerging {
    /// The call.
    pub(crate) fn call() -> Call {
        Call::get(EMERGING, "", "/providers/Microsoft.ResourceHealth/emergingIssues/default".to_owned())
    }

    async fn poll(&mut self, clock: Clock) -> Result<Told, Failure> {
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
        let audience = "public";
        let channel = self.profile.address.as_str();
        let told = reading(matters, Desk { system: SYSTEM, channel, audience }, observed);
        self.busy = !told.items.is_empty();
        Ok(Told::Reading(told))
    }
}

impl Ask for Emerging {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        self.profile.address.clone()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(self.poll(clock))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.cadence.pause(self.busy))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.arm.skew().offset_ms()
    }
}
