//! The correlation model: windows, lexicon and patterns as versioned data. Its id is the hash of its text, so that a
//! picture names exactly what it was judged by, and a replay can pin it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entente_schemas::digest::{base32, sha256};
use regex::{Regex, RegexSet};
use serde::Deserialize;

use crate::denial::{Denial, DenialFile};

/// The model that is compiled in.
pub const V1: &str = include_str!("../model/v1.toml");

/// A model, ready for use.
#[derive(Debug)]
pub struct Model {
    /// `m-` and eight characters of the hash of its text.
    pub id: String,
    pub(crate) windows: Windows,
    pub(crate) tracking_ids: Vec<Regex>,
    pub(crate) item_pages: Vec<Regex>,
    pub(crate) advisories: Vec<Regex>,
    pub(crate) products: Vec<Product>,
    pub(crate) product_names: RegexSet,
    pub(crate) artifact: Regex,
    pub(crate) common_artifacts: Vec<String>,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) dependence: RegexSet,
    pub(crate) denial: Denial,
    pub(crate) cues: Vec<Cue>,
    pub(crate) cue_set: RegexSet,
}

/// A model text that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No TOML of the right shape.
    #[error("model: {0}")]
    Toml(#[from] toml::de::Error),
    /// A pattern that does not compile.
    #[error("model: {0}")]
    Pattern(#[from] regex::Error),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Windows {
    same_product_s: i64,
    same_place_s: i64,
    cited_s: i64,
    part_of_s: i64,
    near_s: i64,
    attach_s: i64,
    silent_after_s: i64,
    recent_s: i64,
    clock_suspect_s: i64,
    clock_refused_s: i64,
}

macro_rules! windows {
    ($($(#[$doc:meta])* $name:ident = $field:ident,)+) => {
        impl Windows { $($(#[$doc])* pub(crate) fn $name(&self) -> TimeDelta { TimeDelta::seconds(self.$field) })+ }
    };
}

windows! {
    same_product = same_product_s,
    same_place = same_place_s,
    cited = cited_s,
    part_of = part_of_s,
    near = near_s,
    attach = attach_s,
    silent_after = silent_after_s,
    recent = recent_s,
    clock_suspect = clock_suspect_s,
    clock_refused = clock_refused_s,
}

#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) vendor: String,
    pub(crate) product: String,
    pub(crate) artifacts: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) provider: String,
    pub(crate) names: RegexSet,
    pub(crate) regions: Option<Regex>,
    pub(crate) region_names: Vec<(Regex, String)>,
    pub(crate) region_codes: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Cue {
    pub(crate) member: String,
    pub(crate) value: String,
    pub(crate) pattern: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[allow(dead_code, reason = "read by people; the hash of the whole text is the id")]
    version: u32,
    windows: Windows,
    references: References,
    product: Vec<ProductFile>,
    artifacts: ArtifactFile,
    platform: Vec<PlatformFile>,
    region_names: BTreeMap<String, Vec<(String, String)>>,
    dependence: Dependence,
    denial: DenialFile,
    cue: Vec<CueFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct References {
    tracking_ids: Vec<String>,
    item_pages: Vec<String>,
    advisories: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductFile {
    vendor: String,
    product: String,
    names: Vec<String>,
    artifacts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArtifactFile {
    pattern: String,
    common: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformFile {
    provider: String,
    names: Vec<String>,
    regions: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dependence {
    cues: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CueFile {
    member: String,
    value: String,
    pattern: String,
}

impl Model {
    /// Reads a model's text.
    ///
    /// # Errors
    /// If it is no TOML of the right shape or a pattern does not compile.
    pub fn read(text: &str) -> Result<Self, ModelError> {
        let file: File = toml::from_str(text)?;
        let one_pattern = |names: &Vec<String>| names.join("|");
        let product_names = RegexSet::new(file.product.iter().map(|p| one_pattern(&p.names)))?;
        let cue_set = RegexSet::new(file.cue.iter().map(|cue| &cue.pattern))?;
        let platforms = file.platform.iter().map(|p| platform(p, &file.region_names)).collect::<Result<_, _>>()?;
        Ok(Self {
            id: format!("m-{}", base32(&sha256(text.as_bytes()), 8)),
            windows: file.windows,
            tracking_ids: compile(&file.references.tracking_ids)?,
            item_pages: compile(&file.references.item_pages)?,
            advisories: compile(&file.references.advisories)?,
            products: file.product.into_iter().map(Product::from).collect(),
            product_names,
            artifact: Regex::new(&file.artifacts.pattern)?,
            common_artifacts: file.artifacts.common,
            platforms,
            denial: Denial::read(&file.denial)?,
            dependence: RegexSet::new(&file.dependence.cues)?,
            cues: file.cue.into_iter().map(cue).collect::<Result<_, _>>()?,
            cue_set,
        })
    }

    /// The model that is compiled in.
    ///
    /// # Errors
    /// Never for a released version: a test reads it.
    pub fn v1() -> Result<Self, ModelError> {
        Self::read(V1)
    }

    /// Whether a text in lower case has a product, an artifact or a cloud in it.
    pub(crate) fn names_something(&self, lower: &str) -> bool {
        let cloud = || self.platforms.iter().any(|platform| platform.names.is_match(lower));
        self.product_names.is_match(lower) || self.artifact.is_match(lower) || cloud()
    }

    /// The code of a provider's region that is named in words, as `East US` or `US East (N. Virginia)`; the name in lower
    /// case.
    pub(crate) fn region_code(&self, provider: &str, name: &str) -> Option<&str> {
        let within = name.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(within, _)| within);
        let platform = self.platforms.iter().find(|platform| platform.provider == provider)?;
        let codes =
            [Some(name), within].into_iter().flatten().filter_map(|name| platform.region_codes.get(name.trim()));
        codes.map(String::as_str).next()
    }

    /// The lexicon's name for a product that somebody wrote: `CrowdStrike Falcon sensor` is `falcon` of `crowdstrike`.
    pub(crate) fn canonical_product(&self, vendor: &str, product: Option<&str>) -> (String, Option<String>) {
        let vendor_text = vendor.trim().to_lowercase();
        let text = format!("{vendor_text} {}", product.unwrap_or_default().to_lowercase());
        let known = self.product_names.matches(&text).into_iter().next().and_then(|index| self.products.get(index));
        match known {
            Some(known) => (known.vendor.clone(), Some(known.product.clone())),
            None => (vendor_text, product.map(|p| p.trim().to_lowercase())),
        }
    }
}

impl From<ProductFile> for Product {
    fn from(file: ProductFile) -> Self {
        Self { vendor: file.vendor, product: file.product, artifacts: file.artifacts }
    }
}

fn compile(patterns: &[String]) -> Result<Vec<Regex>, ModelError> {
    patterns.iter().map(|pattern| Regex::new(pattern).map_err(ModelError::from)).collect()
}

fn cue(file: CueFile) -> Result<Cue, ModelError> {
    Ok(Cue { pattern: Regex::new(&file.pattern)?, member: file.member, value: file.value })
}

fn platform(file: &PlatformFile, names: &BTreeMap<String, Vec<(String, String)>>) -> Result<Platform, ModelError> {
    let word = |name: &str| Regex::new(&format!(r"\b{}\b", regex::escape(name)));
    let region_names = names.get(&file.provider).into_iter().flatten();
    Ok(Platform {
        provider: file.provider.clone(),
        names: RegexSet::new(&file.names)?,
        regions: if file.regions.is_empty() { None } else { Some(Regex::new(&file.regions)?) },
        region_codes: region_names.clone().cloned().collect(),
        region_names: region_names
            .map(|(name, code)| Ok((word(name)?, code.clone())))
            .collect::<Result<_, regex::Error>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_model_can_be_read() {
        let model = Model::v1().unwrap();
        assert_eq!(model.id.len(), 10);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Model::read(&V1.replace("near_s = ", "far_s = ")).unwrap_err();
        assert!(error.to_string().contains("far_s"), "{error}");
    }

    #[test]
    fn a_product_is_known_by_its_names() {
        let model = Model::v1().unwrap();
        let known = model.canonical_product("CrowdStrike", Some("Falcon Sensor for Windows"));
        assert_eq!(known, ("crowdstrike".to_owned(), Some("falcon".to_owned())));
        assert_eq!(model.canonical_product("Acme", None), ("acme".to_owned(), None));
    }
}
