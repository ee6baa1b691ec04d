//! The shell of every page: universe banner, masthead with moment and mode, footer with keys and theme.

use chrono::{DateTime, SecondsFormat, Utc};
use entente_correlator::picture::Totals;
use entente_schemas::tlp::Tlp;
use maud::{DOCTYPE, Markup, html};

use crate::frame::{Frame, Theme};
use crate::glyph::{G, glyph};
use crate::name::{org, plain};
use crate::number;
use crate::shared;

/// The screens of the navigation; an incident has no entry of its own until one is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    Board,
    Incident,
    Feeds,
    Other,
}

/// What a page is.
pub(crate) struct Page<'a> {
    pub(crate) screen: Screen,
    /// The title's beginning.
    pub(crate) title: &'a str,
    /// Where the page's changes come from; none if it does not change.
    pub(crate) stream: Option<String>,
    /// What is missing in the picture that the page shows; none where it shows no picture.
    pub(crate) totals: Option<&'a Totals>,
    /// The highest marking of what the page shows; none if everybody may read all of it.
    pub(crate) tlp: Option<Tlp>,
    pub(crate) main: Markup,
}

/// The whole document.
pub(crate) fn page(frame: &Frame, page: Page<'_>) -> String {
    let theme = (frame.theme != Theme::System).then(|| frame.theme.as_str());
    let exercise = if frame.universe == "actual" { String::new() } else { format!(", {}", plain(&frame.universe, 40)) };
    let title = format!("{}, {} UTC{exercise}, Entente", plain(page.title, 120), frame.at.format("%-d %b %Y %H:%M"));
    let mast = masthead(frame, &page);
    let html = html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { (title) }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/console.css";
                script type="module" src="/assets/console.js" {}
            }
            body.is-replay[!frame.live] data-live=[page.stream] data-at=(stamp(frame.at)) {
                a.skip href="#main" { "Skip to the picture" }
                div.top { (banner(frame)) (mast) }
                main #main { (problem(frame)) (page.main) }
                (footer(frame))
                (help())
            }
        }
    };
    html.into_string()
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn banner(frame: &Frame) -> Markup {
    html! {
        @if frame.universe != "actual" {
            div.universe role="note" {
                b { (plain(&frame.universe, 40).to_uppercase()) }
                span.tell { "Nothing here is real. Figures marked invented are made up." }
                span.desk { "Cannot reach the actual universe" }
            }
        }
    }
}

fn masthead(frame: &Frame, page: &Page<'_>) -> Markup {
    let (screen, current) = (page.screen, |of: Screen| (page.screen == of).then_some("page"));
    html! {
        div.mast {
            a.brand href=(frame.link("/", "")) {
                svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2" { path d="M9 3H3v14h6M11 3h6v14h-6M6.5 10h7" {} }
                "Entente"
            }
            nav.nav aria-label="Screens" {
                a href=(frame.link("/", "")) aria-current=[current(Screen::Board)] { "Board" }
                @if screen == Screen::Incident { a href=(frame.link(&frame.path, "")) aria-current="page" { "Incident" } }
                a href=(frame.link("/feeds", "")) aria-current=[current(Screen::Feeds)] { "Feeds" }
            }
            @if frame.live { a.btn href="/?say=impact#say" { "Report" } }
            span.gap {}
            @if let Some(totals) = page.totals { (refused(frame, totals)) }
            (missing(frame))
            (shared::ceiling(frame, page.tlp))
            span.fact.desk { small { "You" } b { (org(&frame.org)) } }
            span.fact.desk { small { "Log position" } (position(frame)) }
            (mode(frame))
            span.fact.clock {
                b { time #clock datetime=(stamp(frame.at)) { (frame.at.format("%H:%M:%S")) } " UTC" }
                small { (frame.at.format("%a %-d %b %Y")) }
            }
        }
    }
}

/// A position of several streams is told by the server in the words of this page, not by the script.
fn position(frame: &Frame) -> Markup {
    html! {
        @if frame.groups.is_empty() { b #position { (plain(&frame.position, 24)) } }
        @else { i #position hidden {} b #place data-f title=(plain(&frame.position, 500)) { (plain(&frame.place(), 40)) } }
    }
}

/// Sharing groups whose streams do not answer: what is shown of them is not the newest.
fn missing(frame: &Frame) -> Markup {
    html! {
        @if !frame.groups.is_empty() {
            span.refused #missing data-f data-now { @for (name, since) in &frame.missing {
                a.tag.inv href=(frame.link("/feeds", "")) { (glyph(G::Blind, "")) (plain(name, 24)) " not read since " (since.format("%H:%M:%S")) }
            } }
        }
    }
}

/// What the log holds and the picture does not show: never in silence, and one click from the reasons.
fn refused(frame: &Frame, totals: &Totals) -> Markup {
    let feeds = frame.link("/feeds", "");
    let parts = [(totals.held_back, "held back", "#held"), (totals.rejected, "not taken", "#rejected")];
    html! {
        span.refused #refused data-f data-now {
            @for (count, what, place) in parts {
                @if count > 0 { a.tag.inv href={ (feeds) (place) } { (glyph(G::HeldBack, "")) (number::figure(count as u64)) " " (what) } }
            }
        }
    }
}

