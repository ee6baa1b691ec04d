//! What was said in a sharing group is marked wherever it stands: its marking for onward sharing, and what the group is
//! called here. What everybody may read has no mark.

use entente_correlator::Shared;
use entente_schemas::tlp::Tlp;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::name::plain;

/// The marking as it is written: `TLP:AMBER`.
pub(crate) fn label(tlp: Tlp) -> String {
    format!("TLP:{}", tlp.as_str().to_uppercase())
}

/// The mark on a line of its own.
pub(crate) fn mark(frame: &Frame, shared: Option<&Shared>) -> Markup {
    html! { @if let Some(shared) = shared { span.sub { (inline(frame, Some(shared))) } } }
}

/// The mark within a line.
pub(crate) fn inline(frame: &Frame, shared: Option<&Shared>) -> Markup {
    html! { @if let Some(shared) = shared {
        " " span.tlp.red[shared.tlp == Tlp::Red] title="Said in a sharing group, not to everybody" { (label(shared.tlp)) } " " bdi { (plain(frame.group(&shared.audience), 24)) }
    } }
}

/// The highest marking of what a row tells, on a line of its own; nothing where everybody may read all of it.
pub(crate) fn highest(tlp: Option<Tlp>) -> Markup {
    html! { @if let Some(tlp) = tlp { span.sub { span.tlp.red[tlp == Tlp::Red] { (label(tlp)) } } } }
}

/// The mark in plain text, in brackets; empty for what everybody may read.
pub(crate) fn text(frame: &Frame, shared: Option<&Shared>) -> String {
    let told = shared.map(|shared| format!(" [{} {}]", label(shared.tlp), plain(frame.group(&shared.audience), 24)));
    told.unwrap_or_default()
}

/// The highest marking of a page. One on which nothing is of a group is marked as what a desk says to everybody.
pub(crate) fn ceiling(frame: &Frame, tlp: Option<Tlp>) -> Markup {
    let tlp = tlp.unwrap_or(Tlp::Green);
    let id = (!frame.groups.is_empty()).then_some("ceiling");
    html! { span.tlp.green[tlp == Tlp::Green].red[tlp == Tlp::Red] id=[id] data-f[id.is_some()] title="Nothing on this view is marked higher" { (label(tlp)) } }
}
