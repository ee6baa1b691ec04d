//! The files beside a document that hold the hash of its bytes, as `sha256sum` and `sha512sum` write them.

use entente_schemas::digest::hex;
use sha2::{Digest as _, Sha256, Sha512};

/// Bytes of a hash file that are read.
pub(crate) const FILE_MAX: usize = 16 * 1024;

/// By which function a document is hashed; the stronger first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    Sha512,
    Sha256,
}

/// Why a document does not stand by its hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChecksumError {
    #[error("its .{0} file holds no hash of that kind")]
    Form(&'static str),
    #[error(
        "its bytes have another hash than its .{0} file says: it was changed on the way, or is being published just now"
    )]
    Differs(&'static str),
    #[error("its .{0} file, which the list names, is not there")]
    Missing(&'static str),
}

impl Algorithm {
    /// The ending of the file that holds the hash.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Sha512 => "sha512",
            Self::Sha256 => "sha256",
        }
    }

    /// Of which kind a file is, by the ending of its name.
    pub(crate) fn of_file(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        [Self::Sha512, Self::Sha256].into_iter().find(|algorithm| path.ends_with(algorithm.ending()))
    }

    fn of_bytes(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha512 => hex(&Sha512::digest(bytes)),
            Self::Sha256 => hex(&Sha256::digest(bytes)),
        }
    }

    /// Compares a document with its hash file.
    ///
    /// # Errors
    /// If the file holds no hash, or another.
    pub(crate) fn check(self, bytes: &[u8], file: &[u8]) -> Result<(), ChecksumError> {
        let ours = self.of_bytes(bytes);
        let text = String::from_utf8_lossy(file);
        // Either the hash alone, or `hash  name`, or as BSD writes it: `SHA512 (name) = hash`.
        let mut words = text.split_whitespace().map(|word| word.trim_start_matches('\u{feff}'));
        let said = words.find(|word| word.len() == ours.len() && word.bytes().all(|b| b.is_ascii_hexdigit()));
        match said {
            None => Err(ChecksumError::Form(self.ending())),
            Some(said) if said.eq_ignore_ascii_case(&ours) => Ok(()),
            Some(_) => Err(ChecksumError::Differs(self.ending())),
        }
    }
}

/// The hash of a document that claims carry.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Algorithm::Sha256.of_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_file_is_read_as_the_usual_programs_write_it() {
        let hash = sha256(b"advice");
        for file in [hash.clone(), format!("{hash}  a.json\n"), format!("SHA256 (a.json) = {}", hash.to_uppercase())] {
            assert_eq!(Algorithm::Sha256.check(b"advice", file.as_bytes()), Ok(()), "{file}");
        }
        assert_eq!(Algorithm::Sha256.check(b"other", hash.as_bytes()), Err(ChecksumError::Differs("sha256")));
        assert_eq!(Algorithm::Sha512.check(b"advice", hash.as_bytes()), Err(ChecksumError::Form("sha512")));
        assert_eq!(Algorithm::Sha256.check(b"advice", b"<html>"), Err(ChecksumError::Form("sha256")));
    }

    #[test]
    fn the_ending_tells_the_function() {
        assert_eq!(Algorithm::of_file("/2024/a.json.sha512"), Some(Algorithm::Sha512));
        assert_eq!(Algorithm::of_file("/2024/a.json.SHA256"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::of_file("/2024/a.json.asc"), None);
    }
}