/// Dot, word and ground say together whether the page goes on.
fn mode(frame: &Frame) -> Markup {
    let class = match (frame.live, frame.lost) {
        (false, _) => "mode replay",
        (true, Some(_)) => "mode lost",
        (true, None) => "mode",
    };
    html! {
        span #mode class=(class) role="status" data-lost=[frame.lost.map(stamp)] {
            i.dot {}
            @match (frame.live, frame.lost) {
                (false, _) => { span { "As of " (plain(&frame.place(), 40)) ", not live" } },
                (true, Some(since)) => { span { "Not live since " (since.format("%H:%M:%S")) } },
                (true, None) => { span { "Live" } },
            }
        }
        a.btn #again href="" hidden { "Reload to catch up" }
        @if !frame.live { a.btn href=(frame.path) { "Go to live" } }
    }
}

fn problem(frame: &Frame) -> Markup {
    html! { @if let Some(problem) = &frame.problem { p.pin.alert role="alert" { (glyph(G::Crit, "k-crit")) span { (plain(problem, 500)) } } } }
}

fn footer(frame: &Frame) -> Markup {
    html! {
        div.foot {
            span { "Absent means not shared, never zero." }
            span { "A silent or blind lane is not a healthy one." }
            span { "Every figure opens the events behind it." }
            span.desk.keys { kbd { "?" } " keys " kbd { "g" } " " kbd { "b" } " board " kbd { "/" } " filter " kbd { "p" } " pause " kbd { "e" } " evidence" }
            form.theme action="/prefs" method="post" role="group" aria-label="Theme" {
                input type="hidden" name="csrf" value=(frame.csrf);
                input type="hidden" name="back" value=(frame.own_address());
                "Theme "
                @for theme in [Theme::System, Theme::Light, Theme::Dark] {
                    button type="submit" name="theme" value=(theme.as_str()) aria-pressed=(theme == frame.theme) { (theme.as_str()) }
                }
            }
        }
    }
}

/// What the keys do; shown by the script, which alone makes them work.
fn help() -> Markup {
    const KEYS: [(&str, &str); 10] = [
        ("g b, g i, g f", "board, its first incident, feeds"),
        ("/", "first filter"),
        ("j, k", "next, previous row"),
        ("arrows", "move in the matrix"),
        ("Enter", "open"),
        ("e", "evidence: why this is one incident"),
        ("a, c, n", "ask, commit, note"),
        ("p", "hold the page, and let it go on"),
        ("Esc", "close"),
        ("?", "this list"),
    ];
    html! {
        dialog #help aria-labelledby="h-help" {
            h2 #h-help { "Keys" }
            dl { @for (key, what) in KEYS { div { dt { kbd { (key) } } dd { (what) } } } }
            p { label { input #letters type="checkbox" checked; " single letters work" } }
            form method="dialog" { button.btn { "Close" } }
        }
    }
}
