//! Which impacts are one incident: the components of the graph, cut where people forbid it. A function of the current
//! graph and rules alone; only what a change can reach is made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::join::cut::cut;
use crate::join::graph::{Graph, Id};
use crate::join::reach::Rules;
use crate::model::Model;

/// The incidents: members by the id of the member that was logged first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clusters {
    anchor_of: BTreeMap<Id, Id>,
    members: BTreeMap<Id, BTreeSet<Id>>,
    /// A member that is part of the outage of another's, and that other.
    part_of: BTreeMap<Id, (Id, String)>,
    /// The anchors of incidents that have such members.
    with_parts: BTreeSet<Id>,
}

/// What the clustering looks at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) rules: &'a Rules,
    pub(crate) model: &'a Model,
}

impl Clusters {
    /// The anchor of a member's incident.
    pub(crate) fn anchor_of(&self, id: &str) -> Option<&Id> {
        self.anchor_of.get(id)
    }

    /// The members of an anchor's incident.
    pub(crate) fn members(&self, anchor: &str) -> impl Iterator<Item = &Id> {
        self.members.get(anchor).into_iter().flatten()
    }

    /// What a member is part of, and the provider that its speaker names.
    pub(crate) fn part_of(&self, id: &str) -> Option<&(Id, String)> {
        self.part_of.get(id)
    }

    /// Makes anew what a change of `touched` can reach; gives the anchors of incidents that were or are concerned.
    pub(crate) fn renew(&mut self, view: View<'_>, touched: BTreeSet<Id>) -> BTreeSet<Id> {
        let reached = self.closure(view, touched);
        let mut concerned: BTreeSet<Id> = reached.iter().filter_map(|id| self.anchor_of.remove(id)).collect();
        for anchor in &concerned {
            self.members.remove(anchor);
            self.with_parts.remove(anchor);
        }
        for id in &reached {
            self.part_of.remove(id);
        }
        let living: BTreeSet<Id> = reached.into_iter().filter(|id| view.graph.vertex(id).is_some()).collect();
        for group in self.host_parts(view, same(view, living)) {
            let Some(anchor) = group.iter().min_by_key(|id| view.graph.vertex(id).map(|v| &v.first)).cloned() else {
                continue;
            };
            for id in &group {
                self.anchor_of.insert(Arc::clone(id), Arc::clone(&anchor));
            }
            if group.iter().any(|id| self.part_of.contains_key(id)) {
                self.with_parts.insert(Arc::clone(&anchor));
            }
            concerned.insert(Arc::clone(&anchor));
            self.members.insert(anchor, group);
        }
        concerned
    }

    /// Makes an incident of its own of a vertex that has none yet.
    pub(crate) fn found(&mut self, id: &Id) {
        if !self.anchor_of.contains_key(id) {
            self.anchor_of.insert(Arc::clone(id), Arc::clone(id));
            self.members.insert(Arc::clone(id), BTreeSet::from([Arc::clone(id)]));
        }
    }

    /// Joins the incident of a vertex that is new, or names more than before, with those of its neighbours; gives the
    /// anchors concerned. None where people's words or a part in an outage ask for the long way.
    pub(crate) fn grow(&mut self, view: View<'_>, id: &Id) -> Option<BTreeSet<Id>> {
        if view.rules.named.contains(&**id) || view.graph.platform(id, view.model).is_some() {
            return None;
        }
        let mut concerned: BTreeSet<Id> = self.anchor_of.get(id).cloned().into_iter().collect();
        for other in view.graph.candidates(id, view.model) {
            let anchor = self.anchor_of.get(&other)?;
            if !concerned.contains(anchor) && view.graph.joins(id, &other, view.model) {
                concerned.insert(Arc::clone(anchor));
            }
        }
        let mut named = view.rules.named.iter().filter_map(|name| self.anchor_of.get(name.as_str()));
        if named.any(|anchor| concerned.contains(anchor)) || !self.with_parts.is_disjoint(&concerned) {
            return None;
        }
        concerned.insert(self.unite(view, id, &concerned)?);
        Some(concerned)
    }

