//! The live stream: server-sent events whose ids are positions of the log. A page asks for its own fragments as they
//! change, a program for notices of records; both resume where they were.

mod fragments;
mod notices;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use entente_schemas::record::Position;
use entente_schemas::subject::AUDIENCE_ALL;
use futures::Stream;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::api::LogState;
use super::query::{Asked, pairs};
use super::reached::Reached;
use super::refusal::Refusal;
use super::view::View;
use super::visit::Visit;
use crate::app::App;
use crate::streams::Streams;
use fragments::Fragments;
use notices::Notices;

/// Keys of the stream's address, beside the moment: which view, and the filters of that view.
pub(crate) const KEYS: &[&str] = &["view", "state", "provider", "class", "with", "lane", "sort"];

/// At most four batches a second.
const PACE: Duration = Duration::from_millis(250);
/// A sign of life: a page that misses two says that it is not live.
const BEAT: Duration = Duration::from_secs(5);
/// Streams that are open at the same time.
pub(crate) const STREAMS: usize = 256;

/// What a beat tells.
#[derive(Debug, Serialize, JsonSchema)]
struct BeatOf {
    /// The position of the log that is folded.
    position: Reached,
    /// What the server's clock shows.
    at: DateTime<Utc>,
    /// Whether the log answers.
    log: LogState,
}

/// What is told.
enum Told {
    Records(Notices),
    Page(Box<Fragments>),
}

/// Whoever follows.
struct Follower {
    app: App,
    told: Told,
    /// Nothing is added before it is empty: a reader who is slow costs one batch.
    queue: VecDeque<Event>,
    reached: watch::Receiver<Position>,
    beat: Interval,
    /// Something may have happened that was not told yet.
    due: bool,
    /// When the next batch may go.
    next: Instant,
    _place: OwnedSemaphorePermit,
}

pub(crate) async fn live(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let streams = app.room.streams();
    let asked = Asked::read(pairs(query.as_deref()), KEYS, &streams)?;
    let last = last_seen(&headers, &streams)?;
    let since = match (&last, &asked.as_of) {
        (Some(last), _) => last.clone(),
        (None, Some(as_of)) => app.room.resolve(as_of).await?,
        (None, None) => app.room.position(),
    };
    let told = match asked.value("view") {
        None | Some("json") => Told::Records(Notices::after(since)),
        Some(name) => {
            let view = View::named(name, &asked)?;
            let visit = Visit::of(&app, &view.path(), &view.query(), &headers);
            Told::Page(Box::new(match last {
                Some(last) => Fragments::again(view, visit, last),
                None => Fragments::after(view, visit, since, asked.at),
            }))
        }
    };
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| too_many())?;
    Ok(Sse::new(Follower::new(app, told, place).events()).into_response())
}

/// The id of the last message that the caller saw. Anything but a position is refused: to begin anew instead would lose
/// what came between. A stream that is not read any more takes nothing from it.
fn last_seen(headers: &HeaderMap, streams: &Streams) -> Result<Option<Position>, Refusal> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    match id.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(id) if let Ok(position) = Position::parse(id, &streams.of_audience(AUDIENCE_ALL)) => {
            Ok(Some(streams.known(&position)))
        }
        _ => {
            let what = "Last-Event-ID is no position of the log";
            Err(Refusal::new(StatusCode::BAD_REQUEST, what, "send the id of the last message, or leave it out"))
        }
    }
}

fn too_many() -> Refusal {
    let what = format!("{STREAMS} live streams are open already");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, what, "close pages or programs that need none, then try again")
}

impl Follower {
    fn new(app: App, told: Told, place: OwnedSemaphorePermit) -> Self {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reached = app.room.watch();
        let (queue, next) = (VecDeque::new(), Instant::now());
        Self { app, told, queue, reached, beat, due: true, next, _place: place }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut follower| async move {
            let event = follower.event().await?;
            Some((Ok(event), follower))
        })
    }

    /// The next event; none once the server stops.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return None,
                // News before a sign of life: a stream that is cut again and again gets on all the same.
                () = sleep_until(self.next), if self.due => self.tell().await,
                _ = self.beat.tick() => self.beat(),
                moved = self.reached.changed(), if !self.due => {
                    moved.ok()?;
                    self.due = true;
                }
            }
        }
    }

    async fn tell(&mut self) {
        self.reached.mark_unchanged();
        self.due = false;
        let news = match &mut self.told {
            Told::Records(notices) => notices.news(&self.app).await,
            Told::Page(fragments) => fragments.news(&self.app).await,
        };
        self.queue.extend(news);
        self.next = Instant::now() + PACE;
    }

    /// A sign of life, from which a stream that is cut can be resumed: its id is what was told, not what there is. Time
    /// alone makes promises overdue and speakers silent, so that a page is looked at again as well.
    fn beat(&mut self) {
        self.due |= matches!(self.told, Told::Page(_)) || !self.told.upto().reaches(&self.app.room.position());
        let beat = BeatOf {
            position: Reached(self.app.room.position()),
            at: self.app.clock.second(),
            log: LogState::of(&self.app.room),
        };
        let event = Event::default().event("beat").id(self.told.upto().to_string());
        self.queue.extend(event.json_data(beat).ok());
    }
}

impl Told {
    /// The position up to which everything was told.
    fn upto(&self) -> &Position {
        match self {
            Self::Records(notices) => notices.told(),
            Self::Page(fragments) => fragments.told(),
        }
    }
}
