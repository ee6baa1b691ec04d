//! A component in which people forbid something, joined again: the strongest evidence first, never across a prohibition.
//! Near linear in members and ties: sides are kept as trees, and each side keeps the sides that it may not join.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::join::cluster::View;
use crate::join::graph::Id;

/// A tie between two members by their places, the strongest first, then in the order of ids.
type Tie = (Reverse<(bool, usize)>, usize, usize);

/// The parts of a component.
pub(crate) fn cut(view: View<'_>, group: &BTreeSet<Id>) -> Vec<BTreeSet<Id>> {
    let ids: Vec<&Id> = group.iter().collect();
    let places: BTreeMap<&str, usize> = ids.iter().enumerate().map(|(place, id)| (&***id, place)).collect();
    let mut sides = Sides::new(view, &ids, &places);
    for (_, a, b) in ties(view, &ids, &places) {
        sides.join(a, b);
    }
    let mut groups: BTreeMap<usize, BTreeSet<Id>> = BTreeMap::new();
    for (place, id) in ids.into_iter().enumerate() {
        groups.entry(sides.root(place)).or_default().insert(Arc::clone(id));
    }
    groups.into_values().collect()
}

/// What ties the members of a component, but for those that are an incident with nobody.
fn ties(view: View<'_>, ids: &[&Id], places: &BTreeMap<&str, usize>) -> Vec<Tie> {
    let open = |id: &str| !view.rules.alone.contains(id);
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (at, id) in ids.iter().enumerate().filter(|(_, id)| open(id)) {
        let linked = view.rules.linked_with(id).filter_map(|other| view.graph.id(other));
        let tied = view.graph.ties(id, view.model, &|other| view.rules.forbids(id, other));
        let others = tied.into_iter().chain(linked).filter(|other| open(other));
        let others = others.filter_map(|other| places.get(&*other).copied()).filter(|other| *other != at);
        pairs.extend(others.map(|other| (at.min(other), at.max(other))));
    }
    let strength = |a: usize, b: usize| {
        let (a, b) = (ids.get(a)?, ids.get(b)?);
        let strength = (view.rules.links(a, b), view.graph.strength(a, b, view.model));
        (strength != (false, 0)).then_some(strength)
    };
    let mut ties: Vec<Tie> = pairs.into_iter().filter_map(|(a, b)| Some((Reverse(strength(a, b)?), a, b))).collect();
    ties.sort_unstable();
    ties
}

/// Who is on one side so far. A side is known by one of its members, its root.
struct Sides {
    /// The member through which each is found; a root stands for itself.
    above: Vec<usize>,
    /// Members and prohibitions of a root's side: the lighter side moves, so that nothing moves often.
    weight: Vec<usize>,
    /// The roots of the sides that a root's side may not join.
    apart: Vec<BTreeSet<usize>>,
}

impl Sides {
    fn new(view: View<'_>, ids: &[&Id], places: &BTreeMap<&str, usize>) -> Self {
        let apart = |id: &&Id| view.rules.apart_from(id).filter_map(|other| places.get(other).copied()).collect();
        let apart: Vec<BTreeSet<usize>> = ids.iter().map(apart).collect();
        let weight = apart.iter().map(|apart| 1 + apart.len()).collect();
        Self { above: (0..ids.len()).collect(), weight, apart }
    }

    fn root(&self, mut place: usize) -> usize {
        while let Some(above) = self.above.get(place).filter(|above| **above != place) {
            place = *above;
        }
        place
    }

    /// Makes one side of two, unless it is one already or must not be.
    fn join(&mut self, a: usize, b: usize) {
        let (x, y) = (self.root(a), self.root(b));
        if x == y || self.apart.get(x).is_some_and(|apart| apart.contains(&y)) {
            return;
        }
        let (host, guest) = if self.weight.get(x) < self.weight.get(y) { (y, x) } else { (x, y) };
        let apart = self.apart.get_mut(guest).map(std::mem::take).unwrap_or_default();
        for other in &apart {
            if let Some(theirs) = self.apart.get_mut(*other) {
                theirs.remove(&guest);
                theirs.insert(host);
            }
        }
        let moved = self.weight.get(guest).copied().unwrap_or_default();
        if let Some(kept) = self.apart.get_mut(host) {
            kept.extend(apart);
        }
        if let Some(weight) = self.weight.get_mut(host) {
            *weight += moved;
        }
        if let Some(above) = self.above.get_mut(guest) {
            *above = host;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use entente_schemas::speaker::Role;

    use super::*;
    use crate::join::facets::{Facets, Found, Key};
    use crate::join::graph::{Graph, Place, Vertex};
    use crate::join::reach::{Reach, Rules};
    use crate::model::Model;
    use crate::record::entry::Order;

    /// Repeatable choices.
    struct Choice(u64);

    impl Choice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }

        fn pair(&mut self, members: u64) -> (String, String) {
            let (a, b) = (self.below(members), self.below(members));
            (name(a.min(b)), name(a.max(b)))
        }
    }

    fn name(member: u64) -> String {
        format!("org:{member:05}")
    }

