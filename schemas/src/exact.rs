//! JSON as every reader of the bus must take it: an object is an object and never a list in the order of its members, no
//! key stands twice in it, and members that are skipped are held to the same. Errors keep their line and column.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// What is done with members that a type does not name.
#[derive(Clone, Copy)]
pub(crate) enum Skipped {
    /// They are searched for duplicate keys as all else is.
    Checked,
    /// They are passed over, and no key is looked at twice: another reading of the same text does.
    Passed,
}

/// Reads one value, and nothing after it.
///
/// # Errors
/// With line and column of what is no JSON, or not of the type, or stands twice.
pub(crate) fn from_str<'de, T: Deserialize<'de>>(json: &'de str, skipped: Skipped) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = T::deserialize(Exact { inner: &mut reader, skipped })?;
    reader.end()?;
    Ok(value)
}

/// Refuses JSON in which an object has one key twice.
///
/// # Errors
/// With line and column of the second key, or of whatever is no JSON.
pub fn duplicate_free(json: &str) -> Result<(), serde_json::Error> {
    from_str::<IgnoredAny>(json, Skipped::Checked).map(|_| ())
}

/// The error of reading `part`, a slice of `whole`, with line and column counted in `whole`.
pub(crate) fn within(error: serde_json::Error, whole: &str, part: &str) -> serde_json::Error {
    let offset = part.as_ptr().addr().checked_sub(whole.as_ptr().addr());
    let Some(before) = offset.and_then(|offset| whole.get(..offset)) else { return error };
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let Some(what) = text.strip_suffix(&format!(" at line {line} column {column}")) else { return error };
    let lines = before.matches('\n').count();
    let column = if line > 1 { column } else { column + before.rsplit('\n').next().unwrap_or_default().len() };
    // serde_json takes the place from the end of a message.
    serde_json::Error::custom(format!("{what} at line {} column {column}", line + lines))
}

struct Exact<D> {
    inner: D,
    skipped: Skipped,
}

impl<D> Exact<D> {
    fn inside<V>(&self, visitor: V) -> Inside<V> {
        Inside { visitor, skipped: self.skipped }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Exact<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.inside(visitor);
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.inside(visitor);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.inside(visitor);
        self.inner.deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    // Raw values are newtypes to serde_json; what stands in them is read later.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match self.skipped {
            Skipped::Checked => self.deserialize_any(visitor),
            Skipped::Passed => self.inner.deserialize_ignored_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct enum identifier
    }
}

struct Inside<V> {
    visitor: V,
    skipped: Skipped,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Inside<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<V::Value, E> {
        self.visitor.visit_bool(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<V::Value, E> {
        self.visitor.visit_i64(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<V::Value, E> {
        self.visitor.visit_u64(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<V::Value, E> {
        self.visitor.visit_f64(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<V::Value, E> {
        self.visitor.visit_str(value)
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.visitor.visit_borrowed_str(value)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Exact { inner, skipped: self.skipped })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Items { inner, skipped: self.skipped })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members { inner, skipped: self.skipped, seen: Seen::default() })
    }
}

struct Items<A> {
    inner: A,
    skipped: Skipped,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Seed { seed, skipped: self.skipped })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Members<'de, A> {
    inner: A,
    skipped: Skipped,
    seen: Seen<'de>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(Key(key)) = self.inner.next_key()? else { return Ok(None) };
        if matches!(self.skipped, Skipped::Checked) && !self.seen.takes(key.clone()) {
            return Err(A::Error::custom(format!("duplicate key `{}`", key.chars().take(80).collect::<String>())));
        }
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Seed { seed, skipped: self.skipped })
    }
}

struct Seed<S> {
    seed: S,
    skipped: Skipped,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Exact { inner, skipped: self.skipped })
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of one object so far. A hostile object has thousands, so the list turns into a set in time.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

/// Room for the keys of most objects.
const USUAL: usize = 12;
/// More keys than any object of ours has.
const FEW: usize = 48;

impl<'a> Seen<'a> {
    /// Takes a key; false if it was there.
    fn takes(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.is_empty() {
            self.few.reserve(USUAL);
        }
        if self.few.len() < FEW {
            let new = !self.few.contains(&key);
            self.few.push(key);
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.iter().cloned());
        }
        self.many.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::Speaker;

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_place() {
        let error = duplicate_free("{\"a\": 1,\n \"b\": [{\"c\": 1, \"c\": 2}]}").unwrap_err();
        assert!(error.to_string().contains("duplicate key `c` at line 2"), "{error}");
        assert!(duplicate_free("{\"a\": {\"b\": null}, \"b\": [1, 2.5, true, \"x\"]}").is_ok());
    }

    #[test]
    fn escapes_do_not_hide_a_duplicate() {
        assert!(duplicate_free(r#"{"a": 1, "\u0061": 2}"#).is_err());
    }

    #[test]
    fn a_duplicate_is_found_among_many_keys() {
        let members = |n: u32| (0..n).map(|i| format!("\"k{i}\":{i}")).collect::<Vec<_>>().join(",");
        assert!(duplicate_free(&format!("{{{}}}", members(5_000))).is_ok());
        for again in ["k0", "k47", "k48", "k49", "k4999"] {
            let error = duplicate_free(&format!("{{{},\"{again}\":0}}", members(5_000))).unwrap_err();
            assert!(error.to_string().contains(&format!("duplicate key `{again}`")), "{error}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        let list = r#"["aws", "provider", null, "own"]"#;
        assert!(serde_json::from_str::<Speaker>(list).is_ok(), "serde alone takes members in their order");
        let error = from_str::<Speaker>(list, Skipped::Checked).unwrap_err();
        assert!(error.to_string().contains("invalid type: sequence"), "{error}");
    }

    #[test]
    fn what_is_skipped_is_checked_or_passed() {
        let json = r#"{"org": "aws", "role": "provider", "relay": "own", "new": {"a": 1, "a": 2}}"#;
        assert!(from_str::<Speaker>(json, Skipped::Checked).is_err());
        assert!(from_str::<Speaker>(json, Skipped::Passed).is_ok());
    }

    #[test]
    fn a_place_is_counted_in_the_whole() {
        let whole = "{\"a\": 1,\n \"data\": {\"n\": \"x\"}}";
        let part = &whole[whole.find("{\"n\"").unwrap()..whole.len() - 1];
        let error = serde_json::from_str::<std::collections::BTreeMap<String, u64>>(part).unwrap_err();
        assert_eq!(error.to_string(), "invalid type: string \"x\", expected u64 at line 1 column 9");
        let error = within(error, whole, part);
        assert_eq!(error.to_string(), "invalid type: string \"x\", expected u64 at line 2 column 18");
        assert_eq!((error.line(), error.column()), (2, 18));
    }
}
