//! Figures as people write them: `1200`, `~1500`, `1200..1500`, `1400@1200..1500`, `8.5M`, `0..1%`. Whole numbers
//! throughout; a fraction of a unit or of one part per million is refused, not rounded.

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
    /// Whether it was counted: a bare number; anything else is judged.
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

const EXPECTED: &str = "expected a figure such as 1200, ~1500, 1200..1500, 1400@1200..1500 or 8.5M";
const SHARE_EXPECTED: &str = "expected a share such as 80%, 97..99% or 0..1%, in steps of 0.0001%";

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_figure(text.trim()).ok_or_else(|| EXPECTED.to_owned())
    }
}

fn read_figure(text: &str) -> Option<Figure> {
    if let Some((value, interval)) = text.split_once('@') {
        let (lo, hi) = interval.split_once("..")?;
        let (value, lo, hi) = (number(value)?, number(lo)?, number(hi)?);
        return (lo <= value && value <= hi).then_some(Figure {
            value: Some(value),
            lo: Some(lo),
            hi: Some(hi),
            counted: false,
        });
    }
    if let Some((lo, hi)) = text.split_once("..") {
        let (lo, hi) = (number(lo)?, number(hi)?);
        return (lo <= hi).then_some(Figure { value: None, lo: Some(lo), hi: Some(hi), counted: false });
    }
    let (about, text) = text.strip_prefix('~').map_or((false, text), |text| (true, text));
    Some(Figure { value: Some(number(text)?), lo: None, hi: None, counted: !about })
}

/// A whole number, with `_` between digits and `k`, `M` or `G` behind if it is long.
pub fn number(text: &str) -> Option<u64> {
    let (digits, power) = match text.chars().last()? {
        'k' | 'K' => (text.get(..text.len() - 1)?, 3),
        'm' | 'M' => (text.get(..text.len() - 1)?, 6),
        'g' | 'G' => (text.get(..text.len() - 1)?, 9),
        _ => (text, 0),
    };
    scaled(digits, power).filter(|number| *number <= COUNT_MAX)
}

/// A whole number, for flags.
///
/// # Errors
/// If the text is none.
pub fn whole(text: &str) -> Result<u64, String> {
    number(text.trim()).ok_or_else(|| "expected a whole number such as 1200, 1_200 or 1.2k".to_owned())
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
        assert_eq!("8.5M".parse(), Ok(figure(Some(8_500_000), None, None, true)));
    }

    #[test]
    fn what_is_no_figure_is_told_what_was_expected() {
        for text in ["", "many", "-3", "1.5", "1500..1200", "9@1..2", "..5", "5..", "1e9", "99999999G", "1.2345k"] {
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
