//! Bytes of an answer into text: byte order marks, UTF-16, declared character sets, and the size limit. Whatever cannot be
//! read is refused with the place where reading stopped; nothing is replaced or guessed at.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::item::Refusal;

/// The greatest size of an answer in bytes, unpacked.
pub const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// The greatest number of items in an answer, and of elements in any list of an item.
pub const ITEMS_MAX: usize = 20_000;

/// Bytes in which an XML declaration must have ended.
const DECLARATION_MAX: usize = 200;

/// Why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Above [`ANSWER_MAX`].
    #[error("the answer has more than {ANSWER_MAX} bytes; larger ones are not taken")]
    TooLarge,
    /// Not of the character set that it says, or UTF-8 where it says none.
    #[error("the answer is not {charset}")]
    Charset {
        /// The character set's name.
        charset: &'static str,
    },
    /// A character set that is not known.
    #[error("the answer declares the character set `{0}`, which is not known; UTF-8 is expected")]
    UnknownCharset(String),
}

/// A list above [`ITEMS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list has more than {ITEMS_MAX} elements; longer ones are not taken")]
pub struct TooMany;

/// A list that is not read beyond [`ITEMS_MAX`] elements: of the shortest ones an answer can hold millions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T> std::ops::Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    if list.len() == ITEMS_MAX {
                        return Err(A::Error::custom(TooMany));
                    }
                    list.push(element);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}

/// One element of a list, read by itself: one that is not of its shape costs only itself.
#[derive(Debug)]
pub struct Part<T> {
    raw: Box<RawValue>,
    read: Result<T, String>,
}

impl<T> Part<T> {
    /// What `make` makes of the element.
    ///
    /// # Errors
    /// If the element is not of its shape, or nothing can be made of it; `position` tells where it stands.
    pub fn make<'a, U, E: fmt::Display>(
        &'a self,
        position: impl FnOnce() -> String,
        make: impl FnOnce(&'a T) -> Result<U, E>,
    ) -> Result<U, Refusal> {
        let made = match &self.read {
            Ok(element) => make(element).map_err(|error| error.to_string()),
            Err(reason) => Err(reason.clone()),
        };
        made.map_err(|reason| refuse_item(reason, position(), self.raw.get().as_bytes()))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let read = object(&raw);
        Ok(Self { raw, read })
    }
}

/// The text of an answer. A byte order mark decides, else UTF-16 where every other byte is zero, else the encoding of an
/// XML declaration, else UTF-8.
///
/// # Errors
/// If the answer is too large or not of its character set.
pub fn text(body: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    if body.len() > ANSWER_MAX {
        return Err(DecodeError::TooLarge);
    }
    let (encoding, rest) = match Encoding::for_bom(body) {
        Some((encoding, mark)) => (encoding, body.get(mark..).unwrap_or_default()),
        None => (unmarked(body)?, body),
    };
    strictly(encoding, rest)
}

/// The answer with the character set that its transport declared made its own: as UTF-8 with a byte order mark. An answer
/// with a mark, or without a declared set, stays as it is.
///
/// # Errors
/// If the set is not known, or the answer is not of it.
pub fn declared<'a>(body: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, [u8]>, DecodeError> {
    let Some(charset) = charset.filter(|_| Encoding::for_bom(body).is_none()) else { return Ok(Cow::Borrowed(body)) };
    let Some(encoding) = Encoding::for_label(charset.as_bytes()) else {
        // No other set gives what is UTF-8 throughout, so a misspelt label says nothing.
        let unknown = || DecodeError::UnknownCharset(charset.to_owned());
        return text(body).map(|_| Cow::Borrowed(body)).map_err(|_| unknown());
    };
    if encoding == UTF_8 {
        return Ok(Cow::Borrowed(body));
    }
    // RFC 2781: UTF-16 without a mark is big-endian, whereas the label stands for little-endian on the web.
    let guessed = unmarked(body)?;
    let utf_16 = encoding == UTF_16LE || encoding == UTF_16BE;
    let encoding = if utf_16 && guessed != UTF_8 { guessed } else { encoding };
    let text = strictly(encoding, body)?;
    Ok(Cow::Owned([b"\xEF\xBB\xBF", text.as_bytes()].concat()))
}

fn strictly<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, DecodeError> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or(DecodeError::Charset { charset: encoding.name() })
}

fn unmarked(body: &[u8]) -> Result<&'static Encoding, DecodeError> {
    match body {
        [0, first, ..] if *first != 0 => return Ok(UTF_16BE),
        [first, 0, ..] if *first != 0 => return Ok(UTF_16LE),
        _ => {}
    }
    match xml_charset(body) {
        None => Ok(UTF_8),
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            // A declaration that was read byte by byte does not stand in UTF-16, though some programs always write so.
            Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
            Some(encoding) => Ok(encoding),
            None => Err(DecodeError::UnknownCharset(label)),
        },
    }
}

fn xml_charset(body: &[u8]) -> Option<String> {
    let head = body.get(..DECLARATION_MAX).unwrap_or(body);
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(label, _)| label.to_owned())
}

/// A refusal of a whole answer.
#[must_use]
pub fn refuse(reason: impl std::fmt::Display, body: &[u8]) -> Refusal {
    Refusal { reason: reason.to_string(), position: None, input: body.to_vec() }
}

/// A refusal of one item.
#[must_use]
pub fn refuse_item(reason: impl std::fmt::Display, position: impl Into<String>, input: &[u8]) -> Refusal {
    Refusal { reason: reason.to_string(), position: Some(position.into()), input: input.to_vec() }
}

