//! Sums equal the plain model's at every moment: while sightings come, after reopening, after a kill between any two
//! calls, after a write that was cut at any byte, and wherever the file is being written anew.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::plain::{Counted, Deed, Plain, deed};
use super::*;

const DEVICES: usize = 12;

#[derive(Clone, Debug)]
enum Call {
    Note(usize, usize, Deed),
    Meet(usize),
    /// Listings of some of the blocks.
    BeginListing([bool; BLOCKS]),
    EndListing([bool; BLOCKS]),
    Flush,
    Sync,
    Reopen,
    /// The process is killed: what was not handed to the system is gone.
    Kill,
}

fn calls(most: usize) -> impl Strategy<Value = Vec<Call>> {
    let note = (0..DEVICES, 0..BLOCKS, deed()).prop_map(|(device, block, deed)| Call::Note(device, block, deed));
    let call = prop_oneof![
        60 => note,
        9 => (0..DEVICES).prop_map(Call::Meet),
        2 => any::<[bool; BLOCKS]>().prop_map(Call::BeginListing),
        2 => any::<[bool; BLOCKS]>().prop_map(Call::EndListing),
        4 => Just(Call::Flush),
        1 => Just(Call::Sync),
        1 => Just(Call::Reopen),
        2 => Just(Call::Kill),
    ];
    proptest::collection::vec(call, 1..most)
}

fn pace() -> impl Strategy<Value = Pace> {
    (40..400usize, 0..800u64, 1..400u64, 1..600u64).prop_map(|(batch, slack, part, sync)| Pace {
        batch,
        slack,
        part,
        sync,
    })
}

/// A copy of the folder, as a killed process leaves it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn length(dir: &Path) -> u64 {
    fs::metadata(dir.join("ledger")).unwrap().len()
}

/// A ledger in play, and the model of what it holds and of what its file holds.
struct Play {
    folder: tempfile::TempDir,
    lives: usize,
    pace: Pace,
    book: Option<Book>,
    model: Plain,
    written: Plain,
    /// The model at each length that the file had since it was begun.
    lengths: Vec<(u64, Plain)>,
}

