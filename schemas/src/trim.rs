//! The ladder by which a claim is made to fit 64 KiB. An accepted provider item is never refused for its size; each rung
//! that was taken is noted in `trimmed`, in order, so that a reader knows what is not there.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::Block;
use crate::digest::{SHORT, base32, length_prefixed};
use crate::event::{Draft, PAYLOAD_MAX, Place, SealError};
use crate::family::{Body, Claim};

/// Lists up to this length are never replaced by a count and a digest.
const SHORT_LIST: usize = 8;

/// Takes rungs until the draft fits at its place.
///
/// # Errors
/// If it does not fit even on the last rung, or cannot be written at all.
pub fn fit(draft: &mut Draft, place: Place<'_>) -> Result<Vec<u8>, SealError> {
    for rung in RUNGS {
        match draft.seal(place) {
            Err(SealError::TooLarge(size)) => (rung.take)(&mut draft.claim, size - PAYLOAD_MAX),
            other => return other,
        }
    }
    draft.seal(place)
}

struct Rung {
    take: fn(&mut Claim, usize),
}

const RUNGS: &[Rung] = &[
    Rung { take: |claim, _| drop_summary(claim) },
    Rung { take: |claim, _| merge_blocks(claim) },
    Rung { take: |claim, _| zones_to_regions(claim) },
    Rung { take: |claim, _| shorten(claim, "services", |block| &mut block.services) },
    Rung { take: |claim, _| shorten(claim, "regions", |block| &mut block.regions) },
    Rung { take: cut_text },
];

fn blocks(claim: &mut Claim) -> Option<&mut Vec<Block>> {
    if let Body::Impact(impact) = &mut claim.body { Some(&mut impact.blocks) } else { None }
}

fn note(claim: &mut Claim, what: String) {
    claim.header.trimmed.push(what);
}

fn drop_summary(claim: &mut Claim) {
    if let Body::Impact(impact) = &mut claim.body
        && impact.summary.take().is_some()
    {
        note(claim, "summary: left out, it stands in the notice".into());
    }
}

/// One block for all of equal provider, class and state; the greatest severity speaks.
fn merge_blocks(claim: &mut Claim) {
    let Some(blocks) = blocks(claim) else { return };
    let before = blocks.len();
    let mut merged: BTreeMap<_, Block> = BTreeMap::new();
    for block in blocks.drain(..) {
        let key = (block.provider.clone(), block.service_class, block.state);
        match merged.get_mut(&key) {
            None => {
                merged.insert(key, block);
            }
            Some(kept) => absorb(kept, block),
        }
    }
    *blocks = merged.into_values().collect();
    let after = blocks.len();
    if after < before {
        note(claim, format!("blocks: {before} merged to {after} by class and state"));
    }
}

fn absorb(kept: &mut Block, other: Block) {
    kept.services = union(&kept.services, &other.services);
    kept.regions = union(&kept.regions, &other.regions);
    kept.zones = union(&kept.zones, &other.zones);
    if other.severity.rank() > kept.severity.rank() {
        kept.severity = other.severity;
    }
    if kept.layer != other.layer {
        kept.layer = None;
    }
    if kept.asset != other.asset {
        kept.asset = None;
    }
}

fn union(a: &[String], b: &[String]) -> Vec<String> {
    a.iter().chain(b).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn zones_to_regions(claim: &mut Claim) {
    let Some(blocks) = blocks(claim) else { return };
    let dropped: usize = blocks.iter().filter(|b| !b.regions.is_empty()).map(|b| b.zones.len()).sum();
    for block in blocks.iter_mut().filter(|b| !b.regions.is_empty()) {
        block.zones.clear();
    }
    if dropped > 0 {
        note(claim, format!("zones: {dropped} replaced by their regions"));
    }
}

fn shorten(claim: &mut Claim, name: &str, list: fn(&mut Block) -> &mut Vec<String>) {
    let Some(blocks) = blocks(claim) else { return };
    let mut replaced = 0;
    for block in blocks.iter_mut() {
        let names = list(block);
        if names.len() > SHORT_LIST {
            let digest = base32(&length_prefixed(names.iter()), SHORT);
            *names = vec![format!("({} {name}, sha256 {digest})", names.len())];
            replaced += 1;
        }
    }
    if replaced > 0 {
        note(claim, format!("{name}: replaced by count and digest in {replaced} blocks"));
    }
}

/// Cuts the long text of the claim by at least `excess` bytes of payload.
fn cut_text(claim: &mut Claim, excess: usize) {
    let text = match &mut claim.body {
        Body::Notice(notice) => &mut notice.text,
        Body::Message(message) => &mut message.text,
        Body::Sitrep(sitrep) => &mut sitrep.text,
        Body::Advisory(advisory) => advisory.text.get_or_insert_default(),
        _ => return,
    };
    let before = text.chars().count();
    // The excess counts bytes of JSON, in which a character of the text has at least one; the note needs room as well.
    let mut room = json_bytes(text).saturating_sub(excess + 160);
    let end = text.char_indices().find(|(_, c)| {
        let bytes = json_bytes(c.encode_utf8(&mut [0; 4]));
        let full = bytes > room;
        room = room.saturating_sub(bytes);
        full
    });
    let end = end.map_or(text.len(), |(index, _)| index);
    text.truncate(end);
    let after = text.chars().count();
    note(claim, format!("text: {after} of {before} characters"));
}

fn json_bytes(text: &str) -> usize {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    };
    text.chars().map(escaped).sum()
}
