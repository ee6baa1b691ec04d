//! Secrets of the server: the token of `POST /v1/claims`, which lies in the data folder for programs of the same user,
//! and the token of the forms, which lives as long as the server.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use entente_journal::replace;
use entente_schemas::digest::{base32, is_base32, sha256};

/// Characters of a secret: 160 bits.
const LENGTH: usize = 32;

/// A secret text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system gives no randomness.
    #[error("the system gives no random bytes: {0}; nothing can be published safely without them")]
    Random(getrandom::Error),
    /// The file cannot be used.
    #[error(
        "the token file {path} cannot be used: {reason}; mend the permissions of the data folder, or remove the file"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
}

impl Secret {
    /// A new one.
    pub(crate) fn random() -> Result<Self, SecretError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
        Ok(Self(base32(&bytes, LENGTH)))
    }

    /// The one that a file holds; made on first use, readable by the owner only.
    pub(crate) fn in_file(path: &Path) -> Result<Self, SecretError> {
        let failed = |reason| SecretError::File { path: path.to_owned(), reason };
        match std::fs::read_to_string(path) {
            Ok(text) if is_base32(text.trim(), LENGTH) => {
                let owner_only = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(path, owner_only).map_err(failed)?;
                return Ok(Self(text.trim().to_owned()));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::InvalidData => {
                return Err(failed(error));
            }
            _ => {}
        }
        let secret = Self::random()?;
        replace(path, format!("{}\n", secret.0).as_bytes()).map_err(failed)?;
        Ok(secret)
    }

    /// Whether a text is the secret. Their hashes are compared, so that the time taken tells nothing about how far a
    /// guess was right.
    pub(crate) fn is(&self, guess: &str) -> bool {
        sha256(self.0.as_bytes()) == sha256(guess.as_bytes())
    }

    /// The secret itself, for the one who may have it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
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
        assert_eq!(mode(), 0o600);
        assert!(secret.is(std::fs::read_to_string(&path).unwrap().trim()));
        assert!(!secret.is("") && !secret.is(&secret.reveal()[1..]));
    }

    #[test]
    fn a_file_that_holds_no_secret_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for rubbish in [b"short".as_slice(), &[0xff, 0xfe], b""] {
            std::fs::write(&path, rubbish).unwrap();
            assert_eq!(Secret::in_file(&path).unwrap().reveal().len(), LENGTH);
        }
        assert_ne!(Secret::random().unwrap(), Secret::random().unwrap());
        assert!(matches!(Secret::in_file(&folder.path().join("absent/token")), Err(SecretError::File { .. })));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::random().unwrap();
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
