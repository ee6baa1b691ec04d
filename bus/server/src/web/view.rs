//! The screens whose pages change while they are open: rendered here for a first load and for the live stream alike, so
//! that what is sent later is what a reload would show.

use std::sync::Arc;

use axum::http::StatusCode;
use entente_console::{FeedBeat, Filters};
use entente_correlator::picture::{Feed, Incident, Picture};
use entente_correlator::select::Select;
use entente_schemas::subject::AUDIENCE_ALL;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::api::no_incident;
use super::query::Asked;
use super::refusal::Refusal;
use super::visit::{Visit, is_live};
use crate::app::App;
use crate::beats::{Beats, overlaid};
use crate::room::{Moment, When};
use crate::vigil::FeedName;

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Board(Filters),
    /// By the key that was asked for.
    Incident(String),
    Feeds,
}

/// What a screen shows.
pub(crate) struct Shown {
    pub(crate) html: String,
    /// The incident's own id, for a page of one.
    pub(crate) incident: Option<String>,
}

impl View {
    /// The screen of a live stream: `board`, `incidents/{key}` or `feeds`, with the filters of that screen.
    pub(crate) fn named(name: &str, asked: &Asked) -> Result<Self, Refusal> {
        match name.split_once('/') {
            None if name == "board" => Ok(Self::Board(filters(asked)?)),
            None if name == "feeds" => Ok(Self::Feeds),
            Some(("incidents", key)) if !key.is_empty() => Ok(Self::Incident(key.to_owned())),
            _ => {
                let what = "view names no screen; expected board, incidents/{key}, feeds or json";
                Err(Refusal::new(StatusCode::BAD_REQUEST, what, "leave view out for notices of records"))
            }
        }
    }

    /// The path of the screen's page.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Board(_) => "/".to_owned(),
            Self::Incident(key) => incident_path(key),
            Self::Feeds => "/feeds".to_owned(),
        }
    }

    /// The query of the screen's page: its filters.
    pub(crate) fn query(&self) -> String {
        if let Self::Board(filters) = self { filters.query() } else { String::new() }
    }

    /// The page at a moment.
    ///
    /// # Errors
    /// If there is no such incident at that moment.
    pub(crate) async fn show(&self, app: &App, visit: &Visit, when: When) -> Result<Shown, Refusal> {
        let live = is_live(&when);
        self.shown(app, visit, when, live).await
    }

    /// The page of an earlier moment as it was when it was live.
    pub(crate) async fn as_live(&self, app: &App, visit: &Visit, when: When) -> Result<Shown, Refusal> {
        self.shown(app, visit, when, true).await
    }

    async fn shown(&self, app: &App, visit: &Visit, when: When, live: bool) -> Result<Shown, Refusal> {
        let (shared, visit) = (App::clone(app), visit.clone());
        let whole = |moment: &mut Moment<'_>| moment.picture(&Select { limit: 0, ..Select::default() });
        match self.clone() {
            Self::Board(filters) => {
                let select = filters.select(app.desk.org());
                let look = move |moment: &mut Moment<'_>| moment.picture(&select);
                let shown = move |picture: Arc<Picture>| board(&shared, &visit, live, &picture, &filters);
                Ok(app.room.ask(when, look, shown).await?)
            }
            Self::Incident(key) => {
                let wanted = key.clone();
                let look =
                    move |moment: &mut Moment<'_>| Some((moment.state.incident(&wanted, moment.at)?, whole(moment)));
                let shown = move |found: Option<(Incident, Arc<Picture>)>| {
                    found.map(|(found, picture)| incident(&shared, &visit, live, found, &picture))
                };
                app.room.ask(when, look, shown).await?.ok_or_else(|| no_incident(&key))
            }
            Self::Feeds => {
                let shown = move |picture: Arc<Picture>| feeds(&shared, &visit, live, &picture);
                Ok(app.room.ask(when, whole, shown).await?)
            }
        }
    }
}

/// The path of an incident's page.
pub(crate) fn incident_path(key: &str) -> String {
    /// What may stand in a segment of a path as it is.
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b':').remove(b'~');
    format!("/incidents/{}", utf8_percent_encode(key, KEPT))
}

/// The filters of a query.
pub(crate) fn filters(asked: &Asked) -> Result<Filters, Refusal> {
    let pairs = asked.rest.iter().filter(|(key, _)| key != "view");
    let filters = Filters::parse(pairs.map(|(key, value)| (key.as_str(), value.as_str())));
    filters.map_err(|mistakes| Refusal::query(&mistakes, Filters::KEYS))
}

fn board(app: &App, visit: &Visit, live: bool, picture: &Picture, filters: &Filters) -> Shown {
    let frame = visit.frame(app, &picture.as_of, picture.at, live);
    Shown { html: entente_console::board(&frame, picture, filters), incident: None }
}

fn incident(app: &App, visit: &Visit, live: bool, found: Incident, picture: &Picture) -> Shown {
    let frame = visit.frame(app, &picture.as_of, picture.at, live);
    Shown { html: entente_console::incident(&frame, &found, picture), incident: Some(found.id) }
}

fn feeds(app: &App, visit: &Visit, live: bool, picture: &Picture) -> Shown {
    let frame = visit.frame(app, &picture.as_of, picture.at, live);
    let beats = if live { app.beats.borrow().clone() } else { Beats::default() };
    let newest = |feed: &Feed| overlaid(feed.clone(), beats.get(&FeedName::of(feed)));
    let picture = Picture { feeds: picture.feeds.iter().map(newest).collect(), ..picture.clone() };
    let beats: Vec<FeedBeat> = beats
        .iter()
        .map(|(name, beat)| FeedBeat {
            org: name.org.clone(),
            feed: name.feed.clone(),
            audience: (name.audience != AUDIENCE_ALL).then(|| name.audience.clone()),
            beat: beat.clone(),
        })
        .collect();
    Shown { html: entente_console::feeds(&frame, &picture, &beats), incident: None }
}
