//! Who is to read what a form says, where there are sharing groups: a question that a form asks, never a guess that it makes
//! where the choice could tell everybody what a group keeps to itself.

use entente_correlator::Shared;
use entente_correlator::picture::Incident;
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use maud::{Markup, html};

use super::{Form, FormProblem};
use crate::frame::Frame;
use crate::name::plain;

/// The field that names the audience.
pub(super) const AUDIENCE: &str = "audience";
/// The field that holds the marking.
pub(super) const TLP: &str = "tlp";

/// Who would read an answer at an incident: everybody if all of it may be read by everybody, a group if all its claims are of
/// that one; otherwise the author has to choose.
pub(super) fn of(incident: &Incident) -> Option<&str> {
    if incident.tlp.is_none() {
        return Some(AUDIENCE_ALL);
    }
    let mut claims = incident.lanes.iter().filter_map(|lane| lane.claim.as_ref()).map(|claim| claim.shared.as_ref());
    let first = claims.next()??;
    claims.all(|other| other.is_some_and(|other| other.audience == first.audience)).then_some(&first.audience)
}

/// Where a claim stands.
pub(super) fn audience(shared: Option<&Shared>) -> &str {
    shared.map_or(AUDIENCE_ALL, |shared| &shared.audience)
}

/// The audience and the marking as they were chosen; none where the form left it to the server.
pub(super) fn chosen(form: &Form, problems: &mut Vec<FormProblem>) -> (Option<String>, Option<Tlp>) {
    let mut expected = |path: &str, what: String| problems.push(FormProblem { path: path.to_owned(), what });
    let audience = form.all(AUDIENCE).next().map(str::to_owned);
    if audience.as_ref().is_some_and(String::is_empty) {
        expected(AUDIENCE, "choose who is to read it: something here is known to a sharing group only".to_owned());
    }
    let tlp = Some(form.value(TLP)).filter(|word| !word.is_empty()).map(str::parse::<Tlp>).transpose();
    let tlp = tlp.unwrap_or_else(|error| {
        expected(TLP, error.to_string());
        None
    });
    (audience, tlp)
}

/// The question. A revision stays where its claim stands.
pub(super) fn question(frame: &Frame, form: &Form) -> Markup {
    let audience = form.value(AUDIENCE);
    let stays = !form.value("object_id").is_empty();
    html! {
        @if !frame.groups.is_empty() {
            fieldset { legend { "For whom" } div.grid {
                @if stays {
                    input type="hidden" name=(AUDIENCE) value=(audience);
                    div.field { span.label { "Who reads it" } b { (called(frame, audience)) } span.hint { "a revision stays where its claim stands" } }
                } @else {
                    label.field { span.label { "Who reads it" b aria-hidden="true" { " *" } } select name=(AUDIENCE) required {
                        @if audience.is_empty() { option value="" { "choose" } }
                        option value=(AUDIENCE_ALL) selected[audience == AUDIENCE_ALL] { (called(frame, AUDIENCE_ALL)) }
                        @for (id, name) in &frame.groups { option value=(id) selected[audience == id] { (plain(name, 40)) } }
                    } span.hint { "a sharing group: its members only" } }
                }
                label.field { span.label { "Marking, TLP" } select name=(TLP) {
                    option value="" { @if stays { "as before" } @else { "green, in a group amber" } }
                    @for word in Tlp::WORDS { option value=(word) selected[*word == form.value(TLP)] { (word) } }
                } span.hint { "clear or green for all; amber, amber+strict or red in a group" } }
            } }
        }
    }
}

/// The end of the line beside the button.
pub(super) fn shown_to(frame: &Frame) -> &'static str {
    if frame.groups.is_empty() { "shown to all, kept for good." } else { "shown to whom you choose, kept for good." }
}

fn called(frame: &Frame, audience: &str) -> String {
    if audience == AUDIENCE_ALL { "everybody".to_owned() } else { plain(frame.group(audience), 40) }
}
