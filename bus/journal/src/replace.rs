//! Writing a small file whole or not at all, and for good: what is read at its path is what was there before or what was
//! written, also after a power cut. Only its owner may read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Puts a file with this content in place of what a path holds. The draft stands beside it, with the extension `new`, so
/// that a path has one writer at a time.
///
/// # Errors
/// If the folder or the disk does not take it. Then the path holds what it held.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // What was left there by a crash, or laid there as a link, is never written into.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content).and_then(|()| file.sync_all())?;
    fs::rename(&draft, path)?;
    // The name is on disk once its folder is; a path without one is in the working folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, draft) = (folder.path().join("token"), folder.path().join("token.new"));
        fs::write(&path, "of before, and longer").unwrap();
        fs::write(&draft, "left by a start that was killed").unwrap();
        for left in [&path, &draft] {
            fs::set_permissions(left, fs::Permissions::from_mode(0o644)).unwrap();
        }
        replace(&path, b"now").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"now");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!draft.exists());
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "of before").unwrap();
        fs::create_dir(folder.path().join("token.new")).unwrap();
        assert!(replace(&path, b"now").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"of before");
        assert!(replace(&folder.path().join("absent/token"), b"now").is_err());
    }
}
