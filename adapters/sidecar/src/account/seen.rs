//! What an inbox took before, on disk: the ids of senders, so that what is repeated is taken once also across restarts, and
//! the stamp that each object was last said with. Ids are kept as hashes, the latest of them only.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use entente_schemas::digest::length_prefixed;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition};

/// Ids that are remembered: at a thousand an hour, those of the last week.
const IDS_KEPT: u64 = 200_000;
const CACHE: usize = 1 << 20;

/// When an id came, by its hash.
const IDS: TableDefinition<'_, u128, u64> = TableDefinition::new("ids");
/// The ids in the order in which they came.
const ORDER: TableDefinition<'_, u64, u128> = TableDefinition::new("order");
/// Microseconds of the stamp that an object was last said with, by its hash.
const STAMPS: TableDefinition<'_, u128, i64> = TableDefinition::new("stamps");

/// The hash of a name.
pub(super) type Name = u128;

/// The memory of an inbox.
pub(super) struct Seen {
    database: Database,
}

/// Why it cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SeenError(String);

impl SeenError {
    fn of(error: impl Into<redb::Error>) -> Self {
        Self(error.into().to_string())
    }
}

/// The hash of what is made of these parts.
pub(super) fn name<const N: usize>(parts: [&str; N]) -> Name {
    let digest = length_prefixed(parts);
    digest.iter().take(16).fold(0, |name, byte| (name << 8) | Name::from(*byte))
}

impl Seen {
    /// Opens the memory in a file. One that cannot be read is put aside, and a new one begins: then a repeated id may be
    /// taken twice, which the digest of what it says makes harmless unless something newer was said since.
    ///
    /// # Errors
    /// If there can be no such file.
    pub(super) fn open(path: &Path) -> Result<Self, SeenError> {
        match Self::opened(path) {
            Ok(seen) => Ok(seen),
            Err(error) if is_damaged(&error) => {
                let aside = aside(path);
                tracing::warn!(path = %path.display(), %error, "what the intake took before cannot be read and is put aside");
                std::fs::rename(path, aside).map_err(|error| SeenError(error.to_string()))?;
                Self::opened(path).map_err(SeenError::of)
            }
            Err(error) => Err(SeenError::of(error)),
        }
    }

    fn opened(path: &Path) -> Result<Self, redb::Error> {
        let mut builder = redb::Builder::new();
        let database = builder.set_cache_size(CACHE).set_check_integrity_on_open(true).create(path)?;
        let write = database.begin_write()?;
        write.open_table(IDS)?;
        write.open_table(ORDER)?;
        write.open_table(STAMPS)?;
        write.commit()?;
        Ok(Self { database })
    }

    /// Whether an id came before.
    pub(super) fn knows(&self, id: Name) -> Result<bool, SeenError> {
        let read = self.database.begin_read().map_err(SeenError::of)?;
        let ids = read.open_table(IDS).map_err(SeenError::of)?;
        Ok(ids.get(id).map_err(SeenError::of)?.is_some())
    }

    /// The stamp that an object was last said with.
    pub(super) fn stamp(&self, object: Name) -> Result<Option<DateTime<Utc>>, SeenError> {
        let read = self.database.begin_read().map_err(SeenError::of)?;
        let stamps = read.open_table(STAMPS).map_err(SeenError::of)?;
        let micros = stamps.get(object).map_err(SeenError::of)?.map(|micros| micros.value());
        Ok(micros.and_then(DateTime::from_timestamp_micros))
    }

    /// Remembers ids and stamps; they are on disk when this returns. Blocks.
    pub(super) fn note(&self, ids: &[Name], stamps: &[(Name, DateTime<Utc>)]) -> Result<(), SeenError> {
        self.noted(ids, stamps).map_err(SeenError::of)
    }

    fn noted(&self, ids: &[Name], stamps: &[(Name, DateTime<Utc>)]) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let (mut by_id, mut order) = (write.open_table(IDS)?, write.open_table(ORDER)?);
            let mut next = order.last()?.map_or(0, |(last, _)| last.value() + 1);
            for id in ids {
                if by_id.get(id)?.is_none() {
                    by_id.insert(id, next)?;
                    order.insert(next, id)?;
                    next += 1;
                }
            }
            while order.len()? > IDS_KEPT {
                let Some(oldest) = order.pop_first()?.map(|(_, id)| id.value()) else { break };
                by_id.remove(oldest)?;
            }
            let mut by_object = write.open_table(STAMPS)?;
            for (object, stamp) in stamps {
                by_object.insert(object, stamp.timestamp_micros())?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

/// The file holds something else than what was written there.
fn is_damaged(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::Corrupted(_) | redb::Error::RepairAborted | redb::Error::UpgradeRequired(_) => true,
        redb::Error::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
        _ => false,
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.redb");
        let (id, object, at) = (name(["a", "1"]), name(["o"]), DateTime::from_timestamp(1_721_361_600, 0).unwrap());
        let seen = Seen::open(&path).unwrap();
        assert_eq!((seen.knows(id), seen.stamp(object)), (Ok(false), Ok(None)));
        seen.note(&[id, id], &[(object, at)]).unwrap();
        drop(seen);
        let seen = Seen::open(&path).unwrap();
        assert_eq!((seen.knows(id), seen.knows(object), seen.stamp(object)), (Ok(true), Ok(false), Ok(Some(at))));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.redb");
        std::fs::write(&path, "this is no database").unwrap();
        assert_eq!(Seen::open(&path).unwrap().knows(1), Ok(false));
        assert!(aside(&path).exists());
    }

    #[test]
    fn names_of_other_parts_are_other_names() {
        assert!(name(["ab", "c"]) != name(["a", "bc"]) && name(["a"]) == name(["a"]));
    }
}
