//! Texts and numbers as feeds write them: now as a string, now as a number, for one and the same member.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text as it was written, or a whole number in its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(String);

impl Written {
    /// The text as it stood there, without white space at its ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.trim()
    }

    /// Its value, if it is a whole number that fits.
    #[must_use]
    pub fn value(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }
}

/// What a member says; an empty one says nothing.
#[must_use]
pub fn said(member: &Option<Written>) -> Option<&str> {
    member.as_ref().map(Written::as_str).filter(|text| !text.is_empty())
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }

            /// Some programs write whole numbers with a fraction of zero.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Written, E> {
                if number.fract() == 0.0 { Ok(Written(format!("{number:.0}"))) } else { Err(E::custom("a fraction")) }
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written_and_nothing_else_is() {
        let value = |json: &str| serde_json::from_str::<Written>(json).ok().and_then(|written| written.value());
        for json in ["1340000000", "\"1340000000\"", "\" 1340000000 \"", "1340000000.0", "1.34e9"] {
            assert_eq!(value(json), Some(1_340_000_000), "{json}");
        }
        for json in ["1.5", "true", "null", "[]", "\"1e9\"", "99999999999999999999", "\"\""] {
            assert_eq!(value(json), None, "{json}");
        }
        assert_eq!(value("-7"), Some(-7));
    }
}
