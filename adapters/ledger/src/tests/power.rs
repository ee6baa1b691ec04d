//! Losses of power on a disk that fails now and then: what `sync` said to be kept is there, whatever failed before it and
//! whoever was killed since; what it did not say may be there or be lost, and a hole in it is told.

use std::path::PathBuf;

use proptest::prelude::*;

use super::fickle::Fickle;
use super::plain::{Deed, Plain, deed};
use super::*;

const DEVICES: usize = 9;

#[derive(Clone, Debug)]
enum Call {
    Note(usize, usize, Deed),
    Flush,
    Sync,
    /// After so many syncs of the disk, so many fail.
    Fail(usize, usize),
    Kill,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let note = (0..DEVICES, 0..BLOCKS, deed()).prop_map(|(device, block, deed)| Call::Note(device, block, deed));
    let call = prop_oneof![
        24 => note,
        3 => Just(Call::Flush),
        3 => Just(Call::Sync),
        2 => (0..3usize, 1..3usize).prop_map(|(good, bad)| Call::Fail(good, bad)),
        1 => Just(Call::Kill),
    ];
    proptest::collection::vec(call, 1..120)
}

/// A ledger on a disk in memory, and what of it must be kept. The lock alone is in a real folder.
struct Play {
    folder: tempfile::TempDir,
    disk: Fickle,
    book: Option<Book>,
    /// The model at the last sync that succeeded and after every note since: one of them is found after a loss of power.
    models: Vec<Plain>,
    /// What the file holds of them.
    written: usize,
}

impl Play {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Fickle::default();
        let mut play = Self { folder, disk, book: None, models: vec![Plain::default()], written: 0 };
        play.open();
        play
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn open(&mut self) {
        let disk = Box::new(self.disk.clone());
        self.book = Some(Book::of(Ledger::open_on(disk, &self.dir(), SMALL).unwrap()));
    }

    fn model(&self) -> &Plain {
        self.models.last().unwrap()
    }

    fn call(&mut self, call: &Call) {
        let book = self.book.as_mut().unwrap();
        match call {
            Call::Note(device, block, deed) => {
                let full = book.ledger.is_batch_full();
                let mut model = self.models.last().unwrap().clone();
                let change = book.note(*device, *block, *deed).unwrap();
                check_change(change, &mut model, *device, *block, *deed);
                if change.is_some() {
                    self.written = if full { self.models.len() - 1 } else { self.written };
                    self.models.push(model);
                }
            }
            Call::Flush => {
                // What then cannot be shortened is written all the same.
                assert!(!matches!(book.ledger.flush(), Err(LedgerError::Disk { .. })));
                self.written = self.models.len() - 1;
            }
            Call::Sync => {
                let synced = book.ledger.sync();
                self.written = self.models.len() - 1;
                if matches!(synced, Ok(()) | Err(LedgerError::Shorten { .. })) {
                    self.models.drain(..self.written);
                    self.written = 0;
                }
            }
            Call::Fail(good, bad) => self.disk.fail_syncs(*good, *bad),
            Call::Kill => self.kill(),
        }
        assert_eq!(self.book.as_ref().unwrap().counted(), self.model().counted(), "{call:?}");
    }

    /// The process ends without a word; what it had not handed to the system is gone.
    fn kill(&mut self) {
        let left = self.disk.copy();
        self.book = None;
        self.disk = left;
        self.models.truncate(self.written + 1);
        self.open();
    }

    fn lose_power(mut self, chance: u64) {
        let left = self.disk.without_power(chance);
        self.book = None;
        self.disk = left;
        self.open();
        let book = self.book.as_ref().unwrap();
        if book.ledger.recovery().damage.is_empty() {
            let found = book.counted();
            assert!(self.models.iter().any(|model| model.counted() == found), "{found:?}");
        }
        for device in 0..DEVICES {
            let found = book.known(device);
            assert!(self.models.iter().any(|model| model.known(device) == found), "device {device}: {found:?}");
        }
        let (found, lost) = (book.counted(), book.ledger.recovery().lost);
        self.kill();
        let book = self.book.as_ref().unwrap();
        assert_eq!((book.counted(), book.ledger.recovery().lost), (found, lost));
        assert!(book.ledger.recovery().damage.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_synced_survives_a_loss_of_power(calls in calls(), chance in any::<u64>()) {
        let mut play = Play::begin();
        calls.iter().for_each(|call| play.call(call));
        play.lose_power(chance);
    }
}

fn affect(play: &mut Play, devices: std::ops::Range<usize>) {
    devices.for_each(|device| play.call(&Call::Note(device, 1, Deed::Affected)));
}

/// Everything that was noted must be there, whatever the chance.
fn all_is_kept(play: &mut Play) {
    let disk = play.disk.copy();
    play.book = None;
    for chance in 0..40 {
        let disk = Box::new(disk.without_power(chance));
        let ledger = Ledger::open_on(disk, &play.dir(), SMALL).unwrap();
        assert_eq!(counted(&ledger), play.model().counted(), "chance {chance}");
    }
    play.open();
}

#[test]
fn a_disk_that_failed_is_believed_only_once_it_keeps_another_file() {
    let mut play = Play::begin();
    affect(&mut play, 0..5);
    play.call(&Call::Sync);
    all_is_kept(&mut play);
    affect(&mut play, 5..9);
    play.disk.fail_syncs(0, 1);
    let book = play.book.as_mut().unwrap();
    assert!(matches!(book.ledger.sync(), Err(LedgerError::Disk { .. })));
    book.ledger.sync().unwrap();
    all_is_kept(&mut play);
    assert!(!play.disk.holds(&play.dir().join("doubt")));
}

#[test]
fn a_process_that_is_killed_leaves_its_doubt_to_the_next() {
    let mut play = Play::begin();
    let mark = play.dir().join("doubt");
    affect(&mut play, 0..5);
    play.disk.fail_syncs(0, 1);
    play.call(&Call::Sync);
    assert!(play.disk.holds(&mark));
    play.call(&Call::Kill);
    play.book.as_mut().unwrap().ledger.sync().unwrap();
    all_is_kept(&mut play);
    assert!(!play.disk.holds(&mark));
}

#[test]
fn a_new_file_whose_name_is_not_kept_is_not_the_ledgers_yet() {
    let mut play = Play::begin();
    affect(&mut play, 0..5);
    play.disk.fail_to_keep_names(1);
    play.book.as_mut().unwrap().ledger.renew_now().unwrap_err();
    affect(&mut play, 5..9);
    play.book.as_mut().unwrap().ledger.sync().unwrap();
    all_is_kept(&mut play);
}

#[test]
fn a_name_that_a_killed_process_did_not_have_kept_is_kept_by_the_next_sync() {
    let mut play = Play::begin();
    affect(&mut play, 0..5);
    play.call(&Call::Flush);
    play.disk.let_names_wait(true);
    play.book.as_mut().unwrap().ledger.renew_now().unwrap();
    play.disk.let_names_wait(false);
    play.call(&Call::Kill);
    affect(&mut play, 5..9);
    play.call(&Call::Sync);
    all_is_kept(&mut play);
}

#[test]
fn the_disk_is_made_to_keep_the_names_of_new_folders() {
    let folder = tempfile::tempdir().unwrap();
    let (above, dir) = (folder.path().join("a"), folder.path().join("a/b"));
    let disk = Fickle::default();
    drop(Ledger::open_on(Box::new(disk.clone()), &dir, SMALL).unwrap());
    let kept = disk.synced_folders();
    assert!([folder.path(), &above, &dir].iter().all(|dir| kept.contains(*dir)), "{kept:?}");
}
