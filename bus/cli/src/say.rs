//! What is printed: results on standard output, what is being done on standard error. A reader that has gone away ends
//! a command that only prints, without a word; a command that works on goes on unheard.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use entente_correlator::words;
use serde_json::json;

use crate::exit::Failure;

/// Whether standard error is for a program: each line of it a JSON object.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Makes every line of standard error a JSON object from now on.
pub fn speak_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Whether standard error is for a program.
pub fn speaks_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Prints a result.
///
/// # Errors
/// If the reader has gone, or the output cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::unheard(),
        _ => Failure::failed(format!("the output cannot be written: {error}"), "free the disk or choose another place"),
    })
}

/// Prints a line, for commands that go on even if nobody reads.
pub fn line(text: &str) {
    let _ = print(&format!("{text}\n"));
}

/// Says what is being done, or what is wrong while it goes on: a line of text, or as JSON `{"note": ...}`.
pub fn progress(text: &str) {
    if speaks_json() { to_stderr(&json!({ "note": text }).to_string()) } else { to_stderr(text) }
}

/// Says why the command failed and what to do: lines of text, or as JSON `{"error": ..., "hint": ..., "exit": ...}`.
pub fn failure(failure: &Failure) {
    if failure.what.is_empty() {
        return;
    }
    if speaks_json() {
        let (error, hint, exit) = (&failure.what, &failure.next, failure.exit as u8);
        return to_stderr(&json!({ "error": error, "hint": hint, "exit": exit }).to_string());
    }
    to_stderr(failure.lines().trim_end());
}

fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(text));
}

/// Text from elsewhere as it may reach a terminal: control characters other than line feed and tab are replaced, marks
/// that turn the direction of what stands around them are left out.
pub fn shown(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars().filter(|c| !words::turns(*c)).map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// A text that ends in a line feed, for texts of the server.
pub fn ending_in_a_line(text: &str) -> String {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{}{end}", shown(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_s_text_cannot_steer_the_terminal() {
        assert_eq!(shown("a\u{202e}b\u{2066}c\u{feff}"), "abc");
        assert_eq!(shown("a\u{1b}[2Jb\r\u{7}\n\tc"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\n\tc");
    }
}
