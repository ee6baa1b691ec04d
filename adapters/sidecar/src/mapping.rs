//! Mapping tables: a provider's words into the bus's words, which members make a real change, and which class a native
//! service is of. Each table is a file with a version beside its adapter, compiled in; nothing of a provider stands here.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::family::{ImpactKind, Outcome, Phase};
use entente_schemas::header::{Certainty, Native};
use serde::{Deserialize, Deserializer};

use crate::item::UnmappedWord;

/// The greatest number of characters of an unknown word that is kept.
const WORD_MAX: usize = 100;

/// The greatest number of unknown words that one answer is heard to use.
const UNMAPPED_MAX: usize = 1_000;

/// One adapter's mapping table, with its names ready to be looked up: an answer can hold millions of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Table")]
pub struct Mapping {
    version: u32,
    digest: BTreeMap<String, Vec<String>>,
    words: BTreeMap<String, BTreeMap<String, Meaning>>,
    classes: BTreeSet<ServiceClass>,
    /// In lower case, without white space at the ends.
    names: BTreeMap<String, ServiceClass>,
    /// In lower case, the longest first.
    prefixes: Vec<(String, ServiceClass)>,
    /// In lower case, without white space at the ends.
    global: BTreeSet<String>,
}

/// A table as its file is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    #[serde(default)]
    digest: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    words: BTreeMap<String, BTreeMap<String, Meaning>>,
    #[serde(default)]
    services: Vec<Rule>,
    #[serde(default)]
    global_services: Vec<String>,
}

impl From<Table> for Mapping {
    fn from(table: Table) -> Self {
        let (mut classes, mut names, mut prefixes) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        for rule in table.services {
            classes.insert(rule.class);
            for name in rule.names {
                names.entry(name_key(&name)).or_insert(rule.class);
            }
            prefixes.extend(rule.prefixes.into_iter().map(|prefix| (prefix.to_lowercase(), rule.class)));
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self {
            version: table.version,
            digest: table.digest,
            words: table.words,
            classes,
            names,
            prefixes,
            global: table.global_services.iter().map(|name| name_key(name)).collect(),
        }
    }
}

/// How names are compared.
fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// What a native word says; a member is absent where the word says nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    /// Incident or maintenance.
    #[serde(default, deserialize_with = "exact")]
    pub kind: Option<ImpactKind>,
    /// How far the speaker has come.
    #[serde(default, deserialize_with = "exact")]
    pub phase: Option<Phase>,
    /// How it ended.
    #[serde(default, deserialize_with = "exact")]
    pub outcome: Option<Outcome>,
    /// The severity.
    #[serde(default, deserialize_with = "exact")]
    pub severity: Option<Severity>,
    /// The state of what is named.
    #[serde(default, deserialize_with = "exact")]
    pub state: Option<BlockState>,
    /// How sure the speaker is.
    #[serde(default, deserialize_with = "exact")]
    pub certainty: Option<Certainty>,
}

/// Native names of one class. All comparisons ignore case and white space at the ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(deserialize_with = "exact_class")]
    class: ServiceClass,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file is not as a table must be.
    #[error("the mapping table is not readable: {0}")]
    Toml(#[from] toml::de::Error),
    /// The table names no members for this digest.
    #[error("the mapping table lists no members under digest.{0}; add the list there")]
    NoDigest(String),
}

/// One member of a provider's item, as it enters a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// Not there, or null.
    Absent,
    /// One text; times and numbers as the provider wrote them.
    One(String),
    /// A list, whose order says nothing.
    Many(Vec<String>),
}

impl From<Option<&str>> for Member {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Absent, |text| Self::One(text.to_owned()))
    }
}

impl From<&str> for Member {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

impl From<Vec<String>> for Member {
    fn from(list: Vec<String>) -> Self {
        Self::Many(list)
    }
}

impl Member {
    fn into_text(self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::One(text) => single_spaced(&text),
            Self::Many(list) => {
                let mut list: Vec<String> = list.iter().map(|text| single_spaced(text)).collect();
                list.sort_unstable();
                list.join("\n")
            }
        }
    }
}

/// White space at the ends dropped, runs of it counted as one space.
fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How a table's rules met the native names of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassCoverage {
    /// Distinct names.
    pub names: usize,
    /// Named in the table.
    pub exact: usize,
    /// Met by a prefix.
    pub by_prefix: usize,
    /// Met by nothing: class `other`.
    pub unknown: Vec<String>,
}

enum Match {
    Exact(ServiceClass),
    Prefix(ServiceClass),
}

