//! One incident's view: a core that follows from the log alone and is kept until a record changes it, finished for a
//! moment by what only clock and feeds decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{ServiceClass, Severity};
use entente_schemas::family::{ConstraintKind, Erasure, Family, Phase};
use entente_schemas::speaker::{Relay, Role};
use entente_schemas::tlp::Tlp;

use crate::incident::brief::brief;
use crate::incident::cause::causes;
use crate::incident::disagree::{Views, disagreements};
use crate::incident::explain;
use crate::incident::lane::{self, lanes};
use crate::incident::line::{erased, line, says};
use crate::incident::owed;
use crate::incident::told::told;
use crate::incident::unknown::{unknowns, unseen};
use crate::incident::{approach, count};
use crate::join::graph::Id;
use crate::join::reach;
use crate::join::scene::{Ground, Hit, Scene, incident_id};
use crate::matrix::Contribution;
use crate::picture::{Advice, Brief, Change, Claimed, Incident, Line, Member, Opinion};
use crate::record::entry::{Entry, Order};
use crate::record::objects::Object;
use crate::sight::{Sights, is_blind};
use crate::words;

/// What of an incident does not depend on clock or feeds.
#[derive(Debug)]
pub(crate) struct Core {
    /// Without its records, of which lists show only a few.
    incident: Incident,
    records: Vec<Line>,
    /// The members that were logged first, around which near misses are looked for.
    pub(crate) first: Vec<Id>,
    /// For sorting, counting and filtering without building the whole view.
    pub(crate) summary: Summary,
}

/// What lists and figures need of an incident.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) open: bool,
    pub(crate) severity: u8,
    pub(crate) disagreements: usize,
    pub(crate) changed: DateTime<Utc>,
    pub(crate) started: Option<DateTime<Utc>>,
    pub(crate) due: Vec<DateTime<Utc>>,
    pub(crate) quiet: Vec<(String, DateTime<Utc>, bool)>,
    pub(crate) providers: BTreeSet<String>,
    pub(crate) classes: BTreeSet<ServiceClass>,
    pub(crate) cells: Vec<Contribution>,
}

impl Core {
    /// Builds the core of an anchor's incident; none if no impact of it stands.
    pub(crate) fn build(ground: Ground<'_>, anchor: &Id) -> Option<Self> {
        let scene = Scene::gather(ground, anchor);
        let first = scene.hits.first()?;
        let first_logged = ground.graph.vertex(anchor).map_or(first.entry.order.logged, |vertex| vertex.first.logged);
        let lanes = lanes(&scene);
        let open = is_open(&scene);
        let (causes, counts, approaches) = (causes(&scene), count::counts(&scene), approach::approaches(&scene));
        let views = Views { lanes: &lanes, causes: &causes, counts: &counts, approaches: &approaches, open };
        let disagreements = disagreements(&scene, &views);
        let (name, declared_by) = explain::name(&scene);
        let id = ground.incident(anchor);
        let mut owed: Vec<_> =
            scene.attached.iter().filter_map(|entry| owed::of_message(ground, entry, Some(&id))).collect();
        owed.extend(owed::promised(&lanes, &id));
        let (history, constraints) = (history(&scene), explain::opinions(&scene));
        let newest = history.iter().take(Incident::EVENTS_MAX);
        let records = newest.map(|entry| event_line(&scene, entry, &id)).collect();
        let incident = Incident {
            aliases: aliases(&scene),
            name,
            declared_by,
            open,
            first_logged,
            started: started(&scene),
            worst: worst(&scene, open),
            changed: change(&scene),
            members: members(&scene),
            unknowns: unknowns(&scene, &lanes, &causes, &counts),
            advisories: advisories(&scene),
            told: told(&scene),
            owed,
            decisions: owed::decisions(scene.attached.iter().copied()),
            why: explain::joins(&scene),
            near: Vec::new(),
            tlp: highest_marking(&history, &constraints),
            constraints,
            events_total: history.len(),
            events: Vec::new(),
            brief: Brief::default(),
            lanes,
            disagreements,
            causes,
            approaches,
            counts,
            id,
        };
        let summary = summary(&scene, &incident);
        let first = scene.hits.iter().filter_map(|hit| ground.graph.id(&hit.entry.header().object_id));
        let first = first.take(explain::NEAR_MEMBERS).collect();
        Some(Self { incident, records, first, summary })
    }

