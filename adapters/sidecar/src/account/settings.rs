//! The settings of a sidecar: a commented default file that is compiled in, then a file, then variables `ENTENTE_*`, then
//! flags. A key that is not known is a mistake, and all mistakes are told at once with their places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_journal::Scope;
use entente_schemas::UnknownWord;
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::subject::{is_slug, is_universe};
use entente_schemas::tlp::Tlp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};
use url::Url;

use super::adapter::Adapter;
use super::cadence::Cadence;
use super::listen::Listen;
use super::mistakes::{Mistakes, Places};
use super::tables::{Shared, Tables, audience, tlp};
use super::values::{Length, from_text};

const DEFAULTS: &str = include_str!("defaults.toml");
const PREFIX: &str = "ENTENTE_";
/// The keys that variables and flags can set, and what they are; the tables stand in files, or are set by `--set`.
pub(super) const KEYS: [(&str, &str); 17] = [
    ("org", "The organisation whose account this is"),
    ("role", "What it is to the incidents: provider, vendor, customer, observer, coordinator"),
    ("audience", "The sharing group that sees what the account sees: g and 16 characters"),
    ("tlp", "The marking: amber, amber+strict, red"),
    ("universe", "actual, exercise, exercise-NAME or test"),
    ("bus", "The NATS servers, with commas between"),
    ("key", "The file of the NKey seed"),
    ("data", "The data folder"),
    ("fleet", "The name of the counted fleet"),
    ("listen", "Where it answers: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH"),
    ("hosts", "Further names that it is called by, with commas between"),
    ("token_file", "The file of the intake's token"),
    ("every", "How often a feed is asked while nothing is going on"),
    ("incident_every", "How often while something is"),
    ("timeout", "How long one call may take"),
    ("drain", "How long outboxes may take to empty at the end"),
    ("outbox_mib", "MiB that may wait on disk, per feed"),
];

/// Where settings come from, the later before the earlier.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file: its name and its text.
    pub file: Option<(String, String)>,
    /// The variables of the environment.
    pub variables: Vec<(String, String)>,
    /// The flags: the name of each as it was written, the path of its setting, the value as written.
    pub flags: Vec<(String, String, String)>,
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The adapter's name.
    pub adapter: &'static str,
    /// The organisation that this sidecar transmits for.
    pub org: String,
    /// What it is to the incidents.
    pub role: Role,
    /// The universe.
    pub universe: String,
    /// The NATS servers.
    pub bus: Vec<String>,
    /// The file of the key.
    pub key: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The name of the counted fleet.
    pub fleet: String,
    /// Where the sidecar answers.
    pub listen: Listen,
    /// Further names that its callers may use: those of a proxy before it.
    pub hosts: Vec<String>,
    /// The file of the intake's token.
    pub token_file: PathBuf,
    /// How often feeds are asked that say nothing of their own.
    pub cadence: Cadence,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long outboxes may take to empty at the end.
    pub drain: Duration,
    /// Bytes that may wait in one outbox.
    pub outbox_bytes: u64,
    /// Calls a minute by API, where they are not the adapter's own.
    pub budget: BTreeMap<String, u32>,
    audience: Option<String>,
    tlp: Tlp,
    feeds: BTreeMap<String, Shared>,
}

impl Settings {
    /// The whole default file of an adapter.
    #[must_use]
    pub fn default_file<A: Adapter>() -> String {
        let rates = A::RATES.iter().map(|rate| format!("{} = {}", quoted(rate.api), rate.per_minute));
        let filled = DEFAULTS
            .replace("{name}", A::NAME)
            .replace("{port}", &A::PORT.to_string())
            .replace("{endpoints}", &listed(A::ENDPOINTS.iter().map(|name| quoted(name))))
            .replace("{rates}", &listed(rates));
        format!("{filled}{}", A::DEFAULTS)
    }

