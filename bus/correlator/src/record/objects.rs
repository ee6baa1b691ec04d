//! Every object's revisions as the log holds them, and which of them speaks now. Nothing is edited: a later revision, a
//! retraction, another observer change what speaks, never what stands here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_schemas::family::{Body, Erasure, Family, Scope};

use crate::join::scene::incident_id;
use crate::record::entry::{Entry, Observer, Order};

/// All revisions of one object, by observer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    observers: BTreeMap<Observer, BTreeMap<u64, Vec<Arc<Entry>>>>,
}

impl Object {
    fn insert(&mut self, entry: &Arc<Entry>) {
        let revisions = self.observers.entry(entry.observer()).or_default();
        let same = revisions.entry(entry.header().rev).or_default();
        same.push(Arc::clone(entry));
        same.sort_by(|a, b| (a.event.recorded, &a.event.id).cmp(&(b.event.recorded, &b.event.id)));
    }

    /// Every entry, by observer and revision.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.observers.values().flat_map(|revisions| revisions.values().flatten())
    }

    /// What each observer said last, withdrawn or not.
    pub(crate) fn last(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.observers
            .values()
            .filter_map(|revisions| revisions.values().rev().flat_map(|same| same.iter().rev()).next())
    }

    /// The entry that was logged first.
    pub(crate) fn first(&self) -> Option<&Arc<Entry>> {
        self.entries().min_by(|a, b| a.order.cmp(&b.order))
    }

    /// Where the object was logged first.
    pub(crate) fn first_order(&self) -> Option<&Order> {
        self.first().map(|entry| &entry.order)
    }

    /// The claims that one observer gave the same revision: two of them are a fork.
    pub(crate) fn same_revision(&self, entry: &Entry) -> &[Arc<Entry>] {
        let revisions = self.observers.get(&entry.observer());
        revisions.and_then(|revisions| revisions.get(&entry.header().rev)).map_or(&[], Vec::as_slice)
    }
}

/// Event id, source and hash of what was erased: whoever names an event under another source or hash must not stand
/// before the retraction that names it rightly.
type Gone = (String, String, String);

/// All objects, and what was withdrawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    by_family: BTreeMap<Family, BTreeMap<String, Object>>,
    withdrawn_events: BTreeMap<String, Vec<Arc<Entry>>>,
    withdrawn_objects: BTreeMap<String, Vec<Arc<Entry>>>,
    notices: BTreeMap<String, BTreeSet<String>>,
    /// By event id, the first logged first: the same event may stand in several audiences.
    by_event: BTreeMap<String, Vec<Arc<Entry>>>,
    by_incident: BTreeMap<String, String>,
    /// What was erased, and the retraction that did it.
    erased: BTreeMap<Gone, Arc<Entry>>,
    erased_of: BTreeMap<String, BTreeSet<Gone>>,
    /// What was taken out, by the retraction's place: it counts again if the retraction is held back after all.
    set_aside: BTreeMap<Order, Arc<Entry>>,
}

impl Objects {
    /// Adds an entry.
    pub(crate) fn insert(&mut self, entry: &Arc<Entry>) {
        let id = entry.header().object_id.clone();
        self.by_family.entry(entry.family()).or_default().entry(id.clone()).or_default().insert(entry);
        let same = self.by_event.entry(entry.event.id.clone()).or_insert_with(|| Vec::with_capacity(1));
        let after = same.partition_point(|known| known.order < entry.order);
        same.insert(after, Arc::clone(entry));
        match &entry.claim().body {
            Body::Impact(_) => {
                self.by_incident.entry(incident_id(&id)).or_insert_with(|| id.clone());
            }
            Body::Notice(notice) => {
                self.notices.entry(notice.about.clone()).or_default().insert(id.clone());
            }
            Body::Retraction(retraction) => {
                let (map, key) = match retraction.scope {
                    Scope::Object => (&mut self.withdrawn_objects, &retraction.target_object),
                    _ => (&mut self.withdrawn_events, &retraction.target),
                };
                map.entry(key.clone()).or_default().push(Arc::clone(entry));
            }
            _ => {}
        }
    }

