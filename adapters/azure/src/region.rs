//! Azure's regions by the names that texts call them. A region counts only where it is named: "Global" or "multiple
//! regions" name none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Words for a scope that names no region.
    unnamed: Vec<String>,
    /// Display name, in lower case, to code.
    regions: BTreeMap<String, String>,
}

/// The regions.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    unnamed: BTreeSet<String>,
    /// Names and codes, to codes.
    codes: BTreeMap<String, String>,
    /// The longest name first: `East US 2` is not `East US`.
    names: Vec<(String, String)>,
}

static REGIONS: LazyLock<Regions> =
    LazyLock::new(|| Regions::parse(include_str!("../regions.toml")).unwrap_or_default());

/// The table of regions.
pub(crate) fn regions() -> &'static Regions {
    &REGIONS
}

impl Regions {
    fn parse(toml: &str) -> Result<Self, toml::de::Error> {
        let table: Table = toml::from_str(toml)?;
        let mut names: Vec<(String, String)> = table.regions.into_iter().collect();
        names.sort_by_key(|(name, _)| (std::cmp::Reverse(name.len()), name.clone()));
        let themselves = names.iter().map(|(_, code)| (code.clone(), code.clone()));
        let codes = themselves.chain(names.iter().cloned()).collect();
        Ok(Self { unnamed: table.unnamed.into_iter().collect(), codes, names })
    }

    /// The code of the region that a text is the name of.
    pub(crate) fn code(&self, text: &str) -> Option<&str> {
        self.codes.get(&normal(text)).map(String::as_str)
    }

    /// The codes of all regions.
    #[cfg(feature = "account")]
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, code)| code.as_str())
    }

    /// Whether a text is a word for a scope that names no region.
    pub(crate) fn is_unnamed(&self, text: &str) -> bool {
        self.unnamed.contains(&normal(text))
    }

    /// The codes of the regions that a text names, each once.
    pub(crate) fn named_in(&self, text: &str) -> Vec<String> {
        let mut rest = normal(text);
        let mut codes = Vec::new();
        for (name, code) in &self.names {
            while let Some(at) = standing(&rest, name) {
                rest.replace_range(at..at + name.len(), &"/".repeat(name.len()));
                codes.push(code.clone());
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Where a name stands in a text as words of their own.
fn standing(text: &str, name: &str) -> Option<usize> {
    let apart = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    let alone = |(at, _): &(usize, &str)| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        apart(before) && apart(after)
    };
    text.match_indices(name).find(alone).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_regions_and_scopes_are_none() {
        let regions = Regions::parse(include_str!("../regions.toml")).unwrap();
        assert_eq!(regions.code(" West  US "), Some("westus"));
        assert_eq!(regions.code("eastus2"), Some("eastus2"));
        assert_eq!(regions.code("Global"), None);
        assert!(regions.is_unnamed("Multiple Regions") && !regions.is_unnamed("West US"));
    }

    #[test]
    fn a_title_names_regions_as_words_of_their_own() {
        let named = |text| regions().named_in(text);
        assert_eq!(named("Storage - East US 2, East US and West Europe"), ["eastus", "eastus2", "westeurope"]);
        assert_eq!(named("Connectivity in South Central US - Mitigated"), ["southcentralus"]);
        assert_eq!(named("Preset uk souths"), Vec::<String>::new());
        assert_eq!(named("İstanbul: East US"), ["eastus"]);
    }
}
