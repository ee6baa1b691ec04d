//! The error page: what failed, what is still true, what to do next.

use maud::html;

use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::name::{capital, plain};
use crate::shell::{Page, Screen, page};

/// The page of an error. `status` is the HTTP status; the three sentences are shown as text.
#[must_use]
pub fn error(frame: &Frame, status: u16, what_failed: &str, still_true: &str, next: &str) -> String {
    let what_failed = sentences(what_failed, 500);
    let main = html! {
        section.panel.error aria-labelledby="h-error" {
            header { h1 #h-error { (glyph(G::Gap, "k-ink big")) " " (what_failed) } span.small { (status) } }
            dl.pad {
                div { dt { "Still true" } dd { (sentences(still_true, 1_000)) } }
                div { dt { "Next" } dd { (sentences(next, 1_000)) } }
            }
            p.acts { a.btn.pri href=(frame.link("/", "")) { "Board" } a.btn href=(frame.link("/feeds", "")) { "Feeds" } }
        }
    };
    page(frame, Page { screen: Screen::Other, title: &what_failed, stream: None, totals: None, tlp: None, main })
}

/// The messages of programs begin small and are strung together by semicolons; on a page they are sentences.
fn sentences(text: &str, most: usize) -> String {
    plain(text, most).split("; ").map(capital).collect::<Vec<_>>().join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_programs_string_together_is_said_in_sentences() {
        let html = error(
            &fixture::frame(),
            400,
            "zoom=9: no such key; expected one of: as_of, at",
            "x",
            "leave it out; or ask",
        );
        assert!(html.contains("Zoom=9: no such key. Expected one of: as_of, at"));
        assert!(html.contains("Leave it out. Or ask") && !html.contains("; "));
    }

    #[test]
    fn an_error_says_what_failed_what_holds_and_what_to_do() {
        let html =
            error(&fixture::frame(), 404, "No incident <script>", "The log is whole", "look for it on the board");
        for part in ["No incident &lt;script&gt;", "404", "The log is whole", "Look for it on the board"] {
            assert!(html.contains(part), "{part}");
        }
    }
}
