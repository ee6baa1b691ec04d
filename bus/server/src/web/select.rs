//! Which incidents and which records a query selects.

use std::str::FromStr;

use entente_correlator::Span;
use entente_correlator::select::{EventFilter, Select, Sort, StateFilter, With};
use entente_replay::position;
use entente_schemas::block::ServiceClass;
use entente_schemas::family::Family;
use entente_schemas::record::Position;

use super::query::Asked;
use super::refusal::Refusal;
use crate::streams::Streams;

/// Keys that select incidents.
pub(crate) const INCIDENTS: &[&str] = &["state", "provider", "class", "with", "lane", "sort", "limit"];
/// Keys that select records.
pub(crate) const RECORDS: &[&str] = &["before", "after", "limit", "object", "speaker", "family"];

const STATES: [(&str, StateFilter); 2] = [("open", StateFilter::Open), ("closed", StateFilter::Closed)];
const WITH: [(&str, With); 2] = [("disagreement", With::Disagreement), ("overdue", With::Overdue)];
const SORTS: [(&str, Sort); 4] =
    [("severity", Sort::Severity), ("changed", Sort::Changed), ("started", Sort::Started), ("name", Sort::Name)];

/// Records of one answer, if the query does not say.
const PAGE: usize = 50;

/// Which records are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) span: Span,
    pub(crate) limit: usize,
    pub(crate) filter: EventFilter,
}

/// Which incidents are listed; `mine` is the lane of `org`.
///
/// # Errors
/// Every value that is none of those its key takes.
pub(crate) fn incidents(asked: &Asked, org: &str) -> Result<Select, Refusal> {
    let mut reading = Reading { asked, mistakes: Vec::new() };
    let select = Select {
        limit: reading.number("limit", 0, Select::MOST).unwrap_or(Select::MOST),
        state: reading.word("state", &STATES),
        provider: asked.value("provider").map(str::to_owned),
        class: reading.parsed("class", ServiceClass::WORDS),
        with: reading.word("with", &WITH),
        lane: asked.value("lane").map(|lane| if lane == "mine" { org } else { lane }.to_owned()),
        sort: reading.word("sort", &SORTS).unwrap_or_default(),
    };
    reading.finish(select)
}

/// Which records are listed.
///
/// # Errors
/// Every value that is none of those its key takes.
pub(crate) fn records(asked: &Asked, streams: &Streams) -> Result<Records, Refusal> {
    let mut reading = Reading { asked, mistakes: Vec::new() };
    let tokens: Vec<(&str, Family)> = Family::ALL.iter().map(|family| (family.token(), *family)).collect();
    let records = Records {
        span: Span { before: reading.position("before", streams), after: reading.position("after", streams) },
        limit: reading.number("limit", 1, Select::MOST).unwrap_or(PAGE),
        filter: EventFilter {
            object: asked.value("object").map(str::to_owned),
            speaker: asked.value("speaker").map(str::to_owned),
            family: reading.word("family", &tokens),
        },
    };
    reading.finish(records)
}

struct Reading<'a> {
    asked: &'a Asked,
    mistakes: Vec<String>,
}

impl Reading<'_> {
    fn mistake(&mut self, key: &str, value: &str, expected: &str) {
        let shown: String = value.chars().take(40).collect();
        self.mistakes.push(format!("{key}: `{shown}`; expected {expected}"));
    }

    fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.asked.value(key)?;
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(key, value, &format!("one of: {}", known.join(", ")));
        }
        found
    }

    fn parsed<T: FromStr>(&mut self, key: &str, words: &[&str]) -> Option<T> {
        let value = self.asked.value(key)?;
        let found = value.parse().ok();
        if found.is_none() {
            self.mistake(key, value, &format!("one of: {}", words.join(", ")));
        }
        found
    }

    fn position(&mut self, key: &str, streams: &Streams) -> Option<Position> {
        let value = self.asked.value(key)?;
        let found = position(value, |name| streams.stream(name));
        if found.is_none() {
            self.mistake(key, value, &format!("a position of this log, such as 120{}", streams.hint()));
        }
        found
    }

    fn number(&mut self, key: &str, least: usize, most: usize) -> Option<usize> {
        let value = self.asked.value(key)?;
        let found = value.parse().ok().filter(|number| (least..=most).contains(number));
        if found.is_none() {
            self.mistake(key, value, &format!("a number from {least} to {most}"));
        }
        found
    }

    fn finish<T>(self, read: T) -> Result<T, Refusal> {
        if self.mistakes.is_empty() { Ok(read) } else { Err(Refusal::query(&self.mistakes, &[])) }
    }
}

#[cfg(test)]
mod tests {
    use entente_journal::Audiences;

    use super::super::query::pairs;
    use super::*;

    fn streams() -> Streams {
        Streams::of("actual", Audiences::default())
    }

    fn asked(query: &str, known: &[&str]) -> Asked {
        Asked::read(pairs(Some(query)), known, &streams()).unwrap()
    }

    #[test]
    fn every_key_narrows_what_it_names() {
        let query = "state=open&provider=gcp&class=compute&with=overdue&lane=mine&sort=changed&limit=7";
        let select = incidents(&asked(query, INCIDENTS), "aws").unwrap();
        let expected = Select {
            limit: 7,
            state: Some(StateFilter::Open),
            provider: Some("gcp".into()),
            class: Some(ServiceClass::Compute),
            with: Some(With::Overdue),
            lane: Some("aws".into()),
            sort: Sort::Changed,
        };
        assert_eq!(select, expected);
        assert_eq!(incidents(&Asked::default(), "aws").unwrap(), Select::default());
        let records = records(&asked("before=9&family=notice&object=a:1&speaker=gcp", RECORDS), &streams()).unwrap();
        let before = records.span.before.map(|before| before.to_string());
        assert_eq!((before.as_deref(), records.limit, records.filter.family), (Some("9"), PAGE, Some(Family::Notice)));
    }

    #[test]
    fn a_value_that_is_none_says_what_was_expected() {
        let refused = incidents(&asked("state=half&class=computer&limit=201&sort=size", INCIDENTS), "aws").unwrap_err();
        for told in
            ["state: `half`; expected one of: open, closed", "class: `computer`", "from 0 to 200", "sort: `size`"]
        {
            assert!(refused.body.error.contains(told), "{}", refused.body.error);
        }
        let refused = records(&asked("family=rumour&before=-1&limit=0", RECORDS), &streams());
        assert!(refused.unwrap_err().body.error.contains("rumour"));
    }
}
