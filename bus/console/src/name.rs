//! Names and texts of others: made safe for one line, for an id, for a sentence. Directions that a text tries to set do
//! not reach beyond its own element.

use std::fmt::Display;

use entente_correlator::words;
use maud::{Markup, html};

/// Whether a character steers the text around it instead of being read: controls, and marks of direction.
fn steers(c: char) -> bool {
    c.is_control() || words::turns(c)
}

/// A text in one line of at most `most` characters, without characters that steer: for attributes, titles, plain text.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let read: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !steers(*c)).collect();
    words::cut(&read, most)
}

/// Somebody's own words, cut to `most` characters, whole one click away.
pub(crate) fn said(text: &str, most: usize) -> Markup {
    html! { bdi { (plain(text, most)) } }
}

/// An organisation as it is called.
pub(crate) fn org(slug: &str) -> String {
    match slug {
        "azure" => "Azure".to_owned(),
        other => plain(&words::org(other), 40),
    }
}

/// Organisations in a list; `to all` needs no names.
pub(crate) fn orgs(slugs: &[String], most: usize) -> String {
    words::list(&slugs.iter().map(|slug| org(slug)).collect::<Vec<_>>(), most)
}

/// An organisation in three or four letters, for small tiles.
pub(crate) fn initials(slug: &str) -> String {
    let name = org(slug);
    let capitals: String = name.chars().filter(char::is_ascii_uppercase).collect();
    if (2..=4).contains(&capitals.len()) { capitals } else { name.chars().take(3).collect::<String>().to_uppercase() }
}

/// A feed as it is called: `GCP public`, `GitHub status`.
pub(crate) fn feed(slug: &str) -> String {
    match slug.split_once('-') {
        Some((first, rest)) => format!("{} {}", org(first), plain(&rest.replace('-', " "), 40)).replace(" rss", " RSS"),
        None => plain(slug, 40),
    }
}

/// A text as part of an element's id: each has its own.
pub(crate) fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => token.push(char::from(byte)),
            other => token.push_str(&format!("~{other:x}")),
        }
    }
    token
}

/// `snake_case` words as they are said.
pub(crate) fn spaced(word: &str) -> String {
    plain(&word.replace('_', " "), 80)
}

/// With a capital letter, as a sentence or a heading begins.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A speaker's own word for a status. A bare code says of itself that it is one: `status 3`.
pub(crate) fn status(word: &str, most: usize) -> String {
    let word = plain(word, most);
    if word.chars().any(char::is_alphabetic) { word } else { format!("status {word}") }
}

/// One thing or several: `1 gap`, `2 gaps`.
pub(crate) fn many<N: Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let word = if count == N::from(1) { one } else { several };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_text_around_it_is_dropped() {
        assert_eq!(plain("a\u{202e}b\u{2066}c\u{0}\n d\u{feff}", 20), "abc d");
        assert_eq!(plain("שלום abc", 20), "שלום abc");
        assert_eq!(plain(&"x".repeat(500), 10).chars().count(), 10);
    }

    #[test]
    fn names_read_as_they_are_said() {
        assert_eq!(
            [feed("gcp-public"), feed("azure-rss"), feed("github-status")],
            ["GCP public", "Azure RSS", "GitHub status"]
        );
        assert_eq!([initials("aws"), initials("crowdstrike"), initials("azure")], ["AWS", "CS", "AZU"]);
    }

    #[test]
    fn ids_of_different_texts_differ() {
        assert_ne!(token("Windows!"), token("windows~21"));
        assert_eq!(token("gcp.public:DK"), "gcp~2epublic~3a~44~4b");
    }
}
