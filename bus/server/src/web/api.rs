//! The JSON answers: the picture, one incident, the records, the feeds, and the door for claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use entente_correlator::Page;
use entente_correlator::picture::{Feed, HeldBack, Line, Picture, Rejected};
use entente_correlator::select::Select;
use entente_schemas::beat::{Backlog, Beat};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::key::Key;
use super::query::{Asked, pairs};
use super::reached::Reached;
use super::refusal::Refusal;
use super::select;
use super::visit::is_live;
use crate::app::{App, Shared};
use crate::beats;
use crate::claims::Request;
use crate::room::{Link, Missing, Moment, Room};
use crate::vigil::FeedName;

/// The greatest request that is taken: a payload of 64 KiB and room for how a form or a tool writes it.
pub(crate) const BODY_MAX: usize = 256 * 1024;

/// A page of records, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The position of the log that was folded.
    as_of: Reached,
    /// The records.
    events: Vec<Line>,
    /// The value of `before` that gives the next page; absent at the end.
    next_before: Option<Reached>,
}

/// One record, whole.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OneEvent {
    /// The record in words.
    line: Line,
    /// The event as it was logged.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    payload: Box<RawValue>,
}

/// The feeds, as the log knows them and as their adapters last said themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Feeds {
    /// The position of the log that was folded.
    as_of: String,
    /// What the clock shows.
    at: DateTime<Utc>,
    /// Whether the log answers.
    log: LogState,
    /// What this desk has said and the log has not taken yet: the log may answer readers and take nothing.
    waiting: Backlog,
    /// The feeds, in the order of organisation and slug.
    feeds: Vec<FeedNow>,
    /// Records that the fold refuses, newest first.
    held_back: Vec<HeldBack>,
    /// Items that adapters could not take, newest first.
    rejected: Vec<Rejected>,
}

/// Whether the log answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogState {
    /// `live`, `catching_up` or `lost`.
    state: &'static str,
    /// Lost since.
    since: Option<DateTime<Utc>>,
    /// Why it is lost.
    reason: Option<String>,
    /// The sharing groups whose streams do not answer; absent if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<MissingGroup>,
}

/// A sharing group whose stream does not answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MissingGroup {
    /// Its local name, or else its id.
    name: String,
    /// Lost since.
    since: DateTime<Utc>,
    /// Why.
    reason: String,
}

/// A feed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FeedNow {
    /// As the log knows it, or as its adapter says where the log does not have that yet.
    #[serde(flatten)]
    feed: Feed,
    /// The last beat of its adapter; absent if there is none, and when looking back.
    beat: Option<Beat>,
}

impl LogState {
    pub(crate) fn of(room: &Room) -> Self {
        let group = |Missing { name, since, reason }| MissingGroup { name, since, reason };
        let missing = room.missing().into_iter().map(group).collect();
        match room.link() {
            Link::Live => Self { state: "live", since: None, reason: None, missing },
            Link::Catching => Self { state: "catching_up", since: None, reason: None, missing },
            Link::Lost { since, reason } => Self { state: "lost", since: Some(since), reason: Some(reason), missing },
        }
    }
}

pub(crate) async fn picture(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let asked = read(&app, query.as_deref(), select::INCIDENTS)?;
    let select = select::incidents(&asked, app.desk.org())?;
    let when = app.when(&asked).await?;
    let written = |picture: Arc<Picture>| serde_json::to_vec(&*picture);
    json(app.room.ask(when, move |moment| moment.picture(&select), written).await?)
}

pub(crate) async fn incident(
    State(app): State<App>,
    Key(key): Key,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = read(&app, query.as_deref(), &[])?;
    let when = app.when(&asked).await?;
    let wanted = key.clone();
    let look = move |moment: &mut Moment<'_>| moment.state.incident(&wanted, moment.at);
    let found = app.room.ask(when, look, |incident| incident.map(|incident| serde_json::to_vec(&incident)));
    json(found.await?.ok_or_else(|| no_incident(&key))?)
}

pub(crate) fn no_incident(key: &str) -> Refusal {
    let shown: String = key.chars().take(120).collect();
    let next =
        "look for it on the board; an incident is found by its id, an alias, its short name, or a member's object id";
    Refusal::not_found(format!("there is no incident `{shown}`"), next)
}

pub(crate) async fn events(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let asked = read(&app, query.as_deref(), select::RECORDS)?;
    let records = select::records(&asked, &app.room.streams())?;
    let when = app.when(&asked).await?;
    let look = move |moment: &mut Moment<'_>| {
        let Page { lines, rest } = moment.state.page(&records.span, records.limit, &records.filter);
        let next_before = (lines.len() == records.limit).then_some(Reached(rest));
        Events { as_of: Reached(moment.position()), events: lines, next_before }
    };
    json(app.room.ask(when, look, |events| serde_json::to_vec(&events)).await?)
}

