//! The tables of the vendor sidecar: one for each feed, named by vendor and kind, and what is counted through the intake.

use chrono::TimeDelta;
use entente_schemas::block::ServiceClass;
use entente_schemas::subject::is_slug;
use entente_sidecar::account::{Feed, Tables};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::csaf;
use crate::feeds::usual_address;

/// The longest that documents are looked back for.
const REACH_DAYS_MAX: u32 = 3_650;

const WITH_NAME: &str = "expected an address without a name or password in it";

/// What the settings ask for.
#[derive(Debug)]
pub struct Feeds {
    pub(crate) feeds: Vec<Chosen>,
    pub(crate) counted: Counted,
}

/// One feed.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) vendor: String,
    pub(crate) feed: Feed<Reads>,
}

/// How a feed is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    Csaf { provider: String, reach: TimeDelta },
    Status(Url),
    Rss(Url),
}

#[derive(Clone, Copy)]
enum Kind {
    Csaf,
    Status,
    Rss,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CsafTable {
    provider: String,
    #[serde(default = "usual_reach")]
    reach_days: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageTable {
    #[serde(default)]
    address: Option<String>,
}

/// What is counted through the intake.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Counted {
    #[serde(deserialize_with = "exact_class")]
    pub(crate) class: ServiceClass,
    pub(crate) devices: String,
}

impl Default for Counted {
    fn default() -> Self {
        Self { class: ServiceClass::EndpointDevice, devices: "device".to_owned() }
    }
}

fn usual_reach() -> u32 {
    30
}

fn exact_class<'de, D: Deserializer<'de>>(from: D) -> Result<ServiceClass, D::Error> {
    let word = String::deserialize(from)?;
    word.parse().map_err(serde::de::Error::custom)
}

/// Reads the tables.
pub(crate) fn parse(tables: &mut Tables<'_>) -> Feeds {
    let feeds = tables.slugs().iter().filter_map(|slug| chosen(tables, slug)).collect();
    let counted: Counted = tables.own();
    if !is_slug(&counted.devices.replace('_', "-")) {
        tables.mistake("vendor.devices", "expected one word in small letters, such as device, laptop or kiosk");
    }
    Feeds { feeds, counted }
}

fn chosen(tables: &mut Tables<'_>, slug: &str) -> Option<Chosen> {
    let path = format!("feeds.{slug}");
    let Some((vendor, kind)) = named(slug) else {
        tables.mistake(&path, "expected NAME-csaf, NAME-status or NAME-rss, NAME being the vendor's slug");
        tables.feed::<IgnoredAny>(slug);
        return None;
    };
    let feed = match kind {
        Kind::Csaf => {
            let feed = tables.feed::<CsafTable>(slug)?;
            let reads = provider(tables, &path, &feed.own);
            Feed { slug: feed.slug, cadence: feed.cadence, own: reads? }
        }
        Kind::Status | Kind::Rss => {
            let feed = tables.feed::<PageTable>(slug)?;
            let url = page(tables, &path, (vendor, kind), feed.own.address)?;
            let own = if matches!(kind, Kind::Rss) { Reads::Rss(url) } else { Reads::Status(url) };
            Feed { slug: feed.slug, cadence: feed.cadence, own }
        }
    };
    Some(Chosen { vendor: vendor.to_owned(), feed })
}

fn named(slug: &str) -> Option<(&str, Kind)> {
    let kinds = [("-csaf", Kind::Csaf), ("-status", Kind::Status), ("-rss", Kind::Rss)];
    let found = kinds.into_iter().find_map(|(end, kind)| Some((slug.strip_suffix(end)?, kind)))?;
    is_slug(found.0).then_some(found)
}

fn provider(tables: &mut Tables<'_>, path: &str, table: &CsafTable) -> Option<Reads> {
    if !(1..=REACH_DAYS_MAX).contains(&table.reach_days) {
        tables.mistake(&format!("{path}.reach_days"), format!("expected 1 to {REACH_DAYS_MAX} days"));
        return None;
    }
    let home = csaf::home(&table.provider).map_err(|error| error.to_string());
    match home.and_then(|url| bare(&url).and_then(|()| csaf::may_be_asked(&url))) {
        Ok(()) => {
            Some(Reads::Csaf { provider: table.provider.clone(), reach: TimeDelta::days(i64::from(table.reach_days)) })
        }
        Err(what) => {
            tables.mistake(&format!("{path}.provider"), what);
            None
        }
    }
}

/// The address that is given, else the usual one of that vendor and kind.
fn page(tables: &mut Tables<'_>, path: &str, (vendor, kind): (&str, Kind), given: Option<String>) -> Option<Url> {
    let path = format!("{path}.address");
    let usual = || usual_address(vendor, matches!(kind, Kind::Rss)).map(str::to_owned);
    let Some(address) = given.or_else(usual) else {
        tables.mistake(&path, "give the address of the feed: this vendor's is not known");
        return None;
    };
    let url = Url::parse(&address).map_err(|error| error.to_string());
    match url.and_then(|url| bare(&url).and_then(|()| csaf::may_be_asked(&url)).map(|()| url)) {
        Ok(url) => Some(url),
        // A password would stand wherever a mistake is told.
        Err(what) if what == WITH_NAME => {
            tables.mistake(&path, what);
            None
        }
        Err(what) => {
            tables.mistake(&path, format!("`{address}`: {what}"));
            None
        }
    }
}

/// Pages for everybody are read, as whoever is nobody.
fn bare(url: &Url) -> Result<(), String> {
    let bare = url.username().is_empty() && url.password().is_none();
    if bare { Ok(()) } else { Err(WITH_NAME.to_owned()) }
}
