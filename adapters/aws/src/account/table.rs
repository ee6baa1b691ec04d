//! The table `fleet.toml`: what AWS's checks and workflows say of single machines. Data, with a version of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entente_schemas::family::{ApproachKind, Automation};
use entente_sidecar::fleet::{Hint, KnownApproach, Progress};
use serde::{Deserialize, Deserializer};

/// The table that is compiled in.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(include_str!("../../fleet.toml")).unwrap_or_else(|error| {
        // A test reads the very same text.
        tracing::error!(%error, "the compiled-in table of checks and workflows does not parse");
        Table::default()
    })
});

/// What is compiled in.
pub(crate) fn table() -> &'static Table {
    &TABLE
}

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the file"))]
    version: u32,
    reading: Vec<Row>,
    open: BTreeMap<String, Step>,
    over: BTreeMap<String, Step>,
    /// Kinds of planned work, and what each is called.
    pub(crate) planned: BTreeMap<String, String>,
    pub(crate) documents: Vec<Document>,
}

/// Which checks of a machine are impaired, and what that says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    instance: Option<String>,
    system: Option<String>,
    storage: Option<String>,
    #[serde(deserialize_with = "hint")]
    hint: Hint,
}

/// A document that repairs machines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// What its name begins with.
    pub(crate) prefix: String,
    /// The slug of the approach that it is.
    pub(crate) approach: String,
    /// The parameters in which one execution names its machine.
    #[serde(default = "instance_id")]
    pub(crate) parameters: Vec<String>,
    /// What people call the approach, where no other table says it.
    #[serde(default)]
    name: Option<String>,
    #[serde(deserialize_with = "kind", default = "some_kind")]
    kind: ApproachKind,
    #[serde(default)]
    data_loss: Option<bool>,
    #[serde(default)]
    cautions: Vec<String>,
}

impl Document {
    /// The approach, if it is described here.
    pub(crate) fn described(&self, system: &str) -> Option<KnownApproach> {
        Some(KnownApproach {
            slug: self.approach.clone(),
            name: self.name.clone()?,
            kind: self.kind,
            automation: Automation::Orchestrated,
            system: system.to_owned(),
            data_loss: self.data_loss,
            cautions: self.cautions.clone(),
        })
    }
}

/// How far a repair has come.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Targeted,
    Running,
    Ended,
    Partial,
    Failed,
    Cancelled,
}

/// How far an execution has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// What it says of its machine's repair.
    pub(crate) progress: Progress,
    /// Whether it goes on.
    pub(crate) open: bool,
}

/// The words of a machine's checks; a check that is not made has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words<'a> {
    pub(crate) instance: Option<&'a str>,
    pub(crate) system: Option<&'a str>,
    /// Only some machines have it.
    pub(crate) storage: Option<&'a str>,
    /// A check of the customer's own.
    pub(crate) application: Option<&'a str>,
}

impl Words<'_> {
    /// Whether a check says so.
    pub(crate) fn any(&self, word: &str) -> bool {
        [self.instance, self.system, self.storage, self.application].contains(&Some(word))
    }

    /// Whether every check that is made says that all is well.
    pub(crate) fn all_well(&self) -> bool {
        let well = |word: Option<&str>| word.is_none_or(|word| ["ok", "not-applicable", "suppressed"].contains(&word));
        (self.instance, self.system) == (Some("ok"), Some("ok")) && well(self.storage) && well(self.application)
    }
}

impl Table {
    fn parse(toml: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(toml)
    }

    /// Why a machine does not work whose checks say this.
    pub(crate) fn hint(&self, words: &Words<'_>) -> Hint {
        let fits = |asked: &Option<String>, word: Option<&str>| asked.is_none() || asked.as_deref() == word;
        let row = self.reading.iter().find(|row| {
            fits(&row.instance, words.instance) && fits(&row.system, words.system) && fits(&row.storage, words.storage)
        });
        row.map_or(Hint::Unstated, |row| row.hint)
    }

    /// What the state of an execution says; none if the word is not listed.
    pub(crate) fn stage(&self, word: &str) -> Option<Stage> {
        let stage = |step: &Step, open| Stage { progress: step.progress(), open };
        let open = self.open.get(word).map(|step| stage(step, true));
        open.or_else(|| self.over.get(word).map(|step| stage(step, false)))
    }
}

impl Step {
    fn progress(self) -> Progress {
        match self {
            Self::Targeted => Progress::Targeted,
            Self::Running => Progress::Running,
            Self::Ended => Progress::Ended,
            Self::Partial => Progress::Partial,
            Self::Failed => Progress::Failed,
            Self::Cancelled => Progress::Cancelled,
        }
    }
}

fn some_kind() -> ApproachKind {
    ApproachKind::Other
}

fn instance_id() -> Vec<String> {
    vec!["InstanceId".to_owned()]
}

fn hint<'de, D: Deserializer<'de>>(from: D) -> Result<Hint, D::Error> {
    match String::deserialize(from)?.as_str() {
        "guest_os_unreachable" => Ok(Hint::GuestOsUnreachable),
        "provider_host" => Ok(Hint::ProviderHost),
        "provider_storage" => Ok(Hint::ProviderStorage),
        other => Err(serde::de::Error::custom(format!(
            "`{other}`: expected guest_os_unreachable, provider_host or provider_storage"
        ))),
    }
}

/// Words are held to those that publishers may use.
fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<ApproachKind, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_table_parses() {
        let table = Table::parse(include_str!("../../fleet.toml")).unwrap();
        assert_eq!((table.version, table.reading.len(), table.documents.len()), (2, 3, 4));
    }

    #[test]
    fn checks_say_why_a_machine_does_not_work() {
        let (ok, bad) = (Some("ok"), Some("impaired"));
        let hint = |instance, system, storage| {
            table().hint(&Words { instance, system, storage, application: Some("impaired") })
        };
        for (words, expected) in [
            ((bad, ok, ok), Hint::GuestOsUnreachable),
            ((bad, ok, None), Hint::GuestOsUnreachable),
            ((bad, bad, ok), Hint::ProviderHost),
            ((bad, bad, bad), Hint::ProviderHost),
            ((ok, bad, ok), Hint::ProviderHost),
            ((ok, ok, bad), Hint::ProviderStorage),
            ((bad, ok, bad), Hint::ProviderStorage),
            ((Some("never-heard"), ok, ok), Hint::Unstated),
        ] {
            assert_eq!(hint(words.0, words.1, words.2), expected, "{words:?}");
        }
    }

    #[test]
    fn an_execution_that_ended_well_has_repaired_nothing_yet() {
        let stage = |word| table().stage(word);
        assert_eq!(stage("Success"), Some(Stage { progress: Progress::Ended, open: false }));
        assert_eq!(stage("InProgress"), Some(Stage { progress: Progress::Running, open: true }));
        assert_eq!(stage("Cancelling"), Some(Stage { progress: Progress::Cancelled, open: true }));
        assert_eq!(stage("Levitating"), None);
    }
}
