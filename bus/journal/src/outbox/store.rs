//! The outbox's file: every table it has, and all reading and writing of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use entente_schemas::event::{CHAIN_START, Event};
use entente_schemas::family::Family;
use entente_schemas::record::Verdict;
use entente_schemas::subject::{is_audience, is_feed, is_slug, is_universe};
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition,
    WriteTransaction,
};
use ulid::Ulid;

use super::desk::{Settled, Waiting};
use super::{OutboxError, OutboxOptions, Said};
use crate::judge::judge;

/// Facts of the whole outbox by name.
const FACTS: TableDefinition<'_, &str, &str> = TableDefinition::new("facts");
/// Sequence to event: all that wait, and the last revision of each object.
const EVENTS: TableDefinition<'_, u64, Row<'_>> = TableDefinition::new("events");
/// Sequences that wait for the log, with their bytes and when they entered.
const WAITING: TableDefinition<'_, u64, (u64, i64)> = TableDefinition::new("waiting");
/// Event id to sequence: every event that was ever taken.
const IDS: TableDefinition<'_, &str, u64> = TableDefinition::new("ids");
/// Sequence to the log's sequence: every event that was ever acknowledged.
const LOGGED: TableDefinition<'_, u64, u64> = TableDefinition::new("logged");
/// Family and object id to sequence and revision of the last revision taken.
const SAID: TableDefinition<'_, (&str, &str), (u64, u64)> = TableDefinition::new("said");

/// Event id, family, object id, subject, signature, payload.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [u8], &'a [u8]);

const FORMAT: &str = "1";
/// More events than are ever unanswered at once: within so many the log's order may differ from the source's.
const IN_FLIGHT: usize = 1_024;
/// The pages that redb keeps in memory for one outbox, in bytes.
const CACHE: usize = 8 << 20;

/// One event as it will be sent, again and again until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Its sequence within the source.
    pub(crate) sequence: u64,
    /// The event id.
    pub(crate) id: String,
    /// The family's token.
    pub(crate) family: &'static str,
    /// The object id.
    pub(crate) object_id: String,
    /// The revision; 0 where it was read back, for only the table of revisions needs it.
    pub(crate) rev: u64,
    /// The subject.
    pub(crate) subject: String,
    /// The signature.
    pub(crate) signature: [u8; 64],
    /// The bytes.
    pub(crate) payload: Bytes,
}

impl Parcel {
    /// All bytes that it takes on disk and on the way.
    pub(super) fn bytes(&self) -> u64 {
        bytes_of(self.row())
    }

    fn row(&self) -> Row<'_> {
        (&self.id, self.family, &self.object_id, &self.subject, &self.signature, &self.payload)
    }

    fn read(sequence: u64, row: Row<'_>) -> Result<Self, String> {
        let (id, family, object_id, subject, signature, payload) = row;
        let family = Family::from_token(family).ok_or_else(|| format!("event {sequence} has no known family"))?;
        Ok(Self {
            sequence,
            id: id.to_owned(),
            family: family.token(),
            object_id: object_id.to_owned(),
            rev: 0,
            subject: subject.to_owned(),
            signature: signature.try_into().map_err(|_| format!("event {sequence} has no whole signature"))?,
            payload: Bytes::copy_from_slice(payload),
        })
    }
}

fn bytes_of((id, _, object_id, subject, signature, payload): Row<'_>) -> u64 {
    (id.len() + object_id.len() + subject.len() + signature.len() + payload.len()) as u64
}

/// Where the chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last sequence given.
    pub(crate) sequence: u64,
    /// The hash of the last payload.
    pub(crate) prevhash: String,
}

/// What was in the file.
pub(crate) struct Opened {
    pub(crate) instance: String,
    pub(crate) head: Head,
    pub(crate) floor: u64,
    pub(crate) waiting: BTreeMap<u64, Waiting>,
}

pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

/// One writing: nothing of it counts before [`Write::commit`].
pub(super) struct Write<'a> {
    store: &'a Store,
    transaction: WriteTransaction,
}

impl Store {
    pub(super) fn open(options: &OutboxOptions) -> Result<(Self, Opened), OutboxError> {
        check_names(options)?;
        let path = options.file();
        make_file(&path).map_err(|error| disk(&path, error))?;
        // Unchecked, redb trusts its map of free pages, and a rotten one lets it overwrite events or panic.
        let mut builder = redb::Builder::new();
        let database = builder.set_cache_size(CACHE).set_check_integrity_on_open(true).create(&path);
        let store = Self { database: database.map_err(|error| open_error(&path, error))?, path };
        store.begin(options)?;
        let opened = store.load()?;
        store.check_waiting(&opened, options.identity.public())?;
        Ok((store, opened))
    }

