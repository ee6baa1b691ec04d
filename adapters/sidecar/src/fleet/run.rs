//! From figures to runs of approaches: one object an approach and group of failures, with an arm for each region and
//! operating system; the approach that is run goes along.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::block::Block;
use entente_schemas::family::{
    Approach, ApproachKind, Arm, Automation, Body, Caution, Remediation, Risk, RunState, TimeToRestore,
};
use entente_schemas::header::{Certainty, Native, Ref, RefKind, Relation};

use super::course::Runs;
use super::figures::{Row, Sheet, rows};
use super::impact;
use super::keeper::Keeper;
use super::profile::KnownApproach;
use super::span::Spans;
use super::speech::digest;
use super::words::Group;
use crate::item::{Item, Statement};
use crate::stamp::only_observed;

/// The runs of all groups that have an impact, as they are now.
pub(super) fn runs(
    keeper: &mut Keeper,
    sheets: &BTreeMap<Group, Sheet>,
    claimed: &BTreeSet<Group>,
    now: DateTime<Utc>,
) -> Vec<Item> {
    let used: BTreeSet<(String, Group)> = sheets
        .iter()
        .filter(|(group, _)| claimed.contains(group))
        .flat_map(|(group, sheet)| sheet.values().map(move |figures| (group, figures)))
        .flat_map(|(group, figures)| figures.runs.keys().map(move |slug| (slug.clone(), *group)))
        .collect();
    let mut items = Vec::new();
    for (slug, group) in &used {
        let Some(sheet) = sheets.get(group) else { continue };
        let groups = used.iter().filter(|(of, _)| of == slug).map(|(_, group)| *group);
        let impacts: Vec<Ref> = groups.map(|group| related(keeper, group)).collect();
        let approach = approach(keeper, slug, impacts, now);
        items.push(run(keeper, slug, *group, sheet, approach, now));
    }
    items
}

fn run(keeper: &mut Keeper, slug: &str, group: Group, sheet: &Sheet, approach: Statement, now: DateTime<Utc>) -> Item {
    let object = object_id(keeper, slug, group);
    let treated = sheet.iter().filter(|(_, figures)| figures.runs.contains_key(slug));
    let mut treated: Sheet = treated.map(|(spot, figures)| (spot.clone(), figures.clone())).collect();
    for ((region, os), figures) in &mut treated {
        let arm = format!("{region}/{}", os.family().unwrap_or_default());
        if let Some(runs) = figures.runs.get_mut(slug) {
            never_falls(keeper, &object, arm, runs);
        }
    }
    let sighted = !keeper.is_blind(group);
    let arms_of = |most| -> Vec<(Row, Runs)> {
        let runs = |row: &Row| row.figures.runs.get(slug).copied().unwrap_or_default();
        rows(&treated, most).into_iter().map(|row| (row.clone(), runs(&row))).collect()
    };
    let ttr = time_to_restore(slug, &treated);
    let mut arms = Vec::new();
    let body = impact::fitting(|most| {
        arms = arms_of(most);
        let goes_on = arms.iter().any(|(_, runs)| runs.goes_on());
        Remediation {
            approach_id: approach.object_id.clone(),
            operator: Some(keeper.profile.org.clone()),
            state: if goes_on { RunState::Running } else { RunState::Done },
            arms: arms.iter().map(|(row, runs)| arm(keeper, group, row, runs, sighted)).collect(),
            ttr: ttr.clone(),
            rollback: None,
        }
    });
    let members = arms.iter().map(|(row, runs)| format!("{}|{:?}", row.place(), runs.tally(sighted).members()));
    let whole = [body.state.to_string(), body.approach_id.clone(), format!("{:?}", body.ttr)];
    let members: Vec<String> = whole.into_iter().chain(members).collect();
    let system = known(keeper, slug).map_or_else(|| keeper.profile.system.clone(), |known| known.system.clone());
    Item {
        native: native(keeper, system, object.split_once(':').map_or("", |(_, id)| id), digest(&members)),
        object_id: object,
        times: only_observed(now),
        refs: vec![related(keeper, group)],
        certainty: Certainty::Observed,
        tlp: None,
        body: Body::Remediation(body),
        also: vec![approach],
        refused: Vec::new(),
    }
}

