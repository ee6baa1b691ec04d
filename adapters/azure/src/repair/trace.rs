//! The traces of repairs: tags and disks as Resource Graph keeps them, and scripts with how they do.

use std::sync::LazyLock;

use entente_sidecar::fleet::Progress;
use serde::Deserialize;
use serde_json::Value;

use crate::resource::{resource, subscription};

/// Machines that repair others.
pub(super) const REPAIRERS: &str = "resources \
    | where type =~ 'microsoft.compute/virtualmachines' and isnotempty(tostring(tags['repair_source'])) \
    | order by id asc \
    | project id, repairs = tostring(tags['repair_source'])";

/// The disk that each machine starts from.
pub(super) const DISKS: &str = "resources \
    | where type =~ 'microsoft.compute/virtualmachines' \
    | order by id asc \
    | project id, disk = tostring(properties.storageProfile.osDisk.name)";

/// Whether all of an id are signs that an id has: nothing else is put into a question or an address.
fn is_plain(id: &str) -> bool {
    id.chars().all(|c| c.is_alphanumeric() || "/-_.()".contains(c))
}

/// The disks of these machines, whose ids are plain.
pub(super) fn disks_of(machines: &[String]) -> String {
    let named: Vec<String> = machines.iter().filter(|id| is_plain(id)).map(|id| format!("'{id}'")).collect();
    format!(
        "resources | where type =~ 'microsoft.compute/virtualmachines' and id in~ ({}) | order by id asc \
         | project id, disk = tostring(properties.storageProfile.osDisk.name)",
        named.join(", ")
    )
}

#[derive(Deserialize)]
pub(super) struct RepairerRow {
    id: String,
    repairs: String,
}

#[derive(Deserialize)]
pub(super) struct DiskRow {
    pub(super) id: String,
    #[serde(default)]
    disk: Value,
}

impl DiskRow {
    /// The name of the disk; none where it cannot be read, which says nothing of the machine.
    pub(super) fn disk(&self) -> Option<&str> {
        self.disk.as_str().filter(|disk| !disk.trim().is_empty())
    }
}

/// A machine that repairs, and the one that is repaired.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(super) repairer: String,
    pub(super) source: String,
}

impl RepairerRow {
    /// The tag names group and machine, in the subscription of the machine that repairs.
    pub(super) fn pair(&self) -> Option<Pair> {
        let (group, name) = self.repairs.trim().split_once('/')?;
        let machine = "providers/Microsoft.Compute/virtualMachines";
        let subscription = subscription(&self.id)?;
        let source = resource(&format!("/subscriptions/{subscription}/resourceGroups/{group}/{machine}/{name}"));
        let whole = !group.is_empty() && !name.is_empty() && !name.contains('/');
        (whole && is_plain(&source) && is_plain(&self.id)).then(|| Pair { repairer: resource(&self.id), source })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code, reason = "the file's version stands in it for its readers")]
    version: u32,
    states: std::collections::BTreeMap<String, Word>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Running,
    Ended,
    Failed,
    Cancelled,
    Lost,
}

static STATES: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../run-command.toml")).unwrap_or_default());

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    execution_state: Option<String>,
    exit_code: Option<i64>,
    #[serde(default)]
    start_time: Option<String>,
}

/// When a script began, as it is written, and how it does; none where that is not told. One that ended with another code
/// than nought has failed, whatever its state.
pub(super) fn run(script: &Value) -> Option<(String, Progress)> {
    let view: View = serde_json::from_value(script.pointer("/properties/instanceView")?.clone()).ok()?;
    let word = STATES.states.get(view.execution_state.as_deref()?.trim());
    let progress = match word {
        Some(Word::Ended) if view.exit_code.is_some_and(|code| code != 0) => Progress::Failed,
        Some(Word::Running) => Progress::Running,
        Some(Word::Ended) => Progress::Ended,
        Some(Word::Failed) => Progress::Failed,
        Some(Word::Cancelled) => Progress::Cancelled,
        Some(Word::Lost) | None => Progress::Lost,
    };
    Some((view.start_time.unwrap_or_default(), progress))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tag_names_the_machine_that_is_repaired() {
        let id =
            "/subscriptions/5F1D/resourceGroups/repair-x/providers/Microsoft.Compute/virtualMachines/rp1_".to_owned();
        let pair =
            |source: &str| RepairerRow { id: id.clone(), repairs: source.to_owned() }.pair().map(|pair| pair.source);
        let source = "/subscriptions/5f1d/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm1";
        assert_eq!(pair("RG/VM1").as_deref(), Some(source));
        assert_eq!((pair("VM1"), pair("/VM1"), pair("a/b/c"), pair("rg/x') or id")), (None, None, None, None));
    }

    #[test]
    fn a_machine_whose_disk_cannot_be_read_is_there() {
        for (disk, name) in [(json!("os"), Some("os")), (json!(null), None), (json!(""), None), (json!(["os"]), None)] {
            let row: DiskRow = serde_json::from_value(json!({"id": "/vm", "disk": disk})).unwrap();
            assert_eq!((row.id.as_str(), row.disk()), ("/vm", name));
        }
    }

    #[test]
    fn a_question_holds_no_foreign_quotes() {
        let query = disks_of(&["/a/b-c_(d).e".to_owned(), "/x') | project secrets".to_owned()]);
        assert!(query.contains("('/a/b-c_(d).e')") && !query.contains("secrets"));
    }

    #[test]
    fn a_script_does_as_its_state_and_its_code_say() {
        let told = |state: &str, code: i64| {
            let view = json!({"executionState": state, "exitCode": code, "startTime": "2024-07-19T06:00:00Z"});
            run(&json!({"properties": {"instanceView": view}})).map(|(_, progress)| progress)
        };
        assert!(toml::from_str::<Table>(include_str!("../../run-command.toml")).is_ok());
        assert_eq!(told("Running", 0), Some(Progress::Running));
        assert_eq!(told("Succeeded", 0), Some(Progress::Ended));
        assert_eq!((told("Succeeded", 3), told("TimedOut", 0)), (Some(Progress::Failed), Some(Progress::Failed)));
        assert_eq!((told("Canceled", 0), told("Odd", 0)), (Some(Progress::Cancelled), Some(Progress::Lost)));
        assert_eq!(run(&json!({"properties": {}})), None);
    }
}
