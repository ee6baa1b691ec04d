//! Where events of AWS Health come from: the API of an account, or of a whole organisation. Health has two regions for the
//! world, of which one is active: if it fails, the other is asked.

use std::collections::BTreeMap;

use aws_sdk_health::primitives::DateTime as AwsTime;
use aws_sdk_health::types::{
    AffectedEntity, DateTimeRange, EntityFilter, Event, EventAccountFilter, EventDescription, EventFilter,
    EventStatusCode, OrganizationEvent, OrganizationEventFilter,
};
use chrono::{DateTime, Utc};
use entente_sidecar::account::Trouble;

use super::affected::Affected;
use super::event::HealthEvent;
use crate::account::api::{
    Api, DESCRIBE_AFFECTED_ACCOUNTS_FOR_ORGANIZATION, DESCRIBE_AFFECTED_ENTITIES,
    DESCRIBE_AFFECTED_ENTITIES_FOR_ORGANIZATION, DESCRIBE_EVENT_DETAILS, DESCRIBE_EVENT_DETAILS_FOR_ORGANIZATION,
    DESCRIBE_EVENTS, DESCRIBE_EVENTS_FOR_ORGANIZATION,
};
use crate::account::call::{Caller, Denied, pages};
use crate::account::time::time;

/// Events that one call names.
const BATCH: usize = 10;
/// The size of a page.
const PAGE: i32 = 100;
/// Resources of one event that are looked at; what an event with more of them hits is not counted.
const RESOURCES_MAX: usize = 5_000;
/// Accounts of one event whose resources are looked at.
const ACCOUNTS_MAX: usize = 100;

/// Where events come from.
pub(crate) struct Source {
    caller: Caller,
    regions: Vec<String>,
    /// Which region is asked.
    turn: usize,
    organisation: bool,
}

impl Source {
    /// The API of these regions, the active one first.
    pub(crate) fn new(caller: Caller, regions: Vec<String>, organisation: bool) -> Self {
        Self { caller, regions, turn: 0, organisation }
    }

