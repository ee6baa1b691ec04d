//! Retractions without effect, and why: whoever sent one has to see that nothing was withdrawn.

use std::sync::Arc;

use entente_schemas::event::Source;
use entente_schemas::family::{Body, Erasure, Family, Retraction, Scope};

use crate::record::entry::Entry;
use crate::record::objects::{Objects, reaches};
use crate::words;

/// Why a retraction withdraws nothing, with the next step; none if it withdraws something, or is none.
pub(crate) fn void(objects: &Objects, entry: &Arc<Entry>) -> Option<String> {
    let Body::Retraction(retraction) = &entry.claim().body else { return None };
    let own = Source::parse(&retraction.target_source).is_some_and(|source| source.org == entry.event.source.org);
    if !own && !entry.header().acts_as_coordinator() {
        return Some("only the target's own organisation or the coordinator withdraws it. Ask one of them".to_owned());
    }
    let erasure = Erasure::of(&entry.event);
    if erasure.and_then(|erasure| objects.erased_by(&erasure)).is_some_and(|by| is(by, entry)) {
        return None;
    }
    let targets = targets(objects, entry, retraction);
    if targets.is_empty() {
        return Some(unknown(objects, entry, retraction));
    }
    let by: Option<Vec<&Arc<Entry>>> = targets.iter().map(|target| objects.withdrawn(target)).collect();
    let first = by.filter(|by| !by.iter().any(|by| is(by, entry)))?.into_iter().min_by_key(|by| &by.order)?;
    let when = first.order.logged.format("%-d %b %Y %H:%M");
    Some(format!("was withdrawn before, at {when} by {}", words::org(first.author_org())))
}

fn is(a: &Entry, b: &Entry) -> bool {
    a.order == b.order
}

/// What the retraction names, as far as its event and its object agree.
fn targets<'a>(objects: &'a Objects, withdrawal: &Entry, retraction: &Retraction) -> Vec<&'a Arc<Entry>> {
    if retraction.scope != Scope::Object {
        let named = objects.events(&retraction.target).iter();
        let reached = |target: &&Arc<Entry>| {
            target.header().object_id == retraction.target_object && target.event.audience == withdrawal.event.audience
        };
        return named.filter(reached).collect();
    }
    let of = |family| objects.get(family, &retraction.target_object);
    let entries = Family::ALL.iter().filter_map(|family| of(*family)).flat_map(|object| object.entries());
    entries.filter(|entry| reaches(withdrawal, entry)).collect()
}

fn unknown(objects: &Objects, withdrawal: &Entry, retraction: &Retraction) -> String {
    match objects.event(&retraction.target) {
        Some(target) if target.event.audience != withdrawal.event.audience => {
            "its event stands in another audience. Withdraw it there".to_owned()
        }
        Some(other) if other.header().object_id != retraction.target_object => {
            format!("its event is one of {}, not of {}", other.header().object_id, retraction.target_object)
        }
        Some(_) => format!("{} has no such revision of this source", retraction.target_object),
        None if objects.erased(&retraction.target).is_some() => "its event was withdrawn and erased before".to_owned(),
        None => "its event is not in the log. Look up the id with `entente events`".to_owned(),
    }
}
