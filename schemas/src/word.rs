//! Closed vocabularies for writers, open ones for readers: a word that a later version adds is read as `Other`, never
//! refused, and the schema that publishers are held to lists the known words only.

/// Declares a vocabulary: an enum whose variants have one fixed word each, plus `Other` for words that this version does
/// not know; `Name or "other"` makes that a word that may be published too. Gives `WORDS`, `as_str`, `Display`, `FromStr` (exact, for publishers), serde (open) and JSON Schema (closed).
macro_rules! words {
    ($(#[$meta:meta])* $name:ident $(or $other:literal)? { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that this version does not know, or none of the others.
            #[default]
            Other,
        }

        impl $name {
            /// The words that a publisher may use, in the order of the schema.
            pub const WORDS: &'static [&'static str] = &[$($word,)+ $($other,)?];

            /// The word as it stands on the bus; `other` for one that this version does not know.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ Self::Other => "other" }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    $($other => Ok(Self::Other),)?
                    _ => Err(crate::word::UnknownWord { word: text.to_owned(), expected: Self::WORDS }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(crate::word::OpenWord(std::marker::PhantomData))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::WORDS })
            }
        }
    };
}
pub(crate) use words;

/// Reads a word as readers do, without copying it.
pub(crate) struct OpenWord<T>(pub(crate) std::marker::PhantomData<T>);

impl<T: std::str::FromStr + Default> serde::de::Visitor<'_> for OpenWord<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E>(self, word: &str) -> Result<T, E> {
        Ok(word.parse().unwrap_or_default())
    }
}

/// A word that stands in no vocabulary of this version, where a publisher used it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{word}`; expected one of: {}", expected.join(", "))]
pub struct UnknownWord {
    /// The word as it was given.
    pub word: String,
    /// The words that would have been taken.
    pub expected: &'static [&'static str],
}
