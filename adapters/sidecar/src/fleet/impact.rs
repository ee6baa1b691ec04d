//! From figures to impacts: one object a group of failures, with a block for each region, operating system and state, and
//! counts whose populations never overlap.

use chrono::{DateTime, Utc};
use entente_schemas::block::{Asset, Block, BlockState, Severity};
use entente_schemas::count::{Count, Quantity};
use entente_schemas::event::PAYLOAD_MAX;
use entente_schemas::family::{Body, CauseStatus, Impact, Outcome, Phase, SuspectedCause};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use serde::Serialize;

use super::diary::Season;
use super::figures::{self, Figures, Row, Sheet};
use super::keeper::Keeper;
use super::sighting::Hint;
use super::speech::digest;
use super::words::{Cause, Group};
use crate::item::{Item, incident};

/// Rows of an impact and of a run: the most that fit into a payload, and fewer where each has much to say.
pub(super) const ROWS: [usize; 5] = [56, 44, 32, 20, 8];
/// Bytes that a claim may have so that it fits with all that goes around it.
const BYTES: usize = PAYLOAD_MAX - 6_000;

/// The impact of a group, as it is now. None where there is nothing to claim: with sight and nothing ever affected.
pub(super) fn impact(keeper: &Keeper, group: Group, sheet: &Sheet, now: DateTime<Utc>) -> Option<Item> {
    let nothing_began = Season::numbered(1);
    let season = keeper.diary.season(group).unwrap_or(&nothing_began);
    let mut view = View::of(keeper, group, season, sheet, now);
    if view.total.ever == 0 && !view.blind && !season.blind {
        return None;
    }
    let object = object_id(keeper, group);
    let body = fitting(|most| {
        view.rows = figures::rows(&view.told, most);
        view.body()
    });
    let times = view.times();
    let native = Native {
        system: keeper.profile.system.clone(),
        id: object.split_once(':').map_or("", |(_, id)| id).to_owned(),
        url: None,
        status: None,
        severity: None,
        category: None,
        mapping_version: keeper.words.version,
        digest: digest(&view.members(&body, &times)),
    };
    Some(Item {
        object_id: object,
        native,
        times,
        refs: Vec::new(),
        certainty: view.certainty(),
        tlp: None,
        body: Body::Impact(body),
        also: Vec::new(),
        refused: Vec::new(),
    })
}

/// What is made of as many rows as fit.
pub(super) fn fitting<T: Serialize>(mut of: impl FnMut(usize) -> T) -> T {
    let [most, fewer @ ..] = ROWS;
    fewer.into_iter().fold(of(most), |made, rows| {
        let bytes = serde_json::to_vec(&made).map_or(0, |json| json.len());
        if bytes > BYTES { of(rows) } else { made }
    })
}

/// `<system>:<fleet>/<group>`; with a number for the second incident and those after it.
pub(super) fn object_id(keeper: &Keeper, group: Group) -> String {
    let (profile, number) = (&keeper.profile, keeper.diary.season(group).map_or(1, |season| season.number));
    let further = if number > 1 { format!("/{number}") } else { String::new() };
    format!("{}:{}/{}{further}", profile.system, profile.fleet, group.as_str())
}

/// The block of a row without a word on how bad it is.
pub(super) fn block(keeper: &Keeper, group: Group, row: &Row) -> Block {
    let profile = &keeper.profile;
    let class = group.class();
    let zones = row.figures.zones.iter().filter(|_| !row.rest && !row.figures.zones.contains(""));
    Block {
        provider: profile.provider.clone(),
        service_class: class.unwrap_or(profile.service_class),
        services: profile.service.iter().filter(|_| class.is_none()).cloned().collect(),
        regions: row.regions.clone(),
        zones: zones.cloned().collect(),
        state: state(&row.figures),
        severity: Severity::NotStated,
        layer: Some(group.layer()),
        asset: row.os.family().map(|family| Asset { os_family: Some(family.to_owned()), ..Asset::default() }),
    }
}

fn state(figures: &Figures) -> BlockState {
    let lost_agents = figures.signs.get(&Hint::GuestAgentLost).copied().unwrap_or(0);
    match figures {
        Figures { affected: 0, missing: 0, dark: None, .. } if figures.seen_well() > 0 => BlockState::Restored,
        // Of who was removed before it was seen well nobody can say how it fared.
        Figures { affected: 0, .. } => BlockState::Unknown,
        // Of who only lost its agent no more is known than that.
        _ if figures.ever == lost_agents => BlockState::AffectedDegraded,
        Figures { affected, present, .. } if affected >= present => BlockState::AffectedUnavailable,
        _ => BlockState::AffectedPartial,
    }
}

/// What is to be said of a group.
struct View<'a> {
    keeper: &'a Keeper,
    group: Group,
    season: &'a Season,
    /// What there is to say something of.
    told: Sheet,
    rows: Vec<Row>,
    total: Figures,
    /// Nobody can say that nothing is wrong.
    blind: bool,
    cause: Option<&'a Cause>,
    phase: Phase,
    now: DateTime<Utc>,
}

