//! The incidents of the board, eight at most: each with what every speaker says of its severity, what it counts, how long
//! it lasts, what changed, where speakers disagree, and what is promised next.

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::{CountGroup, Incident, Lane, Picture};
use entente_correlator::select::{Sort, StateFilter};
use entente_correlator::words;
use entente_schemas::count::Quantity;
use maud::{Markup, html};

use super::matrix::shape;
use crate::filters::Filters;
use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::mark::Mark;
use crate::moment::{age, clock, due};
use crate::name::{initials, many, org, orgs, plain, said, spaced};
use crate::number;
use crate::repair;
use crate::says::named;
use crate::shared::highest;
use crate::spoken::whose;

/// Rows at most.
const ROWS: usize = 8;
/// Tiles in a row.
const TILES: usize = 5;
/// How long a closed incident stays on the board, hours.
const CLOSED_HOURS: i64 = 72;

pub(super) fn panel(frame: &Frame, picture: &Picture, filters: &Filters) -> Markup {
    let (listed, earlier) = listed(picture, filters);
    let shown: Vec<&Incident> = listed.iter().take(ROWS).copied().collect();
    let fit = picture.matched.saturating_sub(earlier);
    html! {
        section.panel #list aria-labelledby="h-inc" {
            header {
                h2 #h-inc { "Incidents" }
                span.small #listed data-f { (shown.len()) " of " (fit) ", by " (by(filters.sort)) }
                nav.sort aria-label="Order" { (orders(frame, filters)) }
                a.btn href=(frame.link("/board.txt", &filters.query())) data-copy { "Copy as text" }
            }
            @if shown.is_empty() { (empty(frame, picture, filters)) }
            (table(frame, &shown))
            (order("incidents", &shown.iter().map(|incident| format!("i-{}", incident.id)).collect::<Vec<_>>()))
            @if fit > shown.len() || earlier > 0 { (rest(frame, fit - shown.len(), earlier)) }
        }
    }
}

/// What the board lists: open ones, those closed lately, and how many were closed earlier.
pub(crate) fn listed<'a>(picture: &'a Picture, filters: &Filters) -> (Vec<&'a Incident>, usize) {
    let since = picture.at - TimeDelta::hours(CLOSED_HOURS);
    let recent = |incident: &&Incident| {
        incident.open || filters.state == Some(StateFilter::Closed) || closed_at(incident) >= since
    };
    let listed: Vec<&Incident> = picture.incidents.iter().filter(recent).collect();
    let earlier = picture.incidents.len() - listed.len();
    (listed, earlier)
}

/// When it ended. What was over before its feed was first read ended when its speakers say, not when it was read.
fn closed_at(incident: &Incident) -> DateTime<Utc> {
    let claims = || incident.lanes.iter().filter_map(|lane| lane.claim.as_ref());
    let old = claims().count() > 0 && claims().all(|claim| claim.backfill);
    let ended = claims().filter_map(|claim| claim.occurred_end).max();
    ended.filter(|_| old).unwrap_or(incident.changed.at)
}

fn by(sort: Sort) -> &'static str {
    match sort {
        Sort::Severity => "severity, disagreement, last change",
        Sort::Changed => "last change",
        Sort::Started => "start",
        Sort::Name => "name",
    }
}

fn orders(frame: &Frame, filters: &Filters) -> Markup {
    let all = [(Sort::Severity, "severity"), (Sort::Changed, "change"), (Sort::Started, "start"), (Sort::Name, "name")];
    html! {
        @for (sort, word) in all.into_iter().filter(|(sort, _)| *sort != filters.sort) {
            a.small href=(frame.link("/", &Filters { sort, ..filters.clone() }.query())) { "by " (word) }
        }
    }
}

