//! The matrix: a lane per speaker, a column per class of service, in each cell the speaker's worst claim. What is not
//! claimed is drawn too: not shared, not theirs, cannot see. Lanes beyond the budget fold into one.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Cell, CellClaim, Column, Picture, Row};
use entente_correlator::words;
use entente_schemas::block::{BlockState, ServiceClass};
use entente_schemas::speaker::Role;
use maud::{Markup, html};

use crate::asset::SPRITE;
use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::mark::Mark;
use crate::moment::age;
use crate::name::{capital, many, org, plain, status, token};
use crate::shared::label;
use crate::spoken::{as_told, told_all, whose};

/// Columns at most.
const COLUMNS: usize = 8;
/// Lanes that stand for themselves: as many as stay on one screen with what is below them.
const LANES: usize = 5;
/// Claimed cells at most, beside those of the folded lane.
const CLAIMED: usize = 24;

/// The line below a cell's state.
enum Second {
    /// The speaker's own word.
    Native(String),
    /// Ours, where there is none.
    Said(String),
}

/// What of the matrix is drawn.
struct Grid<'a> {
    frame: &'a Frame,
    /// Places of the drawn columns.
    places: Vec<usize>,
    /// Places of the others, the worst first.
    left: Vec<usize>,
    columns: &'a [Column],
    shown: Vec<&'a Row>,
    folded: Vec<&'a Row>,
}

pub(super) fn panel(frame: &Frame, picture: &Picture) -> Markup {
    let grid = Grid::of(frame, picture);
    let matrix = &picture.matrix;
    let classes = ServiceClass::WORDS.len();
    let left: Vec<String> = grid.left.iter().filter_map(|place| Some(name(matrix.columns.get(*place)?))).collect();
    html! {
        section.panel aria-labelledby="h-lanes" {
            header {
                h2 #h-lanes { "Lanes: what each speaker says, worst state per service class" }
                span.small.desk #claimed data-f {
                    (classes - matrix.unclaimed) " of " (classes) " classes claimed"
                    @if !left.is_empty() { ", not drawn: " (words::list(&left, 3)) }
                }
            }
            (grid.table())
            (order("lanes", &grid.order()))
            footer { (key()) }
        }
    }
}

impl<'a> Grid<'a> {
    fn of(frame: &'a Frame, picture: &'a Picture) -> Self {
        let matrix = &picture.matrix;
        let (places, left) = places(&matrix.rows, matrix.columns.len());
        let (shown, folded) = fold(&matrix.rows, &places, &frame.org);
        Self { frame, places, left, columns: &matrix.columns, shown, folded }
    }

