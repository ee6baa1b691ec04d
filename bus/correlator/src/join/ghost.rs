//! What stays of an impact that was withdrawn: it joins nothing and shows nothing, but what was said about it, and the ids
//! that it gave, belong to its heir: of the impacts that stand and that the rules or a person's word tie to it, the one
//! that began first. A function of what stands and of what is withdrawn, not of the order in which it came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::join::cluster::View;
use crate::join::graph::{Graph, Id, Vertex, ties};
use crate::join::vertex;
use crate::model::Model;
use crate::record::entry::Order;
use crate::record::objects::Objects;

/// Of more that are withdrawn, those that were withdrawn last have heirs: each change is compared with all of them.
const KEPT: usize = 128;

/// When an impact began, and its id: of equal ones the smaller.
type Began = (DateTime<Utc>, Id);

/// The withdrawn impacts and their heirs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ghosts {
    /// Where each was withdrawn.
    all: BTreeMap<Id, Order>,
    by_withdrawal: BTreeSet<(Order, Id)>,
    /// Those that may have heirs: what each last said, found by what it names.
    kept: Graph,
    /// Those that may have changed since their heirs were looked for.
    fresh: BTreeSet<Id>,
    /// The one tied to each that began first, and when.
    direct: BTreeMap<Id, Began>,
    heirs: BTreeMap<Id, Id>,
    of_heir: BTreeMap<Id, BTreeSet<Id>>,
}

impl Ghosts {
    /// Notes that an object is withdrawn, and where that was; or that it stands, or is none.
    pub(crate) fn set(&mut self, id: &str, withdrawn: Option<Order>) {
        let known = self.all.remove_entry(id);
        if known.is_none() && withdrawn.is_none() {
            return;
        }
        let id = known.as_ref().map_or_else(|| Id::from(id), |(id, _)| Arc::clone(id));
        if let Some((id, order)) = known {
            self.by_withdrawal.remove(&(order, id));
        }
        if let Some(order) = withdrawn {
            self.by_withdrawal.insert((order.clone(), Arc::clone(&id)));
            self.all.insert(Arc::clone(&id), order);
        }
        self.fresh.insert(id);
    }

    /// The withdrawn impacts that name something by this reference.
    pub(crate) fn referring(&self, reference: &str) -> Vec<Id> {
        self.kept.referring(reference)
    }

    /// The impact that has what was said about a withdrawn one.
    pub(crate) fn heir(&self, id: &str) -> Option<&Id> {
        self.heirs.get(id)
    }

    /// The withdrawn impacts of which this one is the heir.
    pub(crate) fn of_heir(&self, id: &str) -> impl Iterator<Item = &Id> {
        self.of_heir.get(id).into_iter().flatten()
    }

    /// People's words name these objects, or did.
    pub(crate) fn named(&mut self, objects: &[&str]) {
        let ghosts = objects.iter().filter_map(|id| self.all.get_key_value(*id));
        self.fresh.extend(ghosts.map(|(id, _)| Arc::clone(id)));
    }

    /// Looks for heirs anew where `changed` impacts can matter; gives those that are heirs of others than before.
    pub(crate) fn settle(&mut self, objects: &Objects, view: View<'_>, changed: &BTreeSet<Id>) -> BTreeSet<Id> {
        if self.fresh.is_empty() && self.kept.ids().next().is_none() {
            return BTreeSet::new();
        }
        let mut stale = self.keep(objects, view.model);
        stale.extend(self.direct.iter().filter(|(_, (_, heir))| changed.contains(heir)).map(|(id, _)| Arc::clone(id)));
        for id in &stale {
            match self.search(view, id) {
                Some(heir) => self.direct.insert(Arc::clone(id), heir),
                None => self.direct.remove(id),
            };
        }
        let mut moved = !stale.is_empty();
        for id in changed {
            moved |= self.offer(view, id, &stale);
        }
        if moved { self.inherit(view.model) } else { BTreeSet::new() }
    }

