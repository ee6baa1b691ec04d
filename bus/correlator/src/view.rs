//! Views of the state at a moment: the picture, one incident, and the records in words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::family::{Body, ConstraintKind, Erasure, Family};
use entente_schemas::record::Position;

use crate::fold::State;
use crate::incident::core::Core;
use crate::incident::explain;
use crate::incident::line::{erased, line};
use crate::incident::owed;
use crate::join::graph::Id;
use crate::join::place::incident_of;
use crate::join::reach;
use crate::matrix::{self, matrix};
use crate::picture::{Desk, HeldBack, Incident, Line, Owed, Picture, Rejected, Totals};
use crate::record::entry::{Entry, Order};
use crate::record::void::void;
use crate::select::{EventFilter, Select, Sort, StateFilter, With};
use crate::sight::{self, Sights};
use crate::words;

/// Newest records that the picture lists.
const RECENT: usize = 50;
/// Owed items and rejected items that the picture lists.
const LISTED: usize = 200;
/// How much of each incident the picture holds: it is asked for often, and the incident itself tells all.
const GLANCE: Depth = Depth { events: 5, near: 3 };
/// How much of an incident is told that is asked for by itself.
const WHOLE: Depth = Depth { events: Incident::EVENTS_MAX, near: explain::NEAR_MAX };

/// How far the lists of an incident go.
#[derive(Clone, Copy)]
struct Depth {
    /// Its newest records.
    events: usize,
    /// What was nearly joined.
    near: usize,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, the newest first.
    pub lines: Vec<Line>,
    /// What comes next stands before these sequences.
    pub rest: Position,
}

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Only records that this position does not count.
    pub after: Option<Position>,
    /// Of each stream only the records before its sequence here.
    pub before: Option<Position>,
}

impl State {
    /// The picture at `at`: totals over everything, and the incidents that were asked for.
    pub fn picture(&mut self, at: DateTime<Utc>, select: &Select) -> Picture {
        self.build_cores();
        let feeds = sight::feeds(&self.objects, &self.traffic, &self.door);
        let sights = Sights::read(&feeds);
        let (rejected, void) = (self.rejected(), self.void());
        let (matched, incidents) = self.selected(at, &sights, select);
        let source = matrix::Source {
            sights: &sights,
            roles: &self.roles,
            heard: &self.heard,
            at,
            silent_after: self.model.windows.silent_after(),
        };
        let (owed, overdue) = self.all_owed(at);
        Picture {
            as_of: self.position().to_string(),
            at,
            logged: self.logged(),
            universe: self.universe.clone(),
            model: self.model.id.clone(),
            totals: Totals { overdue, ..self.totals(at, &sights, (rejected.len(), void.len())) },
            matrix: matrix(self.open_cores(), &source),
            matched,
            incidents,
            owed,
            desks: self.desks(at),
            recent: self.log.values().rev().take(RECENT).map(|entry| self.line(entry)).collect(),
            held_back: self.held_back(void),
            rejected: rejected.into_iter().take(LISTED).collect(),
            tlp: self.highest_marking(),
            feeds,
        }
    }

    /// An incident by its id, an alias, an object id of a member, or the short name that a person declared.
    pub fn incident(&mut self, key: &str, at: DateTime<Utc>) -> Option<Incident> {
        self.build_cores();
        let anchor = self.anchor_by(key)?;
        let core = Arc::clone(self.cores.get(&anchor)?);
        let sights = Sights::read(&sight::feeds(&self.objects, &self.traffic, &self.door));
        Some(self.finish(&core, &anchor, (at, &sights), WHOLE))
    }

    /// Records in words, the newest first, from before a position.
    #[must_use]
    pub fn events(&self, before: Option<&Position>, limit: usize, filter: &EventFilter) -> Vec<Line> {
        self.page(&Span { after: None, before: before.cloned() }, limit, filter).lines
    }

