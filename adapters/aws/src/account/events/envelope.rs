//! One message of the queue: an event as EventBridge delivers it, alone or several, its detail as an object or as a text, in
//! the envelope of a topic or bare. Pure. Of times there are two formats in one message.

use chrono::{DateTime, SecondsFormat, Utc};
use entente_sidecar::decode::ITEMS_MAX;
use entente_sidecar::item::Refusal;
use entente_sidecar::stamp::instant;
use entente_sidecar::written::{Written, said};
use serde::Deserialize;
use serde_json::Value;

use crate::account::health::{Affected, HealthEvent};

/// What EventBridge delivers.
#[derive(Deserialize)]
struct Envelope {
    #[serde(alias = "Source")]
    source: Option<String>,
    #[serde(rename = "detail-type", alias = "DetailType")]
    detail_type: Option<String>,
    account: Option<String>,
    #[serde(alias = "Time")]
    time: Option<String>,
    #[serde(alias = "Resources")]
    resources: Option<Vec<Value>>,
    #[serde(alias = "Detail")]
    detail: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_arn: Option<String>,
    service: Option<String>,
    event_type_code: Option<String>,
    event_type_category: Option<String>,
    event_scope_code: Option<String>,
    status_code: Option<String>,
    event_region: Option<String>,
    availability_zone: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    last_updated_time: Option<String>,
    communication_id: Option<String>,
    affected_account: Option<String>,
    page: Option<Written>,
    total_pages: Option<Written>,
    event_description: Option<Vec<Description>>,
    affected_entities: Option<Vec<Resource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    language: Option<String>,
    latest_description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    entity_value: Option<String>,
    #[serde(alias = "statusCode")]
    status: Option<String>,
}

/// One event of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The event, with what this page of it hits.
    pub(crate) event: HealthEvent,
    /// The account that it is told to; it stays in memory.
    pub(crate) account: String,
    /// Whether it is told of another account than the one that receives it.
    pub(crate) of_another: bool,
    /// What is the same of every copy and page of one statement.
    pub(crate) communication: String,
    /// Which page this is, from 1.
    pub(crate) page: u64,
    /// Of how many.
    pub(crate) pages: u64,
}

/// What a message holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Events of AWS Health.
    pub(crate) deliveries: Vec<Delivery>,
    /// What could not be read.
    pub(crate) refused: Vec<Refusal>,
}

/// Reads a message. What is of none of the `sources`, or no statement of AWS Health, is passed over.
pub(crate) fn read(body: &str, sources: &[String], observed: DateTime<Utc>) -> Content {
    let mut content = Content::default();
    let entries = match entries(body) {
        Ok(entries) => entries,
        Err(reason) => {
            content.refused.push(refusal(reason, body));
            return content;
        }
    };
    for entry in entries.into_iter().take(ITEMS_MAX) {
        match delivery(entry, sources, observed) {
            Ok(delivery) => content.deliveries.extend(delivery),
            Err(reason) => content.refused.push(refusal(reason, body)),
        }
    }
    content
}

fn refusal(reason: String, body: &str) -> Refusal {
    Refusal { reason, position: Some("a message of the queue".to_owned()), input: body.as_bytes().to_vec() }
}

/// The events of a message, however they are wrapped.
fn entries(body: &str) -> Result<Vec<Value>, String> {
    let expected = "expected an event of EventBridge in JSON";
    let value: Value = serde_json::from_str(body)
        .map_err(|error| format!("line {}, column {}: {expected}", error.line(), error.column()))?;
    match value {
        Value::Array(entries) => Ok(entries),
        Value::Object(members) => match (members.get("Type"), members.get("Message")) {
            // A topic of SNS stands between.
            (Some(Value::String(_)), Some(Value::String(inner))) => serde_json::from_str(inner)
                .map(|inner| vec![inner])
                .map_err(|_| format!("a topic's message: {expected}")),
            _ => Ok(vec![Value::Object(members)]),
        },
        _ => Err(expected.to_owned()),
    }
}