    fn table(&self) -> Markup {
        html! {
            table.board.tight[self.places.len() == COLUMNS] aria-labelledby="h-lanes" {
                colgroup { col.lane; @for _ in &self.places { col; } @if self.places.is_empty() { col; } }
                thead { tr {
                    th scope="col" { "Speaker" }
                    @for column in self.drawn() { th scope="col" { (name(column)) } }
                    @if self.places.is_empty() { th scope="col" { "Open claims" } }
                } }
                tbody #lanes {
                    @for row in &self.shown { (self.lane(row)) }
                    @if !self.folded.is_empty() { (self.rest()) }
                }
            }
        }
    }

    fn drawn(&self) -> impl Iterator<Item = &'a Column> {
        self.places.iter().filter_map(|place| self.columns.get(*place))
    }

    fn order(&self) -> Vec<String> {
        let mut order: Vec<String> = self.shown.iter().map(|row| format!("r-{}", row.speaker)).collect();
        if !self.folded.is_empty() {
            order.push("r-others".into());
        }
        order
    }

    fn lane(&self, row: &Row) -> Markup {
        let cells: Vec<(&Column, Option<&Cell>)> =
            self.places.iter().filter_map(|place| Some((self.columns.get(*place)?, row.cells.get(*place)))).collect();
        let claimed = cells.iter().any(|(_, cell)| matches!(cell, Some(Cell::Claim(_))));
        html! {
            tr.thin[!claimed] id={ "r-" (row.speaker) } {
                (head(row, told_all(row), self.frame.at))
                @for (column, cell) in &cells { (self.cell(&row.speaker, column, *cell)) }
                @if cells.is_empty() { (nothing(row)) }
                (unseen(row, &cells))
            }
        }
    }

    fn cell(&self, speaker: &str, column: &Column, cell: Option<&Cell>) -> Markup {
        let id = cell_id(speaker, column);
        match cell {
            Some(Cell::Claim(claim)) => {
                let native = claim.native.as_deref().map(|word| status(word, 20));
                let told = as_told(claim.told_by.as_deref());
                let who = whose(speaker, claim.told_by.as_deref());
                let said = || Second::Said(told.unwrap_or_else(|| "no status word".to_owned()));
                let line = native.map_or_else(said, Second::Native);
                self.claim(&id, &who, column, claim, &line)
            }
            Some(Cell::NotShared) => html! { td.cell.not id=(id) data-f { "not shared" } },
            Some(Cell::CannotSee) => html! { td.cell.blindcell id=(id) data-f { span { "cannot see" } } },
            Some(Cell::NotTheirs) | None => html! { td.cell.off id=(id) data-f { span.vh { "not theirs" } } },
        }
    }

    fn claim(&self, id: &str, who: &str, column: &Column, claim: &CellClaim, line: &Second) -> Markup {
        let (mark, at) = (Mark::of(claim.state, claim.severity), self.frame.at);
        let class = format!("cell s-{}{}", mark.colour, if claim.stale { " is-stale" } else { "" });
        let spoken = sentence(who, column, claim, mark, at);
        html! {
            td id=(id) class=(class) data-f data-now[claim.overdue || claim.stale] {
                a href=(self.frame.link(&format!("/incidents/{}", claim.incident), "")) data-c=(name(column)) aria-label=(spoken) {
                    b { (bare(mark.glyph, None)) (mark.word) }
                    (flags(claim))
                    @match line {
                        Second::Native(word) => span.native { (word) },
                        Second::Said(words) => span.native.none { (words) },
                    }
                    small {
                        @if let Some(shared) = &claim.shared { (label(shared.tlp)) ", " }
                        @if claim.stale { "stale " }
                        (age(claim.changed, at))
                        @if let Some(due) = claim.next_update_by.filter(|_| claim.overdue) { ", due " (words::clock(due, at)) }
                        @else if claim.others > 0 { ", +" (claim.others) }
                    }
                }
            }
        }
    }

    /// The lanes beyond the budget, as one: per column the worst claim and how many there are.
    fn rest(&self) -> Markup {
        let vendors = self.folded.iter().all(|row| row.role == Role::Vendor);
        let title = many(
            self.folded.len(),
            if vendors { "vendor" } else { "other" },
            if vendors { "vendors" } else { "others" },
        );
        html! {
            tr.thin[!self.folded.iter().any(|row| claims(row, &self.places) > 0)] #r-others {
                (self.rest_head(&title))
                @for place in &self.places {
                    @if let Some(column) = self.columns.get(*place) { (self.rest_cell(&title, *place, column)) }
                }
                @if self.places.is_empty() {
                    @if self.folded.iter().all(|row| row.sight.blind_since.is_some()) { td.cell.blindcell.wide { span { "cannot see" } } }
                    @else { td.cell.not.wide { "no open claim" } }
                }
            }
        }
    }

    fn rest_head(&self, title: &str) -> Markup {
        let blind: Vec<&&Row> = self.folded.iter().filter(|row| row.sight.blind_since.is_some()).collect();
        let heard = self.folded.iter().filter_map(|row| row.heard).max();
        let all = blind.len() == self.folded.len();
        let since = blind.iter().filter_map(|row| row.sight.blind_since).max();
        html! {
            th.lane-h.blind[all] scope="row" #lane-others data-f data-now[!blind.is_empty()] {
                b { (title) }
                @match since {
                    Some(since) if all => { span.tag { (glyph(G::Blind, "")) "BLIND " (age(since, self.frame.at)) } },
                    Some(_) => { span.tag { (glyph(G::Blind, "k-ink")) (blind.len()) " blind" } },
                    None => {},
                }
                span.small { @match heard { Some(heard) => { "heard " (age(heard, self.frame.at)) " ago" }, None => "no claim yet" } }
            }
        }
    }

    fn rest_cell(&self, title: &str, place: usize, column: &Column) -> Markup {
        let cells = || self.folded.iter().filter_map(|row| Some((*row, row.cells.get(place)?)));
        let claimed =
            || cells().filter_map(|(row, cell)| if let Cell::Claim(claim) = cell { Some((row, claim)) } else { None });
        let id = cell_id("others", column);
        if let Some((row, claim)) = claimed().max_by_key(|(_, claim)| rank(claim)) {
            let count = claimed().count();
            let who = if count == 1 {
                org(&row.speaker)
            } else {
                format!("{} of {title}, worst {}", count, org(&row.speaker))
            };
            let native = if count == 1 { org(&row.speaker) } else { format!("{} +{}", org(&row.speaker), count - 1) };
            return self.claim(&id, &who, column, claim, &Second::Said(native));
        }
        let any = |wanted: &Cell| cells().any(|(_, cell)| cell == wanted);
        let cell = [Cell::NotShared, Cell::CannotSee].into_iter().find(any).unwrap_or(Cell::NotTheirs);
        self.cell("others", column, Some(&cell))
    }
}

