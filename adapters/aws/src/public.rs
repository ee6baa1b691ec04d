//! The two public feeds. `currentevents`, in UTF-16, holds open events only: one that is gone has probably ended. The older
//! `data.json` holds a year, so that one which is gone says nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::item::{FeedProfile, Normalize, Reading, Refusal, Vanishing};
use entente_sidecar::mapping::{Lookup, Mapping};

use crate::currentevents;

/// The page that people see; the same for every item, so it is shown and is never evidence.
pub(crate) const PAGE: &str = "https://health.aws.amazon.com/health/status";

type ReadItems = fn(&[u8], DateTime<Utc>, &mut Lookup<'_>) -> Result<Reading, Refusal>;

struct Public {
    profile: FeedProfile,
    mapping: Mapping,
    read_items: ReadItems,
}

/// The public feed `currentevents`.
#[must_use]
pub fn current_events() -> Arc<dyn Normalize> {
    feed(
        "aws-currentevents",
        currentevents::SYSTEM,
        "https://health.aws.amazon.com/public/currentevents",
        Vanishing::ResolvedAfterTwoPolls,
        currentevents::items,
    )
}

/// The older public feed `data.json`.
#[must_use]
pub fn data() -> Arc<dyn Normalize> {
    feed(
        "aws-data",
        crate::data::SYSTEM,
        "https://status.aws.amazon.com/data.json",
        Vanishing::Nothing,
        crate::data::items,
    )
}

fn feed(slug: &str, system: &str, address: &str, vanishing: Vanishing, read_items: ReadItems) -> Arc<dyn Normalize> {
    let mapping = Mapping::compiled_in(include_str!("../mapping.toml"));
    let profile = FeedProfile {
        slug: slug.to_owned(),
        system: system.to_owned(),
        speaker: Speaker {
            org: "aws".to_owned(),
            role: Role::Provider,
            channel: Some(PAGE.to_owned()),
            relay: Relay::Polled,
        },
        address: address.to_owned(),
        vanishing,
        covers: mapping.classes(),
        mapping_version: mapping.version(),
    };
    Arc::new(Public { profile, mapping, read_items })
}

impl Normalize for Public {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let mut lookup = Lookup::new(&self.mapping);
        let mut reading = (self.read_items)(body, observed, &mut lookup)?;
        reading.unmapped = lookup.into_unmapped();
        Ok(reading)
    }
}
