//! Lists of a document, bounded: those of real documents hold some ten thousand elements, and of the shortest ones an
//! answer could hold millions.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The greatest number of elements that is read.
pub(crate) const MANY_MAX: usize = 200_000;

/// A list of at most [`MANY_MAX`] elements; null is none.
#[derive(Debug)]
pub(crate) struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for Many<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E: Error>(self) -> Result<Many<T>, E> {
                Ok(Many::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Many<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    if list.len() == MANY_MAX {
                        return Err(A::Error::custom(format!("a list has more than {MANY_MAX} elements")));
                    }
                    list.push(element);
                }
                Ok(Many(list))
            }
        }
        deserializer.deserialize_any(Bounded(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_up_to_its_bound_and_null_is_none() {
        let of = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert_eq!(serde_json::from_str::<Many<u8>>(&of(MANY_MAX)).unwrap().len(), MANY_MAX);
        assert!(serde_json::from_str::<Many<u8>>(&of(MANY_MAX + 1)).unwrap_err().to_string().contains("200000"));
        assert_eq!(serde_json::from_str::<Many<u8>>("null").unwrap().len(), 0);
        assert!(serde_json::from_str::<Many<u8>>("{}").is_err());
    }
}
