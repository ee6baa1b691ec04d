//! Azure's public status feed: broad incidents only, one rewritten text each, and no word for status, severity or end. An
//! item stands in it as long as the matter is open; services and regions stand mixed among its categories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::{Body, Impact};
use entente_schemas::header::Certainty;
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_sidecar::item::{FeedProfile, Item, Normalize, Reading, Refusal, Vanishing, incident};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::post::{self, Post, PostError};
use entente_sidecar::syndication::Entry;

use crate::region::regions;

/// The page that people see; the same for every item.
const PAGE: &str = "https://azure.status.microsoft/en-us/status";
const ADDRESS: &str = "https://rssfeed.azure.status.microsoft/en-us/status/feed/";

/// Characters of a title that are looked at; more are cut from it anyway.
const TITLE_MAX: usize = 500;

/// What the services of Azure are, by their names.
pub(crate) static SERVICES: LazyLock<Mapping> = LazyLock::new(|| Mapping::compiled_in(include_str!("../mapping.toml")));

/// The public status feed of Azure.
#[must_use]
pub fn status_rss() -> Arc<dyn Normalize> {
    let system = "azure.rss";
    let profile = FeedProfile {
        slug: "azure-rss".to_owned(),
        system: system.to_owned(),
        speaker: Speaker {
            org: "azure".to_owned(),
            role: Role::Provider,
            channel: Some(PAGE.to_owned()),
            relay: Relay::Polled,
        },
        address: ADDRESS.to_owned(),
        vanishing: Vanishing::ResolvedAfterTwoPolls,
        covers: SERVICES.classes(),
        mapping_version: SERVICES.version(),
    };
    Arc::new(StatusRss { profile })
}

struct StatusRss {
    profile: FeedProfile,
}

impl Normalize for StatusRss {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let mut lookup = Lookup::new(&SERVICES);
        let mut reading = post::read(body, |entry| self.item(entry, &mut lookup, observed))?;
        reading.unmapped = lookup.into_unmapped();
        Ok(reading)
    }
}

impl StatusRss {
    fn item(&self, entry: &Entry, lookup: &mut Lookup<'_>, observed: DateTime<Utc>) -> Result<Item, PostError> {
        let post = Post::of(entry, observed)?;
        if post.published.is_none() {
            return Err(PostError::Undated);
        }
        let object_id = post.object_id(&self.profile.system)?;
        let statement = post.statement(&object_id, &self.profile, &SERVICES, observed)?;
        Ok(Item {
            native: post.native(&self.profile, &SERVICES, "impact")?,
            times: post.times(observed),
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact {
                blocks: blocks(&post, lookup),
                summary: entry.text().map(str::to_owned),
                ..incident(post.title.to_owned())
            }),
            also: statement.into_iter().collect(),
            refused: Vec::new(),
            object_id,
        })
    }
}

/// What an item states of where it happens.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scope {
    services: BTreeSet<String>,
    regions: BTreeSet<String>,
}

/// Reads the categories; what they leave open, the title may state.
fn scope(post: &Post<'_>) -> Scope {
    let mut scope = Scope::default();
    for category in post.entry.categories.iter().map(|category| category.trim()) {
        match regions().code(category) {
            Some(code) => scope.regions.extend([code.to_owned()]),
            None if regions().is_unnamed(category) => {}
            None => scope.services.extend([category.to_owned()]),
        }
    }
    let title: String = post.title.chars().take(TITLE_MAX).collect();
    if scope.regions.is_empty() {
        scope.regions.extend(regions().named_in(&title));
    }
    if scope.services.is_empty() {
        scope.services.extend(services_in(&title));
    }
    scope
}

/// The services that a title names as a part of its own: `Virtual Machines and Azure SQL Database - East US`.
fn services_in(title: &str) -> impl Iterator<Item = String> {
    let parts = title.split([',', ':', '|', '–', '—', '/']).flat_map(|part| part.split(" - "));
    let parts = parts.flat_map(|part| part.split(" and ")).flat_map(|part| part.split(" in ")).map(str::trim);
    parts.filter(|part| SERVICES.coverage([*part]).exact == 1).map(str::to_owned)
}

/// One block per class and regions. An item on the page says that what it names is hit, but not how badly; without a
/// service or a region it names nothing.
fn blocks(post: &Post<'_>, lookup: &mut Lookup<'_>) -> Vec<Block> {
    let scope = scope(post);
    let mut services: BTreeMap<(ServiceClass, Vec<String>), Vec<String>> = BTreeMap::new();
    let regions: Vec<String> = scope.regions.into_iter().collect();
    for service in scope.services {
        let everywhere = regions.is_empty() && SERVICES.is_global(&service);
        let regions = if everywhere { vec!["global".to_owned()] } else { regions.clone() };
        services.entry((lookup.class(&service), regions)).or_default().push(service);
    }
    if services.is_empty() && !regions.is_empty() {
        services.insert((ServiceClass::Other, regions), Vec::new());
    }
    let block = |((service_class, regions), services)| Block {
        provider: "azure".to_owned(),
        service_class,
        services,
        regions,
        zones: Vec::new(),
        state: BlockState::AffectedDegraded,
        severity: Severity::NotStated,
        layer: None,
        asset: None,
    };
    services.into_iter().map(block).collect()
}
