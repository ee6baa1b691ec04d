//! What a claim names: references, products, artifacts, clouds. Structured members count as they are; texts are read with
//! the model's patterns only. A facet never joins by itself; the rules in `join` ask for time, place or an id beside it.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::family::{Body, CauseStatus, Claim};
use entente_schemas::header::{Ref, RefKind, Relation};

use crate::model::{Model, Platform};
use crate::picture::Assessment;

/// Something that two claims can have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A provider's tracking id, or the native id of a logged item; in lower case.
    Tracking(String),
    /// The page of one item.
    Page(String),
    /// A document with consequences.
    Document(String),
    /// A vendor's product.
    Product(String, String),
    /// A file, driver or update by name.
    Artifact(String),
}

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// In a member of the claim.
    Stated,
    /// In its text.
    Text,
    /// Nowhere: the model knows whose part it is that the claim names.
    Implied,
    /// It is the object's own id: another must cite it, for two feeds may count alike.
    Own,
}

/// What a claim names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facets {
    pub(crate) keys: BTreeMap<Key, Found>,
    /// Vendors named, with or without a product.
    pub(crate) vendors: BTreeSet<String>,
    /// Clouds that the text blames for the trouble.
    pub(crate) depends_on: BTreeSet<String>,
    /// Regions of clouds that the text names.
    pub(crate) regions: BTreeSet<(String, String)>,
    /// What the text says beyond the claim.
    pub(crate) assessed: Vec<Assessment>,
    /// Objects that the claim calls part of what it is, or itself part of.
    pub(crate) refers: BTreeMap<String, Relation>,
}

impl Facets {
    /// Adds what another claim about the same object names.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (key, found) in &other.keys {
            self.add(key.clone(), *found);
        }
        self.vendors.extend(other.vendors.iter().cloned());
        self.depends_on.extend(other.depends_on.iter().cloned());
        self.regions.extend(other.regions.iter().cloned());
    }

    fn add(&mut self, key: Key, found: Found) {
        let known = self.keys.entry(key).or_insert(found);
        *known = (*known).min(found);
    }

    fn product(&mut self, model: &Model, vendor: Option<&str>, product: Option<&str>) {
        let Some(vendor) = vendor else { return };
        let (vendor, product) = model.canonical_product(vendor, product);
        if let Some(product) = product {
            self.add(Key::Product(vendor.clone(), product), Found::Stated);
        }
        self.vendors.insert(vendor);
    }

    fn artifact(&mut self, model: &Model, name: &str, found: Found) {
        let name = canonical_artifact(name);
        if name.is_empty() || model.common_artifacts.contains(&name) {
            return;
        }
        for product in model.products.iter().filter(|product| product.artifacts.contains(&name)) {
            self.add(Key::Product(product.vendor.clone(), product.product.clone()), Found::Implied);
            self.vendors.insert(product.vendor.clone());
        }
        self.add(Key::Artifact(name), found);
    }
}

/// `C-00000291*.sys` and `C-00000291-00000000-00000032.sys` are the channel file `c-00000291`.
fn canonical_artifact(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let channel = lower.strip_prefix("c-").and_then(|rest| rest.get(..8));
    match channel.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        Some(digits) => format!("c-{digits}"),
        None => lower,
    }
}

/// Reads what a claim names.
pub(crate) fn of_claim(claim: &Claim, model: &Model) -> Facets {
    let mut facets = Facets::default();
    read_header(claim, model, &mut facets);
    match &claim.body {
        Body::Impact(impact) => {
            for block in &impact.blocks {
                if let Some(asset) = &block.asset {
                    facets.product(model, asset.vendor.as_deref(), asset.product.as_deref());
                    asset.artifact.iter().for_each(|name| facets.artifact(model, name, Found::Stated));
                }
            }
            if let Some(cause) = impact.suspected_cause.as_ref().filter(|cause| cause.status != CauseStatus::RuledOut) {
                facets.product(model, cause.vendor.as_deref(), cause.product.as_deref());
                cause.artifact.iter().for_each(|name| facets.artifact(model, name, Found::Stated));
            }
            let symptoms = impact.symptoms.join(" ");
            for text in [impact.title.as_str(), impact.summary.as_deref().unwrap_or_default(), &symptoms] {
                read_text(text, model, &mut facets);
            }
        }
        Body::Notice(notice) => read_text(&notice.text, model, &mut facets),
        Body::Advisory(advisory) => {
            facets.product(model, advisory.vendor.as_deref(), None);
            for product in &advisory.products {
                facets.product(model, advisory.vendor.as_deref(), Some(product));
            }
            advisory.artifacts.iter().for_each(|name| facets.artifact(model, name, Found::Stated));
            for document in &advisory.documents {
                facets.add(Key::Document(canonical_address(&document.url)), Found::Stated);
            }
            read_text(&advisory.title, model, &mut facets);
            read_text(advisory.text.as_deref().unwrap_or_default(), model, &mut facets);
        }
        Body::Approach(approach) => {
            facets.product(model, approach.vendor.as_deref(), approach.product.as_deref());
            read_text(&approach.name, model, &mut facets);
            facets.refers.extend(approach.same_as.iter().map(|id| (id.clone(), Relation::Same)));
        }
        Body::Remediation(run) => {
            facets.refers.insert(run.approach_id.clone(), Relation::Related);
        }
        _ => {}
    }
    facets
}

