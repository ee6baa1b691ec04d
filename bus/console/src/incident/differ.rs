//! Where speakers differ, as questions with every position and no verdict; and what nobody, or one who should, has not said.

use entente_correlator::Place;
use entente_correlator::picture::{Disagreement, Incident};
use maud::{Markup, html};

use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::clock;
use crate::name::{org, said};

pub(super) fn disagreements(frame: &Frame, incident: &Incident) -> Markup {
    let ids = distinct(incident.disagreements.iter().map(|one| format!("d-{}", one.kind)));
    let open = incident.disagreements.iter().filter(|one| one.open).count();
    html! {
        section.panel #disagree aria-labelledby="h-d" {
            header { h2 #h-d { "Disagreements" } span.small { (open) " open, none settled by the machine" } }
            @if ids.is_empty() { p.pad.empty { "No two speakers differ in what they claim." } }
            ul.rows #dis-list { @for (one, id) in incident.disagreements.iter().zip(&ids) { (question(frame, one, id)) } }
            (order("dis-list", &ids))
        }
    }
}

fn question(frame: &Frame, one: &Disagreement, id: &str) -> Markup {
    html! {
        li id=(id) data-f {
            (glyph(G::Dis, if one.open { "k-dis" } else { "" }))
            span {
                b { (said(&one.question, 160)) }
                span.says { @for stance in &one.positions {
                    @if stance.position == Place::default() {
                        span { b { (org(&stance.speaker)) } (said(&stance.says, 80)) }
                    } @else {
                        a href=(frame.link(&format!("/events/{}", stance.position), "")) { b { (org(&stance.speaker)) } (said(&stance.says, 80)) }
                    }
                } }
                span.sub { "since " (clock(one.since, frame.at)) @if !one.open { ", ended" } }
            }
        }
    }
}

pub(super) fn unknowns(incident: &Incident) -> Markup {
    let ids = distinct(
        incident.unknowns.iter().map(|gap| format!("u-{}-{}", gap.kind, gap.speaker.as_deref().unwrap_or("all"))),
    );
    html! {
        section.panel #unknown aria-labelledby="h-u" {
            header { h2 #h-u { "Unknown" } span.small { (ids.len()) " gaps" } }
            @if ids.is_empty() { p.pad.empty { "Nothing that is asked for is missing." } }
            ul.rows.tight #gap-list { @for (gap, id) in incident.unknowns.iter().zip(&ids) {
                li id=(id) data-f { (glyph(G::Unknown, "k-ink")) span { (said(&gap.text, 200)) } }
            } }
            (order("gap-list", &ids))
        }
    }
}
