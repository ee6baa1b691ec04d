//! How many: the speakers' own figures side by side, and how they may be read together. Figures of different units are
//! never added; figures of one unit add only where their populations are disjoint by definition (EVENTS 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_schemas::count::{Count, Quantity, Unit};
use entente_schemas::family::{Body, Estimate, Family};

use crate::join::scene::Scene;
use crate::picture::{CountGroup, Figure};
use crate::record::entry::Entry;

/// The figures of an incident by unit and quantity, in the order of the schema.
pub(crate) fn counts(scene: &Scene<'_>) -> Vec<CountGroup> {
    let mut groups: BTreeMap<(Quantity, Unit), Vec<Figure>> = BTreeMap::new();
    for hit in &scene.hits {
        for count in &hit.impact.counts {
            groups.entry((count.quantity, count.unit)).or_default().push(counted(hit.entry, count));
        }
    }
    for entry in scene.of(Family::Estimate) {
        if let Body::Estimate(estimate) = &entry.claim().body {
            groups.entry((estimate.quantity, estimate.unit)).or_default().push(estimated(entry, estimate));
        }
    }
    groups.into_iter().map(|((quantity, unit), figures)| group(unit, quantity, figures)).collect()
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
    }
}

/// The interval that a figure covers: its own, else the point.
pub(crate) fn interval(figure: &Figure) -> Option<(u64, u64)> {
    match (figure.lo, figure.value, figure.hi) {
        (Some(lo), _, Some(hi)) => Some((lo, hi)),
        (Some(lo), Some(value), None) => Some((lo, value)),
        (None, Some(value), Some(hi)) => Some((value, hi)),
        (None, Some(value), None) => Some((value, value)),
        _ => None,
    }
}

fn group(unit: Unit, quantity: Quantity, mut figures: Vec<Figure>) -> CountGroup {
    let rank = |figure: &Figure| (figure.as_of, figure.value, figure.lo, figure.hi, figure.position);
    figures.sort_by(|a, b| a.speaker.cmp(&b.speaker).then_with(|| rank(a).cmp(&rank(b))));
    let speakers: BTreeSet<&str> = figures.iter().map(|figure| figure.speaker.as_str()).collect();
    let fleets: BTreeSet<&str> = figures.iter().filter_map(fleet).collect();
    let known: Vec<(u64, u64)> = figures.iter().filter_map(interval).collect();
    let sum = |of: fn(&(u64, u64)) -> u64| known.iter().map(of).fold(0_u64, u64::saturating_add);
    let (regime, lo, hi) = if speakers.len() <= 1 && figures.len() <= 1 {
        ("one speaker", known.first().map(|(lo, _)| *lo), known.first().map(|(_, hi)| *hi))
    } else if fleets.len() == figures.len() && known.len() == figures.len() {
        ("disjoint", Some(sum(|(lo, _)| *lo)), Some(sum(|(_, hi)| *hi)))
    } else {
        // Whoever counts the most bounds the whole from below; only if none overlapped could it be the sum.
        ("range", known.iter().map(|(lo, _)| *lo).max(), (!known.is_empty()).then(|| sum(|(_, hi)| *hi)))
    };
    CountGroup { unit, quantity, regime: regime.to_owned(), lo, hi, figures }
}

/// Each cloud's own machines are disjoint from the others' by definition.
fn fleet(figure: &Figure) -> Option<&str> {
    figure.population.as_deref().filter(|population| population.starts_with("fleet:"))
}
