//! What stands around every page: whose view it is, of which moment, and how it goes on being true.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use url::form_urlencoded::Serializer;

use crate::form::Form;

/// The theme that the reader chose; a cookie holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the reader's system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The word in the cookie and in the field `theme` of `POST /prefs`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word; the system's for any other.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// What stands around every page.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The universe; any other than `actual` is told by a banner.
    pub universe: String,
    /// The viewer's organisation.
    pub org: String,
    /// The position of the log that was folded: a sequence, or `stream:seq,…`.
    pub position: String,
    /// What the clock shows.
    pub at: DateTime<Utc>,
    /// Whether the page goes on by itself. False for a view of an earlier moment, whose links then keep that moment.
    pub live: bool,
    /// The log does not answer since, by the server's clock.
    pub lost: Option<DateTime<Utc>>,
    /// Sharing groups that are read, by their ids, with what they are called here; none if only that is read which
    /// everybody may read.
    pub groups: BTreeMap<String, String>,
    /// Sharing groups whose streams do not answer, by name, and since when.
    pub missing: Vec<(String, DateTime<Utc>)>,
    /// The theme.
    pub theme: Theme,
    /// The token that every form carries in its field `csrf`.
    pub csrf: String,
    /// The page's own path: `/`, `/incidents/inc-…`.
    pub path: String,
    /// The page's own query without `?`, as it was asked.
    pub query: String,
    /// Something that went wrong beside the page, in words.
    pub problem: Option<String>,
    /// A form that was not taken: shown with what was typed and with what was expected.
    pub form: Option<Form>,
}

impl Frame {
    /// A link within the console; it keeps the moment of a view that is not live.
    pub(crate) fn link(&self, path: &str, query: &str) -> String {
        let query = if self.live { query.to_owned() } else { joined(query, &self.moment()) };
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// What a sharing group is called here: its local name, or else its id.
    pub(crate) fn group<'a>(&'a self, id: &'a str) -> &'a str {
        self.groups.get(id).map_or(id, String::as_str)
    }

    /// The position as people read it: a sequence, and behind it the names of groups, each with its own.
    pub(crate) fn place(&self) -> String {
        self.named(&self.position)
    }

    /// A position as people read it.
    pub(crate) fn named(&self, position: &str) -> String {
        let parts = position.split(',').map(|part| match part.rsplit_once(':') {
            Some((stream, sequence)) => match stream.rsplit('_').next().unwrap_or(stream) {
                "all" => sequence.to_owned(),
                group => format!("{} {sequence}", self.group(group)),
            },
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The page itself, as a form sends the reader back to it.
    pub(crate) fn own_address(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Where the live stream of a view is, from the position that the page shows.
    pub(crate) fn stream(&self, view: &str, query: &str) -> Option<String> {
        let own =
            Serializer::new(String::new()).append_pair("view", view).append_pair("as_of", &self.position).finish();
        self.live.then(|| format!("/v1/live?{}", joined(&own, query)))
    }

    fn moment(&self) -> String {
        Serializer::new(String::new())
            .append_pair("as_of", &self.position)
            .append_pair("at", &self.at.to_rfc3339_opts(SecondsFormat::Secs, true))
            .finish()
    }
}

fn joined(one: &str, other: &str) -> String {
    let parts: Vec<&str> = [one, other].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use crate::fixture;

    #[test]
    fn a_position_of_several_streams_is_told_by_names() {
        let mut frame = fixture::frame();
        assert_eq!(frame.place(), "4812");
        frame.groups.insert("gbbbbbbbbbbbbbbbb".into(), "banks".into());
        frame.position = "A_exercise_all:4812,A_exercise_gbbbbbbbbbbbbbbbb:7,A_exercise_gcccccccccccccccc:0".into();
        assert_eq!(frame.place(), "4812, banks 7, gcccccccccccccccc 0");
    }

    #[test]
    fn links_of_an_earlier_moment_keep_it() {
        let mut frame = fixture::frame();
        assert_eq!(frame.link("/feeds", ""), "/feeds");
        frame.live = false;
        assert_eq!(frame.link("/", "state=open"), "/?state=open&as_of=4812&at=2024-07-19T12%3A40%3A18Z");
        assert_eq!(frame.stream("board", ""), None);
    }

    #[test]
    fn the_stream_goes_on_from_what_the_page_shows() {
        let stream = fixture::frame().stream("incidents/inc-a", "").unwrap();
        assert_eq!(stream, "/v1/live?view=incidents%2Finc-a&as_of=4812");
    }
}
