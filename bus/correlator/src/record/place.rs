//! Where a record stands, as it is told: the bare sequence in the log that everybody reads, and the stream with it in the
//! log of a sharing group.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The place of a record: `120`, or `A_actual_g...:7` in a sharing group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The stream; empty for a place in nothing.
    pub stream: Arc<str>,
    /// The sequence in it.
    pub sequence: u64,
}

impl Place {
    /// The sequence alone, where it stands for the whole place.
    #[must_use]
    pub fn bare(&self) -> Option<u64> {
        let is_everybodys = self.stream.is_empty() || self.stream.ends_with("_all");
        is_everybodys.then_some(self.sequence)
    }
}

impl Default for Place {
    /// That of what stands nowhere.
    fn default() -> Self {
        Self { stream: "".into(), sequence: 0 }
    }
}

impl From<u64> for Place {
    /// A place in the log that everybody reads.
    fn from(sequence: u64) -> Self {
        Self { sequence, ..Self::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bare() {
            Some(sequence) => write!(f, "{sequence}"),
            None => write!(f, "{}:{}", self.stream, self.sequence),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    /// Reads what [`Place`] prints; a bare sequence has no stream.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (stream, sequence) = text.rsplit_once(':').unwrap_or(("", text));
        let sequence = sequence.parse().map_err(|_| ())?;
        if text.starts_with(':') { Err(()) } else { Ok(Self { stream: stream.into(), sequence }) }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.bare() {
            Some(sequence) => serializer.serialize_u64(sequence),
            None => serializer.collect_str(self),
        }
    }
}

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Place in the log: the sequence, or `stream:sequence` in the log of a sharing group.",
            "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_told() {
        let place = |stream: &str, sequence| Place { stream: stream.into(), sequence };
        let group = place("A_actual_gaaaaaaaaaaaaaaaa", 7);
        assert_eq!(
            (place("A_actual_all", 120).to_string(), group.to_string()),
            ("120".into(), "A_actual_gaaaaaaaaaaaaaaaa:7".into())
        );
        assert_eq!((group.to_string().parse(), "120".parse()), (Ok(group.clone()), Ok(place("", 120))));
        for text in ["", ":7", "a", "A_actual_all:", "A_actual_all:x", "-1", "aws:018f-7"] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
        let json = |place: &Place| serde_json::to_string(place).unwrap();
        assert_eq!(
            (json(&place("A_actual_all", 120)), json(&group)),
            ("120".into(), "\"A_actual_gaaaaaaaaaaaaaaaa:7\"".into())
        );
    }
}