    /// Records of a part of the log in words, the newest first.
    #[must_use]
    pub fn page(&self, span: &Span, limit: usize, filter: &EventFilter) -> Page {
        let mut page = Page { lines: Vec::new(), rest: Position::default() };
        let mut first: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in self.newest(span) {
            if page.lines.len() == limit {
                break;
            }
            first.insert(&*entry.order.stream, entry.order.sequence);
            if fits(entry, filter) {
                page.lines.push(self.line(entry));
            }
        }
        for (stream, end) in self.position().iter() {
            let unseen = || span.before.as_ref().map_or(end.saturating_add(1), |before| before.sequence(stream));
            page.rest.advance(stream, first.get(stream).copied().unwrap_or_else(unseen));
        }
        page
    }

    /// The records of a span, the newest first. What came lately is found by its places, however late it was.
    fn newest<'a>(&'a self, span: &'a Span) -> Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a> {
        let before =
            |order: &Order| span.before.as_ref().is_none_or(|end| order.sequence < end.sequence(&order.stream));
        let Some(after) = &span.after else {
            return Box::new(self.log.iter().rev().filter(move |(order, _)| before(order)).map(|(_, entry)| entry));
        };
        let places = self.position().iter().flat_map(|(stream, _)| self.places_after(stream, after.sequence(stream)));
        let mut orders: Vec<&Order> = places.filter(|order| before(order)).collect();
        orders.sort_unstable_by(|a, b| b.cmp(a));
        Box::new(orders.into_iter().filter_map(|order| self.log.get(order)))
    }

    /// One record by its event id or its place in the log, and its payload as it was logged; of what was erased, what is
    /// still known, and the payload of the retraction that erased it.
    #[must_use]
    pub fn event(&self, key: &str) -> Option<(Line, Arc<[u8]>)> {
        let by_place = || key.parse().ok().and_then(|place| self.at_place(&place));
        if let Some(entry) = self.objects.event(key).or_else(by_place) {
            return Some((self.line(entry), Arc::clone(&entry.payload)));
        }
        let retraction = self.objects.erased(key)?;
        Some((erased(retraction, Erasure::of(&retraction.event)?, None), Arc::clone(&retraction.payload)))
    }

    /// The current claim of an object by any observer, as it was logged: what a later revision starts from.
    #[must_use]
    pub fn current(&self, family: Family, object_id: &str) -> Option<&Arc<Entry>> {
        self.objects.current_by_id(family, object_id)
    }

    /// As [`State::current`], of what is said in one audience alone.
    #[must_use]
    pub fn current_in(&self, family: Family, object_id: &str, audience: &str) -> Option<&Arc<Entry>> {
        self.objects.current_in(family, object_id, audience)
    }

    /// The audiences in which something was said of an object, or an event stands, by its id or that of its incident;
    /// none if nothing was.
    #[must_use]
    pub fn audiences(&self, name: &str) -> BTreeSet<&str> {
        self.objects.audiences(name)
    }

    /// The object that the id of an incident or of an event stands for; any other name stands for itself.
    #[must_use]
    pub fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        self.objects.resolve(name)
    }

    fn anchor_by(&self, key: &str) -> Option<Id> {
        let (ground, id) = (self.ground(), self.objects.resolve(key));
        if let Some(anchor) = ground.anchor_of(id) {
            return Some(Id::clone(anchor));
        }
        self.anchor_by_name(key).or_else(|| self.anchor_of_any(id))
    }

    /// The newest declaration that binds; names of open incidents win over those of closed ones.
    fn anchor_by_name(&self, name: &str) -> Option<Id> {
        let wanted = name.trim().to_lowercase();
        let ground = self.ground();
        let declared = reach::standing(&self.objects, ground.log_clock).filter(|(entry, constraint)| {
            constraint.kind == ConstraintKind::Declare
                && self.rules.binding.contains(&entry.event.id)
                && constraint.name.as_ref().is_some_and(|name| name.trim().to_lowercase() == wanted)
        });
        let anchors = declared.filter_map(|(entry, constraint)| {
            let named = constraint.objects.iter().map(|name| self.objects.resolve(name));
            let anchor = named.filter_map(|id| ground.anchor_of(id)).next()?;
            Some((self.cores.get(anchor)?.summary.open, &entry.order, anchor))
        });
        anchors.max().map(|(_, _, anchor)| Id::clone(anchor))
    }

    fn anchor_of_any(&self, id: &str) -> Option<Id> {
        let found = Family::ALL.iter().find_map(|family| self.objects.current_by_id(*family, id))?;
        let ground = self.ground();
        let incident = incident_of(ground, found)?;
        ground.anchor_of(self.objects.resolve(&incident)).cloned()
    }

    fn open_cores(&self) -> impl Iterator<Item = &Core> {
        self.cores.values().map(|core| &**core).filter(|core| core.summary.open)
    }

    fn finish(&self, core: &Core, anchor: &Id, now: (DateTime<Utc>, &Sights), depth: Depth) -> Incident {
        let mut incident = core.finish(now.0, now.1, self.model.windows.silent_after(), depth.events);
        // What was nearly joined depends on the incidents around this one, so it is never kept.
        incident.near = explain::near_misses(self.ground(), anchor, &core.first, depth.near);
        let near = incident.near.iter().filter_map(|near| Some(near.shared.as_ref()?.tlp)).max();
        incident.tlp = incident.tlp.max(near);
        incident
    }

    fn selected(&self, at: DateTime<Utc>, sights: &Sights, select: &Select) -> (usize, Vec<Incident>) {
        let mut fitting: Vec<(&Id, &Core)> = self
            .cores
            .iter()
            .map(|(anchor, core)| (anchor, &**core))
            .filter(|(_, core)| selects(core, select, at))
            .collect();
        let matched = fitting.len();
        let limit = select.limit.min(Select::MOST);
        if limit < fitting.len() {
            fitting.select_nth_unstable_by(limit, |a, b| order(a.1, b.1, select.sort));
            fitting.truncate(limit);
        }
        fitting.sort_by(|a, b| order(a.1, b.1, select.sort));
        let views = fitting.into_iter().map(|(anchor, core)| self.finish(core, anchor, (at, sights), GLANCE));
        (matched, views.collect())
    }

    fn totals(&self, at: DateTime<Utc>, sights: &Sights, (rejected, void): (usize, usize)) -> Totals {
        let after = self.model.windows.silent_after();
        let recent = self.model.windows.recent();
        let mut totals = Totals {
            incidents: self.cores.len(),
            blind: sights.blind(),
            maintenance: self.maintenance.len(),
            notices: self.objects.notice_count(),
            claims: self.log.len() as u64,
            repeated: self.repeated,
            held_back: self.held_total + void,
            rejected,
            ..Totals::default()
        };
        for core in self.cores.values() {
            let summary = &core.summary;
            if summary.open {
                totals.open += 1;
                totals.silent += summary.silent(at, sights, after);
            } else {
                totals.closed += 1;
                totals.closed_recently += usize::from(at - summary.changed <= recent);
            }
            totals.disagreements += summary.disagreements;
        }
        totals
    }

    /// Promised updates of open incidents, and every message by which something is still owed, overdue first, as far as
    /// they are listed; and how much of all is overdue.
    fn all_owed(&self, at: DateTime<Utc>) -> (Vec<Owed>, usize) {
        let mut promises: Vec<&Owed> =
            self.open_cores().flat_map(Core::owed).filter(|owed| owed.kind == "update").collect();
        promises.sort_by_key(|owed| (owed.due_at, &owed.position));
        let unlisted = promises.iter().skip(LISTED).filter(|owed| owed.due_at.is_some_and(|due| due < at)).count();
        let mut all: Vec<Owed> = promises.into_iter().take(LISTED).cloned().collect();
        let ground = self.ground();
        let messages = self.objects.currents(Family::Message);
        let owed = messages.filter_map(|entry| {
            owed::of_message(ground, entry, None).filter(|owed| !owed.settled).map(|owed| (entry, owed))
        });
        all.extend(owed.map(|(entry, owed)| Owed { incident: incident_of(ground, entry), ..owed }));
        owed::settle(&mut all, at);
        let overdue = unlisted + all.iter().filter(|owed| owed.overdue).count();
        all.truncate(LISTED);
        (all, overdue)
    }

    fn desks(&self, at: DateTime<Utc>) -> Vec<Desk> {
        let desks = self.objects.currents(Family::Roster).filter_map(|entry| match &entry.claim().body {
            Body::Roster(roster) => Some(Desk {
                org: entry.speaker().to_owned(),
                desk: roster.desk.clone(),
                role: roster.role,
                bridge_url: roster.bridge_url.clone(),
                phone: roster.phone.clone(),
                until: roster.until,
                handing_over_to: roster.handing_over_to.clone(),
                expired: roster.until.is_some_and(|until| until < at),
                shared: entry.shared(),
            }),
            _ => None,
        });
        let mut desks: Vec<Desk> = desks.collect();
        desks.sort_by(|a, b| (&a.org, a.role, &a.desk).cmp(&(&b.org, b.role, &b.desk)));
        desks
    }

    /// What adapters could not take, the newest first.
    fn rejected(&self) -> Vec<Rejected> {
        let mut list: Vec<Rejected> = Vec::new();
        for (_, object) in self.objects.of(Family::Rejected) {
            let Some(entry) = self.objects.current(object) else { continue };
            let Body::Rejected(rejected) = &entry.claim().body else { continue };
            list.push(Rejected {
                feed: rejected.feed.clone(),
                reason: rejected.reason.clone(),
                position: rejected.position.clone(),
                digest: rejected.digest.clone(),
                bytes: rejected.bytes,
                logged: entry.order.logged,
                times: object.entries().count() as u64,
                shared: entry.shared(),
            });
        }
        list.sort_by(|a, b| b.logged.cmp(&a.logged).then_with(|| a.digest.cmp(&b.digest)));
        list
    }

    /// Retractions that were taken and withdraw nothing.
    fn void(&self) -> Vec<HeldBack> {
        let retractions = self.objects.of(Family::Retraction).flat_map(|(_, object)| object.entries());
        let void = retractions.filter_map(|entry| {
            Some(HeldBack {
                position: entry.position(),
                logged: entry.order.logged,
                subject: entry.event.expected_subject().map(|subject| subject.to_string()).unwrap_or_default(),
                reason: format!("withdraws nothing: {}", void(&self.objects, entry)?),
            })
        });
        void.collect()
    }

    /// What the door refused and what has no effect, the newest first.
    fn held_back(&self, mut all: Vec<HeldBack>) -> Vec<HeldBack> {
        all.extend(self.held.values().rev().cloned());
        all.sort_by(|a, b| (b.logged, &b.position).cmp(&(a.logged, &a.position)));
        all.truncate(LISTED);
        all
    }

    fn line(&self, entry: &Arc<Entry>) -> Line {
        let withdrawn = self.objects.withdrawn(entry).map(|by| words::org(by.author_org()));
        line(&self.objects, entry, incident_of(self.ground(), entry), withdrawn)
    }
}

