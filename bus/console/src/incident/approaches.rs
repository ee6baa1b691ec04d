//! Ways of repairing and how they fare: per operator first, pooled beside it, never without the interval. What does harm
//! stands on top and cannot be dismissed.

use entente_correlator::picture::{Approach, Incident, Run};
use entente_correlator::words;
use entente_schemas::family::RunState;
use maud::{Markup, html};

use super::{arms, wilson};
use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::clock;
use crate::name::{many, org, plain, said, spaced, token};
use crate::number;
use crate::shared::{highest, inline, mark};
use crate::spoken::{as_told, relayed, whose};

/// Operators with a column of their own.
const OPERATORS: usize = 4;
/// Columns beside those of operators.
const COLUMNS: usize = 4;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let operators = operators(incident);
    let ids = distinct(incident.approaches.iter().map(|one| format!("a-{}", token(&one.object_id))));
    let rows = incident.approaches.iter().zip(&ids);
    let listed = rows.clone().flat_map(|(one, id)| {
        let arms = (!one.runs.is_empty()).then(|| arms_of(id));
        std::iter::once(id.clone()).chain(arms)
    });
    html! {
        section.panel #approaches aria-labelledby="h-a" {
            header {
                h2 #h-a { "Repair approaches: observed success, by lane" }
                @if incident.approaches.iter().any(|one| one.invented) { span.tag.made { "some invented" } }
                span.small { "not a trial: easy fleets pick easy repairs" }
            }
            div #pins data-f data-now[incident.approaches.iter().any(harms)] aria-live="assertive" { @for approach in &incident.approaches { (pins(frame, approach)) } }
            @if ids.is_empty() {
                p.pad.empty { "Nobody has described or run a repair." }
            }
            table.t.app {
                    thead { tr {
                        th scope="col" { "Approach" }
                        @for operator in &operators { th.num scope="col" { (org(operator)) } }
                        th scope="col" { "All, 95 % interval" } th.num scope="col" { "Outcomes, lost" } th.num scope="col" { "Median" }
                    } }
                    tbody #app-rows { @for (approach, id) in rows.clone() {
                        (row(frame, approach, id, &operators))
                        (arms::row(frame, approach, &arms_of(id), operators.len() + COLUMNS))
                    } }
            }
            (order("app-rows", &listed.collect::<Vec<_>>()))
            (advice(frame, incident))
        }
    }
}

/// The id of the row that shows how far the runs of an approach have come.
fn arms_of(id: &str) -> String {
    format!("{id}-arms")
}

/// Who runs something here, in the order of appearance.
fn operators(incident: &Incident) -> Vec<String> {
    let mut operators: Vec<String> = Vec::new();
    for run in incident.approaches.iter().flat_map(|approach| &approach.runs) {
        if !operators.contains(&run.speaker) {
            operators.push(run.speaker.clone());
        }
    }
    operators.truncate(OPERATORS);
    operators
}

fn harms(approach: &Approach) -> bool {
    !approach.cautions.is_empty() || approach.runs.iter().any(|run| run.rollback.is_some())
}

fn pins(frame: &Frame, approach: &Approach) -> Markup {
    html! {
        @for caution in &approach.cautions {
            p.pin { (glyph(G::Crit, "k-crit")) span {
                b { "Caution, " (org(&approach.speaker)) ", on " (said(&approach.name, 80)) @if let Some(since) = caution.since { ", " (clock(since, frame.at)) } "." }
                " " (said(&caution.text, 300))
                @if let Some(harm) = caution.harm_count { " Harm reported: " (number::figure(harm)) "." }
            } }
        }
        @for run in &approach.runs { @if let Some(reason) = &run.rollback {
            p.pin { (glyph(G::Withdrawn, "k-crit")) span { b { (org(&run.speaker)) " rolled back " (said(&approach.name, 80)) "." } " " (said(reason, 300)) } }
        } }
    }
}

