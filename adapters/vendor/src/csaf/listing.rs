//! Lists of documents: ROLIE feeds, `changes.csv` and `index.txt`. What changed before a given day is passed over here, so
//! that of a provider's twenty years of advisories only the present is kept in memory.

use chrono::{DateTime, Utc};
use entente_sidecar::decode::{Part, json, refuse, refuse_item};
use entente_sidecar::item::Refusal;
use entente_sidecar::stamp::instant;
use serde::Deserialize;
use url::Url;

use super::checksum::Algorithm;
use super::hosts::Hosts;
use super::many::{MANY_MAX, Many};

/// Entries of one list that are told as refused; of the others the number.
const REFUSED_MAX: usize = 20;

/// Bytes that a line is read by.
const LINE: usize = 512;
/// The mark of UTF-8, which some editors put before a text.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A document that a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) url: Url,
    /// When the list says that it changed; a list without times says none.
    pub(crate) updated: Option<DateTime<Utc>>,
    pub(crate) checks: Checks,
}

/// Where the hash of a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// Where the list says, the stronger first; nowhere if it names none.
    Named(Vec<(Algorithm, Url)>),
    /// Beside the document, if at all.
    Beside,
}

/// What a list came to.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) listed: Vec<Listed>,
    pub(crate) refused: Vec<Refusal>,
    beyond: usize,
}

/// By what a list is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// The list's own address, or that of its folder.
    pub(crate) base: &'a Url,
    pub(crate) hosts: &'a Hosts,
    /// What changed earlier is passed over.
    pub(crate) since: DateTime<Utc>,
    pub(crate) observed: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
struct Rolie {
    feed: Feed,
}

#[derive(Debug, Deserialize)]
struct Feed {
    #[serde(default)]
    entry: Many<Part<Entry>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    updated: Option<String>,
    #[serde(default)]
    link: Many<Link>,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
struct Link {
    #[serde(default)]
    rel: Option<String>,
    href: String,
}

#[derive(Debug, Deserialize)]
struct Content {
    #[serde(default)]
    src: Option<String>,
}

impl Reader<'_> {
    /// Reads a ROLIE feed.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn rolie(&self, body: &[u8]) -> Result<Listing, Refusal> {
        let rolie: Rolie = json(body)?;
        let mut listing = Listing::default();
        for (index, part) in rolie.feed.entry.iter().enumerate() {
            let listed = part.make(|| format!("entry {}", index + 1), |entry| self.entry(entry));
            listing.take(listed, self.since);
        }
        Ok(listing.closed())
    }

    /// Reads `changes.csv`: a path and a time a line.
    ///
    /// # Errors
    /// If it is no text, or a web page.
    pub(crate) fn changes(&self, body: &[u8]) -> Result<Listing, Refusal> {
        self.lines(body, "changes.csv", |line| {
            let (path, time) = pair(line)?;
            let time = instant(&time, self.observed).map_err(|error| error.to_string())?;
            self.file(&path, Some(time))
        })
    }

    /// Reads `index.txt`: a path a line.
    ///
    /// # Errors
    /// If it is no text, or a web page.
    pub(crate) fn index(&self, body: &[u8]) -> Result<Listing, Refusal> {
        self.lines(body, "index.txt", |line| self.file(line, None))
    }

    /// Reads a list line by line, so that a bad one costs only itself.
    fn lines(
        &self,
        body: &[u8],
        name: &str,
        read: impl Fn(&str) -> Result<Listed, String>,
    ) -> Result<Listing, Refusal> {
        let whole = String::from_utf8_lossy(body.strip_prefix(MARK).unwrap_or(body));
        if whole.trim_start().starts_with('<') {
            return Err(refuse("a web page where a list of files was expected", body));
        }
        let mut listing = Listing::default();
        let lines = whole.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        for (nth, (index, line)) in lines.enumerate() {
            if nth >= MANY_MAX {
                listing.beyond += 1;
                continue;
            }
            let listed = if line.contains('\u{fffd}') { Err("the line is not UTF-8".to_owned()) } else { read(line) };
            let position = || format!("{name}, line {}", index + 1);
            listing.take(listed.map_err(|reason| refuse_item(reason, position(), line.as_bytes())), self.since);
        }
        Ok(listing.closed())
    }

    fn entry(&self, entry: &Entry) -> Result<Listed, String> {
        let rel = |name: &'static str| {
            let of = move |link: &&Link| link.rel.as_deref().is_some_and(|rel| rel.trim().eq_ignore_ascii_case(name));
            entry.link.iter().filter(of).map(|link| link.href.as_str())
        };
        let source = entry.content.as_ref().and_then(|content| content.src.as_deref());
        let url = rel("self").next().or(source).ok_or("the entry has neither a link to itself nor a source")?;
        let mut named: Vec<(Algorithm, Url)> = Vec::new();
        for link in rel("hash") {
            let url = self.asked(link)?;
            named.extend(Algorithm::of_file(url.path()).map(|algorithm| (algorithm, url)));
        }
        named.sort();
        let updated = entry.updated.as_deref().map(|time| instant(time, self.observed)).transpose();
        Ok(Listed {
            url: self.asked(url)?,
            updated: updated.map_err(|error| format!("member `updated`: {error}"))?,
            checks: Checks::Named(named),
        })
    }

    fn asked(&self, text: &str) -> Result<Url, String> {
        let url = self.base.join(text.trim()).map_err(|error| error.to_string())?;
        self.hosts.allows(&url).map_err(|error| error.to_string())?;
        Ok(url)
    }

    /// A file of the folder; a path that leads out of it is none.
    fn file(&self, path: &str, updated: Option<DateTime<Utc>>) -> Result<Listed, String> {
        let url = self.asked(path)?;
        if !url.as_str().starts_with(self.base.as_str()) || !url.path().ends_with(".json") {
            return Err("expected the path of a .json file within the folder of the list".to_owned());
        }
        Ok(Listed { url, updated, checks: Checks::Beside })
    }
}

