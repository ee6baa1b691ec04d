//! How far a person's word on correlation reaches (EVENTS 6). A constraint binds if its author's organisation speaks one
//! of its objects, acts as coordinator, or two organisations say the same; any other is an opinion, shown and not applied.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::family::{Body, Constraint, ConstraintKind, Family};

use crate::record::entry::Entry;
use crate::record::objects::Objects;

/// Two objects, the smaller id first.
pub(crate) type Pair = (String, String);

/// How far a word reaches; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The speaker of one of the objects, for that object.
    Speaker,
    /// The coordinator, or two organisations.
    Everybody,
}

/// What people's words ask of the clustering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) must: BTreeMap<Pair, Reach>,
    pub(crate) cannot: BTreeMap<Pair, Reach>,
    /// Objects that are an incident with nobody.
    pub(crate) alone: BTreeSet<String>,
    /// Event ids of the constraints that bind.
    pub(crate) binding: BTreeSet<String>,
    /// Every object that any constraint names.
    pub(crate) named: BTreeSet<String>,
    linked: BTreeMap<String, BTreeSet<String>>,
    apart: BTreeMap<String, BTreeSet<String>>,
}

impl Rules {
    /// Reads the constraints that stand and have not expired by `now`, the log's own clock.
    pub(crate) fn read(objects: &Objects, now: DateTime<Utc>) -> Self {
        let mut rules = Self::default();
        let mut support: BTreeMap<(ConstraintKind, Pair), BTreeSet<String>> = BTreeMap::new();
        let standing: Vec<(&Arc<Entry>, &Constraint)> = standing(objects, now).collect();
        for (entry, constraint) in &standing {
            rules.named.extend(constraint.objects.iter().cloned());
            rules.named.extend(resolved(objects, constraint));
            for pair in pairs(objects, constraint) {
                support.entry((constraint.kind, pair)).or_default().insert(entry.author_org().to_owned());
            }
        }
        for (entry, constraint) in &standing {
            let own = own_objects(objects, entry, constraint);
            let coordinator = entry.header().acts_as_coordinator();
            for pair in pairs(objects, constraint) {
                let said = support.get(&(constraint.kind, pair.clone())).map_or(0, BTreeSet::len);
                let reach = if coordinator || said >= 2 {
                    Some(Reach::Everybody)
                } else {
                    (own.contains(&pair.0) || own.contains(&pair.1)).then_some(Reach::Speaker)
                };
                if let Some(reach) = reach {
                    rules.apply(entry, constraint.kind, pair, reach);
                }
            }
            rules.apply_to_whole(entry, constraint.kind, resolved(objects, constraint), coordinator || !own.is_empty());
        }
        rules.indexed()
    }

    /// With what each object must be one and must not be, found by the object. Cannot wins over must of equal reach.
    pub(crate) fn indexed(mut self) -> Self {
        let cannot = self.cannot.iter().filter(|(pair, reach)| self.must.get(*pair).is_none_or(|must| must <= *reach));
        self.apart = by_object(cannot.map(|(pair, _)| pair));
        self.linked = by_object(self.must.keys());
        self
    }

    fn apply(&mut self, entry: &Entry, kind: ConstraintKind, pair: Pair, reach: Reach) {
        let map = if kind == ConstraintKind::CannotLink { &mut self.cannot } else { &mut self.must };
        let known = map.entry(pair).or_insert(reach);
        *known = (*known).max(reach);
        self.binding.insert(entry.event.id.clone());
    }

    /// Names, closings and dissolutions bind as wholes.
    fn apply_to_whole(&mut self, entry: &Entry, kind: ConstraintKind, objects: Vec<String>, binds: bool) {
        if !binds {
            return;
        }
        if kind == ConstraintKind::Dissolve {
            self.alone.extend(objects);
        }
        if matches!(kind, ConstraintKind::Dissolve | ConstraintKind::Declare | ConstraintKind::Close) {
            self.binding.insert(entry.event.id.clone());
        }
    }