    /// Reads the settings of an adapter, and what its tables say.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read<A: Adapter>(layers: &Layers) -> Result<(Self, A::Feeds), Mistakes> {
        let (table, places, broken) = merged::<A>(layers);
        let mut mistakes = Mistakes::new(places);
        // What stands in a file that cannot be read is not missing.
        if !broken.is_empty() {
            broken.into_iter().for_each(|(place, what)| mistakes.add_place(&place, what));
            return Err(mistakes);
        }
        let taken = Self::taken::<A>(table, &mut mistakes);
        match taken {
            Some(read) if mistakes.is_empty() => Ok(read),
            _ => Err(mistakes),
        }
    }

    fn taken<A: Adapter>(mut table: Table, mistakes: &mut Mistakes) -> Option<(Self, A::Feeds)> {
        let mut inner = |name: &str, mistakes: &mut Mistakes| match table.remove(name) {
            Some(Value::Table(inner)) => Some(inner),
            Some(_) => {
                mistakes.add(name, format!("expected a table: [{name}]"));
                None
            }
            None => None,
        };
        let endpoints = inner("endpoints", mistakes).unwrap_or_default();
        let mut budget = inner("budget", mistakes).unwrap_or_default();
        let feeds = inner("feeds", mistakes).unwrap_or_default();
        let own = inner(A::NAME, mistakes);
        known(&endpoints, "endpoints", A::ENDPOINTS.iter().copied(), mistakes);
        known(&budget, "budget", A::RATES.iter().map(|rate| rate.api), mistakes);
        never(&mut budget, mistakes);
        no_others(&mut table, A::NAME, mistakes);
        let for_all = table.get("audience").and_then(Value::as_str).is_some_and(|audience| !audience.trim().is_empty());
        let endpoints = mistakes.read(endpoints, "endpoints").unwrap_or_default();
        let budget = mistakes.read(budget, "budget").unwrap_or_default();
        let written: Option<Written> = mistakes.read(table, "");
        let cadence =
            written.as_ref().map_or(Cadence { quiet: Duration::MAX, incident: Duration::MAX }, Written::cadence);
        let mut tables = Tables::new(A::NAME, own, feeds, endpoints, cadence, mistakes);
        let parsed = A::parse(&mut tables);
        let feeds = tables.finish();
        if !for_all {
            without_group(&feeds, mistakes);
        }
        Some((written?.settings(A::NAME, budget, feeds), parsed))
    }

    fn audience_of(&self, slug: &str) -> Option<&String> {
        self.feeds.get(slug).and_then(|feed| feed.audience.as_ref()).or(self.audience.as_ref())
    }

    /// The scope that a feed transmits into; none if it has no sharing group, which only feeds without a table can lack.
    #[must_use]
    pub fn scope(&self, slug: &str) -> Option<Scope> {
        let audience = self.audience_of(slug)?.clone();
        Some(Scope { universe: self.universe.clone(), audience })
    }

    /// The scopes of all feeds, that of the intake among them.
    pub(super) fn scopes(&self) -> BTreeSet<Scope> {
        let feeds = self.feeds.keys().filter_map(|slug| self.scope(slug));
        feeds.chain(self.scope(&super::intake::slug(self.adapter))).collect()
    }

    /// How often a feed is asked.
    #[must_use]
    pub fn cadence_of(&self, slug: &str) -> Cadence {
        self.feeds.get(slug).map_or(self.cadence, |feed| feed.cadence(self.cadence))
    }

    /// How what a feed says is marked.
    #[must_use]
    pub fn tlp(&self, slug: &str) -> Tlp {
        self.feeds.get(slug).and_then(|feed| feed.tlp).unwrap_or(self.tlp)
    }

    /// The organisation in its own words: who speaks where devices and repairs are counted.
    #[must_use]
    pub fn speaker(&self) -> Speaker {
        Speaker { org: self.org.clone(), role: self.role, channel: None, relay: Relay::Own }
    }

    /// The relay of a provider's words: `own` if this organisation is the provider.
    #[must_use]
    pub fn relay_of(&self, provider: &str) -> Relay {
        if self.org == provider { Relay::Own } else { Relay::Polled }
    }
}

/// Account feeds go nowhere without a sharing group, and nobody would see what is reported here.
fn without_group(feeds: &BTreeMap<String, Shared>, mistakes: &mut Mistakes) {
    let how = "(audience = \"g…\"; `entente audience create NAME` makes one)";
    for (slug, _) in feeds.iter().filter(|(_, feed)| feed.audience.is_none()) {
        mistakes.add(&format!("feeds.{slug}.audience"), format!("set the sharing group of feed {slug} {how}"));
    }
    if feeds.is_empty() {
        mistakes.add("audience", format!("set the sharing group that sees what is reported here {how}"));
    }
}