    fn unite(&mut self, view: View<'_>, id: &Id, anchors: &BTreeSet<Id>) -> Option<Id> {
        let first = |id: &Id| view.graph.vertex(id).map(|vertex| &vertex.first);
        let host = anchors.iter().min_by_key(|anchor| first(anchor));
        let anchor = host.filter(|host| first(host) < first(id)).cloned().unwrap_or_else(|| Arc::clone(id));
        let mut group = self.members.remove(&anchor).unwrap_or_default();
        let mut arriving: Vec<Id> = vec![Arc::clone(id)];
        for other in anchors.iter().filter(|other| **other != anchor) {
            arriving.extend(self.members.remove(other).unwrap_or_default());
        }
        for member in arriving {
            self.anchor_of.insert(Arc::clone(&member), Arc::clone(&anchor));
            group.insert(member);
        }
        self.members.insert(Arc::clone(&anchor), group);
        Some(anchor)
    }

    fn closure(&self, view: View<'_>, touched: BTreeSet<Id>) -> BTreeSet<Id> {
        let mut open: Vec<Id> = touched.into_iter().collect();
        let mut reached = BTreeSet::new();
        while let Some(id) = open.pop() {
            if !reached.insert(Arc::clone(&id)) {
                continue;
            }
            if let Some(anchor) = self.anchor_of.get(&id) {
                open.extend(self.members(anchor).cloned());
            }
            open.extend(view.graph.neighbours(&id, view.model));
            open.extend(view.rules.linked_with(&id).filter_map(|other| view.graph.id(other)));
            open.extend(view.graph.platform(&id, view.model).map(|(target, _)| target));
        }
        reached
    }

    /// Joins groups of vendors that all say they are hurt by a provider to that provider's group, as leaves: a vendor
    /// that runs on two clouds never makes their outages one.
    fn host_parts(&mut self, view: View<'_>, groups: Vec<BTreeSet<Id>>) -> Vec<BTreeSet<Id>> {
        let of: BTreeMap<Id, usize> = groups
            .iter()
            .enumerate()
            .flat_map(|(at, group)| group.iter().map(move |id| (Arc::clone(id), at)))
            .collect();
        let mut joined = groups.clone();
        for (at, group) in groups.iter().enumerate() {
            let Some((first, (target, provider))) = self.part_target(view, group) else { continue };
            let Some(&to) = of.get(&target) else { continue };
            // What is an incident with nobody stands in a group of its own, so asking for the target is asking for all.
            let forbidden = |id: &Id| {
                view.rules.forbids(id, &target) || view.rules.apart_from(id).any(|other| of.get(other) == Some(&to))
            };
            if to == at || group.iter().any(forbidden) {
                continue;
            }
            self.part_of.insert(first, (Arc::clone(&target), provider.clone()));
            for id in group {
                self.part_of.entry(Arc::clone(id)).or_insert_with(|| (Arc::clone(&target), provider.clone()));
            }
            if let Some(left) = joined.get_mut(at) {
                left.clear();
            }
            if let Some(host) = joined.get_mut(to) {
                host.extend(group.iter().cloned());
            }
        }
        joined.retain(|group| !group.is_empty());
        joined
    }

    fn part_target(&self, view: View<'_>, group: &BTreeSet<Id>) -> Option<(Id, (Id, String))> {
        let targets: Option<Vec<(&Id, (Id, String))>> =
            group.iter().map(|id| view.graph.platform(id, view.model).map(|target| (id, target))).collect();
        let first = targets?.into_iter().min_by_key(|(id, _)| view.graph.vertex(id).map(|v| &v.first))?;
        Some((Arc::clone(first.0), first.1))
    }
}

/// The components of the relation "one incident" among `ids`, cut where it is forbidden.
fn same(view: View<'_>, ids: BTreeSet<Id>) -> Vec<BTreeSet<Id>> {
    let mut groups = Vec::new();
    let mut left = ids;
    while let Some(start) = left.pop_first() {
        let mut group = BTreeSet::from([Arc::clone(&start)]);
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            let linked = view.rules.linked_with(&id).filter_map(|other| view.graph.id(other));
            for other in view.graph.neighbours(&id, view.model).into_iter().chain(linked) {
                if left.remove(&other) {
                    group.insert(Arc::clone(&other));
                    open.push(other);
                }
            }
        }
        if group.iter().any(|id| view.rules.keeps_apart(id)) {
            groups.extend(cut(view, &group));
        } else {
            groups.push(group);
        }
    }
    groups
}
