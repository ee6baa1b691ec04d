//! The table of CSAF's words, compiled in: what a document, a remedy, a publisher and a marking come to on the bus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use entente_schemas::family::{AdvisoryCategory, ApproachKind, Automation};
use entente_schemas::speaker::Role;
use entente_schemas::tlp::Tlp;
use entente_sidecar::item::UnmappedWord;
use entente_sidecar::mapping::Mapping;
use regex::Regex;
use serde::Deserialize;

/// The greatest number of characters of an unknown word that is kept.
const WORD_MAX: usize = 100;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../csaf.toml")).unwrap_or_else(|error| {
        tracing::error!(%error, "the compiled-in table of CSAF's words does not parse");
        Table::default()
    })
});

/// The table.
pub(crate) fn table() -> &'static Table {
    &TABLE
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) mapping: Mapping,
    status: BTreeMap<String, Standing>,
    document: BTreeMap<String, DocumentRule>,
    remediation: Vec<RemediationRule>,
    branch: BTreeMap<String, BranchPart>,
    relationship: Relationships,
    publisher: BTreeMap<String, Role>,
    tlp: BTreeMap<String, Tlp>,
    notes: Notes,
    kb: Kb,
}

/// Whether what a document says may be acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    #[default]
    Stands,
    Draft,
    Withdrawn,
    Superseded,
}