fn empty(frame: &Frame, picture: &Picture, filters: &Filters) -> Markup {
    let blind = picture.matrix.rows.iter().filter_map(|row| row.sight.blind_since);
    let all_blind = picture.totals.blind > 0 && picture.totals.blind >= picture.matrix.rows.len();
    html! {
        p.pad.empty #i-none data-f {
            @if !filters.is_all() && picture.totals.incidents > 0 {
                "No incident matches. " (many(picture.totals.incidents, "is", "are")) " hidden by the filter. "
                a href=(frame.link("/", "")) { "Show all" }
            } @else if all_blind {
                "Nothing can be seen: every feed is blind"
                @if let Some(since) = blind.min() { ", the first since " (clock(since, frame.at)) }
                ". What people report appears here all the same. " a href=(frame.link("/feeds", "")) { "Why" }
            } @else {
                "No incident. Of " (number::figure(picture.totals.claims)) " claims heard, none is of one that is open or was closed in the last 72 h."
            }
        }
    }
}

fn rest(frame: &Frame, more: usize, earlier: usize) -> Markup {
    html! {
        footer {
            @if more > 0 { (many(more, "more fits", "more fit")) ": narrow by a filter, or read all in " a href=(frame.link("/v1/picture", "")) { "the data" } ". " }
            @if earlier > 0 { (earlier) " closed earlier. " a href=(frame.link("/", "state=closed")) { "Show closed" } }
        }
    }
}

fn table(frame: &Frame, shown: &[&Incident]) -> Markup {
    let heads = [
        "Name",
        "Severity, per speaker",
        "Affected, as claimed",
        "Elapsed, since",
        "Last change",
        "Disagreement",
        "Next update",
    ];
    html! {
        table.t.inc {
            colgroup { @for class in ["c1", "c2", "c3", "c4", "c5", "c6", "c7"] { col class=(class); } }
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody #incidents { @for incident in shown { (row(frame, incident)) } }
        }
    }
}

fn row(frame: &Frame, incident: &Incident) -> Markup {
    let at = frame.at;
    html! {
        tr id={ "i-" (incident.id) } data-f data-now[is_overdue(incident)] {
            th scope="row" { a href=(frame.link(&format!("/incidents/{}", incident.id), "")) { (said(&incident.name, 72)) } span.sub { (about(incident, at)) } (highest(incident.tlp)) }
            td data-h="Severity" { (tiles(incident)) }
            td data-h="Affected" { (affected(incident)) @if let Some(repairs) = repair::in_short(incident) { span.sub { (repairs) } } }
            td data-h="Elapsed" { (elapsed(incident, at)) }
            td data-h="Last change" { span.short { (said(&named(&incident.changed.what, incident), 40)) } span.sub { (words::clock(incident.changed.at, at)) ", by " (org(&incident.changed.speaker)) } }
            td data-h="Disagree" { (disagreement(frame, incident)) }
            td data-h="Next update" { (next_update(incident, at)) }
        }
    }
}

/// Who named it, and where it is.
fn about(incident: &Incident, at: DateTime<Utc>) -> Markup {
    let mut regions: Vec<String> = Vec::new();
    for region in incident
        .lanes
        .iter()
        .filter_map(|lane| lane.claim.as_ref())
        .flat_map(|claim| &claim.blocks)
        .flat_map(|block| &block.regions)
    {
        if !regions.contains(region) {
            regions.push(plain(region, 30));
        }
    }
    html! {
        @if let Some(by) = &incident.declared_by { "declared by " (org(by)) } @else { "logged " (clock(incident.first_logged, at)) }
        @match regions.as_slice() {
            [] => ", region not stated",
            [one, ..] if regions.len() <= 2 => { ", " (if regions.len() == 1 { one.clone() } else { regions.join(", ") }) },
            _ => { ", " (regions.len()) " regions" },
        }
    }
}

/// One small tile per speaker, in lane order; the last place tells of the rest.
fn tiles(incident: &Incident) -> Markup {
    let room = if incident.lanes.len() > TILES { TILES - 1 } else { TILES };
    html! {
        ul.sevrow {
            @for lane in incident.lanes.iter().take(room) { (tile(lane)) }
            @if incident.lanes.len() > room { li.more { "+" (incident.lanes.len() - room) } }
        }
    }
}