/// Of all places and systems together: a run has one.
fn time_to_restore(slug: &str, treated: &Sheet) -> Option<TimeToRestore> {
    let mut spans = Spans::default();
    treated.values().filter_map(|figures| figures.spans.get(slug)).for_each(|of| spans.absorb(of));
    spans.time_to_restore()
}

/// A device that moves to another arm takes its tries with it; what was said of the arm stands.
fn never_falls(keeper: &mut Keeper, object: &str, arm: String, runs: &mut Runs) {
    let reached = keeper.diary.reached.entry(object.to_owned()).or_default().entry(arm).or_default();
    reached.attempted = reached.attempted.max(runs.attempted);
    reached.targeted = reached.targeted.max(runs.targeted).max(reached.attempted);
    (runs.targeted, runs.attempted) = (reached.targeted, reached.attempted);
}

fn arm(keeper: &Keeper, group: Group, row: &Row, runs: &Runs, sighted: bool) -> Arm {
    let block = impact::block(keeper, group, row);
    Arm {
        block: Some(Block { zones: Vec::new(), ..block }),
        device_class: Some(keeper.profile.device_class.clone()),
        tally: runs.tally(sighted),
    }
}

/// `<system>:<fleet>/repair/<approach>`, with the group where that is not the guest, and the number of a further incident.
fn object_id(keeper: &Keeper, slug: &str, group: Group) -> String {
    let (profile, number) = (&keeper.profile, keeper.diary.season(group).map_or(1, |season| season.number));
    let mut id = format!("{}:{}/repair/{slug}", profile.system, profile.fleet);
    if group != Group::Guest {
        id.push('/');
        id.push_str(group.as_str());
    }
    if number > 1 {
        id.push_str(&format!("/{number}"));
    }
    id
}

fn related(keeper: &Keeper, group: Group) -> Ref {
    Ref { kind: RefKind::Incident, value: impact::object_id(keeper, group), relation: Relation::Related }
}

fn known<'a>(keeper: &'a Keeper, slug: &str) -> Option<&'a KnownApproach> {
    keeper.profile.approaches.iter().find(|known| known.slug == slug)
}

fn native(keeper: &Keeper, system: String, id: &str, digest: String) -> Native {
    Native {
        system,
        id: id.to_owned(),
        url: None,
        status: None,
        severity: None,
        category: None,
        mapping_version: keeper.words.version,
        digest,
    }
}

/// What is run. It refers to the impacts that it is run on, so that it is found beside them. Of an approach that nobody
/// described it is known only that a tool carries it out, and reported it.
fn approach(keeper: &Keeper, slug: &str, impacts: Vec<Ref>, now: DateTime<Utc>) -> Statement {
    let known = known(keeper, slug);
    let caution = |text: &String| Caution { text: text.clone(), harm_count: None, since: None };
    let body = Approach {
        name: known.map_or_else(|| slug.replace('-', " "), |known| known.name.clone()),
        kind: known.map_or(ApproachKind::Other, |known| known.kind),
        automation: known.map_or(Automation::Scripted, |known| known.automation),
        same_as: None,
        access: Vec::new(),
        risk: known.and_then(|known| known.data_loss).map(|loss| Risk { data_loss: Some(loss), reversible: None }),
        artifacts: Vec::new(),
        est_seconds_per_unit: None,
        replaces: None,
        applies_to: vec![keeper.profile.provider.clone()],
        vendor: None,
        product: None,
        cautions: known.map(|known| known.cautions.iter().map(caution).collect()).unwrap_or_default(),
        said_rate: None,
    };
    let cautions = body.cautions.iter().map(|caution| caution.text.clone());
    let loss = body.risk.as_ref().and_then(|risk| risk.data_loss).map(|loss| loss.to_string()).unwrap_or_default();
    let words = [body.name.clone(), body.kind.to_string(), body.automation.to_string(), loss];
    let members: Vec<String> =
        words.into_iter().chain(cautions).chain(impacts.iter().map(|impact| impact.value.clone())).collect();
    let system = known.map_or_else(|| keeper.profile.system.clone(), |known| known.system.clone());
    Statement {
        object_id: format!("{}:{slug}", keeper.profile.org),
        native: native(keeper, system, slug, digest(&members)),
        times: only_observed(now),
        refs: impacts,
        body: Body::Approach(body),
    }
}
