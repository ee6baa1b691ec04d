//! Texts and numbers as feeds write them: now as a string, now as a number, for one and the same member.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text or a whole number, kept as it was written.
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

            fn visit_i64<E: Error>(self, number: i64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
