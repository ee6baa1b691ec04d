//! The data folder: there, writable, and closed to others.

use std::path::Path;
use std::time::SystemTime;

use super::{Finding, machine};
use crate::folder::Folder;

/// Whether the folder is there and can be written.
pub fn writable(folder: &Folder) -> Finding {
    let shown = folder.path().display();
    if !folder.path().exists() {
        return Finding::note("data folder", format!("{shown} is not there yet"), "`entente up` makes it");
    }
    let probe = folder.path().join("doctor.new");
    let written = std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::good("data folder", shown.to_string()),
        Err(error) => {
            let next = "give it to the user that runs Entente, or name another with --data DIR";
            Finding::bad("data folder", format!("{shown} cannot be written: {error}"), next)
        }
    }
}

/// Whether others of this machine can read what only its owner may.
pub fn secrets(folder: &Folder) -> Vec<Finding> {
    let private = [(folder.key(), "the key that signs"), (folder.token(), "the token for claims")];
    private.iter().filter(|(path, _)| path.exists()).map(|(path, what)| secret(path, what)).collect()
}

/// Whether the clock was set back since the log was last written, which no server needs to run for.
pub fn set_back(folder: &Folder) -> Option<Finding> {
    let Ok(behind) = newest(&folder.path().join("js"))?.duration_since(SystemTime::now()) else {
        return Some(Finding::good("clock", "not behind that of the log's last write"));
    };
    Some(machine::clock_offset(i64::try_from(behind.as_millis()).unwrap_or(i64::MAX), "the log's last write"))
}

/// Under which clock the log is filled, if that is not this machine's.
pub fn played(folder: &Folder) -> Option<Finding> {
    let clock = match folder.legs() {
        Ok(legs) => legs.clock(),
        Err(failure) => return Some(Finding::bad("clock of the log", failure.what, failure.next)),
    };
    let what =
        format!("recorded feeds were played under one that shows {}", clock.now().format("%Y-%m-%d %H:%M:%S UTC"));
    let next = "`entente up` without --clock-from goes on by this machine's clock, for what is to be real";
    (!clock.is_wall()).then(|| Finding::note("clock of the log", what, next))
}

/// When the youngest file of a folder was written, with all that is below it.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let written = entries.filter_map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => newest(&entry.path()),
        _ => entry.metadata().and_then(|metadata| metadata.modified()).ok(),
    });
    written.max()
}

#[cfg(unix)]
fn secret(path: &Path, what: &str) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o077) {
        Ok(0) => Finding::good("permissions", format!("{what} is for its owner only")),
        Ok(_) => {
            let next = format!("chmod 600 {}", path.display());
            Finding::bad("permissions", format!("{what} can be read by others of this machine"), next)
        }
        Err(error) => {
            let next = "mend the permissions of the data folder";
            Finding::bad("permissions", format!("{} cannot be looked at: {error}", path.display()), next)
        }
    }
}

#[cfg(not(unix))]
fn secret(path: &Path, what: &str) -> Finding {
    let next = "check by hand who may read it";
    Finding::note("permissions", format!("{what}, {}, has permissions that cannot be told here", path.display()), next)
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::State;
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_that_others_can_read_is_found() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        assert_eq!(writable(&folder).state, State::Good);
        assert_eq!(secrets(&folder), []);
        folder.write(&folder.key(), "S").unwrap();
        assert_eq!(secrets(&folder)[0].state, State::Good);
        std::fs::set_permissions(folder.key(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(secrets(&folder)[0].state, State::Bad);
    }

    #[test]
    fn a_clock_that_was_set_back_is_found_without_a_server() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        assert_eq!(set_back(&folder), None);
        let block = temporary.path().join("js/HUB/streams/1.blk");
        std::fs::create_dir_all(block.parent().unwrap()).unwrap();
        let file = std::fs::File::create(&block).unwrap();
        assert_eq!(set_back(&folder).unwrap().state, State::Good);
        file.set_modified(SystemTime::now() + std::time::Duration::from_secs(3_600)).unwrap();
        let found = set_back(&folder).unwrap();
        assert!(found.state == State::Bad && found.what.ends_with("behind that of the log's last write"), "{found:?}");
    }

    #[test]
    fn a_log_that_is_played_is_told_and_so_is_a_damaged_table() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(temporary.path())).unwrap();
        assert_eq!(played(&folder), None);
        folder.write(&folder.clock(), "{\"after\":0,\"shift_ms\":-86400000}\n").unwrap();
        assert_eq!(played(&folder).unwrap().state, State::Note);
        folder.write(&folder.clock(), "-86400\n").unwrap();
        assert_eq!(played(&folder).unwrap().state, State::Bad);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_fault() {
        let folder = Folder::choose(Some(Path::new("/nowhere/at/all"))).unwrap();
        assert_eq!(writable(&folder).state, State::Note);
    }
}
