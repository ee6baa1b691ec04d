//! kill -9 of a process that writes, at any moment, again and again in one folder: nothing that was flushed is lost, and
//! what is found is the plain model of what was written.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::plain::{Deed, Plain};
use super::*;

const CHILD: &str = "tests::killed::the_child_that_is_killed";
const FOLDER: &str = "TESTS_FOLDER";
const FROM: &str = "TESTS_FROM";
const PACE: &str = "TESTS_PACE";
const DEVICES: u64 = 300;
/// Where each call leaves how many there were: devices that turn with each, one after the other.
const COUNTER: &str = "counter";
/// How often one of them turns: an even number below twice the episodes that are counted of a device.
const TURNS: u64 = 8_000;

fn call(n: u64) -> (usize, usize, Deed) {
    let [deed, by, device, block] = [7, 11, DEVICES, BLOCKS as u64].map({
        let mut rest = random(n);
        move |most| {
            let part = (rest % most) as usize;
            rest /= most;
            part
        }
    });
    let by = by % APPROACHES;
    let deed = match deed {
        0 | 1 => Deed::Affected,
        2 => Deed::Well,
        3 => Deed::Unknown,
        4 => Deed::Restored((by > 1).then_some(by)),
        5 => Deed::Attempted(by),
        _ => Deed::Gone,
    };
    (device, block, deed)
}

fn pace(name: &str) -> Pace {
    if name == "small" { Pace { slack: 20_000, part: 300, sync: 2_000, ..SMALL } } else { Pace::USUAL }
}

#[test]
#[ignore = "a part of nothing_flushed_is_lost_by_a_kill_at_any_moment"]
fn the_child_that_is_killed() {
    let (Ok(folder), Ok(from), Ok(pace_name)) = (std::env::var(FOLDER), std::env::var(FROM), std::env::var(PACE))
    else {
        println!("skipped: run by its parent only");
        return;
    };
    let folder = Path::new(&folder);
    let mut flushed = OpenOptions::new().append(true).create(true).open(folder.join("flushed")).unwrap();
    let mut book = Book::open(&folder.join("ledger"), pace(&pace_name));
    let counter = book.ledger.block(COUNTER).unwrap();
    for n in from.parse::<u64>().unwrap().. {
        let (device, block, deed) = call(n);
        let turn = if n % 2 == 0 { Seen::Affected } else { Seen::Well };
        book.note(device, block, deed).unwrap();
        book.ledger.note(&format!("{COUNTER} {}", n / TURNS), counter, turn, 0).unwrap();
        if random(!n).is_multiple_of(40) {
            book.ledger.flush().unwrap();
            flushed.write_all(&(n + 1).to_le_bytes()).unwrap();
        }
    }
}

fn start(folder: &Path, from: u64, pace: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD, "--ignored", "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::null());
    child.env(FOLDER, folder).env(FROM, from.to_string()).env(PACE, pace).spawn().unwrap()
}

/// How many calls were flushed, as the child has written it down after each flush.
fn flushed(folder: &Path) -> u64 {
    let bytes = fs::read(folder.join("flushed")).unwrap_or_default();
    bytes.chunks_exact(8).next_back().map_or(0, |last| u64::from_le_bytes(last.try_into().unwrap()))
}

/// How many calls the ledger holds whole; it may hold the next but for its counter.
fn held(ledger: &Ledger) -> u64 {
    let counter = ledger.sums().find(|(name, _)| *name == COUNTER);
    counter.map_or(0, |(_, sums)| 2 * sums.episodes - sums.affected)
}

#[test]
fn nothing_flushed_is_lost_by_a_kill_at_any_moment() {
    for name in ["small", "usual"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut model, mut calls, mut lost, mut torn) = (Plain::default(), 0, 0, 0);
        let kills = 30;
        for kill in 0..kills {
            let before = flushed(folder.path());
            let mut child = start(folder.path(), calls, name);
            let until = Instant::now() + Duration::from_secs(60);
            // Some are killed while they open, some while they write.
            while kill % 3 > 0 && flushed(folder.path()) == before {
                assert!(Instant::now() < until, "the child flushes nothing");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random(kill) % 40_000));
            child.kill().unwrap();
            child.wait().unwrap();

            let ledger = Ledger::open_at(&folder.path().join("ledger"), pace(name)).unwrap();
            assert_eq!(ledger.recovery().damage, []);
            torn += u64::from(ledger.recovery().torn > 0);
            let found = held(&ledger);
            assert!(found >= flushed(folder.path()), "{found} of {} flushed calls are there", flushed(folder.path()));
            for n in calls..found {
                let (device, block, deed) = call(n);
                model.note(device, block, deed);
            }
            let mut sums = counted(&ledger);
            sums.retain(|counted| counted.block != COUNTER);
            let mut next = model.clone();
            let (device, block, deed) = call(found);
            next.note(device, block, deed);
            if !sums.is_empty() {
                assert!(sums == model.counted() || sums == next.counted(), "after {found} calls");
            }
            lost += u64::from(sums.is_empty());
            calls = found;
        }
        println!(
            "{name}: {kills} kills, {calls} calls, {torn} times a torn end, {lost} times before anything was written"
        );
        assert!(calls > 1_000, "{calls}");
    }
}
