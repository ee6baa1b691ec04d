//! What is asked, whichever of AWS's four protocols asks it: the operation, the region that the signature names, and the
//! input as one tree.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// EC2: a form in, XML out.
    Query,
    /// Health: Smithy RPC v2, CBOR both ways.
    Cbor,
    /// SQS and SSM: JSON both ways.
    Json {
        /// `application/x-amz-json-1.0` or `-1.1`.
        version: &'static str,
    },
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) protocol: Protocol,
    /// `ec2`, `health`, `sqs`, `ssm`.
    pub(super) service: &'static str,
    pub(super) operation: String,
    /// The region that the call was signed for.
    pub(super) region: String,
    /// When it was signed, by the caller's clock.
    pub(super) signed: Option<DateTime<Utc>>,
    pub(super) input: Value,
}

impl Call {
    /// Reads a call; none if it is of no protocol that is spoken here.
    pub(super) fn read(headers: &HeaderMap, uri: &Uri, body: &[u8]) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let region = text("authorization").and_then(signed_region).unwrap_or_else(|| "us-east-1".to_owned());
        let signed = text("x-amz-date").and_then(|date| NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").ok());
        let call = |protocol, service, operation: &str, input| Self {
            protocol,
            service,
            operation: operation.to_owned(),
            region,
            signed: signed.map(|signed| signed.and_utc()),
            input,
        };
        if let Some(operation) = uri.path().strip_prefix("/service/AWSHealth_20160804/operation/") {
            return Some(call(Protocol::Cbor, "health", operation, super::cbor::decode(body)?));
        }
        if let Some((service, operation)) = text("x-amz-target").and_then(|target| target.split_once('.')) {
            let (service, version) = match service {
                "AmazonSQS" => ("sqs", "application/x-amz-json-1.0"),
                "AmazonSSM" => ("ssm", "application/x-amz-json-1.1"),
                _ => return None,
            };
            return Some(call(Protocol::Json { version }, service, operation, serde_json::from_slice(body).ok()?));
        }
        let input = form(body);
        let operation = input.get("Action")?.as_str()?.to_owned();
        Some(call(Protocol::Query, "ec2", &operation, input))
    }

    /// The name that faults are ordered under: `ec2:DescribeInstanceStatus@us-east-1`.
    pub(super) fn name(&self) -> String {
        format!("{}:{}@{}", self.service, self.operation, self.region)
    }
}

/// `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/ec2/aws4_request, ...`
fn signed_region(authorization: &str) -> Option<String> {
    let scope = authorization.split("Credential=").nth(1)?.split(',').next()?;
    scope.split('/').nth(2).map(str::to_owned)
}

/// An object with the members of another beside its own.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}

/// A form with its numbered lists put together: `InstanceId.1`, `Filter.1.Name`, `Filter.1.Value.2`.
fn form(body: &[u8]) -> Value {
    let (mut members, mut lists, mut filters) = (Map::new(), BTreeMap::new(), BTreeMap::new());
    for (key, value) in url::form_urlencoded::parse(body) {
        match key.split('.').collect::<Vec<_>>().as_slice() {
            ["Filter", number, rest @ ..] => {
                let filter: &mut (String, Vec<String>) = filters.entry((*number).to_owned()).or_default();
                match rest {
                    ["Name"] => filter.0 = value.into_owned(),
                    _ => filter.1.push(value.into_owned()),
                }
            }
            [list, _number] => lists.entry(format!("{list}s")).or_insert_with(Vec::new).push(value.into_owned()),
            [member] => drop(members.insert((*member).to_owned(), scalar(&value))),
            _ => {}
        }
    }
    members.extend(lists.into_iter().map(|(list, values)| (list, json!(values))));
    let filters: Vec<Value> =
        filters.into_values().map(|(name, values)| json!({ "Name": name, "Values": values })).collect();
    if !filters.is_empty() {
        members.insert("Filters".to_owned(), json!(filters));
    }
    Value::Object(members)
}

fn scalar(text: &str) -> Value {
    match text {
        "true" | "false" => json!(text == "true"),
        _ => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_put_together() {
        let body = b"Action=DescribeInstanceStatus&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2&MaxResults=100\
            &Filter.1.Name=instance-status.status&Filter.1.Value.1=impaired&Filter.1.Value.2=ok&IncludeAllInstances=true";
        let expected = json!({
            "Action": "DescribeInstanceStatus", "Version": "2016-11-15", "InstanceIds": ["i-1", "i-2"],
            "MaxResults": 100, "IncludeAllInstances": true,
            "Filters": [{ "Name": "instance-status.status", "Values": ["impaired", "ok"] }],
        });
        assert_eq!(form(body), expected);
    }

    #[test]
    fn the_region_is_the_one_that_was_signed_for() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-3/ec2/aws4_request, SignedHeaders=host, Signature=0";
        assert_eq!(signed_region(header).as_deref(), Some("eu-west-3"));
        assert_eq!(signed_region("Bearer x"), None);
    }
}
