//! The words of Compute Engine as data: states of machines, verdicts of health checks, signs at the serial port.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a state of a machine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It runs; its guest is for others to tell.
    Guest,
    /// Its host has failed.
    Host,
    /// It starts.
    Starting,
    /// It is stopped, or stops.
    Stopped,
    /// It is being taken away.
    Gone,
}

/// What a health check says of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    Well,
    Affected,
    Unknown,
}

/// By which a family of operating systems is known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Systems {
    pub(super) windows_features: Vec<String>,
    pub(super) windows_licenses: Vec<String>,
}

/// What is looked for at the serial port.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signs {
    /// Beginnings of a boot without a sign of life that make a boot loop.
    #[serde(rename = "loop")]
    pub(super) of_a_loop: u32,
    pub(super) boots: Vec<String>,
    pub(super) life: Vec<String>,
    /// A boot so many minutes after the last before it is not of the same loop.
    pub(super) loop_minutes: i64,
    /// For so many minutes a sign of life says that the machine is well.
    pub(super) life_minutes: i64,
    pub(super) crashes: Vec<Crash>,
}

/// What is printed of why a machine does not come up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crash {
    /// What is told of it.
    pub(super) symptom: String,
    /// Parts of lines, any of which shows it.
    pub(super) texts: Vec<String>,
}

/// Warnings of lists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    /// Something is missing from the list.
    partial: Vec<String>,
    /// Nothing is there.
    empty: Vec<String>,
}

/// The table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    version: u32,
    status: BTreeMap<String, Status>,
    health: BTreeMap<String, Health>,
    /// What a group does with a machine while it is expected to fail its check.
    moves: Vec<String>,
    lists: Lists,
    pub(super) os: Systems,
    pub(super) serial: Signs,
}

impl Table {
    /// The table that is compiled in. One that cannot be read is empty: every state is unknown then; a test reads it.
    pub(crate) fn compiled_in() -> Self {
        toml::from_str(include_str!("../../../mapping/compute.toml")).unwrap_or_else(|error| {
            tracing::error!(%error, "the table of Compute Engine's words does not parse");
            Self::default()
        })
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn status(&self, word: &str) -> Option<Status> {
        self.status.get(word).copied()
    }

    /// Whether a state says that the machine runs.
    pub(super) fn runs(&self, word: &str) -> bool {
        self.status(word) == Some(Status::Guest)
    }

    /// Whether a group that does this with a machine starts it, or takes it away.
    pub(super) fn moves(&self, action: &str) -> bool {
        self.moves.iter().any(|known| known == action)
    }

    /// Whether a warning says that not all was listed. Of one that nobody knows yet, an empty list is taken to be partial.
    pub(super) fn is_partial(&self, warning: Option<&str>, empty: bool) -> bool {
        let says = |words: &[String], code: &str| words.iter().any(|word| word == code);
        warning.is_some_and(|code| says(&self.lists.partial, code) || empty && !says(&self.lists.empty, code))
    }

    pub(super) fn health(&self, word: &str) -> Option<Health> {
        self.health.get(word).copied()
    }
}
