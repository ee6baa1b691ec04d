//! The lanes: one row per speaker with its own claim, its own words verbatim, how fresh they are, and what stands beside.

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Incident, Lane, LaneClaim};
use entente_correlator::words;
use entente_schemas::block::{Block, BlockState, Severity};
use entente_schemas::speaker::Relay;
use maud::{Markup, html};

use super::first_of;
use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::link::{Hosts, outer};
use crate::mark::Mark;
use crate::moment::{age, clock, due};
use crate::name::{many, org, plain, said, spaced, status};
use crate::shared::mark;
use crate::spoken::relayed;

pub(super) fn panel(frame: &Frame, incident: &Incident, hosts: &Hosts) -> Markup {
    let heads = ["Speaker", "Phase", "Severity", "Own words", "As of", "Next update", "Certainty", "Where"];
    html! {
        section.panel #lanes aria-labelledby="h-l" {
            header { h2 #h-l { "Lanes: each speaker's own claim" } span.small { "never averaged, never overwritten" } }
            table.t.lanes {
                colgroup { @for class in ["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"] { col class=(class); } }
                thead { tr { td.bar {} @for head in heads { th scope="col" { (head) } } } }
                tbody #lane-rows { @for lane in &incident.lanes { (row(frame, lane, hosts)) } }
            }
            (order("lane-rows", &incident.lanes.iter().map(|lane| format!("l-{}", lane.speaker)).collect::<Vec<_>>()))
        }
    }
}

fn row(frame: &Frame, lane: &Lane, hosts: &Hosts) -> Markup {
    let blind = lane.sight.blind_since.is_some();
    let mark = lane.claim.as_ref().map(Mark::of_lane);
    let class = format!("s-{}{}", mark.map_or("none", |mark| mark.colour), if blind { " is-stale" } else { "" });
    let urgent = blind || lane.silent_since.is_some() || lane.overdue_since.is_some();
    html! {
        tr id={ "l-" (lane.speaker) } class=(class) data-f data-now[urgent] {
            td.bar {}
            th scope="row" { (speaker(frame, lane)) }
            @match &lane.claim {
                Some(claim) => (claimed(frame, lane, claim, hosts)),
                None => td colspan="7" data-h="Claim" { span.muted { "not shared: " @if lane.heard.is_some() { "said other things here" } @else { "named here by others" } ", no claim of its own" } (beside(lane, frame.at)) },
            }
        }
    }
}

fn speaker(frame: &Frame, lane: &Lane) -> Markup {
    let at = frame.at;
    html! {
        b { (org(&lane.speaker)) }
        small { (spaced(lane.role.as_str())) @if lane.speaker == frame.org { ", you" } }
        @if let Some(since) = lane.sight.blind_since {
            span.tag.inv data-now { (glyph(G::Blind, "")) "BLIND " (age(since, at)) }
        } @else if let Some(since) = lane.silent_since {
            span.tag.out data-now { (glyph(G::Silent, "")) "SILENT " (age(since, at)) }
        } @else if lane.sight.feeds > lane.sight.live {
            small { (lane.sight.live) " of " (many(lane.sight.feeds, "feed", "feeds")) }
        }
        (mark(frame, lane.claim.as_ref().and_then(|claim| claim.shared.as_ref())))
    }
}

fn claimed(frame: &Frame, lane: &Lane, claim: &LaneClaim, hosts: &Hosts) -> Markup {
    let (mark, at) = (Mark::of_lane(claim), frame.at);
    html! {
        td data-h="Phase" { (spaced(claim.phase.as_str())) @if let Some(outcome) = claim.outcome { span.sub { (spaced(outcome.as_str())) } } (assessed(claim)) }
        td data-h="Severity" { (severity(claim, mark)) }
        td data-h="Own words" { (own_words(frame, lane, claim, hosts)) }
        td data-h="As of" { (freshness(at, lane, claim)) }
        td data-h="Next update" { (next(at, lane, claim)) }
        td data-h="Certainty" { (spaced(claim.certainty.as_str())) (provenance(claim)) }
        td data-h="Where" { (place(claim)) }
    }
}

/// The severity with the state below it. What is over shows first that it is, whatever it once was.
fn severity(claim: &LaneClaim, mark: Mark) -> Markup {
    let (word, state) = (words::severity(claim.severity), words::state(claim.state));
    let over = matches!(claim.state, BlockState::Restored | BlockState::NotAffected | BlockState::Excluded);
    html! {
        @if over { (mark.show()) span.sub { "severity " (word) } }
        @else { (Mark { word, ..mark }.show()) span.sub { (state) } }
    }
}

fn assessed(claim: &LaneClaim) -> Markup {
    html! {
        @for one in &claim.assessed {
            span.sub title=(plain(&one.reason, 300)) { "its text: " (spaced(&one.value)) }
        }
    }
}

fn own_words(frame: &Frame, lane: &Lane, claim: &LaneClaim, hosts: &Hosts) -> Markup {
    let native = claim.native.as_ref();
    let word = native.and_then(|native| native.status.as_deref());
    let more = native.into_iter().flat_map(|native| [native.category.as_deref(), native.severity.as_deref()]).flatten();
    let more: Vec<String> = more.filter(|one| Some(*one) != word).map(|one| plain(one, 60)).collect();
    html! {
        @match word {
            Some(word) => { span.native { bdi { (status(word, 60)) } } @if let Some(read) = read_as(claim) { span.sub { "read as " (read) } } },
            None => span.native.none { "no status word" },
        }
        @if !more.is_empty() { span.sub.native { bdi { (more.join(", ")) } } }
        span.sub.short { (said(claim.words.as_deref().unwrap_or(&claim.title), 200)) }
        @if let Some(native) = native {
            span.sub { (native_id(frame, claim, &native.id)) @if let Some(url) = &native.url { " " (outer(url, hosts)) } }
        }
        (beside(lane, frame.at))
    }
}

