//! A disk in memory with a cache before it, as a system has one: what is written is read at once, and is on the disk only
//! once it was synced. A sync that fails drops what it could not write, names as well, and tells so once. What a loss of power leaves of
//! the rest is chance, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::random;
use crate::disk::{Disk, Store};

/// Bytes of a page.
const PAGE: usize = 32;

#[derive(Clone, Default)]
pub(super) struct Fickle(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    files: Vec<Content>,
    /// Names as the system has them, and as the disk has them.
    names: BTreeMap<PathBuf, usize>,
    kept_names: BTreeMap<PathBuf, usize>,
    /// Names that the system still means to tell the disk.
    dirty_names: BTreeSet<PathBuf>,
    /// Whether the folder is not synced though it is asked for, as if the process were killed before.
    names_wait: bool,
    /// Of syncs to come: how many succeed, and how many fail then.
    good: usize,
    bad: usize,
    /// How many syncs of folders fail.
    bad_names: usize,
    synced_folders: BTreeSet<PathBuf>,
}

#[derive(Clone, Default)]
struct Content {
    cache: Vec<u8>,
    kept: Vec<u8>,
    /// Pages of the cache that the system still means to write.
    dirty: BTreeSet<usize>,
    /// Whether it still means to tell the disk the length.
    resized: bool,
}

/// An open file.
struct Handle {
    disk: Fickle,
    file: usize,
    at: usize,
}

impl Fickle {
    /// After so many syncs that succeed, so many fail, of files or of folders.
    pub(super) fn fail_syncs(&self, good: usize, bad: usize) {
        let mut state = self.lock();
        (state.good, state.bad) = (good, bad);
    }

    pub(super) fn fail_to_keep_names(&self, bad: usize) {
        self.lock().bad_names = bad;
    }

    pub(super) fn let_names_wait(&self, wait: bool) {
        self.lock().names_wait = wait;
    }

    /// The disk as it is now, apart from this one: what a killed process leaves.
    pub(super) fn copy(&self) -> Self {
        let copy = self.lock().clone();
        Self(Arc::new(Mutex::new(State { good: 0, bad: 0, bad_names: 0, ..copy })))
    }

    /// The disk after a loss of power; `chance` decides what was written that nobody had asked to keep.
    pub(super) fn without_power(&self, chance: u64) -> Self {
        let mut state = self.lock().clone();
        let mut draws = 0;
        let mut draw = || {
            draws += 1;
            random(chance ^ random(draws))
        };
        if draw().is_multiple_of(2) {
            state.keep_names();
        }
        state.names = state.kept_names.clone();
        for file in &mut state.files {
            file.lose_power(&mut draw);
        }
        (state.good, state.bad, state.bad_names) = (0, 0, 0);
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn synced_folders(&self) -> BTreeSet<PathBuf> {
        self.lock().synced_folders.clone()
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        self.lock().names.contains_key(path)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn sync(&mut self) -> io::Result<()> {
        match (self.good, self.bad) {
            (0, 0) => Ok(()),
            (0, _) => {
                self.bad -= 1;
                Err(io::Error::other("the disk does not answer"))
            }
            _ => {
                self.good -= 1;
                Ok(())
            }
        }
    }

    fn keep_names(&mut self) {
        for name in std::mem::take(&mut self.dirty_names) {
            match self.names.get(&name) {
                Some(file) => self.kept_names.insert(name, *file),
                None => self.kept_names.remove(&name),
            };
        }
    }

    fn named(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Content {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.cache.len() < end {
            self.cache.resize(end, 0);
            self.resized = true;
        }
        self.cache[at..end].copy_from_slice(bytes);
        self.dirty.extend(at / PAGE..end.div_ceil(PAGE));
    }

    fn resize(&mut self, bytes: usize) {
        self.cache.resize(bytes, 0);
        self.dirty.retain(|page| page * PAGE < bytes);
        self.resized = true;
    }

    fn keep_page(&mut self, page: usize) {
        let from = self.cache.get(page * PAGE..).unwrap_or_default();
        let from = &from[..from.len().min(PAGE)];
        let end = page * PAGE + from.len();
        if self.kept.len() < end {
            self.kept.resize(end, 0);
        }
        self.kept[page * PAGE..end].copy_from_slice(from);
    }

    fn keep(&mut self) {
        for page in std::mem::take(&mut self.dirty) {
            self.keep_page(page);
        }
        self.keep_length();
    }

    fn keep_length(&mut self) {
        self.kept.resize(self.cache.len(), 0);
        self.resized = false;
    }

    /// What was not written is forgotten: the cache still has it, and nobody writes it any more.
    fn drop_writes(&mut self) {
        self.dirty.clear();
        self.keep_length();
    }

    fn lose_power(&mut self, draw: &mut impl FnMut() -> u64) {
        // None of it, all of it, or any part.
        let share = draw() % 3;
        for page in std::mem::take(&mut self.dirty) {
            if share == 1 || share == 2 && draw().is_multiple_of(2) {
                self.keep_page(page);
            }
        }
        if self.resized && draw().is_multiple_of(2) {
            self.keep_length();
        }
        self.resized = false;
        self.cache = self.kept.clone();
    }
}

impl Disk for Fickle {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Store>> {
        let mut state = self.lock();
        state.files.push(Content::default());
        let file = state.files.len() - 1;
        state.names.insert(path.to_owned(), file);
        state.dirty_names.insert(path.to_owned());
        Ok(Box::new(Handle { disk: self.clone(), file, at: 0 }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Store>> {
        let file = self.lock().named(path)?;
        Ok(Box::new(Handle { disk: self.clone(), file, at: 0 }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let file = state.named(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.dirty_names.extend([from.to_owned(), to.to_owned()]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.named(path)?;
        state.names.remove(path);
        state.dirty_names.insert(path.to_owned());
        Ok(())
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let mut outcome = state.sync();
        if state.bad_names > 0 {
            state.bad_names -= 1;
            outcome = Err(io::Error::other("the disk does not answer"));
        }
        match outcome {
            Ok(()) if state.names_wait => return Ok(()),
            Ok(()) => state.keep_names(),
            Err(_) => state.dirty_names.clear(),
        }
        outcome?;
        state.synced_folders.insert(dir.to_owned());
        Ok(())
    }
}

impl Read for Handle {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        let mut from = state.files[self.file].cache.get(self.at..).unwrap_or_default();
        let read = from.read(to)?;
        self.at += read;
        Ok(read)
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.lock().files[self.file].write(self.at, bytes);
        self.at += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Handle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.at = usize::try_from(at).unwrap();
        Ok(at)
    }
}

impl Store for Handle {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.lock().files[self.file].resize(usize::try_from(bytes).unwrap());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        let outcome = state.sync();
        let file = &mut state.files[self.file];
        if outcome.is_ok() {
            file.keep()
        } else {
            file.drop_writes()
        }
        outcome
    }
}
