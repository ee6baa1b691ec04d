//! Which kind of event is what: a matter of the platform, advice, or nothing of ours.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What an event of a kind is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Told {
    /// Something is broken, or is worked on.
    Impact,
    /// A statement with consequences.
    Advisory,
    /// The same, for fewer eyes.
    Security,
    /// None of ours: bills.
    Nothing,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code, reason = "the file's version stands in it for its readers")]
    version: u32,
    kinds: BTreeMap<String, Told>,
}

static KINDS: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("../../kinds.toml")).unwrap_or_default());

/// What a kind is told as; none if the table does not name it.
pub(super) fn told(kind: &str) -> Option<Told> {
    KINDS.kinds.get(kind).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let table: Table = toml::from_str(include_str!("../../kinds.toml")).unwrap();
        assert!(table.version > 0);
        assert_eq!((told("ServiceIssue"), told("Billing")), (Some(Told::Impact), Some(Told::Nothing)));
        assert_eq!(told("Weather"), None);
    }
}