impl Listing {
    fn take(&mut self, listed: Result<Listed, Refusal>, since: DateTime<Utc>) {
        match listed {
            Ok(listed) if listed.updated.is_none_or(|updated| updated >= since) => self.listed.push(listed),
            Ok(_) => {}
            Err(refusal) if self.refused.len() < REFUSED_MAX => self.refused.push(refusal),
            Err(_) => self.beyond += 1,
        }
    }

    fn closed(mut self) -> Self {
        if self.beyond > 0 {
            let reason =
                format!("{} more entries of this list cannot be read, or are more than are taken", self.beyond);
            self.refused.push(refuse(&reason, reason.as_bytes()));
        }
        self
    }
}

/// The two fields of a line.
fn pair(line: &str) -> Result<(String, String), String> {
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).trim(csv::Trim::All).buffer_capacity(LINE);
    let record = reader.from_reader(line.as_bytes()).into_records().next();
    let record = record.ok_or("an empty line")?.map_err(|error| error.to_string())?;
    let field = |at| record.get(at).map(str::to_owned).ok_or("expected a path and a time");
    Ok((field(0)?, field(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn reading<T>(of: impl Fn(Reader<'_>) -> T) -> T {
        let base = url("https://csaf.acme.example/all/");
        let hosts = Hosts::of(&base).unwrap();
        let (since, observed) = (time("2024-07-01T00:00:00Z"), time("2024-07-20T00:00:00Z"));
        of(Reader { base: &base, hosts: &hosts, since, observed })
    }

    #[test]
    fn changes_give_what_is_new_and_stay_within_the_folder() {
        let csv = "\u{feff}\"2024/a.json\",\"2024-07-19T06:00:00Z\"\r\n2024/b.json , 2024-07-18T00:00:00+02:00\n\
            \n2020/old.json,2020-01-01T00:00:00Z\n../up.json,2024-07-19T06:00:00Z\n//evil.example/x.json,2024-07-19T06:00:00Z\n\
            2024/c.json\n2024/d.txt,2024-07-19T06:00:00Z\n";
        let listing = reading(|reader| reader.changes(csv.as_bytes()).unwrap());
        let paths: Vec<&str> = listing.listed.iter().map(|listed| listed.url.path()).collect();
        assert_eq!(paths, ["/all/2024/a.json", "/all/2024/b.json"]);
        assert_eq!(listing.listed[1].updated, Some(time("2024-07-17T22:00:00Z")));
        assert_eq!(listing.refused.len(), 4, "{:?}", listing.refused);
    }

    #[test]
    fn an_index_gives_paths_without_times() {
        let listing =
            reading(|reader| reader.index(b"2024/a.json\n\n  2023/b.json\r\nhttps://evil.example/c.json\n").unwrap());
        assert_eq!((listing.listed.len(), listing.refused.len()), (2, 1));
        assert!(listing.listed.iter().all(|listed| listed.updated.is_none() && listed.checks == Checks::Beside));
        assert!(reading(|reader| reader.index(b"<!doctype html>")).is_err());
    }

    #[test]
    fn a_rolie_feed_names_documents_and_their_hashes() {
        let feed = br#"{"feed":{"id":"x","entry":[
            {"id":"A","updated":"2024-07-19T06:00:00.000Z","link":[{"rel":"hash","href":"2024/a.json.sha256"},
             {"rel":"self","href":"https://csaf.acme.example/all/2024/a.json"},{"rel":"signature","href":"2024/a.json.asc"},
             {"rel":"hash","href":"https://csaf.acme.example/all/2024/a.json.sha512"}]},
            {"id":"B","updated":"2024-07-19T06:00:00Z","content":{"src":"/elsewhere/b.json"}},
            {"id":"C","updated":"soon","content":{"src":"/c.json"}},
            {"id":"D","content":{"src":"https://evil.example/d.json"}}, 7, {"id":"E"},
            {"id":"F","updated":"2019-07-19T06:00:00Z","content":{"src":"/f.json"}}]}}"#;
        let listing = reading(|reader| reader.rolie(feed).unwrap());
        assert_eq!((listing.listed.len(), listing.refused.len()), (2, 4), "{:?}", listing.refused);
        let Checks::Named(named) = &listing.listed[0].checks else { panic!() };
        assert_eq!(
            named.iter().map(|(algorithm, _)| *algorithm).collect::<Vec<_>>(),
            [Algorithm::Sha512, Algorithm::Sha256]
        );
        assert_eq!(listing.listed[1].url.as_str(), "https://csaf.acme.example/elsewhere/b.json");
    }

    #[test]
    fn of_a_list_full_of_nonsense_the_number_is_told() {
        let lines = "nonsense,never\n".repeat(500);
        let listing = reading(|reader| reader.changes(lines.as_bytes()).unwrap());
        assert_eq!(listing.refused.len(), REFUSED_MAX + 1);
        assert!(listing.refused[REFUSED_MAX].reason.contains("480 more"), "{:?}", listing.refused[REFUSED_MAX]);
    }
}
