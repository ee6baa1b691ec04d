//! Health: events that a script tells, with their texts and the resources that they hit, as one account and as an
//! organisation sees them; or the word that the account's support plan has none of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::page::{Page, Size, page};
use super::reply::Refusal;
use super::time::stated;

const PAGES: Size = Size { member: "maxResults", token: "nextToken", bounds: (10, 100), unasked: 10 };
/// Names of events that one call may carry.
const EVENTS_MAX: usize = 10;

/// A resource that an event hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// `i-…`, `vol-…`, an ARN, `AWS_ACCOUNT`, `UNKNOWN`.
    pub value: String,
    /// The account that it is of.
    pub account: String,
    /// `IMPAIRED`, `UNIMPAIRED`, `UNKNOWN`, `PENDING`, `RESOLVED`; older events state none.
    pub status: Option<&'static str>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthEvent {
    /// Its name.
    pub arn: String,
    /// `EC2`.
    pub service: String,
    /// `AWS_EC2_OPERATIONAL_ISSUE`.
    pub code: String,
    /// `issue`, `accountNotification`, `scheduledChange`, `investigation`.
    pub category: &'static str,
    /// `PUBLIC`, `ACCOUNT_SPECIFIC`, `NONE`.
    pub scope: &'static str,
    /// `us-east-1`, `global`.
    pub region: String,
    /// `open`, `closed`, `upcoming`.
    pub status: &'static str,
    /// When it began.
    pub start: DateTime<Utc>,
    /// When it ended.
    pub end: Option<DateTime<Utc>>,
    /// When it was last written.
    pub updated: DateTime<Utc>,
    /// The newest description.
    pub text: String,
    /// What it hits.
    pub entities: Vec<Entity>,
}

/// What Health tells.
#[derive(Debug)]
pub struct Health {
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    events: Vec<HealthEvent>,
    plan: bool,
    /// Accounts whose resources are not told.
    closed: BTreeSet<String>,
}

impl Default for Health {
    fn default() -> Self {
        Self { told: Mutex::new(Told { events: Vec::new(), plan: true, closed: BTreeSet::new() }) }
    }
}

impl Health {
    /// Tells of an event, in place of what was told under its name before.
    pub fn tell(&self, event: HealthEvent) {
        crate::secret::serve(event.entities.iter().flat_map(|entity| [entity.value.clone(), entity.account.clone()]));
        let mut told = self.lock();
        told.events.retain(|known| known.arn != event.arn);
        told.events.push(event);
    }