impl<'a> View<'a> {
    fn of(keeper: &'a Keeper, group: Group, season: &'a Season, sheet: &Sheet, now: DateTime<Utc>) -> Self {
        let blind = keeper.is_blind(group);
        let total = figures::total(sheet);
        let claimed = total.ever > 0 || blind;
        let hidden = |figures: &Figures| (blind || figures.dark.is_some()) && figures.unknown > 0;
        let told = sheet.iter().filter(|(_, figures)| figures.ever > 0 || claimed && hidden(figures));
        let told: Sheet = told.map(|(spot, figures)| (spot.clone(), figures.clone())).collect();
        let sign = total.signs.iter().max_by_key(|(hint, devices)| (**devices, std::cmp::Reverse(**hint)));
        let cause = sign.filter(|(_, devices)| **devices > 0).map(|(hint, _)| keeper.words.of(*hint));
        let rows = Vec::new();
        let mut view = Self { keeper, group, season, told, rows, total, blind, cause, phase: Phase::Suspected, now };
        view.phase = view.phase();
        view
    }

    fn body(&self) -> Impact {
        Impact {
            phase: self.phase,
            outcome: self.outcome(),
            severity: self.severity(),
            effect: self.cause.map(|cause| cause.effect.clone()).unwrap_or_default(),
            blocks: self.blocks(),
            symptoms: self.symptoms(),
            suspected_cause: self.suspected(),
            counts: self.rows.iter().flat_map(|row| self.counts(row)).collect(),
            ..incident(self.title())
        }
    }