    /// Writes the facts of a new outbox, or compares those of an old one.
    fn begin(&self, options: &OutboxOptions) -> Result<(), OutboxError> {
        let write = self.write()?;
        {
            let mut facts = write.transaction.open_table(FACTS).map_err(|error| self.failed(error))?;
            if facts.is_empty().map_err(|error| self.failed(error))? {
                let instance = Ulid::new().to_string();
                let scope = &options.scope;
                let all = [
                    ("format", FORMAT),
                    ("instance", instance.as_str()),
                    ("org", options.org.as_str()),
                    ("feed", options.feed.as_str()),
                    ("universe", scope.universe.as_str()),
                    ("audience", scope.audience.as_str()),
                    ("key", options.identity.public()),
                    ("sequence", "0"),
                    ("prevhash", CHAIN_START),
                    ("floor", "0"),
                ];
                for (name, value) in all {
                    facts.insert(name, value).map_err(|error| disk(&self.path, error))?;
                }
            } else {
                self.compare(&facts, options)?;
            }
        }
        write.create_tables()?;
        write.commit()
    }

    fn compare(&self, facts: &redb::Table<'_, &str, &str>, options: &OutboxOptions) -> Result<(), OutboxError> {
        let scope = &options.scope;
        let expected = [
            ("format", FORMAT),
            ("org", options.org.as_str()),
            ("feed", options.feed.as_str()),
            ("universe", scope.universe.as_str()),
            ("audience", scope.audience.as_str()),
            ("key", options.identity.public()),
        ];
        for (name, wanted) in expected {
            let found = facts.get(name).map_err(|error| self.failed(error))?;
            let found = found.as_ref().map_or("", |value| value.value());
            if found != wanted {
                let whose = format!("{name} {found}, not {wanted}");
                return Err(OutboxError::Foreign { path: self.path.clone(), whose });
            }
        }
        Ok(())
    }

    fn load(&self) -> Result<Opened, OutboxError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let facts = read.open_table(FACTS).map_err(|error| self.failed(error))?;
        let fact = |name: &str| -> Result<String, OutboxError> {
            let value = facts.get(name).map_err(|error| self.failed(error))?;
            value.map(|value| value.value().to_owned()).ok_or_else(|| self.damaged(format!("`{name}` is missing")))
        };
        let number = |name: &str| fact(name)?.parse().map_err(|_| self.damaged(format!("`{name}` is no number")));
        let mut waiting = BTreeMap::new();
        let table = read.open_table(WAITING).map_err(|error| self.failed(error))?;
        for entry in table.iter().map_err(|error| self.failed(error))? {
            let (sequence, value) = entry.map_err(|error| self.failed(error))?;
            let (bytes, entered_ms) = value.value();
            waiting.insert(sequence.value(), Waiting { bytes, entered_ms });
        }
        let head = Head { sequence: number("sequence")?, prevhash: fact("prevhash")? };
        Ok(Opened { instance: fact("instance")?, head, floor: number("floor")?, waiting })
    }

    /// Bytes that rotted on the disk would be refused by every reader for ever: they are found before they are sent.
    fn check_waiting(&self, opened: &Opened, key: &str) -> Result<(), OutboxError> {
        let sequences: Vec<u64> = opened.waiting.keys().copied().collect();
        for part in sequences.chunks(1_000) {
            let judged = crate::cores::map(self.parcels(part)?, |parcel| {
                let signature = BASE64URL_NOPAD.encode(&parcel.signature);
                (parcel.sequence, judge(key, &signature, &parcel.payload))
            });
            for (sequence, verdict) in judged {
                if let Verdict::Refused(reason) = verdict {
                    return Err(self.damaged(format!("event {sequence}: {reason}")));
                }
            }
        }
        Ok(())
    }

    /// The events of these sequences.
    pub(super) fn parcels(&self, sequences: &[u64]) -> Result<Vec<Parcel>, OutboxError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let events = read.open_table(EVENTS).map_err(|error| self.failed(error))?;
        let mut parcels = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            // One that was acknowledged meanwhile, and is no object's last word, is gone.
            if let Some(row) = events.get(sequence).map_err(|error| self.failed(error))? {
                parcels.push(Parcel::read(*sequence, row.value()).map_err(|reason| self.damaged(reason))?);
            }
        }
        Ok(parcels)
    }

    /// At which sequence the log has an event.
    pub(super) fn logged_at(&self, sequence: u64) -> Option<u64> {
        let read = self.database.begin_read().ok()?;
        let logged = read.open_table(LOGGED).ok()?;
        Some(logged.get(sequence).ok()??.value())
    }

    /// Of the last events that were acknowledged, the one that stands last in the log: its sequence and the log's.
    pub(super) fn last_logged(&self) -> Result<Option<(u64, u64)>, OutboxError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let logged = read.open_table(LOGGED).map_err(|error| self.failed(error))?;
        let mut last: Option<(u64, u64)> = None;
        for entry in logged.iter().map_err(|error| self.failed(error))?.rev().take(IN_FLIGHT) {
            let (sequence, log) = entry.map_err(|error| self.failed(error))?;
            let (sequence, log) = (sequence.value(), log.value());
            last = last.filter(|(_, before)| *before > log).or(Some((sequence, log)));
        }
        Ok(last)
    }

    pub(super) fn said(&self) -> Result<Vec<Said>, OutboxError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let said = read.open_table(SAID).map_err(|error| self.failed(error))?;
        let events = read.open_table(EVENTS).map_err(|error| self.failed(error))?;
        let mut all = Vec::new();
        for entry in said.iter().map_err(|error| self.failed(error))? {
            let (_, place) = entry.map_err(|error| self.failed(error))?;
            let (sequence, rev) = place.value();
            let row = events.get(sequence).map_err(|error| self.failed(error))?;
            let row = row.ok_or_else(|| self.damaged(format!("event {sequence} is missing")))?;
            let parcel = Parcel::read(sequence, row.value()).map_err(|reason| self.damaged(reason))?;
            all.push(self.remembered(parcel, rev)?);
        }
        Ok(all)
    }

    fn remembered(&self, parcel: Parcel, rev: u64) -> Result<Said, OutboxError> {
        let event = Event::read(&parcel.payload)
            .map_err(|error| self.damaged(format!("event {} cannot be read: {error}", parcel.sequence)))?;
        let header = event.claim.header;
        Ok(Said {
            family: event.claim.body.family(),
            object_id: parcel.object_id,
            rev,
            event_id: parcel.id,
            digest: header.native.map(|native| native.digest),
            published_at: header.times.published_at,
            payload: Arc::from(parcel.payload.as_ref()),
        })
    }

    pub(super) fn write(&self) -> Result<Write<'_>, OutboxError> {
        let transaction = self.database.begin_write().map_err(|error| disk(&self.path, error))?;
        Ok(Write { store: self, transaction })
    }

    fn failed(&self, error: impl Into<redb::Error>) -> OutboxError {
        failed(&self.path, error.into())
    }

    fn damaged(&self, reason: String) -> OutboxError {
        OutboxError::Damaged { path: self.path.clone(), reason }
    }
}

