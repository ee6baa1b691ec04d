//! What a text denies: "not caused by the AWS outage" names AWS and blames it for nothing. Judged clause by clause, by the
//! model's words; what is denied is left out before names are read.

use std::borrow::Cow;

use regex::Regex;
use serde::Deserialize;

/// The words of denial, as data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenialFile {
    boundary: String,
    negation: String,
    between: Vec<String>,
    ties: Vec<String>,
    phrases: Vec<String>,
    whole: Vec<String>,
    unless: Vec<String>,
}

/// The words of denial, ready for use.
#[derive(Debug)]
pub(crate) struct Denial {
    boundary: Regex,
    denies: Regex,
    whole: Regex,
    unless: Regex,
}

impl Denial {
    /// Compiles the words.
    ///
    /// # Errors
    /// If a pattern does not compile.
    pub(crate) fn read(file: &DenialFile) -> Result<Self, regex::Error> {
        let (between, ties) = (file.between.join("|"), file.ties.join("|"));
        let tied = format!(r"{}(?:,? (?:{between}))*,? (?:{ties})\b", file.negation);
        Ok(Self {
            boundary: Regex::new(&file.boundary)?,
            denies: Regex::new(&format!("{tied}|{}", file.phrases.join("|")))?,
            whole: Regex::new(&file.whole.join("|"))?,
            unless: Regex::new(&file.unless.join("|"))?,
        })
    }

    /// A text in lower case without the clauses that deny.
    pub(crate) fn told<'a>(&self, lower: &'a str) -> Cow<'a, str> {
        if self.whole.is_match(lower) {
            return Cow::Borrowed("");
        }
        if !self.denies.is_match(lower) {
            return Cow::Borrowed(lower);
        }
        let starts = std::iter::once(0).chain(self.boundary.find_iter(lower).map(|found| found.start()));
        let ends = self.boundary.find_iter(lower).map(|found| found.start()).chain(std::iter::once(lower.len()));
        let clauses = starts.zip(ends).filter_map(|(start, end)| lower.get(start..end));
        Cow::Owned(clauses.filter(|clause| !self.is_denial(clause)).collect())
    }

    fn is_denial(&self, clause: &str) -> bool {
        self.denies.is_match(&self.unless.replace_all(clause, " "))
    }
}
