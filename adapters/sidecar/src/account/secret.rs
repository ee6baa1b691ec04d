//! Secrets of a sidecar in its data folder: the token of the intake, and the key under which native ids are hidden. Each is
//! made once and is readable by its owner only.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use entente_journal::replace;
use entente_schemas::digest::{SHORT, base32, is_base32, length_prefixed, sha256};

/// Characters of a secret: 160 bits.
const LENGTH: usize = 32;

/// A secret text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system gives no randomness.
    #[error("the system gives no random bytes: {0}; start the sidecar again once it does")]
    Random(getrandom::Error),
    /// The file cannot be used.
    #[error("the file {path} cannot be used: {reason}; mend the permissions of its folder, or remove the file")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
}

impl Secret {
    /// The one that a file holds; made on first use.
    ///
    /// # Errors
    /// If the file can be neither read nor made.
    pub fn in_file(path: &Path) -> Result<Self, SecretError> {
        let failed = |reason| SecretError::File { path: path.to_owned(), reason };
        match std::fs::read_to_string(path) {
            Ok(text) if is_base32(text.trim(), LENGTH) => {
                shut(path).map_err(failed)?;
                Ok(Self(text.trim().to_owned()))
            }
            Ok(_) => Err(failed(io::Error::other("it holds something else than a secret of this program"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::made(path),
            Err(error) => Err(failed(error)),
        }
    }

    fn made(path: &Path) -> Result<Self, SecretError> {
        let failed = |reason| SecretError::File { path: path.to_owned(), reason };
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
        let secret = Self(base32(&bytes, LENGTH));
        replace(path, format!("{}\n", secret.0).as_bytes()).map_err(failed)?;
        Ok(secret)
    }

    /// Whether a text is the secret. Hashes are compared, so that the time taken tells nothing of how far a guess was right.
    #[must_use]
    pub fn is(&self, guess: &str) -> bool {
        sha256(self.0.as_bytes()) == sha256(guess.as_bytes())
    }

    /// A name for a text that nobody without the secret can lead back to it: 26 characters, equal for equal texts.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        base32(&length_prefixed(["entente.hide.v1", &self.0, text]), SHORT)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn shut(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let secret = Secret::in_file(&path).unwrap();
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Secret::in_file(&path).unwrap(), secret);
        assert_eq!((mode(), format!("{secret:?}").as_str()), (0o600, "Secret(..)"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(secret.is(text.trim()) && !secret.is("") && !secret.is(&text));
    }

    #[test]
    fn what_lies_beside_it_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("token"), folder.path().join("elsewhere"));
        std::fs::write(&elsewhere, "buy milk").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("token.new")).unwrap();
        Secret::in_file(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "buy milk");
        assert!(!std::fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn a_file_of_something_else_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        std::fs::write(&path, "buy milk").unwrap();
        assert!(Secret::in_file(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "buy milk");
    }

    #[test]
    fn hidden_names_are_stable_and_differ_by_secret() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|name| Secret::in_file(&folder.path().join(name)).unwrap());
        assert_eq!(one.hide("vm-1"), one.hide("vm-1"));
        assert!(one.hide("vm-1") != one.hide("vm-2") && one.hide("vm-1") != other.hide("vm-1"));
    }
}