    /// Keeps those that were withdrawn last; gives those whose heirs are to be looked for.
    fn keep(&mut self, objects: &Objects, model: &Model) -> BTreeSet<Id> {
        let newest: BTreeSet<Id> = self.by_withdrawal.iter().rev().take(KEPT).map(|(_, id)| Arc::clone(id)).collect();
        let mut changed = std::mem::take(&mut self.fresh);
        changed.extend(self.kept.ids().filter(|id| !newest.contains(*id)).cloned());
        changed.extend(newest.iter().filter(|id| self.kept.vertex(id).is_none()).cloned());
        for id in &changed {
            let vertex = newest.contains(id).then(|| vertex::of_withdrawn(objects, model, id)).flatten();
            self.kept.set(id, vertex, model);
        }
        changed
    }

    /// Of the impacts that stand and are tied to a ghost, the one that began first.
    fn search(&self, view: View<'_>, id: &Id) -> Option<Began> {
        let ghost = self.kept.vertex(id)?;
        let linked = view.rules.linked_with(id).filter_map(|other| view.graph.id(other));
        let all: BTreeSet<Id> = view.graph.sharing(id, ghost).into_iter().chain(linked).collect();
        let tied = all.into_iter().filter(|other| tied(view, (id, ghost), other));
        tied.filter_map(|other| Some((view.graph.vertex(&other)?.onset, other))).min()
    }

    /// Makes an impact the heir of those that it is tied to, where it began before their heir; tells whether of any.
    fn offer(&mut self, view: View<'_>, id: &Id, searched: &BTreeSet<Id>) -> bool {
        let Some(vertex) = view.graph.vertex(id) else { return false };
        let mut moved = false;
        let began = (vertex.onset, Arc::clone(id));
        for other in self.kept.sharing(id, vertex).into_iter().filter(|other| !searched.contains(other)) {
            let earlier = self.direct.get(&other).is_none_or(|heir| began < *heir);
            if earlier && self.kept.vertex(&other).is_some_and(|ghost| tied(view, (&other, ghost), id)) {
                self.direct.insert(other, began.clone());
                moved = true;
            }
        }
        moved
    }

    /// A ghost that only ghosts are tied to has the heir of theirs that began first.
    fn inherit(&mut self, model: &Model) -> BTreeSet<Id> {
        let mut heirs: BTreeMap<Id, Id> =
            self.direct.iter().map(|(id, (_, heir))| (id.clone(), heir.clone())).collect();
        let mut seen: BTreeSet<Id> = BTreeSet::new();
        for id in self.kept.ids().filter(|id| !self.direct.contains_key(*id)) {
            if !seen.contains(id) {
                let tied = self.tied_ghosts(id, model);
                if let Some((_, heir)) = tied.iter().filter_map(|id| self.direct.get(id)).min() {
                    let orphans = tied.iter().filter(|id| !self.direct.contains_key(*id));
                    heirs.extend(orphans.map(|id| (Arc::clone(id), Arc::clone(heir))));
                }
                seen.extend(tied);
            }
        }
        let differ = |id: &&Id| self.heirs.get(*id) != heirs.get(*id);
        let moved: BTreeSet<&Id> = self.heirs.keys().chain(heirs.keys()).filter(differ).collect();
        let concerned = moved.iter().flat_map(|id| [self.heirs.get(*id), heirs.get(*id)]).flatten().cloned().collect();
        self.of_heir.clear();
        for (id, heir) in &heirs {
            self.of_heir.entry(Arc::clone(heir)).or_default().insert(Arc::clone(id));
        }
        self.heirs = heirs;
        concerned
    }

    fn tied_ghosts(&self, id: &Id, model: &Model) -> BTreeSet<Id> {
        let (mut open, mut seen) = (vec![Arc::clone(id)], BTreeSet::from([Arc::clone(id)]));
        while let Some(id) = open.pop() {
            open.extend(self.kept.neighbours(&id, model).into_iter().filter(|other| seen.insert(Arc::clone(other))));
        }
        seen
    }
}

fn tied(view: View<'_>, (id, ghost): (&Id, &Vertex), other: &Id) -> bool {
    let tied = || view.graph.vertex(other).is_some_and(|vertex| ties((ghost, id), (vertex, other), view.model));
    !view.rules.forbids(id, other) && (view.rules.links(id, other) || tied())
}
