//! What a claim may tell of. Whoever reads an audience must not learn from a claim there that something exists which only a
//! sharing group knows: such a claim is refused, whatever member names it. What everybody knows may be named in any group.

use std::collections::BTreeSet;

use entente_correlator::State;
use entente_schemas::subject::AUDIENCE_ALL;
use serde_json::{Map, Value};

use super::Mistake;
use crate::streams::Streams;

/// What readers of an audience know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    /// The audience that the claim is for.
    pub(super) audience: &'a str,
    /// The streams, for what groups are called.
    pub(super) streams: &'a Streams,
    /// Objects that this desk has said in another sharing group and that may not be in the log yet, with the group.
    pub(super) unlogged: &'a BTreeSet<(String, String)>,
}

impl Sight<'_> {
    /// The sharing group that alone knows what a name stands for, if the readers of this audience do not.
    pub(super) fn hides(&self, state: &State, name: &str) -> Option<String> {
        let known = state.audiences(name);
        if known.contains(AUDIENCE_ALL) || known.contains(self.audience) {
            return None;
        }
        let from = (name.to_owned(), String::new());
        let unlogged = self.unlogged.range(from..).next().filter(|(object, _)| object == name);
        known.first().map(|group| (*group).to_owned()).or_else(|| unlogged.map(|(_, group)| group.clone()))
    }

    /// That a name must not stand at a place of a claim.
    pub(super) fn refused(&self, path: &str, name: &str, group: String) -> Mistake {
        let shown: String = name.chars().take(120).collect();
        let group = self.streams.name(&group);
        let readers = match self.audience {
            AUDIENCE_ALL => "everybody".to_owned(),
            audience => format!("sharing group {}", self.streams.name(audience)),
        };
        let what = format!(
            "`{shown}` is known only in sharing group {group}, and a claim for {readers} would give away that it exists; leave it out, or publish in audience {group}"
        );
        Mistake::new(path, what)
    }

    /// Every text of a claim that names what its readers do not know: alone, or as a word of a longer one.
    pub(super) fn leaks(&self, state: &State, claim: &Map<String, Value>) -> Vec<Mistake> {
        if !self.streams.has_groups() {
            return Vec::new();
        }
        let mut mistakes = Vec::new();
        for (name, value) in claim {
            self.walk(state, name, value, &mut mistakes);
        }
        mistakes
    }

    fn walk(&self, state: &State, path: &str, value: &Value, mistakes: &mut Vec<Mistake>) {
        match value {
            Value::String(text) => mistakes.extend(self.told_by(state, path, text)),
            Value::Array(values) => {
                values
                    .iter()
                    .enumerate()
                    .for_each(|(at, one)| self.walk(state, &format!("{path}.{at}"), one, mistakes));
            }
            Value::Object(members) => {
                members.iter().for_each(|(name, one)| self.walk(state, &format!("{path}.{name}"), one, mistakes));
            }
            _ => {}
        }
    }

    fn told_by(&self, state: &State, path: &str, text: &str) -> Option<Mistake> {
        let stops = |c: char| matches!(c, ',' | ';' | '.' | '!' | '?' | '(' | ')' | '[' | ']' | '"' | '\'' | '`' | ':');
        let words = text.split_whitespace().map(|word| word.trim_matches(stops));
        let mut names = std::iter::once(text.trim()).chain(words).filter(|name| !name.is_empty());
        names.find_map(|name| Some(self.refused(path, name, self.hides(state, name)?)))
    }
}
