//! A socket in the file system: for its owner and group alone from the moment at which it has its name, and in the place of
//! nothing but a socket that nobody listens on any more.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Owner and group may connect.
const MODE: u32 = 0o660;

/// Listens on a socket of that name.
///
/// # Errors
/// If somebody listens there, something else lies there, or the folder cannot be written.
pub(super) async fn socket(path: &Path) -> io::Result<UnixListener> {
    free(path).await?;
    let folder = Beside::of(path)?;
    let made = folder.0.join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, Permissions::from_mode(MODE))?;
    std::fs::rename(&made, path)?;
    Ok(listener)
}

/// Makes sure that nothing worth keeping has the name.
async fn free(path: &Path) -> io::Result<()> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket lies there"));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
    }
}

/// A folder beside the name that nobody else may enter, as long as this is: a socket has the permissions of its maker's mask
/// until they are set, and must not be reached meanwhile.
struct Beside(PathBuf);

impl Beside {
    fn of(path: &Path) -> io::Result<Self> {
        // Names of sockets are short: at most 107 bytes with their folders.
        let folder = path.with_file_name(format!(".{}", std::process::id()));
        // In a container every process has the same number, the one that was killed here before too.
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the folder in which the socket was made");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_takes_the_place_of_a_dead_socket_and_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.sock");
        std::fs::create_dir(folder.path().join(format!(".{}", std::process::id()))).unwrap();
        let listener = socket(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(socket(&path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).await.unwrap();
        drop(listener);
        drop(socket(&path).await.unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let notes = folder.path().join("notes");
        std::fs::write(&notes, "buy milk").unwrap();
        assert_eq!(socket(&notes).await.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&notes).unwrap(), "buy milk");
    }
}
