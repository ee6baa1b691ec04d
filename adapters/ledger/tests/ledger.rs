//! The ledger as an adapter uses it, through what it gives out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use entente_ledger::{Change, Condition, Ledger, LedgerError, Seen, Sums};

/// When it is, in seconds since 1970.
const NOW: i64 = 1_721_361_600;

fn sums(ledger: &Ledger, block: &str) -> Sums {
    ledger.sums().find(|(name, _)| *name == block).map(|(_, sums)| sums.clone()).unwrap()
}

#[test]
fn a_device_goes_down_is_tried_on_comes_back_and_relapses() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(&folder.path().join("a/b")).unwrap();
    let block = ledger.block("eu-west-1/windows").unwrap();
    let (safe_mode, rollback) = (ledger.approach("acme:safe-mode").unwrap(), ledger.approach("acme:rollback").unwrap());
    let change = |before, after, relapsed| Some(Change { before, after, relapsed });
    let (well, affected) = (Some(Condition::Well), Some(Condition::Affected));
    let steps = [
        (Seen::Well, change(None, well, false)),
        (Seen::Well, None),
        (Seen::Affected, change(well, affected, false)),
        (Seen::Attempted { by: safe_mode }, change(affected, affected, false)),
        (Seen::Well, change(affected, well, false)),
        (Seen::Affected, change(well, affected, true)),
        (Seen::Restored { by: Some(rollback) }, change(affected, well, false)),
        (Seen::Gone, change(well, Some(Condition::Gone), false)),
    ];
    for (seen, expected) in steps {
        assert_eq!(ledger.note("i-1", block, seen, NOW).unwrap(), expected, "{seen:?}");
    }
    let found = sums(&ledger, "eu-west-1/windows");
    assert_eq!((found.known, found.well, found.affected, found.gone), (1, 0, 0, 1));
    assert_eq!((found.ever_affected, found.episodes, found.relapsed), (1, 2, 1));
    assert_eq!(found.restored.iter().collect::<Vec<_>>(), [(Some(rollback), 1)]);
    assert_eq!(found.attempted.iter().collect::<Vec<_>>(), [(Some(safe_mode), 1)]);
    assert_eq!((found.restored.total(), found.restored.of(None), found.attempted.of(Some(safe_mode))), (1, 0, 1));
    assert_eq!(ledger.approach_name(safe_mode), Some("acme:safe-mode"));
}

#[test]
fn what_an_episode_took_is_counted_by_what_ended_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let block = ledger.block("eu").unwrap();
    let by = ledger.approach("acme:rollback").unwrap();
    let mut note = |device: &str, seen, minute: i64| ledger.note(device, block, seen, NOW + 60 * minute).unwrap();
    for (device, from, to) in [("a", 0, 0), ("b", 0, 7), ("c", 3, 10), ("d", 5, 1_005), ("e", 9, 4)] {
        note(device, Seen::Affected, from);
        note(device, Seen::Affected, from + 1);
        note(device, Seen::Restored { by: Some(by) }, to);
        note(device, Seen::Well, to + 30);
    }
    note("f", Seen::Affected, 0);
    note("f", Seen::Well, 2);
    // Affected unseen, and affected still.
    note("g", Seen::Restored { by: Some(by) }, 5);
    note("h", Seen::Affected, 0);
    let took = |ledger: &Ledger, by| sums(ledger, "eu").took.of(by).collect::<Vec<_>>();
    // The one whose end is told to lie before its beginning is not counted; 1,000 is rounded up by less than a sixteenth.
    assert_eq!(took(&ledger, Some(by)), [(1, 1), (7, 2), (1_023, 1)]);
    assert_eq!(took(&ledger, None), [(2, 1)]);
    drop(ledger);
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.note("h", block, Seen::Well, NOW + 60 * 45).unwrap();
    ledger.note("b", block, Seen::Affected, NOW + 60 * 100).unwrap();
    assert_eq!(took(&ledger, Some(by)), [(1, 1), (7, 1), (1_023, 1)]);
    assert_eq!(took(&ledger, None), [(2, 1), (45, 1)]);
}

#[test]
fn numbers_stay_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = |ledger: &mut Ledger| {
        let blocks = ["b", "a", "c"].map(|name| ledger.block(name).unwrap());
        (blocks, ["x", "y"].map(|name| ledger.approach(name).unwrap()))
    };
    let first = numbers(&mut Ledger::open(folder.path()).unwrap());
    let mut ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(ledger.block("c").unwrap(), first.0[2]);
    assert_eq!(numbers(&mut ledger), first);
    assert_eq!(ledger.sums().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn one_process_at_a_time_has_a_folder_and_it_is_free_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let error = Ledger::open(folder.path()).err().unwrap();
    assert!(matches!(&error, LedgerError::Held(dir) if dir == folder.path()), "{error}");
    // A child that is being started has a copy of every descriptor for a moment.
    let mut children: Vec<_> = (0..8).map(|_| std::process::Command::new("true").spawn().unwrap()).collect();
    drop(ledger);
    drop(Ledger::open(folder.path()).unwrap());
    for child in &mut children {
        child.wait().unwrap();
    }
}

