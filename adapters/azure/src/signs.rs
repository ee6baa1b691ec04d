//! The signs that are words: which of them tell a disk from a host, an agent that fell silent from one that never spoke, and
//! a disk that was repaired from another.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code, reason = "the file's version stands in it for its readers")]
    version: u32,
    storage: Vec<String>,
    spoke: Vec<String>,
    copied: Vec<String>,
}

static SIGNS: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("../signs.toml")).unwrap_or_default());

/// Whether a text is about a disk.
pub(crate) fn of_storage(text: &str) -> bool {
    stands(&SIGNS.storage, text)
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
        assert!(
            table.version > 0
                && table
                    .storage
                    .iter()
                    .chain(&table.spoke)
                    .chain(&table.copied)
                    .all(|sign| *sign == sign.to_lowercase())
        );
        assert!(of_storage("VirtualMachineStorageOffline") && !of_storage("VirtualMachineHostCrashed"));
        assert!(
            of_silence("VM Agent is unresponsive.") && !of_silence("VM status blob is found but not yet populated.")
        );
    }
}