fn rank(claim: &CellClaim) -> (u8, u8) {
    let state = match claim.state {
        BlockState::AffectedUnavailable | BlockState::AffectedPartial | BlockState::AffectedDegraded => 3,
        BlockState::Restoring => 2,
        BlockState::Unknown | BlockState::Other => 1,
        BlockState::Restored | BlockState::NotAffected | BlockState::Excluded => 0,
    };
    (state, claim.severity.rank())
}

/// The columns that are drawn, and those that are not: first those of each speaker's worst claim, so that a lane that claims something is not
/// drawn as if it did not, then the worst.
fn places(rows: &[Row], columns: usize) -> (Vec<usize>, Vec<usize>) {
    let mut places: Vec<usize> = (0..columns).collect();
    let claimed = |row: &Row, place: usize| match row.cells.get(place) {
        Some(Cell::Claim(claim)) => Some((rank(claim), std::cmp::Reverse(place))),
        _ => None,
    };
    let firsts = rows.iter().filter_map(|row| (0..columns).filter_map(|place| claimed(row, place)).max());
    let firsts: BTreeSet<usize> = firsts.map(|(_, place)| place.0).collect();
    places.sort_by_key(|place| std::cmp::Reverse((firsts.contains(place), worst(rows, *place))));
    let left = places.split_off(places.len().min(COLUMNS));
    places.sort_unstable();
    (places, left)
}

/// How bad a column is, and how many claims it has: the eight worst are drawn.
fn worst(rows: &[Row], place: usize) -> ((u8, u8), usize) {
    let cells = rows.iter().filter_map(|row| row.cells.get(place));
    let claims = cells.filter_map(|cell| if let Cell::Claim(claim) = cell { Some(rank(claim)) } else { None });
    claims.fold(((0, 0), 0), |(worst, count), one| (worst.max(one), count + 1))
}

fn claims(row: &Row, places: &[usize]) -> usize {
    places.iter().filter(|place| matches!(row.cells.get(**place), Some(Cell::Claim(_)))).count()
}

/// Which lanes stand for themselves: clouds, the viewer's own, and who claims or is silent, as far as the budget goes.
fn fold<'a>(rows: &'a [Row], places: &[usize], own: &str) -> (Vec<&'a Row>, Vec<&'a Row>) {
    let (mut shown, mut folded, mut cells) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let claimed = claims(row, places);
        let has_something =
            claimed > 0 || row.silent_since.is_some() || row.role == Role::Provider || row.speaker == own;
        if has_something && shown.len() < LANES && cells + claimed <= CLAIMED {
            cells += claimed;
            shown.push(row);
        } else {
            folded.push(row);
        }
    }
    // One lane more takes no more room than a fold of one.
    if folded.len() == 1 {
        shown.append(&mut folded);
    }
    (shown, folded)
}

fn name(column: &Column) -> String {
    capital(&plain(&words::class_on(column.class, column.os_family.as_deref()), 40))
}

fn cell_id(speaker: &str, column: &Column) -> String {
    let os = column.os_family.as_deref().map(|os| format!("-{}", token(os))).unwrap_or_default();
    format!("c-{speaker}-{}{os}", column.class)
}

fn flags(claim: &CellClaim) -> Markup {
    html! {
        @if claim.disagrees || claim.overdue {
            i {
                @if claim.disagrees { (bare(G::Dis, Some("k-dis"))) }
                @if claim.overdue { (bare(G::Due, None)) }
            }
        }
    }
}

/// A glyph within a cell, whose link has a sentence of its own.
fn bare(glyph: G, class: Option<&str>) -> Markup {
    html! { svg class=[class] { use href={ (SPRITE) "#" (glyph.id()) } {} } }
}

/// A glyph within a tile, which has words of its own.
pub(super) fn shape(glyph: G, class: &str) -> Markup {
    html! { svg class={ "g" (class) } { use href={ (SPRITE) "#" (glyph.id()) } {} } }
}

