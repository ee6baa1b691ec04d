//! `advisory`: a statement with consequences, in CSAF 2.0's categories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Problems, join};
use crate::header::REF_MAX;
use crate::speaker::Role;
use crate::word::words;

words! {
    /// What kind of advice (CSAF 2.0, with statement, root cause and hardening beside it).
    AdvisoryCategory {
        /// A statement.
        Statement = "statement",
        /// An account of the cause.
        RootCause = "root_cause",
        /// A way around.
        Workaround = "workaround",
        /// Lessens the harm.
        Mitigation = "mitigation",
        /// The vendor's repair.
        VendorFix = "vendor_fix",
        /// No repair yet.
        NoneAvailable = "none_available",
        /// There will be none.
        NoFixPlanned = "no_fix_planned",
        /// Prevents the next one.
        Hardening = "hardening",
    }
}

/// A document behind an advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Document {
    /// Where it stands.
    #[schemars(length(min = 1, max = 2000))]
    pub url: String,
    /// Hash of the bytes that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Document {
    fn check(&self, path: &str, problems: &mut Problems) {
        problems.present(&join(path, "url"), &self.url);
        problems.length(&join(path, "url"), &self.url, REF_MAX);
        if let Some(hash) = &self.sha256 {
            problems.hash(&join(path, "sha256"), hash);
        }
    }
}

/// A statement with consequences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Advisory {
    /// What the issuer is to the product.
    pub issuer_role: Role,
    /// What kind of advice.
    pub category: AdvisoryCategory,
    /// The title, at most 500 characters.
    #[schemars(length(min = 1, max = 500))]
    pub title: String,
    /// The advice in words, at most 32,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32000))]
    pub text: Option<String>,
    /// The vendor concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The products concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Files, drivers or updates concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// Whether following it needs a restart; absent if not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_required: Option<bool>,
    /// What must be at hand to follow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<String>,
    /// The documents behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
}

impl Advisory {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("title", &self.title);
        problems.length("title", &self.title, super::impact::TITLE_MAX);
        for (index, document) in self.documents.iter().enumerate() {
            document.check(&format!("documents.{index}"), problems);
        }
        problems.length("text", self.text.as_deref().unwrap_or_default(), super::notice::NOTICE_MAX);
    }
}
