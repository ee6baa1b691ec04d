//! The words of operations as data.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What an operation does to a machine, as far as repairs are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Stop,
    Start,
    Reset,
    Detach,
    Attach,
}

/// How far an operation has come; whether one that ended failed its own member tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Open,
    Done,
}

/// The table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    version: u32,
    kinds: BTreeMap<String, Kind>,
    status: BTreeMap<String, Status>,
}

impl Table {
    /// The table that is compiled in. One that cannot be read is empty: nothing is a repair then; a test reads it.
    pub(crate) fn compiled_in() -> Self {
        toml::from_str(include_str!("../../../mapping/operations.toml")).unwrap_or_else(|error| {
            tracing::error!(%error, "the table of operations does not parse");
            Self::default()
        })
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn kind(&self, word: &str) -> Option<Kind> {
        self.kinds.get(word).copied()
    }

    pub(super) fn status(&self, word: &str) -> Option<Status> {
        self.status.get(word).copied()
    }
}