/// The settings as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "org")]
    org: String,
    #[serde(deserialize_with = "role")]
    role: Role,
    #[serde(deserialize_with = "audience")]
    audience: Option<String>,
    #[serde(deserialize_with = "tlp")]
    tlp: Option<Tlp>,
    #[serde(deserialize_with = "universe")]
    universe: String,
    #[serde(deserialize_with = "urls")]
    bus: Vec<String>,
    #[serde(deserialize_with = "path")]
    key: Option<PathBuf>,
    #[serde(deserialize_with = "path")]
    data: Option<PathBuf>,
    #[serde(deserialize_with = "fleet")]
    fleet: String,
    listen: Listen,
    #[serde(deserialize_with = "hosts")]
    hosts: Vec<String>,
    #[serde(deserialize_with = "path")]
    token_file: Option<PathBuf>,
    every: Length,
    incident_every: Length,
    timeout: Length,
    drain: Length,
    #[serde(deserialize_with = "mebibytes")]
    outbox_mib: u64,
}

impl Written {
    fn cadence(&self) -> Cadence {
        Cadence { quiet: self.every.0, incident: self.incident_every.0 }
    }

    fn settings(
        self,
        adapter: &'static str,
        budget: BTreeMap<String, u32>,
        feeds: BTreeMap<String, Shared>,
    ) -> Settings {
        let data = self.data.clone().unwrap_or_else(|| usual_data(adapter));
        Settings {
            adapter,
            cadence: self.cadence(),
            org: self.org,
            role: self.role,
            universe: self.universe,
            bus: self.bus,
            key: self.key.unwrap_or_else(|| data.join("key")),
            token_file: self.token_file.unwrap_or_else(|| data.join("intake-token")),
            data,
            fleet: self.fleet,
            listen: self.listen,
            hosts: self.hosts,
            timeout: self.timeout.0,
            drain: self.drain.0,
            outbox_bytes: self.outbox_mib << 20,
            budget,
            audience: self.audience,
            tlp: self.tlp.unwrap_or(Tlp::Amber),
            feeds,
        }
    }
}

/// `$STATE_DIRECTORY`, as systemd gives it, else a folder of the user's data.
pub(super) fn usual_data(adapter: &str) -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let given = folder("STATE_DIRECTORY");
    let share = folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    given.unwrap_or_else(|| share.unwrap_or_else(|| PathBuf::from(".")).join(format!("entente-{adapter}")))
}

type Broken = Vec<(String, String)>;

/// All layers as one table, the place of each setting, and what could not be read at all.
fn merged<A: Adapter>(layers: &Layers) -> (Table, Places, Broken) {
    let (mut table, mut places, mut broken) = (Table::new(), Places::new(), Broken::new());
    let default = ("default settings".to_owned(), Settings::default_file::<A>());
    for (place, text) in std::iter::once(&default).chain(&layers.file) {
        match text.parse() {
            Ok(read) => lay(&mut table, read, place, "", &mut places),
            Err(error) => broken.push((place.clone(), toml_error(&error))),
        }
    }
    for (name, key, value) in variables(&layers.variables) {
        lay(&mut table, Table::from_iter([(key, Value::String(value))]), &name, "", &mut places);
    }
    for (flag, path, value) in &layers.flags {
        let read = if path.contains('.') { literal(value) } else { Value::String(value.clone()) };
        lay(&mut table, nested(path, read), flag, "", &mut places);
    }
    (table, places, broken)
}

fn toml_error(error: &toml::de::Error) -> String {
    error.to_string().trim_end().replace('\n', "\n    ")
}

/// Variables of ours; other programs may have some of our prefix.
fn variables(all: &[(String, String)]) -> Vec<(String, String, String)> {
    let ours = all.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix(PREFIX)?.to_lowercase();
        KEYS.iter().any(|(known, _)| *known == key).then(|| (name.clone(), key, value.clone()))
    });
    ours.collect()
}

