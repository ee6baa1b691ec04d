//! Whether a record is signed: one signature, one answer, the same for every reader.
//!
//! Signatures are verified one by one. Verifying a batch in one equation is twice as fast, but accepts signatures that
//! verifying alone refuses (those of keys or points of small order), so that what a reader sees would depend on how
//! its batches happened to fall. Several cores give the speed instead, and verdicts are remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signature, VerifyingKey};
use entente_schemas::digest::length_prefixed;
use entente_schemas::event::pre_authentication_encoding;
use entente_schemas::record::{Record, Verdict};

use crate::cores;

/// Judges the signature in a header over a payload.
pub(crate) fn judge(key: &str, signature: &str, payload: &[u8]) -> Verdict {
    match verify(key, signature, payload) {
        Ok(()) => Verdict::Signed,
        Err(reason) => Verdict::Refused(reason.to_owned()),
    }
}

fn verify(key: &str, signature: &str, payload: &[u8]) -> Result<(), &'static str> {
    if key.is_empty() || signature.is_empty() {
        return Err("no signature: header Entente-Key or Entente-Signature is missing");
    }
    if !key.starts_with('U') {
        return Err("header Entente-Key is no user key");
    }
    let (_, raw) = nkeys::from_public_key(key).map_err(|_| "header Entente-Key is no key")?;
    let key = VerifyingKey::from_bytes(&raw).map_err(|_| "header Entente-Key is no point of the curve")?;
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| "header Entente-Signature is no base64url")?;
    let signature = Signature::from_slice(&bytes).map_err(|_| "header Entente-Signature has not 64 bytes")?;
    key.verify_strict(&pre_authentication_encoding(payload), &signature)
        .map_err(|_| "the signature is not that of the key over these bytes")
}

/// Verdicts found so far, so that reading a log again does not pay for them again.
#[derive(Clone, Default)]
pub(crate) struct Verdicts {
    known: Arc<Mutex<Known>>,
}

/// Stream and sequence to the hash of what was found signed there.
type Known = BTreeMap<(Arc<str>, u64), [u8; 32]>;

/// How many verdicts are remembered, about 100 bytes each; beyond it they are found again.
const REMEMBERED: usize = 100_000;

impl Verdicts {
    /// Gives every record that is not refused already its verdict.
    pub(crate) fn judge_all(&self, records: Vec<Record>) -> Vec<Record> {
        cores::map(records, |record| self.judge(record))
    }

    fn judge(&self, mut record: Record) -> Record {
        if matches!(record.verdict, Verdict::Refused(_)) {
            return record;
        }
        let place = (Arc::clone(&record.stream), record.sequence);
        let hash = length_prefixed([record.key.as_bytes(), record.signature.as_bytes(), &record.payload]);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&place) == Some(&hash);
        if known {
            return record;
        }
        record.verdict = judge(&record.key, &record.signature, &record.payload);
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if record.verdict == Verdict::Signed && all.len() < REMEMBERED {
            all.insert(place, hash);
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    fn record(sequence: u64, me: &Identity, payload: &[u8]) -> Record {
        Record {
            stream: "A_test_all".into(),
            sequence,
            logged: chrono::DateTime::UNIX_EPOCH,
            subject: String::new(),
            key: me.public().to_owned(),
            signature: BASE64URL_NOPAD.encode(&me.sign(payload)),
            payload: payload.into(),
            verdict: Verdict::Signed,
        }
    }

    #[test]
    fn every_way_to_be_unsigned_is_refused_with_its_own_reason() {
        let me = Identity::generate().unwrap();
        let account = nkeys::KeyPair::new_account();
        let good = BASE64URL_NOPAD.encode(&me.sign(b"x"));
        let cases = [
            ("", good.clone(), "missing"),
            (me.public(), String::new(), "missing"),
            ("U", good.clone(), "no key"),
            (&account.public_key(), BASE64URL_NOPAD.encode(&account.sign(b"x").unwrap()), "no user key"),
            (me.public(), "%%".to_owned(), "base64url"),
            (me.public(), format!("{good}AA"), "64 bytes"),
            (me.public(), BASE64URL_NOPAD.encode(&me.sign(b"y")), "not that of the key"),
        ];
        for (key, signature, reason) in cases {
            let Verdict::Refused(found) = judge(key, &signature, b"x") else { panic!("{reason}: was taken") };
            assert!(found.contains(reason), "{found} does not say {reason}");
        }
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        // With the neutral element as key and as R, and S = 0, the plain equation holds for every message.
        let mut raw = vec![20 << 3];
        let mut neutral = [0u8; 32];
        neutral[0] = 1;
        raw.extend_from_slice(&neutral);
        let crc = crc16(&raw).to_le_bytes();
        raw.extend_from_slice(&crc);
        let key = data_encoding::BASE32_NOPAD.encode(&raw);
        let mut signature = [0u8; 64];
        signature[0] = 1;
        assert!(nkeys::from_public_key(&key).is_ok(), "the key is well-formed, so that the refusal is about its order");
        assert!(matches!(judge(&key, &BASE64URL_NOPAD.encode(&signature), b"any"), Verdict::Refused(_)));
    }

    fn crc16(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(
                crc ^ (u16::from(*byte) << 8),
                |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
            )
        })
    }

    #[test]
    fn a_remembered_verdict_does_not_cover_other_bytes_at_the_same_place() {
        let me = Identity::generate().unwrap();
        let verdicts = Verdicts::default();
        let good = verdicts.judge(record(7, &me, b"one"));
        assert_eq!(good.verdict, Verdict::Signed);
        let mut forged = record(7, &me, b"one");
        forged.payload = b"two".as_slice().into();
        assert!(matches!(verdicts.judge(forged).verdict, Verdict::Refused(_)));
        assert_eq!(verdicts.judge(record(7, &me, b"one")).verdict, Verdict::Signed);
    }
}
