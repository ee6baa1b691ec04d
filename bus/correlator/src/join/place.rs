//! Where a record belongs: the impacts that it is about, by what it names and refers to.

use std::collections::BTreeSet;

use entente_schemas::family::{Body, Family};

use crate::join::facets::Key;
use crate::join::ghost::Ghosts;
use crate::join::graph::{Graph, Id};
use crate::join::home;
use crate::join::scene::{ATTACHED, Ground, references_of};
use crate::record::entry::Entry;
use crate::record::objects::Objects;

/// The impacts that references lead to, over messages that answer messages and statements about items.
pub(crate) fn impacts_referred(
    objects: &Objects,
    (graph, ghosts): (&Graph, &Ghosts),
    references: &[String],
) -> BTreeSet<Id> {
    let mut open: Vec<String> = references.to_vec();
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let id = objects.resolve(&name);
        found.extend(graph.id(id).or_else(|| ghosts.heir(id).cloned()));
        if let Some(entry) = objects.current_by_id(Family::Notice, id)
            && let Body::Notice(notice) = &entry.claim().body
        {
            open.push(notice.about.clone());
        }
        let attached = ATTACHED.iter().filter_map(|family| objects.current_by_id(*family, id));
        for entry in attached {
            open.extend(references_of(objects, entry));
            found.extend(entry.facets.keys.keys().flat_map(|key| graph.naming(key)).cloned());
        }
    }
    found
}

/// The impacts that name one of these keys.
pub(crate) fn impacts_naming(graph: &Graph, keys: &[Key]) -> BTreeSet<Id> {
    keys.iter().flat_map(|key| graph.naming(key)).cloned().collect()
}

/// The incident that a record belongs to now.
pub(crate) fn incident_of(ground: Ground<'_>, entry: &Entry) -> Option<String> {
    let id = entry.header().object_id.as_str();
    let anchor = match &entry.claim().body {
        Body::Impact(_) => ground.anchor_of(id).cloned(),
        Body::Notice(notice) => ground.anchor_of(&notice.about).cloned(),
        Body::Constraint(constraint) => {
            let named = constraint.objects.iter().map(|name| ground.objects.resolve(name));
            named.filter_map(|id| ground.anchor_of(id)).next().cloned()
        }
        Body::Retraction(retraction) => anchor_of_target(ground, &retraction.target_object),
        Body::Feed(_) | Body::Rejected(_) | Body::Roster(_) => None,
        _ => anchor_of_attached(ground, entry),
    };
    anchor.map(|anchor| ground.incident(&anchor))
}

fn anchor_of_target(ground: Ground<'_>, id: &str) -> Option<Id> {
    let referred = impacts_referred(ground.objects, (ground.graph, ground.ghosts), &[id.to_owned()]);
    referred.iter().find_map(|id| ground.anchor_of(id)).cloned()
}

/// By reference if there is one; else the impact nearest in time that names the same.
fn anchor_of_attached(ground: Ground<'_>, entry: &Entry) -> Option<Id> {
    if let Some(anchor) = home::named(ground, entry).first() {
        return Some(Id::clone(anchor));
    }
    let referred =
        impacts_referred(ground.objects, (ground.graph, ground.ghosts), &references_of(ground.objects, entry));
    if let Some(anchor) = referred.iter().find_map(|id| ground.anchor_of(id)) {
        return Some(Id::clone(anchor));
    }
    let keys: Vec<Key> = entry.facets.keys.keys().cloned().collect();
    let said = entry.header().times.occurred_at.unwrap_or_else(|| entry.said_at());
    let naming = impacts_naming(ground.graph, &keys);
    let vertices = naming.iter().filter_map(|id| Some(((ground.graph.vertex(id)?.onset - said).abs(), id)));
    let near = vertices.filter(|(apart, _)| *apart <= ground.model.windows.attach());
    near.min().and_then(|(_, id)| ground.anchor_of(id)).cloned()
}