impl Write<'_> {
    fn create_tables(&self) -> Result<(), OutboxError> {
        let transaction = &self.transaction;
        let failed = |error| self.store.failed(error);
        transaction.open_table(EVENTS).map_err(failed)?;
        transaction.open_table(WAITING).map_err(failed)?;
        transaction.open_table(IDS).map_err(failed)?;
        transaction.open_table(LOGGED).map_err(failed)?;
        transaction.open_table(SAID).map_err(failed)?;
        Ok(())
    }

    /// The sequence of an event id that was taken before.
    pub(super) fn sequence_of(&self, id: &str) -> Result<Option<u64>, OutboxError> {
        let ids = self.transaction.open_table(IDS).map_err(|error| self.store.failed(error))?;
        let found = ids.get(id).map_err(|error| self.store.failed(error))?;
        Ok(found.map(|sequence| sequence.value()))
    }

    /// Enters events, and the head of the chain after them.
    pub(super) fn enter(&self, parcels: &[Parcel], entered_ms: i64, head: &Head) -> Result<(), OutboxError> {
        self.try_enter(parcels, entered_ms, head).map_err(|error| disk(&self.store.path, error))
    }

    fn try_enter(&self, parcels: &[Parcel], entered_ms: i64, head: &Head) -> Result<(), redb::Error> {
        let mut events = self.transaction.open_table(EVENTS)?;
        let mut waiting = self.transaction.open_table(WAITING)?;
        let mut ids = self.transaction.open_table(IDS)?;
        let mut said = self.transaction.open_table(SAID)?;
        let mut facts = self.transaction.open_table(FACTS)?;
        for parcel in parcels {
            events.insert(parcel.sequence, parcel.row())?;
            waiting.insert(parcel.sequence, (parcel.bytes(), entered_ms))?;
            ids.insert(parcel.id.as_str(), parcel.sequence)?;
            let place = (parcel.family, parcel.object_id.as_str());
            let before = said.get(place)?.map(|last| last.value());
            if before.is_some_and(|(_, rev)| rev > parcel.rev) {
                continue;
            }
            said.insert(place, (parcel.sequence, parcel.rev))?;
            if let Some((replaced, _)) = before
                && waiting.get(replaced)?.is_none()
            {
                events.remove(replaced)?;
            }
        }
        facts.insert("sequence", head.sequence.to_string().as_str())?;
        facts.insert("prevhash", head.prevhash.as_str())?;
        Ok(())
    }

    /// Lets every kept event wait that neither waits nor is `present` in the log.
    pub(super) fn wait_again(
        &self,
        present: &BTreeSet<u64>,
        entered_ms: i64,
    ) -> Result<BTreeMap<u64, Waiting>, OutboxError> {
        self.try_wait_again(present, entered_ms).map_err(|error| disk(&self.store.path, error))
    }

    fn try_wait_again(&self, present: &BTreeSet<u64>, entered_ms: i64) -> Result<BTreeMap<u64, Waiting>, redb::Error> {
        let events = self.transaction.open_table(EVENTS)?;
        let mut waiting = self.transaction.open_table(WAITING)?;
        let mut logged = self.transaction.open_table(LOGGED)?;
        let mut again = BTreeMap::new();
        for entry in events.iter()? {
            let (sequence, row) = entry?;
            let sequence = sequence.value();
            if present.contains(&sequence) || waiting.get(sequence)?.is_some() {
                continue;
            }
            let bytes = bytes_of(row.value());
            waiting.insert(sequence, (bytes, entered_ms))?;
            logged.remove(sequence)?;
            again.insert(sequence, Waiting { bytes, entered_ms });
        }
        // What is lost and kept nowhere stands at no place of the log: it must not be looked for there again.
        logged.retain(|sequence, _| present.contains(&sequence))?;
        Ok(again)
    }

    /// Writes down what the log has acknowledged.
    pub(super) fn settle(&self, settled: &Settled) -> Result<(), OutboxError> {
        self.try_settle(settled).map_err(|error| disk(&self.store.path, error))
    }

    fn try_settle(&self, settled: &Settled) -> Result<(), redb::Error> {
        let mut events = self.transaction.open_table(EVENTS)?;
        let mut waiting = self.transaction.open_table(WAITING)?;
        let mut logged = self.transaction.open_table(LOGGED)?;
        let said = self.transaction.open_table(SAID)?;
        let mut facts = self.transaction.open_table(FACTS)?;
        for (sequence, log) in &settled.acknowledged {
            waiting.remove(sequence)?;
            logged.insert(sequence, log)?;
            let replaced = match events.get(sequence)? {
                Some(row) => {
                    let (_, family, object_id, ..) = row.value();
                    said.get((family, object_id))?.is_none_or(|last| last.value().0 != *sequence)
                }
                None => false,
            };
            if replaced {
                events.remove(sequence)?;
            }
        }
        facts.insert("floor", settled.floor.to_string().as_str())?;
        Ok(())
    }

    /// Makes it count: when this returns, it is on disk.
    pub(super) fn commit(self) -> Result<(), OutboxError> {
        self.transaction.commit().map_err(|error| disk(&self.store.path, error))
    }
}

