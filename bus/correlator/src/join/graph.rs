//! Which impacts have something in common, by the five rules: same tracking id; same item page or advisory document; same
//! vendor and product, or artifact, near in time; same provider, service and region, near in time; and a vendor that says
//! it is hurt by a provider's outage. The index is the state; neighbours are derived from it, so nothing can go stale.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::header::Relation;
use entente_schemas::speaker::Role;

use crate::join::facets::{Facets, Found, Key};
use crate::model::Model;
use crate::record::entry::Order;

/// An object id, shared.
pub(crate) type Id = Arc<str>;

type Timed = BTreeSet<(DateTime<Utc>, Id)>;

/// A service in a region of a provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) provider: String,
    pub(crate) service: String,
    pub(crate) region: String,
}

/// What the rules look at of one impact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vertex {
    /// The id of the incident that it anchors, if it does.
    pub(crate) incident: String,
    pub(crate) speaker: String,
    pub(crate) role: Role,
    /// Where it was logged first.
    pub(crate) first: Order,
    /// The start that was stated first; restating it later never moves the vertex. Else when it was first said.
    pub(crate) onset: DateTime<Utc>,
    pub(crate) onset_stated: bool,
    pub(crate) facets: Facets,
    pub(crate) places: BTreeSet<Place>,
    pub(crate) classes: BTreeSet<ServiceClass>,
    pub(crate) providers: BTreeSet<String>,
}

/// One reason for a join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    Common(Key),
    Place(Place),
    Word(Relation),
}

/// A reason for a join, where it stands.
enum Tie<'a> {
    Common(&'a Key),
    Place(&'a Place),
    Word(Relation),
}

impl Tie<'_> {
    fn told(self) -> Evidence {
        match self {
            Self::Common(key) => Evidence::Common(key.clone()),
            Self::Place(place) => Evidence::Place(place.clone()),
            Self::Word(relation) => Evidence::Word(relation),
        }
    }
}

/// What a change of one vertex can move.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Nothing: the rules look at none of what changed.
    Nothing,
    /// Only this vertex's incident, which can only grow together with others.
    Grown(Id),
    /// These, in any way.
    Around(BTreeSet<Id>),
}

/// The index over all impacts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    vertices: BTreeMap<Id, Vertex>,
    by_key: BTreeMap<Key, Timed>,
    by_place: BTreeMap<Place, Timed>,
    by_provider: BTreeMap<String, Timed>,
    victims: BTreeMap<String, Timed>,
    by_vendor: BTreeMap<String, Timed>,
    by_onset: Timed,
    referrers: BTreeMap<String, BTreeSet<Id>>,
    /// Those that say of another expressly that it is not what they are.
    deniers: BTreeSet<Id>,
}

/// A key that more objects than this share is followed along time only.
const FOLLOW_ALL: usize = 48;

impl Graph {
    pub(crate) fn vertex(&self, id: &str) -> Option<&Vertex> {
        self.vertices.get(id)
    }

