//! Numbers as they are printed: a figure and its unit never part at the end of a line.

use std::iter::Peekable;
use std::str::Chars;

use entente_correlator::words;

/// The space within a number: narrow, and no line ends at it.
const WITHIN: char = '\u{202f}';

/// A figure as it is said, in one piece.
pub(crate) fn figure(number: u64) -> String {
    whole(&words::figure(number))
}

/// A sentence whose numbers stay in one piece: `290 000`, `94.8 %`, `1.72 M`.
pub(crate) fn whole(text: &str) -> String {
    let (mut out, mut letters, mut last) = (String::with_capacity(text.len()), text.chars().peekable(), ' ');
    while let Some(letter) = letters.next() {
        let within = matches!(letter, ' ' | '\u{2009}') && last.is_ascii_digit() && goes_on(letters.clone());
        last = if within { WITHIN } else { letter };
        out.push(last);
    }
    out
}

/// Whether what follows a digit and a space belongs to the number: three digits, a percent sign, millions.
fn goes_on(rest: Peekable<Chars<'_>>) -> bool {
    let word: String = rest.take_while(|c| c.is_alphanumeric() || *c == '%').take(4).collect();
    word == "%" || word == "M" || (word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_ends_within_a_number() {
        assert_eq!(figure(290_000), "290\u{202f}000");
        assert_eq!(
            whole("290 000 to 1.72 M VMs, 90.7 % to 94.8 %"),
            "290\u{202f}000 to 1.72\u{202f}M VMs, 90.7\u{202f}% to 94.8\u{202f}%"
        );
        assert_eq!(whole("4 of 5 at 12 1234 and 5 Mbit"), "4 of 5 at 12 1234 and 5 Mbit");
    }
}