    /// Objects that must be one incident with this one.
    pub(crate) fn linked_with(&self, id: &str) -> impl Iterator<Item = &str> {
        self.linked.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Whether two objects must be one incident.
    pub(crate) fn links(&self, a: &str, b: &str) -> bool {
        self.linked.get(a).is_some_and(|linked| linked.contains(b))
    }

    /// Objects that may not be one incident with this one, beside those that are one with nobody.
    pub(crate) fn apart_from(&self, id: &str) -> impl Iterator<Item = &str> {
        self.apart.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Whether two objects may not be one incident.
    pub(crate) fn forbids(&self, a: &str, b: &str) -> bool {
        self.alone.contains(a) || self.alone.contains(b) || self.apart.get(a).is_some_and(|apart| apart.contains(b))
    }

    /// Whether a prohibition concerns this object.
    pub(crate) fn keeps_apart(&self, id: &str) -> bool {
        self.alone.contains(id) || self.apart.contains_key(id)
    }
}

fn by_object<'a>(pairs: impl Iterator<Item = &'a Pair>) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_object: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (a, b) in pairs {
        by_object.entry(a.clone()).or_default().insert(b.clone());
        by_object.entry(b.clone()).or_default().insert(a.clone());
    }
    by_object
}

/// The constraints that stand, in the order of object ids.
pub(crate) fn standing(objects: &Objects, now: DateTime<Utc>) -> impl Iterator<Item = (&Arc<Entry>, &Constraint)> {
    objects.currents(Family::Constraint).filter_map(move |entry| match &entry.claim().body {
        Body::Constraint(constraint) if constraint.expires.is_none_or(|end| end > now) => Some((entry, constraint)),
        _ => None,
    })
}

fn own_objects(objects: &Objects, entry: &Entry, constraint: &Constraint) -> BTreeSet<String> {
    let impact = |id: &str| {
        let object = objects.get(Family::Impact, id)?;
        objects.current(object).or_else(|| Some(objects.ended(object)?.0))
    };
    // Who withdrew what it spoke still speaks for what it said about it.
    let speaks = |id: &&String| impact(id).is_some_and(|impact| impact.speaker() == entry.author_org());
    resolved(objects, constraint).iter().filter(speaks).cloned().collect()
}

/// The objects that a constraint names: an incident's id stands for the member that gave it.
fn resolved(objects: &Objects, constraint: &Constraint) -> Vec<String> {
    constraint.objects.iter().map(|id| objects.resolve(id).to_owned()).collect()
}

/// Whether a constraint names an object, by its own id or by that of the incident it gave its name to.
pub(crate) fn names(objects: &Objects, constraint: &Constraint, id: &str) -> bool {
    constraint.objects.iter().any(|named| objects.resolve(named) == id)
}

/// Objects that one prohibition can keep apart, each from each. One of more binds nowhere: it is shown as an opinion, and
/// to dissolve what is one says the same in fewer words.
const APART_MAX: usize = 128;

/// The pairs that a constraint speaks of: all of them for a prohibition, a chain for a link.
fn pairs(objects: &Objects, constraint: &Constraint) -> Vec<Pair> {
    let objects = resolved(objects, constraint);
    match constraint.kind {
        ConstraintKind::CannotLink => {
            let each: BTreeSet<&String> = objects.iter().collect();
            if each.len() > APART_MAX {
                return Vec::new();
            }
            each.iter()
                .flat_map(|a| each.range::<&String, _>((Excluded(a), Unbounded)).map(|b| ordered(a, b)))
                .collect()
        }
        ConstraintKind::MustLink | ConstraintKind::Pin | ConstraintKind::Declare => {
            objects.iter().zip(objects.iter().skip(1)).map(|(a, b)| ordered(a, b)).filter(|(a, b)| a != b).collect()
        }
        _ => Vec::new(),
    }
}

fn ordered(a: &str, b: &str) -> Pair {
    if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) }
}
