//! The signs that are words: which of them tell a disk from a host and a host from a guest, what was wished from what was
//! not, an agent that fell silent from one that never spoke, and a disk that was repaired from another.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code, reason = "the file's version stands in it for its readers")]
    version: u32,
    storage: Vec<String>,
    guest: Vec<String>,
    wish: Vec<String>,
    stop: Vec<String>,
    spoke: Vec<String>,
    copied: Vec<String>,
}

static SIGNS: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("../signs.toml")).unwrap_or_default());

/// Whether a text is about a disk.
pub(crate) fn of_storage(text: &str) -> bool {
    stands(&SIGNS.storage, text)
}

/// Whether an annotation, or who brought it about, tells of the system inside a machine.
pub(crate) fn of_guest(text: &str) -> bool {
    stands(&SIGNS.guest, text)
}

/// Whether an annotation tells of something that its customer wished.
pub(crate) fn of_wish(text: &str) -> bool {
    stands(&SIGNS.wish, text)
}

/// Whether an annotation tells of a machine that is stopped.
pub(crate) fn of_stop(text: &str) -> bool {
    stands(&SIGNS.stop, text)
}

/// Whether a text tells of an agent that has reported before.
pub(crate) fn of_silence(text: &str) -> bool {
    stands(&SIGNS.spoke, text)
}

/// Whether a disk's name is one that a repair gives to the disk that it repairs.
pub(crate) fn of_repaired_disk(name: &str) -> bool {
    stands(&SIGNS.copied, name)
}

fn stands(signs: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    signs.iter().any(|sign| text.contains(sign.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let table: Table = toml::from_str(include_str!("../signs.toml")).unwrap();
        let lists = [&table.storage, &table.guest, &table.wish, &table.stop, &table.spoke, &table.copied];
        assert!(table.version > 0 && lists.iter().all(|list| !list.is_empty()));
        assert!(lists.into_iter().flatten().all(|sign| *sign == sign.to_lowercase()));
        assert!(of_storage("VirtualMachineStorageOffline") && !of_storage("VirtualMachineHostCrashed"));
        assert!(of_guest("VirtualMachineCrashed") && !of_guest("VirtualMachineHostCrashed"));
        assert!(of_wish("VirtualMachinePreempted") && !of_wish("VirtualMachineRestarted"));
        assert!(of_stop("VirtualMachineStopInitiatedByControlPlane") && !of_stop("VirtualMachineRestarted"));
        assert!(
            of_silence("VM Agent is unresponsive.") && !of_silence("VM status blob is found but not yet populated.")
        );
    }
}