    /// Takes an entry out again: its chain was broken by a predecessor that came later.
    pub(crate) fn remove(&mut self, entry: &Entry) {
        let others = |kept: &Arc<Entry>| kept.order != entry.order;
        if let Some(same) = self.by_event.get_mut(&entry.event.id) {
            same.retain(others);
        }
        if let Body::Retraction(_) = &entry.claim().body {
            for withdrawals in self.withdrawn_events.values_mut().chain(self.withdrawn_objects.values_mut()) {
                withdrawals.retain(others);
            }
        }
        let objects = self.by_family.get_mut(&entry.family());
        let Some(object) = objects.and_then(|map| map.get_mut(&entry.header().object_id)) else { return };
        if let Some(same) =
            object.observers.get_mut(&entry.observer()).and_then(|revs| revs.get_mut(&entry.header().rev))
        {
            same.retain(others);
        }
    }

    /// Remembers that an event of an object was erased, by the retraction that was logged first.
    pub(crate) fn erase(&mut self, erasure: &Erasure, retraction: &Arc<Entry>) {
        let target = gone(erasure);
        let by = self.erased.entry(target.clone()).or_insert_with(|| Arc::clone(retraction));
        if retraction.order < by.order {
            *by = Arc::clone(retraction);
        }
        self.erased_of.entry(erasure.object.clone()).or_default().insert(target);
    }

    /// Keeps what a retraction took out.
    pub(crate) fn set_aside(&mut self, retraction: &Entry, target: Arc<Entry>) {
        self.set_aside.insert(retraction.order.clone(), target);
    }

    /// Undoes the erasing by a retraction that is held back after all; gives what it took out.
    pub(crate) fn bring_back(&mut self, retraction: &Entry) -> Option<Arc<Entry>> {
        let erasure = Erasure::of(&retraction.event)?;
        let target = gone(&erasure);
        if self.erased.get(&target).is_some_and(|by| by.order == retraction.order) {
            self.erased.remove(&target);
            self.erased_of.get_mut(&erasure.object).map(|of| of.remove(&target));
        }
        self.set_aside.remove(&retraction.order)
    }

    /// The retraction that erased an event: of several that name it otherwise, the one that was logged first.
    pub(crate) fn erased(&self, event: &str) -> Option<&Arc<Entry>> {
        let from = (event.to_owned(), String::new(), String::new());
        let named = self.erased.range(from..).take_while(|((id, ..), _)| id == event);
        let retractions = named.map(|(_, retraction)| retraction).filter(|retraction| !self.is_astray(retraction));
        retractions.min_by_key(|retraction| &retraction.order)
    }

    /// The retraction that did an erasing.
    pub(crate) fn erased_by(&self, erasure: &Erasure) -> Option<&Arc<Entry>> {
        self.erased.get(&gone(erasure)).filter(|retraction| !self.is_astray(retraction))
    }

    /// Whether what a retraction is to erase stands in another audience, where its word does not count.
    fn is_astray(&self, retraction: &Entry) -> bool {
        Erasure::of(&retraction.event).is_some_and(|erasure| {
            let elsewhere = self.events(&erasure.event).iter().filter(|target| !is_of_audience(retraction, target));
            elsewhere.into_iter().any(|target| erasure.names(&target.event, &target.payload))
        })
    }

    /// The retractions that erased something, in the order of what they erased.
    pub(crate) fn erasures(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.erased.values()
    }

    /// Whether a retraction names something of an object as erased.
    pub(crate) fn is_partly_erased(&self, object: &str) -> bool {
        self.erased_of.contains_key(object)
    }

    /// The retractions that erased something of an object.
    pub(crate) fn erasures_of(&self, object: &str) -> impl Iterator<Item = &Arc<Entry>> {
        let retractions = self.erased_of.get(object).into_iter().flatten().filter_map(|target| self.erased.get(target));
        retractions.filter(|retraction| !self.is_astray(retraction))
    }

    /// Whether a claim only affirms what its observer said before.
    pub(crate) fn affirms(&self, entry: &Entry) -> bool {
        let before = |other: &Arc<Entry>| other.header().rev < entry.header().rev && other.is_by_observer_of(entry);
        let object = || self.get(entry.family(), &entry.header().object_id);
        entry.header().cause.as_deref() == Some("still") && object().is_some_and(|object| object.entries().any(before))
    }

    /// The families that have an object of this id.
    pub(crate) fn families_of(&self, id: &str) -> Vec<Family> {
        self.by_family.iter().filter(|(_, map)| map.contains_key(id)).map(|(family, _)| *family).collect()
    }

    /// An object of a family.
    pub(crate) fn get(&self, family: Family, id: &str) -> Option<&Object> {
        self.by_family.get(&family)?.get(id)
    }

