//! The strip of feeds below the board: those that cannot be seen through first, the rest as far as there is room.

use entente_correlator::picture::{Feed, Picture};
use entente_schemas::family::FeedState;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::age;
use crate::name::{feed as feed_name, many, plain};
use crate::shared::inline;

/// Feeds shown; the last place tells of the rest.
const SHOWN: usize = 9;

pub(crate) fn id(feed: &Feed) -> String {
    let group = feed.shared.as_ref().map(|shared| format!("-{}", shared.audience)).unwrap_or_default();
    format!("f-{}-{}{group}", feed.org, feed.feed)
}

pub(super) fn strip(frame: &Frame, picture: &Picture) -> Markup {
    let mut feeds: Vec<&Feed> = picture.feeds.iter().filter(|feed| feed.state.is_some()).collect();
    feeds.sort_by_key(|feed| (!is_blind(feed), feed.gaps == 0, feed.held_back + feed.rejected == 0));
    let room = if feeds.len() > SHOWN { SHOWN - 1 } else { SHOWN };
    let (shown, rest) = feeds.split_at(room.min(feeds.len()));
    html! {
        section.panel.feedstrip aria-labelledby="h-feeds" {
            header {
                h2 #h-feeds { a href=(frame.link("/feeds", "")) { "Feeds" } }
                span.small #sight data-f { (summary(&feeds)) }
            }
            @if feeds.is_empty() { p.pad.empty { "No feed has said anything yet." } }
            ul.feeds {
                @for feed in shown { (tile(frame, feed)) }
                @if !rest.is_empty() { (others(rest)) }
            }
        }
    }
}

pub(crate) fn is_blind(feed: &Feed) -> bool {
    feed.state == Some(FeedState::Blind)
}

fn summary(feeds: &[&Feed]) -> String {
    let blind = feeds.iter().filter(|feed| is_blind(feed)).count();
    let gaps: u64 = feeds.iter().map(|feed| feed.gaps).sum();
    match (blind, gaps) {
        (0, 0) => format!("{} live", feeds.len()),
        (blind, 0) => format!("{blind} blind"),
        (0, gaps) => many(gaps, "gap", "gaps"),
        (blind, gaps) => format!("{blind} blind, {}", many(gaps, "gap", "gaps")),
    }
}

fn tile(frame: &Frame, feed: &Feed) -> Markup {
    let blind = is_blind(feed);
    html! {
        li.bad[blind] id=(id(feed)) data-f data-now[blind] {
            b { (glyph(sign(feed), "k-ink")) (feed_name(&feed.feed)) }
            @if feed.shared.is_some() { (inline(frame, feed.shared.as_ref())) " " }
            @if blind {
                "blind " @if let Some(since) = feed.since { (age(since, frame.at)) }
                @if let Some(reason) = &feed.reason { ", " (plain(reason, 24)) }
            } @else if feed.gaps > 0 {
                (feed.gaps) " missing"
            } @else if feed.held_back + feed.rejected > 0 {
                (feed.held_back + feed.rejected) " held back or rejected"
            } @else {
                "live " @if let Some(since) = feed.since { (age(since, frame.at)) }
                @match feed.heard { Some(heard) => { ", last news " (age(heard, frame.at)) " ago" }, None => ", nothing said" }
            }
        }
    }
}

pub(crate) fn sign(feed: &Feed) -> G {
    match feed.state {
        Some(FeedState::Blind) => G::Blind,
        _ if feed.gaps > 0 => G::Gap,
        _ if feed.held_back + feed.rejected > 0 => G::HeldBack,
        Some(FeedState::Live) => G::Good,
        Some(FeedState::Other) | None => G::Unknown,
    }
}

fn others(rest: &[&Feed]) -> Markup {
    let blind = rest.iter().filter(|feed| is_blind(feed)).count();
    html! {
        li.bad[blind > 0] #f-others data-f {
            b { (glyph(if blind > 0 { G::Blind } else { G::Good }, "k-ink")) (rest.len()) " more" }
            @if blind > 0 { (blind) " blind" } @else { "all live" }
        }
    }
}