    /// The view at `at`, with the newest `records` of its records.
    pub(crate) fn finish(
        &self,
        at: DateTime<Utc>,
        sights: &Sights,
        silent_after: TimeDelta,
        records: usize,
    ) -> Incident {
        let mut incident = self.incident.clone();
        incident.events = self.records.iter().take(records).cloned().collect();
        for lane in &mut incident.lanes {
            lane.sight = sights.of(&lane.speaker);
            incident.tlp = incident.tlp.max(sights.marked(&lane.speaker));
            lane.silent_since = silent_since(lane, incident.open, incident.first_logged, at, silent_after);
            let Some(claim) = &mut lane.claim else { continue };
            lane.overdue_since = claim.next_update_by.filter(|due| claim.phase.is_open() && *due < at);
            if claim.relay == Relay::Polled && claim.seen_by.iter().any(|feed| sights.is_live(feed)) {
                claim.confirmed = Some(at);
            }
        }
        let blind = unseen(&incident.lanes);
        incident.unknowns.splice(0..0, blind);
        owed::settle(&mut incident.owed, at);
        incident.brief = brief(&incident, at);
        incident
    }

    /// The id without building the view.
    pub(crate) fn id(&self) -> &str {
        &self.incident.id
    }

    /// The name without building the view.
    pub(crate) fn name(&self) -> &str {
        &self.incident.name
    }

    /// What is owed here, unsettled.
    pub(crate) fn owed(&self) -> impl Iterator<Item = &crate::picture::Owed> {
        self.incident.owed.iter()
    }

    /// The speakers with a lane.
    pub(crate) fn has_lane(&self, org: &str) -> bool {
        self.incident.lanes.iter().any(|lane| lane.speaker == org)
    }
}

impl Incident {
    /// Records listed at most; the total is given.
    pub const EVENTS_MAX: usize = 200;
}

impl Summary {
    /// How many promises are past at `at`.
    pub(crate) fn overdue(&self, at: DateTime<Utc>) -> usize {
        self.due.iter().filter(|due| **due < at).count()
    }

    /// How many lanes are silent at `at`.
    pub(crate) fn silent(&self, at: DateTime<Utc>, sights: &Sights, after: TimeDelta) -> usize {
        let quiet = self.quiet.iter().filter(|(_, since, _)| at - *since > after);
        quiet.filter(|(speaker, _, heard)| can_be_silent(&sights.of(speaker), *heard)).count()
    }
}

/// Silence can be told only of those that could be heard: through a feed that works, or because a person spoke before.
fn can_be_silent(sight: &crate::picture::Sight, heard: bool) -> bool {
    sight.live > 0 || sight.feeds == 0 && heard
}

fn silent_since(
    lane: &crate::picture::Lane,
    open: bool,
    first_logged: DateTime<Utc>,
    at: DateTime<Utc>,
    after: TimeDelta,
) -> Option<DateTime<Utc>> {
    let closed = lane.claim.as_ref().is_some_and(|claim| !claim.phase.is_open());
    let since = lane.heard.unwrap_or(first_logged);
    let quiet = open && !closed && !is_blind(&lane.sight) && at - since > after;
    (quiet && can_be_silent(&lane.sight, lane.heard.is_some())).then_some(since)
}

/// Open as long as a speaker says so, unless a person whose word binds closed it and nobody spoke since.
fn is_open(scene: &Scene<'_>) -> bool {
    let open = |hit: &Hit<'_>| hit.impact.phase.is_open();
    if !scene.hits.iter().any(open) {
        return false;
    }
    let closes = reach::standing(scene.ground.objects, scene.ground.log_clock).filter(|(entry, constraint)| {
        constraint.kind == ConstraintKind::Close
            && scene.ground.rules.binding.contains(&entry.event.id)
            && scene.is_named(constraint)
    });
    let closed = closes.map(|(entry, _)| &entry.order).max();
    closed.is_none_or(|closed| scene.hits.iter().any(|hit| open(hit) && hit.entry.order > *closed))
}

