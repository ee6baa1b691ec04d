//! What stands for a device: a keyed hash of its id. Without the key nothing leads from it to an id, nor from a guessed id
//! to it; with 102 bits, two of ten million devices share one with a probability of 10^-17.

use siphasher::sip128::{Hash128, SipHasher24};

/// The secret of one ledger.
pub(crate) type Secret = [u8; 16];

/// Parts of the table that devices are spread over.
pub(crate) const SHARDS: u8 = 64;

/// The hash of a device's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// The part of the table that the device is in, below [`SHARDS`].
    pub shard: u8,
    pub key: Key,
}

/// What tells devices of one shard apart. The first word decides the place.
pub(crate) type Key = [u32; 3];

impl Fingerprint {
    /// Bytes of a fingerprint on disk.
    pub(crate) const BYTES: usize = 13;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let [a, b, c] = self.key.map(u32::to_le_bytes);
        let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]] = [a, b, c];
        [self.shard, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3]
    }

    /// None if these are no bytes of a fingerprint.
    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let [shard, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] = *bytes;
        let key = [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]].map(u32::from_le_bytes);
        (shard < SHARDS).then_some(Self { shard, key })
    }
}

/// Makes fingerprints.
pub(crate) struct Hand {
    hasher: SipHasher24,
}

impl Hand {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { hasher: SipHasher24::new_with_key(secret) }
    }

    pub(crate) fn fingerprint(&self, device: &str) -> Fingerprint {
        let Hash128 { h1, h2 } = self.hasher.hash(device.as_bytes());
        Fingerprint { shard: (h2 >> 32) as u8 % SHARDS, key: [h1 as u32, (h1 >> 32) as u32, h2 as u32] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_depends_on_the_id_and_on_the_secret_and_survives_the_disk() {
        let (one, other) = (Hand::new(&[1; 16]), Hand::new(&[2; 16]));
        let print = one.fingerprint("i-0a");
        assert_eq!(print, Hand::new(&[1; 16]).fingerprint("i-0a"));
        assert_ne!(print, one.fingerprint("i-0b"));
        assert_ne!(print, other.fingerprint("i-0a"));
        assert_eq!(Fingerprint::from_bytes(&print.to_bytes()), Some(print));
    }
}
