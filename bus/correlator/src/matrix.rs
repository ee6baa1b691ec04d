//! The situation matrix: speakers against classes of services, in each cell the worst open claim of that speaker. An empty
//! cell says why it is empty: not shared, not theirs, or cannot see.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::Phase;
use entente_schemas::speaker::{Relay, Role};

use crate::incident::core::Core;
use crate::incident::lane::{role_rank, told_by};
use crate::join::scene::Hit;
use crate::picture::{Cell, CellClaim, Column, Matrix, Row};
use crate::record::entry::{Order, RoleTold};
use crate::record::shared::Shared;
use crate::sight::{Sights, is_blind};
use crate::words;

/// What one block of one claim brings to the matrix.
#[derive(Debug)]
pub(crate) struct Contribution {
    speaker: String,
    role: Role,
    column: Column,
    state: BlockState,
    severity: Severity,
    pub(crate) phase: Phase,
    native: Option<String>,
    changed: DateTime<Utc>,
    exact: bool,
    next_update_by: Option<DateTime<Utc>>,
    disagrees: bool,
    polled: bool,
    told_by: Option<String>,
    order: Order,
    shared: Option<Shared>,
}

impl Contribution {
    pub(crate) fn of(hit: &Hit<'_>, block: &Block, disagrees: bool, changed: DateTime<Utc>) -> Self {
        let header = hit.entry.header();
        let os_family = block.os_family().map(str::to_owned);
        let severity = if block.severity == Severity::NotStated { hit.impact.severity } else { block.severity };
        Self {
            speaker: header.speaker.org.clone(),
            role: header.speaker.role,
            column: Column { class: block.service_class, os_family },
            state: block.state,
            severity,
            phase: hit.impact.phase,
            native: header.native.as_ref().and_then(|n| n.status.clone().or_else(|| n.category.clone())),
            changed,
            exact: block.services.len() == 1 && block.regions.len() == 1,
            next_update_by: hit.impact.next_update_by,
            disagrees,
            polled: header.speaker.relay == Relay::Polled,
            told_by: told_by(hit.entry),
            order: hit.entry.order.clone(),
            shared: hit.entry.shared(),
        }
    }

    /// The worse speaks: by state, then severity, then the newer.
    fn rank(&self) -> (bool, u8, u8, &Order) {
        (self.phase.is_open(), words::state_rank(self.state), self.severity.rank(), &self.order)
    }
}

/// What the matrix is read from.
pub(crate) struct Source<'a> {
    pub(crate) sights: &'a Sights,
    pub(crate) roles: &'a BTreeMap<String, (Option<RoleTold>, Role)>,
    pub(crate) heard: &'a BTreeMap<String, DateTime<Utc>>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) silent_after: TimeDelta,
}

type Key<'a> = (&'a str, &'a Column);

/// The matrix of all open incidents.
pub(crate) fn matrix<'a>(cores: impl Iterator<Item = &'a Core>, source: &Source<'_>) -> Matrix {
    let mut worst: BTreeMap<Key<'a>, (&'a Core, &'a Contribution, usize)> = BTreeMap::new();
    let mut rows: BTreeMap<(u8, String), Role> = BTreeMap::new();
    let mut silent: BTreeMap<&'a str, DateTime<Utc>> = BTreeMap::new();
    for core in cores {
        for one in &core.summary.cells {
            let place = worst.entry((one.speaker.as_str(), &one.column)).or_insert((core, one, 0));
            place.2 += 1;
            if one.rank() > place.1.rank() {
                (place.0, place.1) = (core, one);
            }
            rows.entry((role_rank(one.role), one.speaker.clone())).or_insert(one.role);
        }
        for (speaker, since, heard) in &core.summary.quiet {
            if source.at - *since > source.silent_after && audible(source.sights, speaker, *heard) {
                let known = silent.entry(speaker.as_str()).or_insert(*since);
                *known = (*known).min(*since);
            }
        }
    }
    for speaker in source.sights.speakers() {
        let role = source.roles.get(speaker).map_or(Role::Vendor, |(_, role)| *role);
        rows.entry((role_rank(role), speaker.to_owned())).or_insert(role);
    }
    let columns: Vec<Column> =
        worst.keys().map(|(_, column)| (*column).clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let claimed: BTreeSet<ServiceClass> = columns.iter().map(|column| column.class).collect();
    let rows = rows.into_iter().map(|((_, speaker), role)| Row {
        role,
        heard: source.heard.get(&speaker).copied(),
        sight: source.sights.of(&speaker),
        silent_since: silent_since(source, &silent, &speaker),
        cells: columns.iter().map(|column| cell(&worst, &speaker, column, source)).collect(),
        speaker,
    });
    let rows = rows.collect();
    Matrix { unclaimed: ServiceClass::WORDS.len().saturating_sub(claimed.len()), columns, rows }
}

/// A speaker is silent as a whole only if it said nothing about anything; about one incident, its lane there tells.
fn silent_since(source: &Source<'_>, silent: &BTreeMap<&str, DateTime<Utc>>, speaker: &str) -> Option<DateTime<Utc>> {
    let since = *silent.get(speaker)?;
    let heard = source.heard.get(speaker).copied().unwrap_or(since).max(since);
    (source.at - heard > source.silent_after).then_some(heard)
}

fn audible(sights: &Sights, speaker: &str, heard: bool) -> bool {
    let sight = sights.of(speaker);
    sight.live > 0 || sight.feeds == 0 && heard
}

fn cell(
    worst: &BTreeMap<Key<'_>, (&Core, &Contribution, usize)>,
    speaker: &str,
    column: &Column,
    source: &Source<'_>,
) -> Cell {
    let sight = source.sights.of(speaker);
    if let Some((core, one, all)) = worst.get(&(speaker, column)) {
        return Cell::Claim(CellClaim {
            incident: core.id().to_owned(),
            state: one.state,
            severity: one.severity,
            phase: one.phase,
            native: one.native.clone(),
            told_by: one.told_by.clone(),
            changed: one.changed,
            exact: one.exact,
            next_update_by: one.next_update_by,
            overdue: one.phase.is_open() && one.next_update_by.is_some_and(|due| due < source.at),
            disagrees: one.disagrees,
            stale: one.polled && is_blind(&sight),
            others: all - 1,
            shared: one.shared.clone(),
        });
    }
    if !source.sights.covers(speaker, column.class) {
        Cell::NotTheirs
    } else if is_blind(&sight) {
        Cell::CannotSee
    } else {
        Cell::NotShared
    }
}