    fn minute(minute: u64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(minute).unwrap())
    }

    fn vertex(member: u64, onset: u64, keys: Vec<Key>, places: BTreeSet<Place>) -> Vertex {
        let facets = Facets { keys: keys.into_iter().map(|key| (key, Found::Stated)).collect(), ..Facets::default() };
        Vertex {
            incident: String::new(),
            speaker: "org".into(),
            role: Role::Other,
            first: Order { logged: minute(onset), stream: "A".into(), sequence: member },
            onset: minute(onset),
            onset_stated: true,
            facets,
            places,
            classes: BTreeSet::new(),
            providers: BTreeSet::new(),
        }
    }

    fn place(number: u64) -> Place {
        Place { provider: "aws".into(), service: format!("s{number}"), region: "r".into() }
    }

    /// A component with few keys and places, so that most members are tied in several ways.
    fn graph(choice: &mut Choice, members: u64, model: &Model) -> Graph {
        let mut graph = Graph::default();
        for member in 0..members {
            let keys = (0..choice.below(3)).map(|_| match choice.below(4) {
                0 => Key::Tracking(choice.below(4).to_string()),
                1 => Key::Page(choice.below(4).to_string()),
                _ => Key::Artifact(choice.below(4).to_string()),
            });
            let keys = keys.collect();
            let places = (0..choice.below(3)).map(|_| place(choice.below(4))).collect();
            let made = vertex(member, choice.below(2_000), keys, places);
            graph.set(&Id::from(name(member).as_str()), Some(made), model);
        }
        graph
    }

    fn rules(choice: &mut Choice, members: u64) -> Rules {
        let reach = |choice: &mut Choice| if choice.below(2) == 0 { Reach::Speaker } else { Reach::Everybody };
        let mut rules = Rules::default();
        for _ in 0..choice.below(6) {
            let (pair, reach) = (choice.pair(members), reach(choice));
            rules.cannot.extend((pair.0 != pair.1).then_some((pair, reach)));
        }
        for _ in 0..choice.below(4) {
            let (pair, reach) = (choice.pair(members), reach(choice));
            rules.must.extend((pair.0 != pair.1).then_some((pair, reach)));
        }
        if choice.below(3) == 0 {
            rules.alone.insert(name(choice.below(members)));
        }
        rules.indexed()
    }

    /// The same by the plainest means: every pair is looked at, and every two sides member by member.
    fn plain(view: View<'_>, group: &BTreeSet<Id>) -> BTreeSet<BTreeSet<Id>> {
        let ids: Vec<&Id> = group.iter().collect();
        let mut ties = Vec::new();
        for (at, a) in ids.iter().enumerate() {
            for b in ids.iter().skip(at + 1) {
                let linked = view.rules.must.contains_key(&(a.to_string(), b.to_string()));
                let strength = (linked, view.graph.evidence(a, b, view.model).len());
                ties.extend((strength != (false, 0)).then_some((Reverse(strength), *a, *b)));
            }
        }
        ties.sort();
        let mut groups: Vec<BTreeSet<Id>> = ids.iter().map(|id| BTreeSet::from([Id::clone(id)])).collect();
        for (_, a, b) in ties {
            let side = |id: &Id| groups.iter().position(|group| group.contains(id)).unwrap();
            let (x, y) = (side(a), side(b));
            let forbidden = groups[x].iter().any(|a| groups[y].iter().any(|b| forbids(view.rules, a, b)));
            if x != y && !forbidden {
                let moved = std::mem::take(&mut groups[y]);
                groups[x].extend(moved);
            }
        }
        groups.into_iter().filter(|group| !group.is_empty()).collect()
    }

    fn forbids(rules: &Rules, a: &str, b: &str) -> bool {
        let pair = if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) };
        let stronger = |reach: &Reach| rules.must.get(&pair).is_none_or(|must| must <= reach);
        rules.alone.contains(a) || rules.alone.contains(b) || rules.cannot.get(&pair).is_some_and(stronger)
    }

    #[test]
    fn it_cuts_as_the_plainest_means_do() {
        let model = Model::v1().unwrap();
        let mut several = 0;
        for seed in 0..3_000 {
            let mut choice = Choice(seed);
            let members = 2 + choice.below(14);
            let (graph, rules) = (graph(&mut choice, members, &model), rules(&mut choice, members));
            let view = View { graph: &graph, rules: &rules, model: &model };
            let group: BTreeSet<Id> = (0..members).map(|member| Id::from(name(member).as_str())).collect();
            let found = cut(view, &group);
            several += usize::from((2..group.len()).contains(&found.len()));
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), plain(view, &group), "seed {seed}");
        }
        assert!(several > 1_000, "too few cases have anything to cut: {several}");
    }

    /// Twelve million pairs, had each to be looked at.
    #[test]
    fn thousands_of_members_lose_only_what_is_forbidden() {
        const MEMBERS: u64 = 5_000;
        let model = Model::v1().unwrap();
        let mut graph = Graph::default();
        for member in 0..MEMBERS {
            let made = vertex(member, member, vec![Key::Tracking("one".into())], BTreeSet::from([place(1)]));
            graph.set(&Id::from(name(member).as_str()), Some(made), &model);
        }
        let mut rules = Rules::default();
        for other in [1_001, 1_002, 1_003] {
            rules.cannot.insert((name(1_000), name(other)), Reach::Everybody);
        }
        rules.alone.insert(name(3_000));
        let rules = rules.indexed();
        let view = View { graph: &graph, rules: &rules, model: &model };
        let group: BTreeSet<Id> = (0..MEMBERS).map(|member| Id::from(name(member).as_str())).collect();
        let mut sizes: Vec<usize> = cut(view, &group).iter().map(BTreeSet::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 3, 4_996], "the one that is alone, the three that may not be with the rest, the rest");
    }
}
