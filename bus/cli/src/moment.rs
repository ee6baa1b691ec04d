//! Times and lengths of time as flags: the one reading of them that addresses have too.

pub use entente_replay::Moment;
use entente_replay::seconds;

/// A length of time, for flags.
///
/// # Errors
/// If the text is none.
pub fn length(text: &str) -> Result<std::time::Duration, String> {
    let milliseconds = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    milliseconds
        .map(std::time::Duration::from_millis)
        .or_else(|| seconds(text).map(std::time::Duration::from_secs))
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "expected a length of time such as 90s, 20m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_needs_a_unit() {
        assert_eq!(length("1s"), Ok(std::time::Duration::from_secs(1)));
        assert_eq!(length("250ms"), Ok(std::time::Duration::from_millis(250)));
        for text in ["", "90", "m", "0s", "1 h", "18446744073709551615d"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
