//! The console's forms: impact, note, request, commitment. A field is named by its path in the claim, so that what the
//! server's check says of a path stands beside the field that caused it, and a mistake loses nothing that was typed.

mod fields;
mod prefill;
mod readers;
mod request;
mod view;

pub(crate) use prefill::{message, own_claim, still};
pub use request::FormRequest;
pub(crate) use view::{drawer, panel};

/// What a form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// What is broken, where, how badly, how many.
    Impact,
    /// For the record.
    Note,
    /// Asks for something.
    Request,
    /// Promises something.
    Commitment,
}

impl FormKind {
    /// The words of the field `kind` and of the board's key `say`.
    pub const WORDS: [&'static str; 4] = ["impact", "note", "request", "commitment"];

    /// The word of a kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Impact => "impact",
            Self::Note => "note",
            Self::Request => "request",
            Self::Commitment => "commitment",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Impact, Self::Note, Self::Request, Self::Commitment].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What was wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormProblem {
    /// The field: a path in the claim, as the server's check names it.
    pub path: String,
    /// What was expected.
    pub what: String,
}

/// A form as it was sent or as it is about to be filled in: what is typed, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    kind: FormKind,
    values: Vec<(String, String)>,
    problems: Vec<FormProblem>,
}

impl Form {
    /// An empty form.
    pub(crate) fn empty(kind: FormKind) -> Self {
        Self { kind, values: Vec::new(), problems: Vec::new() }
    }

    /// A form as it was sent to `POST /claims`; none if its field `kind` is none of [`FormKind::WORDS`].
    #[must_use]
    pub fn read(pairs: Vec<(String, String)>) -> Option<Self> {
        let kind = pairs.iter().find(|(name, _)| name == "kind").and_then(|(_, word)| FormKind::from_word(word))?;
        Some(Self { kind, values: pairs, problems: Vec::new() })
    }

    /// The same form with what was wrong, to be shown again through [`Frame::form`](crate::Frame::form).
    #[must_use]
    pub fn refused(self, problems: Vec<FormProblem>) -> Self {
        Self { problems, ..self }
    }

    /// What the form says.
    #[must_use]
    pub fn kind(&self) -> FormKind {
        self.kind
    }

    /// The token that the form carries; empty if none.
    #[must_use]
    pub fn csrf(&self) -> &str {
        self.value("csrf")
    }

    /// The page that the form stood on: a path of this server with its query; `/` where the field says anything else.
    #[must_use]
    pub fn back(&self) -> &str {
        own_path(self.value("back"))
    }

    /// The first value of a field; empty if it was not sent.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.values.push((name.to_owned(), value));
        }
    }

    pub(crate) fn problems(&self) -> &[FormProblem] {
        &self.problems
    }
}

/// Only a path: an address of another server would send the reader away.
fn own_path(address: &str) -> &str {
    let own = address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '\r', '\n']);
    if own { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Option<Form> {
        Form::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_goes_back_to_this_server_only() {
        let back = |address: &str| sent(&[("kind", "note"), ("back", address)]).unwrap().back().to_owned();
        assert_eq!(back("/incidents/inc-a?as_of=7"), "/incidents/inc-a?as_of=7");
        for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\r\nSet-Cookie: x"] {
            assert_eq!(back(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn a_form_of_no_kind_is_none() {
        assert_eq!(sent(&[("kind", "rumour")]), None);
        assert_eq!(sent(&[]), None);
    }
}
