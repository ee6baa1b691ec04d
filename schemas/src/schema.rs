//! The JSON Schemas and the AsyncAPI document that publishers build against, made from the types. The files in
//! `schemas/v1` are their text; a test refuses a difference.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::beat::Beat;
use crate::event::{PAYLOAD_MAX, event_type};
use crate::family::Family;

/// The schema of one family's claim, closed: what it does not name, a publisher must not send.
pub(crate) fn of_claim<T: JsonSchema>(family: Family) -> Value {
    let mut schema = generate::<T>();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), json!(format!("urn:entente:schema:{}:1.0", family.token())));
        root.insert("title".into(), json!(format!("entente {} claim, version 1.0", family.token())));
        root.insert("additionalProperties".into(), json!(false));
    }
    schema
}

fn generate<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// The schema of the envelope around a claim of any family.
#[must_use]
pub fn of_envelope() -> Value {
    let types: Vec<String> = Family::ALL.iter().map(|family| event_type(*family)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:entente:schema:envelope:1.0",
        "title": "entente event, version 1.0: CloudEvents 1.0 JSON in structured mode",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "datacontenttype", "dataschema", "recordedtime",
            "sequence", "prevhash", "universe", "audience", "tlp", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "description": "machine: 26 characters of base32; person: UUIDv7" },
            "source": { "type": "string", "pattern": "^//[a-z0-9][a-z0-9-]{0,23}/[a-z0-9][a-z0-9-]{0,39}/[0-9A-Z]{26}$" },
            "type": { "enum": types },
            "subject": { "type": "string", "description": "<family>/<object id>" },
            "time": { "type": "string", "format": "date-time", "description": "when it occurred; absent if not stated" },
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "type": "string", "pattern": "^urn:entente:schema:[a-z]+:1\\.[0-9]+$" },
            "recordedtime": { "type": "string", "format": "date-time" },
            "sequence": { "type": "string", "pattern": "^[0-9]{20}$" },
            "prevhash": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
            "causationid": { "type": "string" },
            "traceparent": { "type": "string" },
            "universe": { "type": "string", "pattern": "^(actual|test|exercise(-[a-z0-9][a-z0-9-]{0,23})?)$" },
            "audience": { "type": "string", "pattern": "^(all|g[a-z2-7]{16})$" },
            "tlp": { "enum": crate::tlp::Tlp::WORDS },
            "data": { "type": "object", "description": "a claim of the family that `type` names" }
        }
    })
}

/// The schema of a heartbeat.
#[must_use]
pub fn of_beat() -> Value {
    let mut schema = generate::<Beat>();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), json!("urn:entente:schema:beat:1.0"));
    }
    schema
}

/// The AsyncAPI 3 document: channels, their parameters and messages.
#[must_use]
pub fn asyncapi() -> Value {
    let messages: serde_json::Map<String, Value> =
        Family::ALL.iter().map(|f| (f.token().to_owned(), message(*f))).collect();
    let references: serde_json::Map<String, Value> = Family::ALL
        .iter()
        .map(|f| (f.token().to_owned(), json!({ "$ref": format!("#/components/messages/{}", f.token()) })))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Entente bus",
            "version": "1.0.0",
            "description": "Claims of rivals about one incident. One event is one speaker's whole current claim about one object.",
            "license": { "name": "Apache-2.0" }
        },
        "defaultContentType": crate::event::CONTENT_TYPE,
        "channels": {
            "claims": {
                "address": "entente.{universe}.{audience}.{org}.{feed}.{family}.{object}",
                "parameters": parameters(),
                "messages": references
            },
            "beats": {
                "address": "beat.{universe}.{audience}.{org}.{feed}",
                "messages": { "beat": { "payload": { "$ref": "beat.schema.json" } } }
            }
        },
        "operations": {
            "publish": { "action": "send", "channel": { "$ref": "#/channels/claims" } },
            "read": { "action": "receive", "channel": { "$ref": "#/channels/claims" } },
            "beat": { "action": "send", "channel": { "$ref": "#/channels/beats" } }
        },
        "components": { "messages": messages }
    })
}

fn parameters() -> Value {
    json!({
        "universe": { "description": "actual, exercise, test, or exercise-<slug>" },
        "audience": { "description": "all, or the opaque id of one sharing group" },
        "org": { "description": "slug of the transmitting organisation" },
        "feed": { "description": "slug of the feed, desk for people" },
        "family": { "enum": Family::ALL.iter().map(|f| f.token()).collect::<Vec<_>>() },
        "object": { "description": "object id; bytes outside A-Za-z0-9-_ as =HH, or ~ and 26 characters of its hash" }
    })
}

fn message(family: Family) -> Value {
    json!({
        "name": event_type(family),
        "contentType": crate::event::CONTENT_TYPE,
        "summary": format!("claim of family {}; payload at most {PAYLOAD_MAX} bytes", family.token()),
        "headers": {
            "type": "object",
            "required": ["Content-Type", "Entente-Key", "Entente-Signature", "Nats-Msg-Id"],
            "properties": {
                "Content-Type": { "const": crate::event::CONTENT_TYPE },
                "Entente-Key": { "type": "string", "pattern": "^U[A-Z2-7]{55}$" },
                "Entente-Signature": { "type": "string", "description": "Ed25519 over the DSSE encoding, base64url, no padding" },
                "Nats-Msg-Id": { "type": "string", "pattern": "^[a-z2-7]{26}$" }
            }
        },
        "payload": { "allOf": [
            { "$ref": "envelope.schema.json" },
            { "properties": { "data": { "$ref": format!("{}.schema.json", family.token()) } } }
        ]}
    })
}
