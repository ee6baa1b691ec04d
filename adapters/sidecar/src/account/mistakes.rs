//! Mistakes in settings: every one at once, each with the place that it stands in and its path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use toml::{Table, Value};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where it was written: a file, a variable, a flag.
    pub place: String,
    /// The path of the setting, dotted.
    pub path: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// All mistakes that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    list: BTreeSet<Mistake>,
    places: Places,
}

/// Which place a setting was last written in, by path.
pub(super) type Places = BTreeMap<String, String>;

impl Mistakes {
    pub(super) fn new(places: Places) -> Self {
        Self { list: BTreeSet::new(), places }
    }

    /// Adds a mistake in the setting at `path`.
    pub fn add(&mut self, path: &str, what: impl Into<String>) {
        let place = self.place(path).to_owned();
        self.list.insert(Mistake { place, path: path.to_owned(), what: what.into() });
    }

    /// Adds a mistake of a whole place: a file that cannot be read.
    pub(super) fn add_place(&mut self, place: &str, what: impl Into<String>) {
        self.list.insert(Mistake { place: place.to_owned(), path: String::new(), what: what.into() });
    }

    /// The mistakes, in the order of their places and paths.
    pub fn list(&self) -> impl Iterator<Item = &Mistake> {
        self.list.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The place of a setting, or of the nearest one around it.
    fn place(&self, path: &str) -> &str {
        let mut around = Some(path);
        while let Some(path) = around {
            if let Some(place) = self.places.get(path) {
                return place;
            }
            around = path.rsplit_once('.').map(|(outer, _)| outer);
        }
        "settings"
    }

    /// Reads a table as `T`. What does not fit is noted and left out, and the rest is read on, so that all of it is told.
    pub(super) fn read<T: DeserializeOwned>(&mut self, mut table: Table, at: &str) -> Option<T> {
        let mut sound = true;
        loop {
            let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
                Ok(read) => return Some(read).filter(|_| sound),
                Err(error) => error,
            };
            let what = told(error.inner());
            let keys = keys(error.path());
            // What was left out is missing now, and was told already.
            let again = keys.is_empty() && !sound;
            if !again {
                self.add(&joined(at, &keys), what);
            }
            sound = false;
            if !remove(&mut table, &keys) {
                return None;
            }
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mistakes in the settings:")?;
        self.list.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}: {}", self.place, self.path, self.what)
    }
}

fn told(error: &toml::de::Error) -> String {
    error.message().trim_end().replace('\n', "; ")
}

/// The keys down to the value that does not fit; an element of a list stands for the list.
fn keys(path: &Path) -> Vec<String> {
    let keys =
        path.iter().map_while(|segment| if let Segment::Map { key } = segment { Some(key.clone()) } else { None });
    keys.collect()
}

pub(super) fn joined(at: &str, keys: &[String]) -> String {
    let parts = std::iter::once(at).filter(|at| !at.is_empty()).chain(keys.iter().map(String::as_str));
    parts.collect::<Vec<_>>().join(".")
}

fn remove(table: &mut Table, keys: &[String]) -> bool {
    match keys {
        [] => false,
        [last] => table.remove(last).is_some(),
        [first, inner @ ..] => match table.get_mut(first) {
            Some(Value::Table(within)) => remove(within, inner),
            _ => table.remove(first).is_some(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::account::values::{Endpoint, Length};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Acme {
        every: Length,
        #[serde(default)]
        regions: Vec<String>,
        #[serde(default)]
        inner: BTreeMap<String, Endpoint>,
    }

    fn read(text: &str) -> (Option<Acme>, Vec<String>) {
        let places = [("feeds.acme".to_owned(), "acme.toml".to_owned())].into();
        let mut mistakes = Mistakes::new(places);
        let read = mistakes.read(text.parse().unwrap(), "feeds.acme");
        (read, mistakes.list().map(ToString::to_string).collect())
    }

    #[test]
    fn every_mistake_of_a_table_is_told_with_its_path() {
        let (read, told) = read("every = \"soon\"\nregoins = []\nregions = [\"a\", 3]\n[inner]\nec2 = \"x\"\ns3 = 1\n");
        assert_eq!(read, None);
        for (index, part) in [
            "acme.toml: feeds.acme.every: `soon`: expected a length of time",
            "acme.toml: feeds.acme.inner.ec2: `x`: expected an https address",
            "acme.toml: feeds.acme.inner.s3: invalid type: integer `1`, expected a text in quotes",
            "acme.toml: feeds.acme.regions: invalid type: integer `3`, expected a string",
            "acme.toml: feeds.acme.regoins: unknown field `regoins`, expected one of `every`, `regions`, `inner`",
        ]
        .iter()
        .enumerate()
        {
            assert!(told.get(index).is_some_and(|told| told.starts_with(part)), "{part} in {told:#?}");
        }
        assert_eq!(told.len(), 5, "{told:#?}");
    }

    #[test]
    fn what_is_missing_is_told_and_what_fits_is_read() {
        assert_eq!(read("").1, ["acme.toml: feeds.acme: missing field `every`"]);
        assert!(read("every = \"1s\"").0.is_some_and(|acme| acme.regions.is_empty()));
    }
}
