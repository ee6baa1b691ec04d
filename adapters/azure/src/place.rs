//! Services and regions that Azure names together, into blocks. A scope that names no region stays open.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::block::{Block, BlockState, Layer, ServiceClass, Severity};
use entente_sidecar::mapping::Lookup;

use crate::region::regions;

/// One service in one region, and how it does there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit<'a> {
    pub(crate) service: &'a str,
    /// The region's display name or code.
    pub(crate) region: &'a str,
    pub(crate) state: BlockState,
}

/// What one block holds beside its services.
type Kind = (ServiceClass, Vec<String>, BlockState);

/// One block for services of one class that do alike in the same regions.
pub(crate) fn blocks<'a>(hits: &[Hit<'a>], severity: Severity, lookup: &mut Lookup<'_>) -> Vec<Block> {
    let mut regions_of: BTreeMap<(&str, BlockState), BTreeSet<String>> = BTreeMap::new();
    for hit in hits {
        let regions = regions_of.entry((hit.service.trim(), hit.state)).or_default();
        regions.extend(code(hit.region, lookup));
    }
    let mut services: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for ((service, state), regions) in regions_of {
        let everywhere = regions.is_empty() && lookup.mapping().is_global(service);
        let regions = if everywhere { vec!["global".to_owned()] } else { regions.into_iter().collect() };
        let named = !service.is_empty();
        let class = if named { lookup.class(service) } else { ServiceClass::Other };
        let listed = services.entry((class, regions, state)).or_default();
        listed.extend(named.then(|| service.to_owned()));
    }
    let block = |((service_class, regions, state), services)| Block {
        provider: "azure".to_owned(),
        service_class,
        services,
        regions,
        zones: Vec::new(),
        state,
        severity,
        layer: Some(Layer::Platform),
        asset: None,
    };
    services.into_iter().map(block).collect()
}

/// The code of a region; a name that is not known stands for itself, and is noted.
fn code(region: &str, lookup: &mut Lookup<'_>) -> Option<String> {
    let region = region.trim();
    if region.is_empty() || regions().is_unnamed(region) {
        return None;
    }
    if let Some(code) = regions().code(region) {
        return Some(code.to_owned());
    }
    lookup.note("region", region, "itself");
    Some(region.to_owned())
}
