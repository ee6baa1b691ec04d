//! Keys of services: a stem, and for most the region (`ec2-us-east-1`). A service whose key names no region states none,
//! unless it is global by nature.

use std::collections::BTreeMap;

use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_sidecar::mapping::Lookup;
use indexmap::IndexSet;

const DIRECTIONS: [&str; 9] =
    ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];

/// A key taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    /// What service it is.
    pub(crate) stem: &'a str,
    /// Where, if the key says so.
    pub(crate) region: Option<&'a str>,
}

impl<'a> Key<'a> {
    /// Takes a key apart; one without a region is all stem.
    pub(crate) fn parse(key: &'a str) -> Self {
        let key = key.trim();
        let starts = key.match_indices('-').map(|(dash, _)| dash);
        let split = starts.filter_map(|dash| Some((key.get(..dash)?, key.get(dash + 1..)?)));
        let found = split.into_iter().find(|(stem, rest)| !stem.is_empty() && is_region(rest));
        found.map_or(Self { stem: key, region: None }, |(stem, region)| Self { stem, region: Some(region) })
    }
}

/// `us-east-1`, `us-gov-west-1`, `us-iso-east-1`, `eusc-de-east-1`: land, partition, direction, number.
fn is_region(text: &str) -> bool {
    let land = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    let number = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [l, direction, n] => land(l) && DIRECTIONS.contains(direction) && number(n),
        [l, partition, direction, n] => {
            let known = land(l) && (*partition == "gov" || partition.starts_with("iso"));
            (known || *l == "eusc" && land(partition)) && DIRECTIONS.contains(direction) && number(n)
        }
        _ => false,
    }
}

/// One service that an event names.
#[derive(Clone, Debug)]
pub(crate) struct Hit<'a> {
    /// The service's key.
    pub(crate) key: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
    /// Its present state.
    pub(crate) state: BlockState,
    /// The worst that was claimed for it.
    pub(crate) severity: Severity,
}

/// One block a class, region, state and severity.
pub(crate) fn blocks<'a>(hits: impl IntoIterator<Item = Hit<'a>>, lookup: &mut Lookup<'_>) -> Vec<Block> {
    let mut blocks: BTreeMap<(ServiceClass, Option<String>, BlockState, Severity), IndexSet<String>> = BTreeMap::new();
    for hit in hits {
        let key = Key::parse(hit.key);
        let mapping = lookup.mapping();
        let class = mapping.class(key.stem).unwrap_or_else(|| lookup.class(hit.name));
        let global = mapping.is_global(key.stem).then_some("global");
        let region = key.region.or(global).map(str::to_owned);
        let name = if hit.name.trim().is_empty() { key.stem } else { hit.name.trim() };
        let names = blocks.entry((class, region, hit.state, hit.severity)).or_default();
        if !name.is_empty() {
            names.insert(name.to_owned());
        }
    }
    let block = |((service_class, region, state, severity), services): (_, IndexSet<String>)| Block {
        provider: "aws".to_owned(),
        service_class,
        services: services.into_iter().collect(),
        regions: Option::into_iter(region).collect(),
        zones: Vec::new(),
        state,
        severity,
        layer: None,
        asset: None,
    };
    blocks.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_apart_at_their_region() {
        for (key, stem, region) in [
            ("ec2-us-east-1", "ec2", Some("us-east-1")),
            ("neptune-db-me-central-1", "neptune-db", Some("me-central-1")),
            ("management-console-us-gov-west-1", "management-console", Some("us-gov-west-1")),
            ("ec2-eusc-de-east-1", "ec2", Some("eusc-de-east-1")),
            ("management-console", "management-console", None),
            ("s3-us-standard", "s3-us-standard", None),
            ("pca-connector-scep-ap-southeast-4", "pca-connector-scep", Some("ap-southeast-4")),
            ("us-east-1", "us-east-1", None),
            ("", "", None),
            ("é-é-1", "é-é-1", None),
        ] {
            assert_eq!(Key::parse(key), Key { stem, region }, "{key}");
        }
    }
}
