//! What does not change about each feed: whose words it carries, and what it would tell of.

use entente_schemas::block::ServiceClass;
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::account::Settings;
use entente_sidecar::item::{FeedProfile, Vanishing};
use entente_sidecar::mapping::Mapping;

/// What is shown as read; never an address with an account in it.
pub(super) const EC2: &str = "EC2 DescribeInstanceStatus";
pub(super) const SSM: &str = "SSM DescribeAutomationExecutions";
pub(super) const HEALTH: &str = "AWS Health API";
pub(super) const EVENTS: &str = "EventBridge aws.health by SQS";

/// A feed of counts and repairs, which are the organisation's own words.
pub(super) fn own(settings: &Settings, slug: &str, system: &str, shown: &str, mapping: &Mapping) -> FeedProfile {
    let speaker = settings.speaker();
    FeedProfile { speaker, covers: vec![ServiceClass::Compute], ..provider(settings, slug, system, shown, mapping) }
}

/// A feed of statements of AWS.
pub(super) fn provider(settings: &Settings, slug: &str, system: &str, shown: &str, mapping: &Mapping) -> FeedProfile {
    FeedProfile {
        slug: slug.to_owned(),
        system: system.to_owned(),
        speaker: Speaker {
            org: "aws".to_owned(),
            role: Role::Provider,
            channel: Some(shown.to_owned()),
            relay: settings.relay_of("aws"),
        },
        address: shown.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: mapping.classes(),
        mapping_version: mapping.version(),
    }
}
