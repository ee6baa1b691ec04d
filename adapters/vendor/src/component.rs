//! What an incident says of each component, and the blocks that come of it. A component's status now may be due to another
//! incident, so an incident's own statements speak first, and a closed incident has nothing broken any more.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::block::{Block, BlockState, ServiceClass};
use entente_schemas::family::ImpactKind;
use entente_sidecar::mapping::Lookup;

use crate::incident::{Incident, Update};
use crate::place::place;
use crate::words::{Words, meaning};

/// One component, as one incident tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// The page's word for its status.
    pub(crate) word: Option<String>,
    /// A statement of this incident once said that it did not work.
    pub(crate) hit: bool,
}

/// The components of an incident, by name. `updates` stand oldest first.
pub(crate) fn parts<'a>(
    incident: &Incident,
    updates: impl Iterator<Item = &'a Update>,
    open: bool,
) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for component in incident.components() {
        let Some(name) = component.name() else { continue };
        let word = component.status.clone().filter(|_| open);
        parts.insert(name.to_owned(), Part { word, hit: false });
    }
    for change in updates.flat_map(Update::changes) {
        let Some(name) = change.name() else { continue };
        let part = parts.entry(name.to_owned()).or_default();
        part.hit |= [&change.old_status, &change.new_status].into_iter().flatten().any(|word| !works(word));
        part.word = change.new_status.clone().or(part.word.take());
    }
    parts
}

fn works(word: &str) -> bool {
    word.trim().eq_ignore_ascii_case("operational")
}

/// The components as they enter a digest: each with its word.
pub(crate) fn digest_member(parts: &BTreeMap<String, Part>) -> Vec<String> {
    parts.iter().map(|(name, part)| format!("{name}={}", part.word.as_deref().unwrap_or_default())).collect()
}

/// The blocks of an incident: one per class and state, in the places that it names. Without components the whole vendor is
/// meant.
pub(crate) fn blocks(
    provider: &str,
    class: ServiceClass,
    parts: &BTreeMap<String, Part>,
    words: &Words,
    lookup: &mut Lookup<'_>,
) -> Vec<Block> {
    let regions: BTreeSet<&str> = parts.keys().filter_map(|name| place(name)).collect();
    let only_places = regions.len() == parts.len();
    let mut groups: BTreeMap<(ServiceClass, BlockState), BTreeSet<&str>> = BTreeMap::new();
    for (name, part) in parts.iter().filter(|(name, _)| only_places || place(name).is_none()) {
        let kind = if only_places { class } else { class_of(name, class, lookup) };
        groups.entry((kind, state(part, words, lookup))).or_default().insert(name);
    }
    if groups.is_empty() {
        groups.insert((class, state(&Part::default(), words, lookup)), BTreeSet::new());
    }
    let block = |((service_class, state), names): (_, BTreeSet<&str>)| {
        let here = names.iter().filter_map(|name| place(name)).map(str::to_owned);
        let everywhere = regions.iter().map(|code| (*code).to_owned());
        Block {
            provider: provider.to_owned(),
            service_class,
            regions: if only_places { here.collect() } else { everywhere.collect() },
            services: names.iter().filter(|_| !only_places).map(|name| (*name).to_owned()).collect(),
            zones: Vec::new(),
            state,
            severity: words.severity,
            layer: None,
            asset: None,
        }
    };
    groups.into_iter().map(block).collect()
}

/// A name that no rule meets is of the vendor's own trade, where that is known.
fn class_of(name: &str, trade: ServiceClass, lookup: &mut Lookup<'_>) -> ServiceClass {
    match lookup.mapping().class(name) {
        Some(class) => class,
        None if trade != ServiceClass::Other => trade,
        None => lookup.class(name),
    }
}

fn state(part: &Part, words: &Words, lookup: &mut Lookup<'_>) -> BlockState {
    if words.kind == ImpactKind::Maintenance {
        return BlockState::Excluded;
    }
    if !words.phase.is_open() {
        return BlockState::Restored;
    }
    match meaning(lookup, "component", part.word.as_deref(), words.state.as_str()).state {
        Some(BlockState::NotAffected) if part.hit => BlockState::Restored,
        // The page names it under an open incident and calls it operational: it cannot be told which holds.
        Some(BlockState::NotAffected) => BlockState::Unknown,
        Some(state) => state,
        None => words.state,
    }
}