fn row(frame: &Frame, approach: &Approach, id: &str, operators: &[String]) -> Markup {
    let early = approach.pooled.is_some_and(|pooled| pooled.too_early);
    html! {
        tr.early[early] id=(id) data-f {
            th scope="row" { (said(&approach.name, 120)) span.sub { (needs(approach)) } (mark(frame, approach.shared.as_ref())) }
            @for operator in operators { td.num data-h=(org(operator)) { (by(approach, operator)) } }
            td data-h="Observed" { @match &approach.pooled { Some(pooled) => (wilson::bar(pooled, approach.said_rate.as_ref())), None => span.muted { (no_outcome(approach)) } } }
            td.num data-h="Outcomes" { @match &approach.pooled {
                Some(pooled) => { (number::figure(pooled.n)) span.sub { (number::figure(approach.runs.iter().map(|run| run.lost).sum())) " lost" } },
                None => span.muted { @if approach.runs.is_empty() { "no claim" } @else { "none known" } },
            } }
            td.num data-h="Median" { (median(&approach.runs)) }
        }
    }
}

/// Why an approach has no rate.
pub(crate) fn no_outcome(approach: &Approach) -> &'static str {
    if approach.runs.is_empty() { "no run reported" } else { "no outcome known yet" }
}

/// What it takes, what it costs, and what others say of it.
fn needs(approach: &Approach) -> String {
    let mut parts = vec![format!(
        "{}, {}",
        whose(&approach.speaker, approach.told_by.as_deref()),
        spaced(approach.automation.as_str())
    )];
    if !approach.access.is_empty() {
        parts.push(format!("needs {}", plain(&approach.access.join(", ").replace('_', " "), 80)));
    }
    if approach.data_loss == Some(true) {
        parts.push("data can be lost".to_owned());
    }
    if let Some(said) = &approach.said_rate {
        let rate = if said.lo == said.hi {
            words::percent(said.lo)
        } else {
            format!("{} to {}", words::percent(said.lo), words::percent(said.hi))
        };
        parts.push(format!("{} says {rate}", org(&said.by)));
    }
    if approach.invented {
        parts.push("invented".to_owned());
    }
    parts.join("; ")
}

fn by(approach: &Approach, operator: &str) -> Markup {
    let run = approach.runs.iter().find(|run| run.speaker == operator);
    let applies = approach.applies_to.is_empty() || approach.applies_to.iter().any(|one| one == operator);
    html! {
        @match run {
            Some(run) if run.success.n == 0 => { span.muted { "no outcome yet" } (beside(run)) },
            Some(run) if run.success.too_early || run.success.untold > 0 => { (run.success.succeeded) " of " (run.success.n) (beside(run)) },
            Some(run) => { @match run.success.ppm { Some(ppm) => (words::percent(ppm)), None => "no outcome yet" } (beside(run)) },
            None if applies => span.muted { "no claim" },
            None => span.muted { "n/a" },
        }
    }
}

/// What to know of a run beside its success.
fn beside(run: &Run) -> Markup {
    html! {
        @if run.state != RunState::Running { span.sub { (spaced(run.state.as_str())) } }
        @if let Some(told) = as_told(run.told_by.as_deref()) { span.sub { (told) } }
        (highest(run.shared.as_ref().map(|shared| shared.tlp)))
    }
}

/// A median of medians would be a figure that nobody claims: one operator's, or how they range.
fn median(runs: &[Run]) -> Markup {
    let medians: Vec<u64> = runs.iter().filter_map(|run| run.p50_s).collect();
    let said =
        |seconds: u64| words::age(chrono::TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000)));
    html! {
        @match (medians.iter().min(), medians.iter().max()) {
            (Some(lo), Some(hi)) if lo == hi => (said(*lo)),
            (Some(lo), Some(hi)) => { (said(*lo)) " to " (said(*hi)) },
            _ => span.muted { "not stated" },
        }
    }
}

fn advice(frame: &Frame, incident: &Incident) -> Markup {
    let ids = distinct(incident.advisories.iter().map(|one| format!("adv-{}", token(&one.object_id))));
    html! {
        @if !ids.is_empty() { h3.pad { (many(ids.len(), "piece of advice", "pieces of advice")) } }
        ul.rows.tight #adv-list {
            @for (one, id) in incident.advisories.iter().zip(&ids) {
                li id=(id) data-f {
                    (glyph(G::Tool, ""))
                    span {
                        b { (org(&one.speaker)) ", " (spaced(one.category.as_str())) ":" } " " (said(&one.title, 160))
                        @if let Some(text) = &one.text { span.sub { (said(text, 200)) } }
                        span.sub { (clock(one.logged, frame.at)) @if let Some(how) = relayed(one.relay, one.told_by.as_deref()) { ", " (how) } (inline(frame, one.shared.as_ref())) }
                    }
                }
            }
        }
        (order("adv-list", &ids))
    }
}