#[test]
fn no_id_stands_in_any_file_and_no_other_user_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let id = |n: usize| format!("arn:aws:ec2:eu-west-1:123456789012:instance/i-{n:017x}");
    for round in 0..3 {
        let mut ledger = Ledger::open(&dir).unwrap();
        let block = ledger.block("eu-west-1/windows").unwrap();
        let by = ledger.approach("acme:safe-mode").unwrap();
        for n in 0..5_000 {
            let seen = [Seen::Affected, Seen::Attempted { by }, Seen::Well][(n + round) % 3];
            ledger.note(&id(n), block, seen, NOW).unwrap();
        }
        ledger.sync().unwrap();
    }
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for file in fs::read_dir(&dir).unwrap().flatten() {
        let bytes = fs::read(file.path()).unwrap();
        for part in ["123456789012", "i-0000", "arn:"] {
            let found = bytes.windows(part.len()).any(|there| there == part.as_bytes());
            assert!(!found, "{part} in {}", file.path().display());
        }
        assert!(bytes.is_empty() || mode(&file.path()) == 0o600, "{}", file.path().display());
        files += usize::from(!bytes.is_empty());
    }
    assert_eq!(files, 1);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn two_ledgers_hash_one_id_differently() {
    let folder = tempfile::tempdir().unwrap();
    let written = ["a", "b"].map(|name| {
        let mut ledger = Ledger::open(&folder.path().join(name)).unwrap();
        let block = ledger.block("eu").unwrap();
        ledger.note("i-1", block, Seen::Well, NOW).unwrap();
        ledger.flush().unwrap();
        fs::read(folder.path().join(name).join("ledger")).unwrap()
    });
    // Behind the header: one frame with the block and the device, which takes the last 21 bytes: kind, hash, and 7 more.
    let [a, b] = written.map(|bytes| bytes[bytes.len() - 20..bytes.len() - 7].to_vec());
    assert_ne!(a, b);
}

#[test]
fn what_is_out_of_bounds_is_refused_with_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(&folder.path().join("one")).unwrap();
    let mut other = Ledger::open(&folder.path().join("other")).unwrap();
    let block = ledger.block(&"b".repeat(1_024)).unwrap();
    let by = ledger.approach("x").unwrap();
    ledger.note(&"d".repeat(4_096), block, Seen::Well, NOW).unwrap();
    let refusals = [
        ledger.note("", block, Seen::Well, NOW).unwrap_err().to_string(),
        ledger.note(&"d".repeat(4_097), block, Seen::Well, NOW).unwrap_err().to_string(),
        ledger.known("").unwrap_err().to_string(),
        ledger.meet(&"d".repeat(4_097)).unwrap_err().to_string(),
        ledger.block("").unwrap_err().to_string(),
        ledger.block(&"b".repeat(1_025)).unwrap_err().to_string(),
        ledger.approach("").unwrap_err().to_string(),
        ledger.approach(&"b".repeat(1_025)).unwrap_err().to_string(),
    ];
    let bounds =
        ["1 to 4096", "1 to 4096", "1 to 4096", "1 to 4096", "1 to 1024", "1 to 1024", "1 to 1024", "1 to 1024"];
    for (refusal, bound) in refusals.iter().zip(bounds) {
        assert!(refusal.contains(bound), "{refusal}");
        assert!(!refusal.contains("dd"), "no id in a message: {refusal}");
    }
    assert!(matches!(other.note("i-1", block, Seen::Well, NOW), Err(LedgerError::Foreign("block"))));
    let block = other.block("eu").unwrap();
    for seen in [Seen::Attempted { by }, Seen::Restored { by: Some(by) }] {
        assert!(matches!(other.note("i-1", block, seen, NOW), Err(LedgerError::Foreign("approach"))));
    }
    assert_eq!(sums(&other, "eu"), Sums::default());
}

#[test]
fn there_are_65535_blocks_at_most_and_they_survive() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    for n in 0..65_535 {
        let block = ledger.block(&n.to_string()).unwrap();
        ledger.note(&format!("i-{n}"), block, Seen::Affected, NOW).unwrap();
    }
    assert!(matches!(ledger.block("more"), Err(LedgerError::Full { what: "blocks", most: 65_535 })));
    drop(ledger);
    let mut ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(ledger.sums().filter(|(_, sums)| sums.affected == 1).count(), 65_535);
    assert!(matches!(ledger.block("more"), Err(LedgerError::Full { .. })));
    assert!(ledger.block("65534").is_ok());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Ledger::open(&file).err().unwrap();
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
}