impl Mapping {
    /// Reads a table.
    ///
    /// # Errors
    /// If it is no TOML of this shape, or uses a word that the bus does not know.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        Ok(toml::from_str::<Table>(toml)?.into())
    }

    /// Reads a table that is compiled in. One that does not parse is empty: it lists no digest, so every item is refused
    /// with that reason; each adapter has a test that its table parses.
    #[must_use]
    pub fn compiled_in(toml: &str) -> Self {
        Self::parse(toml).unwrap_or_else(|error| {
            tracing::error!(%error, "a compiled-in mapping table does not parse");
            Self::default()
        })
    }

    /// The table's version, which every claim made with it carries.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The digest that tells a real change: lower-case hex SHA-256 over the members that the table lists under
    /// `digest.<list>`, in that order, each preceded by its length.
    ///
    /// # Errors
    /// If the table has no such list.
    pub fn digest(&self, list: &str, member: impl Fn(&str) -> Member) -> Result<String, MappingError> {
        let names = self.digest.get(list).ok_or_else(|| MappingError::NoDigest(list.to_owned()))?;
        Ok(hex(&length_prefixed(names.iter().map(|name| member(name).into_text()))))
    }

    /// A native part of which no more is known than its name and its page.
    #[must_use]
    pub fn native(&self, system: &str, id: String, url: Option<&str>) -> Native {
        Native {
            system: system.to_owned(),
            id,
            url: url.map(str::to_owned),
            status: None,
            severity: None,
            category: None,
            mapping_version: self.version,
            digest: String::new(),
        }
    }

    /// The members listed under `digest.<list>`.
    #[must_use]
    pub fn digest_members(&self, list: &str) -> &[String] {
        self.digest.get(list).map_or(&[], Vec::as_slice)
    }

    /// What a word of a field says, if the table lists it.
    #[must_use]
    pub fn word(&self, field: &str, word: &str) -> Option<&Meaning> {
        self.words.get(field)?.get(word.trim())
    }

    /// The class of a native service, by its name or else by the longest prefix that it begins with.
    #[must_use]
    pub fn class(&self, native: &str) -> Option<ServiceClass> {
        self.matched(native).map(|found| match found {
            Match::Exact(class) | Match::Prefix(class) => class,
        })
    }

    /// Whether a native service is global by nature, so that no region can be stated.
    #[must_use]
    pub fn is_global(&self, native: &str) -> bool {
        self.global.contains(&name_key(native))
    }

    /// The classes that the table can tell of, in the order of the bus's words.
    #[must_use]
    pub fn classes(&self) -> Vec<ServiceClass> {
        self.classes.iter().copied().collect()
    }

    /// How the table's rules meet these names.
    pub fn coverage<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> ClassCoverage {
        let distinct: BTreeSet<&str> = names.into_iter().map(str::trim).collect();
        let mut coverage = ClassCoverage { names: distinct.len(), ..ClassCoverage::default() };
        for name in distinct {
            match self.matched(name) {
                Some(Match::Exact(_)) => coverage.exact += 1,
                Some(Match::Prefix(_)) => coverage.by_prefix += 1,
                None => coverage.unknown.push(name.to_owned()),
            }
        }
        coverage
    }

    fn matched(&self, native: &str) -> Option<Match> {
        let key = name_key(native);
        if let Some(class) = self.names.get(&key) {
            return Some(Match::Exact(*class));
        }
        let longest = self.prefixes.iter().find(|(prefix, _)| key.starts_with(prefix.as_str()));
        longest.map(|(_, class)| Match::Prefix(*class))
    }
}

/// Reads one answer's words through a table and remembers those that it does not list.
#[derive(Debug)]
pub struct Lookup<'a> {
    mapping: &'a Mapping,
    unmapped: BTreeMap<UnmappedWord, u64>,
}

impl<'a> Lookup<'a> {
    /// Begins an answer.
    #[must_use]
    pub fn new(mapping: &'a Mapping) -> Self {
        Self { mapping, unmapped: BTreeMap::new() }
    }

    /// The table.
    #[must_use]
    pub fn mapping(&self) -> &'a Mapping {
        self.mapping
    }

    /// What a word of a field says. One that the table does not list says nothing and is noted; `read_as` tells people
    /// what it came to. An empty word is none.
    pub fn word(&mut self, field: &str, word: Option<&str>, read_as: &str) -> Meaning {
        let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else { return Meaning::default() };
        if let Some(meaning) = self.mapping.word(field, word) {
            return meaning.clone();
        }
        self.note(field, word, read_as);
        Meaning::default()
    }

    /// What a word for the status says.
    pub fn status(&mut self, word: Option<&str>) -> Meaning {
        self.word("status", word, "unknown")
    }

    /// The class of a native service; `other` where no rule fits, which is noted.
    pub fn class(&mut self, native: &str) -> ServiceClass {
        self.mapping.class(native).unwrap_or_else(|| {
            self.note("service", native, "other");
            ServiceClass::Other
        })
    }

    /// Notes a word that the table does not list.
    pub fn note(&mut self, field: &str, word: &str, read_as: &str) {
        let word = word.chars().take(WORD_MAX).collect();
        let unmapped = UnmappedWord { field: field.to_owned(), word, read_as: read_as.to_owned() };
        if self.unmapped.len() < UNMAPPED_MAX || self.unmapped.contains_key(&unmapped) {
            *self.unmapped.entry(unmapped).or_default() += 1;
        }
    }

    /// The words that were not listed, and how often they stood there.
    #[must_use]
    pub fn into_unmapped(self) -> BTreeMap<UnmappedWord, u64> {
        self.unmapped
    }
}

