//! Recorded calls: cassettes of a recorder, and the examples of the specification, each answered at the path at which it
//! was recorded. Several answers to one call are given in their order; the last of them stays.

use serde_json::Value;

use super::stage::set;

/// A recorded answer.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) method: String,
    /// In lower case, without the query.
    pub(super) path: String,
    /// Whether the call asked for the instance view.
    pub(super) expanded: bool,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Why a value cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayError {
    /// Neither a cassette nor an example.
    Shape,
    /// An example of a call that the double does not know.
    Operation,
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shape => "expected a cassette with `interactions`, or an example with `operationId` and `responses`",
            Self::Operation => "the example is of an operation at which the double does not know where it is called",
        })
    }
}

impl std::error::Error for ReplayError {}

pub(super) fn read(recorded: &Value, subscriptions: &[String]) -> Result<Vec<Recorded>, ReplayError> {
    if let Some(interactions) = recorded["interactions"].as_array() {
        return interactions.iter().map(interaction).collect();
    }
    example(recorded, subscriptions.first().map_or("", String::as_str))
}

fn interaction(call: &Value) -> Result<Recorded, ReplayError> {
    let text = |at: &str| call.pointer(at).and_then(Value::as_str).ok_or(ReplayError::Shape);
    let uri = text("/request/uri")?;
    let target = uri.split_once("://").and_then(|(_, rest)| rest.split_once('/')).ok_or(ReplayError::Shape)?.1;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let status = call.pointer("/response/status/code").and_then(Value::as_u64);
    let body = call.pointer("/response/body").ok_or(ReplayError::Shape)?;
    Ok(Recorded {
        method: text("/request/method")?.to_uppercase(),
        path: format!("/{}", path.to_lowercase()),
        expanded: query.to_lowercase().contains("expand=instanceview"),
        status: status.and_then(|code| u16::try_from(code).ok()).ok_or(ReplayError::Shape)?,
        body: body.get("data").unwrap_or(body).clone(),
    })
}

/// An example is answered in the first subscription; the page that its link leads to is empty.
fn example(recorded: &Value, subscription: &str) -> Result<Vec<Recorded>, ReplayError> {
    let operation = recorded["operationId"].as_str().ok_or(ReplayError::Shape)?;
    let health = "/providers/microsoft.resourcehealth";
    let tracking = recorded.pointer("/parameters/eventTrackingId").and_then(Value::as_str).unwrap_or_default();
    let tracking = tracking.to_lowercase();
    let path = match operation {
        "AvailabilityStatuses_ListBySubscriptionId" => {
            format!("/subscriptions/{subscription}{health}/availabilitystatuses")
        }
        "Events_ListBySubscriptionId" => format!("/subscriptions/{subscription}{health}/events"),
        "Events_ListByTenantId" => format!("{health}/events"),
        "ImpactedResources_ListBySubscriptionIdAndEventId" => {
            format!("/subscriptions/{subscription}{health}/events/{tracking}/impactedresources")
        }
        "ImpactedResources_ListByTenantIdAndEventId" => format!("{health}/events/{tracking}/impactedresources"),
        "EmergingIssues_Get" => format!("{health}/emergingissues/default"),
        _ => return Err(ReplayError::Operation),
    };
    let mut body = recorded.pointer("/responses/200/body").cloned().ok_or(ReplayError::Shape)?;
    if body.get("nextLink").is_some_and(Value::is_string) {
        let link = format!("https://management.azure.com{path}?api-version=2025-05-01&$skipToken=end");
        set(&mut body, "nextLink", link);
    }
    Ok(vec![Recorded { method: "GET".to_owned(), path: path.to_lowercase(), expanded: false, status: 200, body }])
}
