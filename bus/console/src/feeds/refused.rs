//! What is not in the picture, and why: records that the fold holds back, items that adapters could not take, words that
//! are read as `other`. Nothing is dropped without a word.

use entente_correlator::picture::{HeldBack, Picture, Rejected};
use maud::{Markup, html};

use super::FeedBeat;
use crate::fragment::{distinct, order};
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::{clock, second};
use crate::name::{feed as feed_name, many, plain, said, token};
use crate::number;
use crate::shared::inline;

/// Entries of a list.
const SHOWN: usize = 50;

pub(super) fn held_back(frame: &Frame, picture: &Picture) -> Markup {
    let shown: Vec<&HeldBack> = picture.held_back.iter().take(SHOWN).collect();
    html! {
        section.panel #held aria-labelledby="h-q" {
            header { h2 #h-q { "Held back, with the reason" } span.small #held-count data-f { (picture.totals.held_back) ", never dropped without a word" } }
            @if shown.is_empty() { p.pad.empty { "Every record of the log is taken." } }
            ul.rows #held-list { @for one in &shown {
                li id={ "h" (one.position) } data-f {
                    (glyph(G::HeldBack, "k-ink"))
                    span { b { "Record " (one.position) } " " span.muted.small { (second(one.logged, frame.at)) }
                        span.sub.mono { (plain(&one.subject, 200)) } span.sub { (said(&one.reason, 500)) } }
                }
            } }
            (order("held-list", &shown.iter().map(|one| format!("h{}", one.position)).collect::<Vec<_>>()))
        }
    }
}

pub(super) fn rejected(frame: &Frame, picture: &Picture) -> Markup {
    let shown: Vec<&Rejected> = picture.rejected.iter().take(SHOWN).collect();
    let ids =
        distinct(shown.iter().map(|one| format!("x-{}", token(&one.digest.chars().take(26).collect::<String>()))));
    html! {
        section.panel #rejected aria-labelledby="h-x" {
            header { h2 #h-x { "Could not be taken" } span.small #rejected-count data-f { (picture.totals.rejected) ", by digest: the input itself never travels" } }
            @if shown.is_empty() { p.pad.empty { "Every item of every feed was taken." } }
            ul.rows #rejected-list { @for (one, id) in shown.iter().zip(&ids) {
                li id=(id) data-f {
                    (glyph(G::Withdrawn, "k-ink"))
                    span { b { (feed_name(&one.feed)) } " " span.muted.small { (second(one.logged, frame.at)) @if one.times > 1 { ", " (one.times) " times" } (inline(frame, one.shared.as_ref())) }
                        span.sub { (said(&one.reason, 500)) @if let Some(place) = &one.position { ", at " (plain(place, 80)) } }
                        span.sub { (number::figure(one.bytes)) " bytes, SHA-256 " span.mono { (plain(&one.digest, 16)) } } }
                }
            } }
            (order("rejected-list", &ids))
        }
    }
}

pub(super) fn unknown_words(frame: &Frame, beats: &[FeedBeat]) -> Markup {
    let rows: Vec<_> =
        beats.iter().flat_map(|one| one.beat.unknown_words.iter().map(move |word| (one, word))).take(SHOWN).collect();
    html! {
        section.panel #words aria-labelledby="h-m" {
            header { h2 #h-m { "Words not understood" } span.small { "kept as sent, read as other, counted" } }
            div #word-list data-f {
                @if rows.is_empty() { p.pad.empty { "No adapter has met a word that its table does not know." } }
                @else {
                    table.t {
                        thead { tr { @for head in ["Feed", "Field", "Native word", "Read as", "Seen"] { th scope="col" { (head) } } } }
                        tbody { @for (one, word) in rows {
                            tr {
                                th scope="row" { (feed_name(&one.feed)) }
                                td data-h="Field" { (plain(&word.field, 60)) }
                                td data-h="Native word" { span.native { bdi { (plain(&word.word, 100)) } } }
                                td data-h="Read as" { (plain(&word.read_as, 40)) }
                                td data-h="Seen" { (many(word.count, "time", "times")) ", first " (clock(word.first, frame.at)) }
                            }
                        } }
                    }
                }
            }
        }
    }
}
