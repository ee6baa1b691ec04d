//! The incident page: eight answers first, then their proof, lane by lane and panel by panel. Nothing is averaged over
//! speakers, and what nobody said is said to be so.

mod approaches;
mod arms;
mod asks;
mod brief;
mod causes;
mod differ;
mod lanes;
mod numbers;
mod say;
mod tail;
mod timeline;
mod told;
mod why;
mod wilson;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Incident, Picture};
use entente_correlator::words;
use entente_schemas::family::MessageState;
use maud::{Markup, html};

pub(crate) use approaches::no_outcome;
pub(crate) use lanes::read_as;
pub(crate) use numbers::{figure, interval};

use crate::board::duty;
use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::link::Hosts;
use crate::mark::Mark;
use crate::moment::{age, clock};
use crate::name::{many, org, plain, said, spaced, token};
use crate::shared::inline;
use crate::shell::{Page, Screen, page};
use crate::spoken::whose_in;

/// The page of an incident; of the picture it shows desks and feeds.
#[must_use]
pub fn incident(frame: &Frame, incident: &Incident, picture: &Picture) -> String {
    let hosts = Hosts::of(&picture.feeds);
    let main = html! {
        (room(frame, incident))
        (brief::answers(incident))
        div.cols.wide {
            div.stack {
                (lanes::panel(frame, incident, &hosts))
                (timeline::panel(frame, incident))
                (approaches::panel(frame, incident))
                (causes::panel(frame, incident))
                (told::panel(frame, incident, &hosts))
                (decisions(frame, incident))
            }
            div.stack {
                (numbers::panel(frame, incident))
                (asks::panel(frame, incident))
                (differ::disagreements(frame, incident))
                (differ::unknowns(incident))
                (roles(frame, picture))
            }
        }
        (why::panel(frame, incident, picture))
        (say::panel(frame, incident))
        (tail::panel(frame, incident))
    };
    let stream = frame.stream(&format!("incidents/{}", incident.id), "");
    // Its desks and figures over everything are the picture's.
    let (title, totals, tlp) = (incident.name.as_str(), Some(&picture.totals), picture.tlp.max(incident.tlp));
    page(frame, Page { screen: Screen::Incident, title, stream, totals, tlp, main })
}

/// The head: which incident, how bad by whose claim, how far, how long, how fresh.
fn room(frame: &Frame, incident: &Incident) -> Markup {
    html! {
        div.room {
            p.crumbs {
                a href=(frame.link("/", "")) { "Board" }
                span.mono { (incident.id) }
                @if let Some(by) = &incident.declared_by { span { "declared by " (org(by)) } } @else { span { "name built from data, nobody declared one" } }
                span { (many(incident.lanes.len(), "speaker", "speakers")) ", " (many(incident.members.len(), "object", "objects")) }
                @if !incident.open { span.tag.ok { "closed" } }
                a.btn href=(frame.link(&format!("/incidents/{}/text", incident.id), "")) data-copy { "Copy as text" }
            }
            h1 #name data-f { (said(&incident.name, 160)) }
            (facts(frame, incident))
        }
    }
}

fn facts(frame: &Frame, incident: &Incident) -> Markup {
    let heard = incident.lanes.iter().filter_map(|lane| Some((lane.heard?, lane))).max_by_key(|(heard, _)| *heard);
    html! {
        dl #facts data-f {
            div { dt { "Worst claim" } dd { @match &incident.worst {
                Some(worst) => { (Mark::severity(worst.value).show()) " " span.muted.small { (whose_in(incident, &worst.speaker)) } },
                None => "not stated",
            } } }
            div { dt { "Phases claimed" } dd { (phases(incident)) } }
            div { @match &incident.started {
                Some(started) if !incident.open => { dt { "Began " (clock(started.value, frame.at)) } dd { (lasted(incident, started.value)) " " span.muted.small { (whose_in(incident, &started.speaker)) } } },
                Some(started) => { dt { "Elapsed since " (clock(started.value, frame.at)) } dd { (age(started.value, frame.at)) " " span.muted.small { (whose_in(incident, &started.speaker)) } } },
                None => { dt { "Start not stated, logged" } dd { (age(incident.first_logged, frame.at)) " ago" } },
            } }
            div { dt { "Last heard" } dd { @match heard {
                Some((heard, lane)) => { (age(heard, frame.at)) " ago " span.muted.small { (org(&lane.speaker)) } },
                None => "nobody yet",
            } } }
        }
    }
}

/// How long a closed incident lasted, to the last end that anybody claims.
fn lasted(incident: &Incident, start: DateTime<Utc>) -> String {
    let ends = incident.lanes.iter().filter_map(|lane| lane.claim.as_ref()?.occurred_end);
    ends.max().map_or_else(|| "end not stated".to_owned(), |end| format!("lasted {}", words::age(end - start)))
}

/// `4 mitigating, 1 resolved`: how many lanes claim which phase.
fn phases(incident: &Incident) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for claim in incident.lanes.iter().filter_map(|lane| lane.claim.as_ref()) {
        match counted.iter_mut().find(|(phase, _)| *phase == claim.phase.as_str()) {
            Some((_, count)) => *count += 1,
            None => counted.push((claim.phase.as_str(), 1)),
        }
    }
    let said: Vec<String> = counted.into_iter().map(|(phase, count)| format!("{count} {}", spaced(phase))).collect();
    if said.is_empty() { "no claim".to_owned() } else { said.join(", ") }
}

fn decisions(frame: &Frame, incident: &Incident) -> Markup {
    let ids = distinct(incident.decisions.iter().map(|one| format!("dec-{}", token(&one.object_id))));
    let in_force = incident.decisions.iter().filter(|one| one.state == MessageState::InForce).count();
    html! {
        section.panel #decisions aria-labelledby="h-dec" {
            header { h2 #h-dec { "Decisions and notes" } span.small { (in_force) " in force" } }
            @if ids.is_empty() { p.pad.empty { "Nothing has been decided or noted." } }
            ul.rows.tight #dec-list {
                @for (one, id) in incident.decisions.iter().zip(&ids) {
                    li id=(id) data-f {
                        (glyph(if one.state == MessageState::Revoked { G::Withdrawn } else { G::Good }, "k-ink"))
                        span { (said(&one.text, 400)) span.sub { (org(&one.speaker)) ", " (one.kind.as_str()) ", " (clock(one.logged, frame.at)) ", " (spaced(one.state.as_str())) (inline(frame, one.shared.as_ref())) } }
                    }
                }
            }
            (order("dec-list", &ids))
        }
    }
}

fn roles(frame: &Frame, picture: &Picture) -> Markup {
    html! {
        section.panel #roles aria-labelledby="h-r" {
            header { h2 #h-r { "Roles now" } }
            @if picture.desks.is_empty() { p.pad.empty { "No desk has said who is on duty." } }
            ul.desks #desks data-f { @for desk in &picture.desks { (duty(frame, desk)) } }
        }
    }
}

/// A list of native names: the first of them, and how many more.
fn first_of(names: &[String], most: usize) -> String {
    let names: Vec<String> = names.iter().map(|name| plain(name, 40)).collect();
    words::list(&names, most)
}

#[cfg(test)]
mod tests;
