//! Files that are not as they were written: an error, or a loss that is told; never wrong sums in silence.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::plain::{Deed, Plain, deed};
use super::*;
use crate::file::Header;
use crate::{Damage, Lost};

type Note = (usize, usize, Deed);

/// A ledger's file, flushed after each group of notes.
struct Written {
    folder: tempfile::TempDir,
    /// Where the file ended before the first group and after each.
    ends: Vec<u64>,
    /// The model before the first group and after each.
    models: Vec<Plain>,
    /// The devices that each group changed, once a change.
    changed: Vec<Vec<usize>>,
}

/// One frame a group; it must not be written anew meanwhile.
fn write(groups: &[Vec<Note>]) -> Written {
    let pace = Pace { batch: 1 << 20, slack: 1 << 40, ..SMALL };
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::open(folder.path(), pace);
    let file = folder.path().join("ledger");
    let mut written = Written { folder, ends: Vec::new(), models: Vec::new(), changed: Vec::new() };
    let mut model = Plain::default();
    let end = |book: &mut Book, model: &Plain| {
        book.ledger.flush().unwrap();
        (fs::metadata(&file).unwrap().len(), model.clone())
    };
    let (mut ends, mut models) = (Vec::new(), Vec::new());
    let first = end(&mut book, &model);
    ends.push(first.0);
    models.push(first.1);
    for group in groups {
        let mut changed = Vec::new();
        for (device, block, deed) in group {
            let change = book.note(*device, *block, *deed).unwrap();
            check_change(change, &mut model, *device, *block, *deed);
            changed.extend(change.map(|_| *device));
        }
        let next = end(&mut book, &model);
        ends.push(next.0);
        models.push(next.1);
        written.changed.push(changed);
    }
    (written.ends, written.models) = (ends, models);
    written
}

