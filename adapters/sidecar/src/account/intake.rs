//! The intake: `POST /v1/events` takes what neighbours report, and answers only once it is on disk. Devices go into the
//! ledger, claims into the feed of the intake.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use entente_journal::Clock;
use futures::future::{join, join_all};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::adapter::AccountFeed;
use super::cloudevents::{Carried, CarryError, CloudEvent, Fault, Unread, carried};
use super::devices::{DeviceError, DeviceReport, DeviceSink};
use super::inbox::{Inbox, InboxError, Parcel, Receipt, Sender};
use super::reported::{Reported, Reporter};
use super::settings::Settings;
use crate::item::{FeedProfile, Vanishing};

/// What a sender is to wait before it sends again, seconds.
const AGAIN: &str = "5";
/// Version of the intake's own table of what means what.
const MAPPING_VERSION: u32 = 1;

/// Clones are one intake.
#[derive(Clone)]
pub(super) struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    /// None without a sharing group.
    desk: Option<Desk>,
    clock: Clock,
    figures: Lock<Figures>,
}

struct Desk {
    inbox: Inbox,
    feed: AccountFeed,
    reporter: Reporter,
    devices: Arc<dyn DeviceSink>,
    /// Reports of devices are counted one batch after the other, so that a repeated one finds the first.
    counting: Mutex<()>,
}

/// What became of all that was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// By the event's type and by outcome.
    pub(super) outcomes: BTreeMap<(String, &'static str), u64>,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Outcome {
    id: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    status: StatusCode,
}

/// The slug of the feed of an adapter's intake.
pub(super) fn slug(adapter: &str) -> String {
    format!("{adapter}-intake")
}

fn profile(settings: &Settings) -> FeedProfile {
    FeedProfile {
        slug: slug(settings.adapter),
        system: format!("{}.intake", settings.adapter),
        speaker: settings.speaker(),
        address: "POST /v1/events".to_owned(),
        vanishing: Vanishing::Nothing,
        covers: Vec::new(),
        mapping_version: MAPPING_VERSION,
    }
}

impl Intake {
    /// Opens the intake. Without a sharing group it takes nothing.
    ///
    /// # Errors
    /// If what it took before cannot be read.
    pub(super) fn open(
        settings: &Settings,
        state: &Path,
        devices: Arc<dyn DeviceSink>,
        clock: Clock,
    ) -> Result<Self, InboxError> {
        let slug = slug(settings.adapter);
        let desk = match settings.scope(&slug) {
            None => None,
            Some(scope) => {
                let inbox = Inbox::open(state, profile(settings))?;
                let feed = AccountFeed::waiting(&slug, inbox.feed(Some(Arc::clone(&devices))));
                let tlp = settings.tlp(&slug);
                let reporter = Reporter::new(profile(settings), &scope.universe, &scope.audience, tlp);
                Some(Desk { inbox, feed, reporter, devices, counting: Mutex::new(()) })
            }
        };
        Ok(Self { inner: Arc::new(Inner { desk, clock, figures: Lock::default() }) })
    }

    /// The feed that says what comes in.
    pub(super) fn feed(&self) -> Option<AccountFeed> {
        self.inner.desk.as_ref().map(|desk| desk.feed.clone())
    }

