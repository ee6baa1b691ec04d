//! The public feed `incidents.json`: a bare list of incidents, the newest first, with every update that was posted. Also
//! its older schema, which has no ids and hyphens in member names. An incident that is gone rolled out of its window.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::decode::{json_item, json_items};
use entente_sidecar::item::{FeedProfile, Normalize, Reading, Refusal, Vanishing};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::reading::gather;

use crate::normalize::{Incident, SYSTEM};

/// The pages' address, which texts and items cite.
pub(crate) const PAGES: &str = "https://status.cloud.google.com";

struct Public {
    profile: FeedProfile,
    mapping: Mapping,
}

/// The table of the public feed, by which products are classed everywhere.
pub(crate) fn mapping() -> Mapping {
    Mapping::compiled_in(include_str!("../mapping.toml"))
}

/// The public feed of Google Cloud.
#[must_use]
pub fn public() -> Arc<dyn Normalize> {
    let mapping = mapping();
    let profile = FeedProfile {
        slug: "gcp-public".to_owned(),
        system: SYSTEM.to_owned(),
        speaker: Speaker {
            org: "gcp".to_owned(),
            role: Role::Provider,
            channel: Some(PAGES.to_owned()),
            relay: Relay::Polled,
        },
        address: format!("{PAGES}/incidents.json"),
        vanishing: Vanishing::Nothing,
        covers: mapping.classes(),
        mapping_version: mapping.version(),
    };
    Arc::new(Public { profile, mapping })
}

impl Normalize for Public {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let mut lookup = Lookup::new(&self.mapping);
        let list = json_items(body)?;
        let mut reading = gather(list.iter().enumerate().map(|(index, raw)| {
            json_item::<Incident>(raw, index).and_then(|incident| incident.item(raw.get(), observed, &mut lookup))
        }));
        reading.unmapped = lookup.into_unmapped();
        Ok(reading)
    }
}
