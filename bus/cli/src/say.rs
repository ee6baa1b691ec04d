//! What is printed: results on standard output, what is being done on standard error. A reader that has gone away ends
//! a command that only prints, without a word; a command that works on goes on unheard.

use std::io::{ErrorKind, Write};

use crate::exit::Failure;

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

/// Says what is being done, or what is wrong while it goes on.
pub fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(text));
}

/// Text from elsewhere as it may reach a terminal: control characters other than line feed and tab are replaced.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
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
        assert_eq!(shown("a\u{1b}[2Jb\r\u{7}\n\tc"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\n\tc");
    }
}
