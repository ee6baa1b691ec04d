//! Whether each call that the feeds make is permitted, tried once. What AWS refuses for any other reason than who asks, it
//! would have let through: a handle of no message, an execution that is none.

use entente_sidecar::account::{Check, Feed, Trouble};
use entente_sidecar::poll::Failure;

use super::api::{
    Api, CHANGE_MESSAGE_VISIBILITY, DELETE_MESSAGE, DESCRIBE_AFFECTED_ACCOUNTS_FOR_ORGANIZATION,
    DESCRIBE_AFFECTED_ENTITIES, DESCRIBE_AFFECTED_ENTITIES_FOR_ORGANIZATION, DESCRIBE_AUTOMATION_EXECUTIONS,
    DESCRIBE_EVENT_DETAILS, DESCRIBE_EVENT_DETAILS_FOR_ORGANIZATION, DESCRIBE_EVENTS, DESCRIBE_EVENTS_FOR_ORGANIZATION,
    DESCRIBE_INSTANCE_STATUS, DESCRIBE_INSTANCES, DESCRIBE_REGIONS, GET_AUTOMATION_EXECUTION, RECEIVE_MESSAGE,
};
use super::call::{Caller, Denied};
use super::config::{Events, Health};
use super::events::no_queue;

/// The smallest page that EC2 gives.
const SMALL: i32 = 5;
/// An event, an execution and a message that do not exist.
const NO_EVENT: &str = "arn:aws:health:us-east-1::event/EC2/AWS_EC2_NONE/AWS_EC2_NONE_0";
const NO_EXECUTION: &str = "00000000-0000-0000-0000-000000000000";
const NO_HANDLE: &str = "none";

/// A call that was permitted, whatever it found.
fn permitted<T>(answer: Result<T, Denied>) -> Result<(), Failure> {
    match answer {
        Ok(_) => Ok(()),
        Err(denied) if denied.trouble == Trouble::Unreadable && !denied.word.is_empty() => Ok(()),
        Err(denied) => Err(denied.into()),
    }
}

/// A check that makes one call.
macro_rules! check {
    ($caller:expr, $feed:expr, $api:expr, $service:ident, $region:expr, |$client:ident| $call:expr) => {{
        let (caller, region, api): (Caller, String, Api) = ($caller.clone(), $region, $api);
        let feed = $feed.to_owned();
        Check::new($feed, api.name, api.permission, async move {
            let $client = caller.clients().$service(&region).await;
            let answer = caller.call(api, &region, $call).await;
            let no_queue = answer.as_ref().err().and_then(|denied| no_queue(denied, &region, &feed));
            no_queue.map_or_else(|| permitted(answer), Err)
        })
    }};
}

/// The region that stands for all: the first of the settings, else the one that is asked for the others.
fn first(caller: &Caller, regions: &[String]) -> String {
    regions.first().map_or_else(|| caller.clients().home(), String::as_str).to_owned()
}

/// Which regions there are is asked where the settings do not say.
fn unnamed(caller: &Caller, feed: &str, regions: &[String]) -> Option<Check> {
    regions.is_empty().then(|| {
        let home = caller.clients().home().to_owned();
        check!(caller, feed, DESCRIBE_REGIONS, ec2, home, |client| client.describe_regions().send())
    })
}

pub(super) fn ec2(caller: &Caller, regions: &[String]) -> Vec<Check> {
    let (feed, region) = ("aws-ec2", first(caller, regions));
    let mut checks = vec![
        check!(caller, feed, DESCRIBE_INSTANCE_STATUS, ec2, region.clone(), |client| {
            client.describe_instance_status().max_results(SMALL).send()
        }),
        check!(caller, feed, DESCRIBE_INSTANCES, ec2, region, |client| {
            client.describe_instances().max_results(SMALL).send()
        }),
    ];
    checks.extend(unnamed(caller, feed, regions));
    checks
}

