//! Disagreements: where speakers' own claims about one incident cannot all hold. Shown as questions with every speaker's
//! position; who is right is nobody's business here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::{CauseStatus, Claim};

use crate::incident::cause::named;
use crate::incident::count::interval;
use crate::incident::owed::as_told;
use crate::join::scene::{Hit, Scene};
use crate::picture::{Approach, Cause, CountGroup, Disagreement, Lane, Stance};
use crate::record::entry::Entry;
use crate::record::history::value_since;
use crate::record::place::Place;
use crate::words;

/// What the disagreements are read from.
pub(crate) struct Views<'a> {
    pub(crate) lanes: &'a [Lane],
    pub(crate) causes: &'a [Cause],
    pub(crate) counts: &'a [CountGroup],
    pub(crate) approaches: &'a [Approach],
    pub(crate) open: bool,
}

/// One speaker's speaking claim with a value that others can differ from.
struct Said<T> {
    speaker: String,
    value: T,
    says: String,
    position: Place,
    since: DateTime<Utc>,
}

/// All disagreements of an incident, in the order of kinds.
pub(crate) fn disagreements(scene: &Scene<'_>, views: &Views<'_>) -> Vec<Disagreement> {
    let speaking = speaking(scene, views.lanes);
    let mut found = Vec::new();
    found.extend(times(scene, &speaking, "start", "When did it begin?", |claim| claim.header.times.occurred_at));
    found.extend(phases(scene, &speaking));
    found.extend(times(scene, &speaking, "end", "When did it end?", |claim| claim.header.times.occurred_end));
    found.extend(severities(scene, &speaking));
    found.extend(causes(views.causes, &speaking));
    found.extend(scopes(scene));
    found.extend(products(scene));
    let logged = scene.all().map(|entry| (entry.position(), entry.order.logged)).collect();
    found.extend(views.counts.iter().flat_map(|group| counts(&logged, group)));
    found.extend(views.approaches.iter().filter_map(success));
    for disagreement in &mut found {
        disagreement.open = views.open;
    }
    found
}

/// The claims that speak, in lane order.
fn speaking<'a>(scene: &Scene<'a>, lanes: &[Lane]) -> Vec<&'a Arc<Entry>> {
    let claims = lanes.iter().filter_map(|lane| lane.claim.as_ref());
    let by_id: BTreeMap<&str, &'a Arc<Entry>> =
        scene.hits.iter().map(|hit| (hit.entry.header().object_id.as_str(), hit.entry)).collect();
    claims.filter_map(|claim| by_id.get(claim.object_id.as_str()).copied()).collect()
}

fn build<T>(kind: &str, question: &str, said: Vec<Said<T>>, differ: impl Fn(&T, &T) -> bool) -> Option<Disagreement> {
    let mut by_time: Vec<&Said<T>> = said.iter().collect();
    by_time.sort_by(|a, b| (a.since, &a.position).cmp(&(b.since, &b.position)));
    let breaking = by_time
        .iter()
        .enumerate()
        .find(|(index, later)| by_time.iter().take(*index).any(|earlier| differ(&earlier.value, &later.value)));
    let since = breaking.map(|(_, later)| later.since)?;
    let positions = said.into_iter().map(|one| Stance { speaker: one.speaker, says: one.says, position: one.position });
    Some(Disagreement {
        kind: kind.to_owned(),
        question: question.to_owned(),
        positions: positions.collect(),
        since,
        open: true,
    })
}

/// Times differ if their intervals, widened by half the unit they are stated in, do not meet.
fn times(
    scene: &Scene<'_>,
    speaking: &[&Arc<Entry>],
    kind: &str,
    question: &str,
    of: fn(&Claim) -> Option<DateTime<Utc>>,
) -> Option<Disagreement> {
    let latest = speaking.iter().filter_map(|entry| of(entry.claim())).max()?;
    let said = speaking.iter().filter_map(|entry| {
        let time = of(entry.claim())?;
        let half = entry.header().times.fidelity.map_or(30, |unit| unit.seconds().max(60) / 2);
        Some(Said {
            speaker: entry.speaker().to_owned(),
            says: as_told(entry, words::clock(time, latest)),
            value: (time - TimeDelta::seconds(half), time + TimeDelta::seconds(half)),
            position: entry.position(),
            since: value_since(scene.ground.objects, entry, of),
        })
    });
    build(kind, question, said.collect(), |a, b| a.1 < b.0 || b.1 < a.0)
}

fn phases(scene: &Scene<'_>, speaking: &[&Arc<Entry>]) -> Option<Disagreement> {
    let said = speaking.iter().filter_map(|entry| {
        let impact = entry.claim().impact()?;
        Some(Said {
            speaker: entry.speaker().to_owned(),
            value: impact.phase.is_open(),
            says: as_told(entry, impact.phase.to_string().replace('_', " ")),
            position: entry.position(),
            since: value_since(scene.ground.objects, entry, |claim| claim.impact().map(|i| i.phase.is_open())),
        })
    });
    build("phase", "Is it over?", said.collect(), |a, b| a != b)
}

