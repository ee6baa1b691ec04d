//! Who signs: one NKey (user, Ed25519) in one file, made on the first run, readable by its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use entente_schemas::event::pre_authentication_encoding;
use nkeys::{KeyPair, KeyPairType};

/// A signing key. Clones share it.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    seed: String,
    public: String,
    signing: SigningKey,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or made.
    #[error("the key file {path} cannot be used: {source}; check that its folder exists and belongs to you")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others may read the key.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    Open(PathBuf),
    /// The file holds no seed.
    #[error(
        "the key file {path} holds no NKey seed of a user ({reason}); restore it from a copy, or move it away to begin with a new key"
    )]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Identity {
    /// Opens the key in `path`; makes it, with file mode 0600, where there is none.
    ///
    /// # Errors
    /// If the file cannot be read or made, if others may read it, or if it holds no seed of a user key.
    pub fn open(path: &Path) -> Result<Self, IdentityError> {
        if let Some(seed) = read(path)? {
            return Self::from_seed(&seed).map_err(|reason| IdentityError::Seed { path: path.to_owned(), reason });
        }
        let fresh = Self::generate().map_err(|reason| IdentityError::Seed { path: path.to_owned(), reason })?;
        match write_new(path, &fresh.inner.seed) {
            Ok(()) => Ok(fresh),
            // Another process was first: its key is the key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
            Err(source) => Err(IdentityError::File { path: path.to_owned(), source }),
        }
    }

    /// A key that lives as long as the process; for a user that nobody needs to be twice.
    ///
    /// # Errors
    /// In words, if the key cannot be encoded.
    pub(crate) fn generate() -> Result<Self, String> {
        let seed = KeyPair::new_user().seed().map_err(|error| error.to_string())?;
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &str) -> Result<Self, String> {
        let pair = KeyPair::from_seed(seed).map_err(|error| error.to_string())?;
        if pair.key_pair_type() != KeyPairType::User {
            return Err("it is the key of another kind".to_owned());
        }
        let (_, raw) = nkeys::decode_seed(seed).map_err(|error| error.to_string())?;
        let inner = Inner { seed: seed.to_owned(), public: pair.public_key(), signing: SigningKey::from_bytes(&raw) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The public key as text, `U…`.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.inner.public
    }

    /// The seed as text, `SU…`: secret; for [`crate::Access`] only.
    #[must_use]
    pub fn seed(&self) -> &str {
        &self.inner.seed
    }

    /// Signs the pre-authentication encoding of a payload exactly as it will be sent. Equal payloads have equal
    /// signatures.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> [u8; 64] {
        self.inner.signing.sign(&pre_authentication_encoding(payload)).to_bytes()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identity").field(&self.inner.public).finish()
    }
}

fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    let file = |source| IdentityError::File { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(data) if data.permissions().mode() & 0o077 != 0 => Err(IdentityError::Open(path.to_owned())),
        Ok(_) => Ok(Some(fs::read_to_string(path).map_err(file)?.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file(error)),
    }
}

/// Writes the whole file beside its place and links it there, so that no process ever reads half a key.
fn write_new(path: &Path, seed: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("new-{}-{}", std::process::id(), ulid::Ulid::new()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .write_all(format!("{seed}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use entente_schemas::record::Verdict;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let first = Identity::open(&path).unwrap();
        let again = Identity::open(&path).unwrap();
        assert_eq!(first.public(), again.public());
        assert!(first.public().starts_with('U'));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the draft of the key is gone");
        assert_eq!(first.sign(b"{}"), again.sign(b"{}"));
    }

    #[test]
    fn racing_openers_get_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let open = || Identity::open(&path).unwrap().public().to_owned();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        Identity::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Identity::open(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_seed_is_refused_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "SU", "hello", &KeyPair::new_account().seed().unwrap()] {
            let path = dir.path().join("key");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = Identity::open(&path).unwrap_err();
            assert!(matches!(error, IdentityError::Seed { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn a_signature_is_judged_signed_and_only_over_its_own_bytes() {
        let me = Identity::generate().unwrap();
        let signature = data_encoding::BASE64URL_NOPAD.encode(&me.sign(b"payload"));
        assert_eq!(judge(me.public(), &signature, b"payload"), Verdict::Signed);
        assert!(matches!(judge(me.public(), &signature, b"pay1oad"), Verdict::Refused(_)));
    }
}