fn read_header(claim: &Claim, model: &Model, facets: &mut Facets) {
    let header = &claim.header;
    if let Some((_, id)) = header.object_id.split_once(':') {
        facets.add(tracking(id), Found::Own);
    }
    if let Some(native) = &header.native {
        for page in native.url.iter().flat_map(|url| pages(url, &model.item_pages)) {
            facets.add(Key::Page(page), Found::Stated);
        }
    }
    for reference in header.refs.iter().filter(|r| r.relation != Relation::Related) {
        match reference.kind {
            RefKind::Incident | RefKind::Event => {
                facets.refers.insert(reference.value.clone(), reference.relation);
            }
            _ if reference.relation == Relation::DistinctFrom => {
                facets.refers.insert(reference.value.clone(), reference.relation);
            }
            RefKind::TrackingId => facets.add(tracking(&reference.value), Found::Stated),
            _ => read_cited(reference, model, facets, Found::Stated),
        }
    }
    for reference in header.refs.iter().filter(|r| r.relation == Relation::Related) {
        facets.refers.insert(reference.value.clone(), Relation::Related);
        // A page that is only called related counts as one that the text cites.
        if !matches!(reference.kind, RefKind::Incident | RefKind::Event | RefKind::TrackingId) {
            read_cited(reference, model, facets, Found::Text);
        }
    }
    if let Some(headline) = &header.headline {
        read_text(headline, model, facets);
    }
}

fn read_cited(reference: &Ref, model: &Model, facets: &mut Facets, found: Found) {
    if reference.kind == RefKind::Url {
        pages(&reference.value, &model.item_pages).for_each(|page| facets.add(Key::Page(page), found));
        pages(&reference.value, &model.advisories).for_each(|page| facets.add(Key::Document(page), found));
    } else {
        facets.add(Key::Document(reference.value.to_lowercase()), found);
    }
}

/// Ids are equal that differ in the case of letters only.
fn tracking(id: &str) -> Key {
    Key::Tracking(id.trim().to_lowercase())
}

fn read_text(text: &str, model: &Model, facets: &mut Facets) {
    for pattern in &model.tracking_ids {
        for id in pattern.captures_iter(text).filter_map(|found| found.get(1)) {
            facets.add(tracking(id.as_str()), Found::Text);
        }
    }
    if text.contains('/') {
        pages(text, &model.item_pages).for_each(|page| facets.add(Key::Page(page), Found::Text));
        pages(text, &model.advisories).for_each(|page| facets.add(Key::Document(page), Found::Text));
    }
    let lower = text.to_lowercase();
    if model.names_something(&lower) {
        read_names(&model.denial.told(&lower), model, facets);
    }
    read_cues(&lower, model, facets);
}

fn read_names(told: &str, model: &Model, facets: &mut Facets) {
    for product in model.product_names.matches(told).into_iter().filter_map(|index| model.products.get(index)) {
        facets.add(Key::Product(product.vendor.clone(), product.product.clone()), Found::Text);
        facets.vendors.insert(product.vendor.clone());
    }
    for found in model.artifact.captures_iter(told) {
        if let Some(name) = found.get(1).or_else(|| found.get(2)) {
            facets.artifact(model, name.as_str(), Found::Text);
        }
    }
    read_platforms(told, model, facets);
}

fn pages(text: &str, patterns: &[regex::Regex]) -> impl Iterator<Item = String> {
    patterns.iter().flat_map(move |pattern| pattern.find_iter(text).map(|found| canonical_address(found.as_str())))
}

/// An address without scheme, query, fragment and final slash, in lower case only where the host stands.
fn canonical_address(url: &str) -> String {
    let rest = url.trim().strip_prefix("https://").or_else(|| url.trim().strip_prefix("http://")).unwrap_or(url.trim());
    let rest = rest.split('#').next().unwrap_or_default();
    let rest = if rest.contains("trackingid=") { rest } else { rest.split('?').next().unwrap_or_default() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    format!("{}/{}", host.to_lowercase(), path.trim_end_matches(['/', '.', ',', ')']))
}

fn read_platforms(lower: &str, model: &Model, facets: &mut Facets) {
    let blames = model.dependence.is_match(lower);
    for platform in model.platforms.iter().filter(|platform| platform.names.is_match(lower)) {
        if blames {
            facets.depends_on.insert(platform.provider.clone());
        }
        read_regions(lower, platform, facets);
    }
}

fn read_regions(lower: &str, platform: &Platform, facets: &mut Facets) {
    let codes = platform.regions.iter().flat_map(|codes| codes.find_iter(lower)).map(|found| found.as_str().to_owned());
    facets.regions.extend(codes.map(|code| (platform.provider.clone(), code)));
    let mut rest = lower.to_owned();
    for (name, code) in &platform.region_names {
        if name.is_match(&rest) {
            // Longer names stand first in the table: "east us 2" must not be read as "east us" too.
            rest = name.replace_all(&rest, " ").into_owned();
            facets.regions.insert((platform.provider.clone(), code.clone()));
        }
    }
}

fn read_cues(lower: &str, model: &Model, facets: &mut Facets) {
    for cue in model.cue_set.matches(lower).into_iter().filter_map(|index| model.cues.get(index)) {
        let words = cue.pattern.find(lower).map(|found| found.as_str().to_owned()).unwrap_or_default();
        facets.assessed.push(Assessment {
            member: cue.member.clone(),
            value: cue.value.clone(),
            reason: format!("its text says \"{words}\""),
        });
    }
}
