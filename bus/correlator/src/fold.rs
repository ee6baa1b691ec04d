//! The fold: records in any order of delivery, applied in the order of the log, to the state that every view is read from.
//! Nothing else goes in: no wall clock, no memory of earlier views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::event::Event;
use entente_schemas::family::{Body, Erasure, Family, ImpactKind};
use entente_schemas::record::{Position, Record};
use entente_schemas::speaker::Role;
use entente_schemas::subject::{AUDIENCE_ALL, log_stream};
use entente_schemas::tlp::Tlp;

use crate::incident::core::Core;
use crate::join::cluster::{Clusters, View};
use crate::join::facets;
use crate::join::ghost::Ghosts;
use crate::join::graph::{Graph, Id, Moved};
use crate::join::home;
use crate::join::place::{impacts_naming, impacts_referred};
use crate::join::reach::{self, Rules};
use crate::join::scene::{Ground, Referrals, incident_id, is_attached};
use crate::join::vertex;
use crate::model::Model;
use crate::picture::HeldBack;
use crate::record::admit::{Admission, Door};
use crate::record::entry::{Entry, Order, RoleTold};
use crate::record::objects::{Object, Objects};
use crate::record::place::Place;
use crate::sight::{FeedKey, Traffic, Traffics};

/// Refused records that are listed; the total is given.
const HELD_MAX: usize = 200;

/// Everything folded so far. A clone shares what it can.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) universe: String,
    pub(crate) model: Arc<Model>,
    pending: BTreeMap<(Arc<str>, u64), Record>,
    position: Position,
    pub(crate) door: Door,
    pub(crate) objects: Objects,
    pub(crate) graph: Graph,
    pub(crate) clusters: Clusters,
    pub(crate) ghosts: Ghosts,
    pub(crate) rules: Rules,
    rules_stale: bool,
    rules_until: Option<DateTime<Utc>>,
    pub(crate) referrals: Referrals,
    pub(crate) log: BTreeMap<Order, Arc<Entry>>,
    places: BTreeMap<(Arc<str>, u64), Order>,
    pub(crate) traffic: Traffics,
    /// What each speaker said that it is, where it was logged first, or where others said it first, if it did not itself;
    /// clouds are known beforehand.
    pub(crate) roles: BTreeMap<String, (Option<RoleTold>, Role)>,
    pub(crate) heard: BTreeMap<String, DateTime<Utc>>,
    pub(crate) maintenance: BTreeSet<String>,
    pub(crate) held: BTreeMap<Order, HeldBack>,
    pub(crate) held_total: usize,
    pub(crate) repeated: u64,
    logged: Option<DateTime<Utc>>,
    unsettled: BTreeSet<(Family, String)>,
    touched: BTreeSet<Id>,
    grown: BTreeSet<Id>,
    changed: BTreeSet<Id>,
    missing: BTreeSet<Id>,
    pub(crate) cores: BTreeMap<Id, Arc<Core>>,
}

impl State {
    /// The state before the first record.
    #[must_use]
    pub fn new(universe: &str, model: Arc<Model>) -> Self {
        let clouds = model.platforms.iter().map(|platform| (platform.provider.clone(), (None, Role::Provider)));
        Self {
            universe: universe.to_owned(),
            roles: clouds.collect(),
            model,
            pending: BTreeMap::new(),
            position: Position::default(),
            door: Door::default(),
            objects: Objects::default(),
            graph: Graph::default(),
            clusters: Clusters::default(),
            ghosts: Ghosts::default(),
            rules: Rules::default(),
            rules_stale: false,
            rules_until: None,
            referrals: Referrals::default(),
            log: BTreeMap::new(),
            places: BTreeMap::new(),
            traffic: Traffics::new(),
            heard: BTreeMap::new(),
            maintenance: BTreeSet::new(),
            held: BTreeMap::new(),
            held_total: 0,
            repeated: 0,
            logged: None,
            unsettled: BTreeSet::new(),
            touched: BTreeSet::new(),
            grown: BTreeSet::new(),
            changed: BTreeSet::new(),
            missing: BTreeSet::new(),
            cores: BTreeMap::new(),
        }
    }

