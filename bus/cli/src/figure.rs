//! Figures as people write them: `1200`, `~1500`, `1,200..1,500`, `1400@1200..1500`, `8.5M`, `8.5 million`, `0..1%`.
//! Whole numbers throughout; a fraction of a unit or of one part per million is refused, not rounded.

use std::str::FromStr;

use entente_schemas::count::COUNT_MAX;

/// A figure and how sure its writer is of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The figure itself.
    pub value: Option<u64>,
    /// Lower end of the interval.
    pub lo: Option<u64>,
    /// Upper end of the interval.
    pub hi: Option<u64>,
    /// Whether it may have been counted: a number written out to its last unit; anything else is judged.
    pub counted: bool,
}

/// A share, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Lower end.
    pub lo: u32,
    /// Upper end.
    pub hi: u32,
}

const EXPECTED: &str = "expected a figure such as 1200, ~1,500, 1200..1500, 1400@1200..1500, 8.5M or \"8.5 million\"";
const SHARE_EXPECTED: &str = "expected a share such as 80%, 97..99% or 0..1%, in steps of 0.0001%";

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_figure(text.trim()).ok_or_else(|| EXPECTED.to_owned())
    }
}

fn read_figure(text: &str) -> Option<Figure> {
    if let Some((value, interval)) = text.split_once('@') {
        let (value, (lo, hi)) = (number(value)?, ends(interval)?);
        return (lo <= value && value <= hi).then_some(Figure {
            value: Some(value),
            lo: Some(lo),
            hi: Some(hi),
            counted: false,
        });
    }
    if let Some((lo, hi)) = ends(text) {
        return Some(Figure { value: None, lo: Some(lo), hi: Some(hi), counted: false });
    }
    let (about, text) = text.strip_prefix('~').map_or((false, text), |text| (true, text));
    let is_written_out = text.chars().all(|c| !c.is_alphabetic());
    Some(Figure { value: Some(number(text)?), lo: None, hi: None, counted: !about && is_written_out })
}

/// The ends of an interval: `1200..1500`, or with a dash. In `8..9M` it is not said what the 8 are: that is none.
fn ends(text: &str) -> Option<(u64, u64)> {
    let (lo, hi) = ["..", "–", "-"].iter().find_map(|between| text.split_once(between))?;
    let is_plain = |end: &str| end.chars().all(|c| !c.is_alphabetic());
    let ((lo, lo_is_plain), (hi, hi_is_plain)) = ((number(lo)?, is_plain(lo)), (number(hi)?, is_plain(hi)));
    let is_clear = lo == 0 || hi_is_plain || !lo_is_plain;
    (is_clear && lo <= hi).then_some((lo, hi))
}

/// Words and letters behind a number, with the power of ten that they stand for.
const POWERS: [(&str, usize); 9] =
    [("thousand", 3), ("million", 6), ("billion", 9), ("k", 3), ("K", 3), ("m", 6), ("M", 6), ("g", 9), ("G", 9)];

/// A whole number: `1200`, `1,200`, `1_200`, `1.2k`, `8.5M`, `8.5 million`.
pub fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, power) = POWERS
        .iter()
        .find_map(|(word, power)| Some((text.strip_suffix(word)?.trim_end(), *power)))
        .unwrap_or((text, 0));
    scaled(&ungrouped(digits)?, power).filter(|number| *number <= COUNT_MAX)
}

/// Takes the commas out of `1,200,000`. One that does not part thousands may be meant as a decimal point: then the text
/// is no number.
fn ungrouped(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or(text);
    let groups: Vec<&str> = whole.split(',').collect();
    let is_number = match groups.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => {
            (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
        }
        _ => true,
    };
    is_number.then(|| text.replacen(',', "", groups.len() - 1))
}

/// A whole number, for flags.
///
/// # Errors
/// If the text is none.
pub fn whole(text: &str) -> Result<u64, String> {
    number(text.trim()).ok_or_else(|| "expected a whole number such as 1200, 1,200 or 1.2k".to_owned())
}

/// The decimal `text` times ten to the `power`, if that is a whole number.
fn scaled(text: &str, power: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '_');
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > power {
        return None;
    }
    let digits: String = whole.chars().chain(fraction.chars()).filter(char::is_ascii_digit).collect();
    let zeros = u32::try_from(power - fraction.len()).ok()?;
    digits.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(zeros)?)
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_share(text.trim()).ok_or_else(|| SHARE_EXPECTED.to_owned())
    }
}

fn read_share(text: &str) -> Option<Share> {
    let text = text.strip_suffix('%')?.trim_end();
    let (lo, hi) = text.split_once("..").unwrap_or((text, text));
    let (lo, hi) = (per_million(lo)?, per_million(hi)?);
    (lo <= hi).then_some(Share { lo, hi })
}

fn per_million(percent: &str) -> Option<u32> {
    let ppm = scaled(percent.trim_end_matches('%'), 4)?;
    u32::try_from(ppm).ok().filter(|ppm| *ppm <= 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: Option<u64>, lo: Option<u64>, hi: Option<u64>, counted: bool) -> Figure {
        Figure { value, lo, hi, counted }
    }

    #[test]
    fn figures_keep_what_their_writer_said_and_no_more() {
        assert_eq!("1200".parse(), Ok(figure(Some(1_200), None, None, true)));
        assert_eq!("~1_500".parse(), Ok(figure(Some(1_500), None, None, false)));
        assert_eq!("1200..1500".parse(), Ok(figure(None, Some(1_200), Some(1_500), false)));
        assert_eq!("1400@1.2k..1.5k".parse(), Ok(figure(Some(1_400), Some(1_200), Some(1_500), false)));
        assert_eq!("1,234,567".parse(), Ok(figure(Some(1_234_567), None, None, true)));
        for interval in ["1,200..1,500", "1200-1500", "1.2k – 1.5k", "1200 .. 1500"] {
            assert_eq!(interval.parse(), Ok(figure(None, Some(1_200), Some(1_500), false)), "{interval}");
        }
    }

    #[test]
    fn what_is_rounded_was_not_counted() {
        for text in ["8.5M", "8.5 million", "8500k", "8500 thousand", "~8,500,000", "~8.5 M"] {
            assert_eq!(text.parse(), Ok(figure(Some(8_500_000), None, None, false)), "{text}");
        }
    }

    #[test]
    fn what_is_no_figure_is_told_what_was_expected() {
        for text in [
            "",
            "many",
            "-3",
            "1.5",
            "1500..1200",
            "9@1..2",
            "..5",
            "5..",
            "1e9",
            "99999999G",
            "1.2345k",
            "8,5",
            "8,5M",
            "1,20,300",
            "1234,567",
            ",200",
            "1200 units",
            "million",
            "5 or 6",
            "1000+",
            "8..9M",
        ] {
            assert!(text.parse::<Figure>().unwrap_err().contains("1200..1500"), "{text}");
        }
    }

    #[test]
    fn shares_become_parts_per_million_exactly() {
        assert_eq!("80%".parse(), Ok(Share { lo: 800_000, hi: 800_000 }));
        assert_eq!("0..1%".parse(), Ok(Share { lo: 0, hi: 10_000 }));
        assert_eq!("97.5%..99%".parse(), Ok(Share { lo: 975_000, hi: 990_000 }));
        for text in ["80", "101%", "2..1%", "0.00001%", "%", "a%"] {
            assert!(text.parse::<Share>().unwrap_err().contains("80%"), "{text}");
        }
    }
}
