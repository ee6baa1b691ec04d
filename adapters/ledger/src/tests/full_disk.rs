//! A disk that takes nothing for a while: the ledger says so, takes no more than a batch, and goes on once it can, with
//! nothing lost of what it took and nothing kept of what it refused.

use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::plain::{Deed, Plain};
use super::*;

const CHILD: &str = "tests::full_disk::the_child_whose_disk_is_full";
const FOLDER: &str = "TESTS_FOLDER";

#[test]
fn a_ledger_goes_on_by_itself_when_its_full_disk_has_room_again() {
    let folder = tempfile::tempdir().unwrap();
    // The limit on a file's size stands in for the disk's. Whoever passes it gets a signal, which is ignored here so that
    // an error remains; a test cannot ignore it by itself without unsafe code.
    let mut child = Command::new("sh");
    child.args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --ignored --nocapture"]);
    child.arg(std::env::current_exe().unwrap()).arg(CHILD).env(FOLDER, folder.path());
    let output = child.output().unwrap();
    println!("{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    assert!(output.status.success());
}

#[test]
#[ignore = "a part of a_ledger_goes_on_by_itself_when_its_full_disk_has_room_again"]
fn the_child_whose_disk_is_full() {
    let Ok(folder) = std::env::var(FOLDER) else {
        println!("skipped: run by its parent only");
        return;
    };
    let dir = Path::new(&folder).join("ledger");
    set_limit(Some(10));
    let error = Ledger::open(&dir).err().unwrap();
    assert!(matches!(error, LedgerError::File { .. }), "{error}");
    set_limit(None);
    let mut book = Book::open(&dir, SMALL);
    let mut model = Plain::default();
    let mut n = 0;
    for round in 0..40 {
        (0..37).for_each(|_| take(&mut book, &mut model, &mut n).unwrap());
        let length = std::fs::metadata(dir.join("ledger")).unwrap().len();
        set_limit(Some(length + 23 * (round % 5)));
        let mut refused = 0;
        for _ in 0..60 {
            refused += u64::from(take(&mut book, &mut model, &mut n).is_err());
            assert_eq!(book.counted(), model.counted());
        }
        let told = book.ledger.flush();
        assert!(refused > 0 && told.is_err(), "round {round}: {refused} refused, {told:?}");
        set_limit(None);
        match round % 3 {
            0 => book.ledger.flush().unwrap(),
            1 => take(&mut book, &mut model, &mut n).unwrap(),
            // What is still in memory as the ledger is closed is not lost either.
            _ => {}
        }
        drop(book);
        book = Book::open(&dir, SMALL);
        assert_eq!((book.ledger.recovery().torn, &*book.ledger.recovery().damage), (0, &[][..]));
        assert_eq!(book.counted(), model.counted(), "round {round}");
    }
    drop(book);
    a_damaged_file_stays_as_it_is_until_it_can_be_written_anew(&dir);
}

fn a_damaged_file_stays_as_it_is_until_it_can_be_written_anew(dir: &Path) {
    let file = dir.join("ledger");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    set_limit(Some(100));
    for _ in 0..2 {
        let error = Ledger::open_at(dir, SMALL).err().unwrap();
        assert!(matches!(error, LedgerError::File { .. }), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
    }
    set_limit(None);
    assert_eq!(Ledger::open_at(dir, SMALL).unwrap().recovery().damage.len(), 1);
    assert_eq!(Ledger::open_at(dir, SMALL).unwrap().recovery().damage.len(), 0);
}

/// The next sighting, of a device that turns each time; the model takes it if the ledger does.
fn take(book: &mut Book, model: &mut Plain, n: &mut usize) -> Result<(), LedgerError> {
    *n += 1;
    let (device, block) = (*n % 29, *n % BLOCKS);
    let deed = if (*n / 29).is_multiple_of(2) { Deed::Affected } else { Deed::Restored(Some(*n % APPROACHES)) };
    match book.note(device, block, deed) {
        Ok(change) => check_change(change, model, device, block, deed),
        Err(error @ LedgerError::Disk { .. }) => return Err(error),
        Err(error) => panic!("{error}"),
    }
    Ok(())
}

fn set_limit(current: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: current.or(maximum), maximum }).unwrap();
}

#[test]
fn a_file_that_cannot_be_shortened_is_told_with_each_flush_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::open(folder.path(), SMALL);
    let mut model = Plain::default();
    let mut n = 0;
    let in_the_way = folder.path().join("ledger.new");
    // It may be on its way already.
    while std::fs::create_dir(&in_the_way).is_err() {
        take(&mut book, &mut model, &mut n).unwrap();
    }
    let mut told = 0;
    for _ in 0..2_000 {
        take(&mut book, &mut model, &mut n).unwrap();
        match book.ledger.flush() {
            Ok(()) => assert_eq!(told, 0, "silent though nothing was mended"),
            Err(LedgerError::Shorten { .. }) => told += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(told > 0);
    let length = || std::fs::metadata(folder.path().join("ledger")).unwrap().len();
    let long = length();
    std::fs::remove_dir(&in_the_way).unwrap();
    (0..300).for_each(|_| book.ledger.flush().unwrap());
    assert!(length() < long / 2, "{} of {long} bytes", length());
    assert_eq!(book.counted(), model.counted());
    drop(book);
    assert_eq!(Book::open(folder.path(), SMALL).counted(), model.counted());
}
