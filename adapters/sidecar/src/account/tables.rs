//! The part of the settings that an adapter reads itself: a table a feed, one of its own, and the addresses of its APIs.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::subject::{is_audience, is_feed};
use entente_schemas::tlp::Tlp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::cadence::Cadence;
use super::mistakes::{Mistakes, joined};
use super::values::{Endpoint, Length, from_text};

/// A feed that is to be read, as the settings say.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed<T> {
    /// Its slug.
    pub slug: String,
    /// How often it is asked.
    pub cadence: Cadence,
    /// What its adapter needs to know.
    pub own: T,
}

/// What every feed's table may say, whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shared {
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "audience")]
    pub(super) audience: Option<String>,
    #[serde(default, deserialize_with = "tlp")]
    pub(super) tlp: Option<Tlp>,
    #[serde(default)]
    every: Option<Length>,
    #[serde(default)]
    incident_every: Option<Length>,
}

impl Shared {
    /// The feed's cadence, where others have that one.
    pub(super) fn cadence(&self, others: Cadence) -> Cadence {
        Cadence {
            quiet: self.every.map_or(others.quiet, |length| length.0),
            incident: self.incident_every.map_or(others.incident, |length| length.0),
        }
    }
}

const SHARED: [&str; 5] = ["enabled", "audience", "tlp", "every", "incident_every"];

/// The tables of an adapter, while they are read.
pub struct Tables<'a> {
    own: Option<Table>,
    feeds: BTreeMap<String, Table>,
    endpoints: BTreeMap<String, Endpoint>,
    cadence: Cadence,
    adapter: &'static str,
    pub(super) read: BTreeMap<String, Shared>,
    asked: BTreeSet<String>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Tables<'a> {
    pub(super) fn new(
        adapter: &'static str,
        own: Option<Table>,
        feeds: Table,
        endpoints: BTreeMap<String, Endpoint>,
        cadence: Cadence,
        mistakes: &'a mut Mistakes,
    ) -> Self {
        let mut tables = BTreeMap::new();
        for (slug, value) in feeds {
            let path = format!("feeds.{slug}");
            match value {
                Value::Table(table) if is_feed(&slug) => {
                    tables.insert(slug, table);
                }
                Value::Table(_) => mistakes.add(&path, "this cannot be a feed's name: a-z, 0-9 and -, at most 40"),
                _ => mistakes.add(&path, "expected a table: [feeds.NAME]"),
            }
        }
        let (read, asked) = (BTreeMap::new(), BTreeSet::new());
        Self { own, feeds: tables, endpoints, cadence, adapter, read, asked, mistakes }
    }

    /// The names of all feeds that have a table, for adapters whose feeds are named by whoever writes the settings.
    #[must_use]
    pub fn slugs(&self) -> Vec<String> {
        self.feeds.keys().cloned().collect()
    }

    /// The feed of that name: read if it has a table in the settings and is not `enabled = false` there. `T` holds what is
    /// the feed's own and denies unknown fields; `audience`, `tlp`, `every`, `incident_every` are read here.
    pub fn feed<T: DeserializeOwned>(&mut self, slug: &str) -> Option<Feed<T>> {
        self.asked.insert(slug.to_owned());
        let mut table = self.feeds.remove(slug)?;
        let path = format!("feeds.{slug}");
        let taken = SHARED.iter().filter_map(|key| table.remove_entry(*key)).collect::<Table>();
        let shared: Option<Shared> = self.mistakes.read(taken, &path);
        let own = self.mistakes.read(table, &path);
        let (shared, own) = (shared?, own?);
        if shared.enabled == Some(false) {
            return None;
        }
        let cadence = shared.cadence(self.cadence);
        self.read.insert(slug.to_owned(), shared);
        Some(Feed { slug: slug.to_owned(), cadence, own })
    }

    /// The adapter's own table, `[<name>]`: what its feeds have in common, such as where credentials come from.
    pub fn own<T: DeserializeOwned + Default>(&mut self) -> T {
        let Some(table) = self.own.take() else { return T::default() };
        self.mistakes.read(table, self.adapter).unwrap_or_default()
    }

    /// The address that is called instead of the provider's own, of an API that the adapter names in its endpoints.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.endpoints.get(name).cloned()
    }

    /// Tells of a mistake that only the adapter sees; `path` as in `feeds.acme-vm.regions`.
    pub fn mistake(&mut self, path: &str, what: impl Into<String>) {
        self.mistakes.add(path, what);
    }

    /// Tells of all that nobody asked for.
    pub(super) fn finish(self) -> BTreeMap<String, Shared> {
        let known = self.asked.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        for slug in self.feeds.keys() {
            self.mistakes.add(&format!("feeds.{slug}"), format!("no such feed; expected one of: {known}"));
        }
        for key in self.own.iter().flat_map(Table::keys) {
            let path = joined(self.adapter, std::slice::from_ref(key));
            self.mistakes.add(&path, "no such setting: this adapter has none of its own");
        }
        self.read
    }
}

/// A sharing group; nothing if it is left open.
pub(super) fn audience<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    from_text(from, |text| match text {
        "" => Ok(None),
        "all" => {
            Err("what an account sees goes to a sharing group, never to all; `entente audience create NAME` makes one"
                .to_owned())
        }
        text if is_audience(text) => Ok(Some(text.to_owned())),
        _ => {
            Err("expected the id of a sharing group: g and 16 characters; `entente audience list` tells it".to_owned())
        }
    })
}

/// A marking for a sharing group.
pub(super) fn tlp<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Tlp>, D::Error> {
    from_text(from, |text| match text.parse::<Tlp>() {
        Ok(tlp) if !tlp.fits_all() => Ok(Some(tlp)),
        _ => Err("expected a marking of sharing groups: amber, amber+strict or red".to_owned()),
    })
}
