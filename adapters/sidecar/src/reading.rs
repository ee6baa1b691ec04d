//! From the items of one answer to a reading, within bounds: a small answer can be written so that it unfolds into far more
//! than it is long, and nobody but its author should suffer from that.

use entente_schemas::block::Block;
use entente_schemas::family::Body;

use crate::decode::{ANSWER_MAX, Part};
use crate::item::{Item, Reading, Refusal};

/// Bytes that the items of one answer may take in memory; beyond them items are refused.
const ITEMS_BYTES_MAX: usize = 8 * ANSWER_MAX;
/// Bytes of one name or statement beside its own text.
const NAME_BYTES: usize = 48;
const STATEMENT_BYTES: usize = 1_024;
/// The greatest number of characters of an address that is kept.
const ADDRESS_MAX: usize = 2_000;

/// Gathers what was taken and what was refused, in the answer's order.
pub fn gather(items: impl IntoIterator<Item = Result<Item, Refusal>>) -> Reading {
    let mut reading = Reading::default();
    let mut bytes = 0;
    for item in items {
        match item.and_then(|item| within(&mut bytes, item)) {
            Ok(item) => reading.items.push(item),
            Err(refusal) => reading.refused.push(refusal),
        }
    }
    reading
}

/// Reads the updates of one item, in the feed's order: one that cannot be taken costs only itself.
pub fn updates<'a, T: 'a, U, E: std::fmt::Display>(
    item: &str,
    parts: impl IntoIterator<Item = &'a Part<T>>,
    mut read: impl FnMut(&'a T) -> Result<U, E>,
) -> (Vec<U>, Vec<Refusal>) {
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (index, part) in parts.into_iter().enumerate() {
        match part.make(|| format!("{item}, update {}", index + 1), &mut read) {
            Ok(update) => good.push(update),
            Err(refusal) => refused.push(refusal),
        }
    }
    (good, refused)
}

/// An address that a browser takes; one that is longer is none.
#[must_use]
pub fn address(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty() && text.chars().count() <= ADDRESS_MAX)
}

fn within(bytes: &mut usize, item: Item) -> Result<Item, Refusal> {
    let more = bytes.saturating_add(weight(&item));
    if more > ITEMS_BYTES_MAX {
        return Err(Refusal {
            reason: "the answer unfolds into more than is taken; one with fewer or smaller items is".to_owned(),
            input: format!("{}\n{}", item.object_id, item.native.digest).into_bytes(),
            position: Some(item.object_id),
        });
    }
    *bytes = more;
    Ok(item)
}

fn weight(item: &Item) -> usize {
    let statements = item.also.iter().map(|statement| STATEMENT_BYTES + text(&statement.body).map_or(0, str::len));
    let blocks = item.impact().map(|impact| impact.blocks.as_slice()).unwrap_or_default();
    let names = blocks.iter().flat_map(names).map(|name| NAME_BYTES + name.len());
    let refused = item.refused.iter().map(|one| STATEMENT_BYTES + one.reason.len() + one.input.len());
    STATEMENT_BYTES + statements.sum::<usize>() + names.sum::<usize>() + refused.sum::<usize>()
}

fn text(body: &Body) -> Option<&str> {
    match body {
        Body::Notice(notice) => Some(&notice.text),
        Body::Advisory(advisory) => advisory.text.as_deref(),
        _ => None,
    }
}

fn names(block: &Block) -> impl Iterator<Item = &String> {
    block.services.iter().chain(&block.regions).chain(&block.zones)
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use entente_schemas::block::{BlockState, ServiceClass, Severity};
    use entente_schemas::family::Impact;
    use entente_schemas::header::{Certainty, Native};

    use super::*;
    use crate::item::incident;
    use crate::stamp::only_observed;

    /// An item that hits so many regions.
    pub(crate) fn item(id: usize, regions: usize) -> Item {
        let block = Block {
            provider: "acme".into(),
            service_class: ServiceClass::Other,
            services: Vec::new(),
            regions: vec!["r".repeat(1_000); regions],
            zones: Vec::new(),
            state: BlockState::Unknown,
            severity: Severity::NotStated,
            layer: None,
            asset: None,
        };
        Item {
            object_id: format!("acme:{id}"),
            native: Native {
                system: "acme".into(),
                id: id.to_string(),
                url: None,
                status: None,
                severity: None,
                category: None,
                mapping_version: 1,
                digest: "0".repeat(64),
            },
            times: only_observed(DateTime::from_timestamp(1_785_000_000, 0).unwrap()),
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact { blocks: vec![block], ..incident("T".into()) }),
            also: Vec::new(),
            refused: Vec::new(),
        }
    }

    #[test]
    fn what_unfolds_beyond_the_bound_is_refused_and_the_rest_is_taken() {
        let reading = gather([1, 100_000, 100_000, 100_000, 1].into_iter().enumerate().map(|(id, n)| Ok(item(id, n))));
        let taken: Vec<&str> = reading.items.iter().map(|item| item.object_id.as_str()).collect();
        assert_eq!(taken, ["acme:0", "acme:1", "acme:2", "acme:4"]);
        assert_eq!(reading.refused[0].position.as_deref(), Some("acme:3"));
    }

    #[test]
    fn an_address_is_kept_if_a_browser_would_take_it() {
        assert_eq!(address(" https://x.test/1 "), Some("https://x.test/1"));
        assert_eq!((address("  "), address(&"x".repeat(2_001))), (None, None));
    }
}
