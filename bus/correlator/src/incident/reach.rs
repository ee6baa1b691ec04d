//! How far repairs have come: the tallies of arms, summed within one speaker's runs. Over speakers they add only where each
//! repairs its own fleet; else the same unit may stand in two tallies, and only a range can be said (CORRELATION 2.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_schemas::block::ServiceClass;
use entente_schemas::family::{Arm, Body, Family, Remediation, Tally};

use crate::incident::success::observed;
use crate::picture::{Fall, Reach, RunArm, Success};
use crate::record::entry::Entry;
use crate::record::objects::Objects;

/// A figure of a tally.
type Member = fn(&Tally) -> Option<u64>;

/// Figures of which it matters that an arm does not tell them; of the others an arm without one has none.
const TOLD: [(&str, Member); 3] = [
    ("targeted", |tally| tally.targeted),
    ("attempted", |tally| tally.attempted),
    ("succeeded", |tally| tally.succeeded),
];

/// The arms of one speaker together.
pub(crate) fn together(tallies: &[&Tally]) -> Reach {
    let lo = each(|member| sum(tallies.iter().filter_map(|tally| member(tally))));
    Reach { regime: "one speaker".to_owned(), hi: bounded(&lo, |member| whole(tallies, member)), lo }
}

/// The runs of several speakers together; none without a run. `own` says of each whether all its arms are of its own fleet.
pub(crate) fn pooled<'a>(runs: impl Iterator<Item = (&'a Reach, bool)>) -> Option<Reach> {
    let runs: Vec<(&Reach, bool)> = runs.collect();
    if let [(only, _)] = runs.as_slice() {
        return Some((*only).clone());
    }
    let disjoint = runs.iter().all(|(_, own)| *own);
    let (lows, highs): (Vec<&Tally>, Vec<&Tally>) = runs.iter().map(|(reach, _)| (&reach.lo, &reach.hi)).unzip();
    let told = |member: Member| lows.iter().filter_map(move |tally| member(tally));
    let all = each(|member| sum(told(member)));
    let hi = bounded(&all, |member| whole(&highs, member));
    let lo = if disjoint { all } else { each(|member| told(member).max()) };
    let regime = if disjoint { "disjoint" } else { "range" };
    (!runs.is_empty()).then(|| Reach { regime: regime.to_owned(), lo, hi })
}

/// Units with a known outcome, and those of them that work again; `tallies` are the arms that make up `together`.
pub(crate) fn success(together: &Tally, tallies: &[&Tally]) -> Success {
    let known = [together.succeeded, together.partial, together.failed];
    let success = observed(sum(known.into_iter().flatten()).unwrap_or(0), together.succeeded.unwrap_or(0));
    success.beside(sum(tallies.iter().map(|tally| untold(tally))).unwrap_or(0))
}

/// Attempts of one arm of which it is not told how they ended. Who counts failures, or what is under way, has told of
/// all: then what is missing is none, or still open.
fn untold(tally: &Tally) -> u64 {
    let (Some(attempted), None, None) = (tally.attempted, tally.failed, tally.in_progress) else { return 0 };
    let ended = [tally.succeeded, tally.partial, tally.unsupported, tally.not_found, tally.cancelled];
    let told = ended.into_iter().chain([tally.lost_to_followup]).flatten();
    attempted.saturating_sub(sum(told).unwrap_or(0))
}

/// What makes two arms one: provider, class, system, services, regions, zones, class of devices.
type Spot<'a> =
    (Option<&'a str>, Option<ServiceClass>, Option<&'a str>, &'a [String], &'a [String], &'a [String], Option<&'a str>);

/// The arms by place, in the order of places; empty where there is only one.
pub(crate) fn arms(all: &[&Arm]) -> Vec<RunArm> {
    let mut spots: BTreeMap<Spot<'_>, Vec<&Tally>> = BTreeMap::new();
    for arm in all {
        spots.entry(spot(arm)).or_default().push(&arm.tally);
    }
    if spots.len() < 2 {
        return Vec::new();
    }
    spots.into_iter().map(|(spot, tallies)| arm(spot, &tallies)).collect()
}

fn spot(arm: &Arm) -> Spot<'_> {
    let block = arm.block.as_ref();
    (
        block.map(|block| block.provider.as_str()),
        block.map(|block| block.service_class),
        block.and_then(|block| block.os_family()),
        block.map_or(&[], |block| block.services.as_slice()),
        block.map_or(&[], |block| block.regions.as_slice()),
        block.map_or(&[], |block| block.zones.as_slice()),
        arm.device_class.as_deref(),
    )
}

