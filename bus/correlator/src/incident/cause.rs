//! Causes as their speakers claim them. A product that a text only names is no claim of a cause.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::family::{CauseStatus, SuspectedCause};

use crate::incident::lane::told_by;
use crate::join::scene::Scene;
use crate::picture::Cause;
use crate::record::entry::Entry;
use crate::record::history::value_since;
use crate::words;

/// The causes that speakers claim: the best established first.
pub(crate) fn causes(scene: &Scene<'_>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = scene
        .hits
        .iter()
        .filter_map(|hit| hit.impact.suspected_cause.as_ref().map(|cause| view(scene, hit.entry, cause)))
        .collect();
    causes.sort_by(|a, b| {
        (status_rank(a.status), a.since, &a.speaker).cmp(&(status_rank(b.status), b.since, &b.speaker))
    });
    causes.dedup_by(|b, a| same(a, b));
    causes
}

fn same(a: &Cause, b: &Cause) -> bool {
    a.speaker == b.speaker
        && (a.status, &a.class, &a.vendor, &a.product, &a.artifact, &a.shared)
            == (b.status, &b.class, &b.vendor, &b.product, &b.artifact, &b.shared)
}

fn view(scene: &Scene<'_>, entry: &Arc<Entry>, cause: &SuspectedCause) -> Cause {
    Cause {
        speaker: entry.speaker().to_owned(),
        status: cause.status,
        class: cause.class.clone(),
        vendor: cause.vendor.clone(),
        product: cause.product.clone(),
        artifact: cause.artifact.clone(),
        relay: entry.header().speaker.relay,
        told_by: told_by(entry),
        since: since(scene, entry),
        shared: entry.shared(),
    }
}

fn since(scene: &Scene<'_>, entry: &Arc<Entry>) -> DateTime<Utc> {
    value_since(scene.ground.objects, entry, |claim| claim.impact().map(|impact| impact.suspected_cause.clone()))
}

fn status_rank(status: CauseStatus) -> u8 {
    match status {
        CauseStatus::Confirmed => 0,
        CauseStatus::Identified => 1,
        CauseStatus::Hypothesis => 2,
        CauseStatus::RuledOut => 3,
        CauseStatus::Other => 4,
    }
}

/// What is blamed, in words: `CrowdStrike falcon (C-00000291.sys)`, else the class, else that nothing is named.
pub(crate) fn named(cause: &Cause) -> String {
    let vendor = cause.vendor.as_deref().map(words::org);
    let parts: Vec<String> = [vendor, cause.product.clone()].into_iter().flatten().collect();
    let main = match (parts.is_empty(), &cause.class) {
        (false, _) => parts.join(" "),
        (true, Some(class)) => class.replace('_', " "),
        (true, None) => String::new(),
    };
    match (&cause.artifact, main.is_empty()) {
        (Some(artifact), true) => artifact.clone(),
        (Some(artifact), false) => format!("{main} ({artifact})"),
        (None, true) => "a cause not named".to_owned(),
        (None, false) => main,
    }
}

/// How far it is established, as it is said.
pub(crate) fn established(status: CauseStatus) -> &'static str {
    match status {
        CauseStatus::Confirmed => "confirmed by",
        CauseStatus::Identified => "identified by",
        CauseStatus::Hypothesis => "a hypothesis of",
        CauseStatus::RuledOut => "ruled out by",
        CauseStatus::Other => "named by",
    }
}
