//! The fragments of an open page as they change. The page is rendered as a reload would show it, its pieces are compared
//! with those last sent, and only what differs goes out.

use std::collections::BTreeMap;

use axum::response::sse::Event;
use chrono::{DateTime, Utc};
use entente_schemas::record::Position;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::view::View;
use super::super::visit::Visit;
use crate::app::App;
use crate::room::{Link, When};

/// Records by which a page may be behind and still be brought forward piece by piece.
const FAR: u64 = 5_000;

/// A piece of the page, to be put where the old one stands.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Piece {
    /// The element's id.
    id: String,
    /// The element.
    html: String,
}

/// An open page.
pub(crate) struct Fragments {
    view: View,
    visit: Visit,
    /// What the page shows, once that is known.
    shown: Option<BTreeMap<String, String>>,
    /// Where the page stands.
    told: Position,
    at: Option<DateTime<Utc>>,
}

impl Fragments {
    /// For a page that shows a position, at a time if that is known.
    pub(crate) fn after(view: View, visit: Visit, told: Position, at: Option<DateTime<Utc>>) -> Self {
        Self { view, visit, shown: None, told, at }
    }

    /// For a page that was told everything up to a position, and lost its stream. Time moves what a page shows as records
    /// do, and when it was lost is not known: it gets every piece again.
    pub(crate) fn again(view: View, visit: Visit, told: Position) -> Self {
        Self { view, visit, shown: Some(BTreeMap::new()), told, at: None }
    }

    /// The position up to which everything was told.
    pub(crate) fn told(&self) -> &Position {
        &self.told
    }

    /// The pieces that are due.
    pub(crate) async fn news(&mut self, app: &App) -> Vec<Event> {
        let reached = app.room.position();
        if self.too_far(&reached, &app.room.link()) {
            self.shown = Some(self.now(app).await);
            self.told = reached;
            return vec![Event::default().event("reload").id(self.told.to_string()).data("{}")];
        }
        if !reached.reaches(&self.told) {
            return Vec::new();
        }
        let shown = match self.shown.take() {
            Some(shown) => shown,
            None => self.before(app).await,
        };
        let now = self.now(app).await;
        let pieces = different(&shown, &now);
        let moved = !self.told.reaches(&reached);
        (self.told, self.shown) = (reached, Some(now));
        events(&pieces, moved.then_some(&self.told))
    }

    /// A page that is far behind, or of another log than this one: it must be loaded anew, when its reader wishes.
    fn too_far(&self, reached: &Position, link: &Link) -> bool {
        reached.beyond(&self.told) > FAR || (!reached.reaches(&self.told) && *link == Link::Live)
    }

    async fn before(&self, app: &App) -> BTreeMap<String, String> {
        let now = app.clock.second();
        let when = When { position: Some(self.told.clone()), at: Some(self.at.unwrap_or(now)), now };
        self.pieces(app, when).await
    }

    async fn now(&self, app: &App) -> BTreeMap<String, String> {
        self.pieces(app, When::live(app.clock.second())).await
    }

    /// A page that there is not yet, or not any more, has no pieces.
    async fn pieces(&self, app: &App, when: When) -> BTreeMap<String, String> {
        let shown = self.view.as_live(app, &self.visit, when).await;
        shown.map(|shown| entente_console::fragments(&shown.html).into_iter().collect()).unwrap_or_default()
    }
}

fn different(shown: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Piece> {
    let changed = now.iter().filter(|(id, html)| shown.get(*id) != Some(html));
    changed.map(|(id, html)| Piece { id: id.clone(), html: html.clone() }).collect()
}

/// Only the last message of a batch moves the reader's position: a batch that was cut off is sent again.
fn events(pieces: &[Piece], reached: Option<&Position>) -> Vec<Event> {
    let last = pieces.len().saturating_sub(1);
    let messages = pieces.iter().enumerate().filter_map(|(index, piece)| {
        let event = Event::default().json_data(piece).ok()?;
        Some(match reached.filter(|_| index == last) {
            Some(reached) => event.id(reached.to_string()),
            None => event,
        })
    });
    messages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(pieces: &[(&str, &str)]) -> BTreeMap<String, String> {
        pieces.iter().map(|(id, html)| ((*id).to_owned(), (*html).to_owned())).collect()
    }

    #[test]
    fn only_what_differs_is_sent() {
        let before = page(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = page(&[("a", "1"), ("b", "4"), ("d", "5")]);
        let ids: Vec<String> = different(&before, &now).into_iter().map(|piece| piece.id).collect();
        assert_eq!(ids, ["b", "d"]);
        assert_eq!(different(&now, &now), []);
    }
}
