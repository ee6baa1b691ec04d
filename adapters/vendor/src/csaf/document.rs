//! A CSAF document as it is written, as far as it is read. What is optional may be absent or null; members that are not
//! read may hold anything. Vulnerabilities, remedies and references are read one by one, so that a bad one costs only itself.

use entente_sidecar::decode::Part;
use serde::Deserialize;
use serde_json::Number;

use super::many::Many;

#[derive(Debug, Deserialize)]
pub(crate) struct Csaf {
    pub(crate) document: Document,
    #[serde(default)]
    pub(crate) product_tree: Option<Tree>,
    #[serde(default)]
    pub(crate) vulnerabilities: Many<Part<Vulnerability>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) aggregate_severity: Option<Worded>,
    #[serde(default)]
    pub(crate) distribution: Option<Distribution>,
    #[serde(default)]
    pub(crate) publisher: Option<Publisher>,
    #[serde(default)]
    pub(crate) notes: Many<Note>,
    #[serde(default)]
    pub(crate) references: Many<Part<Reference>>,
    pub(crate) tracking: Tracking,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Worded {
    #[serde(default)]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Distribution {
    #[serde(default)]
    pub(crate) tlp: Option<Tlp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tlp {
    #[serde(default)]
    pub(crate) label: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Publisher {
    #[serde(default)]
    pub(crate) category: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Note {
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) text: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reference {
    #[serde(default)]
    pub(crate) category: Option<String>,
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tracking {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) current_release_date: Option<String>,
    #[serde(default)]
    pub(crate) aliases: Many<String>,
    #[serde(default)]
    pub(crate) revision_history: Many<Part<Revision>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Revision {
    #[serde(default)]
    pub(crate) date: Option<String>,
    pub(crate) number: String,
    #[serde(default)]
    pub(crate) summary: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Tree {
    #[serde(default)]
    pub(crate) branches: Many<Branch>,
    #[serde(default)]
    pub(crate) full_product_names: Many<FullName>,
    #[serde(default)]
    pub(crate) relationships: Many<Relationship>,
    #[serde(default)]
    pub(crate) product_groups: Many<Group>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Branch {
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) branches: Many<Branch>,
    #[serde(default)]
    pub(crate) product: Option<FullName>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FullName {
    pub(crate) name: String,
    pub(crate) product_id: String,
    #[serde(default)]
    pub(crate) product_identification_helper: Option<Part<Helper>>,
}

/// By what a product is told from others, as far as machines can see it.
#[derive(Debug, Deserialize)]
pub(crate) struct Helper {
    #[serde(default)]
    pub(crate) hashes: Many<FileHash>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FileHash {
    #[serde(default)]
    pub(crate) filename: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Relationship {
    #[serde(default)]
    pub(crate) category: Option<String>,
    pub(crate) full_product_name: FullName,
    pub(crate) product_reference: String,
    #[serde(default)]
    pub(crate) relates_to_product_reference: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    pub(crate) group_id: String,
    #[serde(default)]
    pub(crate) product_ids: Many<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Vulnerability {
    #[serde(default)]
    pub(crate) cve: Option<String>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) ids: Many<VulnerabilityId>,
    #[serde(default)]
    pub(crate) product_status: Option<ProductStatus>,
    #[serde(default)]
    pub(crate) notes: Many<Part<Note>>,
    #[serde(default)]
    pub(crate) scores: Many<Part<Score>>,
    /// As CSAF 2.1 writes scores.
    #[serde(default)]
    pub(crate) metrics: Many<Part<Metric>>,
    #[serde(default)]
    pub(crate) threats: Many<Part<Threat>>,
    #[serde(default)]
    pub(crate) flags: Many<Part<Flag>>,
    #[serde(default)]
    pub(crate) references: Many<Part<Reference>>,
    #[serde(default)]
    pub(crate) remediations: Many<Part<Remediation>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VulnerabilityId {
    #[serde(default)]
    pub(crate) text: Option<String>,
}

/// What the document says of products, by their ids.
#[derive(Debug, Deserialize)]
pub(crate) struct ProductStatus {
    #[serde(default)]
    known_affected: Many<String>,
    #[serde(default)]
    first_affected: Many<String>,
    #[serde(default)]
    last_affected: Many<String>,
    #[serde(default)]
    pub(crate) under_investigation: Many<String>,
    #[serde(default)]
    pub(crate) known_not_affected: Many<String>,
    #[serde(default)]
    fixed: Many<String>,
    #[serde(default)]
    first_fixed: Many<String>,
    #[serde(default)]
    recommended: Many<String>,
}

impl ProductStatus {
    /// The products that the vulnerability hits, or may hit.
    pub(crate) fn hit(&self) -> impl Iterator<Item = &String> {
        [&self.known_affected, &self.first_affected, &self.last_affected, &self.under_investigation]
            .into_iter()
            .flat_map(|list| list.iter())
    }

    /// The versions of products that have it no longer.
    pub(crate) fn mended(&self) -> impl Iterator<Item = &String> {
        [&self.fixed, &self.first_fixed, &self.recommended].into_iter().flat_map(|list| list.iter())
    }
}

/// How grave a vulnerability is, by one or more versions of CVSS.
#[derive(Debug, Deserialize)]
pub(crate) struct Score {
    #[serde(default)]
    pub(crate) cvss_v4: Option<Cvss>,
    #[serde(default)]
    pub(crate) cvss_v3: Option<Cvss>,
    #[serde(default)]
    pub(crate) cvss_v2: Option<Cvss>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metric {
    pub(crate) content: Score,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cvss {
    pub(crate) base_score: Number,
    #[serde(default)]
    pub(crate) base_severity: Option<String>,
}

/// What the vulnerability is good for, and whether anybody uses it.
#[derive(Debug, Deserialize)]
pub(crate) struct Threat {
    pub(crate) category: String,
    pub(crate) details: String,
}

/// Why a product is not affected.
#[derive(Debug, Deserialize)]
pub(crate) struct Flag {
    pub(crate) label: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Remediation {
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) details: Option<String>,
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) date: Option<String>,
    #[serde(default)]
    pub(crate) entitlements: Many<String>,
    #[serde(default)]
    pub(crate) restart_required: Option<Restart>,
    #[serde(default)]
    pub(crate) product_ids: Many<String>,
    #[serde(default)]
    pub(crate) group_ids: Many<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Restart {
    #[serde(default)]
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<String>,
}
