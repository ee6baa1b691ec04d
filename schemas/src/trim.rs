//! The ladder by which a claim is made to fit 64 KiB. An accepted provider item is never refused for its size; each rung
//! that was taken is noted in `trimmed`, in order, so that a reader knows what is not there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::block::Block;
use crate::digest::{SHORT, base32, length_prefixed};
use crate::event::{Draft, PAYLOAD_MAX, Place, SealError};
use crate::family::{Body, Claim};

/// Lists up to this length are not replaced by a count and a digest, unless their names are endless.
const SHORT_LIST: usize = 8;
/// Bytes of a short list whose names are endless.
const SHORT_LIST_BYTES: usize = 2_000;
/// Characters of one word that no provider's status, severity or name has.
const WORD_MAX: usize = 500;
/// Characters of a text that always stay.
const TEXT_MIN: usize = 200;
/// Room in bytes for the notes that a rung leaves.
const NOTES: usize = 400;

/// Takes rungs until the draft fits at its place.
///
/// # Errors
/// If it does not fit even on the last rung, or cannot be written at all.
pub fn fit(draft: &mut Draft, place: Place<'_>) -> Result<Vec<u8>, SealError> {
    for take in RUNGS {
        match draft.seal(place) {
            Err(SealError::TooLarge(size)) => take(&mut draft.claim, size - PAYLOAD_MAX),
            other => return other,
        }
    }
    draft.seal(place)
}

type Rung = fn(&mut Claim, usize);

const RUNGS: &[Rung] = &[
    |claim, _| drop_summary(claim),
    |claim, _| merge_blocks(claim),
    |claim, _| zones_to_regions(claim),
    |claim, _| shorten(claim, "services", |block| &mut block.services),
    |claim, _| shorten(claim, "regions", |block| &mut block.regions),
    |claim, _| shorten(claim, "zones", |block| &mut block.zones),
    |claim, _| drop_words(claim),
    cut_text_that_suffices,
    cut_lists,
    cut_text,
    cut_blocks,
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
    let mut merged: BTreeMap<_, Merged> = BTreeMap::new();
    for block in blocks.drain(..) {
        let key = (block.provider.clone(), block.service_class, block.state);
        match merged.get_mut(&key) {
            None => {
                merged.insert(key, Merged::from(block));
            }
            Some(kept) => kept.absorb(block),
        }
    }
    *blocks = merged.into_values().map(Merged::into_block).collect();
    let after = blocks.len();
    if after < before {
        note(claim, format!("blocks: {before} merged to {after} by class and state"));
    }
}

/// A block whose lists are sets while others are taken into it.
struct Merged {
    block: Block,
    services: BTreeSet<String>,
    regions: BTreeSet<String>,
    zones: BTreeSet<String>,
}

impl Merged {
    fn from(mut block: Block) -> Self {
        let set = |list: &mut Vec<String>| list.drain(..).collect();
        let (services, regions, zones) = (set(&mut block.services), set(&mut block.regions), set(&mut block.zones));
        Self { block, services, regions, zones }
    }

    fn absorb(&mut self, other: Block) {
        self.services.extend(other.services);
        self.regions.extend(other.regions);
        self.zones.extend(other.zones);
        let kept = &mut self.block;
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

    fn into_block(self) -> Block {
        let list = |set: BTreeSet<String>| set.into_iter().collect();
        Block { services: list(self.services), regions: list(self.regions), zones: list(self.zones), ..self.block }
    }
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
        let bytes: usize = names.iter().map(|name| json_bytes(name)).sum();
        if names.len() > SHORT_LIST || bytes > SHORT_LIST_BYTES {
            let digest = base32(&length_prefixed(names.iter()), SHORT);
            *names = vec![format!("({} {name}, sha256 {digest})", names.len())];
            replaced += 1;
        }
    }
    if replaced > 0 {
        note(claim, format!("{name}: replaced by count and digest in {replaced} blocks"));
    }
}

/// Cuts lists of what a machine may say at length, from their ends, until `excess` bytes are gone.
fn cut_lists(claim: &mut Claim, excess: usize) {
    let mut cut = Cut { need: excess + NOTES, notes: Vec::new() };
    match &mut claim.body {
        Body::Impact(impact) => {
            cut.list("symptoms", &mut impact.symptoms);
            cut.list("counts", &mut impact.counts);
        }
        Body::Advisory(advisory) => {
            cut.list("artifacts", &mut advisory.artifacts);
            cut.list("products", &mut advisory.products);
            cut.list("preconditions", &mut advisory.preconditions);
            cut.list("documents", &mut advisory.documents);
        }
        Body::Feed(feed) => {
            cut.list("coverage.regions", &mut feed.coverage.regions);
            cut.list("coverage.speakers", &mut feed.coverage.speakers);
        }
        _ => {}
    }
    cut.list("refs", &mut claim.header.refs);
    claim.header.trimmed.append(&mut cut.notes);
}

