//! Hashes and short names made of them. Every digest that is written for ever is made here: SHA-256 over strings that
//! are each preceded by their length, so that no two lists of strings can meet in one input.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

/// SHA-256 over `parts`, each preceded by its length in bytes as a big-endian `u32`.
#[must_use]
pub fn length_prefixed<S: AsRef<[u8]>>(parts: impl IntoIterator<Item = S>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        let bytes = part.as_ref();
        // A part is bounded by the 32 MiB of a provider's answer, far below u32::MAX.
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    }
    hash.finalize().into()
}

/// Plain SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal text of a digest.
#[must_use]
pub fn hex(digest: &[u8]) -> String {
    HEXLOWER.encode(digest)
}

/// Whether `text` is a SHA-256 as [`hex`] writes it.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `text` is `length` characters of base32-lower.
#[must_use]
pub fn is_base32(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
}

/// The first `characters` of the base32-lower text (RFC 4648, no padding) of a digest.
#[must_use]
pub fn base32(digest: &[u8], characters: usize) -> String {
    let mut text = BASE32_NOPAD.encode(digest).to_ascii_lowercase();
    text.truncate(characters);
    text
}

/// Characters of an event id, a message id and an escaped long object id: 130 bits of a SHA-256.
pub const SHORT: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_prefix_keeps_lists_apart() {
        assert_ne!(length_prefixed(["ab", "c"]), length_prefixed(["a", "bc"]));
        assert_ne!(length_prefixed(["", "a"]), length_prefixed(["a", ""]));
    }

    #[test]
    fn digests_are_the_published_ones() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(base32(&sha256(b"abc"), SHORT), "xj4bnp4pahh6uqkbidpf3lrceo");
    }
}