/// A table is held to the words that publishers may use: a misspelt one must not be read as `other`.
fn exact<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let word = String::deserialize(deserializer)?;
    word.parse().map(Some).map_err(serde::de::Error::custom)
}

fn exact_class<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceClass, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
version = 3
global_services = ["dns-everywhere"]
[digest]
impact = ["title", "regions", "end"]
[words.status]
BROKEN = { phase = "investigating", severity = "critical", state = "affected_unavailable" }
[[services]]
class = "compute"
names = ["Engine"]
prefixes = ["Cloud "]
[[services]]
class = "database"
prefixes = ["Cloud SQL"]
"#;

    fn member(title: &str, regions: &[&str]) -> impl Fn(&str) -> Member {
        let (title, regions): (String, Vec<String>) =
            (title.to_owned(), regions.iter().map(|r| (*r).to_owned()).collect());
        move |name| match name {
            "title" => Member::One(title.clone()),
            "regions" => Member::Many(regions.clone()),
            _ => Member::Absent,
        }
    }

    #[test]
    fn order_of_lists_and_runs_of_white_space_make_no_change() {
        let mapping = Mapping::parse(TABLE).unwrap();
        let digest = |title, regions: &[&str]| mapping.digest("impact", member(title, regions)).unwrap();
        assert_eq!(digest("a b", &["x", "y"]), digest("  a \n b ", &["y", "x"]));
        assert_ne!(digest("a b", &["x", "y"]), digest("a b", &["x"]));
        assert_ne!(digest("ab", &["x"]), digest("a b", &["x"]));
        // Made by hand after EVENTS 3: 00000003 `a b`, 00000003 `x LF y`, 00000000.
        let bytes = b"\0\0\0\x03a b\0\0\0\x03x\ny\0\0\0\0";
        assert_eq!(digest("a b", &["x", "y"]), hex(&entente_schemas::digest::sha256(bytes)));
    }

    #[test]
    fn a_name_wins_over_a_prefix_and_the_longest_prefix_over_others() {
        let mapping = Mapping::parse(TABLE).unwrap();
        assert_eq!(mapping.class(" engine"), Some(ServiceClass::Compute));
        assert_eq!(mapping.class("Cloud SQL for X"), Some(ServiceClass::Database));
        assert_eq!(mapping.class("Cloud Anything"), Some(ServiceClass::Compute));
        assert_eq!(mapping.class("Sky"), None);
        let coverage = mapping.coverage(["Engine", "Engine ", "Cloud X", "Sky"]);
        let expected = ClassCoverage { names: 3, exact: 1, by_prefix: 1, unknown: vec!["Sky".into()] };
        assert_eq!(coverage, expected);
        assert!(mapping.is_global("DNS-everywhere") && !mapping.is_global("Engine"));
    }

    #[test]
    fn words_that_the_table_does_not_list_are_counted() {
        let mapping = Mapping::parse(TABLE).unwrap();
        let mut lookup = Lookup::new(&mapping);
        assert_eq!(lookup.word("status", Some("BROKEN"), "unknown").severity, Some(Severity::Critical));
        assert_eq!(lookup.word("status", Some("ODD"), "unknown"), Meaning::default());
        assert_eq!(lookup.word("status", Some("ODD"), "unknown"), Meaning::default());
        assert_eq!(lookup.word("status", Some("  "), "unknown"), Meaning::default());
        assert_eq!(lookup.class("Sky"), ServiceClass::Other);
        let counts: Vec<(String, u64)> = lookup.into_unmapped().into_iter().map(|(w, n)| (w.word, n)).collect();
        assert_eq!(counts, [("Sky".to_owned(), 1), ("ODD".to_owned(), 2)]);
    }

    #[test]
    fn a_table_with_a_word_that_the_bus_does_not_know_is_refused() {
        let misspelt = TABLE.replace("investigating", "investigated");
        assert!(matches!(Mapping::parse(&misspelt), Err(MappingError::Toml(_))));
        let unknown_class = TABLE.replace("\"database\"", "\"data\"");
        assert!(Mapping::parse(&unknown_class).is_err());
        let broken = Mapping::compiled_in(&misspelt);
        assert!(matches!(broken.digest("impact", |_| Member::Absent), Err(MappingError::NoDigest(_))));
    }
}
