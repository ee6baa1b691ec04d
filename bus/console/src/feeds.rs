//! The feeds page: through which feeds we see, through which not and why; what the fold refuses and what adapters could
//! not take; words of providers that no table knows. The adapters' last beats are laid over what the log says.

mod refused;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Feed, Picture};
use entente_schemas::beat::Beat;
use maud::{Markup, html};

use crate::board::{feed_id as id, is_blind, sign};
use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::link::{Hosts, outer};
use crate::moment::{age, clock, second};
use crate::name::{feed as feed_name, many, orgs, plain};
use crate::number;
use crate::shared::mark;
use crate::shell::{Page, Screen, page};

/// The last beat of a feed's adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedBeat {
    /// The transmitting organisation.
    pub org: String,
    /// The feed's slug.
    pub feed: String,
    /// The sharing group that it transmits into; none if everybody may read it.
    pub audience: Option<String>,
    /// What the adapter last said of itself.
    pub beat: Beat,
}

/// The feeds page; `beats` are empty for a view of an earlier moment, since they are not in the log.
#[must_use]
pub fn feeds(frame: &Frame, picture: &Picture, beats: &[FeedBeat]) -> String {
    let main = html! {
        div.situ { div.line aria-live="polite" { h1 #situ data-f { (situation(frame, picture)) } } }
        (tiles(picture, beats))
        (table(frame, picture, beats))
        div.two { (refused::held_back(frame, picture)) (refused::rejected(frame, picture)) }
        (refused::unknown_words(frame, beats))
    };
    page(
        frame,
        Page {
            screen: Screen::Feeds,
            title: "Feeds",
            stream: frame.stream("feeds", ""),
            totals: Some(&picture.totals),
            tlp: picture.tlp,
            main,
        },
    )
}

fn situation(frame: &Frame, picture: &Picture) -> Markup {
    let polled = || picture.feeds.iter().filter(|feed| feed.state.is_some());
    let blind = polled().filter(|feed| is_blind(feed)).count();
    let rows: Vec<&entente_correlator::picture::Row> =
        picture.matrix.rows.iter().filter(|row| row.sight.blind_since.is_some()).collect();
    let since = rows.iter().filter_map(|row| row.sight.blind_since).min();
    let names: Vec<String> = rows.iter().map(|row| row.speaker.clone()).collect();
    html! {
        @if polled().count() == 0 { "No feed has said anything yet." } @else {
            (many(polled().count(), "feed", "feeds")) ": " (polled().count() - blind) " live"
            @if blind > 0 { ", " a href="#table" { (blind) " blind" } }
            "."
            @if let Some(since) = since { " " (orgs(&names, 3)) " cannot be seen, since " (clock(since, frame.at)) "." }
        }
    }
}

fn tiles(picture: &Picture, beats: &[FeedBeat]) -> Markup {
    let polled: Vec<&Feed> = picture.feeds.iter().filter(|feed| feed.state.is_some()).collect();
    let blind = polled.iter().filter(|feed| is_blind(feed)).count();
    let missing: u64 = picture.feeds.iter().map(|feed| feed.gaps).sum();
    let unknown: usize = beats.iter().map(|one| one.beat.unknown_words.len()).sum();
    let (held, lost) = (picture.totals.held_back as u64, picture.totals.rejected as u64);
    let all = [
        (G::Good, (polled.len() - blind) as u64, "live", "live"),
        (G::Blind, blind as u64, "blind", "blind"),
        (G::Gap, missing, "sequence number missing", "sequence numbers missing"),
        (G::HeldBack, held, "record held back", "records held back"),
        (G::Withdrawn, lost, "item that could not be taken", "items that could not be taken"),
        (G::Unknown, unknown as u64, "word not understood", "words not understood"),
    ];
    html! { ul.tiles #tiles data-f { @for (sign, count, one, several) in all {
        li { b { (glyph(sign, "k-ink big")) (number::figure(count)) } span { (if count == 1 { one } else { several }) } }
    } } }
}