/// What a provider's word was taken to mean; none where it says so itself. Words that people chose need no reading.
pub(crate) fn read_as(claim: &LaneClaim) -> Option<String> {
    let word = claim.native.as_ref()?.status.as_deref()?.to_lowercase().replace('_', " ");
    let phase = spaced(claim.phase.as_str());
    let (mark, severity) = (Mark::of_lane(claim).word, words::severity(claim.severity));
    let mut read = vec![phase.as_str(), mark];
    if severity != mark && claim.severity != Severity::NotStated {
        read.push(severity);
    }
    (claim.relay == Relay::Polled && !read.contains(&word.as_str())).then(|| read.join(", "))
}

/// The item's id, whole on the page of its record.
fn native_id(frame: &Frame, claim: &LaneClaim, id: &str) -> Markup {
    html! { a.mono href=(frame.link(&format!("/events/{}", claim.position), "")) title=(plain(id, 500)) { bdi { (plain(id, 24)) } } }
}

fn beside(lane: &Lane, at: DateTime<Utc>) -> Markup {
    html! {
        @for one in lane.beside.iter().take(3) {
            span.sub { "beside, " (relayed(one.relay, Some(&org(&one.by))).unwrap_or_else(|| "own".to_owned())) ": " (said(&one.says, 120)) }
        }
        @for one in lane.restated.iter().take(2) {
            span.sub { (plain(&one.what, 20)) " restated " @match one.to { Some(to) => (clock(to, at)), None => "withdrawn" } ", before " @match one.from { Some(from) => (clock(from, at)), None => "not stated" } }
        }
        @if lane.beside.len() > 3 { span.sub { "and " (lane.beside.len() - 3) " more beside" } }
    }
}

fn freshness(at: DateTime<Utc>, lane: &Lane, claim: &LaneClaim) -> Markup {
    html! {
        @if lane.sight.blind_since.is_some() { "stale " }
        (age(claim.changed, at))
        span.sub { (clock(claim.changed, at)) }
        @match claim.confirmed.filter(|confirmed| *confirmed > claim.changed) {
            // What a feed that works still shows holds at any moment that is looked at.
            Some(confirmed) if confirmed == at => span.sub { "its page still says so" },
            Some(confirmed) => span.sub { "still so " (age(confirmed, at)) " ago" },
            None => {},
        }
        @if claim.backfill { span.sub { "closed before it was first read" } }
        @if claim.clock_suspect { span.tag.out { "clock suspect" } }
    }
}

fn next(at: DateTime<Utc>, lane: &Lane, claim: &LaneClaim) -> Markup {
    html! {
        @if !claim.phase.is_open() { span.tag.soon { "none, closed" } }
        @else if let Some(time) = claim.next_update_by { (due(Some(time), lane.overdue_since.is_some(), at)) }
        @else { span.tag.soon { "none promised" } }
    }
}

fn provenance(claim: &LaneClaim) -> Markup {
    html! {
        @if let Some(how) = relayed(claim.relay, claim.told_by.as_deref()) { span.sub { (how) } }
        @if claim.seen_by.len() > 1 { span.sub { "seen by " (claim.seen_by.len()) ", first " (plain(claim.seen_by.first().map_or("", String::as_str), 40)) } }
        @if claim.invented { " " span.tag.made { "invented" } }
        @if !claim.others.is_empty() { span.sub { "+" (many(claim.others.len(), "claim", "claims")) } }
        @if !claim.trimmed.is_empty() { span.sub { "cut for size: " (plain(&claim.trimmed.join(", "), 60)) } }
    }
}

fn place(claim: &LaneClaim) -> Markup {
    html! {
        @match claim.blocks.as_slice() {
            [] => span.muted { "not stated" },
            few if few.len() <= 3 => { @for block in few { span.block { (one_place(block)) } } },
            all => (many_places(all)),
        }
        @if !claim.symptoms.is_empty() { span.sub { "signs: " (plain(&first_of(&claim.symptoms, 3), 80)) } }
    }
}

/// More places than can be read in a cell: which classes, and in which regions any of them is.
fn many_places(blocks: &[Block]) -> Markup {
    let (mut classes, mut regions): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for block in blocks {
        let os = block.os_family();
        note(&mut classes, words::class_on(block.service_class, os));
        block.regions.iter().for_each(|region| note(&mut regions, region.clone()));
    }
    html! {
        span.block { (first_of(&classes, 5)) }
        span.sub { (many(blocks.len(), "place", "places")) ", " @if regions.is_empty() { "region not stated" } @else { (first_of(&regions, 3)) } }
    }
}

fn note(known: &mut Vec<String>, one: String) {
    if !known.contains(&one) {
        known.push(one);
    }
}

fn one_place(block: &Block) -> Markup {
    let asset = block.asset.as_ref();
    let os = block.os_family();
    let parts = asset.map(|asset| [&asset.product, &asset.version_range, &asset.artifact]);
    let named: Vec<String> = parts.into_iter().flatten().flatten().map(|part| plain(part, 40)).collect();
    html! {
        (plain(&words::class_on(block.service_class, os), 40))
        @if !named.is_empty() { ", " (named.join(" ")) }
        @if !block.services.is_empty() { ": " (first_of(&block.services, 2)) }
        span.sub { @if block.regions.is_empty() { "region not stated" } @else { (first_of(&block.regions, 3)) } }
    }
}