fn arm((provider, class, os, services, regions, zones, device): Spot<'_>, tallies: &[&Tally]) -> RunArm {
    let reach = together(tallies);
    RunArm {
        provider: provider.map(str::to_owned),
        service_class: class,
        os_family: os.map(str::to_owned),
        services: services.to_vec(),
        regions: regions.to_vec(),
        zones: zones.to_vec(),
        device_class: device.map(str::to_owned),
        success: success(&reach.lo, tallies),
        reach,
    }
}

/// The figures that are lower than the same observers' own words once were, as far as these stand.
pub(crate) fn fallen(objects: &Objects, runs: &[(&Arc<Entry>, &Remediation)], now: &Tally) -> Vec<Fall> {
    let fall = |(name, member): &(&str, Member)| {
        let was = sum(runs.iter().filter_map(|(entry, _)| peak(objects, entry, *member)))?;
        member(now).filter(|now| *now < was)?;
        Some(Fall { member: (*name).to_owned(), from: was })
    };
    TOLD.iter().filter_map(fall).collect()
}

/// The greatest that the observer of a run ever said of it.
fn peak(objects: &Objects, current: &Arc<Entry>, member: Member) -> Option<u64> {
    let object = objects.get(Family::Remediation, &current.header().object_id)?;
    let standing = object.entries().filter(|entry| entry.is_by_observer_of(current));
    let standing = standing.filter(|entry| objects.withdrawn(entry).is_none());
    let said = standing.filter_map(|entry| match &entry.claim().body {
        Body::Remediation(run) => sum(run.arms.iter().filter_map(|arm| member(&arm.tally))),
        _ => None,
    });
    said.max()
}

/// What is told, added; none if nothing is.
fn sum(told: impl Iterator<Item = u64>) -> Option<u64> {
    told.reduce(u64::saturating_add)
}

/// The sum where everybody tells; none where somebody does not.
fn whole(tallies: &[&Tally], member: Member) -> Option<u64> {
    let told: Option<Vec<u64>> = tallies.iter().map(|tally| member(tally)).collect();
    sum(told?.into_iter())
}

/// A tally made member by member.
fn each(of: impl Fn(Member) -> Option<u64>) -> Tally {
    Tally {
        targeted: of(|tally| tally.targeted),
        attempted: of(|tally| tally.attempted),
        in_progress: of(|tally| tally.in_progress),
        succeeded: of(|tally| tally.succeeded),
        partial: of(|tally| tally.partial),
        failed: of(|tally| tally.failed),
        unsupported: of(|tally| tally.unsupported),
        not_found: of(|tally| tally.not_found),
        cancelled: of(|tally| tally.cancelled),
        lost_to_followup: of(|tally| tally.lost_to_followup),
    }
}

/// The upper ends: a sum, and of the figures that must be told only what everybody tells.
fn bounded(sums: &Tally, of: impl Fn(Member) -> Option<u64>) -> Tally {
    Tally {
        targeted: of(|tally| tally.targeted),
        attempted: of(|tally| tally.attempted),
        succeeded: of(|tally| tally.succeeded),
        ..sums.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(targeted: u64, attempted: u64, succeeded: Option<u64>) -> Tally {
        Tally { targeted: Some(targeted), attempted: Some(attempted), succeeded, ..Tally::default() }
    }

    #[test]
    fn arms_of_one_speaker_add_and_what_one_does_not_tell_has_no_upper_end() {
        let (seen, unseen) = (tally(60, 40, Some(30)), Tally { failed: Some(2), ..tally(40, 10, None) });
        let both = together(&[&seen, &unseen]);
        assert_eq!((both.lo.targeted, both.lo.attempted, both.lo.succeeded), (Some(100), Some(50), Some(30)));
        assert_eq!((both.hi.attempted, both.hi.succeeded), (Some(50), None));
        assert_eq!((both.lo.failed, both.hi.failed, both.hi.partial), (Some(2), Some(2), None));
    }

    #[test]
    fn fleets_of_their_own_add_and_others_only_range() {
        let (one, other) = (together(&[&tally(100, 60, Some(50))]), together(&[&tally(30, 20, Some(10))]));
        let of = |own| pooled([(&one, own), (&other, true)].into_iter()).unwrap();
        let figures = |tally: &Tally| (tally.targeted, tally.attempted, tally.succeeded);
        let (disjoint, range) = (of(true), of(false));
        assert_eq!((disjoint.regime.as_str(), figures(&disjoint.lo)), ("disjoint", (Some(130), Some(80), Some(60))));
        assert_eq!(disjoint.lo, disjoint.hi);
        assert_eq!((range.regime.as_str(), figures(&range.lo)), ("range", (Some(100), Some(60), Some(50))));
        assert_eq!(figures(&range.hi), (Some(130), Some(80), Some(60)));
        assert_eq!(pooled(std::iter::empty()), None);
        assert_eq!(pooled([(&one, false)].into_iter()), Some(one.clone()));
    }
}