fn delivery(entry: Value, sources: &[String], observed: DateTime<Utc>) -> Result<Option<Delivery>, String> {
    // What the reader of JSON says of a value may name a resource, so it is not told.
    let shape = |_: serde_json::Error| "an event of EventBridge whose members have another shape".to_owned();
    let envelope: Envelope = serde_json::from_value(entry).map_err(shape)?;
    let source = envelope.source.as_deref().unwrap_or_default();
    let told = envelope.detail_type.as_deref() == Some("AWS Health Event");
    if !told || !sources.iter().any(|accepted| accepted == source) {
        return Ok(None);
    }
    let detail: Detail = match &envelope.detail {
        Some(Value::String(text)) => serde_json::from_str(text).map_err(shape)?,
        Some(detail) => serde_json::from_value(detail.clone()).map_err(shape)?,
        None => return Err("an event of EventBridge has no `detail`".to_owned()),
    };
    let receiver = envelope.account.clone().unwrap_or_default();
    let account = detail.affected_account.clone().unwrap_or_else(|| receiver.clone());
    let event = event(&envelope, &detail, observed);
    let communication = detail.communication_id.clone().unwrap_or_else(|| format!("{}@{:?}", event.arn, event.updated));
    let number = |member: &Option<Written>| {
        let number = said(member).and_then(|_| member.as_ref().and_then(Written::value));
        number.and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0).unwrap_or(1)
    };
    let (page, pages) = (number(&detail.page), number(&detail.total_pages));
    Ok(Some(Delivery { event, of_another: account != receiver, account, communication, page, pages }))
}

fn event(envelope: &Envelope, detail: &Detail, observed: DateTime<Utc>) -> HealthEvent {
    let mut unread = Vec::new();
    let mut time = |member: &str, text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let read = written(text, observed);
        if read.is_none() {
            unread.push(format!("member `{member}` is no time of this feed: RFC 2822 or RFC 3339 is expected"));
        }
        read
    };
    let (start, end) = (time("startTime", &detail.start_time), time("endTime", &detail.end_time));
    let updated = time("lastUpdatedTime", &detail.last_updated_time);
    // Older deliveries say only when they were sent.
    let updated = updated.or_else(|| time("time", &envelope.time));
    let arn = detail.event_arn.clone().unwrap_or_default();
    let mut affected = affected(detail);
    for name in envelope.resources.iter().flatten().filter_map(Value::as_str).take(ITEMS_MAX) {
        affected.hide(name);
    }
    HealthEvent {
        service: detail.service.clone(),
        code: detail.event_type_code.clone(),
        category: detail.event_type_category.clone(),
        scope: detail.event_scope_code.clone(),
        region: detail.event_region.clone().or_else(|| region_of(&arn)),
        zone: detail.availability_zone.clone(),
        status: detail.status_code.clone(),
        start,
        end,
        updated,
        text: text(detail),
        affected,
        arn,
        unread,
    }
}

/// The region that an ARN names; the envelope's own is where it was delivered.
fn region_of(arn: &str) -> Option<String> {
    arn.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned)
}

/// The description in English, else the first. Line ends come escaped twice.
fn text(detail: &Detail) -> Option<String> {
    let told = detail.event_description.as_deref().unwrap_or_default();
    let english = told.iter().find(|one| one.language.as_deref().is_some_and(|language| language.starts_with("en")));
    let text = english.or(told.first())?.latest_description.as_deref()?;
    Some(text.replace("\\n", "\n"))
}

fn affected(detail: &Detail) -> Affected {
    let mut affected = Affected { whole: true, ..Affected::default() };
    for resource in detail.affected_entities.iter().flatten().take(ITEMS_MAX) {
        affected.add(resource.entity_value.as_deref().unwrap_or_default(), resource.status.as_deref());
    }
    affected
}