impl Standing {
    /// The word for people where the document is void.
    pub(crate) fn void(self) -> Option<&'static str> {
        match self {
            Self::Withdrawn => Some("withdrawn"),
            Self::Superseded => Some("superseded"),
            Self::Stands | Self::Draft => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentRule {
    category: AdvisoryCategory,
    #[serde(default)]
    status: Standing,
}

/// What a category of remedies comes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemediationRule {
    word: String,
    pub(crate) category: AdvisoryCategory,
    /// Where it is something that one does.
    #[serde(default)]
    pub(crate) approach: Option<ApproachRule>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproachRule {
    pub(crate) kind: ApproachKind,
    pub(crate) automation: Automation,
}

/// What a product branch names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BranchPart {
    Vendor,
    Family,
    Product,
    Version,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relationships {
    part: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    told: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kb {
    prefix: String,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

impl Table {
    /// What a category of remedies comes to, and its rank among them: the lower, the more telling.
    pub(crate) fn remediation(&self, word: &str) -> Option<(usize, &RemediationRule)> {
        let word = key(word);
        self.remediation.iter().enumerate().find(|(_, rule)| rule.word == word)
    }

    /// What a branch of this category names of a product.
    pub(crate) fn branch(&self, word: &str) -> Option<BranchPart> {
        self.branch.get(&key(word)).copied()
    }

    /// Whether a relationship of this category makes a product a part of another.
    pub(crate) fn is_part(&self, word: &str) -> bool {
        self.relationship.part.contains(&key(word))
    }

    /// Whether a note of this category belongs to the text of the advice.
    pub(crate) fn is_told(&self, word: &str) -> bool {
        self.notes.told.contains(&key(word))
    }

    /// The marking that a label means; none for a label that is not known.
    pub(crate) fn tlp(&self, label: &str) -> Option<Tlp> {
        let label = key(label);
        self.tlp.get(label.strip_prefix("tlp:").unwrap_or(&label)).copied()
    }

    /// The articles of a knowledge base that a text names.
    pub(crate) fn articles<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        let found = self.kb.patterns.iter().flat_map(move |pattern| pattern.0.captures_iter(text));
        found.filter_map(|found| found.get(1)).map(|number| format!("{}{}", self.kb.prefix, number.as_str()))
    }
}

/// Reads one answer's words through the table and remembers those that it does not list.
#[derive(Debug, Default)]
pub(crate) struct Words {
    unmapped: BTreeMap<UnmappedWord, u64>,
}

impl Words {
    /// Whether a document of this status and category may be acted upon.
    pub(crate) fn standing(&mut self, status: Option<&str>, category: Option<&str>) -> Standing {
        let of_status = self.look(&table().status, "tracking.status", status, "final").unwrap_or_default();
        let of_category = category.and_then(|word| table().document.get(&key(word))).map(|rule| rule.status);
        if of_status == Standing::Stands { of_category.unwrap_or_default() } else { of_status }
    }

    /// What a document of this category is that gives no remedy.
    pub(crate) fn document(&mut self, category: Option<&str>) -> AdvisoryCategory {
        // A provider may make categories of its own, as long as they do not begin as the standard's do.
        let standard = category.filter(|word| key(word).starts_with("csaf_"));
        let rule = self.look(&table().document, "document.category", standard, AdvisoryCategory::Statement.as_str());
        rule.map_or(AdvisoryCategory::Statement, |rule| rule.category)
    }

    /// What the publisher is to the products.
    pub(crate) fn issuer(&mut self, category: Option<&str>) -> Role {
        let read_as = Role::Vendor;
        self.look(&table().publisher, "publisher.category", category, read_as.as_str()).unwrap_or(read_as)
    }

    /// What a category of remedies comes to; one that is not listed is a statement.
    pub(crate) fn remediation(&mut self, word: &str) -> (usize, AdvisoryCategory, Option<ApproachRule>) {
        match table().remediation(word) {
            Some((rank, rule)) => (rank, rule.category, rule.approach),
            None => {
                self.note("remediations.category", word, AdvisoryCategory::Statement.as_str());
                (usize::MAX, AdvisoryCategory::Statement, None)
            }
        }
    }

    /// What was not listed, and how often it stood there.
    pub(crate) fn into_unmapped(self) -> BTreeMap<UnmappedWord, u64> {
        self.unmapped
    }

    fn look<T: Copy>(
        &mut self,
        list: &BTreeMap<String, T>,
        field: &str,
        word: Option<&str>,
        read_as: &str,
    ) -> Option<T> {
        let word = word.map(str::trim).filter(|word| !word.is_empty())?;
        let meaning = list.get(&key(word)).copied();
        if meaning.is_none() {
            self.note(field, word, read_as);
        }
        meaning
    }

    fn note(&mut self, field: &str, word: &str, read_as: &str) {
        let word: String = word.chars().take(WORD_MAX).collect();
        let word = UnmappedWord { field: field.to_owned(), word, read_as: read_as.to_owned() };
        *self.unmapped.entry(word).or_default() += 1;
    }
}

fn key(word: &str) -> String {
    word.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_says_only_words_of_the_bus() {
        let table: Table = toml::from_str(include_str!("../../csaf.toml")).unwrap();
        for list in ["document", "remediation", "approach", "void"] {
            assert!(!table.mapping.digest_members(list).is_empty(), "no digest.{list}");
        }
        assert!(table.mapping.version() > 0);
        for rule in &table.remediation {
            assert_ne!(rule.category, AdvisoryCategory::Other, "{}", rule.word);
            assert!(rule.approach.is_none_or(|approach| approach.automation != Automation::Other), "{}", rule.word);
        }
        assert!(table.document.values().all(|rule| rule.category != AdvisoryCategory::Other));
        assert!(table.publisher.values().all(|role| *role != Role::Other));
        assert!(table.tlp.values().all(|tlp| *tlp != Tlp::Other));
        for word in ["vendor_fix", "workaround", "mitigation", "none_available", "no_fix_planned"] {
            assert!(table.remediation(word).is_some(), "{word} is a word of CSAF 2.0");
        }
    }

    #[test]
    fn labels_and_articles_are_read_as_people_write_them() {
        assert_eq!(table().tlp("TLP:WHITE"), Some(Tlp::Clear));
        assert_eq!(table().tlp("AMBER+STRICT"), Some(Tlp::AmberStrict));
        assert_eq!(table().tlp("PURPLE"), None);
        let text = "install KB5042421 (https://support.microsoft.com/en-us/help/5040434), not KB12";
        assert_eq!(table().articles(text).collect::<Vec<_>>(), ["KB5042421", "KB5040434"]);
    }

    #[test]
    fn a_word_that_is_not_listed_is_told() {
        let mut words = Words::default();
        assert_eq!(words.standing(Some("Final"), Some("csaf_withdrawn")), Standing::Withdrawn);
        assert_eq!(words.standing(Some("pondered"), None), Standing::Stands);
        assert_eq!(words.document(Some("Acme bulletin")), AdvisoryCategory::Statement);
        assert_eq!(words.remediation("prayer").1, AdvisoryCategory::Statement);
        let told: Vec<String> = words.into_unmapped().into_keys().map(|word| word.word).collect();
        assert_eq!(told, ["prayer", "pondered"]);
    }
}