    /// The ids of all vertices.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &Id> {
        self.vertices.keys()
    }

    /// The vertices that name something by this reference.
    pub(crate) fn referring(&self, reference: &str) -> Vec<Id> {
        self.referrers.get(reference).into_iter().flatten().cloned().collect()
    }

    /// The shared id of a known vertex.
    pub(crate) fn id(&self, id: &str) -> Option<Id> {
        self.vertices.get_key_value(id).map(|(id, _)| Arc::clone(id))
    }

    /// Puts, replaces or removes a vertex; tells what that can move.
    pub(crate) fn set(&mut self, id: &Id, vertex: Option<Vertex>, model: &Model) -> Moved {
        if self.vertices.get(id) == vertex.as_ref() {
            return Moved::Nothing;
        }
        let old = self.vertices.remove(id);
        let grew = vertex.as_ref().is_some_and(|new| old.as_ref().is_none_or(|old| grows(old, new)));
        let alone = grew && vertex.as_ref().is_some_and(|new| !self.has_victims(new, model));
        let mut touched = BTreeSet::new();
        if let Some(old) = &old {
            touched.extend(self.around(id, old, model));
            self.reindex(id, old, false);
        }
        if let Some(new) = vertex {
            self.reindex(id, &new, true);
            touched.extend(self.around(id, &new, model));
            self.vertices.insert(Arc::clone(id), new);
        }
        touched.insert(Arc::clone(id));
        if alone { Moved::Grown(Arc::clone(id)) } else { Moved::Around(touched) }
    }

    fn reindex(&mut self, id: &Id, vertex: &Vertex, add: bool) {
        let at = (vertex.onset, Arc::clone(id));
        for key in vertex.facets.keys.keys() {
            mark(&mut self.by_key, key, &at, add);
        }
        for place in &vertex.places {
            mark(&mut self.by_place, place, &at, add);
        }
        for vendor in &vertex.facets.vendors {
            mark(&mut self.by_vendor, vendor, &at, add);
        }
        for provider in &vertex.facets.depends_on {
            mark(&mut self.victims, provider, &at, add);
        }
        if vertex.role == Role::Provider {
            mark(&mut self.by_provider, &vertex.speaker, &at, add);
        }
        for reference in vertex.facets.refers.keys() {
            let ids = self.referrers.entry(reference.clone()).or_default();
            if add {
                ids.insert(Arc::clone(id))
            } else {
                ids.remove(id)
            };
        }
        if vertex.facets.refers.values().any(|relation| *relation == Relation::DistinctFrom) {
            if add {
                self.deniers.insert(Arc::clone(id))
            } else {
                self.deniers.remove(id)
            };
        }
        if add {
            self.by_onset.insert(at)
        } else {
            self.by_onset.remove(&at)
        };
    }

    fn has_victims(&self, vertex: &Vertex, model: &Model) -> bool {
        vertex.role == Role::Provider && self.victims_of(vertex, model).next().is_some()
    }

    /// Impacts of vendors that say they are hurt by this provider, near in time.
    fn victims_of(&self, vertex: &Vertex, model: &Model) -> impl Iterator<Item = &Id> {
        let victims = self.victims.get(&vertex.speaker).into_iter();
        victims.flat_map(move |set| window(set, vertex.onset, model.windows.part_of())).map(|(_, id)| id)
    }

    /// Beside its own incident: what stands next to it in the lists that are followed along time, what it names and what
    /// names it, and whose part in an outage it can change.
    fn around(&self, id: &Id, vertex: &Vertex, model: &Model) -> BTreeSet<Id> {
        let at = (vertex.onset, Arc::clone(id));
        let by_key = vertex.facets.keys.keys().filter_map(|key| self.by_key.get(key));
        let lists = by_key.chain(vertex.places.iter().filter_map(|place| self.by_place.get(place)));
        let mut ids: BTreeSet<Id> = lists
            .flat_map(|set| set.range(..&at).next_back().into_iter().chain(set.range(&at..).nth(1)))
            .map(|(_, id)| Arc::clone(id))
            .collect();
        ids.extend(vertex.facets.refers.keys().filter_map(|reference| self.id(reference)));
        ids.extend(self.referring(id));
        if vertex.role == Role::Provider {
            ids.extend(self.victims_of(vertex, model).cloned());
        }
        ids
    }

    /// Those of the impacts that could be one incident with this one, each at most once, before the rules have judged.
    pub(crate) fn candidates(&self, id: &Id, model: &Model) -> BTreeSet<Id> {
        self.gather(id, 0, &|other| self.joins(id, other, model), model)
    }

    /// The impacts that are one incident with this one by rules one to four, or by a reference. Components of the whole
    /// relation are kept although long lists are followed along time only: an interval graph is connected by its steps.
    pub(crate) fn neighbours(&self, id: &Id, model: &Model) -> BTreeSet<Id> {
        let mut found = self.candidates(id, model);
        found.retain(|other| self.joins(id, other, model));
        found
    }

    /// As the candidates, but every one that shares a short list; long lists are followed along time over those that are
    /// forbidden, so that a prohibition parts two and not all before them from all after them.
    pub(crate) fn ties(&self, id: &Id, model: &Model, forbidden: &dyn Fn(&str) -> bool) -> BTreeSet<Id> {
        self.gather(id, FOLLOW_ALL, &|other| !forbidden(other) && self.joins(id, other, model), model)
    }

    /// Who shares a key, a place or a word: all of a short list, of a long one the nearest that are asked for.
    fn gather(&self, id: &Id, short_places: usize, asked: &dyn Fn(&Id) -> bool, model: &Model) -> BTreeSet<Id> {
        let Some(vertex) = self.vertices.get(id) else { return BTreeSet::new() };
        let at = (vertex.onset, Arc::clone(id));
        let mut found = BTreeSet::new();
        for set in vertex.facets.keys.keys().filter_map(|key| self.by_key.get(key)) {
            found.extend(self.near(set, &at, set.len() <= FOLLOW_ALL, (asked, model)));
        }
        for set in vertex.places.iter().filter_map(|place| self.by_place.get(place)) {
            found.extend(self.near(set, &at, set.len() <= short_places, (asked, model)));
        }
        found.extend(vertex.facets.refers.keys().filter_map(|reference| self.id(reference)));
        found.extend(self.referring(id));
        found.remove(id);
        found
    }

    /// All of a short list; of a long one the nearest on each side that the rules join.
    fn near(&self, set: &Timed, at: &(DateTime<Utc>, Id), all: bool, asked: Asked<'_>) -> Vec<Id> {
        if all {
            return set.iter().map(|(_, id)| Arc::clone(id)).collect();
        }
        let mut found = self.side(set.range(..at).rev(), asked);
        found.extend(self.side(set.range(at..).skip(1), asked));
        found
    }

    /// The nearest that the rules join, and those behind it that are not one with it because of a denial: all others
    /// behind it are, step by step.
    fn side<'a>(&self, list: impl Iterator<Item = &'a (DateTime<Utc>, Id)>, (asked, model): Asked<'_>) -> Vec<Id> {
        let (mut found, mut denied): (Vec<Id>, bool) = (Vec::new(), false);
        for (_, other) in list.take(SEARCHED) {
            let denies = self.deniers.contains(other);
            let reached = || found.iter().any(|known| self.joins(known, other, model));
            if (found.is_empty() || ((denied || denies) && !reached())) && asked(other) {
                found.push(Arc::clone(other));
                denied |= denies;
            }
            if !found.is_empty() && self.deniers.is_empty() {
                break;
            }
        }
        found
    }

    /// Why two impacts are one incident; empty if they are not.
    pub(crate) fn evidence(&self, a: &str, b: &str, model: &Model) -> Vec<Evidence> {
        self.tied(a, b, model).map(Tie::told).collect()
    }

    /// Whether two impacts are one incident.
    pub(crate) fn joins(&self, a: &str, b: &str, model: &Model) -> bool {
        self.tied(a, b, model).next().is_some()
    }

    /// How many reasons make two impacts one incident.
    pub(crate) fn strength(&self, a: &str, b: &str, model: &Model) -> usize {
        self.tied(a, b, model).count()
    }

    /// The reasons one by one, as far as they are asked for: nothing is copied.
    fn tied<'a>(&'a self, a: &str, b: &str, model: &Model) -> impl Iterator<Item = Tie<'a>> {
        let both = self.vertices.get(a).zip(self.vertices.get(b));
        both.into_iter().flat_map(move |(x, y)| tied((x, a), (y, b), model))
    }

    /// Every vertex that shares a key or a place with this one, which need not stand here, or that one of the two names
    /// by the other, before the rules have judged.
    pub(crate) fn sharing(&self, id: &str, vertex: &Vertex) -> BTreeSet<Id> {
        let by_key = vertex.facets.keys.keys().filter_map(|key| self.by_key.get(key));
        let lists = by_key.chain(vertex.places.iter().filter_map(|place| self.by_place.get(place)));
        let mut found: BTreeSet<Id> = lists.flatten().map(|(_, other)| Arc::clone(other)).collect();
        found.extend(vertex.facets.refers.keys().filter_map(|reference| self.id(reference)));
        found.extend(self.referring(id));
        found
    }

    /// Whether one of the two says expressly that it is not the other.
    pub(crate) fn kept_apart_by_word(&self, a: &str, b: &str) -> bool {
        let both = self.vertices.get(a).zip(self.vertices.get(b));
        both.is_some_and(|(x, y)| kept_apart((x, a), (y, b)))
    }

    /// The provider's impact that a vendor says it is hurt by, and the provider; the nearest in time whose regions do not
    /// differ from those that the vendor names.
    pub(crate) fn platform(&self, id: &str, model: &Model) -> Option<(Id, String)> {
        let vertex = self.vertices.get(id)?;
        if vertex.role != Role::Vendor {
            return None;
        }
        let fits = |provider: &String| {
            let outages = self.by_provider.get(provider)?;
            let after = TimeDelta::hours(1);
            let near = window(outages, vertex.onset, model.windows.part_of())
                .filter(|(onset, _)| *onset <= vertex.onset + after);
            let open = near.filter(|(_, other)| !self.regions_differ(vertex, provider, other));
            open.min_by_key(|(onset, other)| ((vertex.onset - *onset).abs(), Arc::clone(other)))
                .map(|(onset, other)| (*onset, other))
        };
        let found = vertex.facets.depends_on.iter().filter_map(|provider| Some((fits(provider)?, provider)));
        let nearest = found.min_by_key(|((onset, other), _)| ((vertex.onset - *onset).abs(), Arc::clone(other)));
        nearest.map(|((_, other), provider)| (Arc::clone(other), provider.clone()))
    }

    fn regions_differ(&self, victim: &Vertex, provider: &str, other: &str) -> bool {
        let named: BTreeSet<&str> =
            victim.facets.regions.iter().filter(|(p, _)| p == provider).map(|(_, region)| region.as_str()).collect();
        let Some(outage) = self.vertices.get(other) else { return true };
        let stated: BTreeSet<&str> = outage.places.iter().map(|place| place.region.as_str()).collect();
        !named.is_empty() && !stated.is_empty() && !stated.contains("global") && named.is_disjoint(&stated)
    }

    /// Impacts that share a facet, a vendor or a class nearby in time and are not joined: for showing what was kept apart.
    pub(crate) fn nearly(&self, id: &Id, model: &Model, most: usize, asked: &dyn Fn(&Id) -> bool) -> Vec<Id> {
        let Some(vertex) = self.vertices.get(id) else { return Vec::new() };
        let mut found: BTreeSet<(TimeDelta, Id)> = BTreeSet::new();
        let mut add = |set: &Timed, span: TimeDelta| {
            let others = nearest(set, vertex.onset, span, &|other| other != id && asked(other));
            found.extend(others.into_iter().map(|(onset, other)| ((*onset - vertex.onset).abs(), Arc::clone(other))));
        };
        for vendor in &vertex.facets.vendors {
            self.by_vendor.get(vendor).into_iter().for_each(|set| add(set, TimeDelta::days(7)));
        }
        for provider in &vertex.facets.depends_on {
            self.by_provider.get(provider).into_iter().for_each(|set| add(set, model.windows.part_of()));
        }
        add(&self.by_onset, model.windows.near());
        let shares = |other: &Vertex| {
            !vertex.classes.is_disjoint(&other.classes) || !vertex.facets.vendors.is_disjoint(&other.facets.vendors)
        };
        let close = found.into_iter().filter(|(_, other)| self.vertices.get(other).is_some_and(shares));
        close.map(|(_, other)| other).take(most).collect()
    }

    /// Impacts that name a key, for attaching what is no impact.
    pub(crate) fn naming(&self, key: &Key) -> impl Iterator<Item = &Id> {
        self.by_key.get(key).into_iter().flatten().map(|(_, id)| id)
    }
}

