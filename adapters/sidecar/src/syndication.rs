//! RSS 0.9 to 2.0 and Atom into entries. Document type definitions are refused, so that no entity is ever expanded; what a
//! text holds of markup stays text, dates stay as they were written, and one odd entry never costs the others.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::decode::{self, ITEMS_MAX, TooMany, refuse};
use crate::item::Refusal;
use crate::stamp::{self, StampError};

/// Elements within elements; feeds have five.
const DEPTH_MAX: usize = 64;

/// One entry of a feed, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// RSS `guid`, Atom `id`.
    pub id: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The entry's page.
    pub link: Option<String>,
    /// RSS `content:encoded`, Atom `content`: the whole text.
    pub content: Option<String>,
    /// RSS `description`, Atom `summary`.
    pub summary: Option<String>,
    /// The categories, in the feed's order.
    pub categories: Vec<String>,
    /// RSS `pubDate`, Atom `published`.
    pub published: Option<String>,
    /// Atom `updated`.
    pub updated: Option<String>,
    /// The entry's own bytes, for a refusal.
    pub source: String,
}

impl Entry {
    /// The longest text that the entry carries.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content.as_deref().or(self.summary.as_deref())
    }

    fn set(&mut self, field: Field, text: String) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let place = match field {
            Field::Id => &mut self.id,
            Field::Title => &mut self.title,
            Field::Link => &mut self.link,
            Field::Content => &mut self.content,
            Field::Summary => &mut self.summary,
            Field::Published => &mut self.published,
            Field::Updated => &mut self.updated,
            Field::Category => return self.categories.push(text.to_owned()),
        };
        place.get_or_insert_with(|| text.to_owned());
    }
}

/// Why an answer is no feed.
#[derive(Debug, thiserror::Error)]
enum SyndicationError {
    #[error("a web page where RSS or Atom was expected")]
    Page,
    #[error("expected <rss>, <rdf:RDF> or <feed>, found <{0}>")]
    Root(String),
    #[error("a document type definition is not taken; a feed needs none")]
    Doctype,
    #[error("elements stand more than {DEPTH_MAX} deep in each other")]
    Deep,
    #[error("the feed ends before it is closed")]
    Cut,
    #[error("no feed: neither a channel nor an entry stands in it")]
    Empty,
    #[error(transparent)]
    Many(#[from] TooMany),
    #[error("not well-formed XML: {0}")]
    Syntax(#[from] quick_xml::Error),
}

/// Reads the entries of a feed, in its order.
///
/// # Errors
/// If the answer is no text, no feed, or ends early; with line and column.
pub fn entries(body: &[u8]) -> Result<Vec<Entry>, Refusal> {
    let text = decode::text(body).map_err(|error| refuse(error, body))?;
    let mut walk = Walk::over(&text);
    walk.document().map_err(|error| Refusal {
        reason: error.to_string(),
        position: Some(walk.place()),
        input: body.to_vec(),
    })
}

/// Reads a date of a feed: RFC 2822 with the forms that feeds use instead, or RFC 3339.
///
/// # Errors
/// If it is neither, or cannot be meant.
pub fn date(text: &str, observed: DateTime<Utc>) -> Result<DateTime<Utc>, StampError> {
    let text = text.trim();
    // The day of the week is often wrong or in another language, and says nothing that the date does not.
    let day = text.split_once(',').map_or(text, |(_, rest)| rest).trim();
    let day = match day.strip_suffix('Z').or_else(|| day.strip_suffix("UTC")) {
        Some(rest) => Cow::Owned(format!("{} +0000", rest.trim_end())),
        None => Cow::Borrowed(day),
    };
    match DateTime::parse_from_rfc2822(&day) {
        Ok(time) => stamp::meant(time.with_timezone(&Utc), observed),
        Err(_) => stamp::instant(text, observed),
    }
}

#[derive(Clone, Copy)]
enum Field {
    Id,
    Title,
    Link,
    Content,
    Summary,
    Category,
    Published,
    Updated,
}

/// Prefixes are taken by convention, not by the namespace they are bound to: no feed uses them otherwise, and bindings by
/// the thousand could not be looked up in reasonable time. `own` is the root's prefix, whatever it is.
fn local<'n>(name: &'n str, own: &str) -> Option<&'n str> {
    match name.split_once(':') {
        None => Some(name),
        Some(("atom" | "a10" | "content" | "dc" | "rdf" | "rss", local)) => Some(local),
        Some((prefix, local)) => (prefix == own).then_some(local),
    }
}

