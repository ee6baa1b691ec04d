//! The newest records of the incident, each a link to the record as it was logged.

use entente_correlator::picture::{Incident, Line};
use maud::{Markup, html};

use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::second;
use crate::name::{org, said};
use crate::says::says;
use crate::shared::mark;

/// Records of one page.
const LINES: usize = 50;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let lines: Vec<&Line> = incident.events.iter().take(LINES).collect();
    html! {
        section.panel #events aria-labelledby="h-e" {
            header {
                h2 #h-e { "Events, newest first" }
                span.small #tail-count data-f { (lines.len()) " of " (incident.events_total) }
            }
            table.t.tail {
                thead { tr { th.num scope="col" { "Position" } th scope="col" { "Logged, UTC" } th scope="col" { "Speaker" } th scope="col" { "Family" } th scope="col" { "Says" } th scope="col" { "Transmitted by" } } }
                tbody #tail data-top=(LINES) { @for line in &lines { (row(frame, incident, line)) } }
            }
            (order("tail", &lines.iter().map(|line| format!("e{}", line.position)).collect::<Vec<_>>()))
        }
    }
}

fn row(frame: &Frame, incident: &Incident, line: &Line) -> Markup {
    html! {
        tr id={ "e" (line.position) } data-f {
            th.num scope="row" { a href=(frame.link(&format!("/events/{}", line.position), "")) { (frame.named(&line.position.to_string())) } }
            td data-h="Logged" { (second(line.logged, frame.at)) }
            td data-h="Speaker" { (org(&line.speaker)) }
            td data-h="Family" { (line.family.token()) }
            td data-h="Says" { (said(&says(line, std::slice::from_ref(incident)), 200)) @if let Some(by) = &line.withdrawn_by { span.sub { (glyph(G::Withdrawn, "")) " withdrawn by " (org(by)) } } }
            td.nw data-h="Signature" { (crate::name::plain(&line.source, 40)) (mark(frame, line.shared.as_ref())) }
        }
    }
}
