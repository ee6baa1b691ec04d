//! The filters of the board: read from the address, written back into links. A key or word that is not known is a
//! mistake and never ignored, since a link must show what it says.

use std::str::FromStr;

use entente_correlator::select::{Select, Sort, StateFilter, With};
use entente_correlator::words;
use entente_schemas::block::ServiceClass;
use url::form_urlencoded::Serializer;

use crate::form::FormKind;
use crate::name::org;

/// What the board lists, and whether one of its forms is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only open or only closed incidents.
    pub state: Option<StateFilter>,
    /// Only incidents about this provider.
    pub provider: Option<String>,
    /// Only incidents with a block of this class.
    pub class: Option<ServiceClass>,
    /// Only incidents with a disagreement or with something overdue.
    pub with: Option<With>,
    /// Only incidents in which this organisation has a lane; `mine` is the viewer's.
    pub lane: Option<String>,
    /// The order.
    pub sort: Sort,
    /// The form that is open.
    pub say: Option<FormKind>,
}

const STATES: &[(&str, StateFilter)] = &[("open", StateFilter::Open), ("closed", StateFilter::Closed)];
const WITHS: &[(&str, With)] = &[("disagreement", With::Disagreement), ("overdue", With::Overdue)];
const SORTS: &[(&str, Sort)] =
    &[("severity", Sort::Severity), ("changed", Sort::Changed), ("started", Sort::Started), ("name", Sort::Name)];

impl Filters {
    /// The keys of the board's address, beside `as_of` and `at`.
    pub const KEYS: &'static [&'static str] = &["state", "provider", "class", "with", "lane", "sort", "say"];

    /// Reads keys and values. `as_of` and `at` belong to the frame and are passed over; an empty value is as good as none.
    ///
    /// # Errors
    /// Every mistake, each with what was expected.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<String>> {
        let mut filters = Self::default();
        let mut mistakes = Vec::new();
        for (key, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            if let Err(expected) = filters.take(key, value) {
                mistakes.push(format!("{key}={}: {expected}", shown(value)));
            }
        }
        if mistakes.is_empty() { Ok(filters) } else { Err(mistakes) }
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "as_of" | "at" => {}
            "state" => self.state = Some(word(value, STATES)?),
            "provider" => self.provider = Some(value.to_owned()),
            "class" => self.class = Some(ServiceClass::from_str(value).map_err(|error| error.to_string())?),
            "with" => self.with = Some(word(value, WITHS)?),
            "lane" => self.lane = Some(value.to_owned()),
            "sort" => self.sort = word(value, SORTS)?,
            "say" => self.say = Some(FormKind::from_word(value).ok_or_else(|| expected(&FormKind::WORDS))?),
            _ => return Err(format!("no such key; expected one of: as_of, at, {}", Self::KEYS.join(", "))),
        }
        Ok(())
    }

    /// What the picture is asked for; `mine` is the lane of `org`.
    #[must_use]
    pub fn select(&self, org: &str) -> Select {
        Select {
            limit: Select::MOST,
            state: self.state,
            provider: self.provider.clone(),
            class: self.class,
            with: self.with,
            lane: self.lane.as_deref().map(|lane| if lane == "mine" { org } else { lane }.to_owned()),
            sort: self.sort,
        }
    }

    /// The filters as a query without `?`, in a fixed order; empty if there are none.
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        let sort = (self.sort != Sort::default()).then(|| said(self.sort, SORTS));
        let pairs = [
            ("state", self.state.map(|state| said(state, STATES))),
            ("provider", self.provider.as_deref()),
            ("class", self.class.map(ServiceClass::as_str)),
            ("with", self.with.map(|with| said(with, WITHS))),
            ("lane", self.lane.as_deref()),
            ("sort", sort),
            ("say", self.say.map(FormKind::as_str)),
        ];
        for (key, value) in pairs.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            query.append_pair(key, value);
        }
        query.finish()
    }

    /// The filters in words, each a condition; empty if everything is listed. `mine` is the lane of `own`.
    pub(crate) fn in_words(&self, own: &str) -> Vec<String> {
        let state = self.state.map(|state| format!("{} incidents", said(state, STATES)));
        let provider = self.provider.as_deref().map(|provider| format!("about {}", org(provider)));
        let class = self.class.map(|class| format!("of {}", words::class(class)));
        let with = self.with.map(|with| match with {
            With::Disagreement => "with a disagreement".to_owned(),
            With::Overdue => "with something overdue".to_owned(),
        });
        let lane =
            self.lane.as_deref().map(|lane| format!("with a lane of {}", org(if lane == "mine" { own } else { lane })));
        [state, provider, class, with, lane].into_iter().flatten().collect()
    }

    /// The filters without an open form: what a live view and a link to the list are asked with.
    pub(crate) fn list(&self) -> Self {
        Self { say: None, ..self.clone() }
    }

    /// Whether everything is listed.
    pub(crate) fn is_all(&self) -> bool {
        Self { sort: Sort::default(), ..self.list() } == Self::default()
    }
}

fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| expected(&words.iter().map(|(word, _)| *word).collect::<Vec<_>>()))
}

fn expected(words: &[&str]) -> String {
    format!("expected one of: {}", words.join(", "))
}

fn said<T: PartialEq>(value: T, words: &'static [(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, meaning)| *meaning == value).map_or("", |(word, _)| word)
}

fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Filters, Vec<String>> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Filters::parse(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }

    #[test]
    fn what_is_read_is_written_back() {
        let query = "state=open&provider=gcp&class=compute&with=overdue&lane=mine&sort=changed&say=impact";
        let filters = parse(query).unwrap();
        assert_eq!(filters.query(), query);
        assert_eq!(filters.select("aws").lane.as_deref(), Some("aws"));
        assert_eq!(parse("as_of=7&at=&state=").unwrap().query(), "");
        assert!(parse("sort=severity&say=note").unwrap().is_all());
    }

    #[test]
    fn filters_are_told_in_words() {
        let filters = parse("state=open&provider=gcp&class=block_storage&with=overdue&lane=mine").unwrap();
        let said = filters.in_words("aws").join(", ");
        assert_eq!(said, "open incidents, about GCP, of block storage, with something overdue, with a lane of AWS");
        assert!(parse("sort=changed&say=note").unwrap().in_words("aws").is_empty());
    }

    #[test]
    fn all_mistakes_say_what_was_expected() {
        let mistakes = parse("state=half&zoom=9&class=computer&say=rumour").unwrap_err();
        assert_eq!(mistakes.len(), 4);
        for told in [
            "expected one of: open, closed",
            "no such key; expected one of: as_of, at, state",
            "compute",
            "impact, note",
        ] {
            assert!(mistakes.iter().any(|mistake| mistake.contains(told)), "{told} in {mistakes:?}");
        }
    }
}