fn field(name: &str, own: &str) -> Option<Field> {
    Some(match local(name, own)? {
        "guid" | "id" => Field::Id,
        "title" => Field::Title,
        "link" => Field::Link,
        "content" | "encoded" => Field::Content,
        "description" | "summary" => Field::Summary,
        "category" | "subject" => Field::Category,
        "pubDate" | "published" | "issued" | "date" => Field::Published,
        "updated" | "modified" => Field::Updated,
        _ => return None,
    })
}

struct Walk<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    channel: bool,
    /// The prefix of the root, under which some programs write the whole feed.
    own: String,
}

impl<'a> Walk<'a> {
    fn over(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self { text, reader, channel: false, own: String::new() }
    }

    fn at(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn place(&self) -> String {
        let before = self.text.get(..self.at()).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line} column {column}")
    }

    fn event(&mut self) -> Result<Event<'a>, SyndicationError> {
        match self.reader.read_event()? {
            Event::DocType(kind) if kind.trim().to_ascii_lowercase().starts_with("html") => Err(SyndicationError::Page),
            Event::DocType(_) => Err(SyndicationError::Doctype),
            event => Ok(event),
        }
    }

    fn document(&mut self) -> Result<Vec<Entry>, SyndicationError> {
        let mut entries = Vec::new();
        let mut depth = 0usize;
        loop {
            let at = self.at();
            match self.event()? {
                Event::Start(start) if depth > 0 && self.is_entry(&start) => {
                    entries.push(self.entry(at)?);
                    if entries.len() > ITEMS_MAX {
                        return Err(TooMany.into());
                    }
                }
                Event::Start(start) => {
                    self.enter(&start, depth)?;
                    depth += 1;
                }
                Event::End(_) => depth = depth.saturating_sub(1),
                Event::Eof if depth > 0 => return Err(SyndicationError::Cut),
                Event::Eof if self.channel || !entries.is_empty() => return Ok(entries),
                Event::Eof => return Err(SyndicationError::Empty),
                _ => {}
            }
        }
    }

    /// An answer without entries is good only if the place where they would stand is there.
    fn enter(&mut self, start: &BytesStart<'a>, depth: usize) -> Result<(), SyndicationError> {
        let name = start.name();
        let name = name.as_ref();
        if depth == 0
            && let Some((prefix, _)) = name.split_once(':')
        {
            self.own = prefix.to_owned();
        }
        match (depth, local(name, &self.own)) {
            (0, Some("rss")) => Ok(()),
            (0, Some("feed" | "RDF")) | (1, Some("channel")) => {
                self.channel = true;
                Ok(())
            }
            (0, Some(root)) if root.eq_ignore_ascii_case("html") => Err(SyndicationError::Page),
            (0, _) => Err(SyndicationError::Root(name.chars().take(40).collect())),
            (DEPTH_MAX.., _) => Err(SyndicationError::Deep),
            _ => Ok(()),
        }
    }

    fn is_entry(&self, start: &BytesStart<'_>) -> bool {
        matches!(local(start.name().as_ref(), &self.own), Some("item" | "entry"))
    }

    fn entry(&mut self, at: usize) -> Result<Entry, SyndicationError> {
        let mut entry = Entry::default();
        loop {
            match self.event()? {
                Event::Start(start) => self.member(&start, &mut entry)?,
                Event::End(_) => break,
                Event::Eof => return Err(SyndicationError::Cut),
                _ => {}
            }
        }
        entry.source = self.text.get(at..self.at()).unwrap_or_default().to_owned();
        Ok(entry)
    }

    fn member(&mut self, start: &BytesStart<'a>, entry: &mut Entry) -> Result<(), SyndicationError> {
        let field = field(start.name().as_ref(), &self.own);
        let text = self.content()?;
        match field {
            None => {}
            Some(Field::Link) => {
                if matches!(attribute(start, "rel").as_deref(), None | Some("alternate")) {
                    entry.set(Field::Link, attribute(start, "href").unwrap_or(text));
                }
            }
            Some(Field::Category) => entry.set(Field::Category, attribute(start, "term").unwrap_or(text)),
            Some(field) => entry.set(field, text),
        }
        Ok(())
    }

    /// The text up to the end of the element that was just begun; with elements in it, its source as it stands.
    fn content(&mut self) -> Result<String, SyndicationError> {
        let begin = self.at();
        let mut text = String::new();
        let (mut depth, mut nested) = (0usize, false);
        loop {
            let at = self.at();
            match self.event()? {
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(name) => push_reference(&name, &mut text),
                Event::Start(_) if depth >= DEPTH_MAX => return Err(SyndicationError::Deep),
                Event::Start(_) => (depth, nested) = (depth + 1, true),
                Event::End(_) if depth > 0 => depth -= 1,
                Event::End(_) if nested => return Ok(self.text.get(begin..at).unwrap_or_default().to_owned()),
                Event::End(_) => return Ok(text),
                Event::Eof => return Err(SyndicationError::Cut),
                _ => {}
            }
        }
    }
}