/// Whether two vertices, each with its id, are one incident.
pub(crate) fn ties(a: (&Vertex, &str), b: (&Vertex, &str), model: &Model) -> bool {
    tied(a, b, model).next().is_some()
}

fn tied<'a>((x, a): (&'a Vertex, &str), (y, b): (&'a Vertex, &str), model: &Model) -> impl Iterator<Item = Tie<'a>> {
    let lag = (x.onset - y.onset).abs();
    let (same_product, cited) = (model.windows.same_product(), model.windows.cited());
    let holds = move |key: &Key| match key {
        Key::Tracking(_) if own(x, key) && own(y, key) => false,
        Key::Product(..) | Key::Artifact(_) => lag <= same_product,
        _ => lag <= cited || stated(x, key) && stated(y, key),
    };
    let common = x.facets.keys.keys().filter(move |key| y.facets.keys.contains_key(*key) && holds(key));
    let near = lag <= model.windows.same_place();
    let place = near.then(|| x.places.intersection(&y.places).next()).flatten();
    let reasons = words(x, a, y, b).map(Tie::Word).chain(common.map(Tie::Common)).chain(place.map(Tie::Place));
    (!kept_apart((x, a), (y, b))).then_some(reasons).into_iter().flatten()
}

fn kept_apart((x, a): (&Vertex, &str), (y, b): (&Vertex, &str)) -> bool {
    let says = |v: &Vertex, other: &str| v.facets.refers.get(other) == Some(&Relation::DistinctFrom);
    let names = |v: &Vertex, other: &str| other.split_once(':').is_some_and(|(_, id)| says(v, id));
    says(x, b) || says(y, a) || names(x, b) || names(y, a)
}

/// By which words the two name each other as one.
fn words(x: &Vertex, a: &str, y: &Vertex, b: &str) -> impl Iterator<Item = Relation> + use<> {
    let said = [x.facets.refers.get(b).copied(), y.facets.refers.get(a).copied()].into_iter().flatten();
    said.filter(|relation| matches!(relation, Relation::Same | Relation::PartOf | Relation::CausedBy))
}

fn stated(vertex: &Vertex, key: &Key) -> bool {
    vertex.facets.keys.get(key).is_some_and(|found| *found != Found::Text)
}

fn own(vertex: &Vertex, key: &Key) -> bool {
    vertex.facets.keys.get(key) == Some(&Found::Own)
}

fn mark<K: Ord + Clone>(index: &mut BTreeMap<K, Timed>, key: &K, at: &(DateTime<Utc>, Id), add: bool) {
    if add {
        index.entry(key.clone()).or_default().insert(at.clone());
    } else if let Some(set) = index.get_mut(key) {
        set.remove(at);
        if set.is_empty() {
            index.remove(key);
        }
    }
}

/// Whether the new vertex joins all that the old one joined, so that incidents can only grow together.
fn grows(old: &Vertex, new: &Vertex) -> bool {
    let kept = |key: (&Key, &Found)| new.facets.keys.get(key.0).is_some_and(|found| found <= key.1);
    (old.onset, old.role, &old.speaker) == (new.onset, new.role, &new.speaker)
        && new.first <= old.first
        && old.facets.refers == new.facets.refers
        && old.facets.depends_on == new.facets.depends_on
        && old.facets.regions == new.facets.regions
        && old.facets.keys.iter().all(kept)
        && old.places.is_subset(&new.places)
}

/// Whether one is asked for, and the model by which it is told.
type Asked<'a> = (&'a dyn Fn(&Id) -> bool, &'a Model);

/// How far a long list is searched on each side for one that the rules join.
const SEARCHED: usize = 16;

fn window(set: &Timed, onset: DateTime<Utc>, span: TimeDelta) -> impl Iterator<Item = &(DateTime<Utc>, Id)> {
    let first: Id = Arc::from("");
    set.range((onset - span, first)..).take_while(move |(time, _)| *time <= onset + span)
}

/// Some on each side in time, within a span, of those that are asked for.
fn nearest<'a>(
    set: &'a Timed,
    onset: DateTime<Utc>,
    span: TimeDelta,
    asked: &dyn Fn(&Id) -> bool,
) -> Vec<&'a (DateTime<Utc>, Id)> {
    const EACH_SIDE: usize = 16;
    const SEEN: usize = 256;
    let here: (DateTime<Utc>, Id) = (onset, Arc::from(""));
    let before = set.range(..here.clone()).rev().take(SEEN).take_while(|(time, _)| onset - *time <= span);
    let after = set.range(here..).take(SEEN).take_while(|(time, _)| *time - onset <= span);
    let before = before.filter(|(_, id)| asked(id)).take(EACH_SIDE);
    before.chain(after.filter(|(_, id)| asked(id)).take(EACH_SIDE)).collect()
}
