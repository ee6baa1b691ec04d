//! Beside the matrix: the newest records, what is owed now, who is on duty.

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Desk, Line, Owed, Picture};
use entente_correlator::words;
use entente_schemas::family::Family;
use maud::{Markup, html};

use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::{clock, due};
use crate::name::{org, orgs, plain, spaced};
use crate::says::says;

/// Records shown.
const NEWS: usize = 5;
/// Things owed that are shown.
const OWED: usize = 3;
/// Desks shown.
const DESKS: usize = 5;

pub(super) fn news(frame: &Frame, picture: &Picture) -> Markup {
    let newest: Vec<&Line> = picture.recent.iter().take(NEWS).collect();
    html! {
        section.panel aria-labelledby="h-new" {
            header { h2 #h-new { "Newest" } span.small #heard data-f { (words::figure(picture.totals.claims)) @if picture.totals.claims == 1 { " claim taken" } @else { " claims taken" } } }
            @if newest.is_empty() {
                p.pad.empty { "Nothing has been logged yet." }
            }
            ul.news.fixed #news data-top=(NEWS) { @for line in &newest { (item(frame, picture, line)) } }
            (order("news", &newest.iter().map(|line| format!("n{}", line.position)).collect::<Vec<_>>()))
        }
    }
}

fn item(frame: &Frame, picture: &Picture, line: &Line) -> Markup {
    let href = frame.link(&format!("/events/{}", line.position), "");
    html! {
        li id={ "n" (line.position) } data-f {
            (glyph(sign(line), ""))
            span { a href=(href) { bdi { (plain(&says(line, &picture.incidents), 110)) } } span.sub { (org(&line.speaker)) ", " (line.family.token()) @if line.withdrawn_by.is_some() { ", withdrawn" } } }
            (clock(line.logged, frame.at))
        }
    }
}

/// The shape of what a record is.
fn sign(line: &Line) -> G {
    match line.family {
        _ if line.withdrawn_by.is_some() => G::Withdrawn,
        Family::Impact => G::Lane,
        Family::Notice | Family::Message | Family::Sitrep => G::Talk,
        Family::Advisory | Family::Approach | Family::Remediation => G::Tool,
        Family::Estimate => G::Number,
        Family::Constraint => G::Link,
        Family::Retraction => G::Withdrawn,
        Family::Roster => G::Ok,
        Family::Feed if line.says.contains("blind") => G::Blind,
        Family::Feed => G::Good,
        Family::Rejected => G::HeldBack,
    }
}

pub(super) fn owed(frame: &Frame, picture: &Picture) -> Markup {
    let at = frame.at;
    let open: Vec<&Owed> = picture.owed.iter().filter(|one| !one.settled).collect();
    html! {
        section.panel #owed aria-labelledby="h-owed" {
            header { h2 #h-owed { "Owed now" } span.small #owing data-f { (open.len()) " open" } }
            @if open.is_empty() { p.pad.empty { "Nothing is asked or promised." } }
            ul.news #owed-list {
                @for one in open.iter().take(OWED) {
                    li id=(id(one)) data-f data-now[one.overdue] {
                        (glyph(if one.overdue { G::Due } else { G::Talk }, if one.overdue { "k-ink" } else { "" }))
                        span { (parties(one)) span.sub { (what(frame, one)) } }
                        span.when { (due(one.due_at, one.overdue, at)) }
                    }
                }
            }
            (order("owed-list", &open.iter().take(OWED).map(|one| id(one)).collect::<Vec<_>>()))
        }
    }
}

fn id(one: &Owed) -> String {
    format!("w{}", one.position)
}

/// Who owes, and to whom.
pub(crate) fn parties(one: &Owed) -> Markup {
    let by = if one.by.is_empty() { "Anybody".to_owned() } else { orgs(&one.by, 2) };
    let to = if one.to.is_empty() { "all".to_owned() } else { orgs(&one.to, 2) };
    html! { b { (by) } ", to " (to) }
}

fn what(frame: &Frame, one: &Owed) -> Markup {
    let text = if one.kind == "update" {
        "next update".to_owned()
    } else {
        format!("{}: {}", spaced(&one.kind), plain(&one.text, 80))
    };
    html! {
        @match &one.incident {
            Some(incident) => a href={ (frame.link(&format!("/incidents/{incident}"), "")) "#asks" } { bdi { (text) } },
            None => bdi { (text) },
        }
    }
}

pub(super) fn desks(picture: &Picture, at: DateTime<Utc>) -> Markup {
    html! {
        section.panel aria-labelledby="h-desk" {
            header { h2 #h-desk { "Desks" } span.small { (picture.desks.len()) " on the roster" } }
            @if picture.desks.is_empty() { p.pad.empty { "No desk has said who is on duty." } }
            ul.desks #desks data-f {
                @for desk in picture.desks.iter().take(DESKS) { (duty(desk, at)) }
                @if picture.desks.len() > DESKS { li.muted { (picture.desks.len() - DESKS) " more" } }
            }
        }
    }
}

/// One desk: who, which duty, how to reach it, until when.
pub(crate) fn duty(desk: &Desk, at: DateTime<Utc>) -> Markup {
    html! {
        li {
            i.on[!desk.expired] {}
            b { (org(&desk.org)) } " " (spaced(desk.role.as_str())) ", " (plain(&desk.desk, 60))
            @if let Some(phone) = &desk.phone { ", " (plain(phone, 30)) }
            @match desk.until {
                Some(until) if desk.expired => { ", until " (clock(until, at)) ", past" },
                Some(until) => { ", until " (clock(until, at)) },
                None => {},
            }
            @if let Some(next) = &desk.handing_over_to { ", then " (plain(next, 40)) }
        }
    }
}
