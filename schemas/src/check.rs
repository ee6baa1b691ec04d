//! What a publisher is told when a claim is not as it should be: every mistake at once, each with its path.

use chrono::{DateTime, Duration, TimeZone, Utc};

use crate::count::COUNT_MAX;
use crate::digest::is_hash;
use crate::subject::is_slug;

/// The greatest number of characters in an object id, a native id and the name of a channel.
pub const OBJECT_ID_MAX: usize = 500;

/// One mistake in a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the member, dotted, with indices: `blocks.0.state`.
    pub path: String,
    /// What is wrong and what was expected.
    pub what: String,
}

/// All mistakes found in one claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One mistake and no other.
    pub(crate) fn one(path: &str, what: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(path, what);
        problems
    }

    /// Adds a mistake at `path`.
    pub fn add(&mut self, path: &str, what: impl Into<String>) {
        self.0.push(Problem { path: path.to_owned(), what: what.into() });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes in the order in which they were found.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// Refuses text of more than `max` characters.
    pub(crate) fn length(&mut self, path: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if length > max {
            self.add(path, format!("{length} characters; at most {max} are taken"));
        }
    }

    /// Refuses text that is empty or only white space.
    pub(crate) fn present(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(path, "must not be empty");
        }
    }

    /// Refuses a time outside this century.
    pub(crate) fn time(&mut self, path: &str, time: Option<DateTime<Utc>>) {
        if time.is_some_and(|time| !in_century(time)) {
            self.add(path, "a time before 2000 or after 2099 is not taken");
        }
    }

    /// Refuses a number that some JSON reader would not keep exact.
    pub(crate) fn number(&mut self, path: &str, number: Option<u64>) {
        if number.is_some_and(|n| n > COUNT_MAX) {
            self.add(path, "a number is at most 9 000 000 000 000 000");
        }
    }

    /// Refuses a number that does not count from 1.
    pub(crate) fn ordinal(&mut self, path: &str, number: u64) {
        if number == 0 {
            self.add(path, "counts from 1");
        }
        self.number(path, Some(number));
    }

    /// Refuses what is no lower-case hexadecimal SHA-256.
    pub(crate) fn hash(&mut self, path: &str, text: &str) {
        if !is_hash(text) {
            self.add(path, "expected 64 lower-case hexadecimal digits");
        }
    }

    /// Refuses what is no organisation's slug.
    pub(crate) fn slug(&mut self, path: &str, text: &str) {
        if !is_slug(text) {
            self.add(path, "expected a slug: a-z, 0-9 and -, not first, 24 characters at most");
        }
    }

    /// Refuses an object id that no reader could tell from others: empty, without a system, or endless.
    pub(crate) fn object_id(&mut self, path: &str, id: &str) {
        self.length(path, id, OBJECT_ID_MAX);
        // The mark is white space to the schemas' expressions and not to Rust.
        let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
        let fits = |(system, rest): (&str, &str)| {
            !system.is_empty() && !system.contains(blank) && rest.starts_with(|c: char| !blank(c))
        };
        if !id.split_once(':').is_some_and(fits) {
            self.add(path, "expected <native system>:<native id>, or <org>:<UUIDv7>");
        }
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {}", problem.path, problem.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The path of a member of what stands at `path`.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a time is one of this century: not before 2000 and not after 2099.
pub(crate) fn in_century(time: DateTime<Utc>) -> bool {
    time >= earliest() && time < latest()
}

fn earliest() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::UNIX_EPOCH)
}

fn latest() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2100, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether a provider's time can be meant: not before 2000 and at most ten years after `observed`.
#[must_use]
pub fn plausible(time: DateTime<Utc>, observed: DateTime<Utc>) -> bool {
    time >= earliest() && time <= observed + Duration::days(3653)
}
