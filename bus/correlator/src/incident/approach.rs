//! Ways of repairing and how they fare: runs counted by the speaker that reports them, pooled only where shown beside
//! them. A rate that somebody said stands beside what was observed, never in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_schemas::family::{
    Approach as ApproachClaim, ApproachKind, Arm, Automation, Body, Family, Remediation, RunState, Tally,
};
use entente_schemas::speaker::Role;

use crate::incident::lane::told_by;
use crate::incident::reach;
use crate::incident::success::observed;
use crate::join::scene::Scene;
use crate::picture::{Approach, Reach, Run, Success};
use crate::record::entry::Entry;
use crate::record::objects::Objects;
use crate::record::shared::Shared;

/// One speaker's runs of one approach.
type Runs<'a> = Vec<(&'a Arc<Entry>, &'a Remediation)>;

/// The approaches of an incident: those described, and those only run, the most used first.
pub(crate) fn approaches(scene: &Scene<'_>) -> Vec<Approach> {
    let objects = scene.ground.objects;
    let mut runs: BTreeMap<String, BTreeMap<String, Runs<'_>>> = BTreeMap::new();
    for entry in scene.of(Family::Remediation) {
        if let Body::Remediation(run) = &entry.claim().body {
            let of = canonical(scene, &run.approach_id);
            runs.entry(of).or_default().entry(entry.speaker().to_owned()).or_default().push((entry, run));
        }
    }
    let described = described(scene, runs.keys());
    let mut list: Vec<Approach> = described
        .into_iter()
        .map(|(entry, approach)| {
            let of = runs.remove(&entry.header().object_id).unwrap_or_default();
            view(entry, approach, counted(objects, of))
        })
        .collect();
    list.extend(runs.into_iter().filter_map(|(id, of)| undescribed(objects, id, of)));
    list.sort_by(|a, b| used(b).cmp(&used(a)).then_with(|| a.object_id.cmp(&b.object_id)));
    list
}

/// The approaches of the scene, and those of other incidents that are run here.
fn described<'a, 'b>(
    scene: &Scene<'a>,
    run: impl Iterator<Item = &'b String>,
) -> Vec<(&'a Arc<Entry>, &'a ApproachClaim)> {
    let run = run.filter_map(|id| scene.ground.objects.current_by_id(Family::Approach, id));
    let all = scene.of(Family::Approach).chain(run).map(|entry| (&entry.header().object_id, entry));
    let all: BTreeMap<&String, &Arc<Entry>> = all.collect();
    let described = all.into_values().filter_map(|entry| match &entry.claim().body {
        Body::Approach(approach) if approach.same_as.is_none() => Some((entry, approach)),
        _ => None,
    });
    described.collect()
}

/// How much an approach is used: by known outcomes, then by what was attempted.
fn used(approach: &Approach) -> (u64, Option<u64>) {
    (approach.pooled.map_or(0, |pooled| pooled.n), approach.reach.as_ref().and_then(|reach| reach.lo.attempted))
}

/// The runs of one approach by speaker, and how far they have come together.
fn counted(objects: &Objects, of: BTreeMap<String, Runs<'_>>) -> (Vec<Run>, Option<Reach>) {
    let own: Vec<bool> = of.values().map(|all| own_fleet(all)).collect();
    let runs: Vec<Run> = of.into_iter().map(|(speaker, all)| run(objects, speaker, &all)).collect();
    let reach = reach::pooled(runs.iter().map(|run| &run.reach).zip(own));
    (runs, reach)
}

/// Two names of one approach meet where the later says `same_as`.
fn canonical(scene: &Scene<'_>, id: &str) -> String {
    let mut id = id.to_owned();
    for _ in 0..8 {
        let claim = scene.ground.objects.current_by_id(Family::Approach, &id);
        match claim.map(|entry| &entry.claim().body) {
            Some(Body::Approach(ApproachClaim { same_as: Some(other), .. })) if *other != id => id.clone_from(other),
            _ => break,
        }
    }
    id
}