/// The cell as a sentence, with times that stay true while the page is open.
fn sentence(who: &str, column: &Column, claim: &CellClaim, mark: Mark, at: DateTime<Utc>) -> String {
    let severity = words::severity(claim.severity);
    let native = claim.native.as_deref().map(|word| status(word, 20));
    let since = format!("since {}", words::clock(claim.changed, at));
    let marked = claim.shared.as_ref().map(|shared| label(shared.tlp));
    let parts = [
        Some(mark.word),
        Some(severity).filter(|word| *word != mark.word),
        native.as_deref(),
        Some(since.as_str()),
        claim.stale.then_some("stale"),
        claim.overdue.then_some("overdue"),
        claim.disagrees.then_some("disputed"),
        (!claim.exact).then_some("within"),
        marked.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    format!("{who}, {}: {}", name(column), parts.join(", "))
}

/// The lane's head: who, and whether it can be seen and heard.
fn head(row: &Row, told: Option<String>, at: DateTime<Utc>) -> Markup {
    let sight = &row.sight;
    let (blind, silent) = (sight.blind_since, row.silent_since.filter(|_| sight.blind_since.is_none()));
    html! {
        th.lane-h.blind[blind.is_some()].silent[silent.is_some()] scope="row" id={ "lane-" (row.speaker) } data-f data-now[blind.is_some() || silent.is_some()] {
            b { (org(&row.speaker)) }
            @if let Some(since) = blind {
                span.tag { (glyph(G::Blind, "")) "BLIND " (age(since, at)) }
                span.small { (plain(sight.reason.as_deref().unwrap_or("reason not known"), 30)) }
            } @else if let Some(since) = silent {
                span.tag { (glyph(G::Silent, "")) "SILENT " (age(since, at)) }
                span.small { (told.as_deref().unwrap_or(if sight.live > 0 { "feed works, nothing said" } else { "people only, nothing said" })) }
            } @else {
                span.small {
                    @match row.heard { Some(heard) => { "heard " (age(heard, at)) " ago" }, None => "no claim yet" }
                    @match &told {
                        Some(told) => { ", " (told) },
                        None if sight.feeds > 0 => { ", " (sight.live) " of " (many(sight.feeds, "feed", "feeds")) },
                        None => ", people only",
                    }
                }
            }
        }
    }
}

/// The one cell of a lane while nothing is claimed at all.
fn nothing(row: &Row) -> Markup {
    html! {
        @if row.sight.blind_since.is_some() {
            td.cell.blindcell.wide { span { "cannot see" @if let Some(reason) = &row.sight.reason { ": " (plain(reason, 160)) } } }
        } @else {
            td.cell.not.wide { "no open claim" }
        }
    }
}

/// On a phone only claims are drawn; the rest of the lane is one line.
fn unseen(row: &Row, cells: &[(&Column, Option<&Cell>)]) -> Markup {
    let count = |wanted: &Cell| cells.iter().filter(|(_, cell)| *cell == Some(wanted)).count();
    let (not_shared, hidden) = (count(&Cell::NotShared), count(&Cell::CannotSee));
    html! {
        @if not_shared + hidden > 0 {
            td.phone.lane-rest id={ "rest-" (row.speaker) } data-f {
                @if not_shared > 0 { (many(not_shared, "class", "classes")) " not shared" }
                @if not_shared > 0 && hidden > 0 { ", " }
                @if hidden > 0 { (many(hidden, "class", "classes")) " not visible" }
            }
        }
    }
}

fn key() -> Markup {
    let shapes = [
        (G::Crit, "k-crit", "critical"),
        (G::Major, "k-major", "major"),
        (G::Minor, "k-minor", "minor"),
        (G::Info, "k-info", "information"),
        (G::Restoring, "k-ok", "restoring"),
        (G::Ok, "k-ok", "restored"),
    ];
    let signs = [(G::Dis, "k-dis", "disagrees"), (G::Unknown, "k-ink", "state unknown"), (G::Due, "k-ink", "overdue")];
    html! {
        div.key.desk aria-label="Key" role="group" {
            @for (shape, colour, word) in shapes { span { (glyph(shape, colour)) (word) } }
            @for word in ["stale", "blind", "silent", "not"] { span { i class={ "sw " (word) } {} (if word == "not" { "not shared" } else { word }) } }
            span { "empty: not theirs" }
            @for (shape, colour, word) in signs { span { (glyph(shape, colour)) (word) } }
        }
    }
}
