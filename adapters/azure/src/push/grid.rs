//! Events of Event Grid: as CloudEvents, or in its own older schema; alone or several at once.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::availability::{Report, notification};

const HEALTH: &str = "microsoft.resourcenotifications.healthresources.";
const VALIDATION: &str = "microsoft.eventgrid.subscriptionvalidationevent";
const FAREWELL: &str = "microsoft.eventgrid.subscriptiondeletedevent";

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// How a resource does.
    Health(Report),
    /// Event Grid asks whether its events are wanted here; the code is to be sent back.
    Validation(String),
    /// A subscription was deleted.
    Farewell,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    /// As CloudEvents name it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// As the older schema does.
    event_type: Option<String>,
    #[serde(default)]
    data: Value,
}

/// The events of a body, each still to be read.
pub(super) fn events(body: Value) -> Vec<Value> {
    match body {
        Value::Array(events) => events,
        event => vec![event],
    }
}

/// Reads one event.
pub(super) fn read(event: Value, now: DateTime<Utc>) -> Result<Event, String> {
    let expected = "expected an event of Event Grid, as a CloudEvent or in its own schema";
    let sent: Sent = serde_json::from_value(event).map_err(|_| expected.to_owned())?;
    let kind = sent.kind.or(sent.event_type).ok_or(expected)?.to_lowercase();
    match kind.as_str() {
        VALIDATION => {
            let code = sent.data.get("validationCode").and_then(Value::as_str);
            code.map(|code| Event::Validation(code.to_owned()))
                .ok_or_else(|| "a validation without its code".to_owned())
        }
        FAREWELL => Ok(Event::Farewell),
        kind if kind.starts_with(HEALTH) => notification(sent.data, now).map(Event::Health),
        _ => Err("an event of another kind; subscribe this sidecar to Microsoft.ResourceNotifications.HealthResources"
            .to_owned()),
    }
}
