//! The live stream: server-sent events whose ids are positions of the log. A page asks for its own fragments as they
//! change, a program for notices of records; both resume where they were.

mod fragments;
mod notices;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::Stream;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::query::{Asked, pairs};
use super::refusal::Refusal;
use super::view::View;
use super::visit::Visit;
use crate::app::App;
use fragments::Fragments;
use notices::Notices;

/// Keys of the stream's address, beside the moment: which view, and the filters of that view.
pub(crate) const KEYS: &[&str] = &["view", "state", "provider", "class", "with", "lane", "sort"];

/// At most four batches a second.
const PACE: Duration = Duration::from_millis(250);
/// A sign of life: a page that misses two says that it is not live.
const BEAT: Duration = Duration::from_secs(5);

/// What a beat tells.
#[derive(Debug, Serialize, JsonSchema)]
struct BeatOf {
    /// The position of the log that is folded.
    position: u64,
    /// What the server's clock shows.
    at: DateTime<Utc>,
    /// Whether the log answers.
    log: super::api::LogState,
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
    queue: VecDeque<Event>,
    reached: watch::Receiver<u64>,
    beat: Interval,
    /// Something may have happened that was not told yet.
    due: bool,
    /// When the next batch may go.
    next: Instant,
}

pub(crate) async fn live(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let asked = Asked::read(pairs(query.as_deref()), KEYS, app.room.stream())?;
    let since = since(&app, &asked, &headers);
    let told = match asked.value("view") {
        None | Some("json") => Told::Records(Notices::after(since)),
        Some(name) => {
            let view = View::named(name, &asked)?;
            let visit = Visit::of(&app, &view.path(), &view.query(), &headers);
            Told::Page(Box::new(Fragments::after(view, visit, since, asked.at)))
        }
    };
    Ok(Sse::new(Follower::new(app, told).events()).into_response())
}

/// The position up to which the caller knows the log: what it saw last, or what its page shows, or all there is.
fn since(app: &App, asked: &Asked, headers: &HeaderMap) -> u64 {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.trim().parse().ok());
    let page = || asked.as_of.as_ref().map(|as_of| app.room.resolve(as_of));
    last.or_else(page).unwrap_or_else(|| app.room.sequence())
}

impl Follower {
    fn new(app: App, told: Told) -> Self {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reached = app.room.watch();
        Self { app, told, queue: VecDeque::new(), reached, beat, due: true, next: Instant::now() }
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
                _ = self.beat.tick() => self.beat(),
                () = sleep_until(self.next), if self.due => self.tell().await,
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

    /// A sign of life. Time alone makes promises overdue and speakers silent, so that a page is looked at again as well.
    fn beat(&mut self) {
        self.due |= matches!(self.told, Told::Page(_));
        let beat = BeatOf {
            position: self.app.room.sequence(),
            at: self.app.clock.second(),
            log: self.app.room.link().into(),
        };
        self.queue.extend(Event::default().event("beat").json_data(beat).ok());
    }
}