fn aliases(scene: &Scene<'_>) -> Vec<String> {
    let members = scene.hits.iter().map(|hit| hit.entry.header().object_id.as_str());
    let others = members.filter(|id| **id != *scene.anchor);
    others.chain(scene.ghosts.iter().map(|id| &***id)).map(incident_id).collect()
}

fn started(scene: &Scene<'_>) -> Option<Claimed<DateTime<Utc>>> {
    let stated = scene.hits.iter().filter_map(|hit| Some((hit.entry.header().times.occurred_at?, hit)));
    let first = stated.min_by_key(|(start, hit)| (*start, &hit.entry.order));
    first.map(|(value, hit)| Claimed { value, speaker: hit.entry.speaker().to_owned() })
}

fn worst(scene: &Scene<'_>, open: bool) -> Option<Claimed<Severity>> {
    let asked = scene.hits.iter().filter(|hit| !open || hit.impact.phase.is_open());
    let worst = asked.max_by_key(|hit| (hit.impact.severity.rank(), std::cmp::Reverse(&hit.entry.order)))?;
    Some(Claimed { value: worst.impact.severity, speaker: worst.entry.speaker().to_owned() })
}

fn change(scene: &Scene<'_>) -> Change {
    let newest = scene.all().filter(|entry| !scene.ground.objects.affirms(entry));
    match newest.max_by_key(|entry| &entry.order) {
        Some(entry) => Change {
            at: entry.order.logged,
            speaker: entry.speaker().to_owned(),
            what: says(scene.ground.objects, entry),
        },
        None => Change { at: DateTime::<Utc>::MIN_UTC, speaker: String::new(), what: String::new() },
    }
}

fn members(scene: &Scene<'_>) -> Vec<Member> {
    let impacts = scene.hits.iter().map(|hit| member(scene, hit.entry, hit.impact.title.clone()));
    let attached =
        scene.attached.iter().map(|entry| member(scene, entry, words::cut(&says(scene.ground.objects, entry), 160)));
    impacts.chain(attached).collect()
}

fn member(scene: &Scene<'_>, entry: &Arc<Entry>, title: String) -> Member {
    let (family, id) = (entry.family(), &entry.header().object_id);
    let object = scene.ground.objects.get(family, id);
    Member {
        object_id: id.clone(),
        family,
        speaker: entry.speaker().to_owned(),
        notices: scene.ground.objects.statements_about(id).count(),
        title,
        relation: explain::relation(scene.ground, family, id),
        position: entry.position(),
        revisions: object.map_or(0, |object| object.entries().count()),
        shared: entry.shared(),
    }
}

fn advisories(scene: &Scene<'_>) -> Vec<Advice> {
    let mut list: Vec<Advice> = scene
        .of(Family::Advisory)
        .filter_map(|entry| match &entry.claim().body {
            entente_schemas::family::Body::Advisory(advisory) => Some(Advice {
                object_id: entry.header().object_id.clone(),
                speaker: entry.speaker().to_owned(),
                relay: entry.header().speaker.relay,
                told_by: lane::told_by(entry),
                category: advisory.category,
                title: advisory.title.clone(),
                text: advisory.text.clone(),
                logged: entry.order.logged,
                shared: entry.shared(),
            }),
            _ => None,
        })
        .collect();
    list.sort_by(|a, b| b.logged.cmp(&a.logged).then_with(|| a.object_id.cmp(&b.object_id)));
    list
}

/// Every record of the incident's objects, and what of them was erased, the newest first.
fn history<'a>(scene: &Scene<'a>) -> Vec<&'a Arc<Entry>> {
    let objects = scene.ground.objects;
    let ids = scene.hits.iter().map(|hit| (Family::Impact, hit.entry.header().object_id.as_str()));
    let ids = ids.chain(scene.ghosts.iter().map(|id| (Family::Impact, &***id)));
    let ids = ids.chain(scene.attached.iter().map(|entry| (entry.family(), entry.header().object_id.as_str())));
    let mut entries: BTreeMap<&Order, &Arc<Entry>> = BTreeMap::new();
    for (family, id) in ids {
        let of = objects.get(family, id).into_iter().chain(objects.notices_about(id));
        entries.extend(of.flat_map(Object::entries).chain(objects.erasures_of(id)).map(|entry| (&entry.order, entry)));
    }
    entries.into_values().rev().collect()
}