    /// Takes a record in any order, any number of times. It counts once everything before it is [complete](Self::complete).
    pub fn offer(&mut self, record: Record) {
        if !self.position.covers(&record.stream, record.sequence) {
            self.pending.insert((Arc::clone(&record.stream), record.sequence), record);
        }
    }

    /// Everything up to `upto` was offered: applies it in the order of the log.
    pub fn complete(&mut self, upto: &Position) {
        let ready: Vec<(Arc<str>, u64)> =
            self.pending.keys().filter(|(stream, sequence)| upto.covers(stream, *sequence)).cloned().collect();
        let mut records: Vec<(Order, Record)> = Vec::with_capacity(ready.len());
        for key in ready {
            if let Some(record) = self.pending.remove(&key) {
                let logged = self.door.clamped(&record);
                records.push((Order { logged, stream: key.0, sequence: key.1 }, record));
            }
        }
        records.sort_by(|a, b| a.0.cmp(&b.0));
        for (order, record) in records {
            self.apply(order, &record);
        }
        for (stream, sequence) in upto.iter() {
            self.position.advance(stream, sequence);
        }
        self.settle();
    }

    /// How far the log counts.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// When the last record that counts was logged.
    #[must_use]
    pub fn logged(&self) -> Option<DateTime<Utc>> {
        self.logged
    }