/// A reference to a character or one of XML's five entities; any other stays as it is written.
fn push_reference(name: &BytesRef<'_>, text: &mut String) {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        text.push(character);
    } else if let Some(known) = resolve_predefined_entity(name) {
        text.push_str(known);
    } else {
        text.push('&');
        text.push_str(name);
        text.push(';');
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    // Looking for doubled names costs the square of their number.
    let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
    let value = unescape(&found.value).map_or_else(|_| found.value.to_string(), Cow::into_owned);
    Some(value).filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn rss(items: &str) -> String {
        format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>")
    }

    fn reason(body: &str) -> String {
        entries(body.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn rss_is_read_with_its_texts_whole() {
        let feed = rss("<item><guid isPermaLink=\"false\"> a </guid><title>A &amp; B &#x2014; C</title>\
             <link>https://x.test/a</link><category>One</category><category>Two</category>\
             <description>&lt;p&gt;it&#39;s&lt;/p&gt; <![CDATA[<b>raw</b>]]></description>\
             <pubDate>Thu, 23 Jul 2026 16:29:09 Z</pubDate><media:title>no</media:title></item>");
        let entry = entries(feed.as_bytes()).unwrap().remove(0);
        assert_eq!(entry.id.as_deref(), Some("a"));
        assert_eq!(entry.title.as_deref(), Some("A & B — C"));
        assert_eq!(entry.text(), Some("<p>it's</p> <b>raw</b>"));
        assert_eq!(entry.categories, ["One", "Two"]);
        assert_eq!(entry.published.as_deref(), Some("Thu, 23 Jul 2026 16:29:09 Z"));
        assert!(entry.source.starts_with("<item>") && entry.source.ends_with("</item>"));
    }

    #[test]
    fn atom_is_read_with_links_terms_and_inline_markup() {
        let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><entry><id>tag:x,1</id><title>T</title>\
             <link rel=\"self\" href=\"https://x.test/self\"/><link href=\"https://x.test/?a=1&amp;b=2\"/>\
             <category term=\"eu\"/><published>2026-07-01T00:00:00Z</published><updated>2026-07-02T00:00:00Z</updated>\
             <content type=\"xhtml\"><div>A &amp; <b>B</b></div></content><summary>S</summary></entry></feed>";
        let entry = entries(feed.as_bytes()).unwrap().remove(0);
        assert_eq!(entry.link.as_deref(), Some("https://x.test/?a=1&b=2"));
        assert_eq!(entry.text(), Some("<div>A &amp; <b>B</b></div>"));
        assert_eq!(entry.categories, ["eu"]);
        assert_eq!(entry.updated.as_deref(), Some("2026-07-02T00:00:00Z"));
    }

    #[test]
    fn a_feed_may_be_written_under_whatever_prefix() {
        let atom = "<ns0:feed xmlns:ns0=\"http://www.w3.org/2005/Atom\"><ns0:entry><ns0:id>i</ns0:id><x:id>no</x:id>\
             <ns0:title>T</ns0:title></ns0:entry></ns0:feed>";
        let entry = entries(atom.as_bytes()).unwrap().remove(0);
        assert_eq!((entry.id.as_deref(), entry.title.as_deref()), (Some("i"), Some("T")));
        assert!(reason("<x:opml/>").contains("<x:opml>"));
    }

    #[test]
    fn rss_1_has_its_items_beside_the_channel() {
        let feed = "<rdf:RDF><channel rdf:about=\"x\"><title>T</title></channel>\
             <item rdf:about=\"y\"><title>U</title><dc:date>2026-07-01T00:00:00Z</dc:date></item></rdf:RDF>";
        let entry = entries(feed.as_bytes()).unwrap().remove(0);
        assert_eq!(entry.published.as_deref(), Some("2026-07-01T00:00:00Z"));
    }

    #[test]
    fn entities_are_never_expanded() {
        let bomb = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>{}",
            rss("<item><guid>&b;</guid></item>").replacen("<?xml version=\"1.0\"?>", "", 1)
        );
        assert!(reason(&bomb).contains("document type"));
        let outside = "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><rss><channel/></rss>";
        assert!(reason(outside).contains("document type"));
        let undeclared = rss("<item><guid>x&bomb;&nbsp;&#0;&#xD800;y</guid></item>");
        assert_eq!(entries(undeclared.as_bytes()).unwrap()[0].id.as_deref(), Some("x&bomb;&nbsp;&#0;&#xD800;y"));
    }

    #[test]
    fn an_answer_that_is_no_whole_feed_is_refused_with_its_place() {
        assert!(reason("<!doctype html><html></html>").contains("web page"));
        assert!(reason("<html><body>busy</body></html>").contains("web page"));
        assert!(reason("<opml/>").contains("<opml>"));
        assert!(reason("<rss version=\"2.0\"/>").contains("neither"));
        assert!(reason("").contains("no feed"));
        assert!(reason("{\"a\":1}").contains("no feed"));
        assert!(reason("<rss><channel><item></channel></rss>").contains("well-formed"));
        let cut = entries(b"<rss>\n<channel>\n<item><guid>x").unwrap_err();
        assert_eq!((cut.reason.contains("ends"), cut.position.as_deref()), (true, Some("line 3 column 14")));
        assert!(reason(&format!("<rss><channel>{}", "<a>".repeat(100_000))).contains("deep"));
        assert!(reason(&rss(&format!("<item><title>{}", "<a>".repeat(100_000)))).contains("deep"));
    }

    #[test]
    fn line_ends_comments_and_what_stands_before_the_root_change_nothing() {
        let plain = rss("<item><guid>1</guid><description>a\nb</description></item>");
        let odd =
            plain.replace("<rss", "<!-- c --><?xml-stylesheet href=\"x\"?><rss").replace("<guid>", "<!--c--><guid>");
        for body in [odd.replace('\n', "\r\n"), format!("\r\n {odd}"), format!("\u{feff}{odd}\n\n")] {
            let entry = entries(body.as_bytes()).unwrap().remove(0);
            assert_eq!((entry.id.as_deref(), entry.text()), (Some("1"), Some("a\nb")), "{body}");
        }
    }

    #[test]
    fn an_empty_feed_is_a_good_answer_and_a_stray_ampersand_costs_nothing() {
        assert_eq!(entries(rss("").as_bytes()).unwrap(), []);
        let stray = rss("<item><guid>1</guid><title>AT&T is back</title></item>");
        assert_eq!(entries(stray.as_bytes()).unwrap()[0].title.as_deref(), Some("AT&T is back"));
    }

    #[test]
    fn utf_16_and_declared_encodings_are_read() {
        let feed = rss("<item><guid>Zürich 東京</guid></item>");
        let units: Vec<u8> = std::iter::once(0xFEFF).chain(feed.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(entries(&units).unwrap()[0].id.as_deref(), Some("Zürich 東京"));
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><rss><channel><item><guid>Z\xFCrich</guid></item></channel></rss>";
        assert_eq!(entries(latin).unwrap()[0].id.as_deref(), Some("Zürich"));
    }

    #[test]
    fn dates_of_feeds_are_read_in_all_their_forms() {
        let now = Utc.with_ymd_and_hms(2026, 8, 1, 0, 0, 0).unwrap();
        let expected = Utc.with_ymd_and_hms(2026, 7, 23, 16, 29, 9).unwrap();
        let forms = [
            "Thu, 23 Jul 2026 16:29:09 Z",
            "Thu, 23 Jul 2026 16:29:09 GMT",
            "Thu, 23 Jul 2026 16:29:09 UTC",
            "Mon, 23 Jul 2026 16:29:09 +0000",
            "23 Jul 2026 09:29:09 PDT",
            "jeu., 23 Jul 2026 18:29:09 +0200",
            "2026-07-23T16:29:09Z",
            " 2026-07-23T12:29:09-04:00 ",
            "2026-07-23 16:29:09 UTC",
            "Thursday, 23 Jul 2026 16:29:09 GMT",
        ];
        for form in forms {
            assert_eq!(date(form, now).as_ref(), Ok(&expected), "{form}");
        }
        for form in [
            "",
            "yesterday",
            "Thu, 23 Jul 1999 16:29:09 GMT",
            "23 Jul 2099 00:00:00 GMT",
            "17850000",
            "23 Jul 2026 16:29:09",
            "23 Jul 2026 16:29:09 CEST",
        ] {
            assert!(date(form, now).is_err(), "{form} was taken");
        }
    }
}
