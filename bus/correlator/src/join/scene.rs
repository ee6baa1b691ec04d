//! Everything that belongs to one incident, gathered: the current claims of its members, the statements about them, and
//! the advice, repairs, figures and messages that refer to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::digest::{base32, sha256};
use entente_schemas::family::{Body, Constraint, Family, Impact};
use entente_schemas::header::Relation;

use crate::join::cluster::Clusters;
use crate::join::facets::Key;
use crate::join::ghost::Ghosts;
use crate::join::graph::{Graph, Id};
use crate::join::home::is_elsewhere;
use crate::join::reach::Rules;
use crate::model::Model;
use crate::record::entry::Entry;
use crate::record::objects::Objects;

/// What has been folded, read-only.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) objects: &'a Objects,
    pub(crate) graph: &'a Graph,
    pub(crate) clusters: &'a Clusters,
    pub(crate) ghosts: &'a Ghosts,
    pub(crate) rules: &'a Rules,
    pub(crate) referrals: &'a Referrals,
    pub(crate) model: &'a Model,
    pub(crate) log_clock: DateTime<Utc>,
}

/// The id of an incident: of the member that was logged first (EVENTS 6).
#[must_use]
pub fn incident_id(anchor: &str) -> String {
    format!("inc-{}", base32(&sha256(anchor.as_bytes()), 10))
}

/// Families that are no vertex of the graph but belong to incidents by what they refer to.
pub(crate) const ATTACHED: &[Family] =
    &[Family::Advisory, Family::Approach, Family::Remediation, Family::Estimate, Family::Message, Family::Sitrep];

/// Whether claims of a family are attached to incidents by what they refer to.
pub(crate) fn is_attached(family: Family) -> bool {
    ATTACHED.contains(&family)
}

impl<'a> Ground<'a> {
    /// The anchor of the incident of an impact, or of the heir of one that was withdrawn.
    pub(crate) fn anchor_of(&self, id: &str) -> Option<&'a Id> {
        let (clusters, ghosts) = (self.clusters, self.ghosts);
        clusters.anchor_of(id).or_else(|| clusters.anchor_of(ghosts.heir(id)?))
    }

    /// The id of an anchor's incident, as its vertex keeps it.
    pub(crate) fn incident(&self, anchor: &Id) -> String {
        self.graph.vertex(anchor).map_or_else(|| incident_id(anchor), |vertex| vertex.incident.clone())
    }
}

/// Which attached objects name what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Referrals {
    by_key: BTreeMap<Key, BTreeSet<(Family, String)>>,
    by_reference: BTreeMap<String, BTreeSet<(Family, String)>>,
    known: BTreeMap<(Family, String), (Vec<Key>, Vec<String>)>,
}

impl Referrals {
    /// Puts what an attached object now names; gives the keys and references that it names or named.
    pub(crate) fn set(
        &mut self,
        objects: &Objects,
        object: (Family, String),
        entry: Option<&Entry>,
    ) -> (Vec<Key>, Vec<String>) {
        let (mut keys, mut references) = self.known.remove(&object).unwrap_or_default();
        for key in &keys {
            self.by_key.get_mut(key).map(|set| set.remove(&object));
        }
        for reference in &references {
            self.by_reference.get_mut(reference).map(|set| set.remove(&object));
        }
        if let Some(entry) = entry {
            let named: Vec<Key> = entry.facets.keys.keys().cloned().collect();
            let refers = references_of(objects, entry);
            for key in &named {
                self.by_key.entry(key.clone()).or_default().insert(object.clone());
            }
            for reference in &refers {
                self.by_reference.entry(reference.clone()).or_default().insert(object.clone());
            }
            keys.extend(named.iter().cloned());
            references.extend(refers.iter().cloned());
            self.known.insert(object, (named, refers));
        }
        (keys, references)
    }

    fn naming(&self, key: &Key) -> impl Iterator<Item = &(Family, String)> {
        self.by_key.get(key).into_iter().flatten()
    }

    /// The attached objects that name something by this reference.
    pub(crate) fn referring(&self, id: &str) -> impl Iterator<Item = &(Family, String)> {
        self.by_reference.get(id).into_iter().flatten()
    }
}

/// What an attached claim refers to, and what its object answers.
pub(crate) fn references_of(objects: &Objects, entry: &Entry) -> Vec<String> {
    let mut references: Vec<String> =
        entry.facets.refers.iter().filter(|(_, r)| **r != Relation::DistinctFrom).map(|(id, _)| id.clone()).collect();
    references.extend(objects.causes(entry.family(), &entry.header().object_id).map(str::to_owned));
    if let Body::Message(message) = &entry.claim().body
        && message.thread_id != entry.header().object_id
    {
        references.push(message.thread_id.clone());
    }
    if let Body::Sitrep(sitrep) = &entry.claim().body {
        references.push(sitrep.incident.clone());
    }
    references
}

/// An impact of the incident and its claim.
pub(crate) struct Hit<'a> {
    pub(crate) entry: &'a Arc<Entry>,
    pub(crate) impact: &'a Impact,
}

