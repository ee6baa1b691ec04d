//! A record in one line: what it says, in words.

use std::sync::Arc;

use entente_schemas::block::Severity;
use entente_schemas::family::{
    Advisory, Approach, Body, Constraint, Erasure, Estimate, Feed, FeedState, Impact, ImpactKind, Message,
    MessageState, Remediation, Retraction,
};

use crate::incident::owed::as_told;
use crate::picture::Line;
use crate::record::entry::Entry;
use crate::record::objects::Objects;
use crate::record::void::void;
use crate::words;

/// The line of a record.
pub(crate) fn line(
    objects: &Objects,
    entry: &Arc<Entry>,
    incident: Option<String>,
    withdrawn_by: Option<String>,
) -> Line {
    Line {
        position: entry.position(),
        id: entry.event.id.clone(),
        logged: entry.order.logged,
        speaker: entry.speaker().to_owned(),
        source: entry.event.source.org_feed(),
        family: entry.family(),
        object_id: entry.header().object_id.clone(),
        rev: entry.header().rev,
        says: says(objects, entry),
        incident,
        withdrawn_by,
        shared: entry.shared(),
    }
}

/// The line of what a retraction erased: all that is still known of it.
pub(crate) fn erased(retraction: &Entry, erasure: Erasure, incident: Option<String>) -> Line {
    let by = words::org(retraction.author_org());
    let when = retraction.order.logged.format("%-d %b %Y %H:%M");
    Line {
        position: retraction.position(),
        id: erasure.event,
        logged: retraction.order.logged,
        speaker: erasure.source.org.clone(),
        source: erasure.source.org_feed(),
        family: retraction.family(),
        object_id: erasure.object,
        rev: erasure.rev,
        says: format!("withdrawn at {when} by {by} and erased"),
        incident,
        withdrawn_by: Some(by),
        shared: retraction.shared(),
    }
}

/// What a record says. A retraction without effect says so, and why.
pub(crate) fn says(objects: &Objects, entry: &Arc<Entry>) -> String {
    let said = if objects.affirms(entry) { "still so".to_owned() } else { in_words(entry) };
    let said = match void(objects, entry) {
        Some(reason) => format!("{said} (without effect: {reason})"),
        None => said,
    };
    as_told(entry, said)
}

fn in_words(entry: &Entry) -> String {
    match &entry.claim().body {
        Body::Impact(impact) => of_impact(impact),
        Body::Notice(notice) => format!("told customers: {}", words::cut(&notice.text, 160)),
        Body::Advisory(advisory) => of_advisory(advisory),
        Body::Approach(approach) => of_approach(approach),
        Body::Remediation(run) => of_run(run),
        Body::Estimate(estimate) => of_estimate(estimate),
        Body::Message(message) => of_message(message),
        Body::Roster(roster) => format!("{} on duty: {}", roster.role, roster.desk),
        Body::Constraint(constraint) => of_constraint(constraint),
        Body::Retraction(retraction) => of_retraction(retraction),
        Body::Feed(feed) => of_feed(feed),
        Body::Rejected(rejected) => format!("could not take an item of {}: {}", rejected.feed, rejected.reason),
        Body::Sitrep(sitrep) => format!("situation report {}: {}", sitrep.report_number, words::cut(&sitrep.text, 120)),
    }
}

fn of_impact(impact: &Impact) -> String {
    let kind = if impact.kind == ImpactKind::Maintenance { "maintenance " } else { "" };
    let phase = impact.phase.to_string().replace('_', " ");
    let severity = match impact.severity {
        Severity::NotStated | Severity::Other => String::new(),
        severity => format!(", {}", words::severity(severity)),
    };
    format!("{kind}{phase}{severity}: {}", words::cut(&impact.title, 160))
}

fn of_advisory(advisory: &Advisory) -> String {
    format!("{}: {}", advisory.category.to_string().replace('_', " "), words::cut(&advisory.title, 160))
}

fn of_approach(approach: &Approach) -> String {
    format!("a way of repairing: {}", words::cut(&approach.name, 160))
}

fn of_run(run: &Remediation) -> String {
    let sum = |of: fn(&entente_schemas::family::Tally) -> Option<u64>| {
        run.arms.iter().filter_map(|arm| of(&arm.tally)).fold(0_u64, u64::saturating_add)
    };
    let state = run.state.to_string().replace('_', " ");
    let (worked, tried) = (sum(|t| t.succeeded), words::figure(sum(|t| t.attempted)));
    let work = if worked == 1 { "works" } else { "work" };
    format!("{} {state}: {} {work} again of {tried} attempted", run.approach_id, words::figure(worked))
}

fn of_estimate(estimate: &Estimate) -> String {
    let counted = |number| words::counted(number, estimate.unit);
    let figure = match (estimate.value, estimate.lo, estimate.hi) {
        (Some(value), ..) => counted(value),
        (None, Some(lo), Some(hi)) => format!("{} to {}", words::figure(lo), counted(hi)),
        (None, Some(lo), None) => format!("at least {}", counted(lo)),
        (None, None, Some(hi)) => format!("at most {}", counted(hi)),
        (None, None, None) => format!("a share of {}", words::units(estimate.unit)),
    };
    format!("estimates {figure} {}", words::quantity(estimate.quantity))
}

fn of_message(message: &Message) -> String {
    let to = if message.to.is_empty() { String::new() } else { format!(" to {}", message.to.join(", ")) };
    let state = match message.state {
        MessageState::Open | MessageState::InForce | MessageState::Other => String::new(),
        state => format!(" ({})", state.to_string().replace('_', " ")),
    };
    format!("{}{to}{state}: {}", message.kind, words::cut(&message.text, 160))
}

fn of_constraint(constraint: &Constraint) -> String {
    let name = constraint.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let kind = constraint.kind.to_string().replace('_', " ");
    format!("{kind}{name} {}: {}", words::list(&constraint.objects, 3), words::cut(&constraint.reason, 120))
}

fn of_retraction(retraction: &Retraction) -> String {
    let reason = retraction.reason.to_string().replace('_', " ");
    let erases = if retraction.reason.erases() { " and erases" } else { "" };
    format!("withdraws{erases} {} rev {}: {reason}", retraction.target_object, retraction.target_rev)
}

fn of_feed(feed: &Feed) -> String {
    match feed.state {
        FeedState::Live => format!("{} is live", feed.feed),
        _ => format!("{} is blind: {}", feed.feed, feed.reason),
    }
}
