//! The sums of the ledger, read by group of failures, region and operating system: what an impact and a repair are told from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_ledger::Sums;

use super::cell::{Cell, Why};
use super::course::Runs;
use super::keeper::Keeper;
use super::sighting::{Hint, Os};
use super::span::Spans;
use super::words::Group;

/// Region and operating system; the region is empty where devices have none.
pub(super) type Spot = (String, Os);

/// The figures of one group.
pub(super) type Sheet = BTreeMap<Spot, Figures>;

/// Devices of one region and operating system, in one group. Those of places that cannot be seen are unknown, whatever
/// they were when they could.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// There, whatever group they are in.
    pub present: u64,
    /// Affected in this incident, now or before.
    pub ever: u64,
    /// Of these: seen not to work.
    pub affected: u64,
    /// Of these: out of sight since they were affected.
    pub missing: u64,
    pub restored: u64,
    /// Of these: out of sight since they were seen well, so that they may be affected again.
    pub doubtful: u64,
    pub relapsed: u64,
    /// Of those ever affected: there no more.
    pub left: u64,
    /// Of those that are there: neither can be said.
    pub unknown: u64,
    /// Ever affected, by sign.
    pub signs: BTreeMap<Hint, u64>,
    /// By approach.
    pub runs: BTreeMap<String, Runs>,
    /// By approach: how long those took that it has restored.
    pub spans: BTreeMap<String, Spans>,
    /// Zones of those that were affected; an empty one where it is not known.
    pub zones: BTreeSet<String>,
    /// Since when a part of the place cannot be seen.
    pub dark: Option<DateTime<Utc>>,
    /// When something was last seen there.
    pub seen: Option<DateTime<Utc>>,
}

impl Figures {
    /// Affected, and neither restored nor to be found any more.
    pub(super) fn removed(&self) -> u64 {
        self.ever.saturating_sub(self.restored + self.affected + self.missing)
    }

    /// Restored, and still seen well as far as anybody can say.
    pub(super) fn seen_well(&self) -> u64 {
        self.restored.saturating_sub(self.doubtful)
    }

    /// All that were ever counted: those that are there, and those that were affected and left. Who is affected is a share
    /// of these, so that it is no greater share because some were removed.
    pub(super) fn counted(&self) -> u64 {
        self.present + self.left
    }

    /// Takes others in.
    pub(super) fn absorb(&mut self, other: Self) {
        let pairs = [
            (&mut self.present, other.present),
            (&mut self.ever, other.ever),
            (&mut self.affected, other.affected),
            (&mut self.missing, other.missing),
            (&mut self.restored, other.restored),
            (&mut self.doubtful, other.doubtful),
            (&mut self.relapsed, other.relapsed),
            (&mut self.left, other.left),
            (&mut self.unknown, other.unknown),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
        for (sign, devices) in other.signs {
            *self.signs.entry(sign).or_default() += devices;
        }
        for (approach, runs) in other.runs {
            self.runs.entry(approach).or_default().add(&runs);
        }
        for (approach, spans) in other.spans {
            self.spans.entry(approach).or_default().absorb(&spans);
        }
        self.zones.extend(other.zones);
        self.dark = earliest(self.dark, other.dark);
        self.seen = self.seen.max(other.seen);
    }

    /// Figures of the devices of one block that belong to the group.
    fn count(&mut self, cell: Cell, sums: &Sums, zone: &str, dark: bool) {
        self.ever += sums.ever_affected;
        self.relapsed += sums.relapsed;
        self.restored += sums.restored.total();
        self.missing += sums.missing + if dark { sums.affected } else { 0 };
        self.affected += if dark { 0 } else { sums.affected };
        if let Why::Failed(hint) = cell.why {
            *self.signs.entry(hint).or_default() += sums.ever_affected;
            self.zones.insert(zone.to_owned());
            self.left += sums.gone;
            let hidden = if dark { sums.known.saturating_sub(sums.gone + sums.affected) } else { sums.unknown };
            self.doubtful += hidden.saturating_sub(sums.missing).min(sums.restored.total());
        }
    }
}

fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}

