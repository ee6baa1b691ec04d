//! The data folder: there, writable, and closed to others.

use std::path::Path;

use super::Finding;
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
    fn a_folder_that_is_not_there_is_no_fault() {
        let folder = Folder::choose(Some(Path::new("/nowhere/at/all"))).unwrap();
        assert_eq!(writable(&folder).state, State::Note);
    }
}
