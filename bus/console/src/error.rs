//! The error page: what failed, what is still true, what to do next.

use maud::html;

use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::name::plain;
use crate::shell::{Page, Screen, page};

/// The page of an error. `status` is the HTTP status; the three sentences are shown as text.
#[must_use]
pub fn error(frame: &Frame, status: u16, what_failed: &str, still_true: &str, next: &str) -> String {
    let main = html! {
        section.panel.error aria-labelledby="h-error" {
            header { h1 #h-error { (glyph(G::Gap, "k-ink big")) " " (sentence(what_failed, 500)) } span.small { (status) } }
            dl.pad {
                div { dt { "Still true" } dd { (sentence(still_true, 1_000)) } }
                div { dt { "Next" } dd { (sentence(next, 1_000)) } }
            }
            p.acts { a.btn.pri href=(frame.link("/", "")) { "Board" } a.btn href=(frame.link("/feeds", "")) { "Feeds" } }
        }
    };
    page(frame, Page { screen: Screen::Other, title: what_failed, stream: None, main })
}

/// The messages of programs begin small; on a page they are sentences.
fn sentence(text: &str, most: usize) -> String {
    let text = plain(text, most);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn an_error_says_what_failed_what_holds_and_what_to_do() {
        let html =
            error(&fixture::frame(), 404, "No incident <b>x</b>", "The log is whole", "look for it on the board");
        for part in ["No incident &lt;b&gt;x&lt;/b&gt;", "404", "The log is whole", "Look for it on the board"] {
            assert!(html.contains(part), "{part}");
        }
    }
}