impl Play {
    fn begin(pace: Pace) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Book::open(&folder.path().join("0"), pace);
        book.ledger.flush().unwrap();
        let (model, written) = (Plain::default(), Plain::default());
        let mut play = Self { folder, lives: 0, pace, book: Some(book), model, written, lengths: Vec::new() };
        play.lengths.push((length(&play.dir()), Plain::default()));
        play
    }

    fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join(self.lives.to_string())
    }

    fn book(&mut self) -> &mut Book {
        self.book.as_mut().unwrap()
    }

    fn call(&mut self, call: &Call) {
        match call {
            Call::Note(device, block, deed) => {
                let (full, prior) = (self.book().ledger.is_batch_full(), self.model.clone());
                let change = self.book().note(*device, *block, *deed).unwrap();
                check_change(change, &mut self.model, *device, *block, *deed);
                if full && change.is_some() {
                    self.note_written(prior);
                }
            }
            Call::Meet(device) => {
                self.book().ledger.meet(&plain::device(*device)).unwrap();
                self.model.meet(*device);
            }
            Call::BeginListing(of) => {
                let book = self.book();
                book.ledger.begin_listing(|block| of[book.blocks.iter().position(|known| *known == block).unwrap()]);
                self.model.begin_listing(|block| of[block]);
            }
            Call::EndListing(of) => {
                let book = self.book();
                let of_block = |block| of[book.blocks.iter().position(|known| *known == block).unwrap()];
                let gone = book.ledger.end_listing(of_block).unwrap();
                assert_eq!(gone, self.model.end_listing(|block| of[block]));
                self.flushed(Ledger::flush);
            }
            Call::Flush => self.flushed(Ledger::flush),
            Call::Sync => self.flushed(Ledger::sync),
            Call::Reopen => {
                self.book = None;
                self.written = self.model.clone();
                self.reopen();
            }
            Call::Kill => {
                let left = self.dir();
                self.lives += 1;
                copy(&left, &self.dir());
                self.reopen();
            }
        }
        assert_eq!(self.book().counted(), self.model.counted(), "{call:?}");
        for device in 0..DEVICES {
            assert_eq!(self.book().known(device), self.model.known(device), "{call:?}, device {device}");
        }
    }

    fn flushed(&mut self, flush: impl Fn(&mut Ledger) -> Result<(), LedgerError>) {
        flush(&mut self.book().ledger).unwrap();
        self.note_written(self.model.clone());
    }

    fn note_written(&mut self, model: Plain) {
        self.lengths.push((length(&self.dir()), model.clone()));
        self.written = model;
    }

    fn reopen(&mut self) {
        let book = Book::open(&self.dir(), self.pace);
        assert_eq!((book.ledger.recovery().torn, &*book.ledger.recovery().damage), (0, &[][..]));
        self.book = Some(book);
        self.model = self.written.clone();
        self.model.restart();
        self.lengths = vec![(length(&self.dir()), self.model.clone())];
        assert!(!self.dir().join("ledger.new").exists());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_equal_the_models_after_every_call(calls in calls(250), pace in pace()) {
        let mut play = Play::begin(pace);
        calls.iter().for_each(|call| play.call(call));
        play.book().check_recount();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_write_cut_at_any_byte_loses_only_what_was_not_written(calls in calls(60)) {
        let pace = Pace { slack: u64::MAX / 2, ..SMALL };
        let mut play = Play::begin(pace);
        let calls = calls.iter().filter(|call| matches!(call, Call::Note(..) | Call::Flush));
        calls.for_each(|call| play.call(call));
        let cut = play.folder.path().join("cut");
        copy(&play.dir(), &cut);
        let bytes = fs::read(cut.join("ledger")).unwrap();
        let (first, _) = play.lengths[0];
        for end in (first..=bytes.len() as u64).rev() {
            fs::write(cut.join("ledger"), &bytes[..end as usize]).unwrap();
            let (good, model) = play.lengths.iter().rev().find(|(length, _)| *length <= end).unwrap();
            let mut book = Book::open(&cut, pace);
            let recovery = book.ledger.recovery();
            prop_assert_eq!((recovery.torn, recovery.damage.len()), (end - good, 0), "cut at {}", end);
            prop_assert_eq!(book.counted(), model.counted(), "cut at {}", end);
            // It goes on behind the cut.
            let mut model = model.clone();
            check_change(book.note(99, 1, Deed::Affected).unwrap(), &mut model, 99, 1, Deed::Affected);
            drop(book);
            let book = Book::open(&cut, pace);
            prop_assert_eq!(book.counted(), model.counted());
            let recovery = book.ledger.recovery();
            prop_assert_eq!((recovery.torn, recovery.damage.len()), (0, 0));
        }
    }
}

#[test]
fn many_approaches_in_every_combination_are_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open_at(folder.path(), SMALL).unwrap();
    let block = ledger.block("eu").unwrap();
    let approaches: Vec<ApproachId> = (0..255).map(|by| ledger.approach(&format!("a{by:03}")).unwrap()).collect();
    assert!(matches!(ledger.approach("one more"), Err(LedgerError::Full { most: 255, .. })));
    // Device n is tried with every (n + 1)-th approach, twice and in both orders.
    for device in 0..255 {
        let mut tried: Vec<&ApproachId> = approaches.iter().step_by(device + 1).collect();
        for _ in 0..2 {
            tried.reverse();
            for by in &tried {
                ledger.note(&device.to_string(), block, Seen::Attempted { by: **by }, 0).unwrap();
            }
        }
    }
    let expected: Vec<u64> = (0..255).map(|by| (1..=255).filter(|step| by % step == 0).count() as u64).collect();
    let found = |ledger: &Ledger| -> Vec<u64> {
        let (_, sums) = ledger.sums().next().unwrap();
        sums.attempted.iter().map(|(_, devices)| devices).collect()
    };
    assert_eq!(found(&ledger), expected);
    drop(ledger);
    assert_eq!(found(&Ledger::open(folder.path()).unwrap()), expected);
}

#[test]
fn sums_come_in_the_order_of_the_names_and_keep_empty_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::open(folder.path(), Pace::USUAL);
    book.note(1, 2, Deed::Affected).unwrap();
    book.note(1, 0, Deed::Affected).unwrap();
    let blocks: Vec<(String, u64)> =
        book.counted().into_iter().map(|Counted { block, now, .. }| (block, now[2])).collect();
    let expected = [("region-1/windows", 0), ("region-2/windows", 0), ("region-3/windows", 0), ("region-4/windows", 1)];
    assert_eq!(blocks, expected.map(|(name, affected)| (name.to_owned(), affected)));
}
