//! The pages: board, incident, feeds, one record; the same as text; and the files that they load.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use entente_console::{Filters, asset, text};
use entente_correlator::picture::{Incident, Picture};
use entente_replay::AsOf;
use entente_schemas::record::Position;

use super::api::{no_event, no_incident};
use super::key::Key;
use super::query::Asked;
use super::refusal::Refusal;
use super::view::{View, filters, incident_path};
use super::visit::{Visit, is_live};
use crate::app::App;
use crate::room::{Moment, When};

/// The filters of the board as text: those of the page, but for the form that may stand open there.
pub(crate) const TEXT_KEYS: &[&str] = &["state", "provider", "class", "with", "lane", "sort"];

pub(crate) async fn board(State(app): State<App>, visit: Visit) -> Response {
    let page = async {
        let asked = visit.asked(&app, Filters::KEYS)?;
        let view = View::Board(filters(&asked)?);
        screen(&app, &visit, &asked, &view).await
    };
    visit.answer(&app, page.await)
}

pub(crate) async fn incident(State(app): State<App>, key: Result<Key, Refusal>, visit: Visit) -> Response {
    let page = async {
        let asked = visit.asked(&app, &["say"])?;
        screen(&app, &visit, &asked, &View::Incident(key?.0)).await
    };
    visit.answer(&app, page.await)
}

pub(crate) async fn feeds(State(app): State<App>, visit: Visit) -> Response {
    let page = async { screen(&app, &visit, &visit.asked(&app, &[])?, &View::Feeds).await };
    visit.answer(&app, page.await)
}

/// A screen at the moment that is asked for. A time is answered with the address of its position, an alias with that of
/// the incident.
async fn screen(app: &App, visit: &Visit, asked: &Asked, view: &View) -> Result<Response, Refusal> {
    let when = app.when(asked).await?;
    if let Some(moved) = exact(visit, asked, &when) {
        return Ok(moved);
    }
    let shown = view.show(app, visit, when).await?;
    match (view, shown.incident) {
        (View::Incident(key), Some(id)) if *key != id => Ok(visit.moved_to(&incident_path(&id))),
        _ => Ok(visit.page(app, StatusCode::OK, shown.html)),
    }
}

fn exact(visit: &Visit, asked: &Asked, when: &When) -> Option<Response> {
    let by_time = matches!(asked.as_of, Some(AsOf::Time(_)));
    when.position.as_ref().filter(|_| by_time).map(|position| visit.at_position(position))
}

pub(crate) async fn event(State(app): State<App>, key: Result<Key, Refusal>, visit: Visit) -> Response {
    let page = async {
        let Key(key) = key?;
        let asked = visit.asked(&app, &[])?;
        let when = app.when(&asked).await?;
        if let Some(moved) = exact(&visit, &asked, &when) {
            return Ok(moved);
        }
        let (wanted, live) = (app.room.streams().key(&key), is_live(&when));
        let found =
            app.room.look(when, move |moment| Some((moment.state.event(&wanted)?, moment.at, moment.position())));
        let ((line, payload), at, position) = found.await?.ok_or_else(|| no_event(&key))?;
        let frame = visit.frame(&app, &position.to_string(), at, live);
        let html = entente_console::event(&frame, &line, &String::from_utf8_lossy(&payload));
        Ok(visit.page(&app, StatusCode::OK, html))
    };
    visit.answer(&app, page.await)
}

pub(crate) async fn board_text(State(app): State<App>, visit: Visit) -> Result<Response, Refusal> {
    let asked = visit.asked(&app, TEXT_KEYS)?;
    let filters = filters(&asked)?;
    let select = filters.select(app.desk.org());
    let when = app.when(&asked).await?;
    let (shared, live) = (App::clone(&app), is_live(&when));
    let shown = move |picture: Arc<Picture>| {
        text::board(&visit.frame(&shared, &picture.as_of, picture.at, live), &picture, &filters)
    };
    let board = app.room.ask(when, move |moment| moment.picture(&select), shown);
    Ok(plain(board.await?))
}

pub(crate) async fn incident_text(State(app): State<App>, Key(key): Key, visit: Visit) -> Result<Response, Refusal> {
    let asked = visit.asked(&app, &[])?;
    let when = app.when(&asked).await?;
    let wanted = key.clone();
    let look =
        move |moment: &mut Moment<'_>| Some((moment.state.incident(&wanted, moment.at)?, moment.at, moment.position()));
    let (shared, live) = (App::clone(&app), is_live(&when));
    let shown = move |found: Option<(Incident, DateTime<Utc>, Position)>| {
        found.map(|(incident, at, position)| {
            text::incident(&visit.frame(&shared, &position.to_string(), at, live), &incident)
        })
    };
    let found = app.room.ask(when, look, shown);
    Ok(plain(found.await?.ok_or_else(|| no_incident(&key))?))
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

pub(crate) async fn glyphs() -> Result<Response, Refusal> {
    asset_of("glyphs.svg")
}

pub(crate) async fn file(Key(name): Key) -> Result<Response, Refusal> {
    asset_of(&name)
}

fn asset_of(name: &str) -> Result<Response, Refusal> {
    let (mime, bytes) = asset::get(name)
        .ok_or_else(|| Refusal::not_found("there is no such file", "the pages name the files that there are"))?;
    // The names carry no version: a page of a newer server must not meet an older sheet for long.
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "max-age=60")], bytes).into_response())
}

/// What is asked for at an address that there is not: a page for readers, JSON for programs.
pub(crate) async fn nothing(State(app): State<App>, visit: Visit) -> Response {
    let refusal = Refusal::not_found("there is nothing at this address", "begin at /, or see /v1/openapi.json");
    if visit.path.starts_with("/v1/") { refusal.into_response() } else { visit.refused(&app, &refusal) }
}
