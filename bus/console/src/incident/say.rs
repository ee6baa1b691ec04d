//! What the viewer's desk can say at this incident: impact, note, request, commitment, or that its claim still holds.

use entente_correlator::picture::Incident;
use maud::{Markup, html};

use crate::form::{FormKind, drawer, message, own_claim, still};
use crate::frame::Frame;
use crate::name::org;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    html! {
        @if frame.live {
            section.panel #say aria-labelledby="h-say" {
                header {
                    h2 #h-say { "Say something here, as " (org(&frame.org)) }
                    @if let Some(object) = still(incident, &frame.org) { (holds(frame, object, &incident.id)) }
                }
                (drawer(frame, &own_claim(incident, &frame.org), &incident.id))
                @for kind in [FormKind::Note, FormKind::Request, FormKind::Commitment] { (drawer(frame, &message(kind, incident), &incident.id)) }
            }
        }
    }
}

/// One button: the claim as it stands is affirmed, and nothing else moves.
fn holds(frame: &Frame, object: &str, incident: &str) -> Markup {
    html! {
        form action="/claims" method="post" {
            @for (name, value) in [("csrf", frame.csrf.as_str()), ("kind", "impact"), ("still", "1"), ("object_id", object), ("incident", incident)] {
                input type="hidden" name=(name) value=(value);
            }
            input type="hidden" name="back" value=(frame.own_address());
            button.btn type="submit" { "Our claim still holds" }
        }
    }
}
