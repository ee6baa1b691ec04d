//! Every address that this server answers, in one table: the router and the OpenAPI document are both made from it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use entente_console::Filters;
use entente_console::asset::SPRITE;
use entente_correlator::picture::{Incident, Picture};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::refusal::Refusal;
use super::{api, forms, guard, live, openapi, pages, select};
use crate::app::App;
use crate::claims::{ClaimRequest, Published};

/// One address.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As the router has it, with parameters in braces.
    pub(crate) path: &'static str,
    /// What it is for, in one line.
    pub(crate) about: &'static str,
    /// Whether `as_of` and `at` choose the moment.
    pub(crate) moment: bool,
    /// The other keys of its query.
    pub(crate) query: &'static [&'static str],
    /// What it takes.
    pub(crate) takes: Option<Content>,
    /// What it answers.
    pub(crate) gives: Vec<(StatusCode, Content)>,
    handler: MethodRouter<App>,
}

/// What a body holds.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    Json(fn(&mut SchemaGenerator) -> Schema),
    Html,
    Text,
    Form,
    Events,
    /// Of the media type that its name says.
    File,
    /// None: the answer is elsewhere.
    Elsewhere,
}

impl Route {
    fn get(path: &'static str, about: &'static str, gives: Content, handler: MethodRouter<App>) -> Self {
        let gives = vec![(StatusCode::OK, gives)];
        Self { method: Method::GET, path, about, moment: true, query: &[], takes: None, gives, handler }
    }

    fn post(path: &'static str, about: &'static str, takes: Content, handler: MethodRouter<App>) -> Self {
        let (method, takes, gives) = (Method::POST, Some(takes), Vec::new());
        Self { method, path, about, moment: false, query: &[], takes, gives, handler }
    }

    fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    fn timeless(self) -> Self {
        Self { moment: false, ..self }
    }

    fn gives(mut self, status: StatusCode, content: Content) -> Self {
        self.gives.push((status, content));
        self
    }
}

fn of<T: JsonSchema>() -> Content {
    Content::Json(|generator| generator.subschema_for::<T>())
}

/// The addresses.
pub(crate) fn table() -> Vec<Route> {
    let mut table = data();
    table.extend(pages());
    table
}

fn data() -> Vec<Route> {
    let published = of::<Published>();
    vec![
        Route::get("/v1/picture", "The shared picture.", of::<Picture>(), get(api::picture)).query(select::INCIDENTS),
        Route::get(
            "/v1/incidents/{key}",
            "One incident, by id, alias, short name or a member's object id.",
            of::<Incident>(),
            get(api::incident),
        ),
        Route::get("/v1/events", "Records in words, the newest first.", of::<api::Events>(), get(api::events))
            .query(select::RECORDS),
        Route::get(
            "/v1/events/{key}",
            "One record, by event id or position, with its payload.",
            of::<api::OneEvent>(),
            get(api::event),
        ),
        Route::get("/v1/feeds", "The feeds, with their adapters' last beats.", of::<api::Feeds>(), get(api::feeds)),
        Route::get(
            "/v1/live",
            "Changes as they come: fragments of a page, or notices of records.",
            Content::Events,
            get(live::live),
        )
        .query(live::KEYS),
        Route::get("/v1/openapi.json", "This document.", Content::File, get(openapi::document)).timeless(),
        Route::post(
            "/v1/claims",
            "Publishes a claim and waits until the picture has it.",
            of::<ClaimRequest>(),
            post(api::claims),
        )
        .gives(StatusCode::CREATED, published)
        .gives(StatusCode::OK, published)
        .gives(StatusCode::ACCEPTED, published),
    ]
}

fn pages() -> Vec<Route> {
    let (seen, refused) = (StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY);
    vec![
        Route::get("/", "The board.", Content::Html, get(pages::board))
            .query(Filters::KEYS)
            .gives(seen, Content::Elsewhere),
        Route::get(
            "/incidents/{key}",
            "One incident; another name of it leads to its own address.",
            Content::Html,
            get(pages::incident),
        )
        .query(&["say"])
        .gives(seen, Content::Elsewhere),
        Route::get("/feeds", "The feeds, what was rejected and what is held back.", Content::Html, get(pages::feeds))
            .gives(seen, Content::Elsewhere),
        Route::get("/events/{key}", "One record, by event id or position.", Content::Html, get(pages::event))
            .gives(seen, Content::Elsewhere),
        Route::get("/board.txt", "The board as text.", Content::Text, get(pages::board_text)).query(pages::TEXT_KEYS),
        Route::get("/incidents/{key}/text", "One incident as text.", Content::Text, get(pages::incident_text)),
        Route::get("/assets/{name}", "A file that the pages load.", Content::File, get(pages::file)).timeless(),
        Route::get(SPRITE, "The glyphs of the pages.", Content::File, get(pages::glyphs)).timeless(),
        Route::post("/claims", "A claim from a form of the console.", Content::Form, post(forms::claims))
            .gives(seen, Content::Elsewhere)
            .gives(refused, Content::Html),
        Route::post("/prefs", "The reader's theme.", Content::Form, post(forms::prefs)).gives(seen, Content::Elsewhere),
    ]
}

/// The router of all addresses.
pub(crate) fn router(app: App) -> Router {
    let routes = table().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler));
    routes
        .fallback(pages::nothing)
        .method_not_allowed_fallback(|| async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this address does not take that method",
                "see /v1/openapi.json",
            )
        })
        .layer(DefaultBodyLimit::max(api::BODY_MAX))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
