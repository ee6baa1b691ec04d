//! Where a run counts: in the incidents that it names itself, `part_of` before any other relation; else where its approach
//! is. A run of an approach that is known from another incident is no news of that one.

use std::collections::BTreeSet;

use entente_schemas::family::{Body, Family};
use entente_schemas::header::Relation;

use crate::join::graph::Id;
use crate::join::place::impacts_referred;
use crate::join::scene::{Ground, incident_id, references_of};
use crate::record::entry::Entry;

/// The anchors of the incidents that a run names itself; none for what is no run, or names no incident that is known.
pub(crate) fn named<'a>(ground: Ground<'a>, entry: &'a Entry) -> BTreeSet<&'a Id> {
    let Body::Remediation(run) = &entry.claim().body else { return BTreeSet::new() };
    let own = entry
        .facets
        .refers
        .iter()
        .filter(|(name, relation)| **name != run.approach_id && **relation != Relation::DistinctFrom);
    let own = own.filter_map(|(name, relation)| Some((ground.anchor_of(ground.objects.resolve(name))?, relation)));
    let own: Vec<(&Id, &Relation)> = own.collect();
    let is_part = |relation: &Relation| *relation == Relation::PartOf;
    let parted = own.iter().any(|(_, relation)| is_part(relation));
    own.into_iter().filter(|(_, relation)| !parted || is_part(relation)).map(|(anchor, _)| anchor).collect()
}

/// Whether an attached object is a run that counts in other incidents only.
pub(crate) fn is_elsewhere(ground: Ground<'_>, anchor: &Id, (family, id): &(Family, String)) -> bool {
    if *family != Family::Remediation {
        return false;
    }
    let named = ground.objects.current_by_id(*family, id).map(|entry| named(ground, entry)).unwrap_or_default();
    !named.is_empty() && !named.contains(anchor)
}

/// The impacts around which runs may count that name this object, its incident or what was said of it: where these count,
/// or how they are described, rests on it.
pub(crate) fn concerned(ground: Ground<'_>, (family, id): (Family, &str)) -> BTreeSet<Id> {
    let Ground { objects, referrals, .. } = ground;
    let (incident, entries) = (incident_id(id), objects.get(family, id).into_iter().flat_map(|of| of.entries()));
    let names = entries.map(|entry| entry.event.id.as_str()).chain([id, incident.as_str()]);
    let naming: BTreeSet<&(Family, String)> = names.flat_map(|name| referrals.referring(name)).collect();
    let runs = naming.into_iter().filter(|(family, _)| *family == Family::Remediation);
    let runs = runs.filter_map(|(family, id)| objects.current_by_id(*family, id));
    let references: Vec<String> = runs.flat_map(|run| references_of(objects, run)).collect();
    impacts_referred(objects, (ground.graph, ground.ghosts), &references)
}
