//! The cause as each speaker claims it, the best established first.

use entente_correlator::picture::{Cause, Incident};
use entente_schemas::family::CauseStatus;
use maud::{Markup, html};

use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::clock;
use crate::name::{org, orgs, plain, spaced};
use crate::shared::inline;
use crate::spoken::relayed;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let ids = distinct(incident.causes.iter().map(|cause| format!("cause-{}", cause.speaker)));
    let silent: Vec<String> = incident
        .lanes
        .iter()
        .filter(|lane| !incident.causes.iter().any(|cause| cause.speaker == lane.speaker))
        .map(|lane| lane.speaker.clone())
        .collect();
    html! {
        section.panel #cause aria-labelledby="h-c" {
            header { h2 #h-c { "Cause, as claimed" } @if ids.is_empty() { span.small { "no hypothesis claimed" } } }
            ul.rows.tight #cause-list {
                @for (cause, id) in incident.causes.iter().zip(&ids) {
                    li id=(id) data-f {
                        (glyph(sign(cause.status), "k-ink"))
                        span {
                            b { (org(&cause.speaker)) ": " (spaced(cause.status.as_str())) "." } " " bdi { (named(cause)) }
                            span.sub { "said " (clock(cause.since, frame.at)) @if let Some(how) = relayed(cause.relay, cause.told_by.as_deref()) { ", " (how) } (inline(frame, cause.shared.as_ref())) }
                        }
                    }
                }
            }
            @if !silent.is_empty() { p.pad.muted #cause-none data-f { (orgs(&silent, 6)) ": no cause claimed." } }
            (order("cause-list", &ids))
        }
    }
}

fn sign(status: CauseStatus) -> G {
    match status {
        CauseStatus::Confirmed | CauseStatus::Identified => G::Good,
        CauseStatus::RuledOut => G::Withdrawn,
        CauseStatus::Hypothesis | CauseStatus::Other => G::Unknown,
    }
}

/// What is blamed: vendor, product, artifact, kind, as far as they are named.
pub(crate) fn named(cause: &Cause) -> String {
    let vendor = cause.vendor.as_deref().map(org);
    let parts = [vendor, cause.product.clone(), cause.artifact.clone(), cause.class.as_deref().map(spaced)];
    let said: Vec<String> = parts.into_iter().flatten().map(|part| plain(&part, 80)).collect();
    if said.is_empty() { "not named".to_owned() } else { said.join(", ") }
}
