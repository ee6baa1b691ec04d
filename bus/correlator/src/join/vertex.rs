//! What the joining rules look at of one impact: its first stated start, where it is, what it and its statements name.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState};
use entente_schemas::family::{Family, ImpactKind};

use crate::join::facets::Facets;
use crate::join::graph::{Place, Vertex};
use crate::join::scene::incident_id;
use crate::model::Model;
use crate::record::entry::Entry;
use crate::record::objects::{Object, Objects};

/// Places of one impact that are compared; a claim about more services and regions than that is known by its first.
const PLACES_MAX: usize = 4_096;

/// The vertex of an impact object; none if all of it is withdrawn or it is planned work.
pub(crate) fn of_object(objects: &Objects, model: &Model, id: &str) -> Option<Vertex> {
    let object = objects.get(Family::Impact, id)?;
    let standing = object.entries().filter(|entry| objects.withdrawn(entry).is_none());
    vertex(objects, model, id, (objects.current(object)?, objects.observed(object).collect(), standing.collect()))
}

/// The vertex that an impact object was last of which all is withdrawn.
pub(crate) fn of_withdrawn(objects: &Objects, model: &Model, id: &str) -> Option<Vertex> {
    let object = objects.get(Family::Impact, id)?;
    let (last, _) = objects.ended(object)?;
    vertex(objects, model, id, (last, object.last().collect(), object.entries().collect()))
}

/// What is said of an object: the claim that speaks, what each observer says, and all revisions that count.
type Said<'a> = (&'a Arc<Entry>, Vec<&'a Arc<Entry>>, Vec<&'a Arc<Entry>>);

fn vertex(objects: &Objects, model: &Model, id: &str, (current, observed, standing): Said<'_>) -> Option<Vertex> {
    let object = objects.get(Family::Impact, id)?;
    let impact = current.claim().impact()?;
    if impact.kind == ImpactKind::Maintenance {
        return None;
    }
    let mut facets = Facets::default();
    for observed in observed {
        facets.absorb(&observed.facets);
    }
    let refers = current.facets.refers.iter();
    facets.refers = refers.map(|(name, relation)| (objects.resolve(name).to_owned(), *relation)).collect();
    for notice in objects.statements_about(id) {
        facets.absorb(&notice.facets);
    }
    let (onset, onset_stated) = onset(object, current, &standing);
    let affected: Vec<&Block> = impact.blocks.iter().filter(|block| is_hit(block)).collect();
    let speaker = &current.header().speaker;
    Some(Vertex {
        incident: incident_id(id),
        speaker: speaker.org.clone(),
        role: speaker.role,
        first: object.first_order().unwrap_or(&current.order).clone(),
        onset,
        onset_stated,
        facets,
        places: affected.iter().flat_map(|block| places(model, block)).take(PLACES_MAX).collect(),
        classes: affected.iter().map(|block| block.service_class).collect(),
        providers: affected.iter().map(|block| block.provider.clone()).collect(),
    })
}

fn is_hit(block: &Block) -> bool {
    !matches!(block.state, BlockState::NotAffected | BlockState::Excluded)
}

/// The first start that any observer stated, so that restating it later never moves an incident; else when it was first
/// said.
fn onset(object: &Object, current: &Arc<Entry>, standing: &[&Arc<Entry>]) -> (DateTime<Utc>, bool) {
    let first_stated = standing
        .iter()
        .filter_map(|entry| {
            let observer = entry.event.source.org_feed();
            entry.header().times.occurred_at.map(|start| (observer, entry.header().rev, start))
        })
        .fold(
            std::collections::BTreeMap::<String, (u64, DateTime<Utc>)>::new(),
            |mut first, (observer, rev, start)| {
                let known = first.entry(observer).or_insert((rev, start));
                *known = (*known).min((rev, start));
                first
            },
        );
    let stated = first_stated.into_values().map(|(_, start)| start).min();
    let said = || object.entries().map(|entry| entry.said_at()).min().unwrap_or_else(|| current.said_at());
    (stated.unwrap_or_else(said), stated.is_some())
}

/// Services in regions as named; a block without services stands for its class. Names that say only that names were left
/// out begin with a bracket and name nothing.
fn places(model: &Model, block: &Block) -> Vec<Place> {
    let named = |names: &[String]| -> BTreeSet<String> {
        names
            .iter()
            .map(|name| name.trim().to_lowercase())
            .filter(|name| !name.is_empty() && !name.starts_with('('))
            .collect()
    };
    let mut services = named(&block.services);
    if block.services.is_empty() {
        services.insert(format!("class {}", block.service_class));
    }
    let region = |name: String| model.region_code(&block.provider, &name).map_or(name, str::to_owned);
    let regions: BTreeSet<String> = named(&block.regions).into_iter().map(region).collect();
    let in_regions = services.iter().flat_map(|service| {
        regions.iter().map(|region| Place {
            provider: block.provider.clone(),
            service: service.clone(),
            region: region.clone(),
        })
    });
    in_regions.take(PLACES_MAX).collect()
}
