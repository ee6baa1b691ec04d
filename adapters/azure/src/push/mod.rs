//! `azure-push`: what Azure sends by itself to the sidecar's local door: events of Event Grid, and alerts of the activity
//! log. Whoever sends is answered only once it is on disk, and sends it again otherwise.

mod door;
mod grid;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use entente_sidecar::account::{Inbox, InboxError, Parcel, Secret, Sender};
use entente_sidecar::ask::Clock;
use entente_sidecar::item::Item;
use entente_sidecar::mapping::Lookup;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::availability::{Book, Report, Way, words};
use crate::feed::services;
use crate::matter::{Alert, Desk as Words, HealthAlert, Matter, alert, reading};
use crate::resource::{kind, resource};
use crate::scrub::scrub;

pub(crate) use door::routes;

/// The native system of the feed itself; what it tells is of those that it is about.
pub(crate) const SYSTEM: &str = "azure.push";

/// What the routes work with.
pub(crate) struct Desk {
    pub(crate) inbox: Inbox,
    pub(crate) book: Book,
    /// What the fleet is called.
    pub(crate) fleet: String,
    pub(crate) token: Secret,
    pub(crate) clock: Clock,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It is on disk.
    Taken,
    /// Azure asks whether we want what it sends.
    Validated(String),
    /// What was wrong, and what was expected.
    Refused(String),
    /// It is to be sent again.
    Again(String),
}

impl Desk {
    /// Takes what Event Grid sends: one event or several, in either of its schemas.
    async fn grid(&self, body: Value) -> Answer {
        let now = self.clock.now();
        let (mut reports, mut refused) = (Vec::new(), Vec::new());
        for event in grid::events(body) {
            match grid::read(event, now) {
                Ok(grid::Event::Health(report)) => reports.push(report),
                Ok(grid::Event::Validation(code)) => return Answer::Validated(code),
                Ok(grid::Event::Farewell) => tracing::info!("a subscription of Event Grid to this sidecar was deleted"),
                Err(reason) => refused.push(scrub(&reason).into_owned()),
            }
        }
        let taken = self.reports(&reports, now).await;
        match (taken, refused.first()) {
            (Answer::Taken, Some(reason)) => Answer::Refused(format!("{} of the events: {reason}", refused.len())),
            (taken, _) => taken,
        }
    }

    /// Takes an alert of the activity log.
    async fn alert(&self, body: Value) -> Answer {
        let now = self.clock.now();
        match alert(body, now) {
            Ok(Alert::Matter(matter)) => self.matter(*matter, now).await,
            Ok(Alert::Health(alert)) => match report(alert) {
                Some(report) => self.reports(&[report], now).await,
                None => Answer::Refused("the alert names no resource".to_owned()),
            },
            Err(error) => Answer::Refused(scrub(&error.to_string()).into_owned()),
        }
    }

    async fn matter(&self, matter: Matter, now: DateTime<Utc>) -> Answer {
        let id = matter.updates.first().and_then(|update| update.id.clone());
        let sender = id.map(|id| Sender { source: format!("{SYSTEM}/{}", matter.id), id });
        // Each subscription has alerts of its own.
        let (channel, audience) = ("Azure Service Health", "customers");
        let desk = Words { system: services::SYSTEM, channel, audience, whole: false };
        let told = reading([Ok(matter)], desk, now);
        for word in told.unmapped.keys() {
            tracing::warn!(field = %word.field, word = %word.word, read_as = %word.read_as, "a word that the table does not know");
        }
        match told.refused.into_iter().next() {
            Some(refusal) => Answer::Refused(refusal.reason),
            None => self.push(sender, told.items).await,
        }
    }

    /// Notes reports in the book, writes it down, and tells what it comes to.
    async fn reports(&self, reports: &[Report], now: DateTime<Utc>) -> Answer {
        if reports.is_empty() {
            return Answer::Taken;
        }
        let mut lookup = Lookup::new(words());
        reports.iter().for_each(|report| self.book.note(report, &mut lookup, Way::Told, now));
        let (book, fleet) = (self.book.clone(), self.fleet.clone());
        let kept = spawn_blocking(move || {
            let items = book.items(&fleet, now).map_err(|error| error.to_string())?;
            book.keep(now).map_err(|error| error.to_string())?;
            Ok::<_, String>(items)
        });
        match kept.await {
            Ok(Ok(items)) => self.push(None, items).await,
            Ok(Err(error)) => Answer::Again(error),
            Err(error) => Answer::Again(error.to_string()),
        }
    }

    async fn push(&self, sender: Option<Sender>, items: Vec<Item>) -> Answer {
        if items.is_empty() {
            return Answer::Taken;
        }
        match self.inbox.push(Parcel { sender, items }).await {
            Ok(_) => Answer::Taken,
            Err(error @ (InboxError::NotTaken | InboxError::Memory { .. })) => Answer::Again(error.to_string()),
        }
    }
}

/// A resource's alert as any other word of a resource.
fn report(alert: HealthAlert) -> Option<Report> {
    let id = resource(&alert.resource);
    Some(Report {
        kind: kind(&id)?,
        resource: id,
        region: String::new(),
        state: Some(alert.state),
        causes: alert.cause.into_iter().collect(),
        about: alert.details.unwrap_or_default(),
        since: alert.when,
    })
}

impl Answer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Taken | Self::Validated(_) => StatusCode::OK,
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Again(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
