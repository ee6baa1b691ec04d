//! How many, as claimed: each figure with interval, regime, moment, method and speaker. There is no sum except the one
//! whose regime allows it.

use entente_correlator::picture::{CountGroup, Figure, Incident};
use entente_correlator::words;
use maud::{Markup, html};

use crate::fragment::order;
use crate::frame::Frame;
use crate::moment::clock;
use crate::name::{org, plain, spaced};
use crate::number;
use crate::shared::inline;
use crate::spoken::relayed;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let newest = incident.counts.iter().flat_map(|group| &group.figures).map(|figure| figure.as_of).max();
    let invented = incident.counts.iter().flat_map(|group| &group.figures).any(|figure| figure.invented);
    html! {
        section.panel #numbers aria-labelledby="h-n" {
            header {
                h2 #h-n { "Numbers" }
                @if invented { span.tag.made { "some invented" } }
                @if let Some(newest) = newest { span.small { "newest as of " (clock(newest, frame.at)) } }
            }
            @if incident.counts.is_empty() {
                div.count.empty { h3 { "Anything at all" span.tag.reg { "no claim" } } span.sub { "No speaker has given a figure. That is not zero." } }
            }
            div #count-list { @for group in &incident.counts { (count(frame, group)) } }
            (order("count-list", &incident.counts.iter().map(id).collect::<Vec<_>>()))
        }
    }
}

fn id(group: &CountGroup) -> String {
    format!("n-{}-{}", group.unit, group.quantity)
}

fn count(frame: &Frame, group: &CountGroup) -> Markup {
    let point = group.lo.is_some() && group.lo == group.hi;
    html! {
        div.count id=(id(group)) data-f {
            h3 { (words::units(group.unit)) " " (words::quantity(group.quantity)) span.tag.reg { (spaced(&group.regime)) } }
            p.head-num { b { (interval(group)) } @if point && group.figures.iter().all(|one| one.lo.is_none()) { span.muted { "interval not given" } } }
            @for one in &group.figures { span.sub { (line(frame, one)) } }
        }
    }
}

/// `829 000 to 1.80 M`, as the regime allows it.
pub(crate) fn interval(group: &CountGroup) -> String {
    match (group.lo, group.hi) {
        (Some(lo), Some(hi)) if lo == hi => number::figure(lo),
        (Some(lo), Some(hi)) => format!("{} to {}", number::figure(lo), number::figure(hi)),
        (Some(lo), None) => format!("at least {}", number::figure(lo)),
        (None, Some(hi)) => format!("at most {}", number::figure(hi)),
        (None, None) => "not additive".to_owned(),
    }
}

/// One speaker's figure in words: value, interval, share, method.
pub(crate) fn figure(one: &Figure) -> String {
    let value = one.value.map(number::figure);
    let span = match (one.lo, one.hi) {
        (Some(lo), Some(hi)) => format!("{} to {}", number::figure(lo), number::figure(hi)),
        (Some(lo), None) => format!("at least {}", number::figure(lo)),
        (None, Some(hi)) => format!("at most {}", number::figure(hi)),
        (None, None) => "interval not given".to_owned(),
    };
    let share = one.fraction_lo_ppm.zip(one.fraction_hi_ppm).map(|(lo, hi)| {
        let lo = if lo == 0 { "below".to_owned() } else { format!("{} to", words::percent(lo)) };
        format!(", {lo} {} of its population", words::percent(hi))
    });
    let number = match value {
        Some(value) => format!("{value} ({span})"),
        None => span,
    };
    let invented = if one.invented { ", invented" } else { "" };
    format!("{number}{}, {}{invented}", share.unwrap_or_default(), spaced(one.method.as_str()))
}

fn line(frame: &Frame, one: &Figure) -> Markup {
    html! {
        a href=(frame.link(&format!("/events/{}", one.position), "")) { (org(&one.speaker)) } " " (figure(one))
        @if let Some(how) = relayed(one.relay, one.told_by.as_deref()) { ", " (how) }
        @if let Some(population) = &one.population { ", of " bdi { (plain(population, 60)) } }
        ", as of " (clock(one.as_of, frame.at))
        (inline(frame, one.shared.as_ref()))
    }
}