fn fits(entry: &Entry, filter: &EventFilter) -> bool {
    filter.object.as_ref().is_none_or(|object| entry.header().object_id == *object)
        && filter.speaker.as_ref().is_none_or(|speaker| entry.speaker() == speaker)
        && filter.family.is_none_or(|family| entry.family() == family)
}

fn selects(core: &Core, select: &Select, at: DateTime<Utc>) -> bool {
    let summary = &core.summary;
    select.state.is_none_or(|state| summary.open == (state == StateFilter::Open))
        && select.provider.as_ref().is_none_or(|provider| summary.providers.contains(provider))
        && select.class.is_none_or(|class| summary.classes.contains(&class))
        && select.lane.as_ref().is_none_or(|org| core.has_lane(org))
        && select.with.is_none_or(|with| match with {
            With::Disagreement => summary.disagreements > 0,
            With::Overdue => summary.open && summary.overdue(at) > 0,
        })
}

fn order(a: &Core, b: &Core, sort: Sort) -> std::cmp::Ordering {
    let (x, y) = (&a.summary, &b.summary);
    let open = y.open.cmp(&x.open);
    let changed = || y.changed.cmp(&x.changed).then_with(|| a.id().cmp(b.id()));
    match sort {
        Sort::Severity => {
            open.then(y.severity.cmp(&x.severity)).then(y.disagreements.cmp(&x.disagreements)).then_with(changed)
        }
        Sort::Changed => open.then_with(changed),
        Sort::Started => open.then(y.started.cmp(&x.started)).then_with(changed),
        Sort::Name => a.name().to_lowercase().cmp(&b.name().to_lowercase()).then_with(changed),
    }
}
