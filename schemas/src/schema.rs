//! The JSON Schemas that publishers build against, made from the types; see also [`crate::asyncapi`]. The files in
//! `schemas/v1` are their text; a test refuses a difference.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::beat::Beat;
use crate::event::event_type;
use crate::family::Family;
use crate::tlp::Tlp;

/// The schema of one family's claim, closed: what it does not name, a publisher must not send.
pub(crate) fn of_claim<T: JsonSchema>(family: Family) -> Value {
    let token = family.token();
    let mut schema = generate::<T>(token, &format!("entente {token} claim, version 1.0"));
    if let Some(root) = schema.as_object_mut() {
        root.insert("additionalProperties".into(), json!(false));
    }
    schema
}

/// The schema of a type under its name, with what names it first.
fn generate<T: JsonSchema>(name: &str, title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut members = Map::new();
    members.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    members.insert("$id".into(), json!(format!("urn:entente:schema:{name}:1.0")));
    members.insert("title".into(), json!(title));
    if let Value::Object(of_type) = generator.into_root_schema_for::<T>().to_value() {
        members.extend(of_type.into_iter().filter(|(name, _)| !matches!(name.as_str(), "$schema" | "title")));
    }
    members.into()
}

/// The schema of the envelope around a claim of any family; closed, as the claims' schemas are.
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
            "id": { "type": "string", "pattern": ID, "description": "of a machine: 26 characters of base32 over universe, source, type, object id, revision and native digest; of a person: a UUIDv7, minted once" },
            "source": { "type": "string", "pattern": SOURCE, "description": "who transmits and signs: //<org>/<feed>/<ULID of the outbox>" },
            "type": { "enum": types },
            "subject": { "type": "string", "pattern": r"^[a-z]+/[^:\s]+:\S", "description": "<family>/<object id>" },
            "time": { "type": "string", "format": "date-time", "description": "when it occurred; absent if not stated" },
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "type": "string", "pattern": r"^urn:entente:schema:[a-z]+:1\.[0-9]+$" },
            "recordedtime": { "type": "string", "format": "date-time", "description": "when the event was made" },
            "sequence": { "type": "string", "minLength": 20, "maxLength": 20, "pattern": "^[0-9]*[1-9][0-9]*$", "description": "counts from 1 within source and audience" },
            "prevhash": { "type": "string", "pattern": HASH, "description": "SHA-256 of the source's previous payload in this audience; zeros at the start" },
            "causationid": { "type": "string", "pattern": "^[!-~]{1,64}$", "description": "the event that this one answers" },
            "traceparent": { "type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", "description": "W3C trace context" },
            "universe": { "type": "string", "pattern": "^(actual|test|exercise(-[a-z0-9][a-z0-9-]{0,23})?)$" },
            "audience": { "type": "string", "pattern": "^(all|g[a-z2-7]{16})$" },
            "tlp": { "enum": Tlp::WORDS },
            "data": { "type": "object", "description": "a claim of the family that `type` names" }
        },
        "additionalProperties": false,
        "allOf": [
            {
                "if": { "properties": { "audience": { "const": "all" } } },
                "then": { "properties": { "tlp": { "enum": words_for(true) } } }
            },
            {
                "if": { "properties": { "audience": { "pattern": "^g" } } },
                "then": { "properties": { "tlp": { "enum": words_for(false) } } }
            }
        ]
    })
}

const ID: &str = "^([a-z2-7]{26}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$";
const SOURCE: &str = "^//[a-z0-9][a-z0-9-]{0,23}/[a-z0-9][a-z0-9-]{0,39}/[0-7][0-9A-HJKMNP-TV-Z]{25}$";
const HASH: &str = "^[0-9a-f]{64}$";

fn words_for(all: bool) -> Vec<&'static str> {
    let fits = |word: &&str| word.parse::<Tlp>().is_ok_and(|tlp| tlp.fits_all() == all);
    Tlp::WORDS.iter().copied().filter(fits).collect()
}

/// The schema of a heartbeat.
#[must_use]
pub fn of_beat() -> Value {
    generate::<Beat>("beat", "entente heartbeat, version 1.0: what a feed's adapter says of itself")
}