    /// What became of all that was sent so far.
    pub(super) fn figures(&self) -> Figures {
        self.inner.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a request that was let in.
    pub(super) async fn take(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        let Some(desk) = &self.inner.desk else {
            let next = "set `audience` in the settings of this sidecar";
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "there is no sharing group that would see a report", next);
        };
        match carried(headers, body) {
            Ok(Carried::One(event)) => {
                let outcomes = self.outcomes(desk, vec![event]).await;
                outcomes.into_iter().next().map_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), one)
            }
            Ok(Carried::Batch(events)) => many(self.outcomes(desk, events).await),
            Err(error) => {
                self.count("", "unreadable");
                let status = match error {
                    CarryError::Form(_) | CarryError::Charset(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    CarryError::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    CarryError::Text | CarryError::List(_) => StatusCode::BAD_REQUEST,
                };
                let text = error.to_string();
                let (what, next) = text.split_once("; ").unwrap_or((&text, "send a CloudEvent"));
                refusal(status, what, next)
            }
        }
    }

    fn count(&self, kind: &str, outcome: &'static str) {
        let mut figures = self.inner.figures.lock().unwrap_or_else(PoisonError::into_inner);
        *figures.outcomes.entry((kind.to_owned(), outcome)).or_default() += 1;
    }

    /// What became of each event, in their order.
    async fn outcomes(&self, desk: &Desk, events: Vec<Result<CloudEvent, Unread>>) -> Vec<Outcome> {
        let now = self.inner.clock.now();
        let (mut outcomes, mut reports, mut parcels) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut kinds = BTreeMap::new();
        for (index, event) in events.into_iter().enumerate() {
            let event = match event {
                Ok(event) => event,
                Err(unread) => {
                    outcomes.insert(index, Outcome::mistaken(unread.id, unread.faults, StatusCode::BAD_REQUEST));
                    continue;
                }
            };
            let sender = Sender { source: event.source.clone(), id: event.id.clone() };
            match desk.reporter.read(&event, now) {
                Ok(Reported::Device(report)) => reports.push((index, sender, report)),
                Ok(Reported::Claim(item)) => {
                    parcels.push((index, Parcel { sender: Some(sender), items: vec![*item] }));
                }
                Err(faults) => {
                    let status = StatusCode::UNPROCESSABLE_ENTITY;
                    outcomes.insert(index, Outcome::mistaken(Some(event.id), faults, status));
                }
            }
            kinds.insert(index, event.kind);
        }
        let (counted, pushed) = join(self.counted(desk, reports), pushed(desk, parcels)).await;
        outcomes.extend(counted.into_iter().chain(pushed));
        for (index, outcome) in &outcomes {
            // What is no type of ours could be anything, and any number of things.
            let known = !matches!(outcome.status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
            self.count(kinds.get(index).filter(|_| known).map_or("", String::as_str), outcome.outcome);
        }
        outcomes.into_values().collect()
    }

    async fn counted(&self, desk: &Desk, reports: Vec<(usize, Sender, DeviceReport)>) -> Vec<(usize, Outcome)> {
        if reports.is_empty() {
            return Vec::new();
        }
        let devices = Arc::clone(&desk.devices);
        let (seen, now) = (Arc::clone(desk.inbox.seen()), self.inner.clock.now());
        let one_by_one = desk.counting.lock().await;
        let counted = tokio::task::spawn_blocking(move || super::counting::count(&*devices, &seen, reports, now)).await;
        drop(one_by_one);
        desk.inbox.counted();
        let counted = counted.unwrap_or_else(|error| {
            tracing::error!(%error, "counting devices");
            Vec::new()
        });
        counted.into_iter().map(|(index, id, counted)| (index, Outcome::of_count(id, counted))).collect()
    }
}

async fn pushed(desk: &Desk, parcels: Vec<(usize, Parcel)>) -> Vec<(usize, Outcome)> {
    let pushed = parcels.into_iter().map(|(index, parcel)| async move {
        let id = parcel.sender.as_ref().map(|sender| sender.id.clone());
        (index, Outcome::of_receipt(id, desk.inbox.push(parcel).await))
    });
    join_all(pushed).await
}

impl Outcome {
    fn new(id: Option<String>, outcome: &'static str, status: StatusCode) -> Self {
        Self { id, outcome, mistakes: Vec::new(), error: None, status }
    }

    fn mistaken(id: Option<String>, mistakes: Vec<Fault>, status: StatusCode) -> Self {
        Self { mistakes, ..Self::new(id, "refused", status) }
    }

    fn of_receipt(id: Option<String>, receipt: Result<Receipt, InboxError>) -> Self {
        match receipt {
            Ok(Receipt::Taken) => Self::new(id, "taken", StatusCode::ACCEPTED),
            Ok(Receipt::Repeated) => Self::new(id, "repeated", StatusCode::OK),
            Ok(Receipt::Stale) => {
                let error = Some("something newer was reported of it before; nothing was changed".to_owned());
                Self { error, ..Self::new(id, "stale", StatusCode::OK) }
            }
            Err(error) => Self::not_taken(id, &error),
        }
    }

    fn of_count(id: String, counted: Result<Receipt, DeviceError>) -> Self {
        match counted {
            Ok(receipt) => Self::of_receipt(Some(id), Ok(receipt)),
            Err(DeviceError::Refused(what)) => {
                Self::mistaken(Some(id), vec![Fault::new("data", what)], StatusCode::UNPROCESSABLE_ENTITY)
            }
            Err(error @ DeviceError::NotKept(_)) => Self::not_taken(Some(id), &error),
        }
    }

    fn not_taken(id: Option<String>, error: &dyn std::error::Error) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(id, "not_taken", StatusCode::SERVICE_UNAVAILABLE) }
    }
}

fn one(outcome: Outcome) -> Response {
    answer(outcome.status, Json(&outcome).into_response())
}

/// A batch is answered as its worst event: whoever looks at the status alone sends it all again, which is harmless.
fn many(outcomes: Vec<Outcome>) -> Response {
    let any = |status: StatusCode| outcomes.iter().any(|outcome| outcome.status == status);
    let status = match () {
        () if any(StatusCode::SERVICE_UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
        () if any(StatusCode::UNPROCESSABLE_ENTITY) || any(StatusCode::BAD_REQUEST) => StatusCode::UNPROCESSABLE_ENTITY,
        () if any(StatusCode::ACCEPTED) => StatusCode::ACCEPTED,
        () => StatusCode::OK,
    };
    answer(status, Json(json!({ "results": outcomes })).into_response())
}

fn answer(status: StatusCode, mut response: Response) -> Response {
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static(AGAIN));
    }
    response
}

/// A request that is refused whole.
pub(super) fn refusal(status: StatusCode, what: &str, next: &str) -> Response {
    answer(status, Json(json!({ "error": what, "next": next })).into_response())
}
