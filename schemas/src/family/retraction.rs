//! `retraction`: an earlier claim is void. Valid only from the target's own source organisation or the coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod erasure;

pub use erasure::Erasure;

use crate::check::Problems;
use crate::count::COUNT_MAX;
use crate::event::Source;
use crate::word::words;

words! {
    /// How much is void.
    Scope {
        /// The one revision; the one before it is current again.
        Revision = "revision",
        /// The whole object.
        Object = "object",
    }
}

words! {
    /// Why.
    RetractionReason {
        /// It was not so.
        WrongFact = "wrong_fact",
        /// It was about something else.
        WrongScope = "wrong_scope",
        /// It was marked too freely.
        WrongTlp = "wrong_tlp",
        /// It was there already.
        Duplicate = "duplicate",
        /// It should not have been said.
        Unauthorized = "unauthorized",
        /// The law.
        Legal = "legal",
        /// A test got out.
        TestLeak = "test_leak",
    }
}

impl RetractionReason {
    /// Whether the payload is to be erased as well: it should never have been read, beyond being wrong (EVENTS 6).
    #[must_use]
    pub fn erases(self) -> bool {
        matches!(self, Self::WrongTlp | Self::Unauthorized | Self::Legal)
    }
}

/// An earlier claim is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retraction {
    /// Event id of the claim that is void.
    #[schemars(length(min = 1))]
    pub target: String,
    /// Object id of the target.
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub target_object: String,
    /// Revision of the target.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub target_rev: u64,
    /// Source of the target.
    #[schemars(regex(pattern = r"^//[a-z0-9][a-z0-9-]{0,23}/[a-z0-9][a-z0-9-]{0,39}/[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
    pub target_source: String,
    /// Sequence of the target in its source and audience; with hash and signature it keeps a chain whole when the
    /// target's bytes are erased (reasons `wrong_tlp`, `unauthorized` and `legal`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub target_sequence: Option<u64>,
    /// Lower-case hex SHA-256 of the target's payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub target_hash: Option<String>,
    /// Signature of the target's payload, base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{86}$"))]
    pub target_signature: Option<String>,
    /// How much is void.
    pub scope: Scope,
    /// Why.
    pub reason: RetractionReason,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub text: Option<String>,
    /// Event id of the claim that stands instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

impl Retraction {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("target", &self.target);
        problems.object_id("target_object", &self.target_object);
        problems.ordinal("target_rev", self.target_rev);
        if Source::parse(&self.target_source).is_none() {
            problems.add("target_source", "expected //<org>/<feed>/<instance>");
        }
        if let Some(sequence) = self.target_sequence {
            problems.ordinal("target_sequence", sequence);
        }
        if let Some(hash) = &self.target_hash {
            problems.hash("target_hash", hash);
        }
        if self.target_signature.as_deref().is_some_and(|text| !is_signature(text)) {
            problems.add("target_signature", "expected 86 characters of base64url, without padding");
        }
        problems.length("text", self.text.as_deref().unwrap_or_default(), 2_000);
    }
}

fn is_signature(text: &str) -> bool {
    text.len() == 86 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
