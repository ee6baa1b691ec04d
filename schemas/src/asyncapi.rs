//! The AsyncAPI 3.0 document: channels, their parameters, who sends and who receives, and every message with its headers.
//! `schemas/v1/asyncapi.yaml` is its text, beside the schemas that it refers to; a test refuses a difference.

use serde_json::{Map, Value, json};

use crate::event::{CONTENT_TYPE, PAYLOAD_MAX, event_type};
use crate::family::Family;

/// JSON Schema as the files beside the document are written in.
const FORMAT: &str = "application/schema+json;version=draft-2020-12";

/// The document. Files beside it are referred to by name.
#[must_use]
pub fn document() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Entente bus",
            "version": "1.0.0",
            "description": "Claims of rivals about one incident. One event is one speaker's whole current claim about one object.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" }
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "claims": {
                "address": "entente.{universe}.{audience}.{org}.{feed}.{family}.{object}",
                "description": "The log: one subject for each object of a feed, always seven tokens, 255 bytes at most.",
                "parameters": parameters(&["universe", "audience", "org", "feed", "family", "object"]),
                "messages": references()
            },
            "beats": {
                "address": "beat.{universe}.{audience}.{org}.{feed}",
                "description": "Telemetry of the adapters, every 30 seconds, unsigned; the last of each feed is kept.",
                "parameters": parameters(&["universe", "audience", "org", "feed"]),
                "messages": { "beat": { "$ref": "#/components/messages/beat" } }
            }
        },
        "operations": {
            "publishClaim": operation("send", "claims"),
            "readClaims": operation("receive", "claims"),
            "publishBeat": operation("send", "beats"),
            "readBeats": operation("receive", "beats")
        },
        "components": { "messages": messages(), "parameters": all_parameters() }
    })
}

fn operation(action: &str, channel: &str) -> Value {
    json!({ "action": action, "channel": { "$ref": format!("#/channels/{channel}") } })
}

fn all_parameters() -> Value {
    let families: Vec<&str> = Family::ALL.iter().map(|family| family.token()).collect();
    json!({
        "universe": { "description": "actual, exercise, test, or exercise-<slug>" },
        "audience": { "description": "all, or g and 16 characters of base32: the opaque id of one sharing group" },
        "org": { "description": "slug of the transmitting organisation: a-z, 0-9 and -, 24 characters at most" },
        "feed": { "description": "slug of the feed, 40 characters at most; desk for people" },
        "family": { "description": "the family of the claim", "enum": families },
        "object": { "description": "object id in one token: bytes outside A-Z, a-z, 0-9, - and _ as =HH; over 120 bytes ~ and 26 characters of its hash" }
    })
}

fn parameters(names: &[&str]) -> Value {
    let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/parameters/{name}") }));
    names.iter().map(reference).collect::<Map<_, _>>().into()
}

fn references() -> Value {
    let reference = |family: &Family| {
        (family.token().to_owned(), json!({ "$ref": format!("#/components/messages/{}", family.token()) }))
    };
    Family::ALL.iter().map(reference).collect::<Map<_, _>>().into()
}

fn messages() -> Value {
    let mut messages: Map<String, Value> =
        Family::ALL.iter().map(|family| (family.token().to_owned(), claim(*family))).collect();
    messages.insert("beat".to_owned(), beat());
    messages.into()
}

fn claim(family: Family) -> Value {
    let token = family.token();
    json!({
        "name": event_type(family),
        "title": format!("{token} claim"),
        "summary": format!("The payload has {PAYLOAD_MAX} bytes at most and is signed, stored and read as it was sent."),
        "contentType": CONTENT_TYPE,
        "headers": headers(),
        "payload": { "schemaFormat": FORMAT, "schema": {
            "allOf": [
                { "$ref": "./envelope.schema.json" },
                { "properties": {
                    "type": { "const": event_type(family) },
                    "subject": { "pattern": format!("^{token}/") },
                    "dataschema": { "pattern": format!(r"^urn:entente:schema:{token}:1\.") },
                    "data": { "$ref": format!("./{token}.schema.json") }
                } }
            ]
        } }
    })
}

fn headers() -> Value {
    json!({
        "type": "object",
        "required": ["Content-Type", "Entente-Key", "Entente-Signature", "Nats-Msg-Id"],
        "properties": {
            "Content-Type": { "const": CONTENT_TYPE },
            "Entente-Key": { "type": "string", "pattern": "^U[A-Z2-7]{55}$", "description": "the transmitter's public NKey" },
            "Entente-Signature": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{86}$",
                "description": "Ed25519 over the DSSE pre-authentication encoding of the payload, base64url without padding"
            },
            "Nats-Msg-Id": {
                "type": "string",
                "pattern": "^[a-z2-7]{26}$",
                "description": "the first 26 characters of base32-lower SHA-256 over the 64 bytes of the signature"
            }
        }
    })
}

fn beat() -> Value {
    json!({
        "name": "beat",
        "title": "heartbeat of a feed's adapter",
        "contentType": "application/json",
        "payload": { "schemaFormat": FORMAT, "schema": { "$ref": "./beat.schema.json" } }
    })
}