/// The highest marking of what was said in sharing groups.
fn highest_marking(history: &[&Arc<Entry>], opinions: &[Opinion]) -> Option<Tlp> {
    let said = history.iter().filter_map(|entry| Some(entry.shared()?.tlp));
    said.chain(opinions.iter().filter_map(|opinion| Some(opinion.shared.as_ref()?.tlp))).max()
}

fn event_line(scene: &Scene<'_>, entry: &Arc<Entry>, incident: &str) -> Line {
    if let Some(erasure) = Erasure::of(&entry.event) {
        return erased(entry, erasure, Some(incident.to_owned()));
    }
    let withdrawn = scene.ground.objects.withdrawn(entry).map(|by| words::org(by.author_org()));
    line(scene.ground.objects, entry, Some(incident.to_owned()), withdrawn)
}

fn summary(scene: &Scene<'_>, incident: &Incident) -> Summary {
    let blocks = || scene.hits.iter().flat_map(|hit| hit.impact.blocks.iter());
    let speakers = scene.hits.iter().filter(|hit| hit.entry.header().speaker.role == Role::Provider);
    let open_claim = |lane: &&crate::picture::Lane| lane.claim.as_ref().is_none_or(|claim| claim.phase.is_open());
    let due = incident.owed.iter().filter(|owed| !owed.settled).filter_map(|owed| owed.due_at);
    Summary {
        open: incident.open,
        severity: incident.worst.as_ref().map_or(0, |worst| worst.value.rank()),
        disagreements: incident.disagreements.iter().filter(|d| d.open).count(),
        changed: news(scene, incident),
        started: incident.started.as_ref().map(|started| started.value),
        due: due.collect(),
        quiet: if incident.open {
            let lanes = incident.lanes.iter().filter(open_claim);
            let since = |lane: &crate::picture::Lane| lane.heard.unwrap_or(incident.first_logged);
            lanes.map(|lane| (lane.speaker.clone(), since(lane), lane.heard.is_some())).collect()
        } else {
            Vec::new()
        },
        providers: blocks().map(|b| b.provider.clone()).chain(speakers.map(|h| h.entry.speaker().to_owned())).collect(),
        classes: blocks().map(|block| block.service_class).collect(),
        cells: if incident.open { contributions(scene, incident) } else { Vec::new() },
    }
}

/// When there was news last. Items that were closed when their feed was first read are as old as their speaker says.
fn news(scene: &Scene<'_>, incident: &Incident) -> DateTime<Utc> {
    let told = |hit: &Hit<'_>| {
        let times = &hit.entry.header().times;
        times.occurred_end.max(times.published_at).filter(|_| hit.entry.header().backfill)
    };
    let all: Option<Vec<DateTime<Utc>>> = scene.hits.iter().map(told).collect();
    all.and_then(|times| times.into_iter().max()).map_or(incident.changed.at, |told| told.min(incident.changed.at))
}

fn contributions(scene: &Scene<'_>, incident: &Incident) -> Vec<Contribution> {
    let open = incident.disagreements.iter().filter(|disagreement| disagreement.open);
    let disputing: BTreeSet<&str> =
        open.flat_map(|d| d.positions.iter().map(|stance| stance.speaker.as_str())).collect();
    let hits = scene.hits.iter().flat_map(|hit| {
        let disagrees = disputing.contains(hit.entry.speaker());
        let object = scene.ground.objects.get(Family::Impact, &hit.entry.header().object_id);
        let changed = object.map_or(hit.entry.order.logged, |object| lane::changed(object, hit.entry));
        hit.impact.blocks.iter().map(move |block| Contribution::of(hit, block, disagrees, changed))
    });
    hits.filter(|contribution| contribution.phase != Phase::Cancelled).collect()
}