/// Clouds, then vendors, then people's desks.
fn group(feed: &Feed) -> &'static str {
    let slug = feed.feed.split('-').next().unwrap_or_default();
    match slug {
        _ if feed.state.is_none() => "People's desks",
        "aws" | "azure" | "gcp" => "Clouds",
        _ => "Vendors",
    }
}

fn table(frame: &Frame, picture: &Picture, beats: &[FeedBeat]) -> Markup {
    let heads = [
        "Feed",
        "State",
        "Last news",
        "Last good poll",
        "Lag p50, p99",
        "Outbox",
        "Missing",
        "Clock",
        "Mapping",
        "Last error, next step",
    ];
    let hosts = Hosts::of(&picture.feeds);
    let groups = [("g-clouds", "Clouds"), ("g-vendors", "Vendors"), ("g-desks", "People's desks")];
    html! {
        section.panel #table aria-labelledby="h-f" {
            header { h2 #h-f { "Adapters and feeds" } span.small { "blind: three polls failed, or the adapter missed three beats" } }
            @if picture.feeds.is_empty() { p.pad.empty { "No adapter and no desk has said anything yet. Feeds are named by " code { "--feed" } " when the server starts." } }
            table.t.fd {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                @for (list, name) in groups {
                    @let feeds = picture.feeds.iter().filter(|feed| group(feed) == name);
                    tbody id=(list) {
                        tr.grp { th colspan="10" scope="rowgroup" { (name) } }
                        @for feed in feeds { (row(frame, feed, beat_of(beats, feed), &hosts)) }
                    }
                }
            }
            @for (list, name) in groups { (order(list, &picture.feeds.iter().filter(|feed| group(feed) == name).map(id).collect::<Vec<_>>())) }
        }
    }
}

fn beat_of<'a>(beats: &'a [FeedBeat], feed: &Feed) -> Option<&'a Beat> {
    let audience = feed.shared.as_ref().map(|shared| &shared.audience);
    let of_feed = |one: &&FeedBeat| (&one.org, &one.feed, one.audience.as_ref()) == (&feed.org, &feed.feed, audience);
    beats.iter().find(of_feed).map(|one| &one.beat)
}

fn row(frame: &Frame, feed: &Feed, beat: Option<&Beat>, hosts: &Hosts) -> Markup {
    let (at, blind) = (frame.at, is_blind(feed));
    html! {
        tr.bad[blind] id=(id(feed)) data-f data-now[blind] {
            th scope="row" { (feed_name(&feed.feed)) span.sub { (source(frame, feed)) } @if let Some(address) = &feed.address { span.sub { (outer(address, hosts)) } } (mark(frame, feed.shared.as_ref())) }
            td data-h="State" { (state(feed, at)) }
            td.nw data-h="Last news" { @match feed.heard { Some(heard) => { (age(heard, at)) span.sub { (clock(heard, at)) ", " (many(feed.claims, "record", "records")) } }, None => span.muted { "nothing said" } } }
            td.nw data-h="Last good poll" { @match last_good(feed, beat) { Some(good) => { (age(good, at)) " ago" span.sub { (second(good, at)) } }, None => span.muted { @if feed.state.is_some() { "none yet" } @else { "not polled" } } } }
            td.num data-h="Lag, p50 and p99" { (lag(beat)) }
            td data-h="Outbox" { (backlog(beat)) }
            td.num data-h="Missing" { (feed.gaps) @if feed.instances > 1 { span.sub { (feed.instances) " outboxes" } } }
            td.num data-h="Clock" { @match beat.and_then(|beat| beat.clock_offset_ms) { Some(offset) => { (format!("{offset:+}").replace('-', "−")) " ms" }, None => span.muted { "not known" } } }
            td.nw data-h="Mapping" { (mapping(beat)) }
            td.full data-h="Last error, next step" { (trouble(feed, beat, at)) }
        }
    }
}