    /// All objects of a family, in the order of ids.
    pub(crate) fn of(&self, family: Family) -> impl Iterator<Item = (&str, &Object)> {
        self.by_family.get(&family).into_iter().flatten().map(|(id, object)| (id.as_str(), object))
    }

    /// The public statements of which a revision is about an object, in the order of ids.
    pub(crate) fn notices_about<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Object> {
        let ids = self.notices.get(id).into_iter().flatten();
        let notices = ids.filter_map(|id| self.get(Family::Notice, id));
        notices.filter(move |notice| notice.entries().any(|entry| is_about(entry, id)))
    }

    /// What public statements say about an object now, in the order of their ids.
    pub(crate) fn statements_about<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        let current = self.notices_about(id).filter_map(|notice| self.current(notice));
        current.filter(move |entry| is_about(entry, id))
    }

    /// Who withdrew an entry, if anybody who may did.
    pub(crate) fn withdrawn<'a>(&'a self, entry: &Entry) -> Option<&'a Arc<Entry>> {
        let by_event = self.withdrawn_events.get(&entry.event.id).into_iter().flatten();
        let by_object = self.withdrawn_objects.get(&entry.header().object_id).into_iter().flatten();
        let by_object = by_object.filter(|r| reaches(r, entry));
        by_event.chain(by_object).filter(|r| may_withdraw(r, entry)).min_by_key(|r| &r.order)
    }

    /// The claim of one observer that counts: the greatest revision that is not withdrawn.
    fn current_of<'a>(&self, revisions: &'a BTreeMap<u64, Vec<Arc<Entry>>>) -> Option<&'a Arc<Entry>> {
        revisions.values().rev().flat_map(|same| same.iter().rev()).find(|entry| self.withdrawn(entry).is_none())
    }

    /// What each observer of an object now says.
    pub(crate) fn observed<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a Arc<Entry>> {
        object.observers.values().filter_map(|revisions| self.current_of(revisions))
    }

    /// The claim that speaks: that of the object's own speaker before anybody else's, its own words before polled and told
    /// ones; of several observers the one with the later provider stamp, else the later observation.
    pub(crate) fn current<'a>(&'a self, object: &'a Object) -> Option<&'a Arc<Entry>> {
        speaking(self.observed(object))
    }

    /// The claim that spoke last of an object of which no claim stands, and the retraction that withdrew it.
    pub(crate) fn ended<'a>(&'a self, object: &'a Object) -> Option<(&'a Arc<Entry>, &'a Arc<Entry>)> {
        if self.observed(object).next().is_some() {
            return None;
        }
        let last = speaking(object.last())?;
        Some((last, self.withdrawn(last)?))
    }

    /// The events that an object's revisions answer, as far as they stand: who revises an answer need not name it again.
    pub(crate) fn causes(&self, family: Family, id: &str) -> impl Iterator<Item = &str> {
        let standing =
            self.get(family, id).into_iter().flat_map(Object::entries).filter(|e| self.withdrawn(e).is_none());
        standing.filter_map(|entry| entry.event.causation.as_deref())
    }

    /// The claim that speaks for an id of a family.
    pub(crate) fn current_by_id(&self, family: Family, id: &str) -> Option<&Arc<Entry>> {
        self.current(self.get(family, id)?)
    }

    /// What speaks of an object in one audience.
    pub(crate) fn current_in(&self, family: Family, id: &str, audience: &str) -> Option<&Arc<Entry>> {
        speaking(self.observed(self.get(family, id)?).filter(|entry| entry.event.audience == audience))
    }

    /// The current claims of a family, in the order of object ids.
    pub(crate) fn currents(&self, family: Family) -> impl Iterator<Item = &Arc<Entry>> {
        self.of(family).filter_map(|(_, object)| self.current(object))
    }

    /// What speaks of each object of a family in each audience, in the order of object ids.
    pub(crate) fn currents_by_audience(&self, family: Family) -> impl Iterator<Item = &Arc<Entry>> {
        self.of(family).flat_map(|(_, object)| {
            let mut by_audience: BTreeMap<&str, Vec<&Arc<Entry>>> = BTreeMap::new();
            for entry in self.observed(object) {
                by_audience.entry(&entry.event.audience).or_default().push(entry);
            }
            by_audience.into_values().filter_map(|entries| speaking(entries.into_iter()))
        })
    }

    /// How many statements stand.
    pub(crate) fn notice_count(&self) -> usize {
        self.by_family.get(&Family::Notice).map_or(0, BTreeMap::len)
    }

    /// An entry by event id; of several audiences, that which was logged first.
    pub(crate) fn event(&self, id: &str) -> Option<&Arc<Entry>> {
        self.events(id).first()
    }

    /// The entries of an event id, one an audience.
    pub(crate) fn events(&self, id: &str) -> &[Arc<Entry>] {
        self.by_event.get(id).map_or(&[], Vec::as_slice)
    }

    /// The audiences in which something was said of an object, or an event stands, by its id or that of its incident.
    pub(crate) fn audiences(&self, name: &str) -> BTreeSet<&str> {
        let object = self.by_incident.get(name).map_or(name, String::as_str);
        let entries = Family::ALL.iter().filter_map(|family| self.get(*family, object)).flat_map(Object::entries);
        let entries = entries.chain(self.events(name)).chain(self.erasures_of(object)).chain(self.erased(name));
        entries.map(|entry| entry.event.audience.as_str()).collect()
    }

    /// The object that a person names by the id of an incident or of an event; any other name stands for itself.
    pub(crate) fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        let by_event = || self.event(name).map(|entry| &entry.header().object_id);
        self.by_incident.get(name).or_else(by_event).map_or(name, String::as_str)
    }
}