fn severities(scene: &Scene<'_>, speaking: &[&Arc<Entry>]) -> Option<Disagreement> {
    let said = speaking.iter().filter_map(|entry| {
        let impact = entry.claim().impact()?;
        let stated = !matches!(impact.severity, Severity::NotStated | Severity::Other);
        stated.then(|| Said {
            speaker: entry.speaker().to_owned(),
            value: impact.severity.rank(),
            says: as_told(entry, words::severity(impact.severity).to_owned()),
            position: entry.position(),
            since: value_since(scene.ground.objects, entry, |claim| claim.impact().map(|i| i.severity)),
        })
    });
    build("severity", "How bad is it?", said.collect(), |a, b| a != b)
}

/// Causes differ if two speakers blame different vendors, products or classes, or one rules out what another names.
fn causes(causes: &[Cause], speaking: &[&Arc<Entry>]) -> Option<Disagreement> {
    let position = |speaker: &str| {
        speaking.iter().find(|entry| entry.speaker() == speaker).map(|entry| entry.position()).unwrap_or_default()
    };
    let mut first: BTreeSet<&str> = BTreeSet::new();
    let said = causes.iter().filter(|cause| first.insert(cause.speaker.as_str())).map(|cause| Said {
        speaker: cause.speaker.clone(),
        says: words::as_told(
            format!("{}: {}", cause.status.to_string().replace('_', " "), named(cause)),
            cause.told_by.as_deref(),
        ),
        position: position(&cause.speaker),
        since: cause.since,
        value: cause,
    });
    build("cause", "What is the cause?", said.collect(), |a, b| causes_differ(a, b))
}

fn causes_differ(a: &Cause, b: &Cause) -> bool {
    let lower = |word: &Option<String>| word.as_ref().map(|word| word.trim().to_lowercase());
    let differ = |x: &Option<String>, y: &Option<String>| matches!((lower(x), lower(y)), (Some(x), Some(y)) if x != y);
    let vendors_differ = differ(&a.vendor, &b.vendor);
    let classes_differ = a.vendor.is_none() && b.vendor.is_none() && differ(&a.class, &b.class);
    let ruled_out = (a.status == CauseStatus::RuledOut) != (b.status == CauseStatus::RuledOut);
    if ruled_out { !vendors_differ && !classes_differ } else { vendors_differ || classes_differ }
}

