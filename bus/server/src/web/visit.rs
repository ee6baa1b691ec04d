//! A reader's visit: the address that was asked, the cookies that came along, and the answer as a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use entente_console::{Form, Frame, Theme};
use entente_schemas::record::Position;
use url::form_urlencoded::Serializer;

use super::query::{Asked, Pairs, pairs};
use super::refusal::Refusal;
use super::told;
use crate::app::{App, Shared};
use crate::room::{Link, When};

/// The cookie that holds the theme.
const THEME: &str = "entente_theme";
/// A year, in seconds.
const THEME_AGE: u32 = 31_536_000;

/// A reader's visit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) query: String,
    theme: Theme,
    /// The form token that the browser holds.
    token: String,
    pub(crate) form: Option<Form>,
    pub(crate) problem: Option<String>,
    /// Whether the browser carries what its reader is to be told, and this visit shows it.
    told: bool,
}

impl FromRequestParts<App> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(app, parts.uri.path(), parts.uri.query().unwrap_or_default(), &parts.headers))
    }
}

impl Visit {
    /// A visit of an address with these cookies.
    pub(crate) fn of(app: &Shared, path: &str, query: &str, headers: &HeaderMap) -> Self {
        let told = told::read(app, headers);
        Self {
            path: path.to_owned(),
            query: query.to_owned(),
            theme: Theme::from_word(cookie(headers, THEME).unwrap_or_default()),
            token: cookie(headers, &token_cookie(app)).unwrap_or_default().to_owned(),
            form: None,
            told: told.is_some(),
            problem: told,
        }
    }

    /// Whether a form with this token was made by this server for this browser.
    pub(crate) fn may_send(&self, app: &Shared, token: &str) -> bool {
        app.form_token.is(token) && app.form_token.is(&self.token)
    }

    /// What the address asks for.
    pub(crate) fn asked(&self, app: &Shared, known: &[&str]) -> Result<Asked, Refusal> {
        Asked::read(self.pairs(), known, &app.room.streams())
    }

    fn pairs(&self) -> Pairs {
        pairs(Some(&self.query))
    }

    /// The same address at a position instead of a time, so that the link stays exact.
    pub(crate) fn at_position(&self, position: &Position) -> Response {
        let mut query = Serializer::new(String::new());
        for (key, value) in self.pairs() {
            let value = if key == "as_of" { position.to_string() } else { value };
            query.append_pair(&key, &value);
        }
        Redirect::to(&format!("{}?{}", self.path, query.finish())).into_response()
    }

    /// Another path with the same query.
    pub(crate) fn moved_to(&self, path: &str) -> Response {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        Redirect::to(&format!("{path}{query}")).into_response()
    }

    /// What stands around the page.
    pub(crate) fn frame(&self, app: &Shared, position: &str, at: DateTime<Utc>, live: bool) -> Frame {
        Frame {
            universe: app.room.streams().universe().to_owned(),
            org: app.desk.org().to_owned(),
            position: position.to_owned(),
            at,
            live,
            lost: if let Link::Lost { since, .. } = app.room.link() { Some(since) } else { None },
            groups: app.room.streams().names().map(|(id, name)| (id.to_owned(), name.to_owned())).collect(),
            missing: app.room.missing().into_iter().map(|group| (group.name, group.since)).collect(),
            theme: self.theme,
            csrf: app.form_token.reveal().to_owned(),
            path: self.path.clone(),
            query: self.query.clone(),
            problem: self.problem.clone(),
            form: self.form.clone(),
        }
    }

    /// A page, with the cookie that its forms need.
    pub(crate) fn page(&self, app: &Shared, status: StatusCode, html: String) -> Response {
        let mut response = (status, Html(html)).into_response();
        if !app.form_token.is(&self.token) {
            let name = token_cookie(app);
            let cookie = format!("{name}={}; Path=/; HttpOnly; SameSite=Strict", app.form_token.reveal());
            set_cookie(&mut response, &cookie);
        }
        if self.told {
            set_cookie(&mut response, &told::forgotten(app));
        }
        response
    }

    /// The answer to a reader who asked for something that cannot be given.
    pub(crate) fn refused(&self, app: &Shared, refusal: &Refusal) -> Response {
        let frame = self.frame(app, &app.room.position().to_string(), app.clock.second(), true);
        let what = refusal.body.told();
        let still = "The log is whole, and every other page shows what it did.";
        let html = entente_console::error(&frame, refusal.status.as_u16(), &what, still, &refusal.body.next);
        let mut response = self.page(app, refusal.status, html);
        response.headers_mut().extend(refusal.header());
        response
    }

    /// A page, or why there is none.
    pub(crate) fn answer(&self, app: &Shared, result: Result<Response, Refusal>) -> Response {
        result.unwrap_or_else(|refusal| self.refused(app, &refusal))
    }
}

/// Whether the moment of a view moves on by itself.
pub(crate) fn is_live(when: &When) -> bool {
    when.position.is_none() && when.at.is_none()
}

/// Sets the theme and goes back to the page.
pub(crate) fn themed(theme: Theme, back: &str) -> Response {
    let mut response = Redirect::to(back).into_response();
    let cookie = format!("{THEME}={}; Path=/; Max-Age={THEME_AGE}; SameSite=Strict", theme.as_str());
    set_cookie(&mut response, &cookie);
    response
}

/// Browsers share the cookies of all ports of a name: each server has a name of its own.
fn token_cookie(app: &Shared) -> String {
    format!("entente_form_{}", app.address.port())
}

pub(super) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}