    /// How many records were taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.log.len()
    }

    fn apply(&mut self, order: Order, record: &Record) {
        self.logged = Some(self.logged.map_or(order.logged, |last| last.max(order.logged)));
        match self.door.admit(record, order.logged, &self.model) {
            Admission::Repeated => self.repeated += 1,
            Admission::Held(reason) => self.hold(&order, record.subject.as_str(), reason),
            Admission::Taken { event, clock_suspect, breaks } => {
                if let Some(broken) = breaks {
                    self.expel(&broken, &order);
                }
                let facets = facets::of_claim(&event.claim, &self.model);
                let payload = Arc::clone(&record.payload);
                self.take(Arc::new(Entry { order, event: *event, facets, clock_suspect, payload }));
            }
        }
    }

    fn hold(&mut self, order: &Order, subject: &str, reason: String) {
        let subject: String = subject.chars().take(200).collect();
        if let Ok(parsed) = entente_schemas::subject::ClaimSubject::parse(&subject) {
            self.traffic.entry((parsed.org, parsed.feed, parsed.audience)).or_default().held_back += 1;
        }
        let held = HeldBack { position: order.place(), logged: order.logged, subject, reason };
        self.held.insert(order.clone(), held);
        if self.held.len() > HELD_MAX {
            self.held.pop_first();
        }
        self.held_total += 1;
    }

    /// A predecessor that came late names another hash than its successor does: the successor is held back after all.
    fn expel(&mut self, event_id: &str, order: &Order) {
        let of_stream = |entry: &&Arc<Entry>| entry.order.stream == order.stream;
        let Some(entry) = self.objects.events(event_id).iter().find(of_stream).cloned() else { return };
        self.take_out(&entry);
        self.hear_again(&entry);
        if let Some(target) = self.objects.bring_back(&entry) {
            self.take(target);
        }
        self.door.forget(&entry.event);
        let reason = format!("its chain names another predecessor than the one logged at {}", order.sequence);
        self.hold(
            &entry.order.clone(),
            &entry.event.expected_subject().map(|s| s.to_string()).unwrap_or_default(),
            reason,
        );
        self.touch_target(&entry);
    }

    fn take_out(&mut self, entry: &Entry) {
        self.objects.remove(entry);
        self.log.remove(&entry.order);
        self.places.remove(&(Arc::clone(&entry.order.stream), entry.order.sequence));
        if let Some(seen) = self.traffic.get_mut(&feed_of(entry)) {
            seen.claims = seen.claims.saturating_sub(1);
            if let Some(marked) = seen.marked.get_mut(&entry.event.tlp) {
                *marked = marked.saturating_sub(1);
            }
        }
    }

    /// Lets a retraction that erases take its target out, whether the log holds it still or not: who folds the log before
    /// and who folds it after the erasing see the same.
    fn forget(&mut self, retraction: &Arc<Entry>) {
        let Some(erasure) = Erasure::of(&retraction.event) else { return };
        self.door.bridge(&erasure, &retraction.event.audience);
        let named = self.objects.events(&erasure.event).iter();
        let mut named = named.filter(|target| target.order.stream == retraction.order.stream);
        let target = named.find(|target| erasure.names(&target.event, &target.payload)).cloned();
        if let Some(target) = target {
            self.take_out(&target);
            self.hear_again(&target);
            self.touch_target(&target);
            self.objects.set_aside(retraction, target);
        }
        self.objects.erase(&erasure, retraction);
        self.touch_target(retraction);
    }

    /// When the speaker and the transmitter of what is taken out were last heard besides, and what the speaker is.
    fn hear_again(&mut self, gone: &Entry) {
        let (speaker, feed) = (gone.speaker().to_owned(), feed_of(gone));
        let newest = |of: &dyn Fn(&Entry) -> bool| {
            self.log.values().rev().find(|entry| of(entry)).map(|entry| entry.order.logged)
        };
        let by_feed = newest(&|entry| feed_of(entry) == feed);
        let by_speaker = newest(&|entry| entry.speaker() == speaker && speaks(entry));
        if let Some(seen) = self.traffic.get_mut(&feed) {
            seen.heard = by_feed;
        }
        if self.roles.get(&speaker).is_some_and(|(first, _)| *first == Some(gone.role_told())) {
            let told = self.log.values().filter(|entry| entry.speaker() == speaker && speaks(entry));
            let first = told.min_by_key(|entry| entry.role_told());
            match first.map(|entry| (Some(entry.role_told()), entry.header().speaker.role)) {
                Some(role) => self.roles.insert(speaker.clone(), role),
                None => self.roles.remove(&speaker),
            };
        }
        match by_speaker {
            Some(heard) => self.heard.insert(speaker, heard),
            None => self.heard.remove(&speaker),
        };
    }

    /// The highest marking of what was said in sharing groups; none if nothing was.
    pub(crate) fn highest_marking(&self) -> Option<Tlp> {
        self.traffic.values().filter_map(Traffic::highest).max()
    }

    /// Whether an event is among what was taken.
    #[must_use]
    pub fn holds(&self, event: &str) -> bool {
        self.objects.event(event).is_some()
    }

    /// The retractions that erased something: what a view of a moment before them must not show either.
    #[must_use]
    pub fn erasures(&self) -> Vec<Arc<Entry>> {
        self.objects.erasures().cloned().collect()
    }

    /// Takes out what later retractions erased. Doing it again does nothing.
    pub fn erase(&mut self, retractions: &[Arc<Entry>]) {
        retractions.iter().for_each(|retraction| self.forget(retraction));
        self.settle();
    }

    fn take(&mut self, entry: Arc<Entry>) {
        let seen = self.traffic.entry(feed_of(&entry)).or_default();
        seen.claims += 1;
        seen.heard = seen.heard.max(Some(entry.order.logged));
        if let Some(shared) = entry.shared() {
            *seen.marked.entry(shared.tlp).or_default() += 1;
        }
        let speaker = &entry.header().speaker;
        if speaks(&entry) {
            let said = (Some(entry.role_told()), speaker.role);
            let known = self.roles.entry(speaker.org.clone()).or_insert_with(|| said.clone());
            if said.0 < known.0 {
                *known = said;
            }
            let heard = self.heard.entry(speaker.org.clone()).or_insert(entry.order.logged);
            *heard = entry.order.logged.max(*heard);
        }
        self.log.insert(entry.order.clone(), Arc::clone(&entry));
        self.places.insert((Arc::clone(&entry.order.stream), entry.order.sequence), entry.order.clone());
        self.objects.insert(&entry);
        if entry.family() == Family::Impact {
            self.touch_referrers(&entry);
        }
        self.touch_target(&entry);
        self.forget(&entry);
    }

    /// Notes the object of a record, and that which it withdraws.
    fn touch_target(&mut self, entry: &Entry) {
        self.unsettled.insert((entry.family(), entry.header().object_id.clone()));
        if self.objects.is_partly_erased(&entry.header().object_id) {
            self.touch_families(&entry.header().object_id);
        }
        if let Body::Notice(notice) = &entry.claim().body {
            self.unsettled.insert((Family::Impact, notice.about.clone()));
        }
        if let Body::Retraction(retraction) = &entry.claim().body {
            self.touch_families(&retraction.target_object);
        }
    }

    fn touch_families(&mut self, object: &str) {
        let families = self.objects.families_of(object);
        self.unsettled.extend(families.into_iter().map(|family| (family, object.to_owned())));
    }

    /// Looks again at what rests on the objects whose standing may have changed: each impact once, however many
    /// statements about it came, then what is attached to impacts.
    fn touch_unsettled(&mut self) {
        let unsettled = std::mem::take(&mut self.unsettled);
        let mut impacts: BTreeSet<String> = BTreeSet::new();
        for (family, id) in &unsettled {
            match family {
                Family::Impact => drop(impacts.insert(id.clone())),
                // A retraction names the statement only.
                Family::Notice => impacts.extend(self.objects.get(Family::Notice, id).into_iter().flat_map(abouts)),
                Family::Constraint => self.rules_stale = true,
                _ => {}
            }
        }
        impacts.iter().for_each(|id| self.touch_impact(id));
        impacts.iter().for_each(|id| self.changed.extend(home::concerned(self.ground(), (Family::Impact, id))));
        for (family, id) in unsettled.into_iter().filter(|(family, _)| is_attached(*family)) {
            let entry = self.objects.current_by_id(family, &id).cloned();
            if family == Family::Approach {
                self.changed.extend(home::concerned(self.ground(), (family, &id)));
            }
            let (keys, references) = self.referrals.set(&self.objects, (family, id), entry.as_deref());
            self.changed.extend(impacts_naming(&self.graph, &keys));
            self.changed.extend(impacts_referred(&self.objects, (&self.graph, &self.ghosts), &references));
        }
    }

    fn touch_impact(&mut self, id: &str) {
        let Some(current) = self.objects.current_by_id(Family::Impact, id) else {
            self.set_vertex(id, None);
            self.maintenance.remove(id);
            let ended = self.objects.get(Family::Impact, id).and_then(|object| self.objects.ended(object));
            self.ghosts.set(id, ended.map(|(_, by)| by.order.clone()));
            return;
        };
        let kind = current.claim().impact().map(|impact| (impact.kind, impact.phase.is_open()));
        if kind == Some((ImpactKind::Maintenance, true)) {
            self.maintenance.insert(id.to_owned());
        } else {
            self.maintenance.remove(id);
        }
        let vertex = vertex::of_object(&self.objects, &self.model, id);
        self.set_vertex(id, vertex);
        self.ghosts.set(id, None);
    }

    fn set_vertex(&mut self, id: &str, vertex: Option<crate::join::graph::Vertex>) {
        let id: Id = self.graph.id(id).unwrap_or_else(|| Arc::from(id));
        if self.rules.named.contains(&*id) {
            self.rules_stale = true;
        }
        match self.graph.set(&id, vertex, &self.model) {
            Moved::Nothing => {}
            Moved::Grown(id) => {
                self.grown.insert(id);
            }
            Moved::Around(ids) => self.touched.extend(ids),
        }
        self.changed.insert(id);
    }

    /// Impacts that named this one by its incident's or event's id before it was logged.
    fn touch_referrers(&mut self, entry: &Entry) {
        let own = incident_id(&entry.header().object_id);
        if self.rules.named.contains(&own) || self.rules.named.contains(&entry.event.id) {
            self.rules_stale = true;
        }
        let names = [own.as_str(), entry.event.id.as_str()].into_iter();
        let waiting = names.flat_map(|name| self.graph.referring(name).into_iter().chain(self.ghosts.referring(name)));
        let waiting: Vec<Id> = waiting.collect();
        self.unsettled.extend(waiting.iter().map(|id| (Family::Impact, id.to_string())));
    }

    fn settle(&mut self) {
        self.touch_unsettled();
        self.renew_rules();
        let view = View { graph: &self.graph, rules: &self.rules, model: &self.model };
        let touched = std::mem::take(&mut self.touched);
        let grown: Vec<Id> = std::mem::take(&mut self.grown).into_iter().filter(|id| !touched.contains(id)).collect();
        let mut stale = if touched.is_empty() { BTreeSet::new() } else { self.clusters.renew(view, touched) };
        grown.iter().for_each(|id| self.clusters.found(id));
        for id in grown {
            let concerned = self.clusters.grow(view, &id);
            stale.extend(concerned.unwrap_or_else(|| self.clusters.renew(view, BTreeSet::from([id]))));
        }
        let mut changed = std::mem::take(&mut self.changed);
        changed.extend(self.ghosts.settle(&self.objects, view, &changed));
        let ground = self.ground();
        stale.extend(changed.iter().filter_map(|id| ground.anchor_of(id)).cloned());
        for anchor in stale {
            self.cores.remove(&anchor);
            self.missing.insert(anchor);
        }
    }

    /// Constraints are read again when one was logged, when an object that one names changed, and when one expires.
    fn renew_rules(&mut self) {
        let Some(clock) = self.logged else { return };
        if !self.rules_stale && self.rules_until.is_none_or(|until| until > clock) {
            return;
        }
        let rules = Rules::read(&self.objects, clock);
        let named = self.rules.named.iter().chain(&rules.named);
        let named: Vec<&str> = named.map(|name| self.objects.resolve(name)).collect();
        let concerned: Vec<Id> = named.iter().filter_map(|id| self.graph.id(id)).collect();
        self.ghosts.named(&named);
        self.touched.extend(concerned.iter().cloned());
        self.changed.extend(concerned);
        self.changed.extend(named.iter().filter_map(|id| self.ghosts.heir(id)).cloned().collect::<Vec<_>>());
        self.rules_until = reach::standing(&self.objects, clock).filter_map(|(_, constraint)| constraint.expires).min();
        self.rules = rules;
        self.rules_stale = false;
    }

    /// Builds the cores that records have changed since they were last asked for.
    pub(crate) fn build_cores(&mut self) {
        for anchor in std::mem::take(&mut self.missing) {
            if self.clusters.members(&anchor).next().is_none() {
                continue;
            }
            if let Some(core) = Core::build(self.ground(), &anchor) {
                self.cores.insert(anchor, Arc::new(core));
            }
        }
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground {
            objects: &self.objects,
            graph: &self.graph,
            clusters: &self.clusters,
            ghosts: &self.ghosts,
            rules: &self.rules,
            referrals: &self.referrals,
            model: &self.model,
            log_clock: self.logged.unwrap_or_default(),
        }
    }

    /// Where the taken records of a stream stand after a sequence, the first first.
    pub(crate) fn places_after(&self, stream: &str, sequence: u64) -> impl Iterator<Item = &Order> {
        let first = (Arc::from(stream), sequence.saturating_add(1));
        let places = self.places.range(first..).take_while(move |((of, _), _)| **of == *stream);
        places.map(|(_, order)| order)
    }

    /// A taken record by its place in the log: a bare sequence is one of the log that everybody reads.
    pub(crate) fn at_place(&self, place: &Place) -> Option<&Arc<Entry>> {
        let everybodys = || log_stream(&self.universe, AUDIENCE_ALL).into();
        let stream = if place.stream.is_empty() { everybodys() } else { Arc::clone(&place.stream) };
        self.log.get(self.places.get(&(stream, place.sequence))?)
    }
}

/// What is said of feeds is not said by those whose words they carry.
fn speaks(entry: &Entry) -> bool {
    !matches!(entry.family(), Family::Feed | Family::Rejected)
}

fn feed_of(entry: &Entry) -> FeedKey {
    let Event { source, audience, .. } = &entry.event;
    (source.org.clone(), source.feed.clone(), audience.clone())
}

/// What the revisions of a statement were about.
fn abouts(notice: &Object) -> impl Iterator<Item = String> {
    notice.entries().filter_map(|entry| match &entry.claim().body {
        Body::Notice(notice) => Some(notice.about.clone()),
        _ => None,
    })
}
