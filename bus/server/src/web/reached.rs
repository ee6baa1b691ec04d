//! A position of the log in an answer: a number while one stream is read, else `stream:sequence,...`.

use std::borrow::Cow;

use entente_schemas::record::Position;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// How far the log counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached(pub(crate) Position);

impl Serialize for Reached {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        match text.parse() {
            Ok(sequence) => serializer.serialize_u64(sequence),
            Err(_) => serializer.serialize_str(&text),
        }
    }
}

impl JsonSchema for Reached {
    fn schema_name() -> Cow<'static, str> {
        "Position".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Position of the log: the sequence while one stream is read, else `stream:sequence,...`.",
            "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }],
        })
    }
}
