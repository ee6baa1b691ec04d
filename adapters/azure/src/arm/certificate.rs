//! A certificate as proof of who calls: a short-lived assertion that is signed with its key, as Entra ID asks for it
//! (RFC 7523, PS256, with the certificate's SHA-256 thumbprint).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use azure_core::http::ClientMethodOptions;
use azure_core::time::OffsetDateTime;
use azure_identity::ClientAssertion;
use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::credential::Unusable;

/// How long an assertion is good for, seconds.
const LIFETIME: i64 = 300;

/// A certificate with its key.
pub(super) struct Certificate {
    key: KeyPair,
    thumbprint: String,
    /// The address that gives tokens.
    audience: String,
    client: String,
}

impl Certificate {
    /// Reads certificate and key from one PEM text. Further certificates in it are those of its issuers.
    pub(super) fn read(pem: &[u8], audience: String, client: String) -> Result<Self, Unusable> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| Unusable::Certificate)?;
        let key = match PrivateKeyDer::from_pem_slice(pem).map_err(|_| Unusable::Certificate)? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(Unusable::Certificate),
        };
        let key = key.map_err(|_| Unusable::Certificate)?;
        Ok(Self { key, thumbprint: BASE64URL_NOPAD.encode(&Sha256::digest(&certificate)), audience, client })
    }

    /// An assertion that is good from `now` on, seconds since 1970, under an id of its own.
    fn assertion(&self, now: i64, id: &str) -> Result<String, Unusable> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": self.audience, "iss": self.client, "sub": self.client, "jti": id,
            "nbf": now, "iat": now, "exp": now + LIFETIME,
        });
        let encode = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut signature).map_err(|_| Unusable::Signature)?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate(..)")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Certificate {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        Ok(self.assertion(now, &azure_core::Uuid::new_v4().to_string())?)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use rcgen::{CertificateParams, PKCS_RSA_SHA256, RsaKeySize};

    use super::*;

    #[test]
    fn an_assertion_is_signed_with_the_certificate_s_key() {
        let key = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(vec!["sidecar.example".into()]).unwrap().self_signed(&key).unwrap();
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        let read = Certificate::read(pem.as_bytes(), "https://login.example/t".into(), "app".into()).unwrap();
        let assertion = read.assertion(1_700_000_000, "one").unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, read.key.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).unwrap();
        let part = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        let (header, claims) = signed.split_once('.').unwrap();
        let thumbprint = BASE64URL_NOPAD.encode(&Sha256::digest(certificate.der()));
        assert_eq!(
            (part(header)["alg"].as_str(), part(header)["x5t#S256"].as_str()),
            (Some("PS256"), Some(&*thumbprint))
        );
        assert_eq!((part(claims)["sub"].as_str(), part(claims)["exp"].as_i64()), (Some("app"), Some(1_700_000_300)));
    }

    #[test]
    fn what_is_no_certificate_with_a_key_is_refused() {
        let key = rcgen::KeyPair::generate().unwrap();
        let elliptic = CertificateParams::new(vec!["x.example".into()]).unwrap().self_signed(&key).unwrap();
        let elliptic = format!("{}{}", key.serialize_pem(), elliptic.pem());
        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &elliptic] {
            assert!(Certificate::read(pem.as_bytes(), String::new(), String::new()).is_err());
        }
    }
}