impl Written {
    fn file(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// The model of all groups but one, whose devices stand as the groups before and after it left them.
    fn without(&self, lost: usize) -> Plain {
        let mut model = Plain::default();
        for (group, changed) in self.changed.iter().enumerate().filter(|(group, _)| *group != lost) {
            changed.iter().for_each(|device| model.copy(*device, &self.models[group + 1]));
        }
        model
    }
}

fn groups() -> impl Strategy<Value = Vec<Vec<Note>>> {
    let note = (0..9usize, 0..BLOCKS, deed());
    proptest::collection::vec(proptest::collection::vec(note, 1..12), 2..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_frame_costs_itself_alone_and_that_is_told_for_good(
        groups in groups(), place in any::<prop::sample::Index>(), change in 1..=255u8,
    ) {
        let written = write(&groups);
        let mut bytes = fs::read(written.file()).unwrap();
        let (first, last) = (written.ends[0], *written.ends.last().unwrap());
        prop_assume!(first < last);
        let at = first + place.index((last - first) as usize) as u64;
        bytes[at as usize] ^= change;
        fs::write(written.file(), &bytes).unwrap();
        let group = written.ends.iter().position(|end| *end > at).unwrap() - 1;
        let model = written.without(group);
        let cost = written.changed[group].len() as u64;

        let book = Book::open(written.folder.path(), SMALL);
        let recovery = book.ledger.recovery().clone();
        prop_assert_eq!(recovery.damage.len(), 1, "{:?}", recovery);
        let damage = recovery.damage[0];
        prop_assert_eq!((damage.offset, damage.offset + damage.bytes), (written.ends[group], written.ends[group + 1]));
        // The last frame's own number of entries may be what is damaged.
        let known = written.changed[group + 1..].iter().any(|changed| !changed.is_empty()) || damage.changes.is_some();
        prop_assert_eq!(damage.changes, known.then_some(cost));
        prop_assert_eq!(recovery.lost, Lost { places: 1, changes: damage.changes.unwrap_or(0) });
        prop_assert_eq!(book.counted(), model.counted());

        drop(book);
        let mut book = Book::open(written.folder.path(), SMALL);
        prop_assert!(book.ledger.recovery().damage.is_empty());
        prop_assert_eq!(book.ledger.recovery().lost, recovery.lost);
        prop_assert_eq!(book.counted(), model.counted());
        book.check_recount();
    }

    #[test]
    fn no_damage_whatever_is_silent(
        groups in groups(),
        rewritten in any::<bool>(),
        edits in proptest::collection::vec((0..4u8, any::<prop::sample::Index>(), 0..90usize, any::<u8>()), 1..4),
    ) {
        let mut written = write(&groups);
        if rewritten {
            let mut ledger = Ledger::open_at(written.folder.path(), Pace { slack: 0, ..SMALL }).unwrap();
            ledger.renew_now().unwrap();
            written.models = vec![written.models.last().unwrap().clone()];
        }
        let before = fs::read(written.file()).unwrap();
        let mut bytes = before.clone();
        for (kind, place, length, byte) in edits {
            let at = place.index(bytes.len().max(1));
            let end = (at + length).min(bytes.len());
            match kind {
                0 => bytes[at..end].iter_mut().for_each(|there| *there ^= byte),
                1 => bytes[at..end].fill(byte),
                2 => bytes.truncate(at),
                _ => drop(bytes.drain(at..end)),
            }
        }
        fs::write(written.file(), &bytes).unwrap();
        match Ledger::open_at(written.folder.path(), SMALL) {
            Err(LedgerError::NotALedger(_) | LedgerError::Newer { .. }) => {
                prop_assert_ne!(bytes.get(..Header::BYTES), before.get(..Header::BYTES));
            }
            Err(error) => prop_assert!(false, "{}", error),
            Ok(ledger) if ledger.recovery().damage.is_empty() => {
                let names = ledger.sums().count();
                let found = Book::of(ledger).counted();
                let known = written.models.iter().map(Plain::counted).any(|counted| counted == found);
                prop_assert!(known, "{:?}", found);
                prop_assert!(names == BLOCKS || bytes.len() < before.len());
                prop_assert!(bytes != before || found == written.models.last().unwrap().counted());
            }
            Ok(ledger) => prop_assert!(ledger.recovery().lost.places > 0),
        }
    }
}

#[test]
fn a_file_that_lost_its_end_below_what_the_disk_had_kept_is_damaged_not_torn() {
    let notes = |from: usize| (from..from + 40).map(|device| (device, 1, Deed::Affected)).collect::<Vec<_>>();
    let written = write(&[notes(0), notes(40)]);
    Ledger::open_at(written.folder.path(), SMALL).unwrap().renew_now().unwrap();
    let whole = fs::read(written.file()).unwrap();
    // Names, then a frame a shard that has devices; the last frame is short.
    for end in (Header::BYTES + 1..whole.len()).step_by(7) {
        fs::write(written.file(), &whole[..end]).unwrap();
        let ledger = Ledger::open_at(written.folder.path(), SMALL).unwrap();
        let (recovery, left) = (ledger.recovery(), ledger.sums().map(|(_, sums)| sums.known).sum::<u64>());
        assert_eq!((recovery.torn, recovery.damage.len()), (0, 1), "cut at {end}: {recovery:?}");
        let lost = recovery.damage[0].changes.unwrap();
        assert!(left + lost >= 80, "{left} left, {lost} lost");
        assert_eq!(recovery.devices, left);
    }
}

#[test]
fn zeros_that_a_loss_of_power_left_behind_the_last_frame_cost_nothing_and_are_told() {
    for zeros in [1, 27, 28, 29, 5_000, 3 << 20] {
        let written = write(&[vec![(1, 0, Deed::Affected), (2, 3, Deed::Well)], vec![(1, 0, Deed::Well)]]);
        let mut bytes = fs::read(written.file()).unwrap();
        let good = bytes.len();
        bytes.resize(good + zeros, 0);
        fs::write(written.file(), &bytes).unwrap();
        let mut model = written.models.last().unwrap().clone();
        let mut book = Book::open(written.folder.path(), SMALL);
        let damage = Damage { offset: good as u64, bytes: zeros as u64, changes: None };
        assert_eq!(book.ledger.recovery().damage, [damage]);
        check_change(book.note(7, 2, Deed::Affected).unwrap(), &mut model, 7, 2, Deed::Affected);
        drop(book);
        let book = Book::open(written.folder.path(), SMALL);
        assert_eq!(
            (&*book.ledger.recovery().damage, book.ledger.recovery().lost),
            (&[][..], Lost { places: 1, changes: 0 })
        );
        assert_eq!(book.counted(), model.counted());
    }
}

#[test]
fn devices_of_a_block_whose_name_is_lost_are_told_as_lost() {
    let written = write(&[vec![(1, 0, Deed::Affected), (2, 3, Deed::Well)], vec![(1, 0, Deed::Restored(Some(1)))]]);
    let mut bytes = fs::read(written.file()).unwrap();
    let name = plain::block(0);
    let at = bytes.windows(name.len()).position(|there| there == name.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(written.file(), &bytes).unwrap();
    let mut ledger = Ledger::open(written.folder.path()).unwrap();
    let told: Vec<String> = ledger.recovery().damage.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].ends_with("9 changes are lost") && told[1].ends_with("2 changes are lost"), "{told:?}");
    assert_eq!((ledger.recovery().devices, ledger.sums().count()), (0, 0));
    let block = ledger.block("new").unwrap();
    ledger.note("i-1", block, Seen::Affected, 0).unwrap();
    assert_eq!(ledger.sums().map(|(name, sums)| (name, sums.affected)).collect::<Vec<_>>(), [("new", 1)]);
    drop(ledger);
    let ledger = Ledger::open(written.folder.path()).unwrap();
    assert_eq!(ledger.recovery().lost, Lost { places: 3, changes: 12 });
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    drop(Ledger::open(folder.path()).unwrap());
    let good = fs::read(&file).unwrap();
    let mut newer = good.clone();
    newer[8] = 2;
    let mut other = good.clone();
    other[20] ^= 1;
    for bytes in [&b""[..], b"[section]\nkey = 1\n", &good[..Header::BYTES - 1], &newer, &other, &[0; 200]] {
        fs::write(&file, bytes).unwrap();
        let error = Ledger::open(folder.path()).err().unwrap();
        let newer = bytes == newer;
        assert_eq!(matches!(error, LedgerError::Newer { found: 2, .. }), newer, "{error}");
        assert_eq!(matches!(error, LedgerError::NotALedger(_)), !newer, "{error}");
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    fs::write(&file, &good).unwrap();
    fs::write(folder.path().join("ledger.new"), "left by a killed process").unwrap();
    Ledger::open(folder.path()).unwrap();
    assert!(!folder.path().join("ledger.new").exists());
}