fn view(entry: &Entry, approach: &ApproachClaim, (runs, reach): (Vec<Run>, Option<Reach>)) -> Approach {
    Approach {
        object_id: entry.header().object_id.clone(),
        speaker: entry.speaker().to_owned(),
        told_by: told_by(entry),
        name: approach.name.clone(),
        kind: approach.kind,
        automation: approach.automation,
        access: approach.access.clone(),
        data_loss: approach.risk.as_ref().and_then(|risk| risk.data_loss),
        applies_to: approach.applies_to.clone(),
        cautions: approach.cautions.clone(),
        said_rate: approach.said_rate.clone(),
        pooled: pooled(&runs),
        reach,
        runs,
        invented: entry.header().invented,
        shared: entry.shared(),
    }
}

/// Runs of an approach that nobody has described here: its id is all that is known.
fn undescribed(objects: &Objects, id: String, of: BTreeMap<String, Runs<'_>>) -> Option<Approach> {
    let speaker = of.keys().next()?.clone();
    let invented = of.values().flatten().any(|(entry, _)| entry.header().invented);
    let (runs, reach) = counted(objects, of);
    Some(Approach {
        name: id.split_once(':').map_or(id.as_str(), |(_, slug)| slug).replace('-', " "),
        object_id: id,
        speaker,
        told_by: None,
        kind: ApproachKind::Other,
        automation: Automation::Other,
        access: Vec::new(),
        data_loss: None,
        applies_to: Vec::new(),
        cautions: Vec::new(),
        said_rate: None,
        pooled: pooled(&runs),
        shared: highest(runs.iter().map(|run| run.shared.clone())),
        reach,
        runs,
        invented,
    })
}

fn pooled(runs: &[Run]) -> Option<Success> {
    let sum = |of: fn(&Run) -> u64| runs.iter().map(of).fold(0_u64, u64::saturating_add);
    let n = sum(|run| run.success.n);
    (n > 0).then(|| observed(n, sum(|run| run.success.succeeded)).beside(sum(|run| run.success.untold)))
}

fn run(objects: &Objects, speaker: String, all: &[(&Arc<Entry>, &Remediation)]) -> Run {
    let arms: Vec<&Arm> = all.iter().flat_map(|(_, run)| run.arms.iter()).collect();
    let tallies: Vec<&Tally> = arms.iter().map(|arm| &arm.tally).collect();
    let newest = all.iter().max_by_key(|(entry, _)| &entry.order);
    let reach = reach::together(&tallies);
    Run {
        speaker,
        told_by: newest.and_then(|(entry, _)| told_by(entry)),
        state: newest.map_or(RunState::Other, |(_, run)| run.state),
        success: reach::success(&reach.lo, &tallies),
        lost: reach.lo.lost_to_followup.unwrap_or(0),
        fallen: reach::fallen(objects, all, &reach.lo),
        arms: reach::arms(&arms),
        reach,
        p50_s: newest.and_then(|(_, run)| run.ttr.as_ref()).and_then(|ttr| ttr.p50_s),
        rollback: all.iter().rev().find_map(|(_, run)| run.rollback.as_ref()).map(|rollback| rollback.reason.clone()),
        changed: newest.map(|(entry, _)| entry.order.logged).unwrap_or_default(),
        shared: highest(all.iter().map(|(entry, _)| entry.shared())),
    }
}

/// Whether a provider repairs its own fleet and no other's: such fleets have no unit in common.
fn own_fleet(all: &[(&Arc<Entry>, &Remediation)]) -> bool {
    all.iter().all(|(entry, run)| {
        let own = |arm: &Arm| arm.block.as_ref().is_some_and(|block| block.provider == entry.speaker());
        entry.header().speaker.role == Role::Provider && run.arms.iter().all(own)
    })
}

/// Of several reports, the sharing group of that with the highest marking.
fn highest(all: impl Iterator<Item = Option<Shared>>) -> Option<Shared> {
    all.flatten().max_by(|a, b| (a.tlp, &a.audience).cmp(&(b.tlp, &b.audience)))
}