fn cut_blocks(claim: &mut Claim, excess: usize) {
    let mut cut = Cut { need: excess + NOTES, notes: Vec::new() };
    if let Some(blocks) = blocks(claim) {
        cut.list("blocks", blocks);
    }
    claim.header.trimmed.append(&mut cut.notes);
}

/// Bytes still to be cut, and what was.
struct Cut {
    need: usize,
    notes: Vec<String>,
}

impl Cut {
    fn list<T: Serialize>(&mut self, name: &str, list: &mut Vec<T>) {
        let before = list.len();
        while self.need > 0
            && let Some(last) = list.pop()
        {
            let bytes = serde_json::to_vec(&last).map_or(0, |json| json.len() + 1);
            self.need = self.need.saturating_sub(bytes);
        }
        if list.len() < before {
            self.notes.push(format!("{name}: {} of {before}", list.len()));
        }
    }
}

/// Leaves out words and addresses that are longer than any real one.
fn drop_words(claim: &mut Claim) {
    let mut places: Vec<(&str, &mut Option<String>)> = Vec::new();
    if let Some(native) = &mut claim.header.native {
        places.push(("native.url", &mut native.url));
        places.push(("native.status", &mut native.status));
        places.push(("native.severity", &mut native.severity));
        places.push(("native.category", &mut native.category));
    }
    match &mut claim.body {
        Body::Notice(notice) => {
            places.push(("url", &mut notice.url));
            places.push(("native_status", &mut notice.native_status));
        }
        Body::Feed(feed) => places.push(("address", &mut feed.address)),
        Body::Rejected(rejected) => places.push(("position", &mut rejected.position)),
        Body::Advisory(advisory) => places.push(("vendor", &mut advisory.vendor)),
        _ => {}
    }
    let long = places.into_iter().filter_map(|(path, word)| {
        let length = word.as_ref()?.chars().count();
        (length > WORD_MAX).then(|| {
            *word = None;
            format!("{path}: left out, {length} characters")
        })
    });
    let notes: Vec<String> = long.collect();
    claim.header.trimmed.extend(notes);
    drop_assets(claim);
}

fn drop_assets(claim: &mut Claim) {
    let Some(blocks) = blocks(claim) else { return };
    let mut dropped = 0;
    for block in blocks.iter_mut() {
        let bytes = serde_json::to_vec(&block.asset).map_or(0, |json| json.len());
        if bytes > WORD_MAX {
            block.asset = None;
            dropped += 1;
        }
    }
    if dropped > 0 {
        note(claim, format!("asset: left out in {dropped} blocks"));
    }
}

/// Cuts the long text of the claim where that alone is enough, so that no list goes for it.
fn cut_text_that_suffices(claim: &mut Claim, excess: usize) {
    if long_text(&mut claim.body).is_some_and(|text| json_bytes(text) > 2 * NOTES + excess) {
        cut_text(claim, excess);
    }
}

/// Cuts the long text of the claim by `excess` bytes of payload, as far as it goes.
fn cut_text(claim: &mut Claim, excess: usize) {
    let Some(text) = long_text(&mut claim.body) else { return };
    let before = text.chars().count();
    // The excess counts bytes of JSON, in which a character of the text has at least one; the note needs room as well.
    let mut room = json_bytes(text).saturating_sub(excess + NOTES);
    let end = text.char_indices().enumerate().find(|(count, (_, c))| {
        let bytes = json_bytes(c.encode_utf8(&mut [0; 4]));
        let full = bytes > room && *count >= TEXT_MIN;
        room = room.saturating_sub(bytes);
        full
    });
    if let Some((after, (index, _))) = end {
        text.truncate(index);
        note(claim, format!("text: {after} of {before} characters"));
    }
}

fn long_text(body: &mut Body) -> Option<&mut String> {
    match body {
        Body::Notice(notice) => Some(&mut notice.text),
        Body::Message(message) => Some(&mut message.text),
        Body::Sitrep(sitrep) => Some(&mut sitrep.text),
        Body::Advisory(advisory) => advisory.text.as_mut(),
        Body::Feed(feed) => Some(&mut feed.reason),
        Body::Rejected(rejected) => Some(&mut rejected.reason),
        _ => None,
    }
}

fn json_bytes(text: &str) -> usize {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    };
    text.chars().map(escaped).sum()
}