fn check_names(options: &OutboxOptions) -> Result<(), OutboxError> {
    let (scope, slug) = (&options.scope, "a-z, 0-9 and -, not - first");
    let places: [(&str, &str, bool, &str); 4] = [
        ("organisation", &options.org, is_slug(&options.org), slug),
        ("feed", &options.feed, is_feed(&options.feed), slug),
        ("universe", &scope.universe, is_universe(&scope.universe), "actual, exercise, test or exercise-<slug>"),
        ("audience", &scope.audience, is_audience(&scope.audience), "all, or g and 16 characters of base32"),
    ];
    for (place, name, fits, expected) in places {
        if !fits {
            return Err(OutboxError::Name { place, name: name.to_owned(), expected });
        }
    }
    Ok(())
}

/// Makes the file, empty and for its owner only, where there is none.
fn make_file(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Err(io::Error::new(io::ErrorKind::InvalidInput, "no folder")) };
    fs::create_dir_all(folder)?;
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // Without this a power cut could take the whole file after its first commit.
    File::open(folder)?.sync_all()
}

fn disk(path: &Path, error: impl ToString) -> OutboxError {
    OutboxError::Disk { path: path.to_owned(), reason: error.to_string() }
}

fn open_error(path: &Path, error: DatabaseError) -> OutboxError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OutboxError::Held(path.to_owned()),
        other => failed(path, other.into()),
    }
}

/// A disk that does not do it can be mended or emptied, and the file is whole; bytes that are not what was written cannot.
fn failed(path: &Path, error: redb::Error) -> OutboxError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let is_disk = match &error {
        redb::Error::Io(error) => !matches!(error.kind(), InvalidData | UnexpectedEof),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::LockPoisoned(_) => true,
        _ => false,
    };
    if is_disk {
        return disk(path, error);
    }
    OutboxError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
