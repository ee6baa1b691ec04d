//! EC2's answers: members under the names that its XML has, lists as sets of items.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::time;

/// Names that are not the member's own with a small first letter.
const NAMES: [(&str, &str); 16] = [
    ("BlockDeviceMappings", "blockDeviceMapping"),
    ("Details", "details"),
    ("Endpoint", "regionEndpoint"),
    ("Events", "eventsSet"),
    ("Groups", "groupSet"),
    ("InstanceStatuses", "instanceStatusSet"),
    ("Instances", "instancesSet"),
    ("NetworkInterfaces", "networkInterfaceSet"),
    ("ProductCodes", "productCodes"),
    ("PublicDnsName", "dnsName"),
    ("PublicIpAddress", "ipAddress"),
    ("Regions", "regionInfo"),
    ("Reservations", "reservationSet"),
    ("SecurityGroups", "groupSet"),
    ("StateTransitionReason", "reason"),
    ("Tags", "tagSet"),
];

/// The answer of an operation.
pub(super) fn answer(operation: &str, members: &Value) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>00000000-0000-4000-8000-000000000000</requestId>"
    );
    if let Value::Object(members) = members {
        object(&mut out, members);
    }
    let _ = write!(out, "</{operation}Response>");
    out
}

/// A refusal.
pub(super) fn refusal(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>",
        escaped(code),
        escaped(message)
    )
}

fn object(out: &mut String, members: &Map<String, Value>) {
    // Only an instance has its state beside its id under this name; the state itself has other members.
    let instance = members.contains_key("InstanceId");
    for (key, value) in members {
        let name = if instance && key == "State" { "instanceState".to_owned() } else { tag(key) };
        element(out, &name, key, value);
    }
}

fn element(out: &mut String, name: &str, key: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let _ = write!(out, "<{name}>");
    match value {
        Value::Array(items) => items.iter().for_each(|item| element(out, "item", key, item)),
        value if time::read(key, value).is_some() => {
            out.push_str(&time::read(key, value).map(time::text).unwrap_or_default());
        }
        Value::Object(members) => object(out, members),
        Value::String(text) => out.push_str(&escaped(text)),
        other => out.push_str(&other.to_string()),
    }
    let _ = write!(out, "</{name}>");
}

fn tag(key: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(member, _)| *member == key) {
        return (*name).to_owned();
    }
    let mut letters = key.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_stand_under_the_names_that_the_xml_has() {
        let members = json!({ "Reservations": [{ "Instances": [{
            "InstanceId": "i-1", "State": { "Code": 16, "Name": "running" }, "StateTransitionReason": "a < b",
            "LaunchTime": "2026-01-01T00:00:00Z", "Tags": [] }] }], "NextToken": null });
        let xml = answer("DescribeInstances", &members);
        for part in [
            "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>",
            "<instanceState><code>16</code><name>running</name></instanceState>",
            "<reason>a &lt; b</reason>",
            "<launchTime>2026-01-01T00:00:00.000Z</launchTime><tagSet></tagSet>",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
        assert!(!xml.contains("nextToken"));
    }
}
