//! From the book to what is told: one object a class of resources, in Azure's own name. It counts nothing, since the
//! machines are counted elsewhere and the bus has no unit for the rest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{Block, BlockState, Effect, Layer, ServiceClass, Severity};
use entente_schemas::family::{Body, CauseStatus, Impact, Outcome, Phase, SuspectedCause};
use entente_schemas::header::{Certainty, Native, Times};
use entente_sidecar::item::{Item, incident};
use entente_sidecar::mapping::{MappingError, Member};
use entente_sidecar::stamp::{fidelity, only_observed};

use super::book::Book;
use super::kept::{Course, Entry, Kept};
use super::{Blame, words};

/// The native system.
pub(crate) const SYSTEM: &str = "azure.resource_health";
/// For how long what is over is still told.
const TOLD: TimeDelta = TimeDelta::hours(24);

impl Book {
    /// Every class of resources of which there is something to tell, as it stands.
    pub(crate) fn items(&self, fleet: &str, now: DateTime<Utc>) -> Result<Vec<Item>, MappingError> {
        let mut kept = self.lock();
        let mut items = Vec::new();
        for class in kept.classes() {
            let course = kept.follow(class, now);
            if course.ended.is_some_and(|ended| now.signed_duration_since(ended) > TOLD) {
                continue;
            }
            let (item, course) = claim(&kept, class, course, fleet, now)?;
            kept.courses.insert(class, course);
            items.push(item);
        }
        let over = |course: &Course| course.ended.is_some_and(|ended| now.signed_duration_since(ended) > TOLD);
        kept.courses.retain(|_, course| !over(course));
        Ok(items)
    }
}

impl Kept {
    /// What became of a class, up to now.
    fn follow(&self, class: ServiceClass, now: DateTime<Utc>) -> Course {
        let mut course = self.courses.get(&class).cloned().unwrap_or_default();
        let since = self.of(class).map(|entry| entry.since).min();
        match since {
            Some(since) => {
                if course.ended.take().is_some() {
                    (course.regions, course.since) = (BTreeSet::new(), None);
                }
                course.since = Some(course.since.map_or(since, |known| known.min(since)));
                course
                    .regions
                    .extend(self.of(class).map(|entry| entry.region.clone()).filter(|region| !region.is_empty()));
            }
            None => {
                course.ended.get_or_insert(now);
            }
        }
        course
    }
}

fn claim(
    kept: &Kept,
    class: ServiceClass,
    mut course: Course,
    fleet: &str,
    now: DateTime<Utc>,
) -> Result<(Item, Course), MappingError> {
    let body = impact(kept, class, &course);
    let digest = digest(&body, &course)?;
    if course.digest != digest {
        course.changed = Some(course.changed.map_or(now, |changed| changed.max(now)));
        course.digest.clone_from(&digest);
    }
    let id = format!("{fleet}/{class}");
    let times = Times {
        published_at: course.changed,
        occurred_at: course.since,
        occurred_end: course.ended,
        fidelity: course.since.map(fidelity),
        ..only_observed(now)
    };
    let item = Item {
        object_id: format!("{SYSTEM}:{id}"),
        native: Native { category: Some(class.to_string()), digest, ..words().native(SYSTEM, id, None) },
        times,
        refs: Vec::new(),
        certainty: Certainty::Observed,
        tlp: None,
        body: Body::Impact(body),
        also: Vec::new(),
        refused: Vec::new(),
    };
    Ok((item, course))
}

fn impact(kept: &Kept, class: ServiceClass, course: &Course) -> Impact {
    let open = course.ended.is_none();
    let blocks = if open { affected(kept, class) } else { restored(class, course) };
    let unavailable = blocks.iter().any(|block| block.state == BlockState::AffectedUnavailable);
    Impact {
        phase: if open { Phase::Investigating } else { Phase::Resolved },
        outcome: (!open).then_some(Outcome::Restored),
        effect: unavailable.then_some(Effect::Unavailable).into_iter().collect(),
        suspected_cause: cause(kept, class).filter(|_| open),
        blocks,
        ..incident(format!("Azure Resource Health: {} not available as they should be", named(class)))
    }
}

fn digest(body: &Impact, course: &Course) -> Result<String, MappingError> {
    let cause = body.suspected_cause.as_ref().and_then(|cause| cause.class.as_deref());
    words().digest("impact", |name| match name {
        "phase" => body.phase.as_str().into(),
        "blocks" => body.blocks.iter().map(spelt).collect::<Vec<_>>().into(),
        "cause" => cause.into(),
        "since" => course.since.map(|since| since.to_rfc3339()).as_deref().into(),
        "end" => course.ended.map(|ended| ended.to_rfc3339()).as_deref().into(),
        _ => Member::Absent,
    })
}

/// A word for the resources of a class, for people.
fn named(class: ServiceClass) -> String {
    format!("{} resources", class.as_str().replace('_', " "))
}

/// What the platform's own signs say, of machines.
fn cause(kept: &Kept, class: ServiceClass) -> Option<SuspectedCause> {
    let disks = kept.of(class).all(|entry| entry.blame == Blame::Disk);
    (class == ServiceClass::Compute).then(|| SuspectedCause {
        class: Some(if disks { "provider_storage" } else { "provider_host" }.to_owned()),
        vendor: None,
        product: None,
        version: None,
        artifact: None,
        status: CauseStatus::Hypothesis,
    })
}

fn affected(kept: &Kept, class: ServiceClass) -> Vec<Block> {
    let mut regions: BTreeMap<BlockState, BTreeSet<String>> = BTreeMap::new();
    kept.of(class).for_each(|Entry { state, region, .. }| {
        regions.entry(*state).or_default().extend(Some(region.clone()).filter(|region| !region.is_empty()));
    });
    regions.into_iter().map(|(state, regions)| block(class, state, regions)).collect()
}

fn restored(class: ServiceClass, course: &Course) -> Vec<Block> {
    vec![block(class, BlockState::Restored, course.regions.clone())]
}

fn block(service_class: ServiceClass, state: BlockState, regions: BTreeSet<String>) -> Block {
    Block {
        provider: "azure".to_owned(),
        service_class,
        services: Vec::new(),
        regions: regions.into_iter().collect(),
        zones: Vec::new(),
        state,
        severity: Severity::NotStated,
        layer: Some(Layer::Platform),
        asset: None,
    }
}

fn spelt(block: &Block) -> String {
    format!("{} {}", block.state, block.regions.join(","))
}