/// `Thu, 1 Nov 2018 22:00:00 GMT`, whatever day of the week it names, or RFC 3339; to the second.
fn written(text: &str, observed: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let bare = text.split_once(", ").map_or(text, |(_, rest)| rest);
    let mail = DateTime::parse_from_rfc2822(bare).ok().map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let time = instant(mail.as_deref().unwrap_or(text), observed).ok()?;
    DateTime::from_timestamp(time.timestamp(), 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn delivered(message: &Value) -> Content {
        read(&message.to_string(), &["aws.health".to_owned()], at())
    }

    fn message(detail: Value) -> Value {
        json!({ "version": "0", "detail-type": "AWS Health Event", "source": "aws.health", "account": "011122335622",
            "time": "2018-11-01T22:00:07Z", "region": "us-west-2", "detail": detail })
    }

    fn detail() -> Value {
        json!({ "eventArn": "arn:aws:health:us-east-1::event/EC2/X/X_1", "service": "EC2", "eventTypeCode": "AWS_EC2_X",
            "eventTypeCategory": "issue", "startTime": "Thu, 1 Nov 2018 22:00:00 GMT",
            "eventDescription": [{ "language": "de_DE", "latestDescription": "a" }, { "language": "en_US", "latestDescription": "b\\nc" }],
            "affectedEntities": [{ "entityValue": "i-00ddbf07ce6372082", "status": "IMPAIRED" }] })
    }

    #[test]
    fn an_event_is_read_with_both_of_its_time_formats() {
        let content = delivered(&message(detail()));
        let delivery = &content.deliveries[0];
        let event = &delivery.event;
        assert_eq!(event.start, Some("2018-11-01T22:00:00Z".parse().unwrap()));
        assert_eq!(event.updated, Some("2018-11-01T22:00:07Z".parse().unwrap()));
        assert_eq!(event.region.as_deref(), Some("us-east-1"), "never that of the delivery");
        assert_eq!(event.text.as_deref(), Some("b\nc"));
        assert_eq!(event.affected.machines, [("IMPAIRED".to_owned(), 1)].into());
        assert_eq!((delivery.page, delivery.pages, delivery.of_another), (1, 1, false));
    }

    #[test]
    fn names_beside_the_event_are_known_as_names() {
        let mut named = message(detail());
        named["resources"] = json!(["ledger-archive | night-run", 7]);
        let names = &delivered(&named).deliveries[0].event.affected.names;
        assert!(names.contains("ledger-archive") && names.contains("night-run"), "{names:?}");
    }

    #[test]
    fn every_wrapping_holds_the_same_event() {
        let bare = message(detail());
        let mut in_text = bare.clone();
        in_text["detail"] = json!(detail().to_string());
        let put = json!([{ "Source": "aws.health", "DetailType": "AWS Health Event", "Time": "2018-11-01T22:00:07Z",
            "account": "011122335622", "Detail": detail().to_string() }]);
        let topic = json!({ "Type": "Notification", "TopicArn": "x", "Message": bare.to_string() });
        for wrapped in [in_text, put, topic] {
            assert_eq!(delivered(&wrapped), delivered(&bare), "{wrapped}");
        }
    }

    #[test]
    fn a_copy_a_page_and_another_account_are_told_apart() {
        let mut given = detail();
        given["communicationId"] = json!("c1");
        (given["page"], given["totalPages"]) = (json!("2"), json!(3));
        (given["affectedAccount"], given["eventRegion"]) = (json!("644160558196"), json!("eu-west-1"));
        let content = delivered(&message(given));
        let delivery = &content.deliveries[0];
        assert_eq!((delivery.page, delivery.pages, delivery.communication.as_str()), (2, 3, "c1"));
        assert_eq!((delivery.of_another, delivery.account.as_str()), (true, "644160558196"));
        assert_eq!(delivery.event.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn what_is_not_meant_for_us_is_passed_over_and_what_cannot_be_read_is_refused() {
        let mut abuse = message(detail());
        abuse["detail-type"] = json!("AWS Health Abuse Event");
        let mut state = message(detail());
        state["source"] = json!("aws.ec2");
        for passed in [abuse, state, json!({}), json!([])] {
            assert_eq!(delivered(&passed), Content::default(), "{passed}");
        }
        let mut hollow = message(detail());
        hollow["detail"] = Value::Null;
        for refused in [hollow, message(json!("{")), message(json!({ "service": 7 })), json!(3)] {
            assert_eq!(delivered(&refused).refused.len(), 1, "{refused}");
        }
        assert_eq!(
            read("{", &[], at()).refused[0].reason,
            "line 1, column 1: expected an event of EventBridge in JSON"
        );
    }

    #[test]
    fn a_time_that_cannot_be_read_costs_itself_alone() {
        let mut given = detail();
        given["startTime"] = json!("Sat, 05 Jun 2016 15:10:09 GMT");
        given["endTime"] = json!("2018-11-27T01:30:00Z <<fill this time in GMT>>");
        let content = delivered(&message(given));
        let event = &content.deliveries[0].event;
        assert_eq!(event.start, Some("2016-06-05T15:10:09Z".parse().unwrap()), "a wrong day of the week is no harm");
        assert_eq!((event.end, event.unread.len()), (None, 1));
    }

    proptest! {
        #[test]
        fn no_message_brings_it_down(body in ".{0,200}", detail in ".{0,80}") {
            read(&body, &["aws.health".to_owned()], at());
            delivered(&message(json!(detail)));
        }
    }
}
