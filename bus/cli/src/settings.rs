//! The settings: a commented default file that is compiled in, then `config.toml` in the data folder, then variables
//! `ENTENTE_*`, then flags. A key that is not known is a mistake, and all mistakes are told at once with their places.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use entente_schemas::speaker::Role;
use entente_schemas::subject::is_slug;
use toml::Value;

use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::moment;
use crate::word::nearest;

/// The default settings, as a file.
pub const DEFAULT: &str = include_str!("default.toml");

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The organisation that this machine transmits for.
    pub org: String,
    /// What it is to the incidents.
    pub role: Role,
    /// The person or desk that writes.
    pub person: Option<String>,
    /// The port of the console.
    pub port: u16,
    /// Whether the port was asked for by a variable or a flag: then no other is taken in its place.
    pub port_is_fixed: bool,
    /// How often a feed is asked.
    pub poll_every: Duration,
    /// Whether every record is on disk before it counts as logged.
    pub durable: bool,
    /// The nats-server program.
    pub nats_server: Option<PathBuf>,
    /// Whether nats-server may be fetched.
    pub fetch: bool,
    /// Whether the public feeds are read without being named.
    pub public_feeds: bool,
    /// Addresses of feeds by name; `off` leaves one out.
    pub feeds: BTreeMap<String, String>,
}

/// Values of one place, by key: every key that a setting can have.
pub type Layer = BTreeMap<String, String>;

const KEYS: [&str; 9] =
    ["org", "role", "person", "port", "poll_every", "durable", "nats_server", "fetch", "public_feeds"];
const PREFIX: &str = "ENTENTE_";
/// Variables of ours that are no settings.
const OTHER_VARIABLES: [&str; 3] = ["ENTENTE_DATA", "ENTENTE_LOG", "ENTENTE_KILL_AT"];

impl Settings {
    /// The settings for a data folder, `flags` before everything.
    ///
    /// # Errors
    /// All mistakes of file, variables and flags at once.
    pub fn read(folder: &Folder, flags: &Layer) -> Result<Self, Failure> {
        let file = match std::fs::read_to_string(folder.settings()) {
            Ok(text) => Some((folder.settings().display().to_string(), text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let what = format!("{} cannot be read: {error}", folder.settings().display());
                return Err(Failure::failed(what, "mend its permissions, or remove it to use the defaults"));
            }
        };
        let variables = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self::from_layers(file.as_ref().map(|(place, text)| (place.as_str(), text.as_str())), variables, flags)
    }

    fn from_layers(
        file: Option<(&str, &str)>,
        variables: impl Iterator<Item = (String, String)>,
        flags: &Layer,
    ) -> Result<Self, Failure> {
        let mut reading = Reading { settings: Self::blank(), mistakes: Vec::new() };
        reading.file("default settings", DEFAULT);
        if let Some((place, text)) = file {
            reading.file(place, text);
        }
        reading.variables(variables);
        for (key, value) in flags {
            reading.settings.port_is_fixed |= key == "port";
            reading.take(&format!("--{}", key.replace('_', "-")), key, value);
        }
        if reading.mistakes.is_empty() {
            return Ok(reading.settings);
        }
        let what = format!("mistakes in the settings:\n  {}", reading.mistakes.join("\n  "));
        Err(Failure::new(Exit::Mistake, what, "`entente up --print-config` prints every setting with its default"))
    }

    fn blank() -> Self {
        Self {
            org: String::new(),
            role: Role::Other,
            person: None,
            port: 0,
            port_is_fixed: false,
            poll_every: Duration::ZERO,
            durable: false,
            nats_server: None,
            fetch: false,
            public_feeds: false,
            feeds: BTreeMap::new(),
        }
    }
}

struct Reading {
    settings: Settings,
    mistakes: Vec<String>,
}

impl Reading {
    fn file(&mut self, place: &str, text: &str) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error = error.to_string();
                return self.mistakes.push(format!("{place}: {}", error.trim_end().replace('\n', "\n    ")));
            }
        };
        for (key, value) in &table {
            match value {
                Value::Table(feeds) if key == "feeds" => self.feeds(place, feeds),
                Value::Table(_) | Value::Array(_) => self.unknown(&format!("{place}: {key}"), key),
                Value::String(text) => self.take(&format!("{place}: {key}"), key, text),
                other => self.take(&format!("{place}: {key}"), key, &other.to_string()),
            }
        }
    }

    fn feeds(&mut self, place: &str, feeds: &toml::Table) {
        for (name, address) in feeds {
            match address {
                Value::String(address) => {
                    self.settings.feeds.insert(name.clone(), address.clone());
                }
                _ => self.mistakes.push(format!("{place}: feeds.{name}: expected an address in quotes, or \"off\"")),
            }
        }
    }

    /// Other programs may have variables of our prefix; one that is nearly a setting's is a slip.
    fn variables(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let mut ours: Vec<(String, String)> = variables
            .filter(|(name, _)| !OTHER_VARIABLES.contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_lowercase(), value)))
            .collect();
        ours.sort();
        for (key, value) in ours {
            let name = format!("{PREFIX}{}", key.to_uppercase());
            if KEYS.contains(&key.as_str()) {
                self.settings.port_is_fixed |= key == "port";
                self.take(&name, &key, &value);
            } else if let Some(meant) = nearest(&key, KEYS) {
                let meant = meant.to_uppercase();
                self.mistakes.push(format!("{name}: no such setting; did you mean {PREFIX}{meant}?"));
            }
        }
    }

    fn unknown(&mut self, place: &str, key: &str) {
        let meant = nearest(key, KEYS.into_iter().chain(["feeds"]));
        let hint =
            meant.map_or_else(|| format!("expected one of: {}", KEYS.join(", ")), |m| format!("did you mean {m}?"));
        self.mistakes.push(format!("{place}: no such setting; {hint}"));
    }

    fn take(&mut self, place: &str, key: &str, value: &str) {
        let settings = &mut self.settings;
        let taken = match key {
            "org" => slug(value).map(|org| settings.org = org),
            "role" => role(value).map(|role| settings.role = role),
            "person" => {
                settings.person = stated(value);
                Ok(())
            }
            "port" => port(value).map(|port| settings.port = port),
            "poll_every" => moment::length(value).map(|length| settings.poll_every = length),
            "durable" => truth(value).map(|truth| settings.durable = truth),
            "nats_server" => {
                settings.nats_server = stated(value).map(PathBuf::from);
                Ok(())
            }
            "fetch" => truth(value).map(|truth| settings.fetch = truth),
            "public_feeds" => truth(value).map(|truth| settings.public_feeds = truth),
            _ => return self.unknown(place, key),
        };
        if let Err(expected) = taken {
            self.mistakes.push(format!("{place}: `{value}`: {expected}"));
        }
    }
}