/// A value as TOML has it, else the text itself.
fn literal(text: &str) -> Value {
    let read = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn nested(path: &str, value: Value) -> Table {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let value = rest.map_or(value.clone(), |rest| Value::Table(nested(rest, value)));
    Table::from_iter([(key.to_owned(), value)])
}

fn lay(under: &mut Table, over: Table, place: &str, at: &str, places: &mut Places) {
    for (key, value) in over {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        places.insert(path.clone(), place.to_owned());
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => lay(under, over, place, &path, places),
            (_, Value::Table(over)) => {
                let mut inner = Table::new();
                lay(&mut inner, over, place, &path, places);
                under.insert(key, Value::Table(inner));
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Tells of keys that are none of the names.
fn known(table: &Table, at: &str, names: impl Iterator<Item = &'static str> + Clone, mistakes: &mut Mistakes) {
    for key in table.keys().filter(|key| !names.clone().any(|name| name == key.as_str())) {
        let expected = listed(names.clone().map(str::to_owned));
        mistakes.add(&format!("{at}.{key}"), format!("no such name; expected one of: {expected}"));
    }
}

/// Tells of APIs that could never be called.
fn never(budget: &mut Table, mistakes: &mut Mistakes) {
    budget.retain(|api, rate| {
        let some = rate.as_integer() != Some(0);
        if !some {
            let what = "expected calls a minute, from 1; a feed is switched off by `enabled = false` in its table";
            mistakes.add(&format!("budget.{api}"), what);
        }
        some
    });
}

/// Tells of settings that there are not, and of all that there are.
fn no_others(table: &mut Table, adapter: &str, mistakes: &mut Mistakes) {
    table.retain(|key, _| {
        let known = KEYS.iter().any(|(known, _)| *known == key);
        if !known {
            let tables = ["endpoints", "budget", "feeds", adapter].map(|name| format!("[{name}]"));
            let expected = listed(KEYS.iter().map(|(known, _)| (*known).to_owned()).chain(tables));
            mistakes.add(key, format!("unknown field `{key}`, expected one of: {expected}"));
        }
        known
    });
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { "none".to_owned() } else { names }
}

fn quoted(name: &str) -> String {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

fn org<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from_text(from, |text| match text {
        "" => Err("name the organisation whose account this is: a-z, 0-9 and -".to_owned()),
        text if is_slug(text) => Ok(text.to_owned()),
        _ => Err("expected an organisation's slug: a-z, 0-9 and -, at most 24 characters".to_owned()),
    })
}

fn fleet<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from_text(from, |text| match is_slug(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a name for the fleet: a-z, 0-9 and -, at most 24 characters".to_owned()),
    })
}

fn role<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
    from_text(from, |text| text.parse().map_err(|e: UnknownWord| format!("expected one of: {}", e.expected.join(", "))))
}

fn universe<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from_text(from, |text| match is_universe(text) {
        true => Ok(text.to_owned()),
        false => Err("expected actual, exercise, exercise-NAME or test".to_owned()),
    })
}

fn path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    from_text(from, |text| Ok((!text.is_empty()).then(|| Path::new(text).to_owned())))
}

/// Addresses of NATS servers.
fn urls<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let expected = "expected addresses of NATS servers, nats://HOST:PORT or tls://HOST:PORT";
    let urls = list(from)?;
    let wrong: Vec<String> = urls.iter().filter(|url| !is_server(url)).map(|url| format!("`{url}`")).collect();
    match (urls.is_empty(), wrong.is_empty()) {
        (false, true) => Ok(urls),
        (true, _) => Err(D::Error::custom(format!("``: {expected}"))),
        (false, false) => Err(D::Error::custom(format!("{}: {expected}", wrong.join(", ")))),
    }
}

fn is_server(text: &str) -> bool {
    let named = |url: Url| url.host_str().is_some_and(|host| !host.is_empty());
    (text.starts_with("nats://") || text.starts_with("tls://")) && Url::parse(text).is_ok_and(named)
}

/// Names of hosts, with or without a port.
fn hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let hosts = list(from)?;
    let fits = |host: &String| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    match hosts.iter().find(|host| !fits(host)) {
        None => Ok(hosts),
        Some(host) => Err(D::Error::custom(format!("`{host}`: expected the names of hosts, as in a Host header"))),
    }
}

/// A list, or a text with commas, as variables and flags have it.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of texts")]
    enum Listed {
        One(String),
        Many(Vec<String>),
    }
    let parts = |text: String| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let list = match Listed::deserialize(from)? {
        Listed::One(text) => parts(text),
        Listed::Many(list) => list,
    };
    Ok(list.into_iter().filter(|part| !part.is_empty()).collect())
}

fn mebibytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a whole number of MiB, 1 to 1048576")]
    enum Whole {
        Number(u64),
        Text(String),
    }
    let number = match Whole::deserialize(from)? {
        Whole::Number(number) => Some(number),
        Whole::Text(text) => text.trim().parse().ok(),
    };
    let fits = number.filter(|number| (1..=1 << 20).contains(number));
    fits.ok_or_else(|| D::Error::custom("expected a whole number of MiB, 1 to 1048576"))
}
