//! An object's past: since when a claim says what it says now.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::family::Claim;

use crate::record::entry::Entry;
use crate::record::objects::Objects;

/// When the log took the first of the unbroken run of revisions, by the same observer, that say the same as this one.
pub(crate) fn value_since<T: PartialEq>(
    objects: &Objects,
    current: &Arc<Entry>,
    value: impl Fn(&Claim) -> T,
) -> DateTime<Utc> {
    let now = value(current.claim());
    let object = objects.get(current.family(), &current.header().object_id);
    let mut earlier: Vec<&Arc<Entry>> = object
        .into_iter()
        .flat_map(|object| object.entries())
        .filter(|entry| entry.is_by_observer_of(current) && entry.header().rev <= current.header().rev)
        .collect();
    earlier.sort_by_key(|entry| std::cmp::Reverse((entry.header().rev, entry.event.recorded)));
    let run = earlier.into_iter().take_while(|entry| value(entry.claim()) == now);
    run.map(|entry| entry.order.logged).min().unwrap_or(current.order.logged)
}
