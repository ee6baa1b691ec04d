//! Which streams make the log that is read here: the one that everybody reads, and one for each sharing group that the data
//! folder knows. What was read once is read on until the server ends; names follow the folder's file.

use std::collections::BTreeSet;

use entente_correlator::Place;
use entente_journal::{Audiences, Scope};
use entente_schemas::record::Position;
use entente_schemas::subject::{AUDIENCE_ALL, log_stream};

/// The streams that are read, and what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    universe: String,
    names: Audiences,
    groups: BTreeSet<String>,
}

impl Streams {
    /// Those of a universe, with the groups that have these names.
    pub(crate) fn of(universe: &str, names: Audiences) -> Self {
        let groups = names.iter().map(|(_, id)| id.to_owned()).collect();
        Self { universe: universe.to_owned(), names, groups }
    }

    /// With the groups that have these names now.
    pub(crate) fn renamed(&self, names: Audiences) -> Self {
        let mut groups = self.groups.clone();
        groups.extend(names.iter().map(|(_, id)| id.to_owned()));
        Self { universe: self.universe.clone(), names, groups }
    }

    /// The universe.
    pub(crate) fn universe(&self) -> &str {
        &self.universe
    }

    /// Every audience that is read, everybody first.
    pub(crate) fn audiences(&self) -> impl Iterator<Item = &str> {
        std::iter::once(AUDIENCE_ALL).chain(self.groups.iter().map(String::as_str))
    }

    /// Every scope that is read, everybody's first.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        self.audiences().map(|audience| self.scope(audience)).collect()
    }

    /// The scope of an audience.
    pub(crate) fn scope(&self, audience: &str) -> Scope {
        Scope { universe: self.universe.clone(), audience: audience.to_owned() }
    }

    /// The stream of an audience.
    pub(crate) fn of_audience(&self, audience: &str) -> String {
        log_stream(&self.universe, audience)
    }

    /// The audience of a key: `all`, a group's local name, or its id.
    pub(crate) fn audience(&self, key: &str) -> Option<&str> {
        if key == AUDIENCE_ALL {
            return Some(AUDIENCE_ALL);
        }
        self.names.id(key).or_else(|| self.groups.get(key).map(String::as_str))
    }

    /// The stream of a key: nothing is the one that everybody reads; else its own name, or a key of its audience.
    pub(crate) fn stream(&self, key: &str) -> Option<String> {
        if key.is_empty() {
            return Some(self.of_audience(AUDIENCE_ALL));
        }
        let named = self.audiences().map(|audience| self.of_audience(audience)).find(|stream| stream == key);
        named.or_else(|| self.audience(key).map(|audience| self.of_audience(audience)))
    }

    /// What a group is called here: its local name, or else its id.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.name(id).unwrap_or(id)
    }

    /// Local names of groups by their ids.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().map(|id| (id.as_str(), self.name(id)))
    }

    /// Whether there is more than the one that everybody reads.
    pub(crate) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// A key of a record with its stream's own name, where it is a place: `banks:7` is `A_actual_g...:7`.
    pub(crate) fn key(&self, key: &str) -> String {
        let place = key.parse::<Place>().ok();
        let named = place.and_then(|place| Some(Place { stream: self.stream(&place.stream)?.into(), ..place }));
        named.map_or_else(|| key.to_owned(), |place| place.to_string())
    }

    /// How a place in a sharing group is written, for messages; empty if there is none.
    pub(crate) fn hint(&self) -> String {
        let names: Vec<&str> = self.names().map(|(_, name)| name).collect();
        let places = || {
            format!("; a place in a sharing group is written NAME:SEQUENCE, and known here are {}", names.join(", "))
        };
        if names.is_empty() { String::new() } else { places() }
    }

    /// A position as it was told before: streams by whatever names them. One that is not read any more is left out.
    pub(crate) fn known(&self, position: &Position) -> Position {
        let mut known = Position::default();
        for (stream, sequence) in position.iter() {
            if let Some(stream) = self.stream(stream) {
                known.advance(&stream, sequence);
            }
        }
        // Of one that names nothing else nobody can tell what came since.
        if known == Position::default() { position.clone() } else { known }
    }

    /// A position that also counts nothing of the streams that it does not name, so that it is told in full.
    pub(crate) fn whole(&self, mut position: Position) -> Position {
        self.audiences().for_each(|audience| position.advance(&self.of_audience(audience), 0));
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANKS: &str = "gbbbbbbbbbbbbbbbb";

    fn streams() -> Streams {
        Streams::of("actual", Audiences::default().with("banks", BANKS).unwrap())
    }

    #[test]
    fn a_stream_is_found_by_whatever_names_it() {
        let (streams, of_group) = (streams(), format!("A_actual_{BANKS}"));
        for key in ["banks", BANKS, of_group.as_str()] {
            assert_eq!(streams.stream(key), Some(of_group.clone()), "{key}");
            assert_eq!(streams.key(&format!("{key}:7")), format!("{of_group}:7"));
        }
        for key in ["", "all", "A_actual_all"] {
            assert_eq!(streams.stream(key).as_deref(), Some("A_actual_all"), "{key}");
        }
        for key in ["bank", "A_actual_g1", "A_test_all"] {
            assert_eq!(streams.stream(key), None, "{key}");
        }
        for key in ["120", "aws:7", "inc-2kq7c4w1xz", "01912b6e-1111-7000-8000-000000000001"] {
            assert_eq!(streams.key(key), key);
        }
        assert_eq!(streams.key("all:7"), "7");
    }

    #[test]
    fn what_lost_its_name_is_read_on() {
        let renamed = streams().renamed(Audiences::default().with("clouds", "gcccccccccccccccc").unwrap());
        assert_eq!(renamed.audiences().count(), 3);
        assert_eq!(
            (renamed.name(BANKS), renamed.audience(BANKS), renamed.audience("banks")),
            (BANKS, Some(BANKS), None)
        );
        assert_eq!(renamed.name("gcccccccccccccccc"), "clouds");
    }

    #[test]
    fn a_position_is_told_in_full() {
        let position = streams().whole(Position::of("A_actual_all", 120));
        assert_eq!(position.to_string(), format!("A_actual_all:120,A_actual_{BANKS}:0"));
        let alone = Streams::of("actual", Audiences::default()).whole(Position::of("A_actual_all", 120));
        assert_eq!(alone.to_string(), "120");
    }
}
