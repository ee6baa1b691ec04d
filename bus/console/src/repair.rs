//! How far repairs have come, in words: in short for the board's row, arm by arm for the incident's page and the plain
//! texts. Repairs are never added up over approaches: one machine may stand in several.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use entente_correlator::picture::{Approach, Incident, Run, RunArm, Success};
use entente_correlator::words;

use crate::name::{org, plain, spaced};
use crate::number;
use crate::spoken::whose;

/// Arms of a run that are written out.
const ARMS: usize = 8;
/// Names of a kind that an arm is called by.
const NAMES: usize = 3;

/// The repairs of an incident in a phrase: how many, and how far the most used one has come, by whose word. None without
/// a run.
pub(crate) fn in_short(incident: &Incident) -> Option<String> {
    let mut run = incident.approaches.iter().filter(|approach| approach.reach.is_some());
    let first = run.next()?;
    let lead = match run.count() {
        0 => "Repair".to_owned(),
        more => format!("{} repairs, most used", more + 1),
    };
    let invented = if first.invented { ", invented" } else { "" };
    Some(format!("{lead}: {} ({}{invented})", together(first)?, by(first)))
}

/// How far all runs of an approach have come; none without a run.
pub(crate) fn together(approach: &Approach) -> Option<String> {
    approach.reach.as_ref().map(|reach| number::whole(&words::reached(reach)))
}

/// Whose word the figures of an approach are, and how several may be read together.
pub(crate) fn by(approach: &Approach) -> String {
    match (approach.runs.as_slice(), &approach.reach) {
        ([only], _) => whose(&only.speaker, only.told_by.as_deref()),
        (several, Some(reach)) => format!("{}, {} speakers", spaced(&reach.regime), several.len()),
        (_, None) => "nobody".to_owned(),
    }
}

/// How far a run has come, with all that is told, and what fell.
pub(crate) fn in_full(run: &Run) -> String {
    let fallen = run.fallen.iter().map(|fall| format!("; {}", words::fallen(fall)));
    let fallen = fallen.collect::<String>();
    number::whole(&format!("{}{}{fallen}", words::reached_in_full(&run.reach), untold(&run.success)))
}

/// How far an arm has come.
pub(crate) fn of_arm(arm: &RunArm) -> String {
    number::whole(&format!("{}{}", words::reached_in_full(&arm.reach), untold(&arm.success)))
}

/// What is missing between attempts and outcomes; where no outcome is told, the figures say so themselves.
fn untold(success: &Success) -> String {
    if success.n == 0 || success.untold == 0 { String::new() } else { format!(", {}", words::untold(success.untold)) }
}

/// The arms with most units and what tells them apart, in the order of places; and how many there are beside them.
pub(crate) fn arms(run: &Run) -> (Vec<(String, &RunArm)>, usize) {
    let mut largest: Vec<usize> = (0..run.arms.len()).collect();
    largest.sort_by_key(|place| Reverse(run.arms.get(*place).and_then(|arm| arm.reach.lo.targeted)));
    let shown: BTreeSet<usize> = largest.into_iter().take(ARMS).collect();
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| differs(&run.arms, kind)).collect();
    let named = run.arms.iter().enumerate().filter(|(place, _)| shown.contains(place));
    let named = named.map(|(_, arm)| (called(arm, &kinds), arm));
    (named.collect(), run.arms.len().saturating_sub(ARMS))
}

/// A way to tell arms apart, and what it is in an arm.
type Kind = (&'static str, fn(&RunArm) -> Option<String>);

const KINDS: [Kind; 6] = [
    ("provider", |arm| arm.provider.as_deref().map(org)),
    ("class", |arm| arm.service_class.map(|class| plain(&words::class_on(class, arm.os_family.as_deref()), 40))),
    ("service", |arm| list(&arm.services)),
    ("region", |arm| list(&arm.regions)),
    ("zone", |arm| list(&arm.zones)),
    ("kind of device", |arm| arm.device_class.as_deref().map(spaced)),
];

fn differs(arms: &[RunArm], (_, of): &Kind) -> bool {
    arms.iter().map(of).collect::<BTreeSet<_>>().len() > 1
}

fn called(arm: &RunArm, kinds: &[&Kind]) -> String {
    let parts = kinds.iter().map(|(name, of)| of(arm).unwrap_or_else(|| format!("{name} not stated")));
    parts.collect::<Vec<_>>().join(", ")
}

fn list(names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| plain(name, 40)).collect();
    (!names.is_empty()).then(|| words::list(&names, NAMES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn arms_are_called_by_what_differs_and_the_largest_are_shown() {
        let mut run = fixture::incident().approaches[0].runs[0].clone();
        let called = |run: &Run| arms(run).0.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(called(&run), ["eu-west-1", "us-east-1"]);
        run.arms[1].os_family = Some("linux".into());
        run.arms[1].regions.clear();
        assert_eq!(called(&run), ["Windows VMs, eu-west-1", "Linux VMs, region not stated"]);
        let arm = run.arms[0].clone();
        run.arms = (0..12_u64)
            .map(|size| {
                let mut arm = RunArm { regions: vec![format!("r{size:02}")], ..arm.clone() };
                arm.reach.lo.targeted = Some(size);
                arm
            })
            .collect();
        let (shown, beside) = arms(&run);
        assert_eq!((shown.len(), beside, shown[0].0.as_str()), (8, 4, "r04"));
    }

    #[test]
    fn repairs_are_not_added_up_over_approaches() {
        let mut one = fixture::incident();
        let said = in_short(&one).unwrap();
        assert!(said.starts_with("3 repairs, most used: 49\u{202f}330 of 61\u{202f}000 attempted"), "{said}");
        assert!(said.ends_with(" (disjoint, 2 speakers, invented)"), "{said}");
        one.approaches.truncate(2);
        one.approaches.remove(0);
        let said = in_short(&one).unwrap();
        assert_eq!(said, "Repair: 9960 of 9960 attempted, 3420 work again (AWS, invented)");
        one.approaches[0].reach = None;
        assert_eq!(in_short(&one), None);
    }
}
