//! Who owes what by when: requests, offers, commitments, promised updates; what is overdue first.

use entente_correlator::picture::{Incident, Owed};
use maud::{Markup, html};

use crate::board::parties;
use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::{clock, due};
use crate::name::{org, said, spaced};
use crate::shared::inline;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let ids = distinct(incident.owed.iter().map(|one| format!("w{}", one.position)));
    html! {
        section.panel #asks aria-labelledby="h-k" {
            header {
                h2 #h-k { "Asks and commitments" }
                @if frame.live { a.btn href="#say-request" { "Ask" } a.btn href="#say-commitment" { "Commit" } }
            }
            @if ids.is_empty() { p.pad.empty { "Nothing is asked or promised." } }
            ul.rows #owed-list { @for (one, id) in incident.owed.iter().zip(&ids) { (item(frame, one, id)) } }
            (order("owed-list", &ids))
        }
    }
}

fn item(frame: &Frame, one: &Owed, id: &str) -> Markup {
    html! {
        li id=(id) data-f data-now[one.overdue] {
            (glyph(if one.overdue { G::Due } else { G::Talk }, if one.overdue { "k-ink" } else { "" }))
            span {
                (parties(one)) " " span.muted.small { (spaced(&one.kind)) @if let Some(state) = one.state { ", " (spaced(state.as_str())) } (inline(frame, one.shared.as_ref())) }
                span.sub { a href=(frame.link(&format!("/events/{}", one.position), "")) { (said(&one.text, 200)) } }
                @for reply in &one.answers {
                    span.sub { (org(&reply.speaker)) ", " (spaced(reply.state.as_str())) " " (clock(reply.logged, frame.at)) ": " a href=(frame.link(&format!("/events/{}", reply.position), "")) { (said(&reply.text, 120)) } }
                }
            }
            @if one.settled { span.tag.ok { "settled" } } @else { (due(one.due_at, one.overdue, frame.at)) }
        }
    }
}