/// Reads a whole JSON answer.
///
/// # Errors
/// If it is no text, no JSON (a web page is named as such), or not of the shape of `T`; with line and column.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let text = text(body).map_err(|error| refuse(error, body))?;
    let json = text.trim_start();
    if json.starts_with('<') {
        return Err(refuse("a web page or XML where JSON was expected", body));
    }
    serde_json::from_str(&text).map_err(|error| refuse_json(&error, body))
}

fn refuse_json(error: &serde_json::Error, body: &[u8]) -> Refusal {
    let position = (error.line() > 0).then(|| format!("line {} column {}", error.line(), error.column()));
    Refusal { reason: format!("not the JSON that was expected: {error}"), position, input: body.to_vec() }
}

/// The items of a JSON list, each still to be read, so that a bad one costs only itself. An answer that is one object is
/// one item: recordings hold one a line.
///
/// # Errors
/// If the answer is neither.
pub fn json_items(body: &[u8]) -> Result<Vec<Box<RawValue>>, Refusal> {
    let whole: Box<RawValue> = json(body)?;
    match whole.get().trim_start().chars().next() {
        Some('[') => {
            let list: List<_> = serde_json::from_str(whole.get()).map_err(|error| refuse_json(&error, body))?;
            Ok(list.0)
        }
        Some('{') => Ok(vec![whole]),
        _ => Err(refuse("expected a JSON list of items", body)),
    }
}

/// Reads one item of a list; `index` counts from 0. An item is an object: a list would be read by the order of members.
///
/// # Errors
/// If the item is not of the shape of `T`.
pub fn json_item<T: DeserializeOwned>(raw: &RawValue, index: usize) -> Result<T, Refusal> {
    object(raw).map_err(|reason| {
        refuse_item(format!("not an item of this feed: {reason}"), format!("item {}", index + 1), raw.get().as_bytes())
    })
}

fn object<T: DeserializeOwned>(raw: &RawValue) -> Result<T, String> {
    if !raw.get().trim_start().starts_with('{') {
        return Err("expected an object".to_owned());
    }
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_text_is_read_in_whatever_encoding_it_comes() {
        let expected = "[\"Ausfall in Zürich 東京\"]";
        for (big, mark) in [(true, true), (false, true), (true, false), (false, false)] {
            assert_eq!(text(&utf_16(expected, big, mark)).unwrap(), expected);
        }
        assert_eq!(text(expected.as_bytes()).unwrap(), expected);
        assert_eq!(text(format!("\u{feff}{expected}").as_bytes()).unwrap(), expected);
    }

    #[test]
    fn an_xml_declaration_names_the_encoding() {
        let xml = b"<?xml version='1.0' encoding = \"ISO-8859-1\" ?><t>Z\xFCrich</t>";
        assert!(text(xml).unwrap().ends_with("<t>Zürich</t>"));
        let wide = "<?xml version='1.0' encoding='utf-16'?><t>Zürich</t>";
        assert!(text(wide.as_bytes()).unwrap().ends_with("<t>Zürich</t>"), "it cannot be meant");
        let unknown = b"<?xml version='1.0' encoding='klingon'?><t/>";
        assert_eq!(text(unknown), Err(DecodeError::UnknownCharset("klingon".into())));
    }

    #[test]
    fn what_the_transport_declared_wins_unless_there_is_a_mark() {
        let latin = declared(b"Z\xFCrich", Some("latin1")).unwrap();
        assert_eq!(text(&latin).unwrap(), "Zürich");
        let big = utf_16("[1]", true, false);
        assert_eq!(text(&declared(&big, Some("utf-16")).unwrap()).unwrap(), "[1]");
        assert_eq!(declared("[\"Zürich\"]".as_bytes(), Some("utf-8,utf-8")).unwrap(), "[\"Zürich\"]".as_bytes());
        assert_eq!(declared(b"Z\xFCrich", Some("none")), Err(DecodeError::UnknownCharset("none".into())));
        let marked = utf_16("[1]", true, true);
        assert_eq!(declared(&marked, Some("latin1")).unwrap(), marked);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_and_never_replaced() {
        assert_eq!(text(b"caf\xE9"), Err(DecodeError::Charset { charset: "UTF-8" }));
        let odd = [&utf_16("[1]", true, true)[..], b"\xD8"].concat();
        assert_eq!(text(&odd), Err(DecodeError::Charset { charset: "UTF-16BE" }));
        assert_eq!(text(&vec![b' '; ANSWER_MAX + 1]), Err(DecodeError::TooLarge));
        assert_eq!(text(b"").unwrap(), "");
    }

    #[test]
    fn a_list_gives_its_items_and_an_object_is_one() {
        assert_eq!(json_items(b"[{\"a\":1}, 7]").unwrap().len(), 2);
        assert_eq!(json_items(b" {\"a\":1}").unwrap().len(), 1);
        assert_eq!(json_items(b"[]").unwrap().len(), 0);
        let list = json_items(b"[[1]]").unwrap();
        assert!(json_item::<(u8,)>(&list[0], 0).unwrap_err().position.is_some());
        assert!(json_items(b"7").unwrap_err().reason.contains("list"));
        assert!(json_items(b"<html>").unwrap_err().reason.contains("web page"));
        assert_eq!(json_items(b"[\n1,").unwrap_err().position.unwrap(), "line 2 column 2");
        let many = format!("[{}0]", "0,".repeat(ITEMS_MAX));
        assert!(json_items(many.as_bytes()).unwrap_err().reason.contains("20000 elements"));
        assert_eq!(json_items(many.replacen("0,", "", 1).as_bytes()).unwrap().len(), ITEMS_MAX);
        let deep = "[".repeat(100_000);
        assert!(json_items(deep.as_bytes()).is_err());
    }
}