    /// Every resource and account that is told of.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let told = self.lock();
        let entities = told.events.iter().flat_map(|event| &event.entities);
        entities.flat_map(|entity| [entity.value.clone(), entity.account.clone()]).collect()
    }

    /// Whether the account's support plan holds the API; it does until told otherwise.
    pub fn set_plan(&self, holds: bool) {
        self.lock().plan = holds;
    }

    /// An organisation is not told any more what an event hits in this account.
    pub fn close_account(&self, account: &str) {
        self.lock().closed.insert(account.to_owned());
    }

    pub(super) fn answer(&self, call: &Call) -> Result<Value, Refusal> {
        let told = self.lock();
        if !told.plan {
            return Err(Refusal::new(
                400,
                "SubscriptionRequiredException",
                "AWS Premium Support Subscription is required to use this service.",
            ));
        }
        let (events, input) = (&told.events, &call.input);
        match call.operation.as_str() {
            "DescribeEvents" => described(events, input, Scope::Account),
            "DescribeEventsForOrganization" => described(events, input, Scope::Organisation),
            "DescribeEventDetails" => details(events, &names(input, "/eventArns")?),
            "DescribeEventDetailsForOrganization" => details(events, &names(input, "/organizationEventDetailFilters")?),
            "DescribeAffectedEntities" => entities(&told, input, &names(input, "/filter/eventArns")?),
            "DescribeAffectedEntitiesForOrganization" => {
                let filters = ["/organizationEntityFilters", "/organizationEntityAccountFilters"];
                let given = filters.into_iter().find(|path| input.pointer(path).is_some());
                entities(&told, input, &names(input, given.unwrap_or_default())?)
            }
            "DescribeAffectedAccountsForOrganization" => accounts(events, input),
            "DescribeHealthServiceStatusForOrganization" => {
                Ok(json!({ "healthServiceAccessStatusForOrganization": "ENABLED" }))
            }
            other => Err(Refusal::new(400, "UnknownOperationException", other)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Account,
    Organisation,
}

/// The name of an event, and of the account whose part of it is asked for.
type Named = (String, Option<String>);

fn names(input: &Value, path: &str) -> Result<Vec<Named>, Refusal> {
    let given: Vec<&Value> = input.pointer(path).and_then(Value::as_array).into_iter().flatten().collect();
    if given.is_empty() || given.len() > EVENTS_MAX {
        return Err(Refusal::new(400, "ValidationException", &format!("1 to {EVENTS_MAX} events are expected.")));
    }
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
    let named = |value: &Value| match value.as_str() {
        Some(arn) => (arn.to_owned(), None),
        None => (text(value, "eventArn").unwrap_or_default(), text(value, "awsAccountId")),
    };
    Ok(given.into_iter().map(named).collect())
}

fn described(events: &[HealthEvent], input: &Value, scope: Scope) -> Result<Value, Refusal> {
    let mut kept: Vec<&HealthEvent> = events.iter().filter(|event| matches(event, input)).collect();
    kept.sort_by(|a, b| (b.updated, &b.arn).cmp(&(a.updated, &a.arn)));
    let Page { items, next } = page(kept, input, &PAGES)?;
    let items: Vec<Value> = items.into_iter().map(|event| in_short(event, scope)).collect();
    Ok(json!({ "events": items, "nextToken": next }))
}

fn in_short(event: &HealthEvent, scope: Scope) -> Value {
    json!({
        "arn": event.arn,
        "service": event.service,
        "eventTypeCode": event.code,
        "eventTypeCategory": event.category,
        "eventScopeCode": event.scope,
        "region": event.region,
        "startTime": stated(event.start),
        "endTime": event.end.map(stated),
        "lastUpdatedTime": stated(event.updated),
        "statusCode": event.status,
        "personas": (scope == Scope::Organisation).then_some(["OPERATIONS"]),
    })
}

/// Whether an event is one of those that are asked for.
fn matches(event: &HealthEvent, input: &Value) -> bool {
    let listed = |member: &str, value: &str| {
        let list = input.pointer(&format!("/filter/{member}")).and_then(Value::as_array);
        list.is_none_or(|list| list.iter().any(|one| one == value))
    };
    let since = ["/filter/lastUpdatedTimes/0/from", "/filter/lastUpdatedTime/from"];
    let since = since.into_iter().find_map(|path| input.pointer(path).and_then(Value::as_f64));
    listed("eventArns", &event.arn)
        && listed("eventStatusCodes", event.status)
        && listed("eventTypeCategories", event.category)
        && listed("regions", &event.region)
        && listed("services", &event.service)
        && since.is_none_or(|since| super::time::seconds(event.updated) >= since)
}

fn details(events: &[HealthEvent], named: &[Named]) -> Result<Value, Refusal> {
    let (mut good, mut failed) = (Vec::new(), Vec::new());
    for (arn, account) in named {
        match events.iter().find(|event| event.arn == *arn) {
            Some(event) => good.push(json!({
                "awsAccountId": account,
                "event": in_short(event, Scope::Account),
                "eventDescription": { "latestDescription": event.text },
            })),
            None => {
                failed.push(json!({ "eventArn": arn, "errorName": "InvalidEventArn", "errorMessage": "no such event" }))
            }
        }
    }
    Ok(json!({ "successfulSet": good, "failedSet": failed }))
}

fn entities(told: &Told, input: &Value, named: &[Named]) -> Result<Value, Refusal> {
    let (mut all, mut failed) = (Vec::new(), Vec::new());
    for (arn, account) in named {
        if let Some(account) = account.as_ref().filter(|account| told.closed.contains(*account)) {
            failed.push(json!({ "awsAccountId": account, "eventArn": arn, "errorName": "AccessDenied",
                "errorMessage": "the account is not part of the organisation" }));
            continue;
        }
        let event = told.events.iter().find(|event| event.arn == *arn);
        let hit = event.into_iter().flat_map(|event| event.entities.iter().map(move |entity| (event, entity)));
        let asked = hit.filter(|(_, entity)| account.as_ref().is_none_or(|account| *account == entity.account));
        all.extend(asked.map(|(event, entity)| in_full(event, entity)));
    }
    let Page { items, next } = page(all, input, &PAGES)?;
    Ok(json!({ "entities": items, "failedSet": failed, "nextToken": next }))
}

fn in_full(event: &HealthEvent, entity: &Entity) -> Value {
    json!({
        "entityArn": format!("arn:aws:health:{}:{}:entity/{:016x}", event.region, entity.account, entity.value.len()),
        "eventArn": event.arn,
        "entityValue": entity.value,
        "awsAccountId": entity.account,
        "lastUpdatedTime": stated(event.updated),
        "statusCode": entity.status,
        "tags": {},
    })
}

fn accounts(events: &[HealthEvent], input: &Value) -> Result<Value, Refusal> {
    let event = events.iter().find(|event| input.get("eventArn") == Some(&json!(event.arn)));
    let hit: BTreeSet<&String> =
        event.into_iter().flat_map(|event| &event.entities).map(|entity| &entity.account).collect();
    let Page { items, next } = page(hit.into_iter().collect(), input, &PAGES)?;
    Ok(json!({ "affectedAccounts": items, "eventScopeCode": event.map(|event| event.scope), "nextToken": next }))
}