fn is_about(notice: &Entry, id: &str) -> bool {
    matches!(&notice.claim().body, Body::Notice(notice) if notice.about == id)
}

fn gone(erasure: &Erasure) -> Gone {
    (erasure.event.clone(), erasure.source.to_string(), erasure.hash.clone())
}

/// Of what several observers say of an object, the claim that speaks.
fn speaking<'a>(observed: impl Iterator<Item = &'a Arc<Entry>>) -> Option<&'a Arc<Entry>> {
    observed.max_by(|a, b| {
        let standing = |e: &Entry| (is_owner(e), std::cmp::Reverse(e.header().speaker.relay.rank()));
        let stamps = |e: &Entry| (e.header().times.published_at, e.header().times.observed_at);
        let rank = |e: &Entry| (standing(e), stamps(e));
        rank(a).cmp(&rank(b)).then_with(|| b.event.source.cmp(&a.event.source))
    })
}

/// Whether an object is its speaker's: its id begins with the speaker's native system, or with the organisation whose
/// person wrote it. Whoever else speaks of it never speaks in its place.
fn is_owner(entry: &Entry) -> bool {
    let header = entry.header();
    let system = header.object_id.split(':').next().unwrap_or_default();
    let wrote =
        header.author.as_ref().is_some_and(|author| author.org == entry.event.source.org && author.org == system);
    wrote || system.split('.').any(|part| part == header.speaker.org)
}

/// Whether the retraction of an object reaches one of its revisions.
pub(crate) fn reaches(retraction: &Entry, entry: &Entry) -> bool {
    retracted_up_to(retraction) >= entry.header().rev && targets(retraction, entry)
}

fn retracted_up_to(retraction: &Entry) -> u64 {
    if let Body::Retraction(body) = &retraction.claim().body { body.target_rev } else { 0 }
}

fn targets(retraction: &Entry, entry: &Entry) -> bool {
    let Body::Retraction(body) = &retraction.claim().body else { return false };
    let target = entente_schemas::event::Source::parse(&body.target_source);
    let is_source = |source: entente_schemas::event::Source| {
        source.org == entry.event.source.org && source.feed == entry.event.source.feed
    };
    target.is_some_and(is_source) && is_of_audience(retraction, entry)
}

/// A retraction counts in its own audience: whoever reads only that of its target must see the same stand.
fn is_of_audience(retraction: &Entry, target: &Entry) -> bool {
    retraction.event.audience == target.event.audience
}

/// A retraction that names an event of one object and the id of another is void.
fn names_object(retraction: &Entry, target: &Entry) -> bool {
    matches!(&retraction.claim().body, Body::Retraction(body) if body.target_object == target.header().object_id)
}

/// Valid only from the target's own source organisation or from the coordinator.
fn may_withdraw(retraction: &Entry, target: &Entry) -> bool {
    let own = retraction.event.source.org == target.event.source.org;
    let named = names_object(retraction, target) && is_of_audience(retraction, target);
    named && (own || retraction.header().acts_as_coordinator())
}