pub(crate) async fn event(
    State(app): State<App>,
    Key(key): Key,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = read(&app, query.as_deref(), &[])?;
    let when = app.when(&asked).await?;
    let wanted = app.room.streams().key(&key);
    let found = app.room.look(when, move |moment| moment.state.event(&wanted)).await?;
    let (line, payload) = found.ok_or_else(|| no_event(&key))?;
    let text = String::from_utf8_lossy(&payload).into_owned();
    let payload = RawValue::from_string(text).map_err(|_| Refusal::broken("a record of the log is no JSON"))?;
    json(serde_json::to_vec(&OneEvent { line, payload }))
}

pub(crate) fn no_event(key: &str) -> Refusal {
    let shown: String = key.chars().take(120).collect();
    let next = "a record is found by its event id or its position; records that are held back stand on the feeds page";
    Refusal::not_found(format!("there is no record `{shown}`"), next)
}

pub(crate) async fn feeds(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let asked = read(&app, query.as_deref(), &[])?;
    let when = app.when(&asked).await?;
    let live = is_live(&when);
    let picture = app.room.look(when, |moment| moment.picture(&Select { limit: 0, ..Select::default() })).await?;
    let beats = if live { BTreeMap::clone(&app.beats.borrow()) } else { BTreeMap::new() };
    json(serde_json::to_vec(&Feeds {
        as_of: picture.as_of.clone(),
        at: picture.at,
        log: LogState::of(&app.room),
        waiting: app.desk.waiting().await,
        feeds: overlaid(picture.feeds.clone(), beats),
        held_back: picture.held_back.clone(),
        rejected: picture.rejected.clone(),
    }))
}

/// Lays the beats over the feeds, of which the newer word counts. An adapter that beats before it has said anything is a feed as well.
fn overlaid(feeds: Vec<Feed>, mut beats: BTreeMap<FeedName, Beat>) -> Vec<FeedNow> {
    let mut all: Vec<FeedNow> = feeds
        .into_iter()
        .map(|feed| {
            let beat = beats.remove(&FeedName::of(&feed));
            FeedNow { feed: beats::overlaid(feed, beat.as_ref()), beat }
        })
        .collect();
    // Of these the log has nothing.
    let unspoken = |(name, beat): (FeedName, Beat)| FeedNow { feed: name.unspoken(), beat: Some(beat) };
    all.extend(beats.into_iter().map(unspoken));
    all.sort_by_cached_key(|now| FeedName::of(&now.feed));
    all
}

pub(crate) async fn claims(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    Asked::none(query.as_deref())?;
    authorised(&app, &headers)?;
    of_type(&headers, "application/json")?;
    let request = Request::read(&taken(body)?).map_err(Refusal::mistakes)?;
    let published = app.desk.publish(request).await?;
    let status = match (published.repeated, &published.position) {
        _ if published.dry_run.is_some() => StatusCode::OK,
        (_, None) => StatusCode::ACCEPTED,
        (true, _) => StatusCode::OK,
        (false, _) => StatusCode::CREATED,
    };
    Ok((status, Json(published)).into_response())
}

fn authorised(app: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = said.and_then(|said| said.strip_prefix("Bearer "));
    if token.is_some_and(|token| app.token.is(token.trim())) {
        return Ok(());
    }
    let next = "send Authorization: Bearer with the text of the file `token` in the server's data folder";
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "claims are taken only from programs that know the server's token",
        next,
    ))
}

/// Refuses a body that says to be something else than is taken. One that says nothing is read as what is taken.
pub(crate) fn of_type(headers: &HeaderMap, taken: &str) -> Result<(), Refusal> {
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let media = said.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case(taken) {
        return Ok(());
    }
    let next = format!("send Content-Type: {taken}");
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("this address takes {taken}"), next))
}

/// The body of a request, unless it is too large to be one.
pub(crate) fn taken(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(BODY_MAX),
        status => Refusal::new(status, rejection.body_text(), "send the request again, whole"),
    })
}

fn read(app: &Shared, query: Option<&str>, known: &[&str]) -> Result<Asked, Refusal> {
    Asked::read(pairs(query), known, &app.room.streams())
}

fn json(bytes: serde_json::Result<Vec<u8>>) -> Result<Response, Refusal> {
    let bytes = bytes.map_err(|error| Refusal::broken(&format!("the answer could not be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}