/// The figures of each group; `of` tells which group's incident a cell counts for now, if any.
pub(super) fn sheets(keeper: &Keeper, of: impl Fn(Cell) -> Option<Group>) -> BTreeMap<Group, Sheet> {
    let mut sheets: BTreeMap<Group, Sheet> = Group::ALL.into_iter().map(|group| (group, Sheet::new())).collect();
    for (name, sums) in keeper.ledger.sums() {
        let Some(cell) = keeper.cells.named(name).filter(|cell| keeper.cells.is_placed(cell.place)) else { continue };
        let (region, zone) = keeper.cells.place(cell.place);
        let dark = keeper.sights.dark_since((region, zone));
        let (present, own) = (sums.known - sums.gone, of(cell));
        let unknown = if dark.is_some() { present } else { sums.unknown };
        for (group, sheet) in &mut sheets {
            let spot = sheet.entry((region.to_owned(), cell.os)).or_default();
            spot.present += present;
            spot.dark = earliest(spot.dark, dark);
            spot.seen = spot.seen.max(keeper.sights.last(cell.place));
            // Of those of whom nothing is known, the guest may have failed; for another cause there would be a sign.
            if own.map_or(*group == Group::Guest, |own| own == *group) {
                spot.unknown += unknown;
            }
            if own == Some(*group) {
                spot.count(cell, sums, zone, dark.is_some());
                let used = keeper.courses.slugs().map(|slug| (slug, keeper.courses.count(slug, sums)));
                for (slug, runs) in used.filter(|(_, runs)| *runs != Runs::default()) {
                    spot.runs.entry(slug.to_owned()).or_default().add(&runs);
                    spot.spans.entry(slug.to_owned()).or_default().absorb(&keeper.courses.spans(slug, sums));
                }
            }
        }
    }
    for sheet in sheets.values_mut() {
        sheet.retain(|_, figures| figures.present > 0 || figures.ever > 0 || !figures.runs.is_empty());
    }
    sheets
}

/// Devices that are affected, or may be.
pub(super) fn remaining(sheet: &Sheet) -> u64 {
    sheet.values().map(|figures| figures.affected + figures.missing).sum()
}

/// Devices that were affected in this incident.
pub(super) fn ever(sheet: &Sheet) -> u64 {
    sheet.values().map(|figures| figures.ever).sum()
}

/// Devices that were ever counted, affected or not.
pub(super) fn counted(sheet: &Sheet) -> u64 {
    sheet.values().map(Figures::counted).sum()
}

/// All figures together.
pub(super) fn total(sheet: &Sheet) -> Figures {
    sheet.values().fold(Figures::default(), |mut total, figures| {
        total.absorb(figures.clone());
        total
    })
}

/// The figures in at most so many rows: the greatest stand for themselves, those of one operating system that are left are
/// put together, with their regions.
pub(super) fn rows(sheet: &Sheet, most: usize) -> Vec<Row> {
    let mut order: Vec<(&Spot, &Figures)> = sheet.iter().collect();
    order.sort_by(|(a, one), (b, other)| (other.ever, other.unknown, *a).cmp(&(one.ever, one.unknown, *b)));
    let mut rows: Vec<Row> = Vec::new();
    let mut rest: BTreeMap<Os, Row> = BTreeMap::new();
    for (index, ((region, os), figures)) in order.into_iter().enumerate() {
        if index < most {
            rows.push(Row { regions: vec![region.clone()], rest: false, os: *os, figures: figures.clone() });
        } else {
            let empty = || Row { regions: Vec::new(), rest: true, os: *os, figures: Figures::default() };
            let row = rest.entry(*os).or_insert_with(empty);
            row.regions.push(region.clone());
            row.figures.absorb(figures.clone());
        }
    }
    rows.sort_by(|a, b| (&a.regions, a.os).cmp(&(&b.regions, b.os)));
    rows.extend(rest.into_values());
    rows.iter_mut().for_each(|row| {
        row.regions.retain(|region| !region.is_empty());
        row.regions.sort();
        row.regions.dedup();
    });
    rows
}

/// Figures as they are said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// None where devices have no region.
    pub regions: Vec<String>,
    /// Whether it stands for those that have no row of their own.
    pub rest: bool,
    pub os: Os,
    pub figures: Figures,
}

impl Row {
    /// Where: one word for one place of counting.
    pub(super) fn place(&self) -> String {
        let region = match (self.rest, self.regions.as_slice()) {
            (true, _) => "elsewhere",
            (false, [region]) => region,
            (false, _) => "anywhere",
        };
        format!("{region}/{}", self.os.family().unwrap_or("unstated"))
    }
}