pub(super) fn ssm(caller: &Caller, regions: &[String]) -> Vec<Check> {
    let (feed, region) = ("aws-ssm", first(caller, regions));
    let mut checks = vec![
        check!(caller, feed, DESCRIBE_AUTOMATION_EXECUTIONS, ssm, region.clone(), |client| {
            client.describe_automation_executions().max_results(1).send()
        }),
        check!(caller, feed, GET_AUTOMATION_EXECUTION, ssm, region, |client| {
            client.get_automation_execution().automation_execution_id(NO_EXECUTION).send()
        }),
    ];
    checks.extend(unnamed(caller, feed, regions));
    checks
}

pub(super) fn health(caller: &Caller, feed: &Feed<Health>) -> Vec<Check> {
    let region = first(caller, &feed.own.regions);
    if feed.own.organisation { organisation(caller, &feed.slug, &region) } else { account(caller, &feed.slug, &region) }
}

fn account(caller: &Caller, feed: &str, region: &str) -> Vec<Check> {
    use aws_sdk_health::types::EntityFilter;
    vec![
        check!(caller, feed, DESCRIBE_EVENTS, health, region.to_owned(), |client| {
            client.describe_events().max_results(10).send()
        }),
        check!(caller, feed, DESCRIBE_EVENT_DETAILS, health, region.to_owned(), |client| {
            client.describe_event_details().event_arns(NO_EVENT).send()
        }),
        check!(caller, feed, DESCRIBE_AFFECTED_ENTITIES, health, region.to_owned(), |client| {
            let filter = EntityFilter::builder().event_arns(NO_EVENT).build().ok();
            client.describe_affected_entities().set_filter(filter).send()
        }),
    ]
}

#[expect(deprecated, reason = "the filter that the feed uses")]
fn organisation(caller: &Caller, feed: &str, region: &str) -> Vec<Check> {
    use aws_sdk_health::types::EventAccountFilter;
    let filter = || EventAccountFilter::builder().event_arn(NO_EVENT).build().ok().map(|filter| vec![filter]);
    vec![
        check!(caller, feed, DESCRIBE_EVENTS_FOR_ORGANIZATION, health, region.to_owned(), |client| {
            client.describe_events_for_organization().max_results(10).send()
        }),
        check!(caller, feed, DESCRIBE_EVENT_DETAILS_FOR_ORGANIZATION, health, region.to_owned(), |client| {
            client.describe_event_details_for_organization().set_organization_event_detail_filters(filter()).send()
        }),
        check!(caller, feed, DESCRIBE_AFFECTED_ACCOUNTS_FOR_ORGANIZATION, health, region.to_owned(), |client| {
            client.describe_affected_accounts_for_organization().event_arn(NO_EVENT).send()
        }),
        check!(caller, feed, DESCRIBE_AFFECTED_ENTITIES_FOR_ORGANIZATION, health, region.to_owned(), |client| {
            client.describe_affected_entities_for_organization().set_organization_entity_filters(filter()).send()
        }),
    ]
}

pub(super) fn events(caller: &Caller, feed: &Feed<Events>) -> Vec<Check> {
    let region = feed.own.region().unwrap_or_else(|| caller.clients().home().to_owned());
    let url = || feed.own.queue_url.clone();
    let (receive, delete, hide) = (url(), url(), url());
    vec![
        check!(caller, &feed.slug, RECEIVE_MESSAGE, sqs, region.clone(), |client| {
            // What it finds stays to be seen by the feed.
            client.receive_message().queue_url(receive).max_number_of_messages(1).visibility_timeout(0).send()
        }),
        check!(caller, &feed.slug, DELETE_MESSAGE, sqs, region.clone(), |client| {
            client.delete_message().queue_url(delete).receipt_handle(NO_HANDLE).send()
        }),
        check!(caller, &feed.slug, CHANGE_MESSAGE_VISIBILITY, sqs, region, |client| {
            client.change_message_visibility().queue_url(hide).receipt_handle(NO_HANDLE).visibility_timeout(0).send()
        }),
    ]
}
