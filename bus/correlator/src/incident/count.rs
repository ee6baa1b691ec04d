//! How many: the speakers' own figures side by side, and how they may be read together. Figures of different units are
//! never added; figures of one unit add only where their populations are disjoint by definition (EVENTS 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_schemas::block::Block;
use entente_schemas::count::{Count, Quantity, Unit};
use entente_schemas::family::{Body, Estimate, Family};

use crate::incident::lane::told_by;
use crate::join::scene::Scene;
use crate::picture::{CountGroup, Figure};
use crate::record::entry::Entry;

/// The figures of an incident by unit and quantity, in the order of the schema.
pub(crate) fn counts(scene: &Scene<'_>) -> Vec<CountGroup> {
    let mut groups: BTreeMap<(Quantity, Unit), BTreeMap<Whole, Figure>> = BTreeMap::new();
    let mut add = |quantity, unit, whole: Whole, figure: Figure| {
        let known = groups.entry((quantity, unit)).or_default().entry(whole).or_insert_with(|| figure.clone());
        if rank(&figure) > rank(known) {
            *known = figure;
        }
    };
    for hit in &scene.hits {
        for count in &hit.impact.counts {
            let figure = counted(hit.entry, count);
            add(count.quantity, count.unit, whole(&figure, &hit.impact.blocks), figure);
        }
    }
    for entry in scene.of(Family::Estimate) {
        if let Body::Estimate(estimate) = &entry.claim().body {
            let figure = estimated(entry, estimate);
            add(estimate.quantity, estimate.unit, whole(&figure, &[]), figure);
        }
    }
    let groups = groups.into_iter();
    groups.map(|((quantity, unit), figures)| group(unit, quantity, figures.into_values().collect())).collect()
}

/// Whose figure of which population: one speaker's figures of one population are one, however often they were typed.
type Whole = (String, Option<String>, Vec<String>);

/// A speaker that names no population counts what its blocks name.
fn whole(figure: &Figure, blocks: &[Block]) -> Whole {
    let unnamed = figure.population.is_none();
    let mut places: Vec<String> = blocks.iter().filter(|_| unnamed).map(place).collect();
    places.sort();
    (figure.speaker.clone(), figure.population.clone(), places)
}

fn place(block: &Block) -> String {
    let named = |names: &[String]| {
        let names: BTreeSet<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        names.into_iter().collect::<Vec<_>>().join(",")
    };
    let os = block.os_family().unwrap_or_default();
    let (services, regions, zones) = (named(&block.services), named(&block.regions), named(&block.zones));
    format!("{}|{}|{os}|{services}|{regions}|{zones}", block.provider, block.service_class)
}

/// What speaks of several figures: own words before polled and told ones, then the newest, then the greatest.
fn rank(figure: &Figure) -> impl Ord + use<> {
    let relay = std::cmp::Reverse(figure.relay.rank());
    (relay, figure.as_of, upper(figure), lower(figure), figure.value, figure.position.clone())
}

fn counted(entry: &Arc<Entry>, count: &Count) -> Figure {
    Figure {
        value: count.value,
        lo: count.lo,
        hi: count.hi,
        fraction_lo_ppm: None,
        fraction_hi_ppm: None,
        population: count.population.clone().or_else(|| count.overlap_domain.clone()),
        method: count.method,
        as_of: count.as_of,
        ..figure(entry)
    }
}

fn estimated(entry: &Arc<Entry>, estimate: &Estimate) -> Figure {
    Figure {
        value: estimate.value,
        lo: estimate.lo,
        hi: estimate.hi,
        fraction_lo_ppm: estimate.fraction_ppm.as_ref().map(|fraction| fraction.lo),
        fraction_hi_ppm: estimate.fraction_ppm.as_ref().map(|fraction| fraction.hi),
        population: estimate.population.as_ref().map(|population| population.definition.clone()),
        method: estimate.method,
        as_of: estimate.as_of,
        ..figure(entry)
    }
}

fn figure(entry: &Arc<Entry>) -> Figure {
    let header = entry.header();
    Figure {
        speaker: header.speaker.org.clone(),
        relay: header.speaker.relay,
        told_by: told_by(entry),
        value: None,
        lo: None,
        hi: None,
        fraction_lo_ppm: None,
        fraction_hi_ppm: None,
        population: None,
        method: entente_schemas::count::Method::Other,
        as_of: header.times.observed_at,
        invented: header.invented,
        position: entry.position(),
        shared: entry.shared(),
    }
}

fn lower(figure: &Figure) -> Option<u64> {
    figure.lo.or(figure.value)
}

fn upper(figure: &Figure) -> Option<u64> {
    figure.hi.or(figure.value)
}

/// The interval that a figure covers: its own, else the point.
pub(crate) fn interval(figure: &Figure) -> Option<(u64, u64)> {
    lower(figure).zip(upper(figure))
}

fn group(unit: Unit, quantity: Quantity, mut figures: Vec<Figure>) -> CountGroup {
    figures.sort_by(|a, b| a.speaker.cmp(&b.speaker).then_with(|| (a.as_of, &a.position).cmp(&(b.as_of, &b.position))));
    let fleets: BTreeSet<&str> = figures.iter().filter_map(fleet).collect();
    let add = |all: Option<Vec<u64>>| all.map(|all| all.into_iter().fold(0, u64::saturating_add));
    let lowers = || figures.iter().filter_map(lower);
    // Without an upper end of each there is none of all.
    let most = add(figures.iter().map(upper).collect());
    let (regime, lo, hi) = if figures.len() <= 1 {
        ("one speaker", lowers().next(), most)
    } else if fleets.len() == figures.len() {
        ("disjoint", add(figures.iter().map(lower).collect()), most)
    } else {
        // Whoever counts the most bounds the whole from below; only if none overlapped could it be the sum.
        ("range", lowers().max(), most)
    };
    CountGroup { unit, quantity, regime: regime.to_owned(), lo, hi, figures }
}

/// Each cloud's own machines are disjoint from the others' by definition.
fn fleet(figure: &Figure) -> Option<&str> {
    figure.population.as_deref().filter(|population| population.starts_with("fleet:"))
}
