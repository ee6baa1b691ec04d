//! The situation board: what is open, who says what about which class of service, what is owed, which feeds see. Below
//! 50 KB however much is open: eight rows, eight columns, forty-eight claimed cells; the rest is counted.

mod feeds;
mod list;
mod matrix;
mod rail;

use entente_correlator::picture::{Picture, Row};
use entente_correlator::select::{StateFilter, With};
use maud::{Markup, html};

pub(crate) use feeds::{id as feed_id, is_blind, sign};
pub(crate) use list::listed;
pub(crate) use rail::{duty, parties};

use crate::filters::Filters;
use crate::form;
use crate::frame::Frame;
use crate::name::{many, org, orgs};
use crate::number;
use crate::shell::{Page, Screen, page};

/// Characters of a situation that stand beside the filters in one line.
const SHORT: usize = 58;

/// The board. The picture is one that was selected by `filters`.
#[must_use]
pub fn board(frame: &Frame, picture: &Picture, filters: &Filters) -> String {
    let list = filters.list();
    let say = filters.say.or_else(|| frame.form.as_ref().map(form::Form::kind));
    let main = html! {
        div.situ {
            div.line aria-live="polite" { (situation(frame, picture)) }
            (facets(frame, picture, &list))
        }
        @if let Some(kind) = say { (form::panel(frame, kind, &frame.link("/", &list.query()))) }
        div.cols {
            div.stack { (matrix::panel(frame, picture)) (list::panel(frame, picture, &list)) }
            div.stack { (rail::news(frame, picture)) (rail::owed(frame, picture)) (rail::desks(frame, picture)) }
        }
        (feeds::strip(frame, picture))
    };
    let stream = frame.stream("board", &list.query());
    let (title, totals, tlp) = ("Situation board", Some(&picture.totals), picture.tlp);
    page(frame, Page { screen: Screen::Board, title, stream, totals, tlp, main })
}

/// The situation in one line that can be said aloud: the page's heading. A long one is set smaller, so that it takes no
/// more room when it is told anew.
fn situation(frame: &Frame, picture: &Picture) -> Markup {
    let open = picture.totals.open;
    let lead = if open == 0 { "Nothing open.".to_owned() } else { format!("{} open.", counted(open)) };
    let trouble = trouble(frame, picture);
    let length = lead.len() + trouble.iter().map(|(_, said)| said.chars().count() + 2).sum::<usize>();
    html! {
        h1.long[length > SHORT] #situ data-f {
            (lead)
            @for (index, (place, said)) in trouble.iter().enumerate() { (if index == 0 { " " } else { ", " }) a href=(place) { (said) } }
            @if !trouble.is_empty() { "." }
        }
    }
}

/// What is wrong, each with its place.
fn trouble(frame: &Frame, picture: &Picture) -> Vec<(String, String)> {
    let totals = &picture.totals;
    let rows = |pick: fn(&Row) -> bool| -> Vec<String> {
        picture.matrix.rows.iter().filter(|row| pick(row)).map(|row| row.speaker.clone()).collect()
    };
    let blind = rows(|row| row.sight.blind_since.is_some());
    let silent = rows(|row| row.silent_since.is_some());
    let is = if blind.len() == 1 { "is" } else { "are" };
    let lane = |of: &[String], said: String| Some((format!("#lane-{}", of.first()?), said));
    let disagreements = many(totals.disagreements, "disagreement", "disagreements");
    [
        lane(&blind, format!("{} {is} blind", some(&blind))),
        lane(&silent, format!("{} silent", some(&silent))),
        (totals.disagreements > 0).then(|| (frame.link("/", "with=disagreement"), disagreements)),
        (totals.overdue > 0).then(|| ("#owed".to_owned(), many(totals.overdue, "thing overdue", "things overdue"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Speakers by name, or how many they are.
fn some(speakers: &[String]) -> String {
    if speakers.len() > 3 { format!("{} speakers", speakers.len()) } else { orgs(speakers, 3) }
}

fn counted(count: usize) -> String {
    number::figure(count as u64)
}

/// Filters as links: each is a view of its own.
fn facets(frame: &Frame, picture: &Picture, filters: &Filters) -> Markup {
    let totals = &picture.totals;
    let all = Filters { sort: filters.sort, ..Filters::default() };
    let facet = |name: &str, count: Option<usize>, one: Filters| {
        let current = (one == *filters).then_some("true");
        html! { a href=(frame.link("/", &one.query())) aria-current=[current] { (name) @if let Some(count) = count { " " b { (counted(count)) } } } }
    };
    let whole = filters.is_all() && picture.matched == picture.incidents.len();
    let count = |pick: &dyn Fn(&entente_correlator::picture::Incident) -> bool| {
        whole.then(|| picture.incidents.iter().filter(|incident| incident.open && pick(incident)).count())
    };
    html! {
        nav.facets aria-label="Filters" {
            span.muted.nw { "Incidents" }
            (facet("All", Some(totals.incidents), all.clone()))
            (facet("open", Some(totals.open), Filters { state: Some(StateFilter::Open), ..all.clone() }))
            (facet("closed", Some(totals.closed), Filters { state: Some(StateFilter::Closed), ..all.clone() }))
            i.sep {}
            (facet("disagree", count(&list::disagrees), Filters { with: Some(With::Disagreement), ..all.clone() }))
            (facet("overdue", count(&list::is_overdue), Filters { with: Some(With::Overdue), ..all.clone() }))
            (facet("mine", count(&|incident| list::has_lane(incident, &frame.org)), Filters { lane: Some("mine".into()), ..all.clone() }))
            i.sep {}
            @for provider in ["aws", "azure", "gcp"] {
                (facet(&org(provider), None, Filters { provider: Some(provider.to_owned()), ..all.clone() }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
