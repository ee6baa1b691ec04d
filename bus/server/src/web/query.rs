//! The query of an address: which moment, and what else. A key that is not known is a mistake, never ignored: a view is
//! a link, and a link that shows something else than it says is worse than none.

use chrono::{DateTime, Utc};
use entente_replay::{AsOf, parse_moment};
use url::form_urlencoded;

use super::refusal::Refusal;
use crate::streams::Streams;

/// The keys that every view has.
const MOMENT: [&str; 2] = ["as_of", "at"];

/// Keys and values, in the order of the address.
pub(crate) type Pairs = Vec<(String, String)>;

/// What a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// How far the log is to count.
    pub(crate) as_of: Option<AsOf>,
    /// What the clock is to show.
    pub(crate) at: Option<DateTime<Utc>>,
    /// The other keys.
    pub(crate) rest: Pairs,
}

/// The keys and values of a query. An empty value is as good as none: forms send them.
pub(crate) fn pairs(query: Option<&str>) -> Pairs {
    let all = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
    all.filter(|(key, value)| !(key.is_empty() && value.is_empty())).collect()
}

impl Asked {
    /// Reads a query of which, beside the moment, these keys are known.
    ///
    /// # Errors
    /// Every mistake at once, and the list of keys.
    pub(crate) fn read(pairs: Pairs, known: &[&str], streams: &Streams) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        let mut mistakes = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in pairs {
            if seen.contains(&key) {
                mistakes.push(format!("`{}` stands twice", shown(&key)));
                continue;
            }
            seen.push(key.clone());
            match key.as_str() {
                "as_of" | "at" if value.is_empty() => {}
                "as_of" => {
                    let read = AsOf::parse_in(&value, |key| streams.stream(key));
                    let read = read.map_err(|error| format!("{error}{}", streams.hint()));
                    keep(read, &mut asked.as_of, "as_of", &mut mistakes);
                }
                "at" => keep(parse_moment(&value), &mut asked.at, "at", &mut mistakes),
                known_key if known.contains(&known_key) => asked.rest.push((key, value)),
                _ => mistakes.push(format!("`{}` is no key of this address", shown(&key))),
            }
        }
        if mistakes.is_empty() {
            return Ok(asked);
        }
        Err(Refusal::query(&mistakes, &[MOMENT.as_slice(), known].concat()))
    }

    /// For an address that has no query.
    ///
    /// # Errors
    /// If there is one.
    pub(crate) fn none(query: Option<&str>) -> Result<(), Refusal> {
        let mistakes: Vec<String> =
            pairs(query).iter().map(|(key, _)| format!("`{}` is no key of this address", shown(key))).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Refusal::query(&mistakes, &[])) }
    }

    /// The value of one of the other keys.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.rest.iter().find(|(known, value)| known == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn shown(key: &str) -> String {
    key.chars().take(40).collect()
}

fn keep<T, E: std::fmt::Display>(read: Result<T, E>, place: &mut Option<T>, key: &str, mistakes: &mut Vec<String>) {
    match read {
        Ok(value) => *place = Some(value),
        Err(error) => mistakes.push(format!("{key}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use entente_journal::Audiences;

    use super::*;

    fn streams() -> Streams {
        Streams::of("actual", Audiences::default())
    }

    fn read(query: &str) -> Result<Asked, Refusal> {
        Asked::read(pairs(Some(query)), &["state", "lane"], &streams())
    }

    #[test]
    fn the_moment_and_the_known_keys_are_read() {
        let asked = read("state=open&as_of=120&at=2024-07-19T05%3A27Z&lane=").unwrap();
        assert_eq!(asked.as_of, AsOf::parse("120", "A_actual_all").ok());
        assert_eq!(asked.at.unwrap().to_rfc3339(), "2024-07-19T05:27:00+00:00");
        assert_eq!((asked.value("state"), asked.value("lane"), asked.value("zoom")), (Some("open"), None, None));
        assert_eq!(read("as_of=&at=").unwrap(), Asked::default());
        assert_eq!(Asked::read(pairs(None), &[], &streams()).unwrap(), Asked::default());
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_the_keys_that_there_are() {
        let refused = read("zoom=2&as_of=soon&at=noon&state=open&state=closed").unwrap_err();
        assert_eq!(refused.status, 400);
        for told in ["`zoom` is no key", "as_of: `soon`", "at: `noon`", "`state` stands twice"] {
            assert!(refused.body.error.contains(told), "{} misses {told}", refused.body.error);
        }
        assert_eq!(refused.body.next, "known here: as_of, at, state, lane");
    }
}