/// One speaker says of a place that it is hit, another that it is not.
fn scopes(scene: &Scene<'_>) -> Option<Disagreement> {
    let mut struck: BTreeMap<(&str, ServiceClass), Vec<(&Hit<'_>, &Block)>> = BTreeMap::new();
    for hit in scene.hits.iter().filter(|hit| hit.impact.phase.is_open()) {
        for block in hit.impact.blocks.iter().filter(|block| hit_state(block.state)) {
            struck.entry((block.provider.as_str(), block.service_class)).or_default().push((hit, block));
        }
    }
    let (mut said, mut seen) = (Vec::new(), BTreeSet::new());
    let mut add = |one: Said<(Block, bool)>| {
        if seen.insert((one.speaker.clone(), one.says.clone())) {
            said.push(one);
        }
    };
    for hit in &scene.hits {
        for block in hit.impact.blocks.iter().filter(|block| block.state == BlockState::NotAffected) {
            let near = struck.get(&(block.provider.as_str(), block.service_class)).into_iter().flatten();
            let differs =
                |other: &&(&Hit<'_>, &Block)| other.0.entry.speaker() != hit.entry.speaker() && overlap(block, other.1);
            let mut others = near.filter(differs).peekable();
            if others.peek().is_some() {
                add(scope(hit, block, false));
                others.for_each(|(other, struck)| add(scope(other, struck, true)));
            }
        }
    }
    build("scope", "What is affected?", said, |a, b| a.1 != b.1 && overlap(&a.0, &b.0))
}

fn scope(hit: &Hit<'_>, block: &Block, affected: bool) -> Said<(Block, bool)> {
    let place = block.regions.first().map(|region| format!(" in {region}")).unwrap_or_default();
    let word = if affected { words::state(block.state) } else { "not affected" };
    Said {
        speaker: hit.entry.speaker().to_owned(),
        says: as_told(
            hit.entry,
            format!("{} {}{place}: {word}", words::org(&block.provider), words::class(block.service_class)),
        ),
        value: (block.clone(), affected),
        position: hit.entry.position(),
        since: hit.entry.order.logged,
    }
}

fn hit_state(state: BlockState) -> bool {
    matches!(state, BlockState::AffectedDegraded | BlockState::AffectedPartial | BlockState::AffectedUnavailable)
}

fn overlap(a: &Block, b: &Block) -> bool {
    let meets = |x: &[String], y: &[String]| x.is_empty() || y.is_empty() || x.iter().any(|one| y.contains(one));
    let classes: (ServiceClass, ServiceClass) = (a.service_class, b.service_class);
    let systems = matches!((a.os_family(), b.os_family()), (Some(x), Some(y)) if x != y);
    a.provider == b.provider
        && classes.0 == classes.1
        && !systems
        && meets(&a.regions, &b.regions)
        && meets(&a.services, &b.services)
}

/// Speakers state, of what is hit, products that have nothing in common.
fn products(scene: &Scene<'_>) -> Option<Disagreement> {
    let mut by_speaker: BTreeMap<&str, (BTreeSet<String>, &Arc<Entry>)> = BTreeMap::new();
    for hit in &scene.hits {
        let stated: BTreeSet<String> = hit
            .impact
            .blocks
            .iter()
            .filter_map(|block| block.asset.as_ref())
            .filter_map(|asset| Some((asset.vendor.as_deref()?, asset.product.as_deref()?)))
            .map(|(vendor, product)| scene.ground.model.canonical_product(vendor, Some(product)))
            .filter_map(|(vendor, product)| product.map(|product| format!("{} {product}", words::org(&vendor))))
            .collect();
        if !stated.is_empty() {
            by_speaker.entry(hit.entry.speaker()).or_insert_with(|| (BTreeSet::new(), hit.entry)).0.extend(stated);
        }
    }
    let said = by_speaker.into_iter().map(|(speaker, (products, entry))| Said {
        speaker: speaker.to_owned(),
        says: as_told(entry, words::list(&products.iter().cloned().collect::<Vec<_>>(), 3)),
        value: products,
        position: entry.position(),
        since: entry.order.logged,
    });
    build("product", "Which product is it?", said.collect(), |a, b| a.is_disjoint(b))
}

/// A speaker and the interval of its figure.
type Ranged = (String, (u64, u64));

/// Figures of one population, by different speakers, that do not meet.
fn counts(logged: &BTreeMap<Place, DateTime<Utc>>, group: &CountGroup) -> Vec<Disagreement> {
    let mut by_population: BTreeMap<Option<&str>, Vec<Said<Ranged>>> = BTreeMap::new();
    for figure in &group.figures {
        let Some((lo, hi)) = interval(figure) else { continue };
        let says = if lo == hi { words::figure(lo) } else { format!("{} to {}", words::figure(lo), words::figure(hi)) };
        by_population.entry(figure.population.as_deref()).or_default().push(Said {
            speaker: figure.speaker.clone(),
            value: (figure.speaker.clone(), (lo, hi)),
            says: words::as_told(says, figure.told_by.as_deref()),
            position: figure.position.clone(),
            since: logged.get(&figure.position).copied().unwrap_or(figure.as_of),
        });
    }
    let question = format!("How many {} {}?", words::units(group.unit), words::quantity(group.quantity));
    let differ = |a: &Ranged, b: &Ranged| a.0 != b.0 && (a.1.1 < b.1.0 || b.1.1 < a.1.0);
    let stated = by_population.into_iter().filter(|(population, _)| population.is_some());
    stated.filter_map(|(_, said)| build("count", &question, said, differ)).collect()
}

/// What was observed of an approach, and what was said or observed elsewhere, do not meet.
fn success(approach: &Approach) -> Option<Disagreement> {
    let mut said: Vec<Said<(u32, u32)>> = Vec::new();
    for run in approach.runs.iter().filter(|run| !run.success.too_early) {
        let (Some(lo), Some(hi)) = (run.success.lo_ppm, run.success.hi_ppm) else { continue };
        said.push(Said {
            speaker: run.speaker.clone(),
            value: (lo, hi),
            says: words::as_told(
                format!("observed {} to {}", words::percent(lo), words::percent(hi)),
                run.told_by.as_deref(),
            ),
            position: Place::default(),
            since: run.changed,
        });
    }
    let earliest = said.iter().map(|one| one.since).min();
    if let (Some(rate), Some(since)) = (&approach.said_rate, earliest) {
        let interval = if rate.lo == rate.hi {
            format!("said {}", words::percent(rate.lo))
        } else {
            format!("said {} to {}", words::percent(rate.lo), words::percent(rate.hi))
        };
        let (value, position) = ((rate.lo, rate.hi), Place::default());
        said.push(Said { speaker: rate.by.clone(), value, says: interval, position, since });
    }
    let question = format!("How often does \"{}\" work?", approach.name);
    build("success", &question, said, |a, b| a.1 < b.0 || b.1 < a.0)
}