fn tile(lane: &Lane) -> Markup {
    let mark = lane.claim.as_ref().map(Mark::of_lane);
    let stale = lane.sight.blind_since.is_some();
    let word = mark.map_or("not shared", |mark| mark.word);
    let told = lane.told_by.as_ref().map_or("", |_| ", told");
    let hidden = if stale { ", cannot be seen" } else { "" };
    let class = if mark.is_none() { Some("none") } else { stale.then_some("stale") };
    let (sign, colour) = mark.map_or((G::Not, String::new()), |mark| (mark.glyph, format!(" k-{}", mark.colour)));
    html! {
        li class=[class] title=(whose(&lane.speaker, lane.told_by.as_deref())) {
            (shape(sign, &colour)) (initials(&lane.speaker)) span.vh { ": " (word) (told) (hidden) }
        }
    }
}

/// The figure that most speakers have an opinion of.
pub(super) fn headline(counts: &[CountGroup]) -> Option<&CountGroup> {
    let affected = counts.iter().filter(|group| group.quantity == Quantity::Affected);
    affected.max_by_key(|group| group.figures.len()).or_else(|| counts.first())
}

fn affected(incident: &Incident) -> Markup {
    html! {
        @match headline(&incident.counts) {
            None => span.muted { "not shared" },
            Some(group) => {
                (crate::incident::interval(group)) " " (words::units(group.unit))
                span.sub { @match group.figures.as_slice() {
                    [one] => (whose(&one.speaker, one.told_by.as_deref())),
                    several => { (spaced(&group.regime)) ", " (many(several.len(), "speaker", "speakers")) },
                } @if group.figures.iter().any(|one| one.invented) { ", invented" } }
            },
        }
    }
}

fn elapsed(incident: &Incident, at: DateTime<Utc>) -> Markup {
    html! {
        @match &incident.started {
            _ if !incident.open => { span { "closed" } span.sub { (age(closed_at(incident), at)) " ago" } },
            Some(started) => { span.nw { (age(started.value, at)) } span.sub { (words::clock(started.value, at)) ", " (org(&started.speaker)) } },
            None => { span.nw { (age(incident.first_logged, at)) } span.sub { "start not stated" } },
        }
    }
}

pub(super) fn disagrees(incident: &Incident) -> bool {
    incident.disagreements.iter().any(|one| one.open)
}

pub(super) fn is_overdue(incident: &Incident) -> bool {
    incident.owed.iter().any(|one| one.overdue) || incident.lanes.iter().any(|lane| lane.overdue_since.is_some())
}

pub(super) fn has_lane(incident: &Incident, org: &str) -> bool {
    incident.lanes.iter().any(|lane| lane.speaker == org)
}

fn disagreement(frame: &Frame, incident: &Incident) -> Markup {
    let open: Vec<String> = incident.disagreements.iter().filter(|one| one.open).map(|one| spaced(&one.kind)).collect();
    html! {
        @if open.is_empty() { span.muted { "none" } } @else {
            a.tag.dis href={ (frame.link(&format!("/incidents/{}", incident.id), "")) "#disagree" } { (glyph(G::Dis, "k-dis")) (open.len()) " open" }
            span.sub { (plain(&open.join(", "), 40)) }
        }
    }
}

/// The promise that is past the longest, or the next one.
fn next_update(incident: &Incident, at: DateTime<Utc>) -> Markup {
    let promised = incident.lanes.iter().filter_map(|lane| Some((lane, lane.claim.as_ref()?)));
    let promised = promised.filter(|(_, claim)| claim.phase.is_open());
    let next = promised.filter_map(|(lane, claim)| Some((claim.next_update_by?, lane))).min_by_key(|(due, _)| *due);
    let silent: Vec<String> =
        incident.lanes.iter().filter(|lane| lane.silent_since.is_some()).map(|lane| lane.speaker.clone()).collect();
    html! {
        @match next {
            _ if !incident.open => span.muted { "none, closed" },
            Some((time, lane)) => { (due(Some(time), time < at, at)) span.sub { (org(&lane.speaker)) ", due " (words::clock(time, at)) } },
            None => { span.tag.soon { "none promised" } @if !silent.is_empty() { span.sub { (orgs(&silent, 2)) ", silent" } } },
        }
    }
}
