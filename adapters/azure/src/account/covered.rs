//! Which subscriptions Resource Graph answers for: what others hold is left out of its answers without a word.

use std::collections::BTreeSet;

use entente_sidecar::account::Trouble;
use serde::Deserialize;

use super::api::GRAPH;
use super::lack::Lack;
use super::subscriptions::Subscriptions;
use crate::arm::Graph;

const COVERED: &str = "resourcecontainers \
    | where type =~ 'microsoft.resources/subscriptions' \
    | order by id asc \
    | project id, subscription = tostring(subscriptionId)";

/// A row of [`COVERED`].
#[derive(Deserialize)]
struct Row {
    subscription: String,
}

/// The subscriptions that Resource Graph answers for, in lower case; none if it does not say. Each one that is wanted and
/// left out is noted as lacking: nothing is known of what is in it.
pub(crate) async fn covered(graph: &Graph, subscriptions: &Subscriptions, lack: &mut Lack) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let told = graph.rows(COVERED, |row: Result<Row, String>| {
        seen.extend(row.ok().map(|row| row.subscription.trim().to_lowercase()));
    });
    if lack.note(told.await).is_none() {
        return BTreeSet::new();
    }
    let wanted = subscriptions.list().await;
    for subscription in lack.note(wanted).iter().flat_map(|list| list.iter()) {
        let left_out = || Trouble::Forbidden.failure(GRAPH.name, GRAPH.permission, "a subscription was left out");
        lack.note(if seen.contains(subscription) { Ok(()) } else { Err(left_out()) });
    }
    seen
}