fn stated(value: &str) -> Option<String> {
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// An organisation's slug.
///
/// # Errors
/// If the text is none.
pub fn slug(value: &str) -> Result<String, String> {
    if is_slug(value) {
        Ok(value.to_owned())
    } else {
        Err("expected an organisation's slug: a-z, 0-9 and -, at most 24 characters".to_owned())
    }
}

fn role(value: &str) -> Result<Role, String> {
    value
        .parse()
        .map_err(|error: entente_schemas::UnknownWord| format!("expected one of: {}", error.expected.join(", ")))
}

fn port(value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| "expected a port, 0 to 65535; 0 takes any free one".to_owned())
}

fn truth(value: &str) -> Result<bool, String> {
    match value {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// The text of a settings file with one key set, everything else kept.
pub fn with_kept(text: Option<&str>, key: &str, value: &str) -> String {
    let line = format!("{key} = \"{value}\"");
    let text = text.unwrap_or("");
    let is_set = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == key) && line.contains('=');
    let top = text.lines().take_while(|line| !line.trim_start().starts_with('['));
    if let Some(place) = top.into_iter().position(is_set) {
        let lines = text.lines().enumerate().map(|(index, old)| if index == place { line.as_str() } else { old });
        return lines.map(|line| format!("{line}\n")).collect();
    }
    format!("{line}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, Failure> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let flags = flags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_layers(Some(("config.toml", file)), variables, &flags)
    }

    #[test]
    fn the_default_file_sets_every_key() {
        let table: toml::Table = DEFAULT.parse().unwrap();
        let keys: Vec<&str> = table.keys().map(String::as_str).filter(|key| *key != "feeds").collect();
        assert_eq!(keys.len(), KEYS.len());
        assert!(KEYS.iter().all(|key| keys.contains(key)));
        let settings = read("", &[], &[]).unwrap();
        assert_eq!((settings.org.as_str(), settings.port, settings.port_is_fixed), ("local", 4790, false));
        assert_eq!((settings.poll_every, settings.person, settings.fetch), (Duration::from_secs(60), None, true));
    }

    #[test]
    fn flags_go_before_variables_and_variables_before_the_file() {
        let file = "org = \"a\"\nport = 1\nperson = \"A\"\n[feeds]\ngcp = \"off\"\n";
        let settings = read(file, &[("ENTENTE_ORG", "b"), ("ENTENTE_PORT", "2")], &[("org", "c")]).unwrap();
        assert_eq!((settings.org.as_str(), settings.port, settings.port_is_fixed), ("c", 2, true));
        assert_eq!((settings.person.as_deref(), settings.feeds.len()), (Some("A"), 1));
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_places() {
        let file = "ogr = \"a\"\nport = 70000\ndurable = \"perhaps\"\nsharing = [1]\n[feeds]\ngcp = 3\n";
        let failure =
            read(file, &[("ENTENTE_PROT", "1"), ("ENTENTE_ROLE", "king")], &[("poll_every", "5")]).unwrap_err();
        assert_eq!(failure.exit, Exit::Mistake);
        for part in [
            "config.toml: ogr: no such setting; did you mean org?",
            "config.toml: port: `70000`: expected a port",
            "config.toml: durable: `perhaps`: expected true or false",
            "config.toml: sharing: no such setting; expected one of: org",
            "config.toml: feeds.gcp: expected an address",
            "ENTENTE_PROT: no such setting; did you mean ENTENTE_PORT?",
            "ENTENTE_ROLE: `king`: expected one of: provider",
            "--poll-every: `5`: expected a length of time",
        ] {
            assert!(failure.what.contains(part), "{part} in {}", failure.what);
        }
    }

    #[test]
    fn variables_of_other_programs_are_left_alone() {
        let others = [("ENTENTE_KILL_AT", "x"), ("ENTENTE_POSITION", "7"), ("ENTENTE_DATA", "/x"), ("PATH", "/bin")];
        assert!(read("", &others, &[]).is_ok());
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        assert!(read("org = \n", &[], &[]).unwrap_err().what.contains("config.toml: TOML parse error at line 1"));
    }

    #[test]
    fn keeping_the_organisation_keeps_everything_else() {
        assert_eq!(with_kept(None, "org", "aws"), "org = \"aws\"\n");
        let text = "# mine\norg = \"a\" # old\nport = 1\n[feeds]\norg = \"x\"\n";
        assert_eq!(with_kept(Some(text), "org", "b"), "# mine\norg = \"b\"\nport = 1\n[feeds]\norg = \"x\"\n");
        assert_eq!(with_kept(Some("[feeds]\norg = \"x\"\n"), "org", "b"), "org = \"b\"\n[feeds]\norg = \"x\"\n");
    }
}