/// One incident's material.
pub(crate) struct Scene<'a> {
    pub(crate) ground: Ground<'a>,
    pub(crate) anchor: Id,
    /// Withdrawn impacts of which a member is the heir.
    pub(crate) ghosts: Vec<&'a Id>,
    /// Impacts, the first logged first.
    pub(crate) hits: Vec<Hit<'a>>,
    /// Statements that stand, the oldest first.
    pub(crate) notices: Vec<&'a Arc<Entry>>,
    /// Attached claims, by order in the log.
    pub(crate) attached: Vec<&'a Arc<Entry>>,
}

impl<'a> Scene<'a> {
    /// Gathers the incident of an anchor.
    pub(crate) fn gather(ground: Ground<'a>, anchor: &Id) -> Self {
        let mut ids: Vec<&Id> = ground.clusters.members(anchor).collect();
        ids.sort_by_key(|id| ground.graph.vertex(id).map(|vertex| &vertex.first));
        let hits = ids.iter().filter_map(|id| {
            let entry = ground.objects.current_by_id(Family::Impact, id)?;
            Some(Hit { entry, impact: entry.claim().impact()? })
        });
        let hits: Vec<Hit<'a>> = hits.collect();
        let ghosts: Vec<&Id> = ids.iter().flat_map(|id| ground.ghosts.of_heir(id)).collect();
        let about = ids.iter().chain(&ghosts).flat_map(|id| ground.objects.statements_about(id));
        let mut notices: Vec<&Arc<Entry>> = about.collect();
        notices.sort_by_key(|entry| (entry.said_at(), &entry.order));
        let attached = attached(ground, (anchor, &ids, &ghosts), &hits);
        Self { ground, anchor: Arc::clone(anchor), ghosts, hits, notices, attached }
    }

    /// Attached claims of a family.
    pub(crate) fn of(&self, family: Family) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.attached.iter().copied().filter(move |entry| entry.family() == family)
    }

    /// Whether a person's word names one of the members.
    pub(crate) fn is_named(&self, constraint: &Constraint) -> bool {
        let anchor = |name: &String| self.ground.anchor_of(self.ground.objects.resolve(name));
        constraint.objects.iter().any(|name| anchor(name) == Some(&self.anchor))
    }

    /// Every current claim: impacts, statements, attached.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Arc<Entry>> {
        let hits = self.hits.iter().map(|hit| hit.entry);
        hits.chain(self.notices.iter().copied()).chain(self.attached.iter().copied())
    }
}

fn attached<'a>(
    ground: Ground<'a>,
    (anchor, ids, ghosts): (&Id, &[&Id], &[&Id]),
    hits: &[Hit<'_>],
) -> Vec<&'a Arc<Entry>> {
    let mut found: BTreeSet<(Family, String)> = BTreeSet::new();
    let span = span(ground, ids, hits);
    let vertices = ids.iter().filter_map(|id| ground.graph.vertex(id));
    let keys: BTreeSet<&Key> = vertices.flat_map(|vertex| vertex.facets.keys.keys()).collect();
    for key in keys {
        found.extend(ground.referrals.naming(key).filter(|object| timely(ground, object, key, span)).cloned());
    }
    for id in ids.iter().chain(ghosts) {
        found.extend(ground.referrals.referring(id).cloned());
        found.extend(ground.referrals.referring(&ground.incident(id)).cloned());
        let events = ground.objects.get(Family::Impact, id).into_iter().flat_map(|object| object.entries());
        found.extend(events.flat_map(|entry| ground.referrals.referring(&entry.event.id)).cloned());
    }
    found.retain(|object| !is_elsewhere(ground, anchor, object));
    let mut open: Vec<(Family, String)> = found.iter().cloned().collect();
    while let Some((family, id)) = open.pop() {
        let revisions = ground.objects.get(family, &id).into_iter().flat_map(|object| object.entries());
        let names = revisions.map(|entry| entry.event.id.as_str()).chain([id.as_str()]);
        let naming = names.flat_map(|name| ground.referrals.referring(name));
        let further = naming.filter(|object| !found.contains(*object) && !is_elsewhere(ground, anchor, object));
        let further: Vec<_> = further.cloned().collect();
        found.extend(further.iter().cloned());
        open.extend(further);
    }
    let currents = found.iter().filter_map(|(family, id)| ground.objects.current_by_id(*family, id));
    let mut entries: Vec<&Arc<Entry>> = currents.collect();
    entries.sort_by_key(|entry| &entry.order);
    entries
}

/// From the first onset to the last change of the incident.
fn span(ground: Ground<'_>, ids: &[&Id], hits: &[Hit<'_>]) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let first = ids.iter().filter_map(|id| ground.graph.vertex(id)).map(|vertex| vertex.onset).min()?;
    let last = hits.iter().map(|hit| hit.entry.said_at().max(hit.entry.order.logged)).max()?;
    Some((first, last))
}

/// A product or an artifact in common attaches only what was said around the incident; a reference attaches always.
fn timely(
    ground: Ground<'_>,
    object: &(Family, String),
    key: &Key,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> bool {
    if !matches!(key, Key::Product(..) | Key::Artifact(_)) {
        return true;
    }
    let (Some((first, last)), Some(entry)) = (span, ground.objects.current_by_id(object.0, &object.1)) else {
        return false;
    };
    let said = entry.header().times.occurred_at.unwrap_or_else(|| entry.said_at());
    let margin = ground.model.windows.attach();
    said >= first - margin && said <= last + margin
}
