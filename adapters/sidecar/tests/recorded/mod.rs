//! Recorded answers of real feeds, for the tests of all adapters. They lie beside the project and are never part of it.
#![allow(dead_code, reason = "no test uses all of it")]

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

/// From the folder of any adapter.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

/// A recorded file; `None`, said aloud, where the recordings are absent.
pub fn read(file: &str) -> Option<Vec<u8>> {
    match std::fs::read(Path::new(DATA).join(file)) {
        Ok(bytes) => Some(bytes),
        Err(error) => absent(&format!("{file}: {error}")),
    }
}

/// The answers of a recorded file of which each line is one.
pub fn lines(file: &str) -> Option<Vec<Vec<u8>>> {
    let whole = read(file)?;
    Some(whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
}

/// Every recorded file; `None`, said aloud, where the recordings are absent.
pub fn all() -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(DATA)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    if found.is_empty() { absent("no recorded feeds") } else { Some(found) }
}

fn absent<T>(what: &str) -> Option<T> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}: recorded feeds must be there in CI");
    println!("skipped: {what}");
    None
}

/// A time as it is written.
pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}
