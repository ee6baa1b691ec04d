//! The moment of a view: `--as-of` says how far the log counts, `--at` what the clock shows.

use clap::Args;

use crate::moment::Moment;
use crate::publish::stamp;

/// Flags of every command that shows the picture.
#[derive(Args, Clone, Debug, Default)]
pub struct ViewFlags {
    /// Count the log only up to this position or time
    #[arg(long, value_name = "POSITION|TIME", allow_hyphen_values = true)]
    as_of: Option<String>,
    /// What the clock shows: ages, overdue and silent follow it (default: now; with --as-of, the last record's time)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl ViewFlags {
    /// The query that asks for this moment. A position is passed on as it is.
    ///
    /// # Errors
    /// What was expected, if `--as-of` is neither a position nor a time.
    pub fn query(&self, now: chrono::DateTime<chrono::Utc>) -> Result<Vec<(&'static str, String)>, String> {
        let mut query = Vec::new();
        if let Some(text) = &self.as_of {
            query.push(("as_of", as_of(text, now)?));
        }
        query.extend(self.at.map(|moment| ("at", stamp(moment.settle(now)))));
        Ok(query)
    }
}

fn as_of(text: &str, now: chrono::DateTime<chrono::Utc>) -> Result<String, String> {
    let is_sequence = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let names_a_stream =
        |part: &str| part.rsplit_once(':').is_some_and(|(stream, n)| stream.starts_with("A_") && is_sequence(n));
    if is_sequence(text) || text.split(',').all(names_a_stream) {
        return Ok(text.to_owned());
    }
    text.parse::<Moment>().map(|moment| stamp(moment.settle(now))).map_err(|expected| {
        format!("--as-of: `{text}`: expected a position such as 120, or {}", expected.trim_start_matches("expected "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_pass_and_times_are_settled() {
        let now = "2024-07-19T05:00:00Z".parse().unwrap();
        assert_eq!(as_of("120", now).unwrap(), "120");
        assert_eq!(as_of("A_actual_all:120,A_actual_g1:7", now).unwrap(), "A_actual_all:120,A_actual_g1:7");
        assert_eq!(as_of("04:09", now).unwrap(), "2024-07-19T04:09:00Z");
        assert!(as_of("yesterday", now).unwrap_err().contains("a position such as 120, or a time"));
    }
}