    fn phase(&self) -> Phase {
        let watch = self.keeper.profile.rules.watch;
        let repaired = self.total.runs.values().any(|runs| runs.attempted > 0);
        match self.season.ended {
            _ if self.total.ever == 0 && self.blind => Phase::Suspected,
            // It can be seen now, and nothing is found.
            _ if self.total.ever == 0 => Phase::Resolved,
            _ if self.total.affected > 0 && repaired => Phase::Mitigating,
            _ if self.total.affected > 0 => Phase::Investigating,
            // What was called over stays so; what nobody can see does not become so.
            Some(_) if self.season.closed => Phase::Resolved,
            Some(ended) if self.now - ended >= watch && self.total.doubtful == 0 => Phase::Resolved,
            _ => Phase::Monitoring,
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        (self.phase == Phase::Resolved && self.total.seen_well() > 0).then_some(Outcome::Restored)
    }

    /// How bad it was at its worst: what is repaired makes it no worse, nor does who leaves.
    fn severity(&self) -> Severity {
        if self.total.ever == 0 {
            return Severity::NotStated;
        }
        let remaining = self.total.affected + self.total.missing;
        // Who failed unseen was seen only when it was restored.
        let worst = self.season.worst.min(self.total.ever).max(remaining);
        let worst = if worst > 0 { worst } else { self.total.ever };
        let severity = self.keeper.words.severity(worst, self.season.counted.max(self.total.counted()));
        if self.is_correlated() && severity.rank() < Severity::Major.rank() { Severity::Major } else { severity }
    }

    fn is_correlated(&self) -> bool {
        self.season.correlated.is_some()
    }

    fn title(&self) -> String {
        let words = &self.keeper.words;
        let title = match self.cause {
            _ if self.is_correlated() => &words.correlated.title,
            Some(cause) => &cause.title,
            None => &words.blind.title,
        };
        let profile = &self.keeper.profile;
        format!("{title} ({} fleet {})", profile.provider, profile.fleet)
    }

    fn suspected(&self) -> Option<SuspectedCause> {
        let correlated = self.is_correlated().then_some(&self.keeper.words.correlated);
        let class = correlated.or(self.cause)?.class.clone()?;
        Some(SuspectedCause {
            class: Some(class),
            vendor: None,
            product: None,
            version: None,
            artifact: None,
            status: CauseStatus::Hypothesis,
        })
    }

    fn symptoms(&self) -> Vec<String> {
        let signs = self.total.signs.iter().filter(|(_, devices)| **devices > 0);
        let mut symptoms: Vec<String> =
            signs.filter_map(|(hint, _)| self.keeper.words.of(*hint).symptom.clone()).collect();
        symptoms.extend(self.keeper.words.correlated.symptom.clone().filter(|_| self.is_correlated()));
        let unit = self.keeper.profile.unit.as_str();
        for (devices, what) in [
            (self.total.relapsed, "failed again after it had been seen well"),
            (self.total.removed(), "was removed before it was seen well again"),
        ] {
            if devices > 0 {
                symptoms.push(format!("{what}: {devices} {unit}"));
            }
        }
        symptoms
    }

    fn certainty(&self) -> Certainty {
        let Figures { affected, ever, missing, doubtful, .. } = self.total;
        let hidden = missing > 0 || doubtful > 0 && self.total.seen_well() == 0;
        if affected == 0 && (ever == 0 || hidden) { Certainty::Unknown } else { Certainty::Observed }
    }

    fn times(&self) -> Times {
        let began = self.total.ever > 0;
        let occurred_at = self.season.onset.filter(|_| began);
        Times {
            published_at: None,
            occurred_at,
            occurred_end: self.season.ended.filter(|_| began && !self.phase_goes_on()),
            // Checks come about once a minute.
            fidelity: occurred_at.map(|_| Fidelity::Minute),
            observed_at: self.now,
            confirmed_at: None,
        }
    }

    fn phase_goes_on(&self) -> bool {
        self.total.affected + self.total.missing > 0
    }

    fn blocks(&self) -> Vec<Block> {
        let blocks = self.rows.iter().map(|row| Block {
            severity: match row.figures.affected + row.figures.missing {
                0 => Severity::NotStated,
                remaining => self.keeper.words.severity(remaining, row.figures.counted()),
            },
            ..block(self.keeper, self.group, row)
        });
        blocks.collect()
    }

    /// What is counted of a row. Where nobody looks, a figure is at least so much, and none is never nought. Who was ever
    /// affected is counted so already and adds nothing to how many may be; who was restored and cannot be seen any more may
    /// be affected again.
    fn counts(&self, row: &Row) -> Vec<Count> {
        let figures = &row.figures;
        let blurred = self.blind || figures.dark.is_some();
        let unseen = if blurred { figures.unknown } else { 0 };
        let exact = |value: u64| (Some(value), Some(value), Some(value));
        let between = |lo: u64, hi: u64| (None, Some(lo), Some(hi));
        let affected = if blurred {
            between(
                figures.ever,
                figures.ever.saturating_add(unseen.saturating_sub(figures.missing + figures.doubtful)),
            )
        } else {
            exact(figures.ever)
        };
        let hidden = figures.missing + figures.doubtful;
        let remaining = match (blurred, hidden) {
            (false, 0) => exact(figures.affected),
            (false, hidden) => between(figures.affected, figures.affected + hidden),
            (true, hidden) => between(figures.affected, figures.affected.saturating_add(unseen.max(hidden))),
        };
        // That it was seen well stands, where nothing but a word of it is missing.
        let restored = match figures.dark {
            Some(_) => between(figures.seen_well(), figures.restored + figures.missing),
            None => exact(figures.restored),
        };
        let failed = figures.ever > 0;
        [
            (Quantity::Affected, failed, affected),
            (Quantity::Remaining, failed, remaining),
            (Quantity::Restored, failed && !(self.blind && figures.restored == 0), restored),
            (Quantity::Relapsed, figures.relapsed > 0, exact(figures.relapsed)),
            (Quantity::Unknown, figures.unknown > 0, exact(figures.unknown)),
        ]
        .into_iter()
        .filter(|(_, told, _)| *told)
        .map(|(quantity, _, figure)| self.figure(row, quantity, figure))
        .collect()
    }

    fn figure(&self, row: &Row, quantity: Quantity, figure: (Option<u64>, Option<u64>, Option<u64>)) -> Count {
        let profile = &self.keeper.profile;
        let (value, lo, hi) = figure;
        // A value says all that an interval of no length says.
        let open = value.is_none();
        Count {
            unit: profile.unit,
            quantity,
            value,
            lo: lo.filter(|_| open),
            hi: hi.filter(|_| open),
            method: profile.method,
            as_of: row.figures.dark.or(row.figures.seen).unwrap_or(self.now).min(self.now),
            overlap_domain: None,
            population: Some(self.population(row)),
        }
    }

    /// Devices of one fleet, region, system and group: no two populations have a device in common.
    fn population(&self, row: &Row) -> String {
        let profile = &self.keeper.profile;
        let group = if self.group == Group::Guest { String::new() } else { format!("/{}", self.group.as_str()) };
        format!("fleet:{}/{}/{}{group}", profile.provider, profile.fleet, row.place())
    }

    /// What makes a real change of it: all that is claimed but the moments of counting.
    fn members(&self, body: &Impact, times: &Times) -> Vec<String> {
        let moment = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339()).unwrap_or_default();
        let mut members = vec![
            body.title.clone(),
            body.phase.to_string(),
            body.severity.to_string(),
            body.suspected_cause.as_ref().and_then(|cause| cause.class.clone()).unwrap_or_default(),
            self.certainty().to_string(),
            moment(times.occurred_at),
            moment(times.occurred_end),
        ];
        members.extend(body.symptoms.iter().cloned());
        members.extend(self.rows.iter().map(|row| {
            let state = state(&row.figures);
            format!("{}|{state}|{}|{}", row.place(), row.regions.join(","), row.figures.zones.len())
        }));
        members.extend(body.counts.iter().map(|count| {
            let Count { quantity, value, lo, hi, population, .. } = count;
            format!("{quantity}|{value:?}|{lo:?}|{hi:?}|{}", population.as_deref().unwrap_or_default())
        }));
        members
    }
}
