//! Beside the matrix: the newest records, what is owed now, who is on duty.

use entente_correlator::picture::{Desk, Line, Owed, Picture};
use entente_schemas::family::{Family, FeedState};
use maud::{Markup, html};

use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::{clock, due};
use crate::name::{many, org, orgs, plain, spaced};
use crate::number;
use crate::says::says;
use crate::shared::inline;

/// Records shown.
const NEWS: usize = 4;
/// Things owed that are shown.
const OWED: usize = 3;
/// Desks shown.
const DESKS: usize = 5;

/// The newest of what was said, each in a place of its own that stays where it is. That feeds work is told once, below.
pub(super) fn news(frame: &Frame, picture: &Picture) -> Markup {
    let (began, said): (Vec<&Line>, Vec<&Line>) = picture.recent.iter().partition(|line| sign(line) == G::Good);
    let live = picture.feeds.iter().filter(|feed| feed.state == Some(FeedState::Live)).count();
    html! {
        section.panel aria-labelledby="h-new" {
            header { h2 #h-new { "Newest" } span.small #heard data-f { (number::figure(picture.totals.claims)) @if picture.totals.claims == 1 { " claim taken" } @else { " claims taken" } } }
            p.pad.empty #nothing data-f hidden[!picture.recent.is_empty()] { "Nothing has been logged yet." }
            ul.news.fixed #news { @for place in 0..NEWS {
                @match (said.get(place), began.first()) {
                    (Some(line), _) => (item(frame, picture, place, line)),
                    (None, Some(newest)) if place == said.len() && live > 0 => (live_feeds(frame, place, newest, live)),
                    _ => li id={ "n" (place) } data-f hidden {},
                }
            } }
        }
    }
}

fn item(frame: &Frame, picture: &Picture, place: usize, line: &Line) -> Markup {
    let href = frame.link(&format!("/events/{}", line.position), "");
    html! {
        li id={ "n" (place) } data-f data-quiet[place > 0] {
            (glyph(sign(line), ""))
            span { a href=(href) { bdi { (number::whole(&plain(&says(line, &picture.incidents), 110))) } } span.sub { (inline(frame, line.shared.as_ref())) @if line.shared.is_some() { ", " } (org(&line.speaker)) ", " (line.family.token()) @if line.withdrawn_by.is_some() { ", withdrawn" } } }
            (clock(line.logged, frame.at))
        }
    }
}

/// How many feeds are live, in one line for all that began.
fn live_feeds(frame: &Frame, place: usize, newest: &Line, count: usize) -> Markup {
    html! {
        li id={ "n" (place) } data-f data-quiet {
            (glyph(G::Good, ""))
            span { a href=(frame.link("/feeds", "")) { (many(count, "feed is", "feeds are")) " live" } }
            (clock(newest.logged, frame.at))
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
            header { h2 #h-owed { "Owed now" } span.small #owing data-f { @if open.len() > OWED { a href=(frame.link("/board.txt", "")) { "all " (number::figure(open.len() as u64)) } } @else { (open.len()) " open" } } }
            @if open.is_empty() { p.pad.empty { "Nothing is asked or promised." } }
            ul.news #owed-list {
                @for one in open.iter().take(OWED) {
                    li id=(id(one)) data-f data-now[one.overdue] {
                        (glyph(if one.overdue { G::Due } else { G::Talk }, if one.overdue { "k-ink" } else { "" }))
                        span { (parties(one)) span.sub { (what(frame, one)) (inline(frame, one.shared.as_ref())) } }
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

pub(super) fn desks(frame: &Frame, picture: &Picture) -> Markup {
    html! {
        section.panel aria-labelledby="h-desk" {
            header { h2 #h-desk { "Desks" } span.small { (picture.desks.len()) " on the roster" } }
            @if picture.desks.is_empty() { p.pad.empty { "No desk has said who is on duty." } }
            ul.desks #desks data-f {
                @for desk in picture.desks.iter().take(DESKS) { (duty(frame, desk)) }
                @if picture.desks.len() > DESKS { li.muted { (picture.desks.len() - DESKS) " more" } }
            }
        }
    }
}

/// One desk: who, which duty, how to reach it, until when.
pub(crate) fn duty(frame: &Frame, desk: &Desk) -> Markup {
    let at = frame.at;
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
            (inline(frame, desk.shared.as_ref()))
        }
    }
}
