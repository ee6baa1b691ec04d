//! A form that revises what one's own desk has said: filled with the claim as it stands, since a revision replaces the
//! whole of it. A claim that holds more than the form can show is not offered for revision here.

use chrono::{DateTime, Utc};
use entente_correlator::Shared;
use entente_correlator::picture::{Figure, Incident, LaneClaim};
use entente_schemas::block::{Block, Severity};
use entente_schemas::speaker::Relay;

use super::{Form, FormKind, readers};

/// The claim of the viewer's own desk in this incident, if the desk itself wrote it.
fn own<'a>(incident: &'a Incident, org: &str) -> Option<&'a LaneClaim> {
    let lane = incident.lanes.iter().find(|lane| lane.speaker == org)?;
    lane.claim.as_ref().filter(|claim| claim.relay == Relay::Own && claim.native.is_none())
}

/// The form that says again that one's own claim holds: its object id.
pub(crate) fn still<'a>(incident: &'a Incident, org: &str) -> Option<&'a str> {
    own(incident, org).map(|claim| claim.object_id.as_str())
}

/// The impact form at an incident: one's own claim to revise, or an empty one.
pub(crate) fn own_claim(incident: &Incident, org: &str) -> Form {
    let Some(claim) = own(incident, org).filter(|claim| fits(incident, claim, org)) else {
        return message(FormKind::Impact, incident);
    };
    let mut form = Form::empty(FormKind::Impact);
    form.set("audience", readers::audience(claim.shared.as_ref()));
    form.set("object_id", claim.object_id.as_str());
    form.set("title", claim.title.as_str());
    form.set("phase", claim.phase.as_str());
    form.set("severity", claim.severity.as_str());
    form.set("certainty", claim.certainty.as_str());
    form.set("outcome", claim.outcome.map_or("", |outcome| outcome.as_str()));
    form.set("next_update_by", typed(claim.next_update_by));
    form.set("times.occurred_at", typed(claim.occurred_at));
    form.set("times.occurred_end", typed(claim.occurred_end));
    form.set("times.fidelity", claim.fidelity.map_or("", |unit| unit.as_str()));
    form.set("symptoms", claim.symptoms.join(", "));
    form.set("invented", if claim.invented { "true" } else { "" });
    for effect in &claim.effect {
        form.set("effect", effect.as_str());
    }
    if let Some(block) = claim.blocks.first() {
        fill_block(&mut form, block);
    }
    if let Some((unit, quantity, figure)) = figures(incident, claim, org).next() {
        form.set("counts.0.unit", unit);
        form.set("counts.0.quantity", quantity);
        fill_count(&mut form, figure);
    }
    fill_cause(&mut form, incident, claim, org);
    form
}

/// A form at an incident in which nothing is typed yet.
pub(crate) fn message(kind: FormKind, incident: &Incident) -> Form {
    let mut form = Form::empty(kind);
    form.set("audience", readers::of(incident).unwrap_or_default());
    form
}

fn fits(incident: &Incident, claim: &LaneClaim, org: &str) -> bool {
    let zones = claim.blocks.iter().any(|block| !block.zones.is_empty());
    let severity = |block: &Block| matches!(block.severity, Severity::NotStated) || block.severity == claim.severity;
    let one = claim.blocks.len() <= 1 && figures(incident, claim, org).count() <= 1;
    one && !zones && claim.blocks.iter().all(severity) && claim.trimmed.is_empty()
}

fn figures<'a>(
    incident: &'a Incident,
    claim: &'a LaneClaim,
    org: &'a str,
) -> impl Iterator<Item = (&'static str, &'static str, &'a Figure)> {
    incident.counts.iter().flat_map(move |group| {
        let own = group.figures.iter().filter(move |figure| figure.speaker == org && figure.position == claim.position);
        own.map(|figure| (group.unit.as_str(), group.quantity.as_str(), figure))
    })
}

fn fill_block(form: &mut Form, block: &Block) {
    form.set("blocks.0.provider", block.provider.as_str());
    form.set("blocks.0.service_class", block.service_class.as_str());
    form.set("blocks.0.state", block.state.as_str());
    form.set("blocks.0.services", block.services.join(", "));
    form.set("blocks.0.regions", block.regions.join(", "));
    form.set("blocks.0.layer", block.layer.map_or("", |layer| layer.as_str()));
    let Some(asset) = &block.asset else { return };
    let members = [
        ("vendor", &asset.vendor),
        ("product", &asset.product),
        ("version_range", &asset.version_range),
        ("os_family", &asset.os_family),
        ("artifact", &asset.artifact),
    ];
    for (name, value) in members {
        form.set(&format!("blocks.0.asset.{name}"), value.as_deref().unwrap_or_default());
    }
}

fn fill_count(form: &mut Form, figure: &Figure) {
    for (name, number) in [("value", figure.value), ("lo", figure.lo), ("hi", figure.hi)] {
        form.set(&format!("counts.0.{name}"), number.map(|number| number.to_string()).unwrap_or_default());
    }
    form.set("counts.0.method", figure.method.as_str());
    form.set("counts.0.population", figure.population.as_deref().unwrap_or_default());
}

/// A cause that was told to another audience is no part of this claim.
fn fill_cause(form: &mut Form, incident: &Incident, claim: &LaneClaim, org: &str) {
    let told_here =
        |shared: &Option<Shared>| readers::audience(shared.as_ref()) == readers::audience(claim.shared.as_ref());
    let mut own = incident.causes.iter().filter(|cause| cause.speaker == org && cause.relay == Relay::Own);
    let Some(cause) = own.find(|cause| told_here(&cause.shared)) else { return };
    form.set("suspected_cause.status", cause.status.as_str());
    for (name, value) in
        [("class", &cause.class), ("vendor", &cause.vendor), ("product", &cause.product), ("artifact", &cause.artifact)]
    {
        form.set(&format!("suspected_cause.{name}"), value.as_deref().unwrap_or_default());
    }
}

fn typed(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.format("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}