fn source(frame: &Frame, feed: &Feed) -> String {
    let covers = orgs(&feed.coverage.speakers, 3);
    let by = if feed.org == frame.org { String::new() } else { format!("by {}", crate::name::org(&feed.org)) };
    match (feed.state.is_some(), by.is_empty()) {
        (true, true) => format!("speaks for {}", if covers.is_empty() { "nobody stated" } else { &covers }),
        (true, false) => format!("{by}, speaks for {covers}"),
        (false, true) => "your desk".to_owned(),
        (false, false) => by,
    }
}

fn state(feed: &Feed, at: DateTime<Utc>) -> Markup {
    html! {
        span.st.say { (glyph(sign(feed), "k-ink"))
            @match (is_blind(feed), feed.state, feed.since) {
                (true, _, Some(since)) => { "blind " (age(since, at)) },
                (true, _, None) => "blind",
                (false, Some(_), _) if feed.gaps > 0 => "live, with a gap",
                (false, Some(_), _) => "live",
                (false, None, _) => "people",
            }
        }
        @if let (true, Some(since)) = (is_blind(feed), feed.since) { span.sub.say { "since " (clock(since, at)) } }
    }
}

fn last_good(feed: &Feed, beat: Option<&Beat>) -> Option<DateTime<Utc>> {
    feed.last_good_poll.max(beat.and_then(|beat| beat.last_good))
}

fn lag(beat: Option<&Beat>) -> Markup {
    let seconds = |ms: u64| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
    html! {
        @match beat.and_then(|beat| beat.lag.p50_ms.zip(beat.lag.p99_ms)) {
            Some((p50, p99)) => { (seconds(p50)) ", " (seconds(p99)) },
            None => span.muted { "not known" },
        }
    }
}

fn backlog(beat: Option<&Beat>) -> Markup {
    html! {
        @match beat {
            Some(beat) if beat.outbox.events > 0 => { span.nw { (number::figure(beat.outbox.events)) " wait, " (number::figure(beat.outbox.bytes.div_ceil(1_024))) " KiB" } },
            Some(_) => span.muted { "none waits" },
            None => span.muted { "not known" },
        }
    }
}

fn mapping(beat: Option<&Beat>) -> Markup {
    html! {
        @match beat {
            Some(beat) => { "v" (beat.mapping_version) ", " @if beat.unknown_words.is_empty() { "all known" } @else { (beat.unknown_words.len()) " unknown" } },
            None => span.muted { "not known" },
        }
    }
}

/// What is wrong and what happens next: the reason that was published, the adapter's last failure, its next try.
fn trouble(feed: &Feed, beat: Option<&Beat>, at: DateTime<Utc>) -> Markup {
    let failed = beat.filter(|beat| beat.failures > 0);
    html! {
        span.say {
            @if let (true, Some(reason)) = (is_blind(feed), &feed.reason) { (crate::name::said(reason, 240)) ". " }
            @if let Some(error) = failed.and_then(|beat| beat.error.as_ref()) {
                @if !feed.reason.as_deref().is_some_and(|reason| is_blind(feed) && reason.contains(&error.text)) { (crate::name::said(&error.text, 240)) ", " }
                (plain(&error.code, 30)) ". "
            }
            @if let Some(beat) = failed {
                (many(beat.failures, "poll", "polls")) " failed in a row. "
                @if let Some(next) = beat.next_try { "Next try " (second(next, at)) "." }
            }
            @if feed.held_back > 0 { (feed.held_back) " held back. " }
            @if feed.rejected > 0 { (feed.rejected) " could not be taken. " }
            @if !is_blind(feed) && failed.is_none() && feed.held_back + feed.rejected == 0 { span.muted { "none" } }
        }
    }
}

#[cfg(test)]
mod tests;