    /// The provider's clock minus ours.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        self.caller.clients().skew().offset_ms()
    }

    /// Events that were written since then.
    pub(crate) async fn written_since(&mut self, from: DateTime<Utc>) -> Result<Vec<HealthEvent>, Denied> {
        let listed = self.listed(Some(from)).await;
        self.turned(listed)
    }

    /// Events that are open or to come, however old.
    pub(crate) async fn open(&mut self) -> Result<Vec<HealthEvent>, Denied> {
        let listed = self.listed(None).await;
        self.turned(listed)
    }

    /// The events of these names as they stand now, without their texts; none of those that AWS no longer keeps.
    pub(crate) async fn named(&mut self, arns: &[String]) -> Result<Vec<HealthEvent>, Denied> {
        let mut found = Vec::new();
        for batch in arns.chunks(BATCH) {
            let read = if self.organisation { self.named_across(batch).await } else { self.details(batch).await };
            found.extend(self.turned(read)?.into_values());
        }
        Ok(found)
    }

    /// The events with their texts and what they hit.
    pub(crate) async fn filled(&mut self, events: Vec<HealthEvent>) -> Result<Vec<HealthEvent>, Denied> {
        let mut filled = Vec::with_capacity(events.len());
        for batch in events.chunks(BATCH) {
            let read = if self.organisation { self.across(batch).await } else { self.alone(batch).await };
            filled.extend(self.turned(read)?);
        }
        Ok(filled)
    }

    /// A region that fails is not the active one, perhaps: the next call asks the other.
    fn turned<T>(&mut self, read: Result<T, Denied>) -> Result<T, Denied> {
        if let Err(denied) = &read
            && matches!(denied.trouble, Trouble::Unreachable | Trouble::Stalled | Trouble::Internal(_))
        {
            self.turn = self.turn.wrapping_add(1);
        }
        read
    }

    fn region(&self) -> &str {
        let turn = self.turn.checked_rem(self.regions.len()).unwrap_or_default();
        self.regions.get(turn).map_or_else(|| self.caller.clients().home(), String::as_str)
    }

    async fn listed(&self, from: Option<DateTime<Utc>>) -> Result<Vec<HealthEvent>, Denied> {
        let range = from.map(|from| DateTimeRange::builder().from(AwsTime::from_secs(from.timestamp())).build());
        let statuses = range.is_none().then(|| vec![EventStatusCode::Open, EventStatusCode::Upcoming]);
        let client = self.caller.clients().health(self.region()).await;
        if self.organisation {
            let filter =
                OrganizationEventFilter::builder().set_last_updated_time(range).set_event_status_codes(statuses);
            let filter = filter.build();
            let page = |token| {
                let call = client.describe_events_for_organization().filter(filter.clone()).max_results(PAGE);
                self.page(DESCRIBE_EVENTS_FOR_ORGANIZATION, call.set_next_token(token).send(), |page| {
                    (page.events().iter().map(of_organisation).collect(), page.next_token)
                })
            };
            return pages(page).await;
        }
        let filter = EventFilter::builder().set_last_updated_times(range.map(|range| vec![range]));
        let filter = filter.set_event_status_codes(statuses).build();
        let page = |token| {
            let call = client.describe_events().filter(filter.clone()).max_results(PAGE).set_next_token(token);
            self.page(DESCRIBE_EVENTS, call.send(), |page| {
                (page.events().iter().map(of_account).collect(), page.next_token)
            })
        };
        pages(page).await
    }

    /// One page of a list.
    async fn page<T, E, I>(
        &self,
        api: Api,
        call: impl Future<Output = Result<T, aws_sdk_health::error::SdkError<E>>>,
        read: impl FnOnce(T) -> (Vec<I>, Option<String>),
    ) -> Result<(Vec<I>, Option<String>), Denied>
    where
        E: aws_sdk_health::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.caller.call(api, self.region(), call).await.map(read)
    }

    /// A batch of an account's events.
    async fn alone(&self, batch: &[HealthEvent]) -> Result<Vec<HealthEvent>, Denied> {
        let arns: Vec<String> = batch.iter().map(|event| event.arn.clone()).collect();
        let mut filled = detailed(batch, &self.details(&arns).await?);
        if self.add_entities(&mut filled).await? {
            return Ok(filled);
        }
        if let [large] = filled.as_mut_slice() {
            large.affected.whole = false;
            return Ok(filled);
        }
        // One that hits very much says nothing of those beside it.
        for event in &mut filled {
            event.affected = Affected::default();
            let alone = std::slice::from_mut(event);
            let whole = self.add_entities(alone).await?;
            event.affected.whole = whole;
        }
        Ok(filled)
    }

    /// The events of these names, at most ten, with their texts.
    async fn details(&self, arns: &[String]) -> Result<Details, Denied> {
        let client = self.caller.clients().health(self.region()).await;
        let call = client.describe_event_details().set_event_arns(Some(arns.to_vec())).send();
        let details = self.caller.call(DESCRIBE_EVENT_DETAILS, self.region(), call).await?;
        let found = details.successful_set().iter();
        Ok(found.filter_map(|one| detail(one.event(), one.event_description())).collect())
    }

    /// Adds what these events hit; whether that is all.
    async fn add_entities(&self, events: &mut [HealthEvent]) -> Result<bool, Denied> {
        let arns = events.iter().map(|event| event.arn.clone()).collect();
        let Ok(filter) = EntityFilter::builder().set_event_arns(Some(arns)).build() else { return Ok(false) };
        let client = self.caller.clients().health(self.region()).await;
        let (mut token, mut seen) = (None, 0);
        events.iter_mut().for_each(|event| event.affected.whole = true);
        loop {
            let call = client.describe_affected_entities().filter(filter.clone()).max_results(PAGE);
            let call = call.set_next_token(token).send();
            let page = self.caller.call(DESCRIBE_AFFECTED_ENTITIES, self.region(), call).await?;
            seen += page.entities().len();
            page.entities().iter().for_each(|entity| add(events, entity));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() || seen > RESOURCES_MAX {
                return Ok(token.is_none());
            }
        }
    }

    /// A batch of an organisation's events.
    async fn across(&self, batch: &[HealthEvent]) -> Result<Vec<HealthEvent>, Denied> {
        let mut filled = Vec::with_capacity(batch.len());
        for event in batch {
            let accounts = self.accounts(&event.arn).await?;
            // What is public is described without an account, what is an account's with one.
            let account = accounts.first().filter(|_| event.scope.as_deref() != Some("PUBLIC"));
            let details = self.details_across(&event.arn, account).await?;
            let mut event = detailed(std::slice::from_ref(event), &details);
            let whole = self.entities_across(&mut event, &accounts).await?;
            filled.extend(event.into_iter().map(|mut event| {
                event.affected.accounts = Some(accounts.len() as u64);
                event.affected.whole &= whole;
                event.affected.names.extend(accounts.iter().cloned());
                event
            }));
        }
        Ok(filled)
    }

    /// Events of an organisation by their names.
    async fn named_across(&self, arns: &[String]) -> Result<Details, Denied> {
        let mut found = Details::new();
        for arn in arns {
            let accounts = self.accounts(arn).await?;
            found.extend(self.details_across(arn, accounts.first()).await?);
        }
        Ok(found)
    }

    async fn accounts(&self, arn: &str) -> Result<Vec<String>, Denied> {
        let client = self.caller.clients().health(self.region()).await;
        let page = |token| {
            let call = client.describe_affected_accounts_for_organization().event_arn(arn).max_results(PAGE);
            self.page(DESCRIBE_AFFECTED_ACCOUNTS_FOR_ORGANIZATION, call.set_next_token(token).send(), |page| {
                (page.affected_accounts.unwrap_or_default(), page.next_token)
            })
        };
        pages(page).await
    }

    /// An event of an organisation, with its text as one account is told it.
    async fn details_across(&self, arn: &str, account: Option<&String>) -> Result<Details, Denied> {
        let filter = EventAccountFilter::builder().event_arn(arn).set_aws_account_id(account.cloned());
        let Ok(filter) = filter.build() else { return Ok(Details::new()) };
        let client = self.caller.clients().health(self.region()).await;
        let call = client.describe_event_details_for_organization().organization_event_detail_filters(filter).send();
        let details = self.caller.call(DESCRIBE_EVENT_DETAILS_FOR_ORGANIZATION, self.region(), call).await?;
        let found = details.successful_set().iter();
        Ok(found.filter_map(|one| detail(one.event(), one.event_description())).collect())
    }

    /// Adds what the event hits in each account; whether that is all.
    #[expect(deprecated, reason = "the filter that replaces it asks for one status at a time")]
    async fn entities_across(&self, event: &mut [HealthEvent], accounts: &[String]) -> Result<bool, Denied> {
        let Some(arn) = event.first().map(|event| event.arn.clone()) else { return Ok(true) };
        let client = self.caller.clients().health(self.region()).await;
        let (mut seen, mut whole) = (0, accounts.len() <= ACCOUNTS_MAX);
        event.iter_mut().for_each(|event| event.affected.whole = true);
        for batch in accounts.get(..accounts.len().min(ACCOUNTS_MAX)).unwrap_or_default().chunks(BATCH) {
            let filter =
                |account: &String| EventAccountFilter::builder().event_arn(&arn).aws_account_id(account).build();
            let filters: Vec<EventAccountFilter> = batch.iter().filter_map(|account| filter(account).ok()).collect();
            let mut token = None;
            loop {
                let call = client.describe_affected_entities_for_organization().max_results(PAGE);
                let call = call.set_organization_entity_filters(Some(filters.clone())).set_next_token(token).send();
                let page = self.caller.call(DESCRIBE_AFFECTED_ENTITIES_FOR_ORGANIZATION, self.region(), call).await?;
                seen += page.entities().len();
                page.entities().iter().for_each(|entity| add(event, entity));
                whole &= page.failed_set().is_empty();
                token = page.next_token.filter(|token| !token.is_empty());
                if seen > RESOURCES_MAX {
                    return Ok(false);
                }
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(whole)
    }
}

/// Events by their names, with their texts.
type Details = BTreeMap<String, HealthEvent>;

fn detail(event: Option<&Event>, text: Option<&EventDescription>) -> Option<(String, HealthEvent)> {
    let text = text.and_then(EventDescription::latest_description).map(str::to_owned);
    let event = HealthEvent { text, ..of_account(event?) };
    Some((event.arn.clone(), event))
}

/// The events of a list, each as its details have it, which are the newer.
fn detailed(batch: &[HealthEvent], details: &Details) -> Vec<HealthEvent> {
    let detailed = |event: &HealthEvent| {
        let mut event =
            details.get(&event.arn).filter(|detail| detail.updated >= event.updated).unwrap_or(event).clone();
        event.text = details.get(&event.arn).and_then(|detail| detail.text.clone());
        if event.text.is_none() {
            event.unread.push("AWS gave no description of the event".to_owned());
        }
        event
    };
    batch.iter().map(detailed).collect()
}

/// Counts a resource with the event that hits it; where only one was asked for, with that. One that belongs nowhere may be
/// any event's.
fn add(events: &mut [HealthEvent], entity: &AffectedEntity) {
    let alone = events.len() == 1 && entity.event_arn().is_none();
    let of = events.iter_mut().find(|event| alone || entity.event_arn() == Some(event.arn.as_str()));
    let Some(event) = of else {
        return events.iter_mut().for_each(|event| event.affected.whole = false);
    };
    event.affected.add(entity.entity_value().unwrap_or_default(), entity.status_code().map(|status| status.as_str()));
    event.affected.names.extend(entity.entity_arn().map(str::to_owned));
}

fn of_account(event: &Event) -> HealthEvent {
    HealthEvent {
        arn: event.arn().unwrap_or_default().to_owned(),
        service: event.service().map(str::to_owned),
        code: event.event_type_code().map(str::to_owned),
        category: event.event_type_category().map(|word| word.as_str().to_owned()),
        scope: event.event_scope_code().map(|word| word.as_str().to_owned()),
        region: event.region().map(str::to_owned),
        zone: event.availability_zone().map(str::to_owned),
        status: event.status_code().map(|word| word.as_str().to_owned()),
        start: event.start_time().and_then(time),
        end: event.end_time().and_then(time),
        updated: event.last_updated_time().and_then(time),
        ..HealthEvent::default()
    }
}

fn of_organisation(event: &OrganizationEvent) -> HealthEvent {
    HealthEvent {
        arn: event.arn().unwrap_or_default().to_owned(),
        service: event.service().map(str::to_owned),
        code: event.event_type_code().map(str::to_owned),
        category: event.event_type_category().map(|word| word.as_str().to_owned()),
        scope: event.event_scope_code().map(|word| word.as_str().to_owned()),
        region: event.region().map(str::to_owned),
        status: event.status_code().map(|word| word.as_str().to_owned()),
        start: event.start_time().and_then(time),
        end: event.end_time().and_then(time),
        updated: event.last_updated_time().and_then(time),
        ..HealthEvent::default()
    }
}
